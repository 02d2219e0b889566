"""A text clause by clause in plain words: what is held against what, where, from when, and where it was read."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import assert_never
from zoneinfo import ZoneInfo

from truceline.model.agreement import Agreement
from truceline.model.conduct import ActDomain
from truceline.model.in_force import OPEN_END, InForce
from truceline.model.provision import (
    Ceiling,
    ConditionalPermission,
    Duty,
    Exemption,
    Freeze,
    Prohibition,
    Provision,
    ResponseLadder,
    Reversal,
    Verification,
    Withdrawal,
)
from truceline.model.zone import Area, Belt, BetweenLines, BetweenPlaces, Sites, Unmapped, Zone

WIDTH_COUNT = 100
"""How many characters a line of the text has at most."""

DOMAIN_PHRASES: dict[ActDomain, str] = {"land": "on land", "air": "in the air", "sea": "at sea"}
"""Where acts of each domain happen, in words."""

RELEASE_PHRASES = {
    "other_party": "the other party is released from",
    "both_parties": "both parties are released from",
    "schedule_suspended": "the schedule stands still for",
}
"""What a reversal does, in words."""


def agreement_text(agreement: Agreement) -> str:
    """Write a whole text: its head, then zones, terms, steps, and every clause."""
    return "\n".join([*_head(agreement), *_parts(agreement), *_clauses(agreement)]) + "\n"


def _head(agreement: Agreement) -> Iterator[str]:
    by = f", version of {agreement.version_by}" if agreement.version_by else ""
    yield f"{agreement.title} ({agreement.agreement_id} {agreement.version}{by})"
    yield f"between {agreement.parties[0]} and {agreement.parties[1]}"
    if agreement.amends:
        yield f"a layer on {agreement.amends}"
    if agreement.in_force is not None:
        yield f"in force {force_text(agreement.in_force)}"
    for window in agreement.windows:
        yield f"window {window.window_id}: {_when(window.span.start)} to {_when(window.span.end)} UTC"
    for actor in agreement.third_actors:
        yield f"{actor.role}: {actor.title} ({actor.actor_id})"
    for body in agreement.bodies:
        yield f"body: {body.title} ({body.body_id}){': ' if body.tasks else ''}{', '.join(body.tasks)}"


def _parts(agreement: Agreement) -> Iterator[str]:
    yield from _places(agreement)
    for term in agreement.definitions:
        yield f"term {term.definition_id}: {term.term} is {term.standing}: {term.statement}"
        yield from (
            f"    {'as ' + one.party if one.party else 'one'} reads it: {one.statement}" for one in term.readings
        )
    for protected in agreement.object_classes:
        listed = "" if protected.list_published else ", list not published"
        yield f"objects {protected.object_class_id}: {protected.title}{listed}"
    for stage in agreement.stages:
        limit = _period(stage.complete_within_days, stage.complete_within_hours)
        yield f"step {stage.stage_id}: {stage.title}{', complete within ' + limit if limit else ''}"
    for wanted in agreement.preconditions:
        acts = _listed(wanted.resets_on_acts)
        yield f"precondition {wanted.precondition_id}: {wanted.title} ({wanted.quiet_days:g} days without {acts})"


def _places(agreement: Agreement) -> Iterator[str]:
    for entry in agreement.reference_lines:
        yield f"depths of {entry.party} are measured from the line {entry.line_id}"
    for line in agreement.lines:
        drawn = agreement.geometry(line.drawn) if line.drawn else None
        how = "taken from dated contact lines" if line.series else "not drawn"
        if drawn is not None:
            how = f"{'approximate, ' if drawn.approximate else ''}drawn to {drawn.sigma_m:.0f} m (1 sigma)"
        yield f"line {line.line_id}: {line.title} ({how})"
    for zone in agreement.zones:
        yield f"zone {zone.zone_id}: {zone.title or zone.zone_id} ({zone_text(zone)})"


def _clauses(agreement: Agreement) -> Iterator[str]:
    titles = {source.source_id: source.title for source in agreement.sources}
    for provision in agreement.provisions:
        yield ""
        yield f"[{provision.provision_id}] {provision.article}"
        yield from _wrapped(provision.summary)
        yield from _wrapped(f"held as: {clause_text(provision, agreement)}")
        yield from _wrapped(f"binds {_ids(provision.parties or agreement.parties)}; {_force_of(provision, agreement)}")
        if provision.definition_ids or provision.stage_id or provision.precondition_ids:
            leans = [*provision.definition_ids, *filter(None, [provision.stage_id]), *provision.precondition_ids]
            yield from _wrapped(f"depends on {_ids(leans)}")
        if provision.replaces_provision_ids:
            yield from _wrapped(f"in the place of {_ids(provision.replaces_provision_ids)}")
        read = "; ".join(titles.get(source_id, source_id) for source_id in provision.source_ids)
        yield from _wrapped(f"read in ({provision.basis.replace('_', ' ')}): {read}")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH_COUNT, initial_indent="    ", subsequent_indent="      ")


def clause_text(provision: Provision, agreement: Agreement) -> str:
    """Say in one sentence what a clause is held against, from its fields alone."""
    match provision:
        case Prohibition():
            return _prohibition(provision, agreement)
        case Withdrawal():
            moved = provision.weapons.title if provision.weapons else "forces"
            kept = f", or stands in {_ids(provision.storage_zone_ids)}" if provision.storage_zone_ids else ""
            return f"{moved}: outside of {_ids(provision.zone_ids)}{kept}"
        case Ceiling():
            where = _ids(provision.zone_ids)
            return f"no more than {provision.ceiling_count:g} {provision.item} in {where}, each party"
        case Freeze():
            day, beyond = provision.positions_as_of, f"{provision.tolerance_m:g} m"
            return f"nobody is beyond {provision.line_id} as of {day} by more than {beyond}"
        case _:
            return _procedure(provision)


def _procedure(
    provision: Exemption | ConditionalPermission | Duty | Reversal | Verification | ResponseLadder,
) -> str:
    match provision:
        case Exemption():
            return _exemption(provision)
        case ConditionalPermission():
            shown = _listed(provision.conditions) or "what the text does not say"
            return f"{_listed(provision.acts)} is permitted if documents show: {shown}"
        case Duty():
            limit = _period(provision.due_within_days, provision.due_within_hours)
            return f"{provision.task}{' within ' + limit if limit else ''} (documents, not sensors)"
        case Reversal():
            freed = _ids(provision.released_provision_ids)
            return f"after {_listed(provision.on_acts) or 'a breach'}, {RELEASE_PHRASES[provision.release]} {freed}"
        case Verification():
            return _verification(provision)
        case ResponseLadder():
            rungs = [f"{rung.rung_index} {rung.title}{_within(rung.within_hours)}" for rung in provision.rungs]
            return f"{'steps before force' if provision.is_procedure else 'answers, flags only'}: {'; '.join(rungs)}"
        case _:
            assert_never(provision)


def _prohibition(clause: Prohibition, agreement: Agreement) -> str:
    words = [f"no {_listed(clause.acts, last='or')}"]
    if clause.weapons is not None:
        words.append(f"with {clause.weapons.title}")
    if clause.domains:
        words.append(_listed([DOMAIN_PHRASES[domain] for domain in clause.domains]))
    if clause.object_class_ids:
        words.append(f"against {_ids(clause.object_class_ids)}")
    words.append(f"in {_ids(clause.zone_ids)}" if clause.zone_ids else "anywhere")
    if clause.actor_ids:
        words.append(f"(also by {_ids(clause.actor_ids)})")
    if clause.unit_size_low:
        words.append(f"from a {clause.unit_size_low} up")
    if clause.excepted_actor_ids:
        titles = {actor.actor_id: actor.title for actor in agreement.third_actors}
        words.append(f"except by {_ids([titles.get(one, one) for one in clause.excepted_actor_ids])}")
    return " ".join(words)


def _exemption(clause: Exemption) -> str:
    reasons = [*clause.purposes, *clause.actor_ids] or ["notified activities"]
    notice = ""
    if clause.notification_needed:
        lead = f" {clause.lead_time_hours:g} hours before" if clause.lead_time_hours else ""
        notice = f", after notification{lead}{' and acknowledgement' if clause.acknowledgement_needed else ''}"
    return f"{_listed(clause.acts)} passes for {_listed(reasons)}{notice}"


def _verification(clause: Verification) -> str:
    rates = [
        f"every {clause.every_days:g} days" if clause.every_days else "",
        f"{clause.per_month_low_count:g} times a month or more" if clause.per_month_low_count else "",
        f"within {clause.on_request_within_hours:g} hours of a request" if clause.on_request_within_hours else "",
        f"reporting every {clause.report_every_days:g} days" if clause.report_every_days else "",
        "against inventories" if clause.inventory_needed else "",
    ]
    return f"{clause.body_id} verifies {_listed([rate for rate in rates if rate])}".rstrip()


def _force_of(provision: Provision, agreement: Agreement) -> str:
    if provision.in_force is not None:
        return f"in force {force_text(provision.in_force)}"
    if provision.window_ids:
        return f"in force in {_ids(provision.window_ids)}"
    return "in force with the text" if agreement.in_force is not None else "in force in every window"


def force_text(rule: InForce) -> str:
    """Say when something holds, in its own time zone."""
    if rule.start is None or rule.span is None:
        return f"once {rule.trigger} (not dated yet)"
    start = f"from {_when(rule.start, rule.timezone_name)}"
    if rule.span.end == OPEN_END:
        return f"{start} {rule.timezone_name}, until further notice"
    return f"{start} to {_when(rule.span.end, rule.timezone_name)} {rule.timezone_name}"


def zone_text(zone: Zone) -> str:
    """Say how a zone is measured."""
    match zone:
        case Belt():
            halved = f" ({zone.width_total_m / 1000:g} km in all, halved)" if zone.width_total_m is not None else ""
            cut = f", markers {zone.marker_from_index} to {zone.marker_until_index}" if zone.marker_until_index else ""
            line = zone.line_id or "each party's own line"
            return f"{zone.depth_low_m / 1000:g} to {zone.depth_m / 1000:g} km{halved} from {line}{cut}"
        case Area():
            return f"drawn{': ' + zone.admin_name if zone.admin_name else ''}"
        case Sites():
            return f"within {zone.radius_m / 1000:g} km of {_ids(zone.names) or 'the sites drawn'}"
        case BetweenLines():
            return f"between the lines {zone.line_ids[0]} and {zone.line_ids[1]}"
        case BetweenPlaces():
            return f"{zone.half_width_m / 1000:g} km to each hand of the way from {zone.names[0]} to {zone.names[1]}"
        case Unmapped():
            return f"cannot be measured: {zone.lacking}"
        case _:
            assert_never(zone)


def _listed(words: Sequence[str], last: str = "and") -> str:
    """List words of the form in plain words: their underscores are spaces."""
    return _ids([word.replace("_", " ") for word in words], last)


def _ids(names: Sequence[str], last: str = "and") -> str:
    """List names as they are written."""
    return f" {last} ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def _period(days: float | None, hours: float | None) -> str:
    return f"{days:g} days" if days is not None else f"{hours:g} hours" if hours is not None else ""


def _within(hours: float | None) -> str:
    return "" if hours is None else f" (within {hours:g} hours)"


def _when(moment: datetime, timezone_name: str = "UTC") -> str:
    return f"{moment.astimezone(ZoneInfo(timezone_name)):%Y-%m-%d %H:%M}"

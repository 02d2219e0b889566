"""Everything that a text names exists: parties, lines, zones, terms, weapons, sources, steps and bodies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from truceline.adapters.agreement_draft import PART_IDS, Draft
from truceline.adapters.agreement_records import nearest, zone_of
from truceline.adapters.agreement_yaml import Place
from truceline.model.agreement import Theatre
from truceline.model.in_force import InForce
from truceline.model.provision import Provision
from truceline.model.weapon import WeaponCatalogue, WeaponTerm
from truceline.model.zone import AgreedLine, Belt, BetweenLines

NAMED_BY_CLAUSES = {
    "source_ids": "sources",
    "window_ids": "windows",
    "definition_ids": "definitions",
    "precondition_ids": "preconditions",
    "stage_id": "stages",
    "replaces_provision_ids": "provisions",
    "zone_ids": "zones",
    "storage_zone_ids": "zones",
    "object_class_ids": "object_classes",
    "actor_ids": "third_actors",
    "excepted_actor_ids": "third_actors",
    "excepts_provision_ids": "provisions",
    "released_provision_ids": "provisions",
    "line_id": "lines",
    "body_id": "bodies",
    "notify_body_id": "bodies",
    "to_body_id": "bodies",
}
"""Which field of a clause names what."""

NAMED_BY_PARTS = {
    "zones": {"line_id": "lines", "line_ids": "lines"},
    "definitions": {"source_ids": "sources"},
    "stages": {"after_stage_id": "stages", "precondition_id": "preconditions"},
    "preconditions": {"zone_ids": "zones"},
}
"""Which field of another part names what."""


def check_references(draft: Draft, theatre: Theatre, catalogue: WeaponCatalogue) -> None:
    """Note everything that a text names and that does not exist, and every name given twice."""
    _check_names_given_once(draft)
    parties = _parties_of(draft, theatre)
    for place, provision in draft.parts("provisions"):
        _check_clause(draft, provision, place)
        _check_known(draft, provision.parties, parties, (*place, "parties"))
        _check_weapons(draft, getattr(provision, "weapons", None), catalogue, (*place, "weapons"))
    for part, fields in NAMED_BY_PARTS.items():
        for place, item in draft.parts(part):
            _check_fields(draft, item, fields, place)
    _check_lines(draft, parties)
    _check_readings(draft, parties)
    _check_windows(draft, theatre)
    _check_stages_end(draft)
    _check_zones_of_time(draft)


def _check_names_given_once(draft: Draft) -> None:
    for part in PART_IDS:
        for name, count in Counter(draft.own_ids(part)).items():
            if count > 1:
                last = max(i for i, own in enumerate(draft.document.content[part]) if name in _values(own))
                draft.note((part, last), f"{PART_IDS[part]}={name!r} stands {count} times")


def _values(item: object) -> list[object]:
    return list(item.values()) if isinstance(item, dict) else []


def _parties_of(draft: Draft, theatre: Theatre) -> tuple[str, ...]:
    """Give the parties of the text, after holding that the theatre has them."""
    parties = draft.values.get("parties", theatre.parties)
    if not isinstance(parties, tuple):
        return theatre.parties
    _check_known(draft, parties, theatre.parties, ("parties",))
    version_by = draft.values.get("version_by")
    _check_known(draft, [version_by] if isinstance(version_by, str) else [], parties, ("version_by",))
    return parties


def _check_clause(draft: Draft, provision: Provision, place: Place) -> None:
    if not provision.source_ids:
        draft.note((*place, "source_ids"), f"{provision.provision_id}: provision without source (source_ids is empty)")
    _check_fields(draft, provision, NAMED_BY_CLAUSES, place)
    if provision.provision_id in provision.replaces_provision_ids and not draft.bases:
        draft.note(place, f"{provision.provision_id}: replaces itself")
    scopes = {window.covered_domain_ids for _, window in draft.parts("windows")}
    if len(scopes) > 1 and not (provision.window_ids or provision.in_force):
        draft.note(place, f"{provision.provision_id}: windows differ in scope; name its window_ids")


def _check_fields(draft: Draft, item: object, fields: dict[str, str], place: Place) -> None:
    """Hold that every name in the fields of one item stands in the part it should stand in."""
    for field, part in fields.items():
        given = getattr(item, field, None)
        names = [given] if isinstance(given, str) else list(given or ())
        _check_known(draft, names, draft.known_ids(part), (*place, field), what=PART_IDS[part])


def _check_known(draft: Draft, names: Iterable[str], known: Iterable[str], place: Place, *, what: str = "") -> None:
    listed = sorted(set(known))
    for name in names:
        if name not in listed:
            among = ", ".join(listed) if listed else "none"
            said = f"{what or place[-1]}={name!r} is not among {among}{nearest(name, listed)}"
            draft.note(place, said if len(said) < 400 else f"{said[:400]}...")


def _check_weapons(draft: Draft, term: WeaponTerm | None, catalogue: WeaponCatalogue, place: Place) -> None:
    known = [entry.type_id for entry in catalogue.types]
    for type_id in (*term.type_ids, *term.excluded_type_ids) if term is not None else ():
        if type_id not in known:
            said = f"unknown weapon {type_id!r}: not among the {len(known)} types of the weapons catalogue"
            draft.note(place, said + nearest(type_id, known))


def _check_lines(draft: Draft, parties: tuple[str, ...]) -> None:
    for place, line in draft.parts("lines"):
        _check_known(draft, [line.left_party] if line.left_party else [], parties, (*place, "left_party"))
    entries = draft.values.get("reference_lines", ())
    entries = entries if isinstance(entries, tuple) else ()
    for index, entry in enumerate(entries):
        place = ("reference_lines", index)
        _check_known(draft, [entry.party], parties, (*place, "party"))
        _check_known(draft, [entry.line_id], draft.known_ids("lines"), (*place, "line_id"))
    named = Counter(entry.party for entry in entries)
    for party in (party for party, count in named.items() if count > 1):
        draft.note(("reference_lines",), f"party={party!r} has {named[party]} reference lines, the limit is 1")
    below = {entry.party for base in draft.bases for entry in base.reference_lines}
    for place, zone in draft.parts("zones"):
        _check_known(draft, getattr(zone, "parties", ()), parties, (*place, "parties"))
        _check_belt(draft, zone, place, without_line=set(parties) - set(named) - below)


def _check_belt(draft: Draft, zone: object, place: Place, *, without_line: set[str]) -> None:
    """Hold that a zone at lines can be measured: it names a line, or its parties have a reference line."""
    if isinstance(zone, BetweenLines) and zone.line_ids[0] == zone.line_ids[1]:
        draft.note((*place, "line_ids"), f"{zone.zone_id}: line_ids name one line twice")
    if not isinstance(zone, Belt):
        return
    lacking = sorted(without_line & set(zone.parties or without_line)) if zone.line_id is None else []
    if lacking:
        draft.note(place, f"{zone.zone_id}: line_id is missing, and {', '.join(lacking)} have no reference line")
    line = None if zone.line_id is None else draft.inherited("lines", zone.line_id)
    if line is not None and zone.marker_from_index is not None and zone.marker_until_index is not None:
        _check_markers(draft, line, (zone.marker_from_index, zone.marker_until_index), place)


def _check_markers(draft: Draft, line: AgreedLine, asked: tuple[int, int], place: Place) -> None:
    first, last = line.marker_first_index, line.marker_last_index
    if first is None or last is None:
        draft.note(place, f"{line.line_id} has no numbered markers")
    elif asked[0] < first or asked[1] > last:
        said = f"markers [{asked[0]}, {asked[1]}] are outside [{first}, {last}], which {line.line_id} covers"
        draft.note((*place, "marker_from_index"), said)


def _check_readings(draft: Draft, parties: tuple[str, ...]) -> None:
    for place, definition in draft.parts("definitions"):
        if not definition.source_ids:
            draft.note((*place, "source_ids"), f"{definition.definition_id}: definition without source")
        for index, reading in enumerate(definition.readings):
            where = (*place, "readings", index)
            _check_known(draft, [reading.party] if reading.party else [], parties, (*where, "party"))
            _check_fields(draft, reading, {"covers_object_class_ids": "object_classes"}, where)
            for substitution in reading.substitutions:
                _check_fields(draft, substitution, {"zone_id": "zones", "by_zone_id": "zones"}, where)


def _check_windows(draft: Draft, theatre: Theatre) -> None:
    known = [domain.domain_id for domain in theatre.domains]
    for place, window in draft.parts("windows"):
        _check_known(draft, window.covered_domain_ids, known, (*place, "covered_domain_ids"))


def _check_stages_end(draft: Draft) -> None:
    """Hold that no stage waits, over others, for itself."""
    after = {stage.stage_id: stage.after_stage_id for _, stage in draft.parts("stages")}
    for place, stage in draft.parts("stages"):
        seen, step = [stage.stage_id], stage.after_stage_id
        while step is not None and step not in seen:
            seen.append(step)
            step = after.get(step)
        if step == stage.stage_id and len(seen) > 1:
            draft.note(place, f"stages wait for each other in a circle: {' -> '.join([*seen, step])}")


def _check_zones_of_time(draft: Draft) -> None:
    rules: list[tuple[Place, InForce | None]] = [(("in_force",), draft.values.get("in_force"))]
    for place, provision in draft.parts("provisions"):
        rules.append(((*place, "in_force"), provision.in_force))
        rules.append(((*place, "due"), getattr(provision, "due", None)))
    for place, rule in rules:
        if isinstance(rule, InForce) and zone_of(rule.timezone_name) is None:
            draft.note(place, f"time zone {rule.timezone_name!r} does not exist")

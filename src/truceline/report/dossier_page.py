"""Dossier -> one page that says why: the answer, what points to whom and how far, and what would change it.

For those who work on the case; a dossier holds exact positions, so its page is not a release.
"""

from __future__ import annotations

import math
from typing import assert_never

import msgspec

from truceline.model.attribution import Attribution, LedgerItem, LedgerRow
from truceline.model.dossier import Dossier, EvidenceHash
from truceline.model.finding import Compliant, Exempt, Finding, Indeterminate, PotentialViolation
from truceline.model.likelihood import likelihood_phrase
from truceline.model.quantity import Position
from truceline.report.templating import environment

AXIS_LEAST_LOG_RATIO = math.log(10.0)
"""The bars' axis reaches at least ten to one either way, so that weak evidence looks weak."""

BAR_HALF_PX = 150.0
"""Length of the longest bar, in the units of its drawing."""

TICK_MOST_COUNT = 3
"""How many marks the axis has each way."""

RATIO_SHOWN_MOST_RATIO = 10_000.0
"""Beyond this a ratio is written as more than that: the numbers behind it do not carry further digits."""

LEVEL_LOG_RATIO = 0.005
"""What moves the odds by less than half a percent moves nothing that is worth a direction."""

HASH_SHOWN_COUNT = 12
"""How many digits of a hash stand on the page; the dossier has all of them."""

TIER_WORDS = {
    "undetermined": "undetermined",
    "indicated": "indicated, the lowest of three",
    "assessed": "assessed, the middle one of three",
    "assessed_high": "assessed high, the highest of three",
}

BASIS_WORDS = {
    "measured": "measured on data",
    "seen": "seen in a source",
    "guess": "a guess until it is measured",
    "policy": "policy",
}


MODALITY_WORDS = {
    "patrol_report": "patrol's report",
    "media_report": "news report",
    "party_claim": "party's claim",
    "statement": "statement",
    "detection": "sensors",
    "thermal": "heat seen from space",
}
"""Kinds of records as people call them; a kind that is not listed is shown as it is."""

READING_WORDS = {
    "place": "What comes down on a party's ground was mostly fired by the other; what goes out from it, by its holder.",
    "expected_detection_absent": "A launch near them would probably have been noticed.",
    "party_blames_other": "Parties blame and deny nearly whatever happened, so this moves little.",
    "party_denies": "Parties blame and deny nearly whatever happened, so this moves little.",
}
"""Why items of a type point where they point, where that does not go without saying; each fits either party."""

WORD_TYPES = frozenset(
    {
        "party_blames_other",
        "party_denies",
        "party_admits_or_claims",
        "third_party_media_names_party",
        "international_mission_statement",
        "intercept_released_by_a_party",
        "intercept_independently_authenticated",
    }
)
"""Types of items that are words: all of them together move the odds no farther than one limit."""


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One signed bar: where it starts, how long it is, and in words how far it moves whose odds."""

    left_px: float
    width_px: float
    words: str


class PageLine(msgspec.Struct, frozen=True, kw_only=True):
    """One item of a row: what it says, and who stands behind it."""

    words: str
    behind: str


class PageRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the ledger as it is shown.

    `merged_words` says where it is a share of several, `turned_words` why it points elsewhere than by itself; else both
    are empty. `reading_words` says why such evidence points where it points, where that needs saying.
    """

    row: LedgerRow
    bar: Bar
    lines: tuple[PageLine, ...]
    reading_words: tuple[str, ...]
    merged_words: str
    turned_words: str
    alone_words: str
    basis_words: str


class AccountRow(msgspec.Struct, frozen=True, kw_only=True):
    """One account of what happened, with its probability and the length of its bar in percent."""

    words: str
    probability: float
    share_percentile: float


class DossierPage(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the page shows besides the dossier itself; the first of `parties` is that of rightward bars.

    `read_count` counts records that are no part of the event and stand in a row; `aside` are those that stand in none.
    """

    parties: tuple[str, str]
    verdict: str
    verdict_note: str
    finding_words: str
    moving: tuple[PageRow, ...]
    priors: tuple[LedgerRow, ...]
    policy: tuple[LedgerRow, ...]
    total: Bar
    ticks: tuple[tuple[float, str], ...]
    accounts: tuple[AccountRow, ...]
    read_count: int
    aside: tuple[EvidenceHash, ...]


def render_dossier(dossier: Dossier) -> str:
    """Give the page as HTML that opens offline, without scripts or anything from outside."""
    template = environment(markup=True).get_template("dossier.html.j2")
    return template.render(
        dossier=dossier,
        page=page_of(dossier),
        synthetic=dossier.synthetic,
        page_title=title_of(dossier),
        tier_words=TIER_WORDS[dossier.attribution.tier],
        hash_shown_count=HASH_SHOWN_COUNT,
        bar_half_px=BAR_HALF_PX,
        phrase=likelihood_phrase,
        place_words=place_words(dossier.event.origin_position),
        probability_words=probability_words,
    )


def title_of(dossier: Dossier) -> str:
    """Say what the page is about: the kind of event, and where, in the event's own words."""
    event = dossier.event
    kind = "event of unreported kind" if event.event_type == "not reported" else event.event_type
    heard = f" ({event.observed_as})" if event.observed_as not in {"not reported", "undetermined"} else ""
    where = f", {event.place_name}" if event.place_name else ""
    return f"{kind[0].upper()}{kind[1:]}{heard}{where}"


def page_of(dossier: Dossier) -> DossierPage:
    """Lay a dossier out; exchanging the parties in it mirrors bars and exchanges names, and nothing else."""
    attribution = dossier.attribution
    first, second = (entry.party for entry in attribution.probabilities[:2])
    parties = (first, second)
    moving = [row for row in attribution.ledger if row.items]
    reach_log_ratio = max(
        [AXIS_LEAST_LOG_RATIO, abs(attribution.log_odds_ratio), *(abs(row.context_log_ratio) for row in moving)]
    )
    ordered = sorted(moving, key=lambda row: (-abs(row.context_log_ratio), row.cluster_id))
    verdict, note = verdict_of(attribution)
    read = {name for row in moving for item in row.items for name in item.observation_ids}
    return DossierPage(
        parties=parties,
        verdict=verdict,
        verdict_note=note,
        finding_words=finding_words(dossier.finding),
        moving=tuple(row_of(row, bar_of(row.context_log_ratio, reach_log_ratio, parties), parties) for row in ordered),
        priors=tuple(row for row in attribution.ledger if not row.items and row.basis != "policy"),
        policy=tuple(row for row in attribution.ledger if not row.items and row.basis == "policy"),
        total=bar_of(attribution.log_odds_ratio, reach_log_ratio, parties),
        ticks=ticks_of(reach_log_ratio),
        accounts=accounts_of(attribution),
        read_count=len(read - {entry.observation_id for entry in dossier.used}),
        aside=tuple(entry for entry in dossier.known_not_used if entry.observation_id not in read),
    )


def row_of(row: LedgerRow, bar: Bar, parties: tuple[str, str]) -> PageRow:
    """Lay one row out."""
    readings = (READING_WORDS[item.item_type] for item in row.items if item.item_type in READING_WORDS)
    return PageRow(
        row=row,
        bar=bar,
        lines=tuple(line_of(item) for item in row.items),
        reading_words=tuple(dict.fromkeys(readings)),
        merged_words=merged_words(row),
        turned_words=turned_words(row, parties),
        alone_words=ratio_words(row.alone_log_ratio, parties),
        basis_words=BASIS_WORDS[row.basis],
    )


def turned_words(row: LedgerRow, parties: tuple[str, str]) -> str:
    """Say why a row points to one party by itself and to the other among all rows; empty where it does not.

    Words add up but for the limit on all of them together, so that words alone turn by that limit only; other rows
    turn by what the rest says of where it was launched, or by limits too.
    """
    alone, context = row.alone_log_ratio, row.context_log_ratio
    if min(abs(alone), abs(context)) < LEVEL_LOG_RATIO or (alone > 0.0) == (context > 0.0):
        return ""
    towards, other = parties if alone > 0.0 else parties[::-1]
    begun = f"By itself it moves the odds {ratio_words(alone, parties)}."
    if merged_words(row):
        return f"{begun} It is shown as its share of several weak rows, which together point to {other}."
    if all(item.item_type in WORD_TYPES for item in row.items):
        return (
            f"{begun} But all words together have one limit. These take up room in it and say little of which party it"
            f" was, so that the other words, which say more, count for less: that takes away from {towards}."
        )
    return f"{begun} Read beside the other rows, on where it was fired from above all, it fits {other} better."


def line_of(item: LedgerItem) -> PageLine:
    """Say what an item says and who stands behind it, its kind of record as people call it."""
    kind = MODALITY_WORDS.get(item.modality, item.modality)
    said = item.statement.removeprefix(f"{item.modality} of ")
    words = item.statement if said == item.statement else f"{kind} of {said}"
    return PageLine(words=words, behind=f"{item.operator}; {kind}")


def merged_words(row: LedgerRow) -> str:
    """Give what a row says beyond its items: that it is a share of several taken together; empty where it is not."""
    own = "; ".join(item.statement for item in row.items)
    return row.statement.removeprefix(own).strip(" ()") if row.statement.startswith(own) else row.statement


def verdict_of(attribution: Attribution) -> tuple[str, str]:
    """Give the answer in one sentence, and what stands behind it; the confidence is told elsewhere."""
    party = attribution.indicated_party
    if party is None:
        return (
            "Undetermined",
            f"No party is named: {attribution.reason}. That is a full answer: what is known does not suffice to say"
            " whose conduct this was.",
        )
    probability = attribution.probability_of(party)
    sentence = (
        f"That this was conduct of {party} is {likelihood_phrase(probability)} ({probability_words(probability)})"
    )
    return sentence, f"Level: {TIER_WORDS[attribution.tier]}. Basis: {attribution.reason}."


def finding_words(finding: Finding) -> str:
    """Say in one sentence how the event stands to the clause it was held against."""
    clause = f"{finding.provision_id or 'no clause'} of {finding.agreement_id}"
    match finding:
        case PotentialViolation():
            words = f"{likelihood_phrase(finding.probability)} ({probability_words(finding.probability)})"
            return f"Potential violation of {clause}: {words}, whoever caused it."
        case Indeterminate():
            return f"Held against {clause}: cannot be assessed, for lack of {', '.join(finding.lacking)}."
        case Exempt():
            return f"Held against {clause}: exempt."
        case Compliant():
            return f"Held against {clause}: {finding.reason}."
        case _:  # pragma: no cover - the set is closed
            assert_never(finding)


def ratio_words(log_ratio: float, parties: tuple[str, str]) -> str:
    """Say how far a row moves the odds, and towards whom: `4.3 times towards B`."""
    if abs(log_ratio) < LEVEL_LOG_RATIO:
        return "moves neither"
    ratio = math.exp(min(abs(log_ratio), 100.0))
    if ratio > RATIO_SHOWN_MOST_RATIO:
        return f"more than {RATIO_SHOWN_MOST_RATIO:,.0f} times towards {parties[0] if log_ratio > 0.0 else parties[1]}"
    shown = f"{ratio:,.0f}" if ratio >= 100.0 else f"{ratio:.3g}" if ratio >= 10.0 else f"{ratio:.2f}"
    return f"{shown} times towards {parties[0] if log_ratio > 0.0 else parties[1]}"


def bar_of(log_ratio: float, reach_log_ratio: float, parties: tuple[str, str]) -> Bar:
    """Give the bar of a row: to the right for the first party, to the left for the second, as long as its logarithm."""
    width_px = round(BAR_HALF_PX * abs(log_ratio) / reach_log_ratio, 2)
    left_px = BAR_HALF_PX if log_ratio >= 0.0 else BAR_HALF_PX - width_px
    return Bar(left_px=round(left_px, 2), width_px=width_px, words=ratio_words(log_ratio, parties))


def ticks_of(reach_log_ratio: float) -> tuple[tuple[float, str], ...]:
    """Give where the axis is marked: even, and both ways at up to three powers of ten, evenly apart."""
    powers_count = math.floor(reach_log_ratio / math.log(10.0) + 1e-9)
    step = math.ceil(powers_count / TICK_MOST_COUNT)
    ticks = [(BAR_HALF_PX, "even")]
    for power in range(step, powers_count + 1, step):
        offset_px = BAR_HALF_PX * power * math.log(10.0) / reach_log_ratio
        label = f"{10**power:,}" if power < 6 else f"{10 ** (power - 6):,} million"
        ticks += [(BAR_HALF_PX - offset_px, label), (BAR_HALF_PX + offset_px, label)]
    return tuple((round(place_px, 2), label) for place_px, label in sorted(ticks))


def probability_words(probability: float) -> str:
    """Write a probability with two digits; nothing is written as certain or impossible."""
    if probability > 0.995:
        return "above 0.99"
    return "below 0.01" if probability < 0.005 else f"{probability:.2f}"


def place_words(position: Position) -> str:
    """Write a place with the radius about it in which it lies with some 86 % (two sigma per axis)."""
    north = "N" if position.latitude_deg >= 0.0 else "S"
    east = "E" if position.longitude_deg >= 0.0 else "W"
    radius_m = 2.0 * position.sigma_m
    about = f"within about {radius_m:,.0f} m" if radius_m < 1_000.0 else f"within about {radius_m / 1e3:,.3g} km"
    return f"{abs(position.latitude_deg):.4f}° {north}, {abs(position.longitude_deg):.4f}° {east}, {about}"


def accounts_of(attribution: Attribution) -> tuple[AccountRow, ...]:
    """Give every account, the likeliest first: that nothing else was thought of is not said by leaving it out."""
    words = {
        "across_line": "{party} fired across the line",
        "own_ground": "{party} caused it on its own ground: misfire, accident or staged",
        "neither": "neither party: somebody else, old ordnance, nature, or no such event",
    }
    return tuple(
        AccountRow(
            words=words[account.hypothesis].format(party=account.party),
            probability=account.probability,
            share_percentile=round(100.0 * account.probability, 1),
        )
        for account in sorted(attribution.hypotheses, key=lambda account: -account.probability)
    )

"""The dossier page says what the record says: the answer, bars that add up, both parties alike, nothing besides."""

from __future__ import annotations

import math
import re

import msgspec
import pytest
from markupsafe import escape

from laws.attribution_cases import CATALOGUE, FIELD, MEDIA, MISSION, case
from truceline.attribute.decide import decide_cases
from truceline.model.finding import Compliant, Exempt, Indeterminate
from truceline.model.quantity import Position
from truceline.report.dossier_page import (
    AXIS_LEAST_LOG_RATIO,
    BAR_HALF_PX,
    WORD_TYPES,
    bar_of,
    finding_words,
    line_of,
    merged_words,
    page_of,
    place_words,
    probability_words,
    ratio_words,
    render_dossier,
    ticks_of,
    title_of,
    turned_words,
)
from unit.report.dossier_examples import (
    BLAMES,
    answer,
    assessed,
    bound,
    finding,
    mirrored,
    turned,
    turned_mirrored,
    undetermined,
)

PARTIES = ("A", "B")


def test_the_bars_add_up_to_the_last_one() -> None:
    """Signed lengths of the rows sum to that of the whole, to the hundredth of a unit per row."""
    page = page_of(assessed())
    signed = [(1 if entry.row.context_log_ratio >= 0 else -1) * entry.bar.width_px for entry in page.moving]

    assert page.total.width_px == pytest.approx(sum(signed), abs=0.01 * (len(signed) + 1))
    assert {True, False} == {length > 0 for length in signed}


def test_exchanging_the_parties_mirrors_every_bar() -> None:
    """The page of the exchanged event has the same rows with bars on the other hand, and the other name."""
    here, there = page_of(assessed()), page_of(mirrored())

    assert [entry.bar.width_px for entry in here.moving] == [entry.bar.width_px for entry in there.moving]
    assert [entry.bar.left_px + entry.bar.width_px for entry in here.moving] == pytest.approx(
        [2 * BAR_HALF_PX - entry.bar.left_px for entry in there.moving], abs=0.011
    )
    assert here.verdict.replace("conduct of A", "conduct of B") == there.verdict


def test_a_probability_and_the_confidence_stand_in_different_sentences() -> None:
    """The answer comes with its phrase and number; the level of confidence stands in a box of its own."""
    dossier = assessed()
    text = render_dossier(dossier)

    assert "conduct of A is almost certain (" in text
    assert "Confidence in the grounds (no probability)" in text
    assert "onfidence" not in page_of(dossier).verdict + page_of(dossier).verdict_note


def test_undetermined_is_a_full_answer() -> None:
    """Where no party is named the page says so first, why, and that this is an answer."""
    page = page_of(undetermined())

    assert "Undetermined" == page.verdict
    assert "too near the contact line" in page.verdict_note
    assert "full answer" in page.verdict_note


@pytest.mark.parametrize("dossier", [assessed(), undetermined(), bound(answer(place_usable=False), known_count=25)])
def test_nothing_comes_from_outside_and_nothing_runs(dossier: object) -> None:
    """No script, no link, no address; a policy that forbids them; and the made-up theatre is marked."""
    text = render_dossier(dossier)  # type: ignore[arg-type]

    assert [] == re.findall(r"<script|<link|<img|https?:|\son\w+=|javascript:|@import|url\(", text)
    assert "default-src 'none'" in text
    assert text.count("SYNTHETIC") >= 2


def test_everything_that_was_weighed_or_left_out_is_there() -> None:
    """Rows, accounts, what would change it, policy, sensitivity, hashes used and not used, versions."""
    dossier = assessed()
    text = render_dossier(dossier)
    attribution = dossier.attribution
    names = [row.name for row in attribution.ledger if row.items or row.basis == "policy"]
    hashes = [digest[:12] for row in attribution.ledger for item in row.items for digest in item.file_sha256s]
    wanted = [*names, *hashes, *attribution.would_change, dossier.dossier_id, attribution.catalogue_sha256[:12]]

    assert [] == [entry for entry in wanted if str(escape(entry)) not in text]
    assert len(attribution.hypotheses) == len(page_of(dossier).accounts) == 5
    assert "2 were near in place and time and not used" in text


def test_each_item_of_a_row_stands_on_its_own_line() -> None:
    """Reading a row needs no parting of sentences: each item is a line, with who stands behind it in people's words."""
    dossier = assessed()
    row = next(row for row in dossier.attribution.ledger if row.items)
    item = msgspec.structs.replace(row.items[0], modality="patrol_report", statement="patrol_report of impact; there")
    shown = line_of(item)

    assert ("patrol's report of impact; there", f"{item.operator}; patrol's report") == (shown.words, shown.behind)
    assert "sensors" == line_of(msgspec.structs.replace(item, modality="detection")).behind.rpartition("; ")[2]
    assert "" == merged_words(row)
    assert "share of two" == merged_words(msgspec.structs.replace(row, statement=f"{row.statement} (share of two)"))
    assert "else" == merged_words(msgspec.structs.replace(row, statement="else"))


def test_a_row_that_turns_in_the_sum_says_why() -> None:
    """Where a row points to one party by itself and to the other among all rows, and only there, the page says why."""
    page = page_of(turned())
    told = {entry.row.name: entry.turned_words for entry in page.moving}
    explained = told.pop("A party blames the other")

    assert {""} == set(told.values()) == {entry.turned_words for entry in page_of(assessed()).moving}
    assert explained.startswith(
        "By itself it moves the odds 1.13 times towards A. But all words together have one limit"
    )
    assert str(escape(explained)) in render_dossier(turned())
    assert '<tr class="turned">' not in render_dossier(assessed())


def test_a_turned_row_is_told_alike_of_both_parties() -> None:
    """With the parties exchanged the sentence has their names exchanged and no other word."""
    here, there = (
        [entry.turned_words for entry in page_of(dossier).moving if entry.turned_words]
        for dossier in (turned(), turned_mirrored())
    )

    assert [re.sub(r"\b[AB]\b", lambda name: "BA"["AB".index(name[0])], words) for words in here] == there
    assert 1 == len(there)


def test_words_turn_by_their_common_limit_alone() -> None:
    """What the page says of words is so: without the limit on all of them none of the same rows turns."""
    free = msgspec.structs.replace(CATALOGUE.dependence.statements_together, number=1e6)
    unlimited = msgspec.structs.replace(
        CATALOGUE, dependence=msgspec.structs.replace(CATALOGUE.dependence, statements_together=free)
    )
    turns = []
    for catalogue in (CATALOGUE, unlimited):
        made = decide_cases([case(BLAMES, MEDIA, MISSION)], [FIELD], parties=PARTIES, catalogue=catalogue)
        turns.append(bool(((made.alone * made.shares) < 0.0).any()))

    assert [True, False] == turns
    assert {kind.item_type for kind in CATALOGUE.items if kind.family == "statement"} == WORD_TYPES


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"context_log_ratio": 0.5, "alone_log_ratio": 0.001}, ""),
        ({"context_log_ratio": 0.001, "alone_log_ratio": -0.5}, ""),
        ({"context_log_ratio": 0.5, "alone_log_ratio": 0.1}, ""),
        (
            {"context_log_ratio": 0.5, "alone_log_ratio": -math.log(2.0)},
            "By itself it moves the odds 2.00 times towards B. Read beside the other rows, on where it was fired from"
            " above all, it fits A better.",
        ),
        (
            {"context_log_ratio": -0.5, "alone_log_ratio": math.log(2.0), "statement": "share of two"},
            "By itself it moves the odds 2.00 times towards A. It is shown as its share of several weak rows, which"
            " together point to B.",
        ),
    ],
)
def test_other_rows_that_turn_say_what_else_it_is(changes: dict[str, object], words: str) -> None:
    """Of rows that are no words the place of firing is named, of shares the whole; what moves nothing does not turn."""
    located = next(row for row in assessed().attribution.ledger if row.direct)

    assert words == turned_words(msgspec.structs.replace(located, **changes), PARTIES)


def test_why_evidence_points_there_is_said_once_a_row() -> None:
    """A row of a blame and a denial says once that they move little; what goes without saying is not said."""
    twice = msgspec.structs.replace(BLAMES, item_id="again", item_type="party_denies")
    rows = {entry.row.name: entry.reading_words for entry in page_of(bound(answer(BLAMES, twice, MEDIA))).moving}

    assert ("Parties blame and deny nearly whatever happened, so this moves little.",) == rows[
        "A party blames the other; A party denies"
    ]
    assert () == rows["Media of neither party name one"]


def test_without_evidence_there_is_no_table_to_read() -> None:
    """Where nothing speaks of a party the page says so, and shows no bars and no words on how to read them."""
    text = render_dossier(bound(answer(place_usable=False)))

    assert "There is no evidence that speaks of a party" in text
    assert "times towards" not in text
    assert "There is no evidence" not in render_dossier(assessed())


def test_what_was_read_as_evidence_is_not_called_unused() -> None:
    """A record that is no part of the event and stands in a row is counted there, not among what was left aside."""
    dossier = bound(answer(msgspec.structs.replace(BLAMES, observation_ids=("o0",))), known_count=3)
    text = render_dossier(dossier)

    assert ["o1", "o2"] == [entry.observation_id for entry in page_of(dossier).aside]
    assert "1 other was read as evidence of a party, in the rows above. 2 were near in place and time" in text


def test_what_others_wrote_is_escaped() -> None:
    """Markup in a name of a place is shown as text."""
    dossier = assessed()
    event = msgspec.structs.replace(dossier.event, place_name="<b>x</b>")

    assert "<b>x</b>" not in render_dossier(msgspec.structs.replace(dossier, event=event))


@pytest.mark.parametrize(
    ("log_ratio", "words"),
    [
        (0.0, "moves neither"),
        (math.log(4.3), "4.30 times towards A"),
        (-math.log(12.34), "12.3 times towards B"),
        (math.log(123.4), "123 times towards A"),
        (-30.0, "more than 10,000 times towards B"),
        (30.0, "more than 10,000 times towards A"),
    ],
)
def test_ratios_are_told_in_words(log_ratio: float, words: str) -> None:
    """How many times, and towards whom; no more digits than the numbers behind them bear."""
    assert words == ratio_words(log_ratio, PARTIES) == bar_of(log_ratio, 40.0, PARTIES).words


@pytest.mark.parametrize("reach", [AXIS_LEAST_LOG_RATIO, 9.0, 25.0])
def test_the_axis_is_symmetric_and_not_crowded(reach: float) -> None:
    """Marks lie mirrored about even, at most three each way."""
    places = [place for place, _ in ticks_of(reach)]

    assert places == pytest.approx([2 * BAR_HALF_PX - place for place in reversed(places)], abs=0.011)
    assert 3 <= len(places) <= 7


def test_nothing_is_written_as_certain_or_impossible() -> None:
    """Beyond two digits a probability is above or below, never 1 or 0."""
    assert ["above 0.99", "below 0.01", "0.95"] == [probability_words(entry) for entry in (1.0, 0.0, 0.95)]


def test_every_finding_has_its_sentence() -> None:
    """Each of the four kinds is told with its clause."""
    common = {name: getattr(finding(), name) for name in finding().__struct_fields__ if "probability" not in name}
    kinds = (
        finding(),
        Indeterminate(**common, lacking=("place",)),
        Exempt(**common, notification_id=None),
        Compliant(**{**common, "provision_id": None}, reason="no clause was in force"),
    )

    assert [
        "Potential violation of article 3 of made_truce: almost certain (0.97), whoever caused it.",
        "Held against article 3 of made_truce: cannot be assessed, for lack of place.",
        "Held against article 3 of made_truce: exempt.",
        "Held against no clause of made_truce: no clause was in force.",
    ] == [finding_words(kind) for kind in kinds]


def test_places_and_titles_are_told_plainly() -> None:
    """Hemispheres by letter; an event of unreported kind is called that."""
    event = msgspec.structs.replace(
        undetermined().event, event_type="not reported", observed_as="undetermined", place_name=""
    )
    position = Position(latitude_deg=-1.5, longitude_deg=-2.0, sigma_m=50.0)

    assert "Event of unreported kind" == title_of(msgspec.structs.replace(undetermined(), event=event))
    assert "1.5000° S, 2.0000° W, within about 100 m" == place_words(position)
    assert place_words(msgspec.structs.replace(position, sigma_m=3_000.0)).endswith("within about 6 km")

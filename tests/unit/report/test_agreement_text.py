"""A text in plain words says what is held against what, from its fields alone."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from truceline.adapters.agreements import load_agreement, shipped_agreements
from truceline.model.agreement import Agreement
from truceline.model.in_force import InForce
from truceline.report.agreement_text import WIDTH_COUNT, agreement_text, clause_text, force_text, zone_text

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "agreement"


@pytest.fixture(scope="module")
def every_kind() -> Agreement:
    """Give the invented text with every kind of clause."""
    return load_agreement(FIXTURES / "every_kind.yaml").agreement


@pytest.mark.parametrize(
    ("provision_id", "words"),
    [
        ("uav", "no flight with drones in the air in east and separation except by The mission"),
        ("exercise", "from a regiment up"),
        ("force_away", "(also by force)"),
        ("power", "no attack against power anywhere"),
        ("guns", "guns of 100 mm and more: outside of heavy, or stands in ports"),
        ("forces", "forces: outside of annex"),
        ("tank_ceiling", "no more than 75 tanks in near, each party"),
        ("positions", "nobody is beyond frozen as of 2030-01-31 by more than 500 m"),
        ("medevac", "after notification 48 hours before and acknowledgement"),
        ("notified", "passes for notified activities, after notification"),
        ("return_fire", "if documents show: ordered by leadership and mechanism tried"),
        ("self_defence", "if documents show: what the text does not say"),
        ("mines", "within 27 days (documents"),
        ("monitors", "within 24 hours (documents"),
        ("back", "after fire, the schedule stands still for forces"),
        ("reciprocal", "after a breach, the other party is released from power"),
        ("inspections", "2 times a month or more, within 48 hours of a request"),
        ("ladder", "answers, flags only: 1 warning (within 24 hours); 2 coalition"),
        ("warnings", "steps before force: 1 radio"),
    ],
)
def test_a_clause_is_said_in_plain_words(every_kind: Agreement, provision_id: str, words: str) -> None:
    """Every kind of clause says its acts, weapons, places, limits and conditions."""
    provision = every_kind.provision(provision_id)

    assert provision is not None
    assert words in clause_text(provision, every_kind)


@pytest.mark.parametrize(
    ("zone_id", "words"),
    [
        ("heavy", "0 to 25 km (50 km in all, halved) from each party's own line"),
        ("far", "15 to 30 km"),
        ("east", "from south, markers 60 to 100"),
        ("annex", "drawn: Annex"),
        ("ports", "within 5 km of Port One and Port Two"),
        ("separation", "between the lines north and south"),
        ("strait", "10 km to each hand of the way from Port One to Port Two"),
        ("settlements", "cannot be measured: the list of settlements"),
    ],
)
def test_a_zone_says_how_it_is_measured(every_kind: Agreement, zone_id: str, words: str) -> None:
    """Every kind of zone says from what, how far and between what."""
    zone = every_kind.zone(zone_id)

    assert zone is not None
    assert words in zone_text(zone)


def test_the_whole_text_says_what_its_findings_rest_on(every_kind: Agreement) -> None:
    """Approximate lines, disputed terms, unpublished lists and sources are said, and clauses keep to the width."""
    said = agreement_text(msgspec.structs.replace(every_kind, version_by="A"))
    wide = [line for line in said.splitlines() if line.startswith("    ") and len(line) > WIDTH_COUNT]

    for words in (
        "version of A",
        "approximate, drawn to 400 m",
        "taken from dated contact lines",
        "is disputed",
        "as B reads it",
        "list not published",
        "read in (seen): invented for tests",
        "7 days without fire",
        "depends on per_party and first",
        "2030-02-01 00:00 to 2030-05-02 00:00 Europe/Kyiv",
    ):
        assert words in said
    assert [] == [line for line in wide if "reads it" not in line]


def test_what_has_no_date_and_what_has_no_end_is_said() -> None:
    """A text that waits for something says for what, one without an end says so, and one of windows names them."""
    assert "once signature (not dated yet)" == force_text(InForce(timezone_name="UTC", trigger="signature"))
    for loaded in shipped_agreements():
        said = agreement_text(loaded.agreement)
        assert all(window.window_id in said for window in loaded.agreement.windows)

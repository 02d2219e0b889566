"""Records of the model: each refuses what it cannot mean, and is written and read back unchanged."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given

from laws.made import DAY, bundle_of, event_lists, observations
from truceline.model.agreement import Agreement, Domain, Theatre, TruceWindow
from truceline.model.attribution import Attribution, HypothesisProbability, PartyProbability
from truceline.model.columns import OBSERVATION_SCHEMA, complete_columns, empty_observations
from truceline.model.event import Event
from truceline.model.finding import Finding, Indeterminate, PotentialViolation
from truceline.model.observation import Observation, require_bearing
from truceline.model.provision import Prohibition
from truceline.model.quantity import TimeSpan, canonical_bytes
from truceline.model.reference_line import DatedLine
from truceline.model.source import IngestedFile

ELSEWHERE = DAY.astimezone(timezone(timedelta(hours=3)))


@given(record=observations)
def test_an_observation_survives_its_canonical_bytes(record: Observation) -> None:
    """What is written is read back as the same observation, whatever its modality; its kind is its tag."""
    assert record == msgspec.json.decode(canonical_bytes(record), type=Observation)
    assert record.kind in {"thermal", "media_report", "party_claim", "patrol_report", "detection", "statement"}


@pytest.mark.parametrize("name", ["result_time", "received_time", "logged_time"])
@given(record=observations)
def test_every_time_of_an_observation_is_utc(name: str, record: Observation) -> None:
    """No time of another zone passes; a logged time in UTC does."""
    assert msgspec.structs.replace(record, logged_time=DAY).logged_time == DAY
    with pytest.raises(ValueError, match=name):
        msgspec.structs.replace(record, **{name: ELSEWHERE})


def test_a_bearing_lies_on_the_compass() -> None:
    """A bearing is in [0, 360] degrees."""
    require_bearing("bearing_deg", 360.0)
    with pytest.raises(ValueError, match="bearing_deg=361"):
        require_bearing("bearing_deg", 361.0)


@given(records=event_lists)
def test_an_event_survives_its_canonical_bytes(records: list[Event]) -> None:
    """What is written is read back as the same events."""
    assert records == [msgspec.json.decode(canonical_bytes(record), type=Event) for record in records]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"associations": ()}, "rests on at least one"),
        ({"revision_index": -1}, "revision_index=-1"),
        ({"revision_index": 1, "supersedes_revision_index": 1}, "is not before 1"),
    ],
)
@given(records=event_lists)
def test_an_event_refuses_what_it_cannot_mean(changes: dict[str, Any], fault: str, records: list[Event]) -> None:
    """An event rests on something, and replaces only what came before it."""
    for record in records:
        with pytest.raises(ValueError, match=fault):
            msgspec.structs.replace(record, **changes)


@given(records=event_lists)
def test_a_finding_is_read_back_as_its_own_kind(records: list[Event]) -> None:
    """The tag says which of the four kinds a finding is."""
    for record in records:
        finding = bundle_of(record).finding

        assert finding == msgspec.json.decode(canonical_bytes(finding), type=Finding)


def test_a_finding_refuses_an_impossible_probability() -> None:
    """A probability is in [0, 1]; what is lacking needs none."""
    named = {
        "finding_id": "",
        "event_id": "",
        "event_revision_index": 0,
        "agreement_id": "",
        "agreement_version": "",
        "window_id": None,
        "provision_id": None,
    }

    assert Indeterminate(**named, lacking=("cause",)).lacking == ("cause",)
    with pytest.raises(ValueError, match=r"probability=1\.5"):
        PotentialViolation(**named, probability=1.5)


def _attribution(*probabilities: float, party: str | None = None) -> Attribution:
    names = ("A", "B", "unattributed")
    return Attribution(
        attribution_id="",
        event_id="",
        event_revision_index=0,
        probabilities=tuple(
            PartyProbability(party=name, probability=value) for name, value in zip(names, probabilities, strict=True)
        ),
        tier="undetermined",
        indicated_party=party,
        reason="",
        ledger=(),
    )


def test_an_attribution_sums_to_one_and_names_a_party_only_when_indicated() -> None:
    """Probabilities are exhaustive; a name goes with a tier; a name that does not stand there has none."""
    assert _attribution(0.5, 0.25, 0.25).probability_of("B") == 0.25
    assert _attribution(0.5, 0.25, 0.25).probability_of("C") == 0.0
    with pytest.raises(ValueError, match="not 1"):
        _attribution(0.5, 0.25, 0.0)
    with pytest.raises(ValueError, match="does not go with"):
        _attribution(0.5, 0.25, 0.25, party="A")
    with pytest.raises(ValueError, match="probability"):
        PartyProbability(party="A", probability=-0.5)
    with pytest.raises(ValueError, match="probability"):
        HypothesisProbability(hypothesis="neither", party=None, probability=1.5)
    with pytest.raises(ValueError, match="ledger adds up"):
        msgspec.structs.replace(_attribution(0.5, 0.25, 0.25), log_odds_ratio=0.5)


def _theatre(**changes: Any) -> Theatre:
    fields: dict[str, Any] = {
        "theatre_id": "made",
        "title": "",
        "parties": ("A", "B"),
        "timezone_name": "UTC",
        "evening_cutoff_hour": 19.5,
        "domains": (Domain(domain_id="ground", title="", series="media_report"),),
    }
    return Theatre(**{**fields, **changes})


def test_a_theatre_has_two_parties_and_each_domain_once() -> None:
    """Each party's other is the other; doubled parties, doubled domains and no hour of a day are refused."""
    theatre = _theatre()

    assert (theatre.other_party("A"), theatre.other_party("B")) == ("B", "A")
    with pytest.raises(AssertionError, match="not of this theatre"):
        theatre.other_party("C")
    with pytest.raises(ValueError, match="one and the same"):
        _theatre(parties=("A", "A"))
    with pytest.raises(ValueError, match="name one domain twice"):
        _theatre(domains=theatre.domains * 2)
    with pytest.raises(ValueError, match="evening_cutoff_hour"):
        _theatre(evening_cutoff_hour=25.0)


def test_a_window_is_in_force_from_its_start_until_before_its_end() -> None:
    """Windows are half open."""
    window = TruceWindow(
        window_id="made",
        span=TimeSpan(start=DAY, end=DAY + timedelta(hours=1)),
        declared_by="A",
        accepted_by_other="yes",
        scope="",
        covered_domain_ids=(),
    )
    provision = Prohibition(provision_id="p", article="", summary="", source_ids=("made",), acts=("fire",))
    agreement = Agreement(
        agreement_id="made",
        version="1",
        title="",
        theatre_id="made",
        parties=("A", "B"),
        windows=(window,),
        provisions=(provision,),
        sources=(),
    )

    assert agreement.window_at(DAY) == window
    assert agreement.window_at(DAY + timedelta(hours=1)) is None


def test_a_line_needs_a_geometry_and_a_sound_uncertainty() -> None:
    """A line without ground and without line is none."""
    fields: dict[str, Any] = {"valid_date": date(2025, 4, 19), "held_by": "A", "source_id": "", "file_sha256": ""}

    assert DatedLine(**fields, held_wkb=b"x", line_wkb=None, sigma_m=0.0).held_wkb == b"x"
    with pytest.raises(ValueError, match="both missing"):
        DatedLine(**fields, held_wkb=None, line_wkb=None, sigma_m=0.0)
    with pytest.raises(ValueError, match="sigma_m"):
        DatedLine(**fields, held_wkb=b"x", line_wkb=None, sigma_m=-1.0)


def test_a_file_has_no_negative_counts() -> None:
    """Rows accepted, rejected and seen before are counted from zero."""
    fields: dict[str, Any] = {
        "file_name": "f",
        "file_sha256": "",
        "size_bytes": 1,
        "source_id": "",
        "kind": "thermal",
        "received_time": datetime(2025, 4, 19, tzinfo=UTC),
        "accepted_count": 1,
        "rejected_count": 0,
        "duplicate_count": 0,
        "synthetic": True,
    }

    assert IngestedFile(**fields).accepted_count == 1
    with pytest.raises(ValueError, match="rejected_count=-1"):
        IngestedFile(**{**fields, "rejected_count": -1})


def test_a_table_is_completed_with_nulls_and_refuses_unknown_columns() -> None:
    """Columns that a modality does not fill are null; what must be filled and what is unknown is our mistake."""
    required = {
        field.name: pa.array(
            [False if field.type == pa.bool_() else DAY if pa.types.is_timestamp(field.type) else None], field.type
        )
        for field in OBSERVATION_SCHEMA
        if not field.nullable
    }
    table = complete_columns(required, 1)

    assert OBSERVATION_SCHEMA == table.schema
    assert empty_observations().num_rows == 0
    with pytest.raises(AssertionError, match="not of the observation schema"):
        complete_columns({**required, "colour": pa.nulls(1)}, 1)
    with pytest.raises(AssertionError, match="must be filled"):
        complete_columns({}, 1)

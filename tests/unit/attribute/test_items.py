"""What testimony becomes as evidence: each record by its role, no item from what is not carried, and nothing unsaid."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from laws.attribution_cases import CATALOGUE, SETTINGS, renumbered
from laws.made import AFTER_ALL, DAY
from laws.test_attribute import PARTIES
from truceline.adapters.agreements import load_weapons
from truceline.attribute.items import Collected, collect_items, compass_words
from truceline.attribute.stage import AttributeStage
from truceline.model.attribution import Attribution
from truceline.model.dossier import EvidenceHash
from truceline.model.event import Event
from truceline.model.evidence import EvidenceCatalogue, OriginBand, OriginDirection, OriginPoint, OriginSilence
from truceline.model.observation import Observation
from truceline.model.quantity import TimeSpan
from truceline.model.testimony import Bearing, SilentStation, Testimony
from truceline.model.weapon import WeaponCatalogue
from truceline.testing.records import Spot, made_claim, made_patrol, made_statement, made_thermal, moment
from unit.attribute.test_stage import NORTH, ORIGIN, OUTGOING, REPORTED, TODAY, at, link, made

WEAPONS = load_weapons()
SPOT = Spot(48.0, 37.0, moment(DAY, offset_s=0.0))


def changed(record: Observation, **changes: Any) -> Observation:
    """Give a record that says something else."""
    return msgspec.structs.replace(record, result=msgspec.structs.replace(record.result, **changes))


def collected(
    event: Event, *, weapons: WeaponCatalogue = WEAPONS, catalogue: EvidenceCatalogue = CATALOGUE, **testimony: Any
) -> Collected:
    """Give what an event's testimony becomes."""
    return collect_items(event, Testimony(**testimony), parties=PARTIES, weapons=weapons, catalogue=catalogue)


def attributed(event: Event, **testimony: Any) -> Attribution:
    """Give the attribution of an event with its testimony, by the line of its day."""
    stage = AttributeStage(SETTINGS, parties=PARTIES, lines=[TODAY])
    found = {(event.event_id, event.revision_index): collected(event, **testimony)}
    return stage.step(stage.initial(), [event], AFTER_ALL, collected=found)[1][0]


def row_hash(name: str) -> EvidenceHash:
    """Give the hash of a made record."""
    return EvidenceHash(observation_id=name, source_id="made_detection", file_sha256="1" * 64, row_index=0)


def silent(latitude_deg: float, *, name: str = "S1", distance_m: float = 12_000.0) -> SilentStation:
    """Give a station on the meridian 37 E that heard nothing."""
    return SilentStation(
        before=row_hash(f"{name} before"),
        after=row_hash(f"{name} after"),
        station_id=name,
        latitude_deg=latitude_deg,
        longitude_deg=37.0,
        distance_m=distance_m,
        quiet_s=1_800.0,
    )


def bearing(latitude_deg: float, bearing_deg: float, *, sigma_deg: float = 3.0) -> Bearing:
    """Give a bearing from a station on the meridian 37 E."""
    return Bearing(
        record=row_hash("heard"),
        time=DAY,
        station_id="S1",
        latitude_deg=latitude_deg,
        longitude_deg=37.0,
        bearing_deg=bearing_deg,
        bearing_sigma_deg=sigma_deg,
    )


SECTOR = changed(made_patrol(SPOT, description="outgoing"), bearing_deg=315.0, range_high_m=5_000.0)


def test_a_sector_says_from_where_fire_went_out() -> None:
    """`Outgoing from the north-west, 2 to 5 km` is a direction times a distance band, seen from the patrol."""
    (item,) = collected(OUTGOING, own=(SECTOR,)).items
    direction, band = item.shapes

    assert ("patrol_outgoing_incoming", "made_patrol_report") == (item.item_type, item.cluster_id)
    assert (
        OriginDirection(latitude_deg=48.0, longitude_deg=37.0, bearing_deg=315.0, bearing_sigma_deg=22.5 / 12.0**0.5)
        == direction
    )
    assert OriginBand(latitude_deg=48.0, longitude_deg=37.0, range_low_m=2_000.0, range_high_m=5_000.0) == band
    assert "fire going out, heard to the north-west of the patrol, 2 to 5 km away" == item.statement
    assert ((SECTOR.observation_id,), (SECTOR.provenance.file_sha256,)) == (item.observation_ids, item.file_sha256s)


def test_a_sector_all_round_gives_its_distance_alone() -> None:
    """Whoever cannot say from where gives no direction, and the record says so."""
    (item,) = collected(OUTGOING, own=(changed(SECTOR, bearing_width_deg=360.0, means="saw"),)).items

    assert [OriginBand] == [type(shape) for shape in item.shapes]
    assert "fire going out, seen from the patrol's post, direction not told, 2 to 5 km away" == item.statement


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"bearing_deg": 400.0}, "bearing_deg=400.0"),
        ({"range_high_m": 1_000.0}, "range_high_m=1000.0"),
        ({"observer_latitude_deg": 95.0}, "latitude_deg=95.0"),
        ({"bearing_width_deg": float("nan")}, "bearing_width_deg=nan"),
        ({"range_low_m": float("nan")}, "range_low_m=nan"),
    ],
)
def test_a_malformed_record_is_kept_with_the_reason(changes: dict[str, Any], reason: str) -> None:
    """What cannot be read is no item and no silence: it is a rejection with value, name and limit."""
    record = changed(SECTOR, **changes)
    found = collected(OUTGOING, own=(record,))
    (rejection,) = found.rejections

    assert () == found.items
    assert rejection.reason.startswith("not read as evidence of a party: ")
    assert reason in rejection.reason
    assert (record.provenance.file_sha256, record.provenance.row_index) == (rejection.file_sha256, rejection.row_index)
    assert "patrol_report" in rejection.raw


def test_a_sector_decides_whose_ground_the_fire_went_out_from() -> None:
    """With a post beside the line, fire to its south went out from A's ground, to its north from B's."""
    event = made(observed_as="outgoing", origin_position=at(48.1, sigma_m=3_000.0))
    post = changed(SECTOR, observer_latitude_deg=48.1, range_low_m=6_000.0, range_high_m=12_000.0)
    south = attributed(event, own=(changed(post, bearing_deg=180.0),))
    north = attributed(event, own=(changed(post, bearing_deg=0.0),))

    assert south.probability_of("A") == pytest.approx(north.probability_of("B"), abs=0.01)
    assert ("A", "B") == (south.indicated_party, north.indicated_party)
    assert "undetermined" == attributed(event).tier


def test_sectors_of_one_mission_are_one_hand() -> None:
    """Several posts and stations that rest on the word that fire went out are one cluster, so never an assessment."""
    posts = tuple(changed(SECTOR, observer_longitude_deg=37.0 + step, bearing_deg=180.0) for step in (0.0, 0.01))
    named = [msgspec.structs.replace(one, observation_id=f"post {index}") for index, one in enumerate(posts)]
    found = attributed(OUTGOING, own=tuple(named), bearings=(bearing(48.05, 180.0),), silent=(silent(48.3),))
    (row,) = [row for row in found.ledger if row.items]

    assert ("indicated", "A") == (found.tier, found.indicated_party)
    assert ["acoustic_seismic_origin", "expected_detection_absent", *["patrol_outgoing_incoming"] * 2] == [
        item.item_type for item in row.items
    ]
    assert (0.1, True) == (row.contamination_probability, row.direct)


def test_a_bearing_points_to_fire_going_out_unless_it_was_located_by_it() -> None:
    """A station's bearing is an item of fire going out; where sensors located it, their ellipse has it already."""
    (item,) = collected(OUTGOING, bearings=(bearing(48.0, 10.0, sigma_deg=0.0),)).items
    located = msgspec.structs.replace(OUTGOING, sensor_origin=ORIGIN)

    assert (1.0, 10.0) == (item.shapes[0].bearing_sigma_deg, item.shapes[0].bearing_deg)  # type: ignore[union-attr]
    assert "sound of fire going out, from the north of station S1" == item.statement
    assert () == collected(located, bearings=(bearing(48.0, 10.0),)).items
    assert () == collected(made(), bearings=(bearing(48.0, 10.0),)).items


@pytest.mark.parametrize(
    ("bearing_deg", "sigma_deg", "reason"), [(400.0, 3.0, "bearing_deg"), (9.0, -1.0, "sigma_deg")]
)
def test_a_malformed_bearing_is_kept_with_the_reason(bearing_deg: float, sigma_deg: float, reason: str) -> None:
    """A detection that cannot be a bearing is a rejection too."""
    (rejection,) = collected(OUTGOING, bearings=(bearing(48.0, bearing_deg, sigma_deg=sigma_deg),)).rejections

    assert reason in rejection.reason
    assert ("made_detection", DAY) == (rejection.source_id, rejection.received_time)


def test_where_sensors_located_fire_the_sector_stands_beside_their_ellipse() -> None:
    """The ellipse is of other records than the patrol's sector, so both speak."""
    found = attributed(msgspec.structs.replace(OUTGOING, sensor_origin=ORIGIN), own=(SECTOR,))

    assert ["acoustic_seismic_origin", "patrol_outgoing_incoming"] == [
        item.item_type for row in found.ledger for item in row.items
    ]


def test_heat_where_fire_went_out_is_an_item_and_heat_where_it_landed_is_none() -> None:
    """A hot pixel at an origin is a place with its error; at an impact it is what the impact left."""
    pixel = made_thermal(SPOT)
    (item,) = collected(OUTGOING, own=(pixel,)).items

    assert () == collected(OUTGOING, own=(SEEN,)).items
    assert ("thermal_or_flash_at_origin", OriginPoint) == (item.item_type, type(item.shapes[0]))
    assert "heat seen by satellite N20 where fire went out" == item.statement
    assert () == collected(made(), own=(pixel,)).items


SEEN = changed(made_patrol(SPOT, means="saw"), weapon="120 mm mortar")


@pytest.mark.parametrize(
    ("weapon", "reach_m"),
    [("120 mm mortar", (500.0, 9_000.0)), ("mortar_120", (500.0, 9_000.0)), ("Mortars", (100.0, 19_000.0))],
)
def test_a_weapon_that_was_seen_says_how_far_off_the_launch_was(weapon: str, reach_m: tuple[float, float]) -> None:
    """By name, id or class of the weapons catalogue, in whatever capitals: the band about the impact it fires over."""
    (item,) = collected(made(), own=(changed(SEEN, weapon=weapon),)).items
    (band,) = item.shapes

    assert isinstance(band, OriginBand)
    assert ("weapon_class_from_remnant", reach_m) == (item.item_type, (band.range_low_m, band.range_high_m))
    assert f"weapon told at the impact: {weapon}, which fires over" in item.statement


@pytest.mark.parametrize(
    ("changes", "weapons"),
    [
        ({"weapon": "N/K"}, WEAPONS),
        ({"weapon": ""}, WEAPONS),
        ({"means": "heard"}, WEAPONS),
        ({"description": "outgoing"}, WEAPONS),
        ({"weapon": "mine"}, WEAPONS),
        ({}, WeaponCatalogue(version="none", types=())),
    ],
)
def test_a_weapon_that_was_not_seen_or_not_told_gives_no_item(
    changes: dict[str, Any], weapons: WeaponCatalogue
) -> None:
    """Not told, only heard, not of the impact, of unknown range, or without a catalogue: no item, and no rejection."""
    assert Collected() == collected(made(), own=(changed(SEEN, **changes),), weapons=weapons)


def test_a_weapon_that_nobody_knows_is_said() -> None:
    """A word that the weapons catalogue does not know is kept with the reason, not read as none."""
    (rejection,) = collected(made(), own=(changed(SEEN, weapon="mortal"),)).rejections

    assert "weapon='mortal' is no name or class of weapons catalogue 1" in rejection.reason


def test_a_weapon_that_does_not_reach_across_speaks_against_the_other_party() -> None:
    """A mortar's round 11 km behind the line hardly came across it; a howitzer's may have, and moves less."""
    bare, mortar = attributed(made()), attributed(made(), own=(SEEN,))
    howitzer = attributed(made(), own=(changed(SEEN, weapon="D-30"),))

    assert mortar.probability_of("B") < howitzer.probability_of("B") < bare.probability_of("B") + 0.05
    assert "indicated" != mortar.tier


def test_silent_stations_are_one_item_of_their_network() -> None:
    """Stations in order that heard no launch multiply within one item, which names the records of their health."""
    (item,) = collected(made(), silent=(silent(48.3), silent(48.2, name="S2"))).items

    assert ("expected_detection_absent", "made_detection") == (item.item_type, item.cluster_id)
    assert [OriginSilence, OriginSilence] == [type(shape) for shape in item.shapes]
    assert ("S1 after", "S1 before", "S2 after", "S2 before") == item.observation_ids
    assert item.statement.startswith("2 stations of the network heard no launch, though in order")


def test_the_catalogue_says_from_how_far_a_launch_is_heard() -> None:
    """Range and probability of a silence are the catalogue's, its words say the range; nearer stations say nothing."""
    (read,) = collected(made(), silent=(silent(48.3),)).items
    catalogue = renumbered("hearing", launch_half_m=10_500.0, launch_heard=0.7)
    (other,) = collected(made(), silent=(silent(48.3),), catalogue=catalogue).items
    nearer = collected(made(), silent=(silent(48.1, distance_m=9_000.0),), catalogue=catalogue)
    heard = OriginSilence(latitude_deg=48.3, longitude_deg=37.0, range_half_m=8_000.0, detection_probability=0.9)

    assert (heard,) == read.shapes
    assert read.statement.endswith("half of launches are taken to be heard 8 km away")
    assert (msgspec.structs.replace(heard, range_half_m=10_500.0, detection_probability=0.7),) == other.shapes
    assert other.statement.endswith("half of launches are taken to be heard 10.5 km away")
    assert Collected() == nearer


def test_no_direction_is_better_known_than_the_catalogue_lets_it_be() -> None:
    """A narrow sector and a sharp bearing are taken for the catalogue's least width; a wider one stays."""
    catalogue = renumbered("hearing", bearing_sigma_least_deg=5.0)
    narrow, wide = (changed(SECTOR, bearing_width_deg=width_deg) for width_deg in (6.0, 60.0))
    sharp, dull = (bearing(48.0, 10.0, sigma_deg=sigma_deg) for sigma_deg in (3.0, 9.0))
    found = [
        *(collected(OUTGOING, own=(record,), catalogue=catalogue).items[0] for record in (narrow, wide)),
        *(collected(OUTGOING, bearings=(one,), catalogue=catalogue).items[0] for one in (sharp, dull)),
    ]

    assert [5.0, 60.0 / 12.0**0.5, 5.0, 9.0] == [
        shape.bearing_sigma_deg for one in found for shape in one.shapes if isinstance(shape, OriginDirection)
    ]


@pytest.mark.parametrize(("sigma_m", "least_m", "expected_m"), [(1.0, 50.0, 50.0), (1.0, 200.0, 200.0)])
def test_no_heat_is_better_placed_than_the_catalogue_lets_it_be(
    sigma_m: float, least_m: float, expected_m: float
) -> None:
    """A hot pixel's smaller error is taken for the catalogue's least."""
    pixel = made_thermal(SPOT)
    assert pixel.position is not None, "a made pixel has a place"
    sharp = msgspec.structs.replace(pixel, position=msgspec.structs.replace(pixel.position, sigma_m=sigma_m))
    (item,) = collected(OUTGOING, own=(sharp,), catalogue=renumbered("place", sigma_least_m=least_m)).items
    (place,) = item.shapes

    assert isinstance(place, OriginPoint)
    assert (expected_m**2, expected_m**2) == (place.covariance_east_m2, place.covariance_north_m2)


def test_a_station_that_should_have_heard_the_impact_itself_says_nothing_by_silence() -> None:
    """Near an impact silence means that a station did not hear at all; near fire going out it says that it was not."""
    near = silent(48.01, distance_m=1_000.0)

    assert () == collected(made(), silent=(near,)).items
    assert 1 == len(collected(OUTGOING, silent=(near,)).items)


def test_silence_on_one_partys_ground_speaks_for_a_launch_from_elsewhere() -> None:
    """Where B's guns would have been heard and were not, an impact on A's ground is less surely B's; and mirrored."""
    event, across = made(origin_position=at(48.07)), made(origin_position=at(48.13))
    net = tuple(silent(48.2, name=f"S{index}") for index in range(4))
    mirrored = tuple(silent(48.0, name=f"S{index}") for index in range(4))
    bare, quiet, other = attributed(event), attributed(event, silent=net), attributed(across, silent=mirrored)

    assert quiet.probability_of("B") < bare.probability_of("B")
    assert quiet.probability_of("B") == pytest.approx(other.probability_of("A"), abs=0.01)


@pytest.mark.parametrize(
    ("claimant", "actor", "item_type"),
    [("A", "B", "party_blames_other"), ("B", "A", "party_blames_other"), ("B", "B", "party_admits_or_claims")],
)
def test_a_claim_is_read_by_the_role_of_who_speaks(claimant: str, actor: str, item_type: str) -> None:
    """Of the other's fire it is blame, of one's own an admission; each party with its own is one cluster."""
    claim = made_claim(SPOT.span, claimant=claimant, actor=actor)
    (item,) = collected(REPORTED, said=(claim,)).items

    assert (item_type, claimant, claimant) == (item.item_type, item.speaker, item.cluster_id)
    assert f"{claimant} says that " in item.statement


def test_an_admission_weighs_and_mutual_blame_hardly_does() -> None:
    """B's own word moves towards B more than A's blame does; both blaming each other moves next to nothing."""
    bare = attributed(REPORTED)
    blame, back = made_claim(SPOT.span), made_claim(SPOT.span, claimant="B", actor="A")
    admission = made_claim(SPOT.span, claimant="B", actor="B")
    blamed, mutual = attributed(REPORTED, said=(blame,)), attributed(REPORTED, said=(blame, back))
    admitted = attributed(REPORTED, said=(admission,))

    assert bare.log_odds_ratio > blamed.log_odds_ratio > admitted.log_odds_ratio
    assert abs(mutual.log_odds_ratio - bare.log_odds_ratio) < 0.05


@pytest.mark.parametrize("name", ["claimant", "actor"])
def test_a_claim_by_or_of_somebody_else_is_said_and_not_read(name: str) -> None:
    """A name that is neither party's has no role here."""
    claim = changed(made_claim(SPOT.span), **{name: "C"})
    found = collected(REPORTED, said=(claim,))

    assert () == found.items
    assert f"{name}='C' is none of the parties A, B" in found.rejections[0].reason


@pytest.mark.parametrize(
    ("says", "item_type", "cluster_id", "role"),
    [
        ({}, "party_blames_other", "A", ("A", None)),
        ({"says": "denies", "about": "A"}, "party_denies", "A", ("A", None)),
        ({"says": "admits", "about": "A"}, "party_admits_or_claims", "A", ("A", None)),
        ({"speaker_role": "mission", "speaker": "M"}, "international_mission_statement", "M", (None, "B")),
        ({"speaker_role": "media", "speaker": "G"}, "third_party_media_names_party", "wire", (None, "B")),
    ],
)
def test_a_statement_is_read_by_role(
    says: dict[str, Any], item_type: str, cluster_id: str, role: tuple[str | None, str | None]
) -> None:
    """Parties speak for themselves, a mission and its statements are one hand, copies are their first publisher's."""
    said = changed(made_statement(SPOT, **says), first_publisher="wire")
    (item,) = collected(REPORTED, said=(said,)).items

    assert (item_type, cluster_id, role) == (item.item_type, item.cluster_id, (item.speaker, item.about))
    assert item.statement.endswith(", between 2025-04-19 00:00 and 00:00 UTC, first published by wire")


def test_a_partys_media_are_that_party_and_thirty_copies_one_publisher() -> None:
    """Media of A's bloc stand in A's cluster; thirty copies of one report weigh no more than their cap."""
    own = changed(made_statement(SPOT, speaker="Gazette", speaker_role="media"), bloc="A")
    (item,) = collected(REPORTED, said=(own,)).items
    copies = tuple(
        msgspec.structs.replace(
            changed(made_statement(SPOT, speaker=f"paper {index}", speaker_role="media"), first_publisher="wire"),
            observation_id=f"copy {index}",
        )
        for index in range(30)
    )
    rows = [row for row in attributed(REPORTED, said=copies).ledger if row.cluster_id == "wire"]

    assert item.statement.startswith("Gazette (media of A) says that B did it, between")
    assert ("party_blames_other", "A", "A") == (item.item_type, item.speaker, item.cluster_id)
    assert [30] == [len(row.items) for row in rows]
    assert abs(rows[0].alone_log_ratio) <= 1.61


def test_a_statement_over_midnight_says_both_days() -> None:
    """Statements are told apart by their hours, and by their days where they run over midnight."""
    hours = TimeSpan(start=DAY - timedelta(hours=1), end=DAY + timedelta(hours=1))
    (item,) = collected(REPORTED, said=(made_statement(Spot(48.0, 37.0, hours)),)).items

    assert "A says that B did it, between 2025-04-18 23:00 and 2025-04-19 01:00 UTC" == item.statement


@pytest.mark.parametrize(
    "says",
    [
        {"says": "admits"},
        {"says": "denies"},
        {"about": "A"},
        {"speaker_role": "media", "speaker": "G", "says": "denies"},
        {"speaker_role": "mission", "speaker": "M", "says": "admits"},
        {"about": "C"},
        {"speaker": "C"},
    ],
)
def test_a_statement_without_a_reading_is_said(says: dict[str, Any]) -> None:
    """A denial for another, blame of oneself, an admission by media: the catalogue has no reading, and that is said."""
    found = collected(REPORTED, said=(made_statement(SPOT, **says),))

    assert () == found.items
    assert 1 == len(found.rejections)


def test_a_partys_media_cannot_admit_for_it() -> None:
    """Only a party's own word is its admission."""
    own = changed(made_statement(SPOT, speaker="Gazette", speaker_role="media", says="admits"), bloc="B")
    (rejection,) = collected(REPORTED, said=(own,)).rejections

    assert "says='admits' by a party's media, about B, has no reading" in rejection.reason


@pytest.mark.parametrize(
    "event",
    [
        made(observed_as="undetermined"),
        made(evaluation_status="rejected"),
        made(event_type="fire", observed_as="impact"),
    ],
)
def test_where_nobody_could_tell_what_it_was_nothing_is_read(event: Event) -> None:
    """Without impact or fire going out, of a fire, or of a withdrawn event, testimony is of no party."""
    everything = {"own": (SECTOR, SEEN), "said": (made_claim(SPOT.span),), "silent": (silent(48.3),)}

    assert Collected() == collected(event, **everything)


def test_where_no_line_is_known_no_item_speaks() -> None:
    """Ground that nobody drew is nobody's: the items stay out, and the reason is the line."""
    stage = AttributeStage(SETTINGS, parties=PARTIES, lines=[])
    event = made(origin_time=moment(DAY - timedelta(days=1), offset_s=0.0))
    (found,) = stage.answers([event], collected={("made", 0): collected(event, own=(SEEN,))})

    assert [] == [row for row in found.ledger if row.items]


def test_exchanged_parties_exchange_what_everything_says() -> None:
    """With ground and speakers exchanged the answer is exchanged, bit for bit: the check of every test sees to it."""
    claims = (made_claim(SPOT.span), made_claim(SPOT.span, claimant="B", actor="B"))
    event = made(origin_position=NORTH, associations=(link("patrol_report"), link("media_report")))
    found = attributed(event, own=(SEEN,), said=claims, silent=(silent(48.4),))

    assert {"place", "weapon_class_from_remnant", "expected_detection_absent"} < {
        item.item_type for row in found.ledger for item in row.items
    }


@pytest.mark.parametrize(("bearing_deg", "words"), [(0.0, "north"), (359.0, "north"), (112.0, "east-south-east")])
def test_bearings_are_said_in_points_of_the_compass(bearing_deg: float, words: str) -> None:
    """The nearest of sixteen points, all the way round."""
    assert words == compass_words(bearing_deg)

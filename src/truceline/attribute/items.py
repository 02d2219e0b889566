"""Testimony of an event -> items of evidence as the engine reads them; what a record does not carry gives no item.

Each kind of record has one reading, by the role of who speaks, never by a name. Where a launch was heard, sectors,
bearings and heat say where it was; where something landed, a weapon that was seen says how far off the launch was, and
stations that heard none say where it was not. What cannot be read is a `Rejection`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec
from msgspec.structs import replace

from truceline.attribute.case import Case
from truceline.attribute.evidence import conduct_of, custody_name, sources_of
from truceline.attribute.tellers import tellers_of
from truceline.attribute.weapons import band_from_impact, is_told, weapons_named
from truceline.model.event import Event
from truceline.model.evidence import (
    CatalogueHearing,
    EvidenceCatalogue,
    EvidenceItem,
    OriginBand,
    OriginDirection,
    OriginPoint,
    OriginShape,
    OriginSilence,
    PlaceTeller,
)
from truceline.model.observation import Observation, PartyClaim, PatrolReport, Rejection, Statement, Thermal
from truceline.model.quantity import TimeSpan, canonical_bytes, require_between
from truceline.model.testimony import Bearing, SilentStation, Testimony
from truceline.model.weapon import WeaponCatalogue

SECTOR_WIDTH_MOST_DEG = 180.0
"""A wider sector gives no direction: whoever says so heard it from somewhere."""

SPREAD_RATIO = 12.0**0.5
"""Width of an even spread over its standard deviation."""

RAW_MOST_COUNT = 2_000

NOT_READ = "not read as evidence of a party"

SECTOR = "patrol_outgoing_incoming"
SOUND = "acoustic_seismic_origin"

COMPASS_WORDS = (
    *("north", "north-north-east", "north-east", "east-north-east"),
    *("east", "east-south-east", "south-east", "south-south-east"),
    *("south", "south-south-west", "south-west", "west-south-west"),
    *("west", "west-north-west", "north-west", "north-north-west"),
)

Items = tuple[EvidenceItem, ...]


class Collected(msgspec.Struct, frozen=True, kw_only=True):
    """What one event's testimony gave: items in the order of type and id, and what could not be read and why.

    `tellers` tell the place where more than one does (`truceline.attribute.tellers`).
    """

    items: Items = ()
    tellers: tuple[PlaceTeller, ...] = ()
    rejections: tuple[Rejection, ...] = ()


NOTHING = Collected()
"""Of what nothing is known but itself."""


def collect_items(
    event: Event,
    testimony: Testimony,
    *,
    parties: tuple[str, str],
    weapons: WeaponCatalogue,
    catalogue: EvidenceCatalogue,
) -> Collected:
    """Give every item that an event's testimony carries; none where nobody could tell impact from outgoing.

    `weapons` says what a weapon's name means; where it is empty, none is read. `catalogue`: how well a place and a
    direction are known at best, and from how far a launch is heard.
    """
    conduct = conduct_of(event)
    if conduct is None or event.evaluation_status == "rejected" or event.event_type == "fire":
        return Collected()
    readings: Iterable[EvidenceItem | Rejection]
    if conduct == "outgoing":
        located = _records(event, testimony.own, lambda own, record: _launch_reading(own, record, catalogue))
        readings = [*located, *_bearings(event, testimony.bearings, catalogue.hearing)]
    else:
        readings = _records(event, testimony.own, lambda own, record: _weapon_reading(own, record, weapons))
    said = _records(event, testimony.said, lambda own, record: _said_reading(own, record, parties))
    found = [*readings, *said, *_silences(event, testimony.silent, catalogue.hearing, landed=conduct == "impact")]
    return Collected(
        items=tuple(
            sorted(
                (one for one in found if isinstance(one, EvidenceItem)), key=lambda item: (item.item_type, item.item_id)
            )
        ),
        tellers=tellers_of(event, testimony.places, catalogue.place),
        rejections=tuple(one for one in found if isinstance(one, Rejection)),
    )


def with_items(case: Case, event: Event, items: Items) -> Case:
    """Give the case with its items; where they say from where fire went out, the circle about the place gives way.

    That circle is made from the same sectors. A sound is taken to be of something else as often as the word that fire
    went out there is wrong. Of a place that may not be used, and where no line is known, no item speaks.
    """
    if not items or not case.place_usable:
        return case
    sectored = any(item.item_type == SECTOR for item in items)
    own = () if sectored and event.sensor_origin is None else case.items
    if case.anchor == "launch":
        wrong = case.place_contamination_probability
        items = tuple(
            replace(item, contamination_probability=wrong) if item.item_type == SOUND else item for item in items
        )
    return replace(case, items=(*own, *items))


Reading = Callable[[Event, Observation], EvidenceItem | None]


def _records(event: Event, records: Sequence[Observation], reading: Reading) -> Iterator[EvidenceItem | Rejection]:
    """Read each record; numbers that no shape can have are the record's fault, and so is a word nobody knows."""
    for record in records:
        try:
            item = reading(event, record)
        except ValueError as error:
            yield _rejection(record, str(error))
        else:
            if item is not None:
                yield item


def _rejection(record: Observation, reason: str) -> Rejection:
    return Rejection(
        source_id=record.provenance.source_id,
        file_sha256=record.provenance.file_sha256,
        row_index=record.provenance.row_index,
        raw=canonical_bytes(record).decode()[:RAW_MOST_COUNT],
        reason=f"{NOT_READ}: {reason}",
        received_time=record.received_time,
    )


def witness_of(event: Event) -> str:
    """Name whose word it is that something landed or went out there: all patrols' together, else all reports'.

    That a sound or heat was fire going out is known by that word alone. So what locates it stands in one cluster with
    the word: were it wrong, all of it would be of something else.
    """
    kind = "patrol_report" if event.observed_as in {"impact", "outgoing"} else "media_report"
    return custody_name(sources_of(event, kind))


def _item(event: Event, record: Observation, item_type: str, statement: str) -> EvidenceItem:
    """Give the item of one record before its reading is put in."""
    custody = witness_of(event)
    return EvidenceItem(
        item_id=f"{event.event_id}/{record.observation_id}",
        item_type=item_type,
        cluster_id=custody,
        operator=custody,
        modality=record.kind,
        observation_ids=(record.observation_id,),
        file_sha256s=(record.provenance.file_sha256,),
        statement=statement,
    )


def _launch_reading(event: Event, record: Observation, catalogue: EvidenceCatalogue) -> EvidenceItem | None:
    """Read what says from where fire went out: a patrol's sector, or heat that a satellite saw there."""
    if isinstance(record.result, PatrolReport) and record.result.description == "outgoing":
        shapes, words = _sector(record.result, catalogue.hearing)
        return replace(_item(event, record, SECTOR, words), shapes=shapes)
    if isinstance(record.result, Thermal):
        return _heat(event, record, catalogue.place.sigma_least_m.number)
    return None


def _sector(report: PatrolReport, hearing: CatalogueHearing) -> tuple[tuple[OriginShape, ...], str]:
    """Give a sector as distance band, times direction unless that is all round; and in words."""
    at = {"latitude_deg": report.observer_latitude_deg, "longitude_deg": report.observer_longitude_deg}
    band = OriginBand(**at, range_low_m=report.range_low_m, range_high_m=report.range_high_m)
    verb = {"saw": "seen", "heard": "heard", "recorded": "recorded"}[report.means]
    reach = f"{report.range_low_m / 1_000.0:g} to {report.range_high_m / 1_000.0:g} km away"
    require_between("bearing_width_deg", report.bearing_width_deg, 0.0, 360.0)
    if report.bearing_width_deg > SECTOR_WIDTH_MOST_DEG:
        return (band,), f"fire going out, {verb} from the patrol's post, direction not told, {reach}"
    direction = OriginDirection(
        **at,
        bearing_deg=report.bearing_deg,
        bearing_sigma_deg=max(hearing.bearing_sigma_least_deg.number, report.bearing_width_deg / SPREAD_RATIO),
    )
    return (
        direction,
        band,
    ), f"fire going out, {verb} to the {compass_words(report.bearing_deg)} of the patrol, {reach}"


def compass_words(bearing_deg: float) -> str:
    """Give the point of the compass, of sixteen, that a bearing is nearest to."""
    return COMPASS_WORDS[round(bearing_deg / 22.5) % 16]


def _heat(event: Event, record: Observation, sigma_least_m: float) -> EvidenceItem:
    """Read a hot pixel at a place from which fire went out, by the overpass that saw it."""
    assert isinstance(record.result, Thermal), "only hot pixels are read as heat"
    assert record.position is not None, "what has no place is part of no event"
    variance_m2 = max(record.position.sigma_m, sigma_least_m) ** 2
    words = f"heat seen by satellite {record.result.satellite} where fire went out"
    return replace(
        _item(event, record, "thermal_or_flash_at_origin", words),
        shapes=(
            OriginPoint(
                latitude_deg=record.position.latitude_deg,
                longitude_deg=record.position.longitude_deg,
                covariance_east_m2=variance_m2,
                covariance_east_north_m2=0.0,
                covariance_north_m2=variance_m2,
            ),
        ),
    )


def _weapon_reading(event: Event, record: Observation, weapons: WeaponCatalogue) -> EvidenceItem | None:
    """Read which weapon a patrol saw had landed: how far off it can have been fired. By ear alone none is told."""
    report = record.result
    if not isinstance(report, PatrolReport) or report.description != "impact" or report.means == "heard":
        return None
    if not weapons.types or not is_told(report.weapon):
        return None
    meant = weapons_named(weapons, report.weapon)
    if meant is None:
        raise ValueError(f"weapon={report.weapon!r} is no name or class of weapons catalogue {weapons.version}")
    place = event.origin_position
    band = band_from_impact(meant, latitude_deg=place.latitude_deg, longitude_deg=place.longitude_deg)
    if band is None:
        return None
    reach = f"{band.range_low_m / 1_000.0:g} to {band.range_high_m / 1_000.0:g} km"
    words = f"weapon told at the impact: {report.weapon.strip()}, which fires over {reach}"
    return replace(_item(event, record, "weapon_class_from_remnant", words), shapes=(band,))


def _bearings(
    event: Event, bearings: Sequence[Bearing], hearing: CatalogueHearing
) -> Iterator[EvidenceItem | Rejection]:
    """Read from where arrays heard fire going out; where it was located, their bearings are in that already."""
    for one in bearings if event.sensor_origin is None else ():
        try:
            yield _bearing_reading(event, one, hearing)
        except ValueError as error:
            yield Rejection(
                source_id=one.record.source_id,
                file_sha256=one.record.file_sha256,
                row_index=one.record.row_index,
                raw=canonical_bytes(one).decode()[:RAW_MOST_COUNT],
                reason=f"{NOT_READ}: {error}",
                received_time=one.time,  # a detection is taken to have been had when it was made
            )


def _bearing_reading(event: Event, one: Bearing, hearing: CatalogueHearing) -> EvidenceItem:
    require_between("bearing_sigma_deg", one.bearing_sigma_deg, 0.0, 180.0)
    direction = OriginDirection(
        latitude_deg=one.latitude_deg,
        longitude_deg=one.longitude_deg,
        bearing_deg=one.bearing_deg,
        bearing_sigma_deg=max(hearing.bearing_sigma_least_deg.number, one.bearing_sigma_deg),
    )
    return EvidenceItem(
        item_id=f"{event.event_id}/{one.record.observation_id}",
        item_type=SOUND,
        cluster_id=witness_of(event),
        operator=witness_of(event),
        modality="detection",
        shapes=(direction,),
        observation_ids=(one.record.observation_id,),
        file_sha256s=(one.record.file_sha256,),
        statement=f"sound of fire going out, from the {compass_words(one.bearing_deg)} of station {one.station_id}",
    )


def _silences(
    event: Event, silent: Sequence[SilentStation], hearing: CatalogueHearing, *, landed: bool
) -> Iterator[EvidenceItem]:
    """Read stations in order that heard no launch, one item for each network.

    Near an impact a station should have heard that: if it did not, its silence says nothing of a launch either.
    """
    half_m = hearing.launch_half_m.number
    least_m = half_m if landed else 0.0
    networks: dict[str, list[SilentStation]] = {}
    for one in silent:
        if one.distance_m >= least_m:
            networks.setdefault(one.before.source_id, []).append(one)
    for source_id, stations in sorted(networks.items()):
        records = [record for one in stations for record in (one.before, one.after)]
        which = f"{len(stations)} station{'s' if len(stations) > 1 else ''} of the network"
        yield EvidenceItem(
            item_id=f"{event.event_id}/{source_id}/silent",
            item_type="expected_detection_absent",
            cluster_id=source_id if landed else witness_of(event),
            operator=source_id if landed else witness_of(event),
            modality="detection",
            shapes=tuple(
                OriginSilence(
                    latitude_deg=one.latitude_deg,
                    longitude_deg=one.longitude_deg,
                    range_half_m=half_m,
                    detection_probability=hearing.launch_heard.number,
                )
                for one in stations
            ),
            observation_ids=tuple(sorted({record.observation_id for record in records})),
            file_sha256s=tuple(sorted({record.file_sha256 for record in records})),
            statement=f"{which} heard no launch, though in order: each detected something within an hour before and "
            f"after; half of launches are taken to be heard {half_m / 1_000.0:g} km away",
        )


def _said_reading(event: Event, record: Observation, parties: tuple[str, str]) -> EvidenceItem:
    """Read what somebody says by the role of who speaks."""
    if isinstance(record.result, Statement):
        return _statement_reading(event, record, record.result, parties)
    assert isinstance(record.result, PartyClaim), "only claims and statements speak of events"
    return _claim_reading(event, record, record.result, parties)


def _require_parties(parties: tuple[str, str], **named: str) -> None:
    for name, party in named.items():
        if party not in parties:
            raise ValueError(f"{name}={party!r} is none of the parties {', '.join(sorted(parties))}")


def _claim_reading(event: Event, record: Observation, claim: PartyClaim, parties: tuple[str, str]) -> EvidenceItem:
    """Read a party's claim: of the other's fire it is blame, of its own an admission."""
    _require_parties(parties, claimant=claim.claimant, actor=claim.actor)
    own = claim.claimant == claim.actor
    what = claim.weapon_class.replace("_", " ")
    words = f"{claim.claimant} says that {'it' if own else claim.actor} launched {what} there in those hours"
    return replace(
        _item(event, record, "party_admits_or_claims" if own else "party_blames_other", words),
        cluster_id=claim.claimant,
        operator=claim.claimant,
        speaker=claim.claimant,
    )


def _statement_reading(event: Event, record: Observation, said: Statement, parties: tuple[str, str]) -> EvidenceItem:
    """Read a statement: a party and its media are one hand, copies are their first publisher's, a mission its own.

    What a party's media say is read as the party's blame or denial; that it did it, only the party itself can admit.
    """
    _require_parties(parties, about=said.about)
    party = said.speaker if said.speaker_role == "party" else said.bloc
    item_type = _statement_type(said, party)
    speaker = said.speaker if said.bloc is None else f"{said.speaker} (media of {said.bloc})"
    words = STATEMENT_WORDS[said.says].format(speaker=speaker, about=said.about)
    copied = "" if said.first_publisher == said.speaker else f", first published by {said.first_publisher}"
    item = _item(event, record, item_type, f"{words}, {_hours_words(record.phenomenon_time)}{copied}")
    if party is not None:
        _require_parties(parties, speaker=party)
        return replace(item, cluster_id=party, operator=party, speaker=party)
    source = said.speaker if said.speaker_role == "mission" else said.first_publisher
    return replace(item, cluster_id=source, operator=source, about=said.about)


def _hours_words(span: TimeSpan) -> str:
    """Say of which hours somebody speaks, so that statements of one day are told apart."""
    end = f"{span.end:%H:%M}" if span.end.date() == span.start.date() else f"{span.end:%Y-%m-%d %H:%M}"
    return f"between {span.start:%Y-%m-%d %H:%M} and {end} UTC"


STATEMENT_WORDS = {
    "blames": "{speaker} says that {about} did it",
    "denies": "{speaker} denies that {about} did it",
    "admits": "{speaker} says of {about} itself that it did it",
}


def _statement_type(said: Statement, party: str | None) -> str:
    """Give how a statement is read; what the catalogue has no reading for is said, not bent to one that it has."""
    own = party == said.about
    if party is None and said.says == "blames":
        mission = said.speaker_role == "mission"
        return "international_mission_statement" if mission else "third_party_media_names_party"
    if party is not None and said.says == "blames" and not own:
        return "party_blames_other"
    if own and said.says == "denies":
        return "party_denies"
    if own and said.says == "admits" and said.speaker_role == "party":
        return "party_admits_or_claims"
    whose = "neither party's" if party is None else "a party's"
    raise ValueError(f"says={said.says!r} by {whose} {said.speaker_role}, about {said.about}, has no reading")

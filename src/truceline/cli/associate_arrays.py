"""`truceline associate arrays`: events from infrasound array detections over hundreds of kilometres."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from truceline.adapters.sources.array_detections import ArrayDetectionFile
    from truceline.associate.array_records import ArrayDetection, ArrayEvent, ArraySettings, ArraySolution

EPILOG = """\
examples:
  truceline associate arrays --detections dets.json
  truceline associate arrays --detections dets.json --svg map.svg --json events.json
  truceline associate arrays --detections dets.json --site 33.5377,-106.3340    the error against a known site

what is read:
  a JSON list of detections as InfraPy writes it: "Peak F-Stat Time (UTC)", "Latitude", "Longitude", "Back Azimuth"
  and, if known, "F Statistic", "Array Dimension", "Station", "Network". An entry that cannot be used is said with its
  reason; the others are used.

what is said:
  each event with the mean and the densest point of its posterior, the 50, 90 and 95 % regions, origin time, and for
  each detection distance, celerity, phase and residuals; where the event would be without each of them; what else the
  detections could be; and of every detection in no event, why. docs/method/infrasound.md has the equations.
"""

SHOWN_REJECTION_COUNT = 20
"""How many entries that cannot be used are listed; the rest are counted."""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser(
        "arrays",
        help="events from infrasound array detections at long range, with regions",
        description="Associate infrasound array detections over hundreds of kilometres into events, by bearings and by "
        "arrival times with celerity ranges, and locate each with its 50, 90 and 95 % regions.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--detections", type=Path, required=True, metavar="FILE", help="JSON list of array detections")
    parser.add_argument(
        "--site",
        type=_site,
        metavar="LAT,LON",
        help="a place known otherwise: print errors against it (write --site=-33.5,20.1 where it begins with a minus)",
    )
    parser.add_argument(
        "--celerity",
        choices=("general", "regional_low", "regional_high"),
        default="general",
        help="how fast the sound may come (default: %(default)s)",
    )
    parser.add_argument(
        "--range-max-km", type=float, default=1500.0, metavar="KM", help="farthest source heard (default: %(default)s)"
    )
    parser.add_argument(
        "--events-per-hour",
        type=float,
        default=1.0,
        metavar="N",
        help="events expected an hour within the farthest range of an array (default: %(default)s)",
    )
    parser.add_argument(
        "--log-odds-min-ratio",
        type=float,
        default=2.0,
        metavar="X",
        help="natural log of the odds against clutter from which a set is called an event (default: %(default)s)",
    )
    parser.add_argument(
        "--shared-celerity-probability",
        type=float,
        default=0.0,
        metavar="P",
        help="probability that all arrivals of an event came alike, as one phase at one celerity: wider regions where "
        "arrays stand close to each other as seen from the event (default: %(default)s, as published)",
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="write everything as JSON")
    parser.add_argument("--svg", type=Path, metavar="OUT", help="write the map as SVG")
    parser.add_argument("--html", type=Path, metavar="OUT", help="write a page with the map and what is printed")
    parser.set_defaults(run=run)


def _site(text: str) -> tuple[float, float]:
    """Read a latitude and a longitude in degrees."""
    try:
        latitude_deg, longitude_deg = (float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not LAT,LON in degrees") from error
    for name, value, limit in (("latitude", latitude_deg, 90.0), ("longitude", longitude_deg, 180.0)):
        if not math.isfinite(value) or abs(value) > limit:
            raise argparse.ArgumentTypeError(f"{name} {value:g} is outside [-{limit:g}, {limit:g}]")
    return latitude_deg, longitude_deg


def run(args: argparse.Namespace) -> int:
    """Associate, print, and write what was asked for."""
    from truceline.adapters.clock import system_now
    from truceline.adapters.sources.array_detections import read_array_detections
    from truceline.associate.arrays import associate_arrays
    from truceline.errors import InputUnusable

    file = read_array_detections(args.detections, system_now())
    sys.stdout.write("".join(f"{line}\n" for line in _intake(file)))
    if not file.detections:
        raise InputUnusable(f"{args.detections} holds no usable detection; see above why")
    settings = _settings(args)
    solution = associate_arrays(file.detections, settings)
    lines = list(_lines(solution, file.detections, settings, site=args.site))
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    _write(args, solution, file.detections, lines=lines)
    return 0


def _settings(args: argparse.Namespace) -> ArraySettings:
    from truceline.associate.array_records import ArraySettings
    from truceline.errors import InputUnusable
    from truceline.physics.celerity import CELERITY_MODELS

    try:
        return ArraySettings(
            celerity=CELERITY_MODELS[args.celerity],
            range_max_m=1e3 * args.range_max_km,
            event_rate_hz=args.events_per_hour / 3600.0,
            log_odds_min_ratio=args.log_odds_min_ratio,
            shared_celerity_probability=args.shared_celerity_probability,
        )
    except ValueError as error:
        raise InputUnusable(str(error)) from error


def _intake(file: ArrayDetectionFile) -> Iterator[str]:
    """Say what became of every entry."""
    yield (f"{len(file.detections)} detections used, {len(file.rejections)} rejected, {file.duplicate_count} repeated")
    for rejection in file.rejections[:SHOWN_REJECTION_COUNT]:
        yield f"  entry {rejection.row_index} rejected: {rejection.reason}"
    if len(file.rejections) > SHOWN_REJECTION_COUNT:
        yield f"  and {len(file.rejections) - SHOWN_REJECTION_COUNT} more"


def _lines(
    solution: ArraySolution,
    detections: Sequence[ArrayDetection],
    settings: ArraySettings,
    *,
    site: tuple[float, float] | None,
) -> Iterator[str]:
    """Give everything that is printed of a solution."""
    by_id = {entry.detection_id: entry for entry in detections}
    yield f"{len(solution.events)} events, {len(solution.not_associated)} detections in none"
    for number, event in enumerate(solution.events, start=1):
        yield ""
        yield from _event_lines(event, by_id, number=number)
        if site is not None:
            yield from _site_lines(event, [by_id[member.detection_id] for member in event.members], settings, site=site)
    if solution.not_associated:
        yield "\nin no event:"
    for entry in solution.not_associated:
        detection = by_id[entry.detection_id]
        came = f"{detection.time:%Y-%m-%d %H:%M:%SZ} from {detection.bearing_deg:.0f}°"
        yield f"  {entry.array_id} {came}: {entry.reason}"


def _event_lines(event: ArrayEvent, by_id: dict[str, ArrayDetection], *, number: int) -> Iterator[str]:
    yield (
        f"event {number}: {event.latitude_deg:.3f}, {event.longitude_deg:.3f} (mean), densest at "
        f"{event.densest_latitude_deg:.3f}, {event.densest_longitude_deg:.3f}; "
        f"probability {_probability(event.event_probability)} (log odds {event.log_odds_ratio:.1f})"
    )
    if event.origin_time is not None and event.origin_low is not None and event.origin_high is not None:
        yield (
            f"  origin {event.origin_time:%Y-%m-%d %H:%M:%SZ}, 95 % between {event.origin_low:%H:%M:%SZ} and "
            f"{event.origin_high:%H:%M:%SZ}"
        )
    east_km, north_km = (math.sqrt(value) / 1e3 for value in (event.covariance_east_m2, event.covariance_north_m2))
    yield f"  sigma east {east_km:.1f} km, north {north_km:.1f} km; " + "; ".join(
        f"{100 * region.share:g} % region {region.area_m2 / 1e6:,.0f} km²" for region in event.regions
    )
    yield "  array               time       km   bearing  off    celerity  phase           residual  member  without it"
    shifts_km = {entry.detection_id: entry.shift_m / 1e3 for entry in event.without_one}
    for member in event.members:
        detection = by_id[member.detection_id]
        shift = f"{shifts_km[member.detection_id]:.0f} km off" if member.detection_id in shifts_km else "-"
        celerity = "-" if member.celerity_m_per_s is None else f"{member.celerity_m_per_s:.0f} m/s"
        residual = "-" if member.time_residual_s is None else f"{member.time_residual_s:+.0f} s"
        yield (
            f"  {member.array_id:<18}  {detection.time:%H:%M:%S}  {member.distance_m / 1e3:5.0f}  "
            f"{detection.bearing_deg:6.1f}°  {member.bearing_residual_deg:+5.1f}° {celerity:>8}  "
            f"{member.phase or '-':<14}  {residual:>8}  {member.member_probability:6.2f}  {shift:>10}"
        )
    for other in event.alternatives:
        yield (
            f"  else, with probability {other.event_probability:.2f}: {len(other.detection_ids)} of these and other "
            f"detections at {other.latitude_deg:.3f}, {other.longitude_deg:.3f}"
        )


def _probability(probability: float) -> str:
    """Write a probability; none is shown as certain."""
    return "above 0.999" if probability > 0.999 else f"{probability:.3f}"


def _site_lines(
    event: ArrayEvent, detections: Sequence[ArrayDetection], settings: ArraySettings, *, site: tuple[float, float]
) -> Iterator[str]:
    """Hold the event against the site by bearings, by times and by both, and without each detection."""
    from truceline.associate.arrays import locate_together, share_at
    from truceline.physics.geodesy import geodesic_distance_m, points_of

    def error_km(latitude_deg: float, longitude_deg: float) -> float:
        there = points_of(site[1], site[0])
        return float(geodesic_distance_m(points_of(longitude_deg, latitude_deg), there)[0]) / 1e3

    yield f"  against the site {site[0]:g}, {site[1]:g}:"
    for evidence in ("bearings", "times", "both"):
        found = locate_together(detections, settings, evidence=evidence)
        share = share_at(detections, settings, evidence=evidence, place_deg=site)
        yield (
            f"    by {evidence:<9} mean {error_km(found.latitude_deg, found.longitude_deg):6.1f} km off, densest "
            f"{error_km(found.densest_latitude_deg, found.densest_longitude_deg):6.1f} km; the site is on the edge of "
            f"the {100 * share:.0f} % region"
        )
    errors = [error_km(entry.latitude_deg, entry.longitude_deg) for entry in event.without_one]
    if errors:
        yield f"    leaving one detection out: mean {min(errors):.1f} to {max(errors):.1f} km off"


def _write(
    args: argparse.Namespace, solution: ArraySolution, detections: Sequence[ArrayDetection], *, lines: Sequence[str]
) -> None:
    """Write the files that were asked for."""
    from truceline.cli.associate_arrays_picture import page_html, picture_svg
    from truceline.cli.output import write_bytes
    from truceline.model.quantity import canonical_bytes

    picture = picture_svg(solution, detections, site=args.site) if args.svg or args.html else ""
    outputs = (
        (args.json, canonical_bytes(solution)),
        (args.svg, picture.encode()),
        (args.html, page_html(picture, lines).encode()),
    )
    for path, content in outputs:
        if path is not None:
            write_bytes(path, content)
            sys.stdout.write(f"wrote {path}\n")

"""An evaluation in pictures: one plot for each figure, and the page that holds them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import numpy as np

from truceline.report.association_page import AssociationPage
from truceline.report.plots import Axis, Bars, Curve, Dots, Floats, Ink, Plot
from truceline.testing.association_agreement import AssociationFigures
from truceline.testing.association_evaluation import EvaluatedEvents, Evaluation
from truceline.testing.association_members import MemberAgreement
from truceline.testing.association_review import IDC_ADDED_SHARE, ReviewFigures
from truceline.testing.association_revisions import FIRST_SOLUTION_MAX_S, LatencyFigures
from truceline.testing.association_words import basis_words, figure_tables, headlines, left_out_words
from truceline.testing.location_agreement import RegionAgreement, Spread, errors_of
from truceline.testing.proportions import Calibration, Histogram, Proportion

MAP_MARKS_MOST_COUNT = 1_500
"""How many marks of one kind the map shows; of more, every so-manieth is taken, in order of time."""

_UNIT = np.array([0.0, 1.0])
NOTES = (
    "Matching. Every solved event is paired with at most one reference event and the other way round, both within the "
    "distance and the time given; as many pairs as can be, and among such pairings the nearest. A solved event paired "
    "with a reference event that does not count is neutral; an unpaired one is false inside the span that counts.",
    "Intervals. Whiskers and bands are 95 % intervals after Wilson. They take events as independent, which events of "
    "one fire mission are not: true intervals are wider.",
    "Regions. A region of 90 % should hold the reference place in 90 of 100 cases; fewer means that regions are too "
    "small. The reference counts as exact, so against a reviewed bulletin its own error is in the figures too.",
    "Probability. On the diagonal a claim of 80 % is so in 80 of 100 cases; below it the claims are too sure.",
    "Automatic against reviewed. The words are those of the international data centre (IDC) of the nuclear-test-ban "
    "organisation; its numbers are named for scale only: they are of other networks, other distances and other gates.",
)


def association_page(
    evaluation: Evaluation, events: EvaluatedEvents, *, generated_time: datetime, synthetic: bool
) -> AssociationPage:
    """Put the page together: headlines, a plot of each figure, tables, and how to read them."""
    left_out = left_out_words(evaluation)
    return AssociationPage(
        title="Do the solved events agree with the reference",
        basis=basis_words(evaluation),
        generated_time=generated_time,
        synthetic=synthetic,
        headlines=headlines(evaluation),
        plots=evaluation_plots(evaluation, events),
        tables=figure_tables(evaluation),
        notes=(*NOTES, left_out) if left_out else NOTES,
    )


def evaluation_plots(evaluation: Evaluation, events: EvaluatedEvents) -> tuple[Plot, ...]:
    """Give a plot of every figure for which there are numbers."""
    figures = evaluation.figures
    made = [_by_detections(figures)]
    made += [_by_probability(figures)] if figures.by_probability else []
    made += [_distances(figures.location.distance_m)] if figures.location.distance_m.event_count else []
    if figures.regions is not None and figures.regions.event_count:
        made += list(_regions(figures.regions))
    made += [] if figures.calibration is None else [_reliability(figures.calibration)]
    made += [] if figures.members is None else list(_members(figures.members))
    made += [_review(figures.review, figures.members)]
    made += [] if evaluation.latency is None else [_latency(evaluation.latency)]
    return (*made, *_error_map(events))


def _array(numbers: Iterable[float | None]) -> Floats:
    return np.array([np.nan if number is None else number for number in numbers], dtype=np.float64)


def _share_band(of: Iterable[Proportion]) -> tuple[Floats, tuple[Floats, Floats]]:
    """Give shares and the limits of their intervals, `nan` where there is none."""
    listed = list(of)
    return _array(p.share for p in listed), (_array(p.low_share for p in listed), _array(p.high_share for p in listed))


def _share_axis(label: str) -> Axis:
    return Axis(label=label, limits=_UNIT, percent=True)


def _by_detections(figures: AssociationFigures) -> Plot:
    groups = figures.by_detections
    names = [
        f"{group.low_count}+" if group.high_count is None else f"{group.low_count}–{group.high_count - 1}"
        for group in groups
    ]
    middle = np.arange(len(groups), dtype=np.float64) + 0.5
    recall, recall_band = _share_band(group.recall for group in groups)
    precision, precision_band = _share_band(group.precision for group in groups)
    return Plot(
        heading="Precision and recall by number of detections",
        caption="Recall by how many detections an event truly has, precision by how many define the solution.",
        x=Axis(label="detections", limits=np.array([0.0, max(len(groups), 1)]), marks=middle, labels=tuple(names)),
        y=_share_axis("share"),
        layers=(
            Bars(name="recall", left=middle - 0.4, right=middle - 0.02, height=recall, band=recall_band),
            Bars(
                name="precision",
                left=middle + 0.02,
                right=middle + 0.4,
                height=precision,
                band=precision_band,
                ink="potential",
            ),
        ),
    )


def _by_probability(figures: AssociationFigures) -> Plot:
    points = figures.by_probability
    place = np.arange(len(points), dtype=np.float64)
    labels = tuple(f"{point.least_probability:g}".lstrip("0") or "0" for point in points)
    recall, recall_band = _share_band(point.agreement.recall for point in points)
    precision, precision_band = _share_band(point.agreement.precision for point in points)
    return Plot(
        heading="Precision and recall by claimed probability",
        caption="As if only events of at least this claimed probability were shown; the match stays as it was.",
        x=Axis(
            label="least probability shown (steps, not to scale)",
            limits=np.array([-0.4, len(points) - 0.6]),
            marks=place,
            labels=labels,
        ),
        y=_share_axis("share"),
        layers=(
            Curve(name="recall", x=place, y=recall, band=recall_band, dots=True),
            Curve(name="precision", x=place, y=precision, band=precision_band, dots=True, ink="potential"),
        ),
    )


def _distances(of: Spread) -> Plot:
    """Draw which share of events lies within a distance, by logarithm of the distance."""
    values, shares = np.maximum(np.array(of.values), 0.1), np.array(of.shares)
    low = 10.0 ** np.floor(np.log10(values[1]))  # the least error of all would stretch the axis for one event
    high = max(10.0 ** np.ceil(np.log10(values[-1])), 10.0 * low)
    ends = np.array([low, high])
    return Plot(
        heading="Location error",
        caption=f"Share of {of.event_count} found events that lie within a distance of the reference place.",
        x=Axis(label="metres", limits=ends, logarithmic=True),
        y=_share_axis("share within"),
        layers=(
            Curve(name="found events", x=values, y=shares, dots=True),
            Curve(name="half", x=ends, y=np.full(2, 0.5), dashed=True, ink="other"),
            Curve(name="95 %", x=ends, y=np.full(2, 0.95), dashed=True, ink="potential"),
        ),
    )


def _regions(of: RegionAgreement) -> list[Plot]:
    nominal = _array(entry.nominal_probability for entry in of.curve)
    covered, band = _share_band(entry.observed for entry in of.curve)
    made = [
        Plot(
            heading="Coverage of regions against nominal",
            caption="Below the diagonal the regions are too small. Dots are 10, 20 … 90, 95 and 99 %.",
            x=_share_axis("nominal"),
            y=_share_axis("regions that hold the place"),
            layers=(
                Curve(name="as claimed", x=_UNIT, y=_UNIT, dashed=True, ink="other"),
                Curve(name="covered", x=nominal, y=covered, band=band, dots=True),
            ),
        ),
        _against_theory(
            of.normalised_ratio,
            heading="Location error in units of what was claimed",
            caption="Mahalanobis distance, tails made normal; dashed: honest regions (Rayleigh). Last bin: all beyond.",
            label="sigmas",
        ),
    ]
    if of.normalised_time_ratio is not None:
        made.append(
            _against_theory(
                of.normalised_time_ratio,
                heading="Time error in units of what was claimed",
                caption="Solved less reference over sigma; dashed: the normal distribution. End bins hold all beyond.",
                label="sigmas",
            )
        )
    return made


def _against_theory(of: Histogram, *, heading: str, caption: str, label: str) -> Plot:
    """Draw a histogram, and the counts that theory expects as a dashed staircase."""
    edges, counts = np.array(of.edges), np.array(of.bin_counts, dtype=np.float64)
    layers: list[Curve | Bars | Dots] = [Bars(name="events", left=edges[:-1], right=edges[1:], height=counts)]
    if of.expected_counts:
        x, y = np.repeat(edges, 2)[1:-1], np.repeat(np.array(of.expected_counts), 2)
        layers.append(Curve(name="expected", x=x, y=y, dashed=True, ink="potential"))
    top = max(float(counts.max()), *of.expected_counts, 1.0)
    return Plot(
        heading=heading,
        caption=caption,
        x=Axis(label=label, limits=edges[[0, -1]]),
        y=Axis(label="count", limits=np.array([0.0, 1.08 * top])),
        layers=tuple(layers),
    )


def _reliability(of: Calibration) -> Plot:
    filled = [entry for entry in of.bins if entry.observed.whole_count]
    claimed = _array(entry.mean_probability for entry in filled)
    was_so, band = _share_band(entry.observed for entry in filled)
    most = max((entry.observed.whole_count for entry in filled), default=1)
    size = np.array([2.5 + 6.0 * (entry.observed.whole_count / most) ** 0.5 for entry in filled])
    return Plot(
        heading="Reliability of claimed probability",
        caption=f"{of.claim_count} solved events by claimed probability; larger discs stand for more events.",
        x=_share_axis("claimed probability that there was an event"),
        y=_share_axis("share that were"),
        layers=(
            Curve(name="as claimed", x=_UNIT, y=_UNIT, dashed=True, ink="other"),
            Curve(name="was so", x=claimed, y=was_so, band=band),
            Dots(name="", x=claimed, y=was_so, radius=size),
        ),
    )


def _members(of: MemberAgreement) -> list[Plot]:
    if of.residual_s is None:
        return []
    return [
        _against_theory(
            of.residual_s,
            heading="Residuals of associated detections",
            caption="Observed less expected time, in found events. End bins hold all beyond, so 1 % of detections.",
            label="seconds",
        )
    ]


def _review(of: ReviewFigures, members: MemberAgreement | None) -> Plot:
    events = [("overlap", of.overlap), ("added", of.added), ("rejected", of.rejected)]
    events += [] if of.regions_overlap is None else [("regions", of.regions_overlap)]
    detections = []
    if members is not None:
        detections = [("kept", members.kept), ("removed", members.removed), ("added", members.added)]
    labels = tuple(name for name, _ in (*events, *detections))
    middle = np.arange(len(labels), dtype=np.float64) + 0.5
    layers = [_review_bars("events", events, middle[: len(events)])]
    layers += [_review_bars("detections", detections, middle[len(events) :])] if detections else []
    return Plot(
        heading="Automatic against reviewed",
        caption=(
            "Reviewed events that the automatic list had and those it lacked, automatic events rejected"
            f"{'' if of.regions_overlap is None else ', pairs whose 90 % regions overlap'}; then detections of found "
            f"events. For scale: at the IDC about {100 * IDC_ADDED_SHARE:.0f} % of LEB events are added to SEL3."
        ),
        x=Axis(label="what became of them in review", limits=np.array([0.0, len(labels)]), marks=middle, labels=labels),
        y=_share_axis("share"),
        layers=tuple(layers),
    )


def _review_bars(name: str, parts: list[tuple[str, Proportion]], middle: Floats) -> Bars:
    shares, band = _share_band(part for _, part in parts)
    ink: Ink = "accent" if name == "events" else "potential"
    return Bars(name=name, left=middle - 0.3, right=middle + 0.3, height=shares, band=band, ink=ink)


def _latency(of: LatencyFigures) -> Plot:
    edges, counts = np.array(of.bins_s.edges), np.array(of.bins_s.bin_counts, dtype=np.float64)
    top = 1.08 * max(float(counts.max()), 1.0)
    name = "came out" if of.basis == "issued" else "could come out"
    return Plot(
        heading="First solution",
        caption="Seconds from an event's last detection to its first solution. End bins hold all beyond.",
        x=Axis(label="seconds", limits=edges[[0, -1]]),
        y=Axis(label="events", limits=np.array([0.0, top])),
        layers=(
            Bars(name=name, left=edges[:-1], right=edges[1:], height=counts),
            Curve(
                name=f"limit {FIRST_SOLUTION_MAX_S:g} s",
                x=np.full(2, FIRST_SOLUTION_MAX_S),
                y=np.array([0.0, top]),
                dashed=True,
                ink="potential",
            ),
        ),
    )


def _error_map(events: EvaluatedEvents) -> list[Plot]:
    """Draw where events were found, missed and false, along the line; and how large the error was there."""
    places, solved, standing = events.reference.places, events.solved.places, events.standing
    along, middle = _direction(np.column_stack([places.x_m, places.y_m]))
    turned = np.column_stack([along, [-along[1], along[0]]])
    reference_km = (np.column_stack([places.x_m, places.y_m]) - middle) @ turned / 1e3
    solved_km = (np.column_stack([solved.x_m, solved.y_m]) - middle) @ turned / 1e3
    pairs = standing.counted_pairs
    error_x_m, error_y_m, _ = errors_of(places, solved, pairs)
    distance_m = np.hypot(error_x_m, error_y_m)
    found_km, missed_km = reference_km[pairs.reference_index], reference_km[standing.counted & ~standing.found]
    false_km = solved_km[standing.false]
    every = np.concatenate([found_km, missed_km, false_km])
    if len(every) == 0:
        return []
    x_axis = Axis(label="km along the line, from the middle of the events", limits=_padded(every[:, 0]))
    found, missed, false = (_thinned(places_km) for places_km in (found_km, missed_km, false_km))
    radius = _error_radius(_thinned(distance_m))
    layers = (
        Dots(name="found (larger: further off)", x=found[:, 0], y=found[:, 1], radius=radius),
        Dots(
            name="missed",
            x=missed[:, 0],
            y=missed[:, 1],
            radius=np.full(len(missed), 4.0),
            shape="ring",
            ink="potential",
        ),
        Dots(name="false", x=false[:, 0], y=false[:, 1], radius=np.full(len(false), 3.5), shape="cross", ink="ink"),
    )
    return [
        Plot(
            heading="Found, missed and false along the line",
            caption=_map_caption(len(found_km), len(missed_km), len(false_km)),
            x=x_axis,
            y=Axis(label="km across", limits=_padded(every[:, 1])),
            layers=layers,
            wide=True,
        ),
        *_error_along(found_km[:, 0], distance_m, x_axis),
    ]


def _direction(places_m: Floats) -> tuple[Floats, Floats]:
    """Give the direction in which events are spread most, pointing east, and the middle."""
    middle = places_m.mean(axis=0)
    _, _, directions = np.linalg.svd(places_m - middle, full_matrices=False)
    along = directions[0]
    return (-along if along[0] < 0.0 else along), middle


def _padded(values: Floats) -> Floats:
    low, high = float(values.min()), float(values.max())
    margin = max(0.04 * (high - low), 1e-3)
    return np.array([low - margin, high + margin])


def _error_radius(distance_m: Floats) -> Floats:
    """Give discs whose radius grows with the logarithm of the error: 1.2 px at 10 m and below, 7 px at 2 km."""
    return np.asarray(1.2 + 2.5 * np.log10(np.clip(distance_m, 10.0, 2_000.0) / 10.0))


def _thinned(rows: Floats) -> Floats:
    """Take every so-manieth row, so that there are not too many."""
    return rows[:: max(1, -(-len(rows) // MAP_MARKS_MOST_COUNT))]


def _map_caption(found_count: int, missed_count: int, false_count: int) -> str:
    counts = f"{found_count} found, {missed_count} missed, {false_count} false events that count."
    if max(found_count, missed_count, false_count) > MAP_MARKS_MOST_COUNT:
        counts += f" Of each kind at most {MAP_MARKS_MOST_COUNT} are drawn, evenly thinned."
    return counts


def _error_along(along_km: Floats, distance_m: Floats, x_axis: Axis) -> list[Plot]:
    """Draw the median and the 95 % error in equal parts of the line."""
    if distance_m.size < 20:
        return []
    parts_count = int(np.clip(distance_m.size // 20, 2, 30))
    edges = np.linspace(along_km.min(), along_km.max(), parts_count + 1)
    number = np.clip(np.searchsorted(edges, along_km, side="right") - 1, 0, parts_count - 1)
    inside = [distance_m[number == part] for part in range(parts_count)]
    enough = [part for part in range(parts_count) if inside[part].size >= 5]
    middle = (edges[:-1] + edges[1:])[enough] / 2.0
    median, most = (np.array([np.quantile(inside[part], q) for part in enough]) for q in (0.5, 0.95))
    if len(enough) < 2:
        return []
    limits = np.array([max(median.min() * 0.7, 0.1), max(most.max() * 1.4, 1.0)])
    return [
        Plot(
            heading="Location error along the line",
            caption="Median and 95 % error of found events, in parts of the line with at least five of them.",
            x=x_axis,
            y=Axis(label="metres", limits=limits, logarithmic=True),
            layers=(
                Curve(name="median", x=middle, y=median, dots=True),
                Curve(name="95 %", x=middle, y=most, dots=True, ink="potential"),
            ),
            wide=True,
        )
    ]

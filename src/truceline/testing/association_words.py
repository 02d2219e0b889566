"""An evaluation in numbers: the same tables as text for a terminal and for the page."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from truceline.report.association_page import FigureRow, FigureTable, Headline
from truceline.testing.association_agreement import AssociationFigures, TypeAgreement
from truceline.testing.association_evaluation import Evaluation
from truceline.testing.association_members import MemberAgreement
from truceline.testing.association_review import IDC_ADDED_SHARE, IDC_ASKED_SHARES, REGION_PROBABILITY, ReviewFigures
from truceline.testing.association_revisions import FIRST_SOLUTION_MAX_S, LatencyFigures
from truceline.testing.location_agreement import RegionAgreement, Spread
from truceline.testing.proportions import Agreement, Calibration, Proportion

NOTHING = "–"
TEXT_WIDTH_CHARACTER_COUNT = 110
SHARE_COLUMNS = ("share", "95 % interval", "count")
SPREAD_COLUMNS = ("median", "95 %", "mean", "largest", "events")


def share_words(share: float | None, digits_count: int = 1) -> str:
    """Write a share in percent."""
    return NOTHING if share is None else f"{100.0 * share:.{digits_count}f} %"


def number_words(number: float | None, digits_count: int = 1) -> str:
    """Write a number with so many decimals and a true minus."""
    if number is None:
        return NOTHING
    text = f"{abs(number):.{digits_count}f}"
    return f"−{text}" if number < 0.0 and float(text) > 0.0 else text


def ratio_words(ratio: float | None) -> str:
    """Write a ratio such as F1 with three decimals."""
    return number_words(ratio, 3)


def _share_row(label: str, of: Proportion) -> FigureRow:
    interval = NOTHING if of.low_share is None else f"{share_words(of.low_share)} to {share_words(of.high_share)}"
    return FigureRow(label=label, cells=(share_words(of.share), interval, f"{of.part_count} of {of.whole_count}"))


def _spread_row(label: str, of: Spread, *, scale: float = 1.0, digits_count: int = 1) -> FigureRow:
    largest = max((abs(of.values[0]), abs(of.values[-1]))) if of.values else None
    numbers = (of.median, of.quantile_95, of.mean, largest)
    words = (number_words(None if number is None else number * scale, digits_count) for number in numbers)
    return FigureRow(label=label, cells=(*words, str(of.event_count)))


def headlines(evaluation: Evaluation) -> tuple[Headline, ...]:
    """Give the numbers that are read first."""
    figures = evaluation.figures
    agreement, distance_m = figures.wide, figures.location.distance_m
    f1_note = f"{ratio_words(agreement.f1_low_ratio)} to {ratio_words(agreement.f1_high_ratio)}"
    shown = [
        Headline(label="F1", value=ratio_words(agreement.f1_ratio), note=f1_note),
        _share_headline("Precision", agreement.precision),
        _share_headline("Recall", agreement.recall),
        Headline(
            label="Location error",
            value=f"{number_words(distance_m.median, 0)} m",
            note=f"median; 95 % within {number_words(distance_m.quantile_95, 0)} m",
        ),
    ]
    if figures.regions is not None:
        covered = next(entry for entry in figures.regions.coverage if entry.nominal_probability == REGION_PROBABILITY)
        shown.append(_share_headline("90 % regions hold", covered.observed))
    if evaluation.latency is not None:
        latency_s = evaluation.latency.latency_s
        note = f"median; 95 % within {number_words(latency_s.quantile_95, 0)} s"
        shown.append(Headline(label="First solution", value=f"{number_words(latency_s.median, 0)} s", note=note))
    return tuple(shown)


def _share_headline(label: str, of: Proportion) -> Headline:
    return Headline(label=label, value=share_words(of.share), note=f"{of.part_count} of {of.whole_count}")


def figure_tables(evaluation: Evaluation) -> tuple[FigureTable, ...]:
    """Give every table of the evaluation for which there are numbers."""
    figures = evaluation.figures
    made = [_events(figures), _strict(figures), _places(figures)]
    made += [] if figures.regions is None else [_regions(figures.regions)]
    made += [] if figures.calibration is None else [_claims("Probability of an event", figures.calibration)]
    made += [] if figures.members is None else [_members(figures.members)]
    made += [] if figures.types is None else [_types(figures.types), _confusion(figures.types)]
    made += [_review(figures.review), _levels(evaluation), _revisions(evaluation)]
    made += [] if evaluation.latency is None else [_latency(evaluation.latency)]
    return tuple(made)


def _events(figures: AssociationFigures) -> FigureTable:
    gates = figures.rule.wide
    return FigureTable(
        heading=f"Events within {gates.distance_m:g} m and {gates.time_s:g} s",
        caption=(
            f"{figures.counted_reference_count} of {figures.reference_count} reference events count; "
            f"of {figures.solved_count} solved ones, {figures.neutral_count} are neutral."
        ),
        columns=SHARE_COLUMNS,
        rows=_agreement_rows(figures.wide),
    )


def _strict(figures: AssociationFigures) -> FigureTable:
    gates = figures.rule.strict
    return FigureTable(
        heading=f"Events within {gates.distance_m:g} m and {gates.time_s:g} s",
        caption="",
        columns=SHARE_COLUMNS,
        rows=_agreement_rows(figures.strict),
    )


def _agreement_rows(of: Agreement) -> tuple[FigureRow, ...]:
    interval = f"{ratio_words(of.f1_low_ratio)} to {ratio_words(of.f1_high_ratio)}"
    counts = f"{of.matched_count} found, {of.false_count} false, {of.missed_count} missed"
    return (
        _share_row("precision", of.precision),
        _share_row("recall", of.recall),
        FigureRow(label="F1", cells=(ratio_words(of.f1_ratio), interval, counts)),
    )


def _places(figures: AssociationFigures) -> FigureTable:
    location = figures.location
    return FigureTable(
        heading="Place and time of found events",
        caption=(
            f"Median of the components, solved less reference: {number_words(location.bias_x_m)} m in the plane's x "
            f"(about east), {number_words(location.bias_y_m)} m in its y."
        ),
        columns=SPREAD_COLUMNS,
        rows=(
            _spread_row("distance, m", location.distance_m),
            _spread_row("time, without sign, s", location.time_size_s, digits_count=3),
            _spread_row("time, solved less reference, s", location.time_s, digits_count=3),
        ),
    )


def _regions(of: RegionAgreement) -> FigureTable:
    rows = [_share_row(f"{100 * entry.nominal_probability:g} % region holds", entry.observed) for entry in of.coverage]
    return FigureTable(
        heading="Regions",
        caption=(
            f"Median error over what the regions lead one to expect: {number_words(of.scale_ratio, 2)} in place, "
            f"{number_words(of.time_scale_ratio, 2)} in time (above 1: too sure). Median area of the 90 % region: "
            f"{number_words(_times(of.area_90_m2.median, 1e-6), 4)} km². "
            f"{of.unusable_count} found events had no usable region."
        ),
        columns=SHARE_COLUMNS,
        rows=tuple(rows),
    )


def _times(number: float | None, factor: float) -> float | None:
    return None if number is None else number * factor


def _claims(heading: str, of: Calibration) -> FigureTable:
    rows = [
        FigureRow(
            label=f"{entry.low_probability:g} to {entry.high_probability:g}",
            cells=(ratio_words(entry.mean_probability), *_share_row("", entry.observed).cells),
        )
        for entry in of.bins
        if entry.observed.whole_count
    ]
    return FigureTable(
        heading=heading,
        caption=(
            f"{of.claim_count} claims, {ratio_words(of.mean_probability)} on average; "
            f"so in {share_words(of.observed.share)}. Brier {number_words(of.brier_ratio, 4)} "
            f"({number_words(of.unit_brier_ratio, 4)} if the overall share were always claimed), "
            f"log loss {number_words(of.log_loss_ratio, 4)} nats."
        ),
        columns=("mean claim", "was so", "95 % interval", "count"),
        rows=tuple(rows),
    )


def _members(of: MemberAgreement) -> FigureTable:
    claims = of.calibration
    caption = "Right: given to an event that is matched to the one the detection belongs to."
    if claims is not None:
        caption += (
            f" Membership is claimed with {ratio_words(claims.mean_probability)} on average, and so in "
            f"{share_words(claims.observed.share)}; Brier {number_words(claims.brier_ratio, 4)}, "
            f"log loss {number_words(claims.log_loss_ratio, 4)} nats."
        )
    return FigureTable(
        heading="Detections",
        caption=caption,
        columns=SHARE_COLUMNS,
        rows=(
            _share_row("precision", of.precision),
            _share_row("recall", of.recall),
            _share_row("kept, of the solution's in found events", of.kept),
            _share_row("removed, of the solution's in found events", of.removed),
            _share_row("added, of the reference's in found events", of.added),
        ),
    )


def _types(of: TypeAgreement) -> FigureTable:
    return FigureTable(
        heading="Event types",
        caption=(
            f"Decided types are claimed with {ratio_words(of.calibration.mean_probability)} on average; "
            f"Brier {number_words(of.calibration.brier_ratio, 4)}."
        ),
        columns=SHARE_COLUMNS,
        rows=(_share_row("decided", of.decided), _share_row("right when decided", of.right_when_decided)),
    )


def _confusion(of: TypeAgreement) -> FigureTable:
    columns = sorted({cell.solved_type for cell in of.cells})
    counts = {(cell.reference_type, cell.solved_type): cell.event_count for cell in of.cells}
    names = sorted({cell.reference_type for cell in of.cells})
    return FigureTable(
        heading="Reference type (rows) and type said (columns)",
        caption="",
        columns=tuple(columns),
        rows=tuple(
            FigureRow(label=name, cells=tuple(str(counts.get((name, said), 0)) for said in columns)) for name in names
        ),
    )


def _review(of: ReviewFigures) -> FigureTable:
    asked = "; ".join(
        f"{what} {share_words(want, 0)} asked, {share_words(got)} found" for what, want, got in IDC_ASKED_SHARES
    )
    rows = [
        _share_row("overlap: reviewed events found", of.overlap),
        _share_row("added in review", of.added),
        _share_row("rejected in review, of automatic", of.rejected),
    ]
    rows += [] if of.regions_overlap is None else [_share_row("90 % regions overlap", of.regions_overlap)]
    shift_m, shift_s = of.location_shift_m, of.time_shift_s
    rows += [
        FigureRow(label="shift in place, m", cells=_median_and_95(shift_m, 1)),
        FigureRow(label="shift in time, s", cells=_median_and_95(shift_s, 3)),
    ]
    return FigureTable(
        heading="Automatic against reviewed, as the IDC tells it",
        caption=(
            f"At the IDC about {share_words(IDC_ADDED_SHARE, 0)} of LEB events are added to those of SEL3 "
            f"(Rambolamanana and Wang 2023). REB against an independent team's bulletin, 2016: {asked} "
            "(Vila Codina and others 2017)."
        ),
        columns=SHARE_COLUMNS,
        rows=tuple(rows),
    )


def _median_and_95(of: Spread, digits_count: int) -> tuple[str, str, str]:
    median, most = (number_words(number, digits_count) for number in (of.median, of.quantile_95))
    return f"{median} median", f"{most} at 95 %", f"{of.event_count} events"


def _levels(evaluation: Evaluation) -> FigureTable:
    rows = [
        FigureRow(
            label=entry.level,
            cells=(
                str(entry.solved_count),
                share_words(entry.agreement.precision.share),
                share_words(entry.agreement.recall.share),
                ratio_words(entry.agreement.f1_ratio),
                number_words(entry.distance_median_m),
                number_words(entry.distance_q95_m),
            ),
        )
        for entry in evaluation.levels
    ]
    return FigureTable(
        heading="As it stood at each level",
        caption="",
        columns=("events", "precision", "recall", "F1", "distance median, m", "distance 95 %, m"),
        rows=tuple(rows),
    )


def _revisions(evaluation: Evaluation) -> FigureTable:
    of = evaluation.revisions
    first = ", ".join(f"{entry.event_count} {entry.level}" for entry in of.first_levels)
    return FigureTable(
        heading="Revisions",
        caption=(
            f"{share_words(of.revised.share)} of {of.event_count} events were revised, {of.withdrawn_count} withdrawn. "
            f"First came out: {first}."
        ),
        columns=SPREAD_COLUMNS,
        rows=(
            _spread_row("last less first, m", of.shift_m),
            _spread_row("last less first, s", of.shift_s, digits_count=3),
        ),
    )


def _latency(of: LatencyFigures) -> FigureTable:
    since = "the reference's last detection" if of.from_reference else "the event's own last detection"
    basis = {
        "issued": "when the solution says that it came out",
        "received": "when the last detection it rests on was received: it cannot have come earlier",
    }[of.basis]
    return FigureTable(
        heading="First solution, seconds after the event's last detection",
        caption=(
            f"From {since} to {basis}. Within {FIRST_SOLUTION_MAX_S:g} s: {share_words(of.within_limit.share)} "
            f"({of.within_limit.part_count} of {of.within_limit.whole_count})."
        ),
        columns=SPREAD_COLUMNS,
        rows=(_spread_row("latency, s", of.latency_s),),
    )


def basis_words(evaluation: Evaluation) -> str:
    """Say what was held against what, and when."""
    against = "a reviewed bulletin" if evaluation.reviewed else "ground truth"
    view = "newest revisions" if evaluation.level is None else f"revisions up to {evaluation.level}"
    span = f"{evaluation.span_start:%Y-%m-%d %H:%M:%S} to {evaluation.span_end:%Y-%m-%d %H:%M:%S} UTC"
    rule = evaluation.figures.rule
    heard = f" and with at least {rule.detected_min_count} detections" if rule.detected_min_count else ""
    return f"A solution ({view}) against {against}. Events count from {span}{heard}."


def left_out_words(evaluation: Evaluation) -> str:
    """Say what could not be used, empty where all could."""
    parts = [
        (evaluation.unusable_reference_count, "reference events without time or place"),
        (evaluation.unusable_solved_count, "revisions without time or place"),
        (evaluation.unusable_member_count, "members whose detection is not in the table of detections"),
    ]
    said = [f"{count} {what}" for count, what in parts if count]
    return f"Not usable: {', '.join(said)}." if said else ""


def evaluation_text(evaluation: Evaluation) -> str:
    """Write the whole evaluation as text for a terminal."""
    lines = textwrap.wrap(basis_words(evaluation), TEXT_WIDTH_CHARACTER_COUNT)
    lines += [said] if (said := left_out_words(evaluation)) else []
    for table in figure_tables(evaluation):
        lines += ["", *_table_lines(table)]
    return "\n".join(lines) + "\n"


def _table_lines(table: FigureTable) -> Iterable[str]:
    rows = [("", *table.columns), *((row.label, *row.cells) for row in table.rows)]
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    yield table.heading
    yield from textwrap.wrap(table.caption, TEXT_WIDTH_CHARACTER_COUNT, initial_indent="  ", subsequent_indent="  ")
    for row in rows:
        cells = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        yield f"  {row[0].ljust(widths[0])}  {'  '.join(cells)}".rstrip()

"""An evaluation of the attribution in words and tables."""

from __future__ import annotations

import math
from collections.abc import Sequence

from truceline.attribute.evaluation import AttributionFigures, Interval, Share
from truceline.report.association_page import FigureRow, FigureTable
from truceline.testing.attribution_theatre_attacks import ATTACK_WORDS
from truceline.testing.attribution_theatre_run import RowFigures, TheatreEvaluation


def percent(share: Share) -> str:
    """Write a share with its exact interval."""
    if not share.whole_count:
        return "-"
    return f"{100 * share.share:.2f} % ({100 * share.low_share:.2f}-{100 * share.high_share:.2f})"


def bounded(share: Share) -> str:
    """Write a share with its upper bound."""
    return f"{100 * share.share:.2f} % (<= {100 * share.upper_share:.2f})" if share.whole_count else "-"


def _interval(interval: Interval) -> str:
    return f"{interval.number:.4f} ({interval.low_ratio:.4f} to {interval.high_ratio:.4f})"


def evaluation_tables(evaluation: TheatreEvaluation) -> tuple[FigureTable, ...]:
    """Give every table of an evaluation of theatres."""
    return (
        _main_table(row_figures(evaluation.rows), evaluation.parties),
        _party_table(row_figures(evaluation.rows), evaluation.parties),
        honesty_table(row_figures(evaluation.rows)),
        *((_calibration_table(evaluation),) if evaluation.calibrations else ()),
        _set_table(evaluation),
        _tier_table(evaluation),
        _band_table(evaluation),
        _cause_table(evaluation),
    )


def _main_table(named: Sequence[tuple[str, AttributionFigures]], parties: tuple[str, str]) -> FigureTable:
    first, second = parties
    return FigureTable(
        heading="False blame and coverage",
        caption="False blame: the party is named and did not do it, of all cases, with the exact 95 % upper bound "
        "(Clopper and Pearson). Both: the two parties together.",
        columns=("coverage", f"false, {first}", f"false, {second}", "false, both", "wrong of answered"),
        rows=tuple(
            FigureRow(
                label=label,
                cells=(
                    percent(figures.answered),
                    *(bounded(party.false_of_all) for party in figures.parties),
                    bounded(figures.false_of_all),
                    percent(figures.false_of_answered),
                ),
            )
            for label, figures in named
        ),
    )


def _party_table(named: Sequence[tuple[str, AttributionFigures]], parties: tuple[str, str]) -> FigureTable:
    columns = [f"{words}, {party}" for words in ("false of cleared", "nobody named", "bias") for party in parties]
    rows = []
    for label, figures in named:
        cells = [bounded(party.false_of_cleared) for party in figures.parties]
        cells += [percent(party.abstained) for party in figures.parties]
        cells += [_interval(party.bias) for party in figures.parties]
        rows.append(FigureRow(label=label, cells=(*cells, _interval(figures.difference))))
    return FigureTable(
        heading="By party",
        caption="False of cleared: named, of the cases the party did not do. Nobody named: of the cases it did. Bias: "
        "mean claim less the share that was so. Difference of false of cleared: first less second, bootstrap interval.",
        columns=(*columns, "difference"),
        rows=tuple(rows),
    )


def honesty_table(named: Sequence[tuple[str, AttributionFigures]]) -> FigureTable:
    """Give how far probabilities hold, one row for each set of answers."""
    return FigureTable(
        heading="Do the probabilities hold",
        caption="Log loss in nats, Cllr in bits, between the two parties; ECE over ten bins with bootstrap interval; "
        "if exact: what claims that hold exactly show on average in so many cases.",
        columns=("log loss", "Brier", "ECE", "ECE if exact", "Cllr", "Cllr before calibration", "Cllr min"),
        rows=tuple(
            FigureRow(
                label=label,
                cells=(
                    f"{figures.log_loss_ratio:.3f}",
                    f"{figures.brier_ratio:.4f}",
                    _interval(figures.calibration_error),
                    f"{figures.calibration_noise_ratio:.4f}",
                    f"{figures.cllr_ratio:.3f}",
                    f"{figures.cllr_raw_ratio:.3f}",
                    f"{figures.cllr_min_ratio:.3f}",
                ),
            )
            for label, figures in named
        ),
    )


def _calibration_table(evaluation: TheatreEvaluation) -> FigureTable:
    return FigureTable(
        heading="Ways to calibrate, without attack and without the gates",
        caption="Fitted on a theatre of their own, mirrored. Named from .95 on, whatever else the gates ask. Slope "
        f"{evaluation.slope_ratio:.3f}: below 1 the ledger was too sure, above 1 too cautious.",
        columns=("log loss", "ECE", "Cllr", "named", "false, both"),
        rows=tuple(
            FigureRow(
                label=entry.name,
                cells=(
                    f"{entry.figures.log_loss_ratio:.3f}",
                    _interval(entry.figures.calibration_error),
                    f"{entry.figures.cllr_ratio:.3f}",
                    percent(entry.figures.answered),
                    bounded(entry.figures.false_of_all),
                ),
            )
            for entry in evaluation.calibrations
        ),
    )


def _set_table(evaluation: TheatreEvaluation) -> FigureTable:
    rows = [
        FigureRow(
            label=f"{row.row.name}, {entry.left_out_probability:g}",
            cells=(percent(entry.single), *map(percent, entry.left_out), "yes" if entry.holds else "no"),
        )
        for row in evaluation.rows
        if row.row.attack == "none"
        for entry in row.sets
    ]
    return FigureTable(
        heading="Sets of parties that cannot be left out",
        caption="How often one party alone stays, how often the doer was left out, and whether neither contradicts the "
        "stated one (1 % each, with the sample fitted on). The promise holds for events like those fitted on.",
        columns=("one party stays", *(f"left out, {party}" for party in evaluation.parties), "holds"),
        rows=tuple(rows),
    )


def _tier_table(evaluation: TheatreEvaluation) -> FigureTable:
    tiers = evaluation.rows[0].tiers
    return FigureTable(
        heading="By tier",
        caption="Answered at this tier or a higher one, and false blame of both parties, of all cases.",
        columns=tuple(f"{tier.tier}: {words}" for tier in tiers for words in ("answered", "false")),
        rows=tuple(
            FigureRow(
                label=row.row.name,
                cells=tuple(
                    text for tier in row.tiers for text in (percent(tier.answered), bounded(tier.false_of_all))
                ),
            )
            for row in evaluation.rows
        ),
    )


def _band_table(evaluation: TheatreEvaluation) -> FigureTable:
    row = evaluation.rows[0]
    return FigureTable(
        heading=f"By true distance of the place from the line: {row.row.name}",
        caption="",
        columns=("cases", "assessed", "false, both"),
        rows=tuple(
            FigureRow(
                label=f"{band.low_m / 1000:g} to {band.high_m / 1000:g} km"
                if math.isfinite(band.high_m)
                else f"{band.low_m / 1000:g} km and more",
                cells=(f"{band.answered.whole_count:,}", percent(band.answered), bounded(band.false_of_all)),
            )
            for band in row.bands
        ),
    )


def _cause_table(evaluation: TheatreEvaluation) -> FigureTable:
    """Give what was named wrongly, and why nobody was."""
    return FigureTable(
        heading="What was named wrongly, and why nobody was named",
        caption="Wrong by what truly happened; reasons of undetermined and indicated cases, most frequent first.",
        columns=("named wrongly", "reasons"),
        rows=tuple(
            FigureRow(
                label=row.row.name,
                cells=(_listed(row.false_account_counts), _listed(dict(list(row.reason_counts.items())[:4]))),
            )
            for row in evaluation.rows
        ),
    )


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"


def tables_text(tables: Sequence[FigureTable]) -> str:
    """Write tables as text, columns in line."""
    return "\n".join(_table_text(table) for table in tables)


def _table_text(table: FigureTable) -> str:
    grid = [("", *table.columns), *((row.label, *row.cells) for row in table.rows)]
    widths = [max(len(cells[index]) for cells in grid) for index in range(len(grid[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip() for cells in grid]
    caption = [table.caption] if table.caption else []
    return "\n".join([table.heading, *caption, *lines, ""])


def head_text(evaluation: TheatreEvaluation) -> str:
    """Say what the theatres are, and what each attack is."""
    wish = evaluation.wish
    low, middle, high = evaluation.item_counts
    items = f"; items per event {low:g}, {middle:g}, {high:g} (5, 50, 95 %)" if math.isfinite(middle) else ""
    told = ", ".join(f"{100.0 * share:.0f} %" for share in evaluation.teller_shares)
    lines = [
        f"{wish.events_count:,} events each, seed {wish.seed}, calibration {wish.calibration} from "
        f"{wish.calibration_events_count:,} events, catalogue {evaluation.catalogue_version}{items}",
        *((f"places of impacts told by one, two, three: {told}",) if told else ()),
        *(() if evaluation.rates is None else (evaluation.rates.title,)),
        *(f"  {row.row.name}: {ATTACK_WORDS[row.row.attack]}" for row in evaluation.rows if row.row.attack != "none"),
        "",
    ]
    return "\n".join(lines)


def row_figures(rows: Sequence[RowFigures]) -> list[tuple[str, AttributionFigures]]:
    """Give rows as names with figures."""
    return [(row.row.name, row.figures) for row in rows]


def labelled_tables(
    named: Sequence[tuple[str, AttributionFigures]], parties: tuple[str, str]
) -> tuple[FigureTable, ...]:
    """Give the tables of labelled cases: false blame and coverage, by party, and whether probabilities hold."""
    return _main_table(named, parties), _party_table(named, parties), honesty_table(named)

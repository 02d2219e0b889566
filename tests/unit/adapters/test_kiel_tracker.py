"""Laws of the tracker's reader: the declared contract or nothing, totals as published, every odd row counted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from truceline.adapters.guarantees import load_guarantees
from truceline.adapters.kiel_tracker import (
    MAIN_COLUMNS,
    MAIN_SHEET,
    SHARES_SHEET,
    SUMMARY_SHEET,
    KielTotal,
    kiel_totals,
    read_kiel,
    support_rows,
)
from truceline.errors import InputUnusable, SourceUnavailable

NOW = datetime(2026, 3, 1, tzinfo=UTC)
COLUMNS = [*MAIN_COLUMNS, "tot_sub_activity_value_EUR_OLD"]
CUMULATIVE_BN = {
    "Norway": ("10.005", "24.724", "4.677"),
    "Germany": ("25.295", "47.232", "9.352"),
    "France": ("7.907", "10.322", "0"),
    "United Kingdom": ("20.009", "32.344", "5.789"),
    "United States": ("115.381", "118.963", "0"),
}
"""Allocation and commitment to February 2026, and allocation of 2025 where known, billions of euro: release 28."""


def row(donor: str, **cells: Any) -> list[Any]:
    """Give one row of the main sheet; what is not given is empty."""
    filled = {"donor": donor, "aid_type_general": "Military", "measure": "Allocation", "item": "shells", "month": 1}
    return [(filled | cells).get(name) for name in COLUMNS]


def euros(billions: str) -> float:
    """Give billions as the euro of a cell."""
    return float(Decimal(billions) * 10**9)


def published_rows() -> list[list[Any]]:
    """Lay the known totals out as activities do: value on the first sub-row, allocations redistributed, by month."""
    rows = []
    for donor, (allocated, committed, of_2025) in CUMULATIVE_BN.items():
        before = str(Decimal(allocated) - Decimal(of_2025))
        first, second = euros(before) / 2, euros(before) / 2
        rows += [
            row(donor, tot_activity_value_EUR=euros(allocated), tot_sub_activity_value_EUR_redistr=first),
            row(donor, tot_sub_activity_value_EUR_redistr=second, tot_sub_activity_value_EUR=7e9, month=None),
            row(donor, tot_sub_activity_value_EUR_redistr=euros(of_2025), month=48),
            row(
                donor,
                measure="Commitment",
                tot_activity_value_EUR=euros(str(Decimal(committed) - Decimal(allocated))),
                tot_sub_activity_value_EUR_redistr=5e9,
            ),
        ]
    return rows


def made(path: Path, rows: list[list[Any]], change: Callable[[Any], None] | None = None) -> Path:
    """Write a release with the documented sheets, rows of names and columns."""
    book = openpyxl.Workbook()
    main = book.active
    main.title = MAIN_SHEET
    for cells in [COLUMNS, *rows]:
        main.append(cells)
    summary = book.create_sheet(SUMMARY_SHEET)
    for index, name in enumerate(("Country", "GDP (2021)", "GDP (2021)"), start=1):
        summary.cell(row=8, column=index, value=name)
    book.create_sheet(SHARES_SHEET).cell(row=9, column=1, value="Country")
    if change is not None:
        change(book)
    book.save(path)
    return path


def test_the_known_totals_come_out(tmp_path: Path) -> None:
    """Allocation sums redistributed rows of its measure, commitment activities of all rows: as was published."""
    found = read_kiel(made(tmp_path / "a.xlsx", published_rows()), received_time=NOW)
    totals = {one.donor: one for one in kiel_totals(found.rows)}
    billion = Decimal(10**9)

    assert set(CUMULATIVE_BN) == set(totals)
    for donor, (allocated, committed, of_2025) in CUMULATIVE_BN.items():
        one = totals[donor]
        assert (Decimal(allocated), Decimal(committed)) == (one.allocation_eur / billion, one.commitment_eur / billion)
        assert Decimal(of_2025) == one.allocation_by_year_eur[2025] / billion


def test_rows_without_month_count_in_totals_and_in_no_year(tmp_path: Path) -> None:
    """What has no month is not lost and is put in no year."""
    rows = [row("A", tot_sub_activity_value_EUR_redistr=5, month=month) for month in (12, 13, None)]
    found = read_kiel(made(tmp_path / "a.xlsx", rows), received_time=NOW)

    assert 1 == found.without_month_count
    assert [
        KielTotal(
            donor="A",
            allocation_eur=Decimal(15),
            commitment_eur=Decimal(0),
            delivered_eur=Decimal(0),
            allocation_by_year_eur={2022: Decimal(5), 2023: Decimal(5)},
            allocation_without_month_eur=Decimal(5),
        )
    ] == kiel_totals(found.rows)


def test_blanks_are_handled_and_counted(tmp_path: Path) -> None:
    """Blanks at the end of words make no second donor or measure, and empty rows are counted and not read."""
    rows = [
        row("A ", measure="Allocation ", aid_type_general="Military ", tot_sub_activity_value_EUR_redistr=1),
        row("A", tot_sub_activity_value_EUR_redistr=2, tot_value_deliv_EUR="."),
        [None] * len(COLUMNS),
        row("A", tot_sub_activity_value_EUR_redistr=4, tot_value_deliv_EUR=3),
    ]
    found = read_kiel(made(tmp_path / "a.xlsx", rows), received_time=NOW)
    (total,) = kiel_totals(found.rows)

    assert (1, 3, ()) == (found.blank_row_count, found.trimmed_cell_count, found.rejections)
    assert (Decimal(7), Decimal(3)) == (total.allocation_eur, total.delivered_eur)


def test_a_row_that_cannot_be_read_is_kept_with_sheet_and_row(tmp_path: Path) -> None:
    """A row with a word for a number, an unknown measure, no donor or half a month is a rejection."""
    rows = [
        row("A", tot_activity_value_EUR="much"),
        row("A", measure="Promise"),
        row(" "),
        row("A", month=1.5),
        row("A", aid_type_general="Moral"),
        row("A", tot_activity_value_EUR=3),
    ]
    found = read_kiel(made(tmp_path / "a.xlsx", rows), received_time=NOW)

    assert [2, 3, 4, 5, 6] == [one.row_index for one in found.rejections]
    assert all(MAIN_SHEET in one.reason for one in found.rejections)
    assert 1 == len(found.rows)


def drop_column(book: Any) -> None:
    """Take a column away."""
    book[MAIN_SHEET].delete_cols(COLUMNS.index("measure") + 1)


def rename_column(book: Any) -> None:
    """Rename a column, as releases do."""
    book[MAIN_SHEET].cell(row=1, column=COLUMNS.index("tot_sub_activity_value_EUR_redistr") + 1, value="redistributed")


def double_column(book: Any) -> None:
    """Name two columns alike."""
    book[MAIN_SHEET].cell(row=1, column=len(COLUMNS) + 1, value="measure")


def drop_sheet(book: Any) -> None:
    """Take a sheet away."""
    del book[SHARES_SHEET]


def move_names(book: Any) -> None:
    """Move the names of a sheet down a row."""
    book[SHARES_SHEET].insert_rows(1)


def one_gdp(book: Any) -> None:
    """Rename one of the two columns that are called alike."""
    book[SUMMARY_SHEET].cell(row=8, column=3, value="GDP (2022)")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (drop_column, r"\['measure'\] are missing"),
        (rename_column, r"\['tot_sub_activity_value_EUR_redistr'\] are missing"),
        (double_column, r"columns \['measure'\] stand twice"),
        (drop_sheet, SHARES_SHEET),
        (move_names, "no column names on row 9"),
        (one_gdp, "stands 1 times"),
    ],
)
def test_a_changed_release_fails_loudly(change: Callable[[Any], None], reason: str, tmp_path: Path) -> None:
    """A release in which a sheet, a row of names or a column changed is refused with what is missing."""
    with pytest.raises(InputUnusable, match=reason):
        read_kiel(made(tmp_path / "a.xlsx", published_rows(), change), received_time=NOW)


def test_what_is_no_workbook_is_said(tmp_path: Path) -> None:
    """A missing file and one that is no xlsx are failures of the world."""
    (tmp_path / "b.xlsx").write_bytes(b"no workbook")

    for name in ("a.xlsx", "b.xlsx"):
        with pytest.raises(SourceUnavailable):
            read_kiel(tmp_path / name, received_time=NOW)


def test_totals_go_into_the_register_and_unknown_donors_do_not(tmp_path: Path) -> None:
    """A written table is read back without a rejection, with the totals to the cent, for donors that have a code."""
    found = read_kiel(made(tmp_path / "a.xlsx", published_rows()), received_time=NOW)
    rows = list(support_rows(kiel_totals(found.rows), {"Norway": "NO"}, release_date="2026-02-28"))
    lines = [",".join(rows[0]), *(",".join(one.values()) for one in rows)]
    (tmp_path / "support.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    loaded = load_guarantees([tmp_path / "support.csv"], received_time=NOW)

    assert () == loaded.rejections
    assert {"NO"} == {one.donor for one in loaded.register.support}
    assert Decimal(24724000000) == next(one.amount for one in loaded.register.support if one.rung == "commitment")

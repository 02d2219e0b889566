"""Reads the Kiel Institute's Ukraine Support Tracker (xlsx) by a declared contract; a changed table fails loudly."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from truceline.errors import InputUnusable, SourceUnavailable
from truceline.model.observation import Rejection

MAIN_SHEET = "Bilateral Assistance, MAIN DATA"
SUMMARY_SHEET = "Country Summary (€)"
SHARES_SHEET = "EU Aid Shares"
HEADER_ROW_INDEX = {MAIN_SHEET: 1, SUMMARY_SHEET: 8, SHARES_SHEET: 9}
"""On which row (from 1) the names of the columns stand, in the releases 21 to 28."""

MAIN_COLUMNS = (
    "donor",
    "announcement_date",
    "aid_type_general",
    "aid_type_specific",
    "measure",
    "item",
    "item_type",
    "item_numb_deliv",
    "item_price_USD",
    "item_value_estimate_USD",
    "item_value_estimate_deliv_USD",
    "earmarked_year",
    "tot_activity_value_EUR",
    "tot_sub_activity_value_EUR",
    "tot_sub_activity_value_EUR_redistr",
    "tot_value_deliv_EUR",
    "month",
    "month_exists_dummy",
)
"""Columns that the contract needs; others may stand beside them."""

MEASURES = ("Allocation", "Commitment")
AID_TYPES = ("Financial", "Humanitarian", "Military")
SUMMARY_TWICE = "GDP (2021)"
"""A name that two columns of the summary have (dollars, then euro): of that sheet nothing is read by name."""

_FIRST_YEAR = 2022
FILE_SIZE_MAX_BYTES = 64_000_000


SUPPORT_COLUMNS = (
    "step_id",
    "donor",
    "item",
    "currency",
    "rung",
    "amount",
    "done_on",
    "source_url",
    "source_publisher",
    "source_published",
)
"""Columns of the support table that totals are written to."""


class KielRow(msgspec.Struct, frozen=True, kw_only=True):
    """One sub-activity as the tracker gives it; amounts in euro, `None` where the cell is empty.

    `month_index` counts from January 2022 as 1, `None` where the tracker gives no month.
    """

    donor: str
    aid_type: str
    measure: str
    item: str
    month_index: int | None
    activity_eur: Decimal | None
    redistributed_eur: Decimal | None
    delivered_eur: Decimal | None

    @property
    def year_index(self) -> int | None:
        """Give the calendar year of the month."""
        return None if self.month_index is None else _FIRST_YEAR + (self.month_index - 1) // 12


class KielTotal(msgspec.Struct, frozen=True, kw_only=True):
    """What one donor allocated, committed and is recorded to have delivered, in euro, and allocations by year.

    Allocation is the sum of the redistributed sub-activities over the measure *Allocation*; commitment the sum of the
    activities over all rows, because what is allocated was committed and the value stands on the first row only.
    """

    donor: str
    allocation_eur: Decimal
    commitment_eur: Decimal
    delivered_eur: Decimal
    allocation_by_year_eur: dict[int, Decimal]
    allocation_without_month_eur: Decimal


class KielFile(msgspec.Struct, frozen=True, kw_only=True):
    """Everything read from one release: rows, what was counted on the way, and rows that could not be used."""

    file_name: str
    file_sha256: str
    rows: tuple[KielRow, ...]
    rejections: tuple[Rejection, ...]
    blank_row_count: int
    trimmed_cell_count: int
    without_month_count: int


def read_kiel(path: Path, *, received_time: datetime) -> KielFile:
    """Read a release; raise `SourceUnavailable` for no xlsx at all, `InputUnusable` where the contract is not kept."""
    body = _bytes_of(path)
    sheets = _sheets(path)
    header, cells = _main_table(path, sheets)
    file_sha256 = hashlib.sha256(body).hexdigest()
    rows: list[KielRow] = []
    rejections: list[Rejection] = []
    blank_count = trimmed_count = 0
    for row_index, values in enumerate(cells, start=HEADER_ROW_INDEX[MAIN_SHEET] + 1):
        if all(_is_blank(value) for value in values):
            blank_count += 1
            continue
        row = {name: values[place] if place < len(values) else None for name, place in header.items()}
        trimmed_count += sum(isinstance(value, str) and value != value.strip() for value in row.values())
        try:
            rows.append(_row(row))
        except ValueError as error:
            rejections.append(
                Rejection(
                    source_id="kiel_tracker",
                    file_sha256=file_sha256,
                    row_index=row_index,
                    raw=str(row)[:2_000],
                    reason=f"{path}, sheet {MAIN_SHEET!r}, row {row_index}: {error}",
                    received_time=received_time,
                )
            )
    return KielFile(
        file_name=path.name,
        file_sha256=file_sha256,
        rows=tuple(rows),
        rejections=tuple(rejections),
        blank_row_count=blank_count,
        trimmed_cell_count=trimmed_count,
        without_month_count=sum(row.month_index is None for row in rows),
    )


def kiel_totals(rows: tuple[KielRow, ...]) -> list[KielTotal]:
    """Add a release up for each donor, in the order of their names; support through the EU is a donor of its own."""
    by_donor: dict[str, list[KielRow]] = defaultdict(list)
    for row in rows:
        by_donor[row.donor].append(row)
    return [_total(donor, by_donor[donor]) for donor in sorted(by_donor)]


def _total(donor: str, rows: list[KielRow]) -> KielTotal:
    allocated = [row for row in rows if row.measure == "Allocation" and row.redistributed_eur is not None]
    by_year: dict[int, Decimal] = defaultdict(Decimal)
    without_month_eur = Decimal(0)
    for row in allocated:
        amount_eur = row.redistributed_eur or Decimal(0)
        if row.year_index is None:
            without_month_eur += amount_eur
        else:
            by_year[row.year_index] += amount_eur
    return KielTotal(
        donor=donor,
        allocation_eur=sum(by_year.values(), without_month_eur),
        commitment_eur=sum((row.activity_eur for row in rows if row.activity_eur is not None), Decimal(0)),
        delivered_eur=sum((row.delivered_eur for row in rows if row.delivered_eur is not None), Decimal(0)),
        allocation_by_year_eur=dict(sorted(by_year.items())),
        allocation_without_month_eur=without_month_eur,
    )


def _bytes_of(path: Path) -> bytes:
    try:
        if path.stat().st_size > FILE_SIZE_MAX_BYTES:
            raise InputUnusable(f"{path}: has more than {FILE_SIZE_MAX_BYTES} bytes")
        return path.read_bytes()
    except OSError as error:
        raise SourceUnavailable(f"{path}: cannot be read ({error.strerror})") from error


def _sheets(path: Path) -> dict[str, list[list[Any]]]:
    """Give the rows of every sheet of the contract, or raise naming those that are missing."""
    from python_calamine import CalamineError, load_workbook

    try:
        with load_workbook(path) as book:
            missing = [name for name in HEADER_ROW_INDEX if name not in book.sheet_names]
            if missing:
                raise InputUnusable(f"{path}: sheets {missing} are missing; there are {book.sheet_names}")
            return {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in HEADER_ROW_INDEX}
    except CalamineError as error:
        raise SourceUnavailable(f"{path}: is no xlsx that can be read ({error})") from error


def _main_table(path: Path, sheets: dict[str, list[list[Any]]]) -> tuple[dict[str, int], list[list[Any]]]:
    """Give where each column of the main sheet stands, and its rows, after all headers were held to the contract."""
    headers = {name: _header(path, name, sheets[name]) for name in HEADER_ROW_INDEX}
    main = headers[MAIN_SHEET]
    missing = [name for name in MAIN_COLUMNS if name not in main]
    twice = [name for name in MAIN_COLUMNS if main.count(name) > 1]
    if missing or twice:
        raise InputUnusable(
            f"{path}: sheet {MAIN_SHEET!r}, row {HEADER_ROW_INDEX[MAIN_SHEET]}: "
            f"columns {missing} are missing, columns {twice} stand twice; the release has another form than 21 to 28"
        )
    if headers[SUMMARY_SHEET].count(SUMMARY_TWICE) != 2:
        raise InputUnusable(
            f"{path}: sheet {SUMMARY_SHEET!r}, row {HEADER_ROW_INDEX[SUMMARY_SHEET]}: {SUMMARY_TWICE!r} stands "
            f"{headers[SUMMARY_SHEET].count(SUMMARY_TWICE)} times and not twice"
        )
    return {name: main.index(name) for name in MAIN_COLUMNS}, sheets[MAIN_SHEET][HEADER_ROW_INDEX[MAIN_SHEET] :]


def _header(path: Path, name: str, rows: list[list[Any]]) -> list[str]:
    row_index = HEADER_ROW_INDEX[name]
    if len(rows) < row_index or all(_is_blank(value) for value in rows[row_index - 1]):
        raise InputUnusable(f"{path}: sheet {name!r} has no column names on row {row_index}")
    return [str(value).strip() for value in rows[row_index - 1]]


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _row(row: dict[str, Any]) -> KielRow:
    """Read one row, or raise `ValueError` saying what is wrong in it."""
    month = _number(row, "month")
    if month is not None and (month != int(month) or month < 1):
        raise ValueError(f"month={month} is no whole number from 1 on")
    return KielRow(
        donor=_word(row, "donor", ()),
        aid_type=_word(row, "aid_type_general", AID_TYPES),
        measure=_word(row, "measure", MEASURES),
        item="" if _is_blank(row["item"]) else str(row["item"]).strip(),
        month_index=None if month is None else int(month),
        activity_eur=_number(row, "tot_activity_value_EUR"),
        redistributed_eur=_number(row, "tot_sub_activity_value_EUR_redistr"),
        delivered_eur=_number(row, "tot_value_deliv_EUR"),
    )


def _word(row: dict[str, Any], name: str, known: tuple[str, ...]) -> str:
    word = "" if _is_blank(row[name]) else str(row[name]).strip()
    if not word or (known and word not in known):
        raise ValueError(f"{name}={word!r} is {'empty' if not word else f'none of {known}'}")
    return word


def _number(row: dict[str, Any], name: str) -> Decimal | None:
    value = row[name]
    if _is_blank(value) or value == ".":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name}={value!r} is no number")
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def support_rows(totals: list[KielTotal], codes: dict[str, str], *, release_date: str) -> Iterator[dict[str, str]]:
    """Give totals as rows of a support table of the register, for donors that have a code; amounts in euro.

    `codes` maps the tracker's names of donors to codes; the others are left to the caller to say.
    """
    for total in totals:
        code = codes.get(total.donor)
        amounts = (
            ("commitment", total.commitment_eur),
            ("allocation", total.allocation_eur),
            ("delivery", total.delivered_eur),
        )
        for rung, amount_eur in amounts if code else ():
            yield {
                "step_id": f"kiel-{release_date}-{code}-{rung}",
                "donor": str(code),
                "item": "all aid as counted by the Kiel tracker",
                "currency": "EUR",
                "rung": rung,
                "amount": str(amount_eur),
                "done_on": release_date,
                "source_url": "https://www.ifw-kiel.de/topics/war-against-ukraine/ukraine-support-tracker/",
                "source_publisher": "Kiel Institute for the World Economy",
                "source_published": release_date,
            }

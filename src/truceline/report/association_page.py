"""How far a solution agrees with its reference, as one page: a picture of each figure, then numbers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from truceline.report.plots import Picture, Plot, lay_out
from truceline.report.templating import environment


class Headline(msgspec.Struct, frozen=True, kw_only=True):
    """One number that is read first: what it is, the number, and what stands behind it."""

    label: str
    value: str
    note: str


class FigureRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a table of figures: what is told, and its cells."""

    label: str
    cells: tuple[str, ...]


class FigureTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table of figures under a heading; every row has as many cells as there are columns."""

    heading: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[FigureRow, ...]


class AssociationPage(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Everything the page shows, in the order in which it is shown."""

    title: str
    basis: str
    generated_time: datetime
    synthetic: bool
    headlines: Sequence[Headline]
    plots: Sequence[Plot]
    tables: Sequence[FigureTable]
    notes: Sequence[str]


def render_association(page: AssociationPage) -> str:
    """Give the page as HTML that opens offline."""
    template = environment(markup=True).get_template("association.html.j2")
    pictures: list[Picture] = [lay_out(plot) for plot in page.plots]
    return template.render(
        page_title=page.title,
        basis=page.basis,
        generated_time=page.generated_time,
        synthetic=page.synthetic,
        headlines=page.headlines,
        pictures=pictures,
        tables=page.tables,
        notes=page.notes,
    )

"""The contact line as it was drawn for one day: who held which ground, with the drawing's own uncertainty."""

from __future__ import annotations

from datetime import date

import msgspec

from truceline.model.quantity import require_between

LINE_SIGMA_DEFAULT_M = 1_000.0
"""Uncertainty of a drawn contact line where the source states none: about 1 km (1 sigma)."""


class DatedLine(msgspec.Struct, frozen=True, kw_only=True):
    """One day's line: the ground one party holds, and the line itself, as WGS 84 WKB (longitude, latitude in degrees).

    `held_wkb` is a (multi)polygon or `None` where the source drew only a line (then sides cannot be told); `line_wkb`
    is a (multi)line or `None` where the source drew only ground (then the ground's boundary serves).
    """

    valid_date: date
    held_by: str
    held_wkb: bytes | None
    line_wkb: bytes | None
    sigma_m: float
    source_id: str
    file_sha256: str

    def __post_init__(self) -> None:
        """Check that there is a geometry and that the uncertainty is sound."""
        require_between("sigma_m", self.sigma_m, 0.0, 1.0e6)
        if self.held_wkb is None and self.line_wkb is None:
            raise ValueError("held_wkb and line_wkb are both missing")

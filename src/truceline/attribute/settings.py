"""What an attribution depends on besides the evidence: the catalogue, and what was learned from labelled cases."""

from __future__ import annotations

import msgspec

from truceline.attribute.calibration import Calibration, ConformalSets, NeitherCalibration
from truceline.model.evidence import EvidenceCatalogue


class AttributionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The catalogue of every number; a calibration and conformal sets where labelled cases were there to fit them."""

    catalogue: EvidenceCatalogue
    calibration: Calibration | None = None
    neither: NeitherCalibration | None = None
    conformal: ConformalSets | None = None

    @property
    def calibration_title(self) -> str:
        """What a record says of how its probabilities came about."""
        fitted = [part.title for part in (self.calibration, self.neither) if part is not None]
        return "; ".join(fitted) or "none"

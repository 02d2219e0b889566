"""What an attribution depends on besides the evidence: the catalogue, and what was learned from labelled cases."""

from __future__ import annotations

import msgspec

from truceline.attribute.calibration import Calibration, ConformalSets, NeitherCalibration, PartCalibration
from truceline.attribute.rates import LearnedRates
from truceline.model.evidence import EvidenceCatalogue


class AttributionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The catalogue of every number; a calibration and conformal sets where labelled cases were there to fit them.

    `parts`: maps of their own for what stays without a part; `None`: the maps of the whole are used for it as well.
    `rates`: numbers of the catalogue that were learned, which `catalogue` then already has (`with_rates`).
    """

    catalogue: EvidenceCatalogue
    calibration: Calibration | None = None
    neither: NeitherCalibration | None = None
    parts: PartCalibration | None = None
    conformal: ConformalSets | None = None
    rates: LearnedRates | None = None

    @property
    def calibration_title(self) -> str:
        """What a record says of how its probabilities came about."""
        fitted = [part.title for part in (self.rates, self.calibration, self.neither, self.parts) if part is not None]
        return "; ".join(fitted) or "none"

    @property
    def without_a_part(self) -> AttributionSettings:
        """The settings by which what stays without a part becomes probabilities."""
        if self.parts is None:
            return self
        return msgspec.structs.replace(self, calibration=self.parts.parties, neither=self.parts.neither)


def with_rates(settings: AttributionSettings, rates: LearnedRates) -> AttributionSettings:
    """Give settings whose catalogue has the learned numbers; what was fitted by other numbers is to be fitted anew."""
    assert settings.rates is None, "rates were learned already: they go with the catalogue as it was read"
    assert settings.calibration is None, "a calibration was fitted by numbers as they were before"
    return msgspec.structs.replace(settings, catalogue=rates.apply(settings.catalogue), rates=rates)

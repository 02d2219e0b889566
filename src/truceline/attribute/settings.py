"""Every number the attribution rests on, with where it comes from; none of them knows one party from the other."""

from __future__ import annotations

import msgspec

from truceline.model.quantity import require_between


class AttributionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The priors, the error rates and the limits under which the answer is `undetermined`.

    `own_side_probability`: the party holding the ground caused it itself (guess). `neither_probability`: no party did
    (guess). `fire_neither_probability`: the same for a bare hot pixel (seen: 9.6 % of pixels have a report of an attack
    within 7 km). `patrol_wrong_probability`: a patrol's impact or outgoing is wrong (guess).
    `report_wrong_probability`: a report is of something else or of another place; set so that the answer is as often
    right as the rule was against labels of headlines over 3 km from the line, both sides weighed alike (seen: 0.86).
    """

    own_side_probability: float = 0.03
    neither_probability: float = 0.02
    fire_neither_probability: float = 0.904
    patrol_wrong_probability: float = 0.10
    report_wrong_probability: float = 0.20
    side_decisive_probability: float = 0.95
    indicated_probability: float = 0.80
    position_limit_sigma_m: float = 10_000.0
    line_age_max_days: int = 7

    def __post_init__(self) -> None:
        """Check that probabilities are probabilities, and that no tier can name both parties at once."""
        for name in (
            "own_side_probability",
            "neither_probability",
            "fire_neither_probability",
            "patrol_wrong_probability",
            "report_wrong_probability",
        ):
            require_between(name, getattr(self, name), 0.0, 1.0)
        require_between("side_decisive_probability", self.side_decisive_probability, 0.5, 1.0)
        require_between("indicated_probability", self.indicated_probability, 0.5, 1.0)
        require_between("position_limit_sigma_m", self.position_limit_sigma_m, 0.0, 1.0e6)
        require_between("line_age_max_days", self.line_age_max_days, 0, 3_650)

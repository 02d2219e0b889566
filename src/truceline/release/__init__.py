"""Any record -> `Released` or `Withheld`: coarse, late and cleared; the only way out of the house."""

from truceline.release.coarsen import coarsen, coarsen_time, released_cell_deg
from truceline.release.event import release_event
from truceline.release.policy import POLICIES, policy_for
from truceline.release.wording import headline

__all__ = ["POLICIES", "coarsen", "coarsen_time", "headline", "policy_for", "release_event", "released_cell_deg"]

"""What a run cannot read as evidence of a party is kept in the store and said, and takes nothing else away."""

from __future__ import annotations

from pathlib import Path

import pytest

from truceline.adapters.stores.workspace import Workspace
from truceline.cli import main
from truceline.model.event import Event
from truceline.model.observation import Rejection
from truceline.runners.embedded import UNREAD_KIND

AGREEMENT = Path(__file__).parents[3] / "agreements" / "easter_2025.yaml"
PATROLS = """# SYNTHETIC: invented
post,start_utc,end_utc,observer_latitude_deg,observer_longitude_deg,bearing_deg,bearing_width_deg,range_low_km,range_high_km,means,count,description,weapon
one,2025-04-20T06:00:00Z,2025-04-20T06:01:00Z,48.0,37.0,315,22.5,1,2,saw,3,impact,trebuchet
one,2025-04-20T09:00:00Z,2025-04-20T09:01:00Z,48.0,37.0,315,22.5,1,2,saw,3,impact,D-30
"""


def test_a_weapon_nobody_knows_is_kept_counted_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The impact stands as an event; what was not read stands beside it with value, name and limit, once."""
    (tmp_path / "patrols.csv").write_text(PATROLS)
    store = str(tmp_path / "store")
    options = ["--store", store, "--agreement", str(AGREEMENT)]
    codes = [
        main(["ingest", str(tmp_path / "patrols.csv"), *options]),
        main(["run", *options]),
        main(["run", *options]),
    ]
    said = capsys.readouterr().out
    with Workspace.open(Path(store), create=False, read_only=True) as opened:
        (unread,) = opened.records(UNREAD_KIND, Rejection)
        events = opened.records("event", Event)

    assert ([0, 0, 0], 2) == (codes, len(events))
    assert "weapon='trebuchet' is no name or class of weapons catalogue" in unread.reason
    assert "unread_records           1 new            1 in the store" in said

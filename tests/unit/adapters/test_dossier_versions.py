"""What came late makes a new version: both stand as files, each re-computed from what was known when it was said."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from laws.dossier_case import made_case
from truceline.adapters.dossier_export import DossierExport, Exported
from truceline.adapters.dossier_files import ReceivedFiles
from truceline.adapters.dossier_verification import verify_entries
from truceline.adapters.stores.workspace import Workspace
from truceline.cli import main
from truceline.dossier.checks import dossier_of
from truceline.dossier.contents import Supersession
from truceline.dossier.layout import unpack
from truceline.errors import StoreUnavailable


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Exported]:
    """Take the theatre in with half of the patrols' reports, run, take in the other half, run again, and export."""
    top = tmp_path_factory.mktemp("late")
    theatre = made_case().theatre
    feeds = Path(shutil.copytree(theatre / "feeds", top / "feeds"))
    mark, header, *rows = (feeds / "patrols.csv").read_text().splitlines(keepends=True)
    assert mark.startswith("# SYNTHETIC")
    (feeds / "patrols.csv").write_text("".join([mark, header, *rows[::2]]))
    (top / "late").mkdir()
    (top / "late" / "patrols.csv").write_text("".join([mark, header, *rows[1::2]]))
    store, agreement = ["--store", str(top / "store")], ["--agreement", str(theatre / "agreement.yaml")]
    for folder in (feeds, top / "late"):
        assert main(["ingest", str(folder), *store, *agreement]) == 0
        assert main(["run", *store, *agreement]) == 0
    with Workspace.open(top / "store", create=False, read_only=True) as opened:
        dossiers = list(DossierExport(opened, received=ReceivedFiles([]), log=None).files(_late_ids(opened)))
    return dossiers


def _late_ids(store: Workspace) -> list[str]:
    """Name the dossiers of events of which there are several revisions."""
    from truceline.model.dossier import Dossier
    from truceline.model.event import Event

    late = {event.event_id for event in store.iterate_records("event", Event) if event.revision_index > 0}
    return [one.dossier_id for one in store.iterate_records("dossier", Dossier) if one.event.event_id in late]


def test_each_version_names_the_others_and_is_sound(files: list[Exported]) -> None:
    """The old version says by which it is superseded, the new one what it supersedes, and both are re-computed."""
    versions = {file.dossier_id: unpack(file.body) for file in files}
    told = {
        name: msgspec.json.decode(entries["supersession.json"], type=Supersession) for name, entries in versions.items()
    }
    later = [(name, entry.dossier_id) for name, one in told.items() for entry in one.superseded_by if entry.dossier_id]
    earlier = [(entry.dossier_id, name) for name, one in told.items() for entry in one.supersedes if entry.dossier_id]
    revisions = {name: dossier_of(entries).event.revision_index for name, entries in versions.items()}

    assert sorted(later) == sorted(earlier)
    assert {True} == {bool(told[name].superseded_by or told[name].supersedes) for name in versions}
    assert all(revisions[old] < revisions[new] for old, new in later)
    for entries in versions.values():
        assert "unsound" != verify_entries(entries).standing


def test_versions_are_re_computed_from_what_was_known_then(files: list[Exported]) -> None:
    """The rows in an old version are those had before it was said, and give its event, not the later one."""
    first = [file for file in files if dossier_of(unpack(file.body)).event.revision_index == 0]
    later = [file for file in files if dossier_of(unpack(file.body)).event.revision_index > 0]

    assert {"event"} == {file.recomputed.level for file in first}
    assert {"none"}.isdisjoint({file.recomputed.level for file in later})
    assert first
    assert later


def test_settings_of_another_version_are_said(tmp_path: Path) -> None:
    """Where settings kept by another version lack what is needed now, the export says so and what to do."""
    store = Path(shutil.copytree(made_case().store, tmp_path / "store"))
    with Workspace.open(store, create=False, read_only=True) as opened:
        export = DossierExport(opened, received=ReceivedFiles([]), log=None)
        sequence, body = export._settings[0]
        export._settings = [(sequence, body.replace(b'"wrong_within_m"', b'"wrong_within"'))]

        with pytest.raises(StoreUnavailable, match=r"of another version .*wrong_within.*; export with that version"):
            next(export.files())

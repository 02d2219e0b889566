"""The commands `run` and `store check`: what they ask for, what they say, and how they end."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import shapely

from truceline.adapters.agreements import shipped_folder
from truceline.adapters.stores.workspace import Workspace
from truceline.cli import run as run_command
from truceline.cli import store as store_command
from truceline.errors import InputUnusable, StoreUnavailable
from truceline.model.finding import Finding
from truceline.model.reference_line import DatedLine
from truceline.observe.registry import MANIFESTS
from truceline.pipeline import PipelineSettings
from truceline.runners.embedded import RUN_KIND, RunRecord
from truceline.testing.observation_tables import observation_table, received_file

AGREEMENT = shipped_folder("agreements") / "easter_2025.yaml"
SOURCE_ID = next(name for name, manifest in MANIFESTS.items() if manifest.kind == "media_report")


def call(*words: str) -> int:
    """Call one of the two commands."""
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers(required=True)
    run_command.add_parser(subparsers)
    store_command.add_parser(subparsers)
    args = parser.parse_args(words)
    return int(args.run(args))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a store with one synthetic file."""
    table = observation_table(300, np.random.default_rng(1))
    sources = pa.array([SOURCE_ID] * table.num_rows)
    table = table.set_column(table.schema.get_field_index("source_id"), table.schema.field("source_id"), sources)
    with Workspace.open(tmp_path / "store", create=True) as store:
        store.append_file(received_file("a", synthetic=True), [table])
    return tmp_path / "store"


def test_a_run_says_what_it_added_and_remembers_the_agreement(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first run names the agreement, the next goes on under it and finds nothing new."""
    first = call("run", "--store", str(folder), "--agreement", str(AGREEMENT), "--until", "2025-05-01T00:00:00Z")
    said_first = capsys.readouterr().out
    again = call("run", "--store", str(folder), "--until", "2025-05-01T03:00:00+03:00")
    said_again = capsys.readouterr().out

    assert (first, again) == (0, 0)
    assert said_first.startswith("SYNTHETIC DATA: no real place, party or event\nran to 2025-05-01 00:00 UTC")
    assert "300 observations taken" in said_first
    assert "continued to 2025-05-01 00:00 UTC" in said_again
    assert ": 0 observations taken" in said_again


def test_a_first_run_asks_for_the_agreement(folder: Path) -> None:
    """Without an agreement there is nothing to assess against, and the message says what to give."""
    with pytest.raises(InputUnusable, match="name the agreement once with --agreement FILE"):
        call("run", "--store", str(folder))


def test_versions_of_a_text_are_held_side_by_side(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both parties' versions give findings, and where they differ in kind each names the other."""
    versions = [str(AGREEMENT.with_name(f"energy_2025.{name}.yaml")) for name in ("ru", "ua")]
    call("run", "--store", str(folder), "--agreement", *versions, "--until", "2025-05-01T00:00:00Z")
    said = capsys.readouterr().out
    with Workspace.open(folder, create=False) as store:
        found = list(store.iterate_records("finding", Finding))
    disputed = {one.finding_id: one for one in found if one.disputed}
    pairs = [(one, disputed[other]) for one in disputed.values() for other in one.differs_from_ids]

    assert "under energy_2025 1 with energy_2025 1 of UA" in said
    assert {"RU", "UA"} == {one.version_by for one in found if one.provision_id}
    assert len(pairs) > 0
    assert all(type(one) is not type(other) for one, other in pairs)


def test_layers_and_register_are_remembered(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Layers are read with what they amend; a run without options goes on under the same texts and register."""
    layers = [str(AGREEMENT.with_name(f"{name}.yaml")) for name in ("minsk_addendum_2015", "tcg_framework_2016")]
    options = ["--agreement", str(AGREEMENT.with_name("minsk_2_2015.yaml")), "--with", *layers]
    register = str(AGREEMENT.parent.parent / "docs" / "examples" / "registers")
    call("run", "--store", str(folder), *options, "--register", register, "--until", "2025-05-01T00:00:00Z")
    first = capsys.readouterr().out
    call("run", "--store", str(folder), "--until", "2025-05-01T00:00:00Z")
    with Workspace.open(folder, create=False) as store:
        (run, *_) = store.records(RUN_KIND, RunRecord)
        (settings, *_) = store.records("run_settings", PipelineSettings)

    assert "with minsk_memorandum_2014 1, minsk_addendum_2015 1, tcg_framework_2016 1" in first
    assert "0 observations taken" in capsys.readouterr().out
    assert [layer.file_sha256 for layer in settings.layers] == list(run.layer_sha256s)
    assert len(settings.register.stage_starts) > 0
    assert len(settings.catalogue.types) > 0


def test_texts_that_do_not_go_together_are_refused(folder: Path) -> None:
    """Texts between other parties are no layers, and layers alone are no text."""
    other = str(AGREEMENT.with_name("undof_1974.yaml"))
    with pytest.raises(InputUnusable, match="do not go together: parties"):
        call("run", "--store", str(folder), "--agreement", str(AGREEMENT), "--with", other)
    with pytest.raises(InputUnusable, match="name the text as well"):
        call("run", "--store", str(folder), "--with", other)


def test_another_agreement_is_refused(folder: Path) -> None:
    """One store is run under one agreement."""
    call("run", "--store", str(folder), "--agreement", str(AGREEMENT), "--until", "2025-05-01")

    with pytest.raises(InputUnusable, match="ingest into a new store"):
        call("run", "--store", str(folder), "--agreement", str(AGREEMENT.with_name("energy_2025.ru.yaml")))
    assert call("run", "--store", str(folder)) == 0


def test_a_store_with_nothing_in_it_is_said(tmp_path: Path) -> None:
    """A run over nothing points to `ingest`, and a folder that is no store is named."""
    Workspace.open(tmp_path / "empty", create=True).close()

    with pytest.raises(InputUnusable, match="begin with `truceline ingest`"):
        call("run", "--store", str(tmp_path / "empty"), "--agreement", str(AGREEMENT))
    with pytest.raises(StoreUnavailable, match="is not a store"):
        call("run", "--store", str(tmp_path / "none"))


def test_a_time_that_is_none_is_said(folder: Path) -> None:
    """`--until` names its value and the form it must have."""
    with pytest.raises(InputUnusable, match="--until='soon' is not an ISO 8601 time"):
        call("run", "--store", str(folder), "--until", "soon")


def test_a_sound_store_is_said_to_be_sound(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The check of an untouched store answers 0 and says how much it held."""
    code = call("store", "check", "--store", str(folder))

    assert (code, capsys.readouterr().out) == (0, f"sound: {folder} (1 received files, 1 archive files)\n")


def test_a_damaged_store_is_said_to_be_damaged(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One altered byte in an archive file is found, named, and answered with 1."""
    path = next(folder.rglob("*.parquet"))
    content = bytearray(path.read_bytes())
    content[50] ^= 1
    path.write_bytes(content)
    code = call("store", "check", "--store", str(folder))

    assert code == 1
    assert f"damaged: {path}: SHA-256 is " in capsys.readouterr().out


def _take_lines_in(folder: Path, *days: int) -> None:
    lines = [
        DatedLine(
            valid_date=date(2025, 4, day),
            held_by="RU",
            held_wkb=shapely.to_wkb(shapely.box(36.0, 47.0, 38.0, 48.0 + day / 100.0)),
            line_wkb=None,
            sigma_m=1_000.0,
            source_id="drawing",
            file_sha256=received_file(f"lines {days}").file_sha256,
        )
        for day in days
    ]
    with Workspace.open(folder, create=False) as store:
        store.append_lines(lines, received_file(f"lines {days}", kind="contact_line", synthetic=True))


def test_contact_lines_that_came_after_their_days_were_assessed_are_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lines in time are used without a word; those of days assessed before are counted, once, by the next run."""
    said = []
    _take_lines_in(folder, 1, 2)
    for until, days in (("2025-04-10", (3, 9, 10, 20)), ("2025-04-11", ()), ("2025-04-12", ())):
        call("run", "--store", str(folder), "--agreement", str(AGREEMENT), "--until", until)
        said.append(capsys.readouterr().out)
        if days:
            _take_lines_in(folder, *days)

    assert [False, True, False] == ["note:" in text for text in said]
    assert (
        "  note: 2 contact lines for days already assessed came later; those days keep what was said "
        "(ingest lines first into a new store to have them used)\n"
    ) in said[1]

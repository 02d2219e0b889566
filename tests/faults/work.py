"""A small piece of work on a store, the same every time: files taken in, then a run; done here or in a process apart.

As a program: for each line `FOLDER DELAY_S` on standard input a child does it and is ended by SIGKILL after the delay;
then everything it acknowledged is said, and `ended`. So the imports are paid for once.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import shapely

from truceline.adapters.evidence_catalogue import load_evidence_catalogue
from truceline.adapters.stores.workspace import Workspace
from truceline.associate.settings import AssociationSettings
from truceline.attribute.settings import AttributionSettings
from truceline.model.agreement import Agreement, TruceWindow
from truceline.model.observation import Rejection
from truceline.model.provision import Prohibition
from truceline.model.quantity import TimeSpan
from truceline.model.reference_line import DatedLine
from truceline.pipeline import Pipeline, PipelineSettings
from truceline.runners import embedded
from truceline.testing.observation_tables import FIRST_START, MANIFEST, SOURCE_ID, observation_table, received_file

FILE_COUNT = 8
ROW_COUNT = 150
DAY_COUNT = 12
UNTIL = datetime(2025, 3, 13, tzinfo=UTC)

AGREEMENT = Agreement(
    agreement_id="synthetic",
    version="1",
    title="A made-up truce",
    theatre_id="synthetic",
    parties=("A", "B"),
    windows=(
        TruceWindow(
            window_id="w",
            span=TimeSpan(start=FIRST_START + timedelta(days=3), end=FIRST_START + timedelta(days=6)),
            declared_by="A",
            accepted_by_other="B",
            scope="all fire",
            covered_domain_ids=(),
        ),
    ),
    provisions=(Prohibition(provision_id="p", article="1", summary="No fire.", source_ids=("made",), acts=("fire",)),),
    sources=(),
)


def make_pipeline(store: Workspace) -> Pipeline:
    """Give the pipeline of the made-up truce."""
    settings = PipelineSettings(
        agreement=AGREEMENT,
        agreement_sha256=hashlib.sha256(b"made up").hexdigest(),
        parties=("A", "B"),
        code_version="test",
        synthetic=True,
        attribution=AttributionSettings(catalogue=load_evidence_catalogue()),
        association=AssociationSettings(timezone_name="UTC"),
    )
    return Pipeline(settings, lines=store.lines())


def tables_of(file_index: int) -> Iterator[pa.Table]:
    """Give a file's rows in two tables; the second begins with rows the first has had."""
    table = observation_table(ROW_COUNT, np.random.default_rng(file_index), day_count=DAY_COUNT)
    yield table.slice(0, 100)
    yield table.slice(90)


def rejections_of(file_index: int) -> list[Rejection]:
    """Give two rows of a file that could not be used."""
    file_sha256 = received_file(f"file {file_index}").file_sha256
    reason = "latitude_deg=91.2 is outside [-90, 90]"
    return [
        Rejection(
            source_id=SOURCE_ID,
            file_sha256=file_sha256,
            row_index=row_index,
            raw="?",
            reason=reason,
            received_time=FIRST_START,
        )
        for row_index in (200, 201)
    ]


def drawn_lines() -> list[DatedLine]:
    """Give one contact line."""
    held = shapely.to_wkb(shapely.box(36.0, 47.0, 38.0, 48.0))
    line = DatedLine(
        valid_date=date(2025, 3, 1),
        held_by="A",
        held_wkb=held,
        line_wkb=None,
        sigma_m=1_000.0,
        source_id="drawing",
        file_sha256=received_file("lines").file_sha256,
    )
    return [line]


def take_in(store: Workspace, say: Callable[[str], None]) -> None:
    """Take every file in, saying each once it is acknowledged."""
    store.append_lines(drawn_lines(), received_file("lines", kind="contact_line", synthetic=True))
    say(received_file("lines").file_sha256)
    for index in range(FILE_COUNT):
        file = received_file(f"file {index}", synthetic=True)
        store.append_file(file, tables_of(index), rejections_of(index))
        say(file.file_sha256)


def run_through(store: Workspace) -> None:
    """Run the pipeline in small batches with many commits."""
    embedded.BATCH_ROW_COUNT = 40
    embedded.SPAN_ROW_COUNT = 300
    embedded.COMMIT_ROW_COUNT = 80
    embedded.COMMIT_GROWTH_RATIO = 0.0
    embedded.EmbeddedRun(make_pipeline(store), store, manifests={SOURCE_ID: MANIFEST}).run(until=UNTIL)


def do_all(folder: Path, say: Callable[[str], None] = lambda _: None) -> None:
    """Do the whole work, or what is left of it."""
    with Workspace.open(folder, create=True) as store:
        take_in(store, say)
        run_through(store)
        say("done")


def content_of(folder: Path) -> list[tuple[int, str, str, bytes, bool]]:
    """Give everything the journal says, but for the times at which it was logged; the store must be sound."""
    with Workspace.open(folder, create=False, read_only=True) as store:
        assert list(store.damages()) == []
        named = [folder / "archive" / part.relative_path for part in store.parts()]
        assert all(path.is_file() for path in named)
        return [(row.sequence, row.record_kind, row.record_id, row.body, row.equivocation) for row in store.rows()]


def _said_by_child(folder: Path, delay_s: float) -> bytes:
    """Do the work in a child that is ended after a delay (below zero: not at all); give what it acknowledged."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)

        def say(text: str) -> None:
            os.write(writing, f"{text}\n".encode())

        do_all(folder, say)
        os._exit(0)
    os.close(writing)
    if delay_s >= 0.0:
        time.sleep(delay_s)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reading, "rb") as stream:
        content = stream.read()
    _, status = os.waitpid(child, 0)
    assert status in {0, signal.SIGKILL}, "the work failed by itself"
    return content


if __name__ == "__main__":
    for line in sys.stdin:
        name, delay = line.split()
        sys.stdout.write(_said_by_child(Path(name), float(delay)).decode() + "ended\n")
        sys.stdout.flush()

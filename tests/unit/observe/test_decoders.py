"""Laws that every modality keeps."""

from __future__ import annotations

import csv
import io
import random
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truceline.model.columns import OBSERVATION_SCHEMA
from truceline.model.source import SourceManifest
from truceline.observe.records import observations_from_table, table_from_observations
from truceline.observe.registry import DECODERS, MANIFESTS, decoder_for, manifests_for, nearest_form
from truceline.observe.tables import Decoded, raw_texts
from unit.observe.fixture_tables import BROKEN, GOOD, context_for, decoder_of, name_of, raw_table

CELLS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "nan", "inf", "-0", "48.1", "37.8", "2025-04-20", "2025-04-20T05:00Z", "true", "N", "1-2", "R"]
    ),
)
"""What may stand in a cell: anything, or something that is nearly right."""


EXTRA = {
    "timed",
    "model",
    "k_artillery",
    "k_uav",
    "k_missile",
    "k_glide_bomb",
    "k_explosion",
    "k_assault",
    "side",
    "weapon",
}
"""Columns that a form may have or not."""


def decoded(table: pa.Table, **changes: object) -> Decoded:
    """Decode a table with its own decoder."""
    return decoder_of(table).decode(table, context_for(**changes))


def without_row_index(table: pa.Table) -> list[dict[str, object]]:
    """Give the rows of an observation table, but for their place in the file."""
    return table.drop_columns(["row_index", "file_sha256"]).to_pylist()


def test_sound_rows_are_all_observations(good_table: pa.Table) -> None:
    """A row without a fault becomes an observation, in its place."""
    result = decoded(good_table)

    assert result.rejections == ()
    assert result.observations.schema == OBSERVATION_SCHEMA
    assert result.observations["row_index"].to_pylist() == list(range(good_table.num_rows))


def test_rows_at_fault_are_kept_with_the_reason(broken_table: pa.Table) -> None:
    """A row at fault becomes a rejection that gives value, name and limit, and keeps the row's text."""
    result = decoded(broken_table)

    reasons = {entry.row_index: entry.reason for entry in result.rejections}
    expected = dict(enumerate(broken_table["expected"].to_pylist()))
    wrong = {
        index: (said, reasons.get(index)) for index, said in expected.items() if said not in reasons.get(index, "")
    }
    assert wrong == {}
    assert [next(csv.reader([entry.raw])) for entry in result.rejections] == _cells(broken_table)


def _cells(table: pa.Table) -> list[list[str]]:
    return [list(row.values()) for row in table.to_pylist()]


@pytest.mark.parametrize("path", BROKEN, ids=name_of)
def test_good_and_broken_rows_do_not_mix(path: Path) -> None:
    """What a broken neighbour is does not change what a sound row becomes."""
    broken = raw_table(path)
    pairs = [(good, raw_table(good)) for good in GOOD if good.parent == path.parent]
    good = next(table for _, table in pairs if set(table.column_names) <= {*broken.column_names, "places", *EXTRA})
    both = [name for name in good.column_names if name in broken.column_names]
    good, broken = good.select(both), broken.select(both)

    result = decoded(pa.concat_tables([good, broken, good]))

    assert without_row_index(result.observations) == 2 * without_row_index(decoded(good).observations)
    assert len(result.rejections) == broken.num_rows


@pytest.mark.parametrize("path", GOOD + BROKEN, ids=name_of)
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_chunks_do_not_matter(path: Path, data: st.DataObject) -> None:
    """However a file is cut into chunks, the same observations and rejections come out."""
    table = raw_table(path)
    cut = data.draw(st.integers(0, table.num_rows))
    whole = decoded(table)

    first, second = decoded(table.slice(0, cut)), decoded(table.slice(cut), first_row_index=cut)

    assert pa.concat_tables([first.observations, second.observations]).to_pylist() == whole.observations.to_pylist()
    assert first.rejections + second.rejections == whole.rejections


@settings(deadline=None, max_examples=5)
@given(order=st.randoms(use_true_random=False))
def test_order_does_not_matter(order: random.Random) -> None:
    """The id of a row does not depend on its place, its file or when it was received."""
    for path in GOOD:
        table = raw_table(path)
        rows = list(range(table.num_rows))
        order.shuffle(rows)
        moved = decoded(table.take(rows), file_sha256="f" * 64, received_time=datetime(2026, 2, 2, tzinfo=UTC))
        ids = decoded(table).observations["observation_id"].to_pylist()

        assert moved.observations["observation_id"].to_pylist() == [ids[row] for row in rows]


def test_ids_of_different_rows_differ(good_table: pa.Table) -> None:
    """No two different rows of a file share an id; equal rows do."""
    once, twice = decoded(good_table), decoded(pa.concat_tables([good_table, good_table]))

    ids = twice.observations["observation_id"].to_pylist()
    assert len(set(ids)) == good_table.num_rows
    assert ids == 2 * once.observations["observation_id"].to_pylist()


def test_typed_columns_say_the_same(good_table: pa.Table) -> None:
    """Parquet with typed columns gives the same observations as CSV with the same values."""
    sink = io.BytesIO()
    pl.from_arrow(good_table).write_csv(sink)  # type: ignore[union-attr]
    typed = pl.read_csv(sink.getvalue(), try_parse_dates=True, infer_schema_length=None).to_arrow()

    assert decoded(typed).rejections == ()
    assert decoded(typed).observations.to_pylist() == decoded(good_table).observations.to_pylist()


def test_single_precision_columns_say_the_same() -> None:
    """A coordinate kept in 32 bits is read as the decimal that it was written as."""
    archive = raw_table(next(path for path in GOOD if path.stem == "good_archive"))
    single = pl.from_arrow(archive).with_columns(pl.col("lat", "lon").cast(pl.Float32), pl.col("date").str.to_date())

    assert decoded(single.to_arrow()).observations.to_pylist() == decoded(archive).observations.to_pylist()


@pytest.mark.parametrize("path", GOOD, ids=name_of)
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_nothing_is_lost_whatever_comes(path: Path, data: st.DataObject) -> None:
    """Any text in any cell gives an observation or a rejection, and never a failure."""
    table = raw_table(path)
    rows = data.draw(st.lists(st.lists(CELLS, min_size=table.num_columns, max_size=table.num_columns), max_size=6))
    columns = list(zip(*rows, strict=True)) or [()] * table.num_columns
    strange = pa.table({n: pa.array(c, pa.string()) for n, c in zip(table.column_names, columns, strict=True)})

    result = decoded(pa.concat_tables([table, strange]))

    assert result.observations.num_rows + len(result.rejections) == table.num_rows + len(rows)
    assert len(observations_from_table(result.observations, _manifests())) == result.observations.num_rows


def _manifests() -> dict[str, SourceManifest]:
    return {"fixture": DECODERS[0].manifest}


def test_records_and_tables_are_one(good_table: pa.Table) -> None:
    """A table made into records and back is the same table; so are records made into a table and back."""
    table = decoded(good_table).observations
    received = {"0" * 64: datetime(2026, 1, 1, tzinfo=UTC)}
    records = observations_from_table(table, _manifests(), received_times=received)

    again = table_from_observations(records)

    assert again.to_pylist() == table.to_pylist()
    assert observations_from_table(again, _manifests(), received_times=received) == records


def test_each_form_has_one_decoder() -> None:
    """The columns of every form are recognised by its own decoder and by no other."""
    for decoder in DECODERS:
        for form in decoder.forms.values():
            found = [other.manifest.kind for other in DECODERS if other.recognises(form)]

            assert found == [decoder.manifest.kind]


def test_a_form_that_lacks_a_column_is_not_recognised() -> None:
    """Without one of its columns a form is not recognised, and that column is named."""
    for decoder in DECODERS:
        for form in decoder.forms.values():
            for column in form - {"bearing_sigma_deg"}:
                lesser = form - {column}
                if decoder_for(lesser) is None and lesser:
                    nearest = nearest_form(lesser)

                    assert nearest is not None
                    assert nearest[2]


def test_columns_of_nothing_known_are_near_to_nothing() -> None:
    """Columns that no form shares have no nearest form."""
    nearest = nearest_form(frozenset({"colour", "taste"}))

    assert nearest is None


def test_manifests_are_found_by_source_id() -> None:
    """Every decoder's manifest stands under its own source id."""
    kinds = {source_id: manifest.kind for source_id, manifest in MANIFESTS.items()}

    assert len(kinds) == len(DECODERS)


def test_bytes_and_nothing_are_shown_as_such() -> None:
    """A rejected row's text says how long a field of bytes is, and leaves empty what was missing."""
    rows = pa.table({"a": [b"abc"], "b": pa.array([None], pa.string()), "c": [1.5]})

    assert raw_texts(rows) == ["<3 bytes>,,1.5"]


def test_influence_follows_the_theatre() -> None:
    """Where parties could influence a feed, they are those of the theatre; exchanged parties, exchanged names."""
    own, other = manifests_for(("A", "B")), manifests_for(("B", "A"))

    for source_id, manifest in MANIFESTS.items():
        assert (own[source_id].influenced_by_parties != ()) == (manifest.influenced_by_parties != ())
        assert own[source_id].influenced_by_parties == other[source_id].influenced_by_parties[::-1]


@pytest.mark.parametrize("clock", ["25:61", "24:00", "05:0", "5", "05:00:61", "05:00 PM", "2025-04-20 05:00"])
def test_a_clock_time_that_cannot_be_read_is_a_fault(clock: str) -> None:
    """A report whose clock time cannot be read is a rejection that gives the value."""
    result = decoded(_reports_at(clock))

    assert result.observations.num_rows == 0
    assert {entry.reason for entry in result.rejections} == {f"time_local={clock} is not a time of day such as 05:00"}


@pytest.mark.parametrize("clock", ["", "NaN", "null", "5:07", "05:07", "05:07:30", "23:59:59.5"])
def test_a_clock_time_may_be_missing_or_have_seconds(clock: str) -> None:
    """A report without a clock time, or with one to the second, is an observation."""
    result = decoded(_reports_at(clock))

    assert result.rejections == ()


def _reports_at(clock: str) -> pa.Table:
    table = raw_table(next(path for path in GOOD if name_of(path) == "media_report/good"))
    clocks = pa.array([clock] * table.num_rows, pa.string())
    return table.set_column(table.column_names.index("time_local"), "time_local", clocks)


def test_a_claim_is_its_claimants_own() -> None:
    """A claim could be influenced by its claimant and by nobody else."""
    table = decoded(raw_table(next(path for path in GOOD if path.stem == "good_claims"))).observations
    records = observations_from_table(table, _manifests())

    assert [record.provenance.influenced_by_parties for record in records] == [("UA",), ("RU",)]

"""Public files made again from the journal: whatever was torn, lost or added comes right, nothing else is touched."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from faults.log_work import begin, go_on
from truceline.adapters.log.audit import audit_log
from truceline.adapters.log.rebuild import Rebuilt, rebuild_public
from truceline.adapters.log.service import EvidenceLog
from truceline.cli import main
from truceline.errors import StoreUnavailable

BATCH_COUNT = 9


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a log that was published three times, to be copied."""
    folder = tmp_path_factory.mktemp("rebuild")
    begin(folder)
    go_on(folder, 0, lambda _: None, batch_count=BATCH_COUNT)
    return folder / "log"


def _rebuilt(log_path: Path) -> Rebuilt:
    with EvidenceLog.open(log_path) as log:
        return rebuild_public(log.journal, log.public_folder)


def _content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _damage(public: Path, chance: np.random.Generator) -> set[str]:
    """Lose, tear, lengthen or change files at random, and leave strange ones; give the paths that are not right now."""
    changed = set()
    for name, content in sorted(_content(public).items()):
        drawn = chance.random()
        place = int(chance.integers(0, len(content)))
        if drawn < 0.2:
            (public / name).unlink()
        elif drawn < 0.4:
            (public / name).write_bytes(content[:place])
        elif drawn < 0.5:
            (public / name).write_bytes(content + b"x")
        elif drawn < 0.6 and name != "checkpoint":
            (public / name).write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        else:
            continue
        changed.add(name)
    (public / "tile/9").mkdir(parents=True)
    for stranger in ("tile/9/000", "tile/0/000.part", "tile/1/000.p/77"):
        (public / stranger).parent.mkdir(parents=True, exist_ok=True)
        (public / stranger).write_bytes(b"strange")
    return changed


@pytest.mark.parametrize("seed", range(5))
def test_damaged_public_files_are_made_again_and_no_others(tmp_path: Path, published: Path, seed: int) -> None:
    """After any damage a rebuild gives the same bytes as before, says which it made, and again changes nothing."""
    log_path = shutil.copytree(published, tmp_path / "log")
    public = log_path / "public"
    sound = _content(public)
    with EvidenceLog.open(log_path):
        changed = _damage(public, np.random.default_rng(seed))
    (public / "checkpoint").unlink(missing_ok=True)
    untouched = {name: (public / name).stat().st_ino for name in sound if name not in changed | {"checkpoint"}}
    first, second = _rebuilt(log_path), _rebuilt(log_path)

    assert {name for name in changed if name != "checkpoint"} <= set(first.made)
    assert sound == _content(public)
    assert untouched == {name: (public / name).stat().st_ino for name in untouched}
    assert (second.made, second.removed) == ((), ())
    assert audit_log(log_path).faults == ()


def test_a_whole_tree_of_tiles_is_made_again(tmp_path: Path, published: Path) -> None:
    """Where all tiles are gone, all are made again, those of earlier publications included."""
    log_path = shutil.copytree(published, tmp_path / "log")
    sound = _content(log_path / "public")
    shutil.rmtree(log_path / "public")
    rebuilt = _rebuilt(log_path)

    assert sound == _content(log_path / "public")
    assert len(rebuilt.made) == rebuilt.file_count


def _with_a_changed_leaf(log_path: Path, published: Path) -> None:
    """Put a journal in place whose digests fit and whose leaves do not: what somebody would do who edits with care."""
    import apsw

    from truceline.adapters.log.pages import connect
    from truceline.adapters.log.rows import row_digest

    shutil.copytree(published, log_path)
    connection, disk = connect(log_path / "log.sqlite", creates=False)
    connection.execute("DROP TRIGGER batch_no_update")
    query = "SELECT batch_index, first_leaf_index, leaves FROM batch WHERE batch_index = 2"
    index, first, leaves = connection.execute(query).fetchone()
    changed = bytes([*leaves[:20], leaves[20] ^ 1, *leaves[21:]])
    digest = row_digest(index, first, changed)
    connection.execute("UPDATE batch SET leaves = ?, digest = ? WHERE batch_index = 2", (changed, digest))
    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    connection.close()
    disk.unregister()


def test_a_journal_that_does_not_give_the_signed_root_changes_nothing(tmp_path: Path, published: Path) -> None:
    """Tiles are made only from leaves that lead to every signed root."""
    _with_a_changed_leaf(tmp_path / "log", published)
    (tmp_path / "log" / "public" / "tile" / "0" / "000").write_bytes(b"torn")
    before = _content(tmp_path / "log" / "public")

    with pytest.raises(StoreUnavailable, match=r"do not give the root signed at \d+ leaves; nothing is changed"):
        _rebuilt(tmp_path / "log")
    assert before == _content(tmp_path / "log" / "public")


def test_an_older_journal_is_refused(tmp_path: Path, published: Path) -> None:
    """Where the world was shown more than the journal holds, nothing is made again."""
    begin(tmp_path)
    shutil.copy(published / "public" / "checkpoint", tmp_path / "log" / "public" / "checkpoint")

    with pytest.raises(StoreUnavailable, match="not in this journal"):
        _rebuilt(tmp_path / "log")


def test_a_log_that_published_nothing_has_nothing_to_make(tmp_path: Path) -> None:
    """Without a checkpoint there is no tree to show."""
    begin(tmp_path)

    with pytest.raises(StoreUnavailable, match="nothing is published yet"):
        _rebuilt(tmp_path / "log")


def test_the_command_says_what_it_made_again(
    tmp_path: Path, published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`truceline log rebuild` names each file, and says that nothing was wrong where nothing was."""
    log_path = shutil.copytree(published, tmp_path / "log")
    (log_path / "public" / "tile" / "entries" / "001").unlink()
    codes = [main(["log", "rebuild", "--log", str(log_path)]) for _ in range(2)]
    lines = capsys.readouterr().out.splitlines()

    assert codes == [0, 0]
    assert lines[0] == "made again: tile/entries/001"
    assert lines[1].startswith(f"{log_path}: 1 of ")
    assert lines[2].startswith(f"{log_path}: 0 of ")
    assert len(lines) == 3

"""Publishing: commit, then sign, then show; keys that follow one another; never a fork."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from truceline.adapters.log.audit import audit_log
from truceline.adapters.log.keys import read_signer, vkeys_for
from truceline.adapters.log.note import Verifier, parse_note, verify_note
from truceline.adapters.log.policy import Policy
from truceline.adapters.log.proof import verify_proof
from truceline.adapters.log.publisher import CHECKPOINT_NAME
from truceline.adapters.log.refusal import Refused
from truceline.adapters.log.rows import KeySet
from truceline.adapters.log.service import EvidenceLog
from truceline.errors import StoreUnavailable
from unit.log.made_log import START_S, clock_ms, made_log, records


def test_a_published_record_is_proven_by_the_policy_alone(tmp_path: Path) -> None:
    """Leaf, proof and policy show a record's place; with another leaf they do not."""
    with made_log(tmp_path) as log:
        log.publisher().append_and_publish(records(700), time_s=START_S)
        found = log.find(records(700)[444].body)
        policy = Policy.parse(log.policy_text)

    assert found is not None
    assert verify_proof(found.proof, found.sealed.leaf, policy).is_proven
    assert not verify_proof(found.proof, found.sealed.leaf[:-1] + b"?", policy).is_proven


def test_every_publication_is_padded_and_grows(tmp_path: Path) -> None:
    """Sizes are multiples of 256 and grow at each publication, whether or not anything was logged."""
    with made_log(tmp_path) as log:
        publisher = log.publisher()
        sizes = [publisher.publish(time_s=START_S).checkpoint.size_count]
        for count in (0, 1, 256, 300):
            log.journal.append(records(count, source=f"of {count}"))
            sizes.append(publisher.publish(time_s=START_S).checkpoint.size_count)

    assert sizes == [256, 512, 768, 1024, 1536]


def test_nothing_is_signed_by_an_older_copy(tmp_path: Path) -> None:
    """A journal behind what was shown to the world refuses to sign."""
    with made_log(tmp_path) as log:
        log.publisher().publish(time_s=START_S)
    shutil.copytree(tmp_path / "log", tmp_path / "older")
    with EvidenceLog.open(tmp_path / "log", clock_ms=clock_ms) as log:
        log.publisher().publish(time_s=START_S + 60)
    shutil.copytree(tmp_path / "log" / "public", tmp_path / "older" / "public", dirs_exist_ok=True)

    with EvidenceLog.open(tmp_path / "older") as older, pytest.raises(StoreUnavailable, match="older copy"):
        older.publisher()


@pytest.mark.parametrize("leftover", ["nothing", "half a tile", "no tiles", "no checkpoint"])
def test_tiles_are_made_again_from_the_journal(tmp_path: Path, leftover: str) -> None:
    """Whatever a sudden end left of the public files, the next publication leaves them as the journal says."""
    with made_log(tmp_path) as log:
        log.publisher().append_and_publish(records(70_000), time_s=START_S)
        log.journal.append(records(10, source="later"))
    public = tmp_path / "log" / "public"
    if leftover == "half a tile":
        partial = next((public / "tile" / "1").glob("*.p/*"))
        partial.write_bytes(partial.read_bytes()[:40])
    elif leftover == "no tiles":
        shutil.rmtree(public / "tile")
    elif leftover == "no checkpoint":
        (public / CHECKPOINT_NAME).unlink()
    with EvidenceLog.open(tmp_path / "log", clock_ms=clock_ms) as log:
        published = log.publisher().publish(time_s=START_S + 60)

    assert published.is_rebuilt == (leftover in {"half a tile", "no tiles"})
    assert audit_log(tmp_path / "log").faults == ()


def test_resuming_shows_what_was_signed(tmp_path: Path) -> None:
    """A checkpoint that was committed and not yet shown is shown on resuming, with its tiles."""
    with made_log(tmp_path) as log:
        log.publisher().publish(time_s=START_S)
    shutil.rmtree(tmp_path / "log" / "public")
    with EvidenceLog.open(tmp_path / "log", clock_ms=clock_ms) as log:
        log.publisher().resume()

    assert audit_log(tmp_path / "log").faults == ()


def test_one_checkpoint_binds_old_keys_to_new_ones(tmp_path: Path) -> None:
    """After a rotation the first checkpoint is signed by both key pairs, the next by the new one alone."""
    with made_log(tmp_path) as log:
        publisher = log.publisher()
        publisher.publish(time_s=START_S)
        old = log.journal.key_sets()[0].vkeys
        new = log.rotate(time_s=START_S)
        notes = [parse_note(publisher.publish(time_s=START_S).checkpoint.note) for _ in range(2)]

    def signs(vkeys: tuple[str, ...], number: int) -> bool:
        return len(verify_note(notes[number], [Verifier.from_vkey(vkey) for vkey in vkeys])) == 2

    assert signs(old, 0)
    assert signs(new, 0)
    assert signs(new, 1)
    with pytest.raises(Refused, match="no known key"):
        signs(old, 1)
    assert audit_log(tmp_path / "log").faults == ()


def test_keys_in_force_are_those_of_the_newest_statement() -> None:
    """Keys follow one another by the leaf that says them, and overlap for one checkpoint."""
    sets = [KeySet(leaf_index=at, vkeys=(f"k{at}",), statement="") for at in (0, 300, 600)]

    assert vkeys_for(sets, size_count=256, before_size_count=0) == ("k0",)
    assert vkeys_for(sets, size_count=512, before_size_count=256) == ("k300", "k0")
    assert vkeys_for(sets, size_count=768, before_size_count=256) == ("k600", "k300", "k0")
    assert vkeys_for(sets, size_count=1024, before_size_count=768) == ("k600",)
    assert vkeys_for([], size_count=256, before_size_count=0) == ()


def test_secret_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    """Key files are made with mode 600, and one that others may read is not used."""
    with made_log(tmp_path) as log:
        paths = sorted(log.keys_folder.iterdir())
    modes = {stat.S_IMODE(path.stat().st_mode) for path in paths}
    paths[0].chmod(0o640)

    assert modes == {0o600}
    with pytest.raises(StoreUnavailable, match="others may read"):
        read_signer(paths[0])

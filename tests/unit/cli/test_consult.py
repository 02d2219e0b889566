"""`truceline consult` from the first key to the board, and what it says of what it does not take."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from truceline.adapters.office_keys import OfficeKey, read_key
from truceline.cli import main
from truceline.errors import InputUnusable, SourceUnavailable
from truceline.model.decision import FoundingGuarantor, FoundingOfficer
from truceline.model.quantity import canonical_bytes
from truceline.testing.consultation_world import START, Founding, hash_of, seed_of

PEOPLE = {
    "r1": ("reviewers", "Mission"),
    "r2": ("reviewers", "Mission"),
    "secretariat": ("secretariat", "Secretariat"),
    "commission": ("commission", "Commission"),
    "party": ("party", "Party A"),
    "liaison": ("liaison", "QM"),
    "minister": ("office", "QM"),
    "speaker": ("parliament", "QM"),
}


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of an open case in which every key is registered, as the working folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("o1", "o2", *PEOPLE):
        OfficeKey(seed_of(name)).write(tmp_path / f"{name}.key")
    officers = tuple(
        FoundingOfficer(name=name, organisation=f"body {name}", public_key=OfficeKey(seed_of(name)).public_key)
        for name in ("o1", "o2")
    )
    founding = Founding(
        case_id="case-1",
        title="Case 1",
        party="Party A",
        guarantors=(FoundingGuarantor(guarantor="QM", title="Guarantor QM", needs_mandate=True),),
        commission_members=("A", "B"),
        officers=officers,
        founded_time=START,
        synthetic=True,
    )
    (tmp_path / "founding.json").write_bytes(canonical_bytes(founding))
    assert 0 == main(["consult", "open", "--founding", "founding.json"])
    for name, (role, organisation) in PEOPLE.items():
        public_key = OfficeKey(seed_of(name)).public_key
        words = f"--holder {name} --office {role} --role {role} --since 2026-03-01T00:00:00Z --key o1.key --key o2.key"
        assert 0 == call(f"key register --public-key {public_key} {words}", "--organisation", organisation)
    return tmp_path / "truceline-case"


def call(words: str, *more: str) -> int:
    """Call one command of the group."""
    return main(["consult", *words.split(), *more])


def walk() -> None:
    """Go from a draft to a consultation that met."""
    version = f"version --version-index 1 --dossier-id D --root-sha256 {hash_of(1)} --status"
    for words in (
        f"{version} draft",
        f"{version} released --key r1.key --key r2.key",
        "serve --guarantor QM --version-index 1 --acknowledge-by 2030-01-01T00:00:00Z --key secretariat.key",
        "ack --guarantor QM --version-index 1 --key liaison.key",
        "ask --version-index 1 --text where? --key secretariat.key",
        "reply --text not-ours --key party.key",
        "find --version-index 1 --outcome no_consensus --vote A=for --vote B=against --for-count 1 --against-count 1 "
        "--abstain-count 0 --dissent B=once --key commission.key",
        "request --guarantor QM --instrument article-5 --key minister.key",
        "meet --key secretariat.key",
    ):
        assert 0 == call(words), words


DECIDE = f"decide --guarantor QM --cites-index 1 --cites-sha256 {hash_of(1)} --legal-basis law-3"
STEP = "step --guarantor QM --body Assembly --instrument motion --for-count 3 --against-count 1 --abstain-count 0"


def test_a_case_from_the_first_key_to_the_board(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each step is taken in its order, signed elsewhere where need be, and the board and page show it."""
    walk()
    span = "--start 2026-01-01T00:00:00Z --end 2090-01-01T00:00:00Z"
    assert 0 == call(f"{STEP} --present-count 4 --outcome granted {span} --key speaker.key")
    assert 0 == call(f"{DECIDE} --outcome assist --kind logistical --out d.json")
    assert 1 == call("submit d.json")
    assert 0 == call("sign d.json --key minister.key --out signed.json")
    capsys.readouterr()
    assert 0 == call("submit signed.json")
    decision_id = capsys.readouterr().out.split()[1]
    measure = f"measure --guarantor QM --decision-id {decision_id} --measure-index 0 --key minister.key --status"
    assert 0 == call(f"{measure} authorised --contribution transport")
    assert 1 == call(
        f"review --guarantor QM --decision-id {decision_id} --cause recall --outcome affirm --key minister.key"
    )
    assert 1 == call("notice --guarantor QM --status delivered")
    assert 1 == call("non-reply --key secretariat.key")
    assert 1 == call("lapse --reason none --key secretariat.key")
    assert 0 == call(f"conclude --minutes-sha256 {hash_of(5)} --key secretariat.key")
    assert 0 == call("board --out board.html")
    capsys.readouterr()
    assert 0 == call("status")
    text = capsys.readouterr().out
    page = (case.parent / "board.html").read_text(encoding="utf-8")

    assert "QM Guarantor QM: assist (logistical)" in text
    assert "dissent of B: once" in text
    assert "<strong>assist</strong>" in page
    assert "<script" not in page
    assert 1 == call("replay")  # the unsigned decision is there as forged
    assert "forged Decision" in capsys.readouterr().out


BAD = {
    "votes that do not add up": (f"{STEP} --present-count 9 --outcome refused --key speaker.key", "does not add up"),
    "an unsigned decision": (f"{DECIDE} --outcome no", "unsigned"),
    "no such guarantor": (f"{DECIDE} --outcome no --key minister.key".replace("QM", "QZ"), "no guarantor of this case"),
    "no country's code": (f"{DECIDE} --outcome no --key minister.key".replace("QM", "Q9"), "ISO 3166-1"),
    "an early decision": (f"{DECIDE} --outcome assist --kind military --key minister.key", "own_constitutional_step"),
    "a stale hash": (f"{DECIDE} --outcome no --key minister.key".replace(hash_of(1), hash_of(2)), "cites_sha256"),
    "a vote that is none": (
        "find --version-index 1 --outcome breach --vote A=maybe --for-count 0 --against-count 0 --abstain-count 0",
        "are not for, against or abstain",
    ),
    "assist without kinds": (f"{DECIDE} --outcome assist --key minister.key", "names its kinds"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_taken_is_said_and_kept(case: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Bad input ends with 1 and its reason, and stands among the rows without effect."""
    walk()
    words, reason = BAD[name]
    assert 1 == call(words)
    assert reason in capsys.readouterr().err
    assert 0 == call("status", "--data", str(case))

    assert reason in capsys.readouterr().out


def test_a_key_is_its_owners_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A new key is readable by its owner only, never replaced or printed; one that others may read is refused."""
    path = tmp_path / "minister.key"
    assert 0 == call(f"key new --out {path}")
    printed = capsys.readouterr().out
    assert 1 == call(f"key new --out {path}")
    seed = path.read_text(encoding="utf-8").split('"')[7]
    public_key = read_key(path).public_key

    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert public_key in printed
    assert seed not in printed
    path.chmod(0o640)
    with pytest.raises(InputUnusable, match="others may read"):
        read_key(path)
    path.chmod(0o600)
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(InputUnusable, match="no key"):
        read_key(path)
    with pytest.raises(SourceUnavailable, match="cannot be read"):
        read_key(tmp_path / "none.key")


def test_a_case_is_not_replaced_and_no_secret_is_in_it(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Opening a case twice is refused, a folder without a case says so, and the folder holds no secret."""
    assert 1 == call("open --founding founding.json")
    assert 1 == call("status --data nowhere")
    assert 1 == call("submit nowhere.json")
    assert 1 == call("sign founding.json --key minister.key --out x.json")
    revoke = "key revoke --key-id abc --since 2026-03-01T00:00:00Z --reason lost --key o1.key --key o2.key"
    assert 0 == call(revoke)
    assert "a case is there already" in capsys.readouterr().err
    content = b"".join(path.read_bytes() for path in case.iterdir())

    assert not any(seed_of(name).hex().encode() in content for name in ("o1", "o2", *PEOPLE))

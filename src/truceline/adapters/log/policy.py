"""Trust policies (c2sp.org/tlog-policy): which logs count, which witnesses, and how many of them make a quorum."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from truceline.adapters.log.checkpoint import parse_checkpoint
from truceline.adapters.log.keys_text import SignatureKind
from truceline.adapters.log.note import Note, Verifier, verify_note
from truceline.adapters.log.refusal import Refused, canonical_count

LINES_MOST_COUNT = 4096
NO_QUORUM = "none"

_LOG_KINDS = frozenset({SignatureKind.ED25519, SignatureKind.COSIGNATURE_MLDSA44})
_WITNESS_KINDS = frozenset({SignatureKind.COSIGNATURE_ED25519, SignatureKind.COSIGNATURE_MLDSA44})


class PolicyLog(NamedTuple):
    """A log that counts: its key, and where it is found, if said."""

    verifier: Verifier
    url: str | None


class PolicyWitness(NamedTuple):
    """A witness by its name in the policy, with its key, and where it is found, if said."""

    name: str
    verifier: Verifier
    url: str | None


class PolicyGroup(NamedTuple):
    """A group that has witnessed once that many of its members have."""

    name: str
    least_count: int
    members: tuple[str, ...]


class PolicyResult(NamedTuple):
    """Whether a checkpoint is valid under a policy, why, and who vouched for it when."""

    is_satisfied: bool
    reason: str
    log_names: tuple[str, ...] = ()
    witnesses: tuple[tuple[str, int], ...] = ()
    """The witnesses that count, by name in the policy, with the latest POSIX time in seconds that each says."""
    absent: tuple[str, ...] = ()
    """The witnesses of the policy of which none counts."""


class Policy(NamedTuple):
    """A policy as read; `text` is its file, to be given on unchanged."""

    text: str
    logs: tuple[PolicyLog, ...]
    witnesses: tuple[PolicyWitness, ...]
    groups: tuple[PolicyGroup, ...]
    quorum: str

    @classmethod
    def parse(cls, content: str | bytes) -> Policy:
        """Read a policy file; raise `Refused` with the line's number where it does not keep to the standard.

        The last line must be ended too: a file that was cut off could else name another quorum.
        """
        text = content if isinstance(content, str) else content.decode("utf-8", "surrogateescape")
        lines = text.split("\n")
        if lines.pop() or len(lines) > LINES_MOST_COUNT:
            raise Refused(f"a policy has at most {LINES_MOST_COUNT} lines, each ending in a newline")
        reading = _Reading()
        for number, line in enumerate(lines, start=1):
            try:
                reading.take(line)
            except Refused as refused:
                raise Refused(f"line {number}: {refused}") from None
        if reading.quorum is None:
            raise Refused("a policy has a quorum line")
        return cls(text, tuple(reading.logs), tuple(reading.witnesses), tuple(reading.groups), reading.quorum)

    def satisfied(self, note: Note, *, latest_s: int | None = None) -> PolicyResult:
        """Say whether a note is a valid checkpoint: signed by a listed log of its origin, and cosigned by a quorum.

        A signature by a listed key that does not hold refuses the whole note. A cosignature counts if it says a time
        (0 says none), and one not after `latest_s` (POSIX seconds), where that is given.
        """
        try:
            origin = parse_checkpoint(note.text).origin
            found = verify_note(note, [*(log.verifier for log in self.logs), *(w.verifier for w in self.witnesses)])
        except Refused as refused:
            return PolicyResult(False, str(refused))
        ids = {(part.name, part.key_id) for part in found}
        logs = tuple(
            log.verifier.name
            for log in self.logs
            if log.verifier.name == origin and (log.verifier.name, log.verifier.key_id) in ids
        )
        times: dict[str, int] = {}
        for witness in self.witnesses:
            key = witness.verifier.name, witness.verifier.key_id
            said = [part.time_s(witness.verifier.kind) for part in found if (part.name, part.key_id) == key]
            counted = [time_s for time_s in said if time_s > 0 and (latest_s is None or time_s <= latest_s)]
            if counted:
                times[witness.name] = max(counted)
        absent = tuple(witness.name for witness in self.witnesses if witness.name not in times)
        reason = self._reason(is_signed=bool(logs), origin=origin, names=set(times))
        return PolicyResult(not reason, reason or "signed and witnessed", logs, tuple(times.items()), absent)

    def _reason(self, *, is_signed: bool, origin: str, names: set[str]) -> str:
        if not is_signed:
            return f"no listed log of the name {origin!r} has signed"
        for group in self.groups:  # a group names only what stands before it
            if len(names.intersection(group.members)) >= group.least_count:
                names.add(group.name)
        if self.quorum in {NO_QUORUM, *names}:
            return ""
        return f"the quorum {self.quorum!r} has not witnessed it"


class _Reading:
    """A policy while its lines are read."""

    def __init__(self) -> None:
        self.logs: list[PolicyLog] = []
        self.witnesses: list[PolicyWitness] = []
        self.groups: list[PolicyGroup] = []
        self.quorum: str | None = None
        self._names: set[str] = set()
        self._members: set[str] = set()

    def take(self, line: str) -> None:
        if any((sign < " " and sign != "\t") or sign == "\x7f" for sign in line):
            raise Refused("control signs other than tab and newline")
        words = line.replace("\t", " ").strip(" ")
        if not words or words.startswith("#"):
            return
        keyword, *items = [word for word in words.split(" ") if word]
        kinds: dict[str, Callable[[list[str]], None]] = {
            "log": self._log,
            "witness": self._witness,
            "group": self._group,
            "quorum": self._quorum,
        }
        if keyword not in kinds:
            raise Refused(f"{keyword[:40]!r} begins no line of a policy")
        kinds[keyword](items)

    def _log(self, items: list[str]) -> None:
        if len(items) not in {1, 2}:
            raise Refused("log <vkey> [<url>]")
        verifier = _verifier(items[0], kinds=_LOG_KINDS, others=[log.verifier for log in self.logs])
        self.logs.append(PolicyLog(verifier, items[1] if len(items) == 2 else None))

    def _witness(self, items: list[str]) -> None:
        if len(items) not in {2, 3}:
            raise Refused("witness <name> <vkey> [<url>]")
        verifier = _verifier(items[1], kinds=_WITNESS_KINDS, others=[entry.verifier for entry in self.witnesses])
        self._define(items[0])
        self.witnesses.append(PolicyWitness(items[0], verifier, items[2] if len(items) == 3 else None))

    def _group(self, items: list[str]) -> None:
        if len(items) < 3:
            raise Refused("group <name> all|any|<k> <name>...")
        name, rule, *members = items
        for member in members:
            self._require_defined(member)
            if member in self._members:
                raise Refused(f"{member!r} is a member already")
            self._members.add(member)
        least = {"all": str(len(members)), "any": "1"}.get(rule, rule)
        least_count = canonical_count(least, name="members needed")
        if not 1 <= least_count <= len(members):
            raise Refused(f"{least_count} of {len(members)} members cannot be needed")
        self._define(name)
        self.groups.append(PolicyGroup(name, least_count, tuple(members)))

    def _quorum(self, items: list[str]) -> None:
        if len(items) != 1 or self.quorum is not None:
            raise Refused("quorum <name>, once")
        if items[0] != NO_QUORUM:
            self._require_defined(items[0])
        self.quorum = items[0]

    def _define(self, name: str) -> None:
        if name == NO_QUORUM or name in self._names:
            raise Refused(f"the name {name!r} is taken")
        self._names.add(name)

    def _require_defined(self, name: str) -> None:
        if name not in self._names:
            raise Refused(f"{name!r} is not defined above")


def _verifier(vkey: str, *, kinds: frozenset[SignatureKind], others: list[Verifier]) -> Verifier:
    verifier = Verifier.from_vkey(vkey)
    if verifier.kind not in kinds:
        raise Refused(f"a key of type {verifier.kind:#04x} does not serve here")
    if any(verifier.public_key == other.public_key for other in others):
        raise Refused(f"the key of {verifier.name} stands there already")
    return verifier

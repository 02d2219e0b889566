"""What the agreement commands read: the stack of texts, dated lines, registers and times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from datetime import datetime

    from truceline.adapters.agreement_assessor import TextAssessor
    from truceline.adapters.agreement_events import EventPiece
    from truceline.adapters.agreements import NamedText
    from truceline.adapters.sources.files import FeedContext
    from truceline.model.reference_line import DatedLine
    from truceline.model.register import Register


@dataclass(frozen=True)
class AgreementInput:
    """What `assess` and `diff` hold against texts: events, dated lines, and register files."""

    events: tuple[Path, ...]
    lines: tuple[DatedLine, ...]
    register_paths: tuple[Path, ...]
    feed: FeedContext

    @classmethod
    def of(cls, args: argparse.Namespace) -> AgreementInput:
        """Read the options; the theatre of the first text says whose ceasefire it is and what local times mean."""
        from truceline.adapters.agreements import agreement_files, load_agreement
        from truceline.adapters.clock import system_now
        from truceline.adapters.sources.files import FeedContext
        from truceline.errors import InputUnusable

        named = args.agreement if "agreement" in args else [args.before]
        if not named:
            raise InputUnusable("--agreement is missing: events are held against a text")
        first = load_agreement(agreement_files(named)[0])
        feed = FeedContext(
            parties=first.agreement.parties,
            timezone_name=first.theatre.timezone_name,
            received_time=system_now(),
            bounds_deg=first.theatre.bounds_deg,
        )
        return cls(tuple(args.events), tuple(lines_of(args.line, feed)), tuple(args.register), feed)

    def pieces(self) -> Iterator[tuple[Path, EventPiece]]:
        """Give all events piece by piece, each with the file it comes from."""
        from truceline.adapters.agreement_events import event_pieces

        for path in self.events:
            for piece in event_pieces(path, self.feed):
                yield path, piece

    def assessor(self, paths: Sequence[Path]) -> TextAssessor:
        """Put texts together with lines and the register; the register is held against them."""
        from truceline.adapters.agreement_assessor import TextAssessor

        texts = texts_of(paths)
        return TextAssessor(texts, register=register_of(self.register_paths, texts), lines=self.lines)


def register_of(paths: Sequence[Path], texts: Sequence[NamedText]) -> Register:
    """Read a register and hold it against texts."""
    from truceline.adapters.registers import load_register

    return load_register(paths, texts=[text.agreement for text in texts]).register


def families_of(texts: Sequence[NamedText]) -> list[list[NamedText]]:
    """Give texts in groups that can be held together: those of one pair of parties that rest on one first text."""
    roots: dict[str, str] = {}
    groups: dict[tuple[tuple[str, str], str], list[NamedText]] = {}
    for text in texts:
        agreement = text.agreement
        root = roots.get(agreement.amends or "", agreement.amends or agreement.agreement_id)
        roots[agreement.agreement_id] = root
        groups.setdefault((agreement.parties, root), []).append(text)
    return list(groups.values())


def moment_of(option: str, text: str | None) -> datetime:
    """Give the time of an option in UTC, or the present where it was not given."""
    from datetime import UTC, datetime

    from truceline.adapters.clock import system_now
    from truceline.errors import InputUnusable

    if text is None:
        return system_now()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputUnusable(f"{option}={text!r} is not an ISO 8601 time such as 2025-05-01T00:00:00Z") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def texts_of(paths: Sequence[Path]) -> list[NamedText]:
    """Read texts with those they amend, each once, the oldest first."""
    from truceline.adapters.agreements import agreement_files, load_agreement

    found: dict[tuple[str, str, str | None], NamedText] = {}
    for path in agreement_files(paths):
        for named in load_agreement(path).texts:
            text = named.agreement
            found.setdefault((text.agreement_id, text.version, text.version_by), named)
    return list(found.values())


def lines_of(paths: Sequence[Path], feed: Any) -> list[DatedLine]:
    """Read the dated contact lines of files and folders; raise where there is none to be used."""
    from truceline.adapters.sources.files import NotRecognised, discover, holds_lines, open_table, read_lines
    from truceline.errors import InputUnusable

    lines: list[DatedLine] = []
    why = ["holds no file"]
    for path in discover(paths):
        file = open_table(path)
        if isinstance(file, NotRecognised):
            why.append(f"{path}: {file.reason}")
        elif not holds_lines(file):
            why.append(f"{path}: holds observations and no contact line")
        else:
            found, rejections = read_lines(file, feed)
            lines += found
            why += [f"{path}: {entry.reason}" for entry in rejections[:1]]
    if paths and not lines:
        raise InputUnusable(f"--line: no contact line can be used: {why[-1]}")
    return lines

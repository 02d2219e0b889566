"""Holds tables of events against texts with their lines and register: tables of findings come out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from truceline.adapters.agreement_columns import columns_of_frame
from truceline.adapters.agreements import NamedText, load_weapons
from truceline.adapters.change_frames import frame_of_changes
from truceline.adapters.finding_frames import Held, TextName, frame_of_findings, frame_of_records
from truceline.assess.assess_columns import Assessor
from truceline.assess.compile_stack import compile_texts
from truceline.assess.difference import Comparer
from truceline.assess.preconditions import Resets
from truceline.assess.registers import register_findings
from truceline.assess.response import clock_findings
from truceline.errors import InputUnusable
from truceline.model.agreement import Agreement
from truceline.model.reference_line import DatedLine
from truceline.model.register import PreconditionState, Register


class TextAssessor:
    """Texts made ready once, that any number of tables of events are held against."""

    def __init__(self, texts: Sequence[NamedText], *, register: Register, lines: Sequence[DatedLine]) -> None:
        """Make texts ready, or raise `InputUnusable` where they do not go together."""
        try:
            self.compiled = compile_texts(
                [text.agreement for text in texts], catalogue=load_weapons(), lines=lines, register=register
            )
        except ValueError as error:
            raise InputUnusable(f"the texts do not go together: {error}") from error
        self.assessor = Assessor(self.compiled)
        self.title = " + ".join(_title(text.agreement) for text in texts)
        self.sha256s: dict[TextName, str] = {_name(text.agreement): text.file_sha256 for text in texts}
        self._resets = Resets(self.assessor)

    def findings(self, events: pl.DataFrame) -> pl.DataFrame:
        """Give every finding about some events, in the order of events and then of clauses.

        Acts among them that restart the clock of a precondition are noted for `preconditions`.
        """
        columns = columns_of_frame(events, parties=self.compiled.parties)
        self._resets.note(columns)
        found = self.assessor.assess(columns)
        return frame_of_findings(self.compiled, found, Held(events, columns), sha256s=self.sha256s)

    def note(self, events: pl.DataFrame) -> None:
        """Note the acts among some events that restart the clock of a precondition, without any finding."""
        self._resets.note(columns_of_frame(events, parties=self.compiled.parties))

    def register_findings(self, *, now: datetime) -> pl.DataFrame:
        """Give the findings about what people entered: inventories, ceilings and clocks, as they are at `now`."""
        register = self.compiled.register
        found = register_findings(self.assessor, register, now=now) + clock_findings(self.assessor, register, now=now)
        return frame_of_records(self.compiled, found, sha256s=self.sha256s)

    def preconditions(self, *, now: datetime) -> list[PreconditionState]:
        """Give how far each precondition has come by `now`, counted from the events held against the texts so far."""
        return self._resets.states(now=now)


class TextComparer:
    """Two sets of texts made ready once; any number of tables of events are held against both."""

    def __init__(self, before: TextAssessor, after: TextAssessor) -> None:
        """Take both in, or raise `InputUnusable` where they bind other parties."""
        parties = (before.compiled.parties, after.compiled.parties)
        if parties[0] != parties[1]:
            raise InputUnusable(f"the texts bind other parties: {', '.join(parties[0])}, and {', '.join(parties[1])}")
        self._comparer = Comparer(before.assessor, after.assessor)
        self._compiled = (before.compiled, after.compiled)

    def changes(self, events: pl.DataFrame) -> pl.DataFrame:
        """Give every finding about some events that changes, in the order of time."""
        columns = columns_of_frame(events, parties=self._compiled[0].parties)
        return frame_of_changes(self._comparer.compare(columns), Held(events, columns), compiled=self._compiled)


def _title(text: Agreement) -> str:
    by = f" ({text.version_by})" if text.version_by else ""
    return f"{text.agreement_id} {text.version}{by}"


def _name(text: Agreement) -> TextName:
    return text.agreement_id, text.version, text.version_by

"""Holds tables of events against texts with their lines and register: tables of findings come out."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from truceline.adapters.agreement_columns import columns_of_frame
from truceline.adapters.agreements import load_weapons
from truceline.adapters.finding_frames import frame_of_findings
from truceline.assess.assess_columns import Assessor
from truceline.assess.compile_stack import compile_texts
from truceline.assess.finding_columns import LACKING
from truceline.assess.wording import WORDS_OF_LACKING
from truceline.errors import InputUnusable
from truceline.model.agreement import Agreement
from truceline.model.reference_line import DatedLine
from truceline.model.register import Register


class TextAssessor:
    """Texts made ready once, that any number of tables of events are held against."""

    def __init__(self, texts: Sequence[Agreement], *, register: Register, lines: Sequence[DatedLine]) -> None:
        """Make texts ready, or raise `InputUnusable` where they do not go together."""
        try:
            self.compiled = compile_texts(texts, catalogue=load_weapons(), lines=lines, register=register)
        except ValueError as error:
            raise InputUnusable(f"the texts do not go together: {error}") from error
        self._assessor = Assessor(self.compiled)
        self.title = " + ".join(_title(text) for text in texts)
        self.articles = {provision.provision_id: provision.article for text in texts for provision in text.provisions}

    def findings(self, events: pl.DataFrame) -> pl.DataFrame:
        """Give every finding about some events, in the order of events and then of clauses."""
        found = self._assessor.assess(columns_of_frame(events, parties=self.compiled.parties))
        return frame_of_findings(self.compiled, found, events, lacking_words=self._lacking_words)

    def _lacking_words(self, clause_index: int, bits: int) -> str:
        """Say what is lacking under a clause: terms and places as the text names them, the rest in plain words."""
        clause = self.compiled.clauses[clause_index]
        words: list[str] = []
        for index, name in enumerate(LACKING):
            if not bits >> index & 1:
                continue
            if name == "definition":
                words += clause.unsaid
            elif name == "place":
                words += [lacking for case in clause.cases if case.place for lacking in case.place.lacking]
            elif name == "time":
                words += [case.force.lacking for case in clause.cases if case.force.lacking] or [WORDS_OF_LACKING[name]]
            else:
                words.append(WORDS_OF_LACKING[name])
        return "; ".join(dict.fromkeys(words)) or "what the clause asks for"


def _title(text: Agreement) -> str:
    by = f" ({text.version_by})" if text.version_by else ""
    return f"{text.agreement_id} {text.version}{by}"

"""Answers on real cases with what was so, from a table: the same figures as on the made-up theatre."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from truceline.attribute.evaluation import Answers
from truceline.model.quantity import require_between

NEITHER = "neither"
PREFIX = "p_"

Row = Mapping[str, str | None]


def read_labelled(rows: Iterable[Row], *, answer_probability: float) -> tuple[Answers, tuple[str, str], int]:
    """Give answers, the two parties in the order of the alphabet, and how many cases have no answer.

    Columns: `responsible` (a party, or neither), `p_PARTY` for one party or both, `answer` if known; no other is read.
    With one column the other party has the rest. A case without a probability is held at one half and names nobody.
    """
    listed = list(rows)
    if not listed:
        raise ValueError("there is no row")
    parties = _parties(listed)
    probabilities, named, responsible, empty_count = [], [], [], 0
    for number, row in enumerate(listed, start=1):
        pair = _pair(row, parties, number)
        empty_count += pair is None
        probabilities.append(pair or (0.5, 0.5))
        responsible.append(_index(row.get("responsible"), parties, number))
        named.append(_named(row, pair, parties, answer_probability=answer_probability, number=number))
    held = np.clip(np.array(probabilities), 1e-9, 1.0)
    answers = Answers(
        probabilities=np.array(probabilities),
        log_odds_ratio=np.log(held[:, 0]) - np.log(held[:, 1]),
        named=np.array(named, dtype=np.int64),
        responsible=np.array(responsible, dtype=np.int64),
    )
    return answers, parties, empty_count


def _parties(rows: list[Row]) -> tuple[str, str]:
    """Find the two parties: by the columns of probabilities, and by who was responsible."""
    if "responsible" not in rows[0]:
        raise ValueError("there is no column responsible")
    columns = [name.removeprefix(PREFIX) for name in rows[0] if name and name.startswith(PREFIX)]
    if not columns:
        raise ValueError("there is no column p_PARTY")
    told = {_name(row.get("responsible")) for row in rows} - {NEITHER, ""}
    names = sorted({_name(column) for column in columns} | told)
    if len(names) == 2:
        return names[0], names[1]
    raise ValueError(f"there are not two parties, but {names}")


def _name(text: str | None) -> str:
    return (text or "").strip().lower()


def _pair(row: Row, parties: tuple[str, str], number: int) -> tuple[float, float] | None:
    """Read one row's probabilities of both parties, `None` where there is no answer."""
    told = {
        _name(column.removeprefix(PREFIX)): (value or "").strip()
        for column, value in row.items()
        if column and column.startswith(PREFIX)
    }
    numbers = [_probability(told.get(party, ""), number) for party in parties]
    first, second = numbers
    if first is None and second is None:
        return None
    pair = (1.0 - (second or 0.0) if first is None else first, 1.0 - (first or 0.0) if second is None else second)
    if sum(pair) > 1.0 + 1e-6:
        raise ValueError(f"row {number}: probabilities {pair[0]:g} and {pair[1]:g} sum to more than 1")
    return pair


def _probability(text: str, number: int) -> float | None:
    if not text:
        return None
    try:
        probability = float(text)
    except ValueError as error:
        raise ValueError(f"row {number}: {text} is not a probability") from error
    require_between(f"row {number}: probability", probability, 0.0, 1.0)
    return probability


def _index(text: str | None, parties: tuple[str, str], number: int) -> int:
    name = _name(text)
    if name == NEITHER:
        return -1
    if name not in parties:
        raise ValueError(f"row {number}: responsible={text} is neither one of {parties[0]}, {parties[1]} nor {NEITHER}")
    return parties.index(name)


def _named(
    row: Row, pair: tuple[float, float] | None, parties: tuple[str, str], *, answer_probability: float, number: int
) -> int:
    """Give whom the answer names: as the column says, else whose probability is high enough."""
    if "answer" in row:
        name = _name(row.get("answer"))
        return _index(name, parties, number) if name else -1
    if pair is None or max(pair) < answer_probability:
        return -1
    return 0 if pair[0] >= pair[1] else 1

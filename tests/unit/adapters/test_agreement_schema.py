"""The published JSON Schema holds for every text we have, and does not for texts that are wrong."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from truceline.adapters.agreement_yaml import read_document
from truceline.adapters.agreements import agreement_files, shipped_folder
from unit.adapters.json_schema import Validator

ROOT = Path(__file__).resolve().parents[3]
PUBLISHED = Validator(json.loads((ROOT / "docs" / "schema" / "agreement-2.schema.json").read_text()))
TEXTS = agreement_files([shipped_folder("agreements"), ROOT / "tests" / "fixtures" / "agreement"])


def written(path: Path) -> Any:
    """Give what a file says, as JSON would."""
    return json.loads(json.dumps(read_document(path).content, default=str))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_every_text_keeps_to_the_published_schema(path: Path) -> None:
    """Shipped texts and those of the tests have no fault."""
    assert [] == PUBLISHED.faults(written(path))


def test_together_they_use_every_kind_of_clause_and_zone() -> None:
    """No kind of clause or zone is published that nothing was held against."""
    parts = [part for path in TEXTS for name in ("provisions", "zones") for part in written(path).get(name, ())]
    unions = [PUBLISHED.schema["properties"][name] for name in ("provisions", "zones")]
    kinds = {kind for entry in unions for kind in entry["items"]["discriminator"]["mapping"]}

    assert kinds == {part["kind"] for part in parts}


def _without_sources(text: dict[str, Any]) -> None:
    del text["provisions"][0]["source_ids"]


def _with_unknown_key(text: dict[str, Any]) -> None:
    text["zones"][0]["depht_high_m"] = 5.0


def _with_unknown_kind(text: dict[str, Any]) -> None:
    text["provisions"][0]["kind"] = "wish"


def _with_word_for_number(text: dict[str, Any]) -> None:
    text["stages"] = [{"stage_id": "s", "title": "S", "complete_within_days": "soon"}]


def _of_another_schema(text: dict[str, Any]) -> None:
    text["schema"] = "truceline.agreement/1"


def _with_both_lengths(text: dict[str, Any]) -> None:
    zone = next(one for one in text["zones"] if one["kind"] == "sites")
    zone |= {"radius_m": 5.0, "radius_km": 0.005}


@pytest.mark.parametrize(
    "spoil",
    [
        _without_sources,
        _with_unknown_key,
        _with_unknown_kind,
        _with_word_for_number,
        _of_another_schema,
        _with_both_lengths,
    ],
)
def test_a_text_that_is_wrong_has_a_fault(spoil: Callable[[dict[str, Any]], None]) -> None:
    """Each seeded fault is found, and without it there is none."""
    text = written(ROOT / "tests" / "fixtures" / "agreement" / "every_kind.yaml")
    wrong = copy.deepcopy(text)
    spoil(wrong)

    assert [] == PUBLISHED.faults(text)
    assert [] != PUBLISHED.faults(wrong)

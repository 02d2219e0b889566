"""What attribution read beyond the event is in the dossier file, and comes again from the observations held there."""

from __future__ import annotations

from functools import cache

import msgspec

from laws.dossier_case import exported, made_case
from truceline.adapters.dossier_recomputation import body_from_event, pipeline_of, recompute
from truceline.adapters.stores.workspace import Workspace
from truceline.dossier.checks import dossier_of
from truceline.dossier.layout import unpack
from truceline.model.dossier import Dossier


@cache
def entries_with_items() -> dict[str, bytes]:
    """Give the entries of the dossier file with the most items of the made-up theatre."""
    case = made_case()
    with Workspace.open(case.store, create=False, read_only=True) as opened:
        chosen = max(opened.iterate_records("dossier", Dossier), key=lambda one: (len(one.items), one.dossier_id))
    (body,) = exported(case.theatre, case.store, None, [chosen.dossier_id])
    return dict(unpack(body))


def test_items_come_again_from_the_observations() -> None:
    """A dossier with items is re-computed from its observations on to the same bytes."""
    entries = entries_with_items()

    assert dossier_of(entries).items
    assert ("event", "") == (recompute(entries).level, recompute(entries).remark)


def test_items_left_out_or_put_in_are_found() -> None:
    """Other items with an answer that fits them give the same finding, but not what the observations give."""
    entries = entries_with_items()
    bare = body_from_event(msgspec.structs.replace(dossier_of(entries), items=()), pipeline_of(entries))
    assert bare is not None
    found = recompute({**entries, "dossier.json": bare})

    assert "finding" == found.level
    assert found.remark.endswith("give the event, but other items of evidence of a party")


def test_an_answer_that_does_not_fit_its_items_is_found() -> None:
    """Items taken out of a dossier without its answer being made anew leave nothing that can be re-computed."""
    entries = entries_with_items()
    bare = msgspec.structs.replace(dossier_of(entries), items=())

    assert "none" == recompute({**entries, "dossier.json": msgspec.json.encode(bare, order="sorted")}).level

"""Texts in layers: which hold together, in which order, in whose version, and where a word of one is explained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from truceline.model.agreement import Agreement
from truceline.model.definition import Definition, ObjectClass
from truceline.model.in_force import Precondition, Stage
from truceline.model.provision import Provision
from truceline.model.zone import AgreedLine, Zone


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """One text with the layers on it, lowest first: everything that one party (or everyone) says was agreed.

    What a clause names is looked for in its own layer, then in those below it, nearest first, then in those above.
    """

    layers: tuple[Agreement, ...]
    version_by: str | None = None

    def looked_through(self, layer_index: int) -> Iterator[tuple[int, Agreement]]:
        """Give the layers in the order in which a word used in one of them is looked up."""
        above = range(layer_index + 1, len(self.layers))
        for index in (*range(layer_index, -1, -1), *above):
            yield index, self.layers[index]

    def zone(self, layer_index: int, zone_id: str) -> tuple[int, Zone] | None:
        """Give a zone and the layer it stands in, or `None`."""
        found = ((index, layer.zone(zone_id)) for index, layer in self.looked_through(layer_index))
        return next(((index, zone) for index, zone in found if zone is not None), None)

    def line(self, layer_index: int, line_id: str) -> tuple[int, AgreedLine] | None:
        """Give a line and the layer it stands in, or `None`."""
        found = ((index, layer.line(line_id)) for index, layer in self.looked_through(layer_index))
        return next(((index, line) for index, line in found if line is not None), None)

    def reference_line(self, layer_index: int, party: str) -> tuple[int, AgreedLine] | None:
        """Give the line from which a party's depths are measured, and its layer, or `None` where none is named."""
        for index, layer in self.looked_through(layer_index):
            named = next((entry.line_id for entry in layer.reference_lines if entry.party == party), None)
            if named is not None:
                return self.line(index, named)
        return None

    def definition(self, layer_index: int, definition_id: str) -> Definition | None:
        """Give a term, or `None`."""
        found = (layer.definition(definition_id) for _, layer in self.looked_through(layer_index))
        return next((entry for entry in found if entry is not None), None)

    def stage(self, layer_index: int, stage_id: str) -> tuple[int, Stage] | None:
        """Give a step of a schedule and the layer it stands in, or `None`."""
        found = ((index, layer.stage(stage_id)) for index, layer in self.looked_through(layer_index))
        return next(((index, stage) for index, stage in found if stage is not None), None)

    def precondition(self, layer_index: int, precondition_id: str) -> Precondition | None:
        """Give a precondition, or `None`."""
        layers = (layer for _, layer in self.looked_through(layer_index))
        return next(
            (one for layer in layers for one in layer.preconditions if one.precondition_id == precondition_id), None
        )

    def object_class(self, layer_index: int, object_class_id: str) -> ObjectClass | None:
        """Give a class of protected objects, or `None`."""
        layers = (layer for _, layer in self.looked_through(layer_index))
        return next(
            (one for layer in layers for one in layer.object_classes if one.object_class_id == object_class_id), None
        )

    def provisions(self) -> Iterator[tuple[int, Provision]]:
        """Give every clause with the index of its layer, lowest layer first, in the order of each text."""
        for index, layer in enumerate(self.layers):
            for provision in layer.provisions:
                yield index, provision


def stacks_of(texts: Iterable[Agreement]) -> tuple[Stack, ...]:
    """Order texts in layers, base first; where a text is given in parties' versions, make one stack for each of them.

    A text given twice counts once. Raises `ValueError` where texts amend each other in a circle or where two texts have
    the same id and version but differ.
    """
    ordered = _in_order(_distinct(texts))
    versions = sorted({text.version_by for text in ordered if text.version_by is not None})
    if not versions:
        return (Stack(layers=tuple(ordered)),)
    return tuple(
        Stack(layers=tuple(text for text in ordered if text.version_by in {None, version}), version_by=version)
        for version in versions
    )


def _distinct(texts: Iterable[Agreement]) -> list[Agreement]:
    """Leave out repetitions; hold that one id and version is one text."""
    by_name: dict[tuple[str, str | None], Agreement] = {}
    for text in texts:
        known = by_name.setdefault((text.agreement_id, text.version_by), text)
        if known != text:
            raise ValueError(f"agreement_id={text.agreement_id!r} stands for two different texts")
    parties = {text.parties for text in by_name.values()}
    if len(parties) > 1:
        raise ValueError(f"parties={sorted(parties)} differ: layers bind the same two parties")
    return sorted(by_name.values(), key=_rank)


def _rank(text: Agreement) -> tuple[str, str, str]:
    """Give an order that does not depend on how texts were given: by start, id and version."""
    start = text.in_force.start if text.in_force is not None else None
    return (start.isoformat() if start is not None else "", text.agreement_id, text.version_by or "")


def _in_order(texts: Sequence[Agreement]) -> list[Agreement]:
    """Put every text after the one it amends."""
    ids = {text.agreement_id for text in texts}
    ordered: list[Agreement] = []
    waiting = list(texts)
    while waiting:
        laid = {text.agreement_id for text in ordered}
        ready = next(
            (text for text in waiting if text.amends is None or text.amends in laid or text.amends not in ids), None
        )
        if ready is None:
            raise ValueError(f"texts {sorted(text.agreement_id for text in waiting)} amend each other in a circle")
        ordered.append(ready)
        waiting.remove(ready)
    return ordered

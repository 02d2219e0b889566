"""All modalities, each by its name; the order is that in which evidence is taken in and shown in a ledger."""

from __future__ import annotations

from truceline.associate.modalities import (
    acoustic,
    amplitude,
    bearing,
    flash,
    human,
    infrasound,
    seismic,
    silence,
    thermal,
)
from truceline.associate.modalities.term import Modality

MODALITIES: tuple[Modality, ...] = (
    acoustic.MODALITY,
    bearing.MODALITY,
    amplitude.MODALITY,
    seismic.MODALITY,
    infrasound.MODALITY,
    flash.MODALITY,
    thermal.MODALITY,
    human.MODALITY,
)
"""Every modality; what stands alone and what says more about a detection of another."""

LEDGER_NAMES: tuple[str, ...] = ("candidate", *(modality.name for modality in MODALITIES), silence.NAME)
"""The columns of a ledger: what the candidate came with, what each modality added, and what silence took away."""

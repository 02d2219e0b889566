"""Truceline watches a ceasefire: from observations to a dossier that anyone can check."""

__version__ = "0.1.0"

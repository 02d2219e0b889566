"""Observations to events: what was seen, heard or reported is joined into occurrences, with its lineage kept."""

"""Failures of the world, as one family; their bad records are `Rejection` values and our mistakes are asserts."""


class TrucelineError(Exception):
    """The world failed: a file could not be read, a disk is full, an input is not what the command needs."""


class SourceUnavailable(TrucelineError):
    """An input could not be read at all (missing, unreadable, cut off, not the format its name says)."""


class StoreUnavailable(TrucelineError):
    """The store could not take or give records (disk full, locked, damaged, written by a newer version)."""


class InputUnusable(TrucelineError):
    """An input was read but cannot serve the command (wrong columns, wrong reference system, empty)."""

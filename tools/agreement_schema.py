"""Writes `docs/schema/agreement-2.schema.json` from the records of the model; `make docs` runs it."""

from __future__ import annotations

from pathlib import Path

from truceline.adapters.agreement_schema import schema_text

PAGE = Path(__file__).resolve().parent.parent / "docs" / "schema" / "agreement-2.schema.json"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_bytes(schema_text())

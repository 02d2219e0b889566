"""The catalogue of evidence is read whole or refused with file and reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from truceline.adapters import evidence_catalogue
from truceline.adapters.agreements import shipped_folder
from truceline.adapters.evidence_catalogue import load_evidence_catalogue
from truceline.errors import InputUnusable, SourceUnavailable

TEXT = (shipped_folder("agreements") / "evidence" / "catalogue.yaml").read_text(encoding="utf-8")


def test_the_shipped_catalogue_is_whole() -> None:
    """Every number has a source, every family is there, and the file's hash goes with it."""
    catalogue = load_evidence_catalogue()

    assert {"origin", "party", "statement"} == {kind.family for kind in catalogue.items}
    assert [kind.item_type for kind in catalogue.items if not (kind.contamination.source and kind.cap.source)] == []
    assert 64 == len(catalogue.file_sha256)


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ("- a list", "schema"),
        ("schema: [", "catalogue.yaml"),
        (TEXT.replace("evidence_catalogue/4", "evidence_catalogue/3"), "schema"),
        (TEXT + "extra: 1\n", "extra"),
        (TEXT + f"file_sha256: {'0' * 64}\n", "file_sha256"),
        (TEXT.replace("number: 0.03, basis: guess", "number: 0.03, basis: hearsay", 1), "basis"),
        (TEXT.replace("number: 0.80", "number: 0.40", 1), "indicated"),
        ("\n".join(line for line in TEXT.splitlines() if not line.startswith("  still:")), "still"),
        (TEXT.replace("still: {number: 0.5", "still: {number: 1.5", 1), "still"),
        (TEXT.replace("line_together_m: {number: 10000.0", "line_together_m: {number: -1.0", 1), "line_together_m"),
        ("\n".join(line for line in TEXT.splitlines() if not line.startswith("  wrong_within_m:")), "wrong_within_m"),
        (TEXT.replace("wrong_within_m: {number: 30000.0", "wrong_within_m: {number: 0.0", 1), "wrong_within_m"),
        (TEXT.replace("wrong_within_m: {number: 30000.0", "wrong_within_m: {number: 2.0e+6", 1), "wrong_within_m"),
        (TEXT.replace("sigma_least_m: {number: 50.0", "sigma_least_m: {number: 0.5", 1), "sigma_least_m"),
        (TEXT.replace("launch_half_m: {number: 8000.0", "launch_half_m: {number: 0.0", 1), "launch_half_m"),
        (TEXT.replace("launch_heard: {number: 0.9", "launch_heard: {number: 1.1", 1), "launch_heard"),
        (
            TEXT.replace("bearing_sigma_least_deg: {number: 1.0", "bearing_sigma_least_deg: {number: 0.01", 1),
            "bearing_sigma_least_deg",
        ),
    ],
)
def test_what_is_wrong_in_a_catalogue_is_said(tmp_path: Path, changed: str, match: str) -> None:
    """A missing schema, broken YAML, unknown keys, unknown bases and limits are refused by name."""
    path = tmp_path / "catalogue.yaml"
    path.write_text(changed, encoding="utf-8")
    with pytest.raises(InputUnusable, match=match):
        load_evidence_catalogue(path)


def test_a_catalogue_that_is_missing_or_huge_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is the world's failure; a file beyond the bound is unusable."""
    with pytest.raises(SourceUnavailable, match=r"none\.yaml"):
        load_evidence_catalogue(tmp_path / "none.yaml")
    monkeypatch.setattr(evidence_catalogue, "CATALOGUE_SIZE_MAX_BYTES", 10)
    with pytest.raises(InputUnusable, match="10 bytes"):
        load_evidence_catalogue()

"""Everything that can be checked of a dossier file in one process, line by line, and what follows for its standing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from truceline.adapters.dossier_files import read_dossier_file, verifier_script
from truceline.adapters.dossier_log_checks import check_log
from truceline.adapters.dossier_recomputation import recompute
from truceline.adapters.dossier_rows import Rereader
from truceline.adapters.source_tree import environment, source_tree_sha256
from truceline.dossier.checks import Check, check_entries, fails, holds, manifest_of, not_checked
from truceline.dossier.contents import Level, Manifest

LEVELS: tuple[Level, ...] = ("none", "finding", "event")
"""From the least that was re-computed to the most."""

RECOMPUTATION = "re-computation"

Standing = Literal["sound", "unsound", "not re-computed"]


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """Every check of one file in order, and its standing: `sound` only where all that must hold holds."""

    checks: tuple[Check, ...]

    @property
    def standing(self) -> Standing:
        """Say what follows from the checks."""
        if any(check.outcome == "fails" for check in self.checks):
            return "unsound"
        recomputed = any(check.subject == RECOMPUTATION and check.outcome == "holds" for check in self.checks)
        return "sound" if recomputed else "not re-computed"


def verify_file(path: Path, *, policy_text: str | None = None, roots_pem: bytes | None = None) -> Verified:
    """Check a dossier file; raise `InputUnusable` where it is none, or where policy or root certificates are none."""
    return verify_entries(read_dossier_file(path), policy_text=policy_text, roots_pem=roots_pem)


def verify_entries(
    entries: Mapping[str, bytes], *, policy_text: str | None = None, roots_pem: bytes | None = None
) -> Verified:
    """Check the entries of a dossier file: against themselves, against a log's policy, and by doing it all again."""
    layout = holds("layout", f"{len(entries)} entries in the one canonical form")
    within = check_entries(entries)
    checks = [layout, *within, *check_log(entries, policy_text=policy_text, roots_pem=roots_pem)]
    checks.append(_script_check(entries))
    if any(check.outcome == "fails" for check in within):
        checks.append(not_checked(RECOMPUTATION, "not tried, because the file does not agree with itself"))
    else:
        checks.append(_rows_check(entries, manifest_of(entries)))
        checks.append(_recomputation_check(entries, manifest_of(entries)))
    return Verified(checks=tuple(checks))


def _recomputation_check(entries: Mapping[str, bytes], manifest: Manifest) -> Check:
    """Re-compute the dossier, and say how far that reached; other code or libraries may rightly give other bytes."""
    own_code = manifest.code_tree_sha256 == source_tree_sha256()
    again = recompute(entries)
    reached = LEVELS.index(again.level) >= LEVELS.index(manifest.level)
    told = f"; {again.remark}" if again.remark else ""
    if again.level != "none" and reached:
        code = "the same code" if own_code else "OTHER code"
        return holds(RECOMPUTATION, f"the same bytes by {code}; level reached: {again.level}{told}")
    if own_code and manifest.environment == environment():
        return fails(RECOMPUTATION, f"other bytes; level reached: {again.level}, the file says {manifest.level}{told}")
    missing = _differences(manifest, own_code=own_code)
    return not_checked(RECOMPUTATION, f"not to the same bytes, but {', '.join(missing)} differ{told}")


def _rows_check(entries: Mapping[str, bytes], manifest: Manifest) -> Check:
    """Decode held files again; what came out when the file was made must come out now, with the same program."""
    subject = "rows from received bytes"
    try:
        again = Rereader().reread(entries)
    except (msgspec.MsgspecError, ValueError) as error:
        return fails(subject, f"cannot be read: {error}")
    counted = f"{again.row_count} rows and {again.line_count} lines of held files"
    if not again.differing:
        return holds(subject, f"{counted} are what the received bytes say; rows of files not held are not checked")
    text = f"{len(again.differing)} of {counted} are not what the received bytes say, the first {again.differing[0]}"
    same = manifest.code_tree_sha256 == source_tree_sha256() and manifest.environment == environment()
    if manifest.reread and same:
        return fails(subject, text)
    return not_checked(subject, f"{text}; taken in with another program, time zone or other options?")


def _differences(manifest: Manifest, *, own_code: bool) -> Sequence[str]:
    """Name what of this program is not as it was when the file was made."""
    own = environment()
    names = [f"{name} {version}" for name, version in manifest.environment.items() if own.get(name) != version]
    return names if own_code else [f"code {manifest.code_tree_sha256[:16]}", *names]


def _script_check(entries: Mapping[str, bytes]) -> Check:
    """Say whether the script in the file is the one shipped here; whoever runs it should take it from elsewhere."""
    if entries["verify_dossier.py"] == verifier_script():
        return holds("script", "the verifier in the file is the one shipped with this program")
    return not_checked("script", "the verifier in the file is another than this program's; read it before you run it")

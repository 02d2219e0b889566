"""Compiles what is compiled, once and on two cores, before tests need it: each of their workers would do it all anew.

Two made-up days are worked through as anybody would, one of a sensor network and one of the whole flow; what they
compile is kept beside the code (numba's cache). A second call finds its mark and is quick; what a day does not reach is
compiled where a test does.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numba

ROOT = Path(__file__).resolve().parent.parent
CODE = ROOT / "src" / "truceline"
MARK = CODE / "__pycache__" / "compiled_ahead"


def main() -> int:
    """Compile where code, numba or Python are others than last time; give the exit code."""
    state = state_of_code()
    if MARK.exists() and MARK.read_text(encoding="utf-8") == state:
        return 0
    sys.stderr.write("compiling ahead (some two minutes, once)\n")
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as workers:
        network, feeds = f"{folder}/network", f"{folder}/network/feeds"
        tables = ["--stations", f"{feeds}/stations.parquet", "--detections", f"{feeds}/detections.parquet"]
        days = [
            [
                ["simulate", "--scenario", "network_tiny", "--out", network],
                ["associate", "run", *tables, "--line", f"{feeds}/lines.parquet", "--out", f"{folder}/events"],
            ],
            [["demo", "--out", f"{folder}/demo"]],
        ]
        failures = [failure for failure in workers.map(first_failure, days) if failure]
    sys.stderr.writelines(f"{failure}\n" for failure in failures)
    if not failures:
        MARK.parent.mkdir(exist_ok=True)
        MARK.write_text(state, encoding="utf-8")
    return len(failures)


def state_of_code() -> str:
    """Give a hash of all files that have compiled functions, and of who compiles them."""
    digest = hashlib.sha256(f"{numba.__version__} {sys.version}".encode())
    for path in sorted(CODE.rglob("*.py")):
        content = path.read_bytes()
        if b"@njit" in content:
            digest.update(content)
    return digest.hexdigest()


def first_failure(commands: list[list[str]]) -> str:
    """Run commands one after the other; give what the first one that fails said, nothing where all went well."""
    for command in commands:
        program = [str(Path(sys.executable).with_name("truceline")), *command]
        done = subprocess.run(program, check=False, capture_output=True, text=True)
        if done.returncode:
            return f"truceline {' '.join(command)}: {done.stderr.strip()}"
    return ""


if __name__ == "__main__":
    sys.exit(main())

"""Compiles what is compiled, once and on two cores, before tests need it: each of their workers would do it all anew.

One core works through a made-up day from beginning to end, the other does what that comes to last. What they compile
is kept beside the code (numba's cache). A second call finds its mark and is quick; what neither reaches is compiled
where a test does.
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
    small = ["--events-count", "10", "--calibration-events-count", "50", "--own-side-probability", "0.03"]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as workers:
        works = [
            [["truceline", "demo", "--out", f"{folder}/demo"]],
            [
                ["pytest", "-n0", "tests/unit/associate/engine/test_exchange.py"],
                ["truceline", "attribution", "evaluate", *small, "--attack", "none"],
            ],
        ]
        failures = [failure for failure in workers.map(first_failure, works) if failure]
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
        program = str(Path(sys.executable).with_name(command[0]))
        done = subprocess.run([program, *command[1:]], check=False, capture_output=True, text=True, cwd=ROOT)
        if done.returncode:
            return f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return ""


if __name__ == "__main__":
    sys.exit(main())

"""Runs an adapter as a process of its own on one core, and puts peers into an environment of their own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import NamedTuple

from associate_peers.exchange import Measured, Scene, read_measured, tiny_scene, write_scene

ADAPTERS = Path(__file__).resolve().parents[1] / "associate_peers"
REQUIREMENTS = {"pyocto": "pyocto==0.2.2", "gamma": "GMMA==1.2.17"}
"""What each peer is installed as unless it is said otherwise."""

SCRIPTS = {"ours": "ours.py", "pyocto": "pyocto_peer.py", "gamma": "gamma_peer.py"}
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
FIRST_LIMIT_S = 900.0
"""The limit of the first call, which may have to compile."""

PATIENCE_RATIO = 10.0
"""How many times its processor time a process may take by the clock, on a machine that others use too."""

LAST_WORDS_COUNT = 300


class Failure(NamedTuple):
    """Why there is no answer, in words: the limit was passed, or what the process said last."""

    reason: str


class Machine(NamedTuple):
    """Where adapters run: the core, how long they may take of it, and the interpreter that the peers live in."""

    core: str
    limit_s: float
    peers_python: Path

    def python_of(self, peer: str) -> Path:
        """Give the interpreter of a peer; ours is this one."""
        return Path(sys.executable) if peer == "ours" else self.peers_python


def usual_peers_folder() -> Path:
    """Give where peers are put unless it is said otherwise: outside the repository."""
    return Path(tempfile.gettempdir()) / "truceline_association_peers"


def peers_python(folder: Path) -> Path:
    """Give the interpreter of an environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def install(folder: Path, packages: list[str]) -> None:
    """Make the environment where there is none, and install packages into it from the package index in use."""
    python = peers_python(folder)
    if not python.is_file():
        venv.create(folder, with_pip=True)
    if packages:
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)  # noqa: S603


def first_call(peer: str, first: Scene, machine: Machine) -> str | Failure:
    """Run an adapter unmeasured, so that all it compiles is on disk when it counts; give its version.

    Ours runs on the first real scene, because the tiny one does not reach all of its compiled code; peers compile
    nothing, and have the tiny one.
    """
    scene = first if peer == "ours" else tiny_scene()
    done = call(peer, scene, machine._replace(limit_s=FIRST_LIMIT_S))
    return done if isinstance(done, Failure) else done.version


def call(peer: str, scene: Scene, machine: Machine) -> Measured | Failure:
    """Let an adapter associate a scene on its core; give what was measured or why nothing was."""
    pin = shutil.which("taskset")
    if pin is None:
        return Failure("taskset is missing, so nothing can be held to one core")
    with tempfile.TemporaryDirectory() as name:
        given, said = Path(name) / "scene.npz", Path(name) / "answer.npz"
        write_scene(given, scene)
        what = [str(machine.python_of(peer)), str(ADAPTERS / SCRIPTS[peer]), str(given), str(said)]
        command = [pin, "-c", machine.core, *what, str(machine.limit_s)]
        try:
            done = subprocess.run(  # noqa: S603
                command,
                env=os.environ | ONE_THREAD,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=PATIENCE_RATIO * machine.limit_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Failure(f"not done in {PATIENCE_RATIO * machine.limit_s:g} s by the clock")
        if done.returncode == -signal.SIGXCPU:
            return Failure(f"not done in {machine.limit_s:g} s")
        if done.returncode != 0 or not said.is_file():
            words = " ".join(done.stderr.decode(errors="replace").split())[-LAST_WORDS_COUNT:]
            return Failure(f"failed ({done.returncode}): {words}")
        return read_measured(said)

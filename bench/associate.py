"""The association engine beside its peers: one interface, one core, the same data sets, the same run.

Run `python bench/associate.py` for our engine on the presets that the project holds itself to, or

    python bench/associate.py --presets sm_r60 sm_r200 --peers all --install-peers --limit 150 --json out.json
    python bench/associate.py --presets wind_r60 --robustness

Presets are those of the shared benchmark, whose generator and counting are used where they stand; without it they are
our own theatres (`network_tiny`, `network_300km`) and our own figures. Seeds are offsets to the preset's own, none of
which was used for tuning. Each adapter is a process held to one core and one thread; it is called once on a tiny
made-up scene to warm up, then the processor seconds of the association alone count, without reading, writing and
turning arrays into what a peer takes. Memory is the process's own peak, interpreter and libraries included. The limit
is of processor seconds of the whole process. The peers' settings are the best found for them on other seeds; they live
in an environment outside the repository, into which `--install-peers` installs them from the package index: newest
tested versions, or those named behind it (`--install-peers pyocto==0.1.4 GMMA==1.2.17`).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from associate_peers.exchange import Scene
from associate_worlds.own_world import PRESETS as OWN_PRESETS
from associate_worlds.own_world import own_world
from associate_worlds.running import (
    REQUIREMENTS,
    Failure,
    Machine,
    call,
    first_call,
    install,
    peers_python,
    usual_peers_folder,
)
from associate_worlds.shared_world import VARIABLE, shared_presets, shared_world
from associate_worlds.table import NAMES, Run, as_json, markdown, summaries
from associate_worlds.world import PLAIN, ROBUSTNESS_CASES, Case, World

HELD_PRESETS = ("sm_r60", "wind_r60", "wind_r200", "wind_r600", "c30_r60", "line1200", "one_r60", "s500_r60")
"""The shared presets for which the project promises figures."""

FALLBACK_PRESETS = ("network_tiny", "network_300km")
SEED_OFFSETS = (3000, 3100, 3200, 3300, 3400)
PEERS = {"none": [], "pyocto": ["pyocto"], "gamma": ["gamma"], "all": ["pyocto", "gamma"]}
BYTES_PER_MB = 1e6


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", nargs="+", metavar="NAME", help="data sets (default: those held to figures)")
    parser.add_argument("--seeds", type=int, default=len(SEED_OFFSETS), metavar="N", help="take the first N offsets")
    parser.add_argument("--seed-offsets", type=int, nargs="+", default=SEED_OFFSETS, metavar="K")
    parser.add_argument("--peers", default="none", metavar="WHO", help="none, pyocto, gamma, both by comma, or all")
    parser.add_argument("--without-ours", action="store_true", help="run the peers alone")
    parser.add_argument("--limit", type=float, default=150.0, metavar="S", help="processor seconds of one process")
    parser.add_argument("--robustness", action="store_true", help="each preset also with each thing made worse")
    parser.add_argument("--core", default=str(max(os.sched_getaffinity(0))), help="the processor core to run on")
    parser.add_argument("--peers-folder", type=Path, default=usual_peers_folder(), help="environment of the peers")
    parser.add_argument(
        "--install-peers", nargs="*", metavar="PACKAGE", help="install the peers asked for, or these packages, into it"
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="write every run as JSON")
    given = parser.parse_args()
    wanted = given.peers.split(",")
    if unknown := sorted(set(wanted) - set(PEERS)):
        parser.error(f"--peers {unknown[0]!r} is none of {list(PEERS)}")
    given.peers = list(dict.fromkeys(peer for name in wanted for peer in PEERS[name]))
    known = [*shared_presets(), *OWN_PRESETS]
    given.presets = given.presets or (HELD_PRESETS if shared_presets() else FALLBACK_PRESETS)
    if unknown := sorted(set(given.presets) - set(known)):
        parser.error(f"--presets {unknown[0]!r} is none of {known}; {VARIABLE} may name the shared benchmark's folder")
    given.seed_offsets = given.seed_offsets[: given.seeds]
    return given


def world_of(preset: str, case: Case, seed_offset: int) -> World:
    """Draw a data set, of ours or of the shared benchmark."""
    draw = own_world if preset in OWN_PRESETS else shared_world
    return draw(preset, case, seed_offset)


def able(everyone: list[str], first: Scene, machine: Machine) -> dict[str, str]:
    """Give who runs at all, with its version; say of the others why not."""
    versions = {}
    for who in everyone:
        said = first_call(who, first, machine)
        if isinstance(said, Failure):
            print(f"{NAMES[who]} does not run: {said.reason}", file=sys.stderr)
        else:
            versions[who] = said
    return versions


def run_of(about: dict[str, Any], scene: Scene, world: World, machine: Machine) -> Run:
    """Let one adapter associate one data set, and hold its answer to the truth."""
    done = call(about["who"], scene, machine)
    if isinstance(done, Failure):
        return Run(**about, failure=done.reason)
    return Run(
        **about,
        cpu_s=round(done.cpu_s, 4),
        peak_mb=round(done.peak_bytes / BYTES_PER_MB, 1),
        figures=world.hold(done.answer),
    )


def runs_of(given: argparse.Namespace, versions: dict[str, str], machine: Machine) -> Iterator[Run]:
    """Run everyone on every data set, one after the other."""
    cases = (PLAIN, *ROBUSTNESS_CASES) if given.robustness else (PLAIN,)
    for preset in given.presets:
        for case in cases:
            for seed_offset in given.seed_offsets:
                world = world_of(preset, case, seed_offset)
                about = {
                    "preset": preset,
                    "case": case.name,
                    "seed_offset": seed_offset,
                    "detections_count": len(world.scene.detection_time_s),
                }
                for who, version in versions.items():
                    yield run_of(about | {"who": who, "version": version}, world.scene, world, machine)


def main() -> int:
    """Run what was asked for; print the table, and write JSON where asked."""
    given = options()
    machine = Machine(given.core, given.limit, peers_python(given.peers_folder))
    if given.install_peers is not None:
        install(given.peers_folder, given.install_peers or [REQUIREMENTS[peer] for peer in given.peers])
    everyone = [*([] if given.without_ours else ["ours"]), *given.peers]
    first = world_of(given.presets[0], PLAIN, given.seed_offsets[0]).scene
    versions = able(everyone, first, machine)
    runs = []
    for run in runs_of(given, versions, machine):
        words = run.failure or f"{run.values['detections_per_s']:,.0f}/s, F1 {run.figures['f1']}"
        print(f"{run.preset} {run.case} seed +{run.seed_offset} {NAMES[run.who]}: {words}", file=sys.stderr, flush=True)
        runs.append(run)
    print(markdown(summaries(runs)))
    print(
        "\nMeans over seeds, in brackets the worst seed; " + "; ".join(f"{NAMES[w]}: {v}" for w, v in versions.items())
    )
    if given.json is not None:
        about = {"seed_offsets": list(given.seed_offsets), "limit_s": given.limit, "versions": versions}
        given.json.write_bytes(as_json(runs, about) + b"\n")
    return 0 if len(versions) == len(everyone) else 1


if __name__ == "__main__":
    sys.exit(main())

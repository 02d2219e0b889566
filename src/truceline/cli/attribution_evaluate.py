"""`truceline attribution evaluate`: how honest attributions are, on a made-up theatre or labelled cases."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truceline.cli.output import SYNTHETIC_MARK, write_bytes

if TYPE_CHECKING:
    from truceline.attribute.evaluation import Answers, AttributionFigures
    from truceline.attribute.rates import LearnedRates
    from truceline.model.evidence import EvidenceCatalogue
    from truceline.testing.attribution_theatre_run import EvaluationWish, TheatreRow

OWN_SIDE_PROBABILITIES = (0.03, 0.005, 0.15)
"""Shares of own-ground events that are judged unless asked otherwise; attacks are on theatres of the first of them."""

SPARSE_NOTICE_RATIO = 0.5
DENSE_NOTICE_RATIO = 1.25
RATES_NAME = "learned_rates.json"

EPILOG = """\
examples:
  truceline attribution evaluate --out figures/
  truceline attribution evaluate --events-count 1000 --attack planted_media --attack spoofed_array
  truceline attribution evaluate --own-side-probability 0.10 --seed 7 --attack none
  truceline attribution evaluate --rates-events-count 3000 --attack none --out figures/
  truceline attribution evaluate --tellers-most-count 1 --attack none
  truceline attribution evaluate --labelled answers.csv --out figures/

what is judged:
  Without --labelled, a SYNTHETIC theatre with known ground truth: two parties drawn alike, sensors with errors of other
  shapes than the attribution believes in, maps that err, media that follow each other. It is calibrated on theatres of
  their own and judged on others: without attack, with other shares of own-ground events, with half as much and a
  quarter more noticed, and under each attack, side by side. 5,000 events each take some two minutes.
  With --labelled, a CSV with case_id,responsible and p_PARTY for one party or both, as `attribution reports` writes it
  (empty: no answer). responsible is a party's name, or `neither`. A column `answer` says who was named; without it,
  the party whose probability reaches --answer-probability.

what is told, by party:
  false blame    named though it did not do it, of all cases, with an exact upper bound (Clopper and Pearson)
  coverage       of how many cases anybody is named
  log loss, Brier, ECE (calibration error, with bootstrap interval), Cllr and Cllr min, reliability, risk against
  coverage, and for the theatre: ways to calibrate, conformal sets, tiers, distance from the line, what went wrong.

what is written into --out:
  tables.txt, figures.json, reliability.svg, risk_coverage.svg; learned_rates.json where rates were learned or given

docs/method/attribution_evaluation.md has the figures, and what they do not show: no theatre is the world.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser(
        "evaluate",
        help="how honest attributions are: false blame, coverage and calibration, by party and under attack",
        description="Hold attributions against what was so, on a synthetic theatre with and without attacks or on "
        "labelled cases: who is named wrongly how often, how much is answered, and whether probabilities hold.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_theatre_options(parser)
    parser.add_argument("--labelled", type=Path, metavar="CSV", help="judge these answers instead of a theatre")
    parser.add_argument(
        "--answer-probability",
        type=float,
        default=0.95,
        metavar="P",
        help="with --labelled: from here on a party counts as named (default: %(default)s)",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write tables, figures and pictures there")
    parser.set_defaults(run=run)


def _add_theatre_options(parser: argparse.ArgumentParser) -> None:
    """Add what says which theatre is made, and how answers are calibrated on it."""
    parser.add_argument("--events-count", type=int, default=5_000, metavar="N", help="events (default: %(default)s)")
    parser.add_argument(
        "--calibration-events-count",
        type=int,
        default=5_000,
        metavar="N",
        help="events of each theatre that is calibrated on (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=1, help="everything made up follows from it (default: %(default)s)")
    parser.add_argument(
        "--own-side-probability",
        type=float,
        action="append",
        metavar="P",
        help="how often a party did it on its own ground; may be repeated (default: .03, .005 and .15)",
    )
    parser.add_argument(
        "--attack",
        action="append",
        metavar="NAME",
        help="judge under this attack, none for no attack; may be repeated (default: all, an unknown name lists them)",
    )
    parser.add_argument(
        "--calibration",
        choices=("none", "slope", "isotonic", "venn_abers"),
        default="slope",
        help="how probabilities are calibrated (default: %(default)s)",
    )
    parser.add_argument(
        "--tellers-most-count",
        type=int,
        default=3,
        metavar="N",
        help="so many at most tell where an impact was: patrol or report, an outlet, arrays (default: %(default)s)",
    )
    rates = parser.add_mutually_exclusive_group()
    rates.add_argument(
        "--rates-events-count",
        type=int,
        default=0,
        metavar="N",
        help="first learn the catalogue's rates from so many events of their own (default: keep them as they are)",
    )
    rates.add_argument("--rates", type=Path, metavar="FILE", help="use rates learned before: learned_rates.json")


def run(args: argparse.Namespace) -> int:
    """Judge a theatre or labelled cases, print all tables, and write them and the pictures where asked."""
    return _run_labelled(args) if args.labelled is not None else _run_theatre(args)


def _run_theatre(args: argparse.Namespace) -> int:
    import msgspec

    from truceline.adapters.evidence_catalogue import load_evidence_catalogue
    from truceline.testing.attribution_theatre_run import evaluate_theatre
    from truceline.testing.attribution_theatre_tables import evaluation_tables, head_text, row_figures, tables_text

    wish = _wish(args)
    catalogue = load_evidence_catalogue()
    learned = None if args.rates is None else _rates(args.rates, catalogue)
    evaluation = evaluate_theatre(wish, catalogue, say=_say, rates=learned)
    text = f"{SYNTHETIC_MARK}\n{head_text(evaluation)}\n{tables_text(evaluation_tables(evaluation))}"
    sys.stdout.write(text)
    if args.out is not None:
        _write(args.out, text, evaluation, rows=row_figures(evaluation.rows), parties=evaluation.parties)
        if evaluation.rates is not None:
            write_bytes(
                args.out / RATES_NAME, msgspec.json.format(msgspec.json.encode(evaluation.rates), indent=2) + b"\n"
            )
    return 0


def _rates(path: Path, catalogue: EvidenceCatalogue) -> LearnedRates:
    """Read rates that were learned before, and see that they go with the catalogue."""
    import msgspec

    from truceline.attribute.rates import LearnedRates
    from truceline.errors import InputUnusable, SourceUnavailable

    try:
        rates = msgspec.json.decode(path.read_bytes(), type=LearnedRates)
        rates.apply(catalogue)
    except OSError as error:
        raise SourceUnavailable(f"{path} cannot be read: {error}") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise InputUnusable(f"{path} holds no learned rates: {error}") from error
    return rates


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _wish(args: argparse.Namespace) -> EvaluationWish:
    """Take what was asked for; say which number or name cannot be one."""
    from truceline.errors import InputUnusable
    from truceline.testing.attribution_theatre_run import EvaluationWish

    if args.seed < 0:
        raise InputUnusable(f"--seed {args.seed} is below 0")
    try:
        return EvaluationWish(
            events_count=args.events_count,
            calibration_events_count=args.calibration_events_count,
            rates_events_count=args.rates_events_count,
            seed=args.seed,
            calibration=args.calibration,
            rows=_rows(args),
            tellers_most_count=args.tellers_most_count,
        )
    except ValueError as error:
        raise InputUnusable(str(error)) from error


def _rows(args: argparse.Namespace) -> tuple[TheatreRow, ...]:
    from truceline.errors import InputUnusable
    from truceline.testing.attribution_theatre_attacks import ATTACKS
    from truceline.testing.attribution_theatre_run import TheatreRow

    shares = tuple(args.own_side_probability or OWN_SIDE_PROBABILITIES)
    outside = [share for share in shares if not 0.0 <= share <= 1.0]
    if outside:
        raise InputUnusable(f"--own-side-probability {outside[0]:g} is outside [0, 1]")
    unknown = [name for name in args.attack or () if name not in ATTACKS]
    if unknown:
        raise InputUnusable(f"--attack {unknown[0]} is not known; there are {', '.join(ATTACKS)}")
    wanted = tuple(dict.fromkeys(args.attack)) if args.attack else ATTACKS
    plain = [TheatreRow(name=f"no attack, own {share:g}", own_side_probability=share) for share in shares]
    noticed = [
        TheatreRow(name=name, own_side_probability=shares[0], notice_ratio=ratio)
        for name, ratio in (
            ("half as much noticed", SPARSE_NOTICE_RATIO),
            ("a quarter more noticed", DENSE_NOTICE_RATIO),
        )
    ]
    attacked = [
        TheatreRow(name=attack, attack=attack, own_side_probability=shares[0])
        for attack in ATTACKS
        if attack in wanted and attack != "none"
    ]
    return (*plain, *(() if args.attack else noticed), *attacked)


def _run_labelled(args: argparse.Namespace) -> int:
    import numpy as np

    from truceline.attribute.evaluation import evaluate_answers
    from truceline.testing.attribution_theatre_tables import labelled_tables, tables_text

    answers, parties, left_out_count = _labelled(args.labelled, args.answer_probability)
    figures = evaluate_answers(answers, chance=np.random.default_rng(args.seed))
    rows = [(args.labelled.name, figures)]
    head = f"{figures.case_count:,} labelled cases of {args.labelled.name}; {left_out_count:,} without an answer\n\n"
    text = head + tables_text(labelled_tables(rows, parties))
    sys.stdout.write(text)
    if args.out is not None:
        _write(args.out, text, figures, rows=rows, parties=parties)
    return 0


def _labelled(path: Path, answer_probability: float) -> tuple[Answers, tuple[str, str], int]:
    """Read labelled answers; cases without one count as held at one half and as naming nobody."""
    from truceline.errors import InputUnusable, SourceUnavailable
    from truceline.testing.attribution_theatre_labelled import read_labelled

    if not 0.5 < answer_probability <= 1.0:
        raise InputUnusable(f"--answer-probability {answer_probability:g} is outside (0.5, 1]")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceUnavailable(f"{path} cannot be read: {error}") from error
    try:
        return read_labelled(csv.DictReader(io.StringIO(text)), answer_probability=answer_probability)
    except ValueError as error:
        raise InputUnusable(f"{path}: {error}") from error


def _write(
    folder: Path, text: str, figures: Any, *, rows: list[tuple[str, AttributionFigures]], parties: tuple[str, str]
) -> None:
    import msgspec

    from truceline.testing.attribution_theatre_pictures import evaluation_plots, plot_svg

    content = msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n"
    files = {"tables.txt": text.encode(), "figures.json": content}
    for name, plot in evaluation_plots(rows, parties).items():
        files[f"{name}.svg"] = plot_svg(plot).encode()
    for name, made in files.items():
        write_bytes(folder / name, made)
    sys.stderr.write(f"wrote {', '.join(files)} into {folder}\n")

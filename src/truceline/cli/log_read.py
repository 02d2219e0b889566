"""`truceline log prove`, `verify`, `audit`, `policy`: what stands in a log, shown and held against its journal."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from truceline.cli.log_options import add_log, read_input
from truceline.cli.options import add_command

SHOWN_FAULT_COUNT = 100

PROVE_EPILOG = """\
example:
  truceline log prove --log log --body row.json --out proof

Writes proof/leaf.bin, proof/salt.bin, proof/proof.tlog-proof (c2sp.org/tlog-proof@v1), proof/policy.txt and one
stamp-N.tsr for each time-stamp of the checkpoint. With the body, that is all that is needed to verify, offline.
"""
VERIFY_EPILOG = """\
example:
  truceline log verify --proof proof --body row.json --policy policy.txt

Takes nothing from the log: holds the body against leaf and salt, the leaf against the proof, the proof's checkpoint
against the policy, which has to be your own. Answers 0 where all holds and 1 where not.
"""
AUDIT_EPILOG = """\
example:
  truceline log audit --log log --policy policy.txt

Makes everything again from the journal and compares it byte for byte: pages of the journal, salts, bodies, leaves,
tiles, roots and signatures of every checkpoint, the chain of keys, what is published. It takes the writer's lock.
Answers 0 where all is sound, 1 where anything was changed, and says since when no quorum has witnessed the log.
"""
POLICY_EPILOG = """\
example:
  truceline log policy --log log --set guarantors.policy

Without --set the policy is printed. The file is a c2sp.org/tlog-policy: log lines (the log's keys must be among them),
witness lines, groups, one quorum line; `quorum none` where nobody outside is reached.
"""


def add_parsers(commands: Any) -> None:
    """Add the commands with their options."""
    prove = add_command(commands, "prove", text="Prove that a record stands in the log.", epilog=PROVE_EPILOG)
    add_log(prove)
    prove.add_argument("--body", type=Path, required=True, metavar="FILE", help="exactly the record's bytes")
    prove.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the proof's files go")
    prove.set_defaults(run=run_prove)
    verify = add_command(commands, "verify", text="Verify a proof without the log.", epilog=VERIFY_EPILOG)
    verify.add_argument("--proof", type=Path, required=True, metavar="DIR", help="a folder that `prove` wrote")
    verify.add_argument("--body", type=Path, required=True, metavar="FILE", help="exactly the record's bytes")
    verify.add_argument("--policy", type=Path, required=True, metavar="FILE", help="your own trust policy")
    verify.set_defaults(run=run_verify)
    audit = add_command(commands, "audit", text="Make everything again and compare.", epilog=AUDIT_EPILOG)
    add_log(audit)
    audit.add_argument("--policy", type=Path, metavar="FILE", help="your own trust policy, for the newest checkpoint")
    audit.set_defaults(run=run_audit)
    policy = add_command(commands, "policy", text="Show the trust policy or put another.", epilog=POLICY_EPILOG)
    add_log(policy)
    policy.add_argument("--set", type=Path, metavar="FILE", help="the policy to put in its place")
    policy.set_defaults(run=run_policy)


def run_prove(args: argparse.Namespace) -> int:
    """Write the proof of one record."""
    from truceline.adapters.log.service import EvidenceLog
    from truceline.cli.output import write_bytes
    from truceline.errors import InputUnusable

    with EvidenceLog.open(args.log, read_only=True) as log:
        found = log.find(read_input(args.body))
        policy_text = log.policy_text
    if found is None or found.sealed.salt is None:
        raise InputUnusable(f"{args.body}: exactly these bytes are not in {args.log} (or were erased)")
    write_bytes(args.out / "leaf.bin", found.sealed.leaf)
    write_bytes(args.out / "salt.bin", found.sealed.salt)
    write_bytes(args.out / "proof.tlog-proof", found.proof.format().encode())
    write_bytes(args.out / "policy.txt", policy_text.encode())
    for number, stamp in enumerate(found.stamps):
        write_bytes(args.out / f"stamp-{number}.tsr", stamp)
    sys.stdout.write(f"leaf {found.proof.leaf_index} of {found.proof.checkpoint().size_count}, proof in {args.out}\n")
    return 0


def run_verify(args: argparse.Namespace) -> int:
    """Verify a proof; give 0 where it holds and 1 where not."""
    from truceline.adapters.log.leaf import commitment_of, parse_leaf
    from truceline.adapters.log.policy import Policy
    from truceline.adapters.log.proof import parse_proof, verify_proof
    from truceline.adapters.log.refusal import Refused

    policy = Policy.parse(read_input(args.policy))
    try:
        entry = read_input(args.proof / "leaf.bin")
        leaf = parse_leaf(entry)
        if commitment_of(read_input(args.body), read_input(args.proof / "salt.bin")) != leaf.commitment:
            raise Refused("the leaf commits to other bytes")
        result = verify_proof(parse_proof(read_input(args.proof / "proof.tlog-proof")), entry, policy)
        if not result.is_proven:
            raise Refused(result.reason)
    except Refused as refused:
        sys.stdout.write(f"refused: {refused}\n")
        return 1
    witnesses = ", ".join(name for name, _ in result.policy.witnesses) or "nobody"
    sys.stdout.write(
        f"holds: in {result.checkpoint.origin} at {result.checkpoint.size_count} leaves, witnessed by {witnesses}\n"
    )
    return 0


def run_audit(args: argparse.Namespace) -> int:
    """Audit a log; give 0 where it is sound and 1 where not."""
    from truceline.adapters.log.audit import audit_log
    from truceline.adapters.log.policy import Policy

    policy = None if args.policy is None else Policy.parse(read_input(args.policy))
    report = audit_log(args.log, policy=policy)
    for fault in report.faults[:SHOWN_FAULT_COUNT]:
        sys.stdout.write(f"fault: {fault}\n")
    if report.faults:
        sys.stdout.write(f"{len(report.faults)} faults in {args.log}\n")
        return 1
    sys.stdout.write(
        f"sound: {args.log} ({report.leaf_count} leaves, {report.checkpoint_count} checkpoints, "
        f"{report.erased_count} erased)\n{_status(args.log, policy)}\n"
    )
    return 0


def _status(path: Path, policy: Any) -> str:
    from truceline.adapters.log.policy import Policy
    from truceline.adapters.log.service import EvidenceLog
    from truceline.adapters.log.witness_client import witness_status

    with EvidenceLog.open(path, read_only=True) as log:
        return witness_status(log.journal, policy or Policy.parse(log.policy_text)).sentence


def run_policy(args: argparse.Namespace) -> int:
    """Show or replace the policy."""
    from truceline.adapters.log.policy import Policy
    from truceline.adapters.log.service import EvidenceLog, write_policy
    from truceline.errors import InputUnusable

    if args.set is None:
        with EvidenceLog.open(args.log, read_only=True) as log:
            sys.stdout.write(log.policy_text)
        return 0
    policy = Policy.parse(read_input(args.set))
    with EvidenceLog.open(args.log) as log:
        named = {entry.verifier.vkey for entry in policy.logs}
        missing = [vkey for vkey in log.journal.key_sets()[-1].vkeys if vkey not in named]
        if missing:
            raise InputUnusable(f"{args.set}: does not name this log's key {missing[0][:60]}")
        write_policy(args.log, policy.text)
    sys.stdout.write(f"policy of {args.log}: {len(policy.witnesses)} witnesses, quorum {policy.quorum}\n")
    return 0

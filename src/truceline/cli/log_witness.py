"""`truceline log witness-key`, `witness`, `cosign`: being a witness, and asking those of the policy."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from truceline.cli.log_options import add_log, now_s, read_input
from truceline.cli.options import add_command

PORT_DEFAULT_ID = 7380

KEY_EPILOG = """\
example:
  truceline log witness-key --name guarantor.example/w1 --out w1.skey

Prints the line that the log's policy needs, with the public key.
"""
WITNESS_EPILOG = """\
example:
  truceline log witness --key w1.skey --state w1.sqlite --log-key log.vkey

A witness keeps, of each log, the newest checkpoint it cosigned, and cosigns another only if its consistency proof shows
that the log has only grown: never a fork, never a rollback. It runs on another machine than the log, best at somebody
else's. It listens on this machine only; a proxy with TLS brings it to others. Requests are c2sp.org/tlog-witness.
"""
COSIGN_EPILOG = """\
example:
  truceline log cosign --log log

Asks every witness of the policy that has an address to cosign the newest checkpoint, and shows the cosignatures with
it. Answers 0 where the quorum stands, 1 where not: then it says since when the log is unwitnessed.
"""


def add_parsers(commands: Any) -> None:
    """Add the commands with their options."""
    key = add_command(commands, "witness-key", text="Make a witness's key.", epilog=KEY_EPILOG)
    key.add_argument("--name", required=True, metavar="NAME", help="the witness's unique name, as host/path")
    key.add_argument("--out", type=Path, required=True, metavar="FILE", help="where no file stands yet")
    key.set_defaults(run=run_key)
    witness = add_command(commands, "witness", text="Be a witness of logs.", epilog=WITNESS_EPILOG)
    witness.add_argument("--key", type=Path, required=True, metavar="FILE", help="the witness's secret key")
    witness.add_argument("--state", type=Path, required=True, metavar="FILE", help="what was cosigned; never lose it")
    witness.add_argument(
        "--log-key", type=Path, required=True, action="append", metavar="FILE", help="public keys of a log, one a line"
    )
    witness.add_argument("--port", type=int, default=PORT_DEFAULT_ID, metavar="N", help="(default: %(default)s)")
    witness.set_defaults(run=run_witness)
    cosign = add_command(commands, "cosign", text="Ask the witnesses of the policy.", epilog=COSIGN_EPILOG)
    add_log(cosign)
    cosign.set_defaults(run=run_cosign)


def run_key(args: argparse.Namespace) -> int:
    """Make a witness's key file and print its policy line."""
    import secrets

    from truceline.adapters.log.keys import write_key_file
    from truceline.adapters.log.note import Signer

    signer = Signer.cosigner(args.name, secrets.token_bytes(32))
    write_key_file(args.out, signer)
    sys.stdout.write(f"witness {args.name.replace('/', '-')} {signer.vkey}\n")
    return 0


def run_witness(args: argparse.Namespace) -> int:
    """Answer requests until ended."""
    from truceline.adapters.log.keys import read_signer
    from truceline.adapters.log.note import Verifier
    from truceline.adapters.log.witness import Witness
    from truceline.adapters.log.witness_server import WitnessServer

    lines = [line for path in args.log_key for line in read_input(path).decode("utf-8", "replace").split("\n") if line]
    logs = [Verifier.from_vkey(line.removeprefix("key ").removeprefix("log ")) for line in lines]
    with (
        Witness(args.state, signers=[read_signer(args.key)], logs=logs) as witness,
        WitnessServer(witness, address="127.0.0.1", port_id=args.port, clock_s=now_s) as server,
    ):
        sys.stdout.write(
            f"witness at http://127.0.0.1:{server.server_port} for {len({log.name for log in logs})} logs\n"
        )
        sys.stdout.flush()
        server.serve_forever()
    return 0


def run_cosign(args: argparse.Namespace) -> int:
    """Ask each witness; give 0 where the quorum stands and 1 where not."""
    from truceline.adapters.log.policy import Policy
    from truceline.adapters.log.publisher import publish_note
    from truceline.adapters.log.service import EvidenceLog
    from truceline.adapters.log.tiles import TileReader
    from truceline.adapters.log.witness_client import ask_over_http, request_cosignatures, witness_status
    from truceline.errors import TrucelineError

    with EvidenceLog.open(args.log) as log:
        policy = Policy.parse(log.policy_text)
        reader = TileReader(log.public_folder)
        for witness in policy.witnesses:
            if witness.url is None:
                continue
            try:
                request_cosignatures(log.journal, ask_over_http(witness.url), reader=reader, verifier=witness.verifier)
                sys.stdout.write(f"{witness.name}: cosigned\n")
            except TrucelineError as error:
                sys.stdout.write(f"{witness.name}: not cosigned: {error}\n")
        newest = log.journal.newest_checkpoint()
        if newest is not None:
            publish_note(log.journal, newest, log.public_folder)
        status = witness_status(log.journal, policy)
    sys.stdout.write(f"{status.sentence}\n")
    return 0 if status.is_witnessed else 1

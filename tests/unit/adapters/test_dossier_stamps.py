"""Time-stamps in a dossier file hold only under the certificates of whoever checks."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from laws.dossier_case import MadeLog, exported, made_case
from truceline.adapters.dossier_log_checks import check_log
from truceline.adapters.log.timestamp import stamp_request
from truceline.dossier.checks import dossier_of
from truceline.dossier.layout import unpack

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not on this machine")

CONFIGURATION = """
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical,CA:TRUE
[stamper]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[tsa]
default_tsa = made
[made]
serial = serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""


class Authority:
    """A time-stamp authority of our own, by openssl."""

    def __init__(self, folder: Path) -> None:
        """Make a root certificate and a stamping certificate under it."""
        self._folder = folder
        (folder / "made.cnf").write_text(CONFIGURATION)
        (folder / "serial").write_text("01\n")
        new_key = ["req", "-config", "made.cnf", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        self._openssl(
            *new_key, "-x509", "-extensions", "root", "-subj", "/CN=root", "-keyout", "ca.key", "-out", "ca.pem"
        )
        self._openssl(*new_key, "-subj", "/CN=stamper", "-keyout", "tsa.key", "-out", "tsa.csr")
        signing = [
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-extfile",
            "made.cnf",
            "-extensions",
            "stamper",
        ]
        self._openssl("x509", "-req", "-in", "tsa.csr", *signing, "-days", "30", "-out", "tsa.pem")
        self.roots_pem = (folder / "ca.pem").read_bytes()

    def stamp(self, message: bytes) -> bytes:
        """Give the answer, DER, to a request over a message."""
        (self._folder / "request").write_bytes(stamp_request(message))
        self._openssl(
            *("ts", "-reply", "-config", "made.cnf", "-queryfile", "request"),
            *("-signer", "tsa.pem", "-inkey", "tsa.key", "-out", "answer"),
        )
        return (self._folder / "answer").read_bytes()

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self._folder, check=True, capture_output=True)  # noqa: S603, S607


def _stamped(log: MadeLog, stamp: bytes) -> dict[str, bytes]:
    """Give the entries of a file whose checkpoint bears a stamp."""
    case = made_case()
    plain = log.view()

    def find(body: bytes) -> object:
        found = plain.find(body)
        return None if found is None else msgspec.structs.replace(found, stamps=(stamp,))

    name = dossier_of(unpack(case.files[0])).dossier_id
    return unpack(exported(case.theatre, case.store, msgspec.structs.replace(plain, find=find), [name])[0])


def test_a_stamp_holds_under_the_roots_of_its_authority_alone(tmp_path: Path) -> None:
    """The log's own note is stamped; under other roots, or over another note, both say so; without roots it is open."""
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    one, other = Authority(tmp_path / "one"), Authority(tmp_path / "other")
    log = made_case().log
    right, wrong = _stamped(log, one.stamp(log.own_note.encode())), _stamped(log, one.stamp(log.note.encode()))

    def outcomes(entries: dict[str, bytes], roots_pem: bytes | None) -> set[str]:
        checks = check_log(entries, policy_text=None, roots_pem=roots_pem)
        return {check.outcome for check in checks if check.subject.startswith("log/stamps/")}

    assert {"holds"} == outcomes(right, one.roots_pem)
    assert {"fails"} == outcomes(right, other.roots_pem)
    assert {"not checked"} == outcomes(right, None)
    assert {"fails"} == {check.outcome for check in check_log(wrong, policy_text=None) if "another" in check.text}
    assert {"fails"} == outcomes(right, b"no certificates")

"""Time-stamps: what an authority signed over these bytes holds, and nothing else does."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from truceline.adapters.log.refusal import Refused
from truceline.adapters.log.timestamp import imprint_of, stamp_request, verify_stamp

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")

MESSAGE = b"log.example/evidence\n256\nroot\n\nsignatures\n"

CONFIGURATION = """\
[req]
distinguished_name = name
prompt = no
[name]
CN = Test authority
[authority]
extendedKeyUsage = critical,timeStamping
keyUsage = critical,digitalSignature
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[tsa]
default_tsa = at
[at]
serial = serial
crypto_device = builtin
signer_cert = authority.pem
signer_key = authority.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
accuracy = secs:1
ordering = no
tsa_name = yes
ess_cert_id_chain = no
"""


def openssl(folder: Path, *arguments: str) -> str:
    """Run openssl in a folder, and give what it says."""
    assert OPENSSL is not None
    done = subprocess.run([OPENSSL, *arguments], cwd=folder, capture_output=True, check=True, text=True)  # noqa: S603
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of an authority made with openssl: a root and a time-stamping certificate."""
    folder = tmp_path_factory.mktemp("authority")
    (folder / "openssl.cnf").write_text(CONFIGURATION)
    (folder / "serial").write_text("01\n")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", "openssl.cnf")
    root = ("-x509", "-days", "3650", "-extensions", "root", "-keyout", "root.key", "-out", "root.pem")
    openssl(folder, "req", *key, *root, "-subj", "/CN=Test root")
    openssl(folder, "req", *key, "-keyout", "authority.key", "-out", "authority.csr", "-subj", "/CN=Test authority")
    openssl(
        folder,
        *("x509", "-req", "-in", "authority.csr", "-CA", "root.pem", "-CAkey", "root.key", "-days", "3650"),
        *("-CAcreateserial", "-extfile", "openssl.cnf", "-extensions", "authority", "-out", "authority.pem"),
    )
    return folder


@pytest.fixture(scope="module")
def stamped(authority: Path) -> tuple[bytes, bytes]:
    """Give our request over the message, and openssl's answer."""
    request = stamp_request(MESSAGE)
    (authority / "request.tsq").write_bytes(request)
    files = ("-queryfile", "request.tsq", "-out", "answer.tsr")
    openssl(authority, "ts", "-reply", "-config", "openssl.cnf", "-section", "at", *files)
    return request, (authority / "answer.tsr").read_bytes()


def test_an_authoritys_stamp_holds_here_and_with_openssl(authority: Path, stamped: tuple[bytes, bytes]) -> None:
    """Two independent verifiers take the stamp over exactly the message."""
    request, answer = stamped
    (authority / "message").write_bytes(MESSAGE)
    said = openssl(authority, "ts", "-verify", "-data", "message", "-in", "answer.tsr", "-CAfile", "root.pem")
    verified = verify_stamp(answer, MESSAGE, roots_pem=(authority / "root.pem").read_bytes(), request=request)

    assert "Verification: OK" in said
    assert verified.time.utcoffset() is not None
    assert len(imprint_of(answer)) == 32


def test_other_bytes_roots_and_requests_are_refused(authority: Path, stamped: tuple[bytes, bytes]) -> None:
    """Another message, another root, or an answer to another request does not hold."""
    _, answer = stamped
    root = (authority / "root.pem").read_bytes()

    with pytest.raises(Refused, match="does not hold"):
        verify_stamp(answer, MESSAGE + b"?", roots_pem=root)
    with pytest.raises(Refused, match="does not hold"):
        verify_stamp(answer, MESSAGE, roots_pem=(authority / "authority.pem").read_bytes())
    with pytest.raises(Refused, match="does not hold"):
        verify_stamp(answer, MESSAGE, roots_pem=root, request=stamp_request(MESSAGE))
    with pytest.raises(Refused, match="not certificates"):
        verify_stamp(answer, MESSAGE, roots_pem=b"none")


def test_a_tampered_stamp_is_refused(authority: Path, stamped: tuple[bytes, bytes]) -> None:
    """No changed byte of what the authority signed gives another answer that holds with another meaning."""
    _, answer = stamped
    root = (authority / "root.pem").read_bytes()
    sound = verify_stamp(answer, MESSAGE, roots_pem=root)
    refused_count = 0
    for place in range(len(answer)):
        tampered = answer[:place] + bytes([answer[place] ^ 1]) + answer[place + 1 :]
        try:
            taken = verify_stamp(tampered, MESSAGE, roots_pem=root)
        except Refused:
            refused_count += 1
        else:
            assert taken == sound
    assert refused_count > 0.9 * len(answer)

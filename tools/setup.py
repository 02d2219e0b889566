"""Makes `.venv` hold exactly what the lock files say, and says in plain words what is missing where it cannot.

Needs nothing but the standard library, so that `make run` works on a bare machine with `python3` and `make`. Called as
`python3 tools/setup.py run` or `... test` (with the tools for development); a second call finds its mark and is quick.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
INSTALLER = VENV / "installer"
"""Holds uv (and pip, where Python came without it) apart from what is installed for Truceline itself."""
MARK = VENV / "ready.json"
LOCKS = {"run": "requirements.txt", "test": "requirements-dev.txt"}
PYTHON_LEAST = (3, 11)
NO_VENV = """This Python came without the parts that install packages, and they could not be fetched either.
Is this machine connected to a Python package index? If so, on Debian and Ubuntu:  sudo apt install python3-venv
Then run the same command again."""
NO_PACKAGES = """The packages listed in {lock} could not be installed.
Setting up needs a connection to a Python package index (afterwards Truceline works without any).
Behind a proxy set HTTPS_PROXY; with an index of your own set PIP_INDEX_URL and UV_INDEX_URL."""


class CannotSetUp(Exception):
    """Setting up cannot go on; the message says what the reader can do."""


def main(arguments: list[str]) -> int:
    """Set up for `run` or `test`; give 0 when `.venv` is ready and 1 with a message when it cannot be."""
    profile = arguments[0] if arguments else "run"
    if profile not in LOCKS:
        _say(f"profile={profile} is not one of {sorted(LOCKS)}")
        return 2
    if sys.version_info < PYTHON_LEAST:
        _say(_old_python())
        return 1
    try:
        _set_up(profile)
    except CannotSetUp as error:
        _say(f"\nSet-up stopped.\n{error}")
        return 1
    return 0


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def _old_python() -> str:
    found = ".".join(str(part) for part in sys.version_info[:3])
    least = ".".join(str(part) for part in PYTHON_LEAST)
    newer = [name for name in ("python3.14", "python3.13", "python3.12", "python3.11") if shutil.which(name)]
    advice = f"make PYTHON={newer[0]} run" if newer else "sudo apt install python3   (Debian 12, Ubuntu 24.04 or newer)"
    return f"Truceline needs Python {least} or newer; {sys.executable} is {found}. Try:  {advice}"


def _set_up(profile: str) -> None:
    """Bring `.venv` to the locked state, or leave it alone where its mark says that it is there already."""
    wanted = {name: _digest(lock) for name, lock in LOCKS.items()}
    if _is_ready(profile, wanted):
        return
    _say("Setting up .venv (the first time this takes up to a minute) ...")
    new_enough = f"import sys; sys.exit(sys.version_info < {PYTHON_LEAST})"
    if _mark().get("root", str(ROOT)) != str(ROOT) or not _works(PYTHON, "-c", new_enough):
        _make_environment()
    MARK.unlink(missing_ok=True)
    _install(LOCKS[profile])
    mark = {"profile": profile, "digest": wanted[profile], "root": str(ROOT)}
    MARK.write_text(json.dumps(mark), encoding="utf-8")


def _mark() -> dict[str, str]:
    """Read what an earlier set-up left; empty where there was none or it did not come to its end."""
    try:
        return {str(name): str(value) for name, value in json.loads(MARK.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _digest(lock: str) -> str:
    """Name everything the environment depends on: the lock, the project file, this script, and where it all lies."""
    digest = hashlib.sha256(str(ROOT).encode())
    for name in (lock, "pyproject.toml", "tools/setup.py"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _is_ready(profile: str, wanted: dict[str, str]) -> bool:
    """Say whether the mark is of this state; what is ready for tests is ready to run as well."""
    mark = _mark()
    enough = mark.get("profile") in {profile, "test"} and mark.get("digest") == wanted.get(mark.get("profile", ""))
    return enough and (VENV / "bin" / "truceline").exists() and _works(PYTHON, "-c", "")


def _works(program: Path | str, *arguments: str) -> bool:
    try:
        return subprocess.run([str(program), *arguments], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _make_environment() -> None:
    """Make an empty environment; `--without-pip`, because Debian keeps pip's part of `venv` in another package."""
    shutil.rmtree(VENV, ignore_errors=True)
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(VENV)], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        raise CannotSetUp(f"{made.stdout}{made.stderr}\n{NO_VENV}")


def _install(lock: str) -> None:
    """Install the lock, then Truceline itself from this folder, by uv or, should that fail, by pip."""
    report: str | None = NO_VENV
    itself = ["--no-deps", "--no-build-isolation", "--editable", "."]
    for uv, environment in _uv():
        locked = [uv, "pip", "sync", "--require-hashes", "--compile-bytecode", lock]
        report = _attempt(locked, **environment) or _attempt([uv, "pip", "install", *itself], **environment)
        if report is None:
            return
    pip = _pip()
    report = _attempt([*pip, "install", "--retries", "1", "--require-hashes", "-r", lock]) or _attempt(
        [*pip, "install", *itself]
    )
    if report is not None:
        raise CannotSetUp(f"{report}\n{NO_PACKAGES.format(lock=lock)}")


def _uv() -> list[tuple[str, dict[str, str]]]:
    """Give the uv of this machine or a locked one of our own, first with its own certificates, then the machine's."""
    uv = "uv"
    if not _works(uv, "--version"):
        uv = str(INSTALLER / "bin" / "uv")
        own = ["install", "--require-hashes", "--target", str(INSTALLER), "--upgrade", "-r", "requirements-setup.txt"]
        if not Path(uv).exists() and _attempt([*_pip(), *own]) is not None:
            return []
    return [(uv, {}), (uv, {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"})]


def _pip() -> list[str]:
    """Give a pip that installs into the environment: Python's own bundle, or the locked one fetched from the index."""
    module = [str(PYTHON), "-m", "pip"]
    if _works(*module, "--version") or (_works(PYTHON, "-m", "ensurepip") and _works(*module, "--version")):
        return module
    try:
        wheel = _fetch_pip()
    except (OSError, ValueError, LookupError) as error:
        raise CannotSetUp(f"{error}\n{NO_VENV}") from error
    return [str(PYTHON), str(wheel / "pip")]


def _fetch_pip() -> Path:
    """Fetch the pip wheel that `requirements-setup.txt` names, hold its hash against the lock, and give its path."""
    lock = (ROOT / "requirements-setup.txt").read_text(encoding="utf-8")
    entry = next(part for part in re.split(r"\n(?=\S)", lock) if part.startswith("pip=="))
    version = re.match(r"pip==(\S+)", entry)
    assert version is not None, "the split above only gives entries with a version"
    index = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/")
    assert index.startswith(("https://", "http://", "file://")), f"PIP_INDEX_URL={index} is not an address"
    with urllib.request.urlopen(f"{index}/pip/", timeout=30) as page:  # noqa: S310 - the scheme is checked above
        links = re.findall(r'href="([^"]+)"', page.read().decode())
    name = f"pip-{version[1]}-py3-none-any.whl"
    link = next((link for link in links if name in link), None)
    if link is None:
        raise LookupError(f"{name} is not offered by {index}")
    with urllib.request.urlopen(urllib.parse.urljoin(f"{index}/pip/", link), timeout=60) as answer:  # noqa: S310
        content = answer.read()
    found = hashlib.sha256(content).hexdigest()
    if f"sha256:{found}" not in entry:
        raise ValueError(f"sha256={found} of {name} is not among those in requirements-setup.txt")
    INSTALLER.mkdir(exist_ok=True)
    (INSTALLER / name).write_bytes(content)
    return INSTALLER / name


def _attempt(command: list[str], **more: str) -> str | None:
    """Run an installer inside the project; give `None` where it succeeded and else the end of what it said."""
    environment = {
        **os.environ,
        "VIRTUAL_ENV": str(VENV),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "UV_NO_PROGRESS": "1",
        **more,
    }
    if not os.access(environment.get("HOME", ""), os.W_OK):
        environment["UV_CACHE_DIR"] = str(VENV / "cache")
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    lines = [line[:300] for line in (done.stdout + done.stderr).splitlines() if not line.startswith("WARNING")]
    return f"{' '.join(command)}\n" + "\n".join(lines[-8:])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

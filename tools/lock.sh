#!/bin/sh
# Writes the three lock files: exact versions with the hash of every file for every platform, and no address.
set -eu
cd "$(dirname "$0")/.."
compile() {
    out=$1
    shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
        --no-emit-index-url --no-emit-find-links --output-file "$out" "$@"
}
compile requirements.txt pyproject.toml --group build
compile requirements-dev.txt pyproject.toml --group build --group dev --constraint requirements.txt
compile requirements-setup.txt --group setup
if grep -n '://' requirements*.txt; then
    echo "a lock file holds an address" >&2
    exit 1
fi

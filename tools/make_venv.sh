#!/bin/sh
# Make .venv with what a lock file lists, and mark it as done.
# Usage: make_venv.sh LOCK MARK [MARK ...]; further marks are for lock files that this one contains.
set -eu

lock=$1
shift

find_python() {
    for name in ${PYTHON_BIN:-} python3.14 python3.13 python3.12 python3.11 python3 python; do
        if command -v "$name" >/dev/null 2>&1 &&
            "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
}

python=$(find_python)
if [ -z "$python" ]; then
    echo "Python 3.11 or newer is needed and was not found." >&2
    exit 1
fi
if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        echo "Python's venv module is missing: install it (Debian and Ubuntu: apt install python$version-venv)." >&2
        exit 1
    fi
    rm -rf .venv
    "$python" -m venv .venv
fi

digest=$(.venv/bin/python -c 'import hashlib, sys
print(hashlib.sha256(b"".join(open(name, "rb").read() for name in sys.argv[1:])).hexdigest())' "$lock" pyproject.toml)
if [ "$(cat "$1" 2>/dev/null || true)" != "$digest" ]; then
    echo "Installing what $lock lists …" >&2
    .venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r "$lock"
    .venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps -e .
fi
for mark in "$@"; do
    echo "$digest" >"$mark"
done

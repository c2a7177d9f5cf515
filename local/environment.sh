#!/bin/sh
# Makes one virtual environment from one lock, with the first Python of this machine that will do.
# Usage: local/environment.sh DIRECTORY LOCK     (make calls it; PYTHON=… chooses another interpreter)
# DIRECTORY/.ready is written last and holds the lock's checksum: an interrupted environment is made anew, a changed one is
# brought in step in its place, and a finished one is left alone without a word, whatever the files' dates say.
set -eu
directory=$1
lock=$2
started=$(date +%s)
uv=.tools/uv/bin/uv
checksum=$(cksum <"$lock")

say() { printf '%s\n' "$*" >&2; }

runs() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; }

# A name on PATH proves little: version managers leave shims that fail, Debian ships Python without venv.
find_python() {
    without_venv=
    for candidate in ${PYTHON:-python3.13 python3.14 python3.12 python3.11 python3}; do
        runs "$candidate" || continue
        "$candidate" -c 'import ensurepip, venv' 2>/dev/null && return 0
        without_venv=${without_venv:-$candidate}
    done
    if [ -n "$without_venv" ]; then
        say "$without_venv runs, but has no venv. On Debian and Ubuntu: apt install python3-venv"
        say "(or the one of its version: apt install python3.12-venv), then the same make again."
    elif [ -n "${PYTHON:-}" ]; then
        say "PYTHON=$PYTHON does not run, or is not Python 3.11 to 3.14."
    else
        say "No Python 3.11 to 3.14 found on PATH. Install one (Debian, Ubuntu: apt install python3 python3-venv),"
        say "or name one: make PYTHON=/path/to/python3.13"
    fi
    exit 1
}

if [ -e "$directory/.ready" ] && [ -z "${PYTHON:-}" ] && runs "$directory/bin/python"; then
    if [ "$(cat "$directory/.ready")" = "$checksum" ]; then
        touch "$directory/.ready"
        exit 0
    fi
    candidate=$directory/bin/python
else
    find_python
fi
say "▸ $directory: packages of $lock, $("$candidate" --version)"
[ "$candidate" = "$directory/bin/python" ] || "$candidate" -m venv --clear "$directory"
rm -f "$directory/.ready"
# uv is many times faster. Where it cannot reach the index that pip is configured for, pip does the same work.
if [ ! -x "$uv" ] || ! "$uv" pip sync --quiet --require-hashes --python "$directory/bin/python" "$lock" 2>/dev/null; then
    [ ! -x "$uv" ] || say "  uv could not install them; pip does, which takes a little longer."
    "$directory/bin/python" -m pip install --disable-pip-version-check -qq --no-deps --require-hashes -r "$lock"
fi
printf '%s\n' "$checksum" >"$directory/.ready"
say "▸ $directory is ready ($(($(date +%s) - started)) s)"

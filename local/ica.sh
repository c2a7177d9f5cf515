#!/bin/sh
# .venv/bin/ica: the operator's command, in its own environment, from whichever folder it is called.
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
PYTHONPATH="$root:$root/src" exec "$root/.tools/operator/bin/python" -m cli "$@"

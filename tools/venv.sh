#!/bin/sh
# Usage: tools/venv.sh DIRECTORY
# Makes a virtual environment with Python 3.12 or 3.11 (PJSUA2 has wheels for these), or keeps a good one.
# PYTHON=... names the interpreter to use. PJSUA2=carrier (`make carrier`, which builds the library itself)
# allows Python 3.13 too, and an environment of another version than a named PYTHON is made again.
set -eu

venv=$1
newest=12
range="3.11 or 3.12"

# A name on the PATH may be a version manager's shim with nothing behind it: only running it shows that.
suits() {
    "$1" -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, $newest))" >/dev/null 2>&1
}

if [ "${PJSUA2:-}" = carrier ]; then
    newest=13
    range="3.11, 3.12 or 3.13"
fi
minor() { "$1" -c 'import sys; print(sys.version_info[1])' 2>/dev/null; }
as_named() { [ "${PJSUA2:-}" != carrier ] || [ -z "${PYTHON:-}" ] || [ "$(minor "$PYTHON")" = "$(minor "$1")" ]; }
carrier_313() { [ -e "$venv/.carrier" ] && [ "$(minor "$1")" = 13 ]; }

if [ -x "$venv/bin/python" ]; then
    if { suits "$venv/bin/python" || carrier_313 "$venv/bin/python"; } && as_named "$venv/bin/python" &&
        "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        exit 0
    fi
    echo "$venv does not work or is of another Python version; making it again"
fi

python=
if [ -n "${PYTHON:-}" ]; then
    if ! suits "$PYTHON"; then
        echo "PYTHON=$PYTHON is not a working Python $range ($("$PYTHON" --version 2>&1 | head -n 1))." >&2
        exit 1
    fi
    python=$PYTHON
else
    for name in python3.12 python3.11 python3.13 python3 python; do
        if suits "$name"; then
            python=$name
            break
        fi
    done
fi

if [ -z "$python" ]; then
    echo "Python 3.11 or 3.12 is needed: PJSUA2, the SIP library, has no wheel for other versions." >&2
    for name in python3.13 python3 python; do
        if found=$("$name" --version 2>/dev/null); then
            echo "  found: $name is $found" >&2
        fi
    done
    for name in python3.12 python3.11; do
        if command -v "$name" >/dev/null 2>&1; then
            echo "  found: $name on the PATH, but it does not run (with pyenv: pyenv shell VERSION)" >&2
        fi
    done
    echo "Install one (Debian 12: apt install python3.11 python3.11-venv; Ubuntu 24.04: apt install" >&2
    echo "python3.12 python3.12-venv; macOS: brew install python@3.12; or pyenv install 3.12) and" >&2
    echo "run the same command again, or name it: make run PYTHON=/path/to/python3.12" >&2
    echo "(With Python 3.13 \`make carrier\` works: it builds the library itself.)" >&2
    exit 1
fi

echo "making $venv with $("$python" --version)"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! "$python" -m venv --clear "$venv" >"$log" 2>&1; then
    cat "$log" >&2
    echo "$python could not make a virtual environment; on Debian and Ubuntu: apt install" \
        "python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv" >&2
    exit 1
fi

#!/bin/sh
# Which PJSUA2 a virtual environment has: the carrier build or the stock wheel. Both bring the module pjsua2,
# so one goes when the other comes.
#
#   docker/pjsua2/install.sh VENV           the carrier build (build.sh makes it, or finds it made)
#   docker/pjsua2/install.sh --again VENV   the carrier build if the environment had it; pip has been at work
#   docker/pjsua2/install.sh --sanitize VENV   the carrier build with sanitizers, for campaigns
#   docker/pjsua2/install.sh --stock VENV   the wheel that the project's requirements name
set -eu

here=$(cd "$(dirname "$0")" && pwd)
what=carrier
case $1 in
--again | --stock | --sanitize)
    what=${1#--}
    shift
    ;;
esac
venv=$1
mark=$venv/.carrier

say() { echo "pjsua2: $*" >&2; }
pip() { "$venv/bin/python" -m pip --disable-pip-version-check -qq "$@"; }
version() {
    "$venv/bin/python" -c 'import sys, importlib.metadata as m
try: print(m.version(sys.argv[1]))
except m.PackageNotFoundError: pass' "$1"
}

if [ "$what" = again ] && [ ! -e "$mark" ]; then exit 0; fi
if [ "$what" = stock ]; then
    wanted=$("$venv/bin/python" -c 'import importlib.metadata as m
print(next(r for r in m.requires("interruptible-ivr") if r.startswith("pjsua2-python")))')
    if "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 13))'; then
        say "the stock wheel is not made for this Python; on 3.13 there is only the carrier build" >&2
        exit 1
    fi
    rm -f "$mark"
    if [ -z "$(version pjsua2-carrier)" ] && [ -n "$(version pjsua2-python)" ]; then exit 0; fi
    pip uninstall -y pjsua2-carrier pjsua2-python
    pip install "$wanted"
    say "stock wheel $(version pjsua2-python)"
    exit 0
fi

build() { PYTHON=$venv/bin/python "$here/build.sh" "$@"; }
if [ "$what" = sanitize ]; then wheel=$(build --sanitize); else wheel=$(build); fi
name=${wheel##*/}
name=${name#*-}
if [ "$(version pjsua2-carrier)" != "${name%%-*}" ] || [ -n "$(version pjsua2-python)" ]; then
    pip uninstall -y pjsua2-python pjsua2-carrier
    pip install --no-deps "$wheel"
fi
if [ "$what" = sanitize ]; then
    say "carrier build $(version pjsua2-carrier), which python -m tests.hostile.mutate can load"
    exit 0
fi
# A cached wheel may have been made where its libraries were.
if ! "$venv/bin/python" -c 'import pjsua2' >/dev/null 2>&1; then
    "$venv/bin/python" -c 'import pjsua2' 2>&1 | tail -n 1 >&2
    say "the wheel does not load here. What it needs, by Debian's names: libssl3 libsrtp2-1 libopus0 libspeex1"
    say "libspeexdsp1 libgsm1 libsamplerate0 libuuid1 libnss3 (apt-get install); or build again: build.sh --force"
    exit 1
fi
touch "$mark"
say "carrier build $(version pjsua2-carrier)"

#!/usr/bin/env bash
# Builds a wheel of pjproject's Python binding for a thousand calls, and prints its path.
#
#   PYTHON=python3.13 docker/pjsua2/build.sh               from Debian's signed source package
#   docker/pjsua2/build.sh --tarball FILE --sha256 HEX     from a tarball of pjproject that you name
#
#   --output DIR   where the wheel goes; default wheels/ in the project's cache. A wheel already there that
#                  this script and its configuration made for this interpreter and machine is not made again.
#   --sanitize     with AddressSanitizer and UndefinedBehaviorSanitizer, every allocation of a pool one of its own:
#                  for campaigns (tests/hostile/README.md). Python needs LD_PRELOAD=libasan.so.8 to load it
#   --force        makes it again
#   --keep         leaves the folder it was built in
#   --key          prints the name that this build will have in the wheel's version, and stops
#
# MIRROR=URL names a Debian mirror; otherwise the one that this machine's apt uses. JOBS=N compilers at once.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=packages.sh
. "$here/packages.sh"

PYTHON=${PYTHON:-python3}
SWIG=4.4.1
SETUPTOOLS=80.9.0
OLDEST=2.17

say() { echo "pjsua2: $*" >&2; }
die() {
    say "$*"
    exit 1
}

tarball='' sum='' force='' keep='' only_key='' sanitize=''
output=${IVR_CACHE_DIR:-${XDG_CACHE_HOME:-~/.cache}/ivr}/wheels
while [ $# -gt 0 ]; do
    case $1 in
    --tarball) tarball=${2:?--tarball needs a file} && shift ;;
    --sha256) sum=${2:?--sha256 needs the sum} && shift ;;
    --output) output=${2:?--output needs a folder} && shift ;;
    --sanitize) sanitize=1 ;;
    --force) force=1 ;;
    --keep) keep=1 ;;
    --key) only_key=1 ;;
    *) die "unknown option $1 (the head of $0 lists them)" ;;
    esac
    shift
done
if [ -n "$tarball" ]; then
    [ -n "$sum" ] || die "--tarball needs --sha256: what is compiled must be what you meant"
    [ -r "$tarball" ] || die "there is no $tarball"
    echo "$sum  $tarball" | sha256sum --check --status || die "$tarball has not the sha256 $sum"
    tarball=$(realpath "$tarball")
elif [ -n "$sum" ]; then
    die "--sha256 belongs to --tarball"
fi

# --- the name of this build: what made it, for which interpreter and machine

[ "$(uname -s)" = Linux ] || die "this builds on Linux: epoll is Linux's"
"$PYTHON" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null ||
    die "PYTHON=$PYTHON is not a working Python 3.11, 3.12 or 3.13"
case $PYTHON in */*) PYTHON=$(cd "$(dirname "$PYTHON")" && pwd)/$(basename "$PYTHON") ;; esac # other folders follow
abi=$("$PYTHON" -c 'import sys; print("cp%d%d" % sys.version_info[:2])')
system=$(. /etc/os-release && echo "$ID-${VERSION_ID:-}")
key=h$(cat "$here/build.sh" "$here/packages.sh" "$here/config_site.h" "$here/carrier.i" "$here"/line_port.* "$here/setup.py" "$here"/patches/*.patch - <<<"$system $sum" |
    sha256sum | cut -c 1-10)
if [ -n "$sanitize" ]; then key=s${key#h}; fi
if [ -n "$only_key" ]; then
    echo "carrier.$key"
    exit
fi
mkdir -p "$output"
output=$(cd "$output" && pwd)
pattern="pjsua2_carrier-*+carrier.$key-$abi-$abi-linux_$(uname -m).whl"
cached() { find "$output" -maxdepth 1 -name "$pattern" | sort | tail -n 1; }
if [ -z "$force" ] && [ -n "$(cached)" ]; then
    cached
    exit
fi

# --- the folder it is built in

began=$SECONDS
work=$(mktemp -d "${TMPDIR:-/tmp}/pjsua2.XXXXXX")
chmod 755 "$work" # apt fetches as a user of its own
log=$work/log
finish() {
    local status=$?
    trap - EXIT
    if [ "$status" -ne 0 ] && [ -s "$log" ]; then
        tail -n 30 "$log" >&2
        cp "$log" "$output/failed.log"
        say "failed; all that was printed is in $output/failed.log"
    fi
    if [ -n "$keep" ]; then say "built in $work"; else rm -rf "$work"; fi
    exit "$status"
}
trap finish EXIT
run() { "$@" >>"$log" 2>&1 </dev/null; }

need_packages
"$PYTHON" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' ||
    die "$PYTHON has no Python.h to compile with; on Debian: apt install python${abi:2:1}.${abi:3}-dev"

# --- the source

if [ -z "$tarball" ]; then
    say "fetching the source package (asterisk of Debian sid, which holds pjproject)"
    fetch_debian_source
    tarball=$(find "$work/apt/source" -name 'asterisk_*.orig-Xpjproject.tar.*')
    [ -n "$tarball" ] || die "the source package no longer holds pjproject; give a --tarball"
    source="the source package asterisk $(sed -n 's/^Version: //p' "$work"/apt/source/*.dsc | head -n 1) of Debian"
else
    source="a tarball given by hand"
fi
source="$source: $(basename "$tarball"), sha256 $(sha256sum "$tarball" | cut -d ' ' -f 1)"
mkdir "$work/pjproject"
run tar -xf "$tarball" -C "$work/pjproject" --strip-components 1 --no-same-owner
cd "$work/pjproject"
mak() { sed -n "s/^export PJ_VERSION_$1 *:= *//p" version.mak; }
version=$(mak MAJOR).$(mak MINOR)
[ -z "$(mak REV)" ] || version=$version.$(mak REV)
[ "$(printf '%s\n' "$OLDEST" "$version" | sort -V | head -n 1)" = "$OLDEST" ] ||
    die "this is pjproject $version; $OLDEST or later is wanted"
[ -z "$(mak SUFFIX)" ] || die "pjproject $version$(mak SUFFIX) is not a release"

# --- the libraries

say "compiling pjproject $version for $abi"
cp "$here/config_site.h" pjlib/include/pj/config_site.h
for patch in "$here"/patches/*.patch; do
    run patch -p1 --forward --input "$patch" || die "$(basename "$patch") does not fit pjproject $version"
done
# Debian leaves out the driver of a sound device; the makefile still names it.
[ -e pjmedia/src/pjmedia-audiodev/bdimad_dev.c ] || : >pjmedia/src/pjmedia-audiodev/bdimad_dev.c
mkdir -p {pjlib,pjlib-util,pjnath,pjmedia,pjsip,third_party}/lib
flags="-fPIC -O2 -DNDEBUG"
if [ -n "$sanitize" ]; then
    # Pools give each allocation back to the system alone: a sanitizer sees nothing inside a pool's block.
    # Not checked: what pjproject takes lightly on purpose, alignment and null pointers to no bytes.
    checks=address,undefined
    flags="-fPIC -O1 -g1 -DNDEBUG -DPJ_POOL_DEBUG=1 -fno-omit-frame-pointer"
    flags+=" -fsanitize=$checks -fno-sanitize=alignment,vptr,nonnull-attribute -fno-sanitize-recover=$checks"
    export SANITIZE=$checks
fi
run env CFLAGS="$flags" CXXFLAGS="$flags" LDFLAGS="${sanitize:+-fsanitize=$checks}" ./configure --enable-epoll --disable-video --disable-sound --disable-upnp \
    --with-external-speex --with-external-gsm --with-external-srtp --enable-libsamplerate \
    --disable-libyuv --disable-libwebrtc --disable-ilbc-codec --disable-g7221-codec
# configure leaves out what it does not find; these must be there.
grep -q 'define *PJMEDIA_HAS_OPUS_CODEC *1' pjmedia/include/pjmedia-codec/config_auto.h || die "configure found no Opus"
grep -q 'define *PJ_HAS_SSL_SOCK *1' pjlib/include/pj/compat/os_auto.h || die "configure found no OpenSSL"
run make -j "${JOBS:-$(nproc)}" lib
say "libraries after $((SECONDS - began)) s; now the binding"

# --- the binding and the wheel

run "$PYTHON" -m venv "$work/tools"
pip() { run "$work/tools/bin/python" -m pip --disable-pip-version-check "$@"; }
pip install "swig==$SWIG" "setuptools==$SETUPTOOLS"
swig=$work/pjproject/pjsip-apps/src/swig
includes=("-I$swig" "-I$here")
for part in pjlib pjlib-util pjnath pjmedia pjsip; do includes+=("-I$work/pjproject/$part/include"); done
mkdir "$work/package" "$work/wheel"
run "$work/tools/bin/swig" -c++ -python -threads -doxygen -w312 "${includes[@]}" \
    -o "$work/package/pjsua2_wrap.cpp" "$here/carrier.i"
cp COPYING "$here/setup.py" "$here"/line_port.* "$work/package"
export PJPROJECT=$work/pjproject WHEEL_VERSION=$version+carrier.$key WHEEL_SOURCE=$source
pip wheel --no-cache-dir --no-build-isolation --no-deps --wheel-dir "$work/wheel" "$work/package"
wheel=$(find "$work/wheel" -name '*.whl')

# --- is it what it should be? Loaded and asked, before anyone gets it

pip install --no-deps "$wheel"
if [ -n "$sanitize" ]; then
    preload="$(cc -print-file-name=libasan.so) $(cc -print-file-name=libstdc++.so)"
    export LD_PRELOAD=$preload ASAN_OPTIONS=detect_leaks=0
fi
module=$("$work/tools/bin/python" -c 'import importlib.util as u; print(u.find_spec("_pjsua2").origin)')
ldd "$module" >"$work/ldd"
cat "$work/ldd" >>"$log"
if grep 'not found' "$work/ldd" >&2; then die "the wheel needs libraries that are not here"; fi
run "$work/tools/bin/python" "$here/facts.py" --carrier || die "the wheel does not do what a carrier build must"

cp "$wheel" "$output/.$key.part"
mv "$output/.$key.part" "$output/$(basename "$wheel")"
say "made $(basename "$wheel") in $((SECONDS - began)) s"
say "it needs these shared libraries: $(awk '/=> \// { print $1 }' "$work/ldd" | sort | tr '\n' ' ')"
echo "$output/$(basename "$wheel")"

#!/bin/sh
# Installs what the tests need beyond Python: SIPp, baresip, sox, espeak-ng, Graphviz, a C compiler and Debian's
# telephone recordings with the list of what they say, and the packages named after it. Does nothing when all of it
# is there. Needs root, or sudo without a password.
set -eu

packages="sip-tester baresip-core sox espeak-ng graphviz asterisk-core-sounds-en-wav asterisk-core-sounds-en asterisk-moh-opsound-wav gcc libc6-dev $*"

present() {
    case $1 in
    sip-tester) command -v sipp ;;
    baresip-core) command -v baresip ;;
    graphviz) command -v dot ;;
    asterisk-core-sounds-en-wav) test -e /usr/share/asterisk/sounds/en_US_f_Allison/vm-goodbye.wav ;;
    asterisk-core-sounds-en) test -e /usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz ;;
    asterisk-moh-opsound-wav) ls /usr/share/asterisk/moh/*.wav ;;
    libc6-dev) test -e /usr/include/stdio.h ;;
    debootstrap | kamailio) test -x "/usr/sbin/$1" ;;
    asterisk-core-sounds-fr-wav) test -e /usr/share/asterisk/sounds/fr_CA_f_June/vm-goodbye.wav ;;
    festvox-kallpc16k) test -d /usr/share/festival/voices/english/kal_diphone ;;
    ktuberling-data) test -d /usr/share/ktuberling/sounds/en ;;
    openarena-081-players) test -e /usr/share/games/openarena/baseoa/pak2-players.pk3 ;;
    kamailio-tls-modules) ls /usr/lib/*/kamailio/modules/tls.so ;;
    *) command -v "$1" ;;
    esac >/dev/null 2>&1
}

missing=
for package in $packages; do
    present "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "The tests need these Debian packages, and this system has no apt-get:$missing" >&2
    echo "Install the equivalents (sipp, baresip, sox, espeak-ng; the recordings go to /usr/share/asterisk)." >&2
    exit 1
fi

if [ "$(id -u)" = 0 ]; then
    root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    root=sudo
else
    echo "The tests need packages that only root may install, and this account has no such right" >&2
    echo "(neither root nor sudo without a password). Run this, then try again:" >&2
    echo "    sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
fi

echo "installing for the tests:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { $root env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" >>"$log" 2>&1; }
# A new machine or image has no package lists; an old list may name versions that are gone.
# shellcheck disable=SC2086
if ! { ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 && apt install --no-install-recommends $missing; }; then
    if ! { apt update && apt install --no-install-recommends $missing; }; then
        cat "$log" >&2
        echo "apt-get could not install:$missing" >&2
        exit 1
    fi
fi
for package in $missing; do
    if ! present "$package"; then
        echo "$package is installed, but what the tests look for in it is not there" >&2
        exit 1
    fi
done

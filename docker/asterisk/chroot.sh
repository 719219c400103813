#!/bin/sh
# Makes a Debian sid root with Asterisk by debootstrap, once, and prints its path. Debian 12 has no Asterisk.
#
#   docker/asterisk/chroot.sh [DIR]     DIR: asterisk/ in the project's cache ($IVR_CACHE_DIR, else ~/.cache/ivr)
#
# MIRROR=URL names a Debian mirror; otherwise the one that this machine's apt uses.
# Exit code 3: it cannot be made here; the reason is on standard error.
set -eu

# What the image installs too: see the Dockerfile beside this file.
PACKAGES=asterisk,asterisk-moh-opsound-wav,ca-certificates

dir=${1:-${IVR_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/ivr}/asterisk}
cannot() {
    echo "asterisk: $*" >&2
    exit 3
}

mark=$(echo "$PACKAGES" | cksum | cut -d ' ' -f 1)
if [ "$(cat "$dir/root/.made" 2>/dev/null)" = "$mark" ]; then
    echo "$dir/root"
    exit
fi

[ "$(uname -s)" = Linux ] || cannot "a chroot of Debian needs Linux"
[ "$(id -u)" = 0 ] || cannot "making a chroot needs root; run this once as root: $0 $dir"
command -v debootstrap >/dev/null 2>&1 || cannot "debootstrap is not installed; on Debian: apt-get install debootstrap"
mkdir -p "$dir"
exec 9>"$dir/.lock"
flock 9
if [ "$(cat "$dir/root/.made" 2>/dev/null)" = "$mark" ]; then
    echo "$dir/root"
    exit
fi

mirror=${MIRROR:-}
if [ -z "$mirror" ]; then
    # shellcheck disable=SC2016
    mirror=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        awk '$1 == "Debian" && $2 !~ /security/ { print $2; exit }')
fi
[ -n "$mirror" ] || cannot "this machine's apt names no Debian mirror: set MIRROR=URL"

echo "asterisk: making a Debian sid root with Asterisk in $dir (500 MB, about a minute)" >&2
rm -rf "$dir/root.part"
if ! debootstrap --variant=minbase --include="$PACKAGES" sid "$dir/root.part" "$mirror" >"$dir/log" 2>&1; then
    tail -n 5 "$dir/log" >&2
    rm -rf "$dir/root.part"
    cannot "debootstrap failed; all that it printed is in $dir/log"
fi
chroot "$dir/root.part" asterisk -V >&2 || cannot "the Asterisk in $dir/root.part does not run"
rm -rf "$dir/root.part"/var/cache/apt/archives/*.deb "$dir/root.part"/var/lib/apt/lists/*
echo "$mark" >"$dir/root.part/.made"
rm -rf "$dir/root"
mv "$dir/root.part" "$dir/root"
echo "$dir/root"

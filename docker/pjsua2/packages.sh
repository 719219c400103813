# shellcheck shell=bash
# What build.sh takes from Debian: the packages to compile with, and the source package. Read by build.sh,
# whose functions and variables it uses.
# shellcheck disable=SC2154

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
if [ -e "${KEYRING%.gpg}.pgp" ]; then KEYRING=${KEYRING%.gpg}.pgp; fi # its name from Debian 13 on

# What must be there, each with the Debian package that brings it.
_needed() {
    local tool module
    for tool in cc:build-essential c++:build-essential make:build-essential pkg-config:pkg-config xz:xz-utils \
        tar:tar patch:patch; do
        command -v "${tool%%:*}" >/dev/null 2>&1 || echo "${tool##*:}"
    done
    for module in openssl:libssl-dev opus:libopus-dev libsrtp2:libsrtp2-dev speex:libspeex-dev \
        speexdsp:libspeexdsp-dev samplerate:libsamplerate0-dev uuid:uuid-dev; do
        pkg-config --exists "${module%%:*}" 2>/dev/null || echo "${module##*:}"
    done
    # The GSM library has no pkg-config file.
    echo '#include <gsm/gsm.h>' | cc -E -x c - >/dev/null 2>&1 || echo libgsm1-dev
    if [ -z "$tarball" ] && [ ! -e "$KEYRING" ]; then echo debian-archive-keyring; fi
}


# Installs what is missing when that may be done here; otherwise says what it is.
need_packages() {
    local missing root=()
    missing=$(_needed | sort -u | tr '\n' ' ')
    if [ -n "$missing" ]; then
        command -v apt-get >/dev/null 2>&1 ||
            die "missing, by the names of Debian's packages, and this system has no apt-get: $missing"
        if [ "$(id -u)" != 0 ]; then
            if ! { command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; }; then
                die "missing, and only root may install it: sudo apt-get install --no-install-recommends $missing"
            fi
            root=(sudo)
        fi
        say "installing to compile with: $missing"
        local apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y)
        # shellcheck disable=SC2086
        run "${apt[@]}" install --no-install-recommends $missing ||
            { run "${apt[@]}" update && run "${apt[@]}" install --no-install-recommends $missing; } ||
            die "apt-get could not install: $missing"
        missing=$(_needed | sort -u | tr '\n' ' ')
        [ -z "$missing" ] || die "installed, but what is looked for in it is not there: $missing"
    fi
    pkg-config --atleast-version=3 openssl || die "OpenSSL $(pkg-config --modversion openssl) is out of support; 3 is wanted"
}

# The mirror that this machine's apt takes Debian from.
_mirror() {
    local uris
    # shellcheck disable=SC2016
    uris=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null)
    awk '$1 == "Debian" && $2 == "Debian" { print $3; exit }' <<<"$uris"
}

# The source package into $work/apt/source. apt runs with lists and a source list of its own, so what the
# machine's apt knows stays as it is; its proxies and certificates still count. Trust: the Release file of
# sid must carry the signature of a key in the machine's debian-archive-keyring; it holds the sum of the
# index, and that the sums of the tarballs.
fetch_debian_source() {
    local apt_dir=$work/apt mirror=${MIRROR:-}
    command -v apt-get >/dev/null 2>&1 || die "this system has no apt-get to fetch Debian's source with: give a --tarball"
    [ -n "$mirror" ] || mirror=$(_mirror)
    [ -n "$mirror" ] || die "this machine's apt names no Debian mirror: set MIRROR=URL, or give a --tarball"
    mkdir -p "$apt_dir"/lists/partial "$apt_dir"/cache/archives/partial "$apt_dir"/source
    if [ "$(id -u)" = 0 ] && id _apt >/dev/null 2>&1; then chown -R _apt "$apt_dir"; fi
    cat >"$apt_dir/sid.sources" <<EOF
Types: deb-src
URIs: $mirror
Suites: sid
Components: main
Signed-By: $KEYRING
EOF
    cat >"$apt_dir/apt.conf" <<EOF
Dir::Etc::sourcelist "$apt_dir/sid.sources";
Dir::Etc::sourceparts "-";
Dir::State::lists "$apt_dir/lists";
Dir::Cache "$apt_dir/cache";
APT::Default-Release "";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::Retries "3";
EOF
    run env APT_CONFIG="$apt_dir/apt.conf" apt-get -q update ||
        die "sid's index could not be fetched and verified. If a key is missing above, bring debian-archive-keyring" \
            "up to date (apt-get install debian-archive-keyring), or give a --tarball"
    (cd "$apt_dir/source" && run env APT_CONFIG="$apt_dir/apt.conf" apt-get -q source --download-only asterisk) ||
        die "the source package could not be fetched and verified"
}

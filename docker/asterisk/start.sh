#!/bin/sh
# Writes Asterisk's configuration from the templates in etc/ and runs it in the foreground, as the user it is
# started by. The image runs this, and so do the tests. Everything it writes is under PBX_DIR.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
PBX_DIR=${PBX_DIR:-/run/pbx}
PBX_BIND=${PBX_BIND:-127.0.0.1}              # address of SIP and of sound
PBX_PORT=${PBX_PORT:-5070}                   # SIP over UDP
PBX_RTP_FIRST=${PBX_RTP_FIRST:-18400}        # UDP ports for sound
PBX_RTP_LAST=${PBX_RTP_LAST:-18599}
PBX_PUBLIC_ADDRESS=${PBX_PUBLIC_ADDRESS:-}   # written into SIP and SDP for peers outside PBX_LOCAL_NET
PBX_LOCAL_NET=${PBX_LOCAL_NET:-127.0.0.0/8}  # the PBX must be in it, or nobody gets that address for sound
IVR_ADDRESS=${IVR_ADDRESS:-127.0.0.1}        # the service, or the proxy before its workers
IVR_PORT=${IVR_PORT:-5060}
PHONE_EXPIRES_MIN=${PHONE_EXPIRES_MIN:-60}   # the shortest registration that is granted, seconds

# A secret comes from the variable NAME or from the file that NAME_FILE names; there is no default.
secret() {
    eval "value=\${$1:-} file=\${$1_FILE:-}"
    if [ -n "$file" ]; then value=$(head -n 1 "$file"); fi
    if [ -z "$value" ]; then
        echo "pbx: set $1, or $1_FILE to a file that holds it" >&2
        exit 2
    fi
    case $value in
    *[!A-Za-z0-9._-]*)
        echo "pbx: $1 may hold letters, digits, dot, hyphen and underscore only" >&2
        exit 2
        ;;
    esac
    echo "$value"
}
TRUNK_PASSWORD=$(secret TRUNK_PASSWORD)      # the service registers with it as 400
PHONE_PASSWORD=$(secret PHONE_PASSWORD)      # the softphones 101 and 102

umask 077
for folder in etc run lib log spool cache; do mkdir -p "$PBX_DIR/$folder"; done
PBX_NAT=
if [ -n "$PBX_PUBLIC_ADDRESS" ]; then
    PBX_NAT="external_media_address=$PBX_PUBLIC_ADDRESS|external_signaling_address=$PBX_PUBLIC_ADDRESS"
fi
script=
for name in PBX_DIR PBX_BIND PBX_PORT PBX_RTP_FIRST PBX_RTP_LAST PBX_LOCAL_NET PBX_NAT IVR_ADDRESS IVR_PORT \
    TRUNK_PASSWORD PHONE_PASSWORD PHONE_EXPIRES_MIN; do
    eval "value=\$$name"
    script="${script}s|@$name@|$(printf '%s' "$value" | sed 's/[\\&|]/\\&/g')|g
"
done
for template in "$here"/etc/*.conf; do
    # A bar means a line's end in PBX_NAT.
    sed "$script" "$template" | sed '/^external_/s/|/\
/g' >"$PBX_DIR/etc/$(basename "$template")"
done
exec asterisk -f -C "$PBX_DIR/etc/asterisk.conf" "$@"

#!/bin/sh
# Starts Kamailio in the foreground with kamailio.cfg, in Docker and out of it.
#
#   run.sh          run it
#   run.sh check    look whether the configuration is right, and end
#
# Settings are environment variables (README.md explains them):
#   KAMAILIO_RUN          folder for what changes                  /run/kamailio
#   KAMAILIO_LISTEN       HOST:PORT for trunks, UDP and TCP        this machine's first address, 5060
#   KAMAILIO_ADVERTISE    HOST:PORT written into messages instead (NAT)
#   KAMAILIO_INSIDE       HOST:PORT towards the workers            KAMAILIO_LISTEN
#   KAMAILIO_TLS_LISTEN   HOST:PORT for TLS                        no TLS
#   KAMAILIO_TLS_CERT, KAMAILIO_TLS_KEY    PEM files: the chain, the key
#   KAMAILIO_TLS_CA       PEM file: callers must show a certificate signed by one of these
#   KAMAILIO_WORKERS      "sip:HOST:PORT ..." for the first workers.list; later workers.sh changes that
#   KAMAILIO_TRUNKS       "ADDRESS[/BITS] ..." that may call, for the first allow.list
#   KAMAILIO_WORKER_NETS  "ADDRESS[/BITS] ..." where workers live, for the first allow.list
#   KAMAILIO_FAILOVER_MS  1000    a worker that is silent for so long is passed over
#   KAMAILIO_ANSWER_S     30      so long may a call ring
#   KAMAILIO_PROBE_S      1       seconds between two probes of a worker
#   KAMAILIO_TRIES        4       workers tried for a call
#   KAMAILIO_CANDIDATES   8       workers compared for a call
#   KAMAILIO_RETRY_S      10      Retry-After of a 503
#   KAMAILIO_FLOOD        1000    requests in 2 s from one address from which on it is not answered
#   KAMAILIO_TRUNK_CPS    100     new calls a second from one address
#   KAMAILIO_CHILDREN     4       processes per socket
#   KAMAILIO_SHM_MB       256     shared memory
set -eu

here=$(cd "$(dirname "$0")" && pwd)
run=${KAMAILIO_RUN:-/run/kamailio}
action=${1:-run}
mkdir -p "$run"

fail() {
    echo "kamailio: $*" >&2
    exit 2
}

# Written once; a list that is there is kept, so that a restart keeps the workers that were added.
list() { # FILE LINE...
    [ -e "$run/$1" ] && return
    file=$1
    shift
    printf '%s\n' "$@" >"$run/$file"
}

networks() { # GROUP ADDRESS[/BITS]...
    group=$1
    shift
    for each in "$@"; do
        case $each in
        */*) echo "$group ${each%/*} ${each#*/}" ;;
        *) echo "$group $each" ;;
        esac
    done
}

# shellcheck disable=SC2086
list workers.list "# made by workers.sh: set, worker" \
    "$(for each in ${KAMAILIO_WORKERS:-}; do echo "1 $each"; done)"
# shellcheck disable=SC2086
list allow.list "# group (1 trunks, 2 networks of the workers), address, bits" \
    "$(networks 1 ${KAMAILIO_TRUNKS:-})" \
    "$(networks 2 ${KAMAILIO_WORKER_NETS:-})"

# The socket's own address goes into Via and Record-Route, so it cannot be 0.0.0.0.
listen=${KAMAILIO_LISTEN:-$(hostname -I | cut -d' ' -f1):5060}
case $listen in
0.0.0.0:*) fail "KAMAILIO_LISTEN names an address of this machine, not 0.0.0.0" ;;
esac
inside=${KAMAILIO_INSIDE:-$listen}
as=${KAMAILIO_ADVERTISE:+ advertise $KAMAILIO_ADVERTISE}
# Kamailio would start without the socket for trunks.
[ -z "${KAMAILIO_ADVERTISE:-}" ] || getent ahosts "${KAMAILIO_ADVERTISE%:*}" >/dev/null ||
    fail "KAMAILIO_ADVERTISE=$KAMAILIO_ADVERTISE names a host that is not known here"

set -- -A "LISTEN_UDP=udp:$listen$as" -A "LISTEN_TCP=tcp:$listen$as" -A "INSIDE=\"udp:$inside\"" \
    -A "CONTROL=\"unix:$run/ctl\"" -A "WORKERS=\"$run/workers.list\"" -A "ALLOW=\"$run/allow.list\""
[ "$inside" = "$listen" ] || set -- "$@" -A "LISTEN_INSIDE=udp:$inside"

if [ -n "${KAMAILIO_TLS_LISTEN:-}" ]; then
    cert=${KAMAILIO_TLS_CERT:?names the certificate for TLS}
    key=${KAMAILIO_TLS_KEY:?names the key for TLS}
    [ -r "$cert" ] || fail "cannot read KAMAILIO_TLS_CERT=$cert"
    [ -r "$key" ] || fail "cannot read KAMAILIO_TLS_KEY=$key"
    sed -e "s|@CERT@|$cert|" -e "s|@KEY@|$key|" -e "s|@CA@|${KAMAILIO_TLS_CA:-}|" \
        -e "s|@VERIFY@|$([ -n "${KAMAILIO_TLS_CA:-}" ] && echo yes || echo no)|" \
        "$here/tls.cfg.in" | grep -v '= *$' >"$run/tls.cfg"
    port=${KAMAILIO_TLS_LISTEN##*:}
    as=${KAMAILIO_ADVERTISE:+ advertise ${KAMAILIO_ADVERTISE%:*}:$port}
    set -- "$@" -A "LISTEN_TLS=tls:$KAMAILIO_TLS_LISTEN$as" -A "TLS_CONFIG=\"$run/tls.cfg\""
fi

# Names that are inside strings of the configuration.
within() { printf '%s' "--substdef=!$1!$2!g"; }
set -- "$@" \
    "$(within PROBE_S "${KAMAILIO_PROBE_S:-1}")" "$(within FLOOD "${KAMAILIO_FLOOD:-1000}")" \
    "$(within CHILDREN "${KAMAILIO_CHILDREN:-4}")" "$(within TRIES "${KAMAILIO_TRIES:-4}")" \
    "$(within CANDIDATES "${KAMAILIO_CANDIDATES:-8}")" "$(within RETRY_S "${KAMAILIO_RETRY_S:-10}")" \
    "$(within TRUNK_CPS "${KAMAILIO_TRUNK_CPS:-100}")" \
    "$(within ANSWER_MS "$((${KAMAILIO_ANSWER_S:-30} * 1000))")" \
    "$(within FAILOVER_MS "${KAMAILIO_FAILOVER_MS:-1000}")"

program=$(command -v kamailio) || program=/usr/sbin/kamailio
set -- "$program" -f "$here/kamailio.cfg" -Y "$run" -m "${KAMAILIO_SHM_MB:-256}" "$@"
[ "$action" = run ] || exec "$@" -c
exec "$@" -DD -E

#!/bin/sh
# Which workers get calls, changed while Kamailio runs.
#
#   workers.sh list                 each worker: its state (A active, I inactive), what it said last
#   workers.sh add sip:HOST:PORT    calls come to it once it has answered a probe
#   workers.sh remove sip:HOST:PORT no new calls; those it has go on
#   workers.sh reload               after editing workers.list or allow.list by hand
#
# KAMAILIO_RUN is the folder that run.sh was given (/run/kamailio).
set -eu

run=${KAMAILIO_RUN:-/run/kamailio}
file=$run/workers.list
program=$(command -v kamcmd) || program=/usr/sbin/kamcmd

rpc() { "$program" -s "unix:$run/ctl" "$@"; }

usage() {
    sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

reload() { # LIST-COMMAND: an answer that begins with "error" is one
    answer=$(rpc "$1" 2>&1) || { echo "$answer" >&2; exit 1; }
    case $answer in error*) echo "$answer" >&2; exit 1 ;; esac
}

worker() {
    case ${1:-} in
    sip:*[!a-zA-Z0-9.:_\;=-]*) usage ;;
    sip:?*) ;;
    *) usage ;;
    esac
}

# The list is replaced in one step: Kamailio never reads half of one.
replace() {
    cat >"$file.new"
    mv "$file.new" "$file"
    reload dispatcher.reload
}

case ${1:-} in
list)
    known=$(rpc dispatcher.list) || exit 1
    printf '%s\n' "$known" | sed -n 's/^[[:space:]]*\(URI\|FLAGS\): *//p' | paste - - |
        while read -r uri flags; do
            said=$(for each in code calls max; do
                rpc htable.get load "$uri::$each" 2>/dev/null |
                    sed -n 's/^[[:space:]]*value: *//p' | sed "s/^/$each=/"
            done | paste -sd' ')
            echo "$uri $flags $said"
        done
    ;;
add)
    worker "${2:-}"
    if ! awk -v w="$2" '$2 == w { found = 1 } END { exit !found }' "$file"; then
        { cat "$file"; echo "1 $2"; } | replace
    fi
    ;;
remove)
    worker "${2:-}"
    awk -v w="$2" '$2 != w' "$file" | replace
    ;;
reload)
    reload dispatcher.reload
    reload permissions.addressReload
    ;;
*) usage ;;
esac

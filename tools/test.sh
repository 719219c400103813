#!/bin/sh
# Runs the tests: all but those that measure time in several processes at once, then those one at a time.
#
#   tools/test.sh PYTHON PROCESSES [ARGUMENT of pytest]...
#
# With -m among the arguments: the tests it selects, once, in several processes.
set -u
python=$1
processes=$2
shift 2

# Without bytecode on disk every service would compile the project again, and every process all tests.
unset PYTHONDONTWRITEBYTECODE

TESTS_SKIPPED=$(mktemp)
export TESTS_SKIPPED
trap 'rm -f "$TESTS_SKIPPED"' EXIT
together="-n $processes --dist loadscope --no-loadscope-reorder"
nothing_selected=5

selected=no
for argument; do
    case $argument in -m | -m*) selected=yes ;; esac
done

status=0
if [ $selected = yes ]; then
    # shellcheck disable=SC2086
    "$python" -m pytest $together "$@" || status=$?
else
    # shellcheck disable=SC2086
    "$python" -m pytest $together -m 'not timing' "$@" || status=$?
    timed=0
    "$python" -m pytest -m timing "$@" || timed=$?
    if [ $timed -ne $nothing_selected ] && { [ $status -eq 0 ] || [ $status -eq $nothing_selected ]; }; then
        status=$timed
    fi
fi
if [ -s "$TESTS_SKIPPED" ]; then
    echo "skipped:"
    cat "$TESTS_SKIPPED"
fi
exit $status

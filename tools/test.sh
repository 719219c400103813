#!/bin/sh
# Runs the tests: all but those that measure time in several processes at once, then those one at a time.
#
#   tools/test.sh PYTHON PROCESSES [ARGUMENT of pytest]...
#
# -m EXPRESSION narrows both; one that speaks of timing is run as it is, in several processes.
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

# The expression of -m, taken out of the arguments: it is combined with the marker timing.
wanted='' before=''
for argument; do
    shift
    case $argument in
    -m) before=-m && continue ;;
    -m*) wanted=${argument#-m} && continue ;;
    esac
    if [ -n "$before" ]; then
        wanted=$argument before=''
    else
        set -- "$@" "$argument"
    fi
done
both=${wanted:+"($wanted) and "}

status=0 timed=0
case $wanted in
*timing*)
    # shellcheck disable=SC2086
    "$python" -m pytest $together -m "$wanted" "$@" || status=$?
    ;;
*)
    # shellcheck disable=SC2086
    "$python" -m pytest $together -m "${both}not timing" "$@" || status=$?
    "$python" -m pytest -m "${both}timing" "$@" || timed=$?
    if [ $timed -ne $nothing_selected ] && { [ $status -eq 0 ] || [ $status -eq $nothing_selected ]; }; then
        status=$timed
    fi
    ;;
esac
if [ -s "$TESTS_SKIPPED" ]; then
    echo "skipped:"
    cat "$TESTS_SKIPPED"
fi
exit $status

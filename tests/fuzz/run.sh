#!/usr/bin/env bash
# Runs the libFuzzer targets, as many at once as there are cores, and says what came of each. `./dev fuzz` builds them
# and calls this. It fails on a finding, and when it did not reach the executions that were asked for.
#
#   run.sh BUILD_DIRECTORY [--runs-total N | --seconds N | --minutes N] [--seed N] [TARGET...]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
fail() { printf 'fuzz: %s\n' "$*" >&2; exit 1; }

# Each target: of 100,000 executions its share, and the longest input. A target that opens databases is a thousand times
# as slow as one that reads a word, and gets about a thousandth of the executions: a few per cent of the time. The slowest
# come first, so that the cores are done at about the same time.
table="
json           39000  224
time           26000   80
pattern        20000   64
import_line     8800  512
journal         3500 1536
operations       120  240
database         120   97
command_line     120  160
journal_reader   160 1536
lines            100  512
console         1980  300
"

build=$(cd "${1:?run.sh needs the build directory}" && pwd)  # absolute: targets go into directories of their own
shift
runs_total=0 seconds=0 seed=$((RANDOM * 32768 + RANDOM + 1)) wanted=()
while (($#)); do
    case $1 in
    --runs-total) runs_total=${2:?--runs-total needs a number} && shift 2 ;;
    --seconds) seconds=${2:?--seconds needs a number} && shift 2 ;;
    --minutes) seconds=$((${2:?--minutes needs a number} * 60)) && shift 2 ;;
    --seed) seed=${2:?--seed needs a number} && shift 2 ;;
    -*) fail "there is no option '$1'" ;;
    *) wanted+=("$1") && shift ;;
    esac
done
if ((runs_total == 0 && seconds == 0)); then seconds=60; fi
jobs=${DAYBOOK_JOBS:-$(nproc 2>/dev/null || echo 2)}

names=() shares=() lengths=() share_sum=0
while read -r name share length; do
    [[ -n $name ]] || continue
    if ((${#wanted[@]})) && [[ " ${wanted[*]} " != *" $name "* ]]; then continue; fi
    [[ -x $build/tests/fuzz/${name}_fuzz ]] || fail "$build/tests/fuzz/${name}_fuzz is not built"
    names+=("$name") shares+=("$share") lengths+=("$length")
    share_sum=$((share_sum + share))
done <<<"$table"
for name in "${wanted[@]}"; do
    [[ " ${names[*]} " == *" $name "* ]] || fail "there is no target '$name'; there are: $(awk 'NF {printf "%s ", $1}' <<<"$table")"
done

# A target that ends by a finding leaves its files behind: in a directory that goes with this script.
memory=/dev/shm
[[ -w $memory ]] || memory=${TMPDIR:-/tmp}
TMPDIR=$(mktemp -d -p "$memory" daybook-fuzz-XXXXXX)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

found=$build/findings
mkdir -p "$found" "$build/logs"
# Small quarantine and no stacks of allocations: a third of the time. A replay by hand has both.
export ASAN_OPTIONS=quarantine_size_mb=4:malloc_context_size=0:${ASAN_OPTIONS:-} UBSAN_OPTIONS=print_stacktrace=1

stat_of() { awk -v key="stat::$2:" '$1 == key {value = $2} END {print value + 0}' "$1"; }

# Whether the input, alone, needs more than a second of processor time: then it is a hang and not a busy machine.
hangs() {
    local TIMEFORMAT=%U times
    times=$({ time "$1" -timeout=20 "$2" >/dev/null 2>&1; } 2>&1) || return 0
    awk -v used="$times" 'BEGIN {exit !(used > 1.3)}'
}

# run_target NAME RUNS SECONDS MAX_LENGTH: leaves "executions seconds new finding" in the target's result file.
run_target() {
    local name=$1 runs=$2 limit=$3 length=$4 program=$build/tests/fuzz/$1_fuzz log=$build/logs/$1.log
    local kept=$build/corpus/$name executed=0 new=0 finding=none begin=$EPOCHREALTIME round=0 code artifact
    mkdir -p "$kept"
    while :; do
        local bound=(-runs=$((runs - executed)))
        if ((limit > 0)); then bound=(-max_total_time="$limit"); fi
        code=0
        "$program" "${bound[@]}" -seed=$((seed + round)) -max_len="$length" -timeout=1 -entropic=0 -detect_leaks=0 -reload=0 \
            -print_funcs=0 -print_final_stats=1 -artifact_prefix="$found/$name-" "$kept" "$here/corpus/$name" >"$log" 2>&1 || code=$?
        executed=$((executed + $(stat_of "$log" number_of_executed_units)))
        new=$((new + $(stat_of "$log" new_units_added)))
        if ((code == 0)); then break; fi
        artifact=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
        if [[ $artifact == */"$name"-timeout-* && $round -lt 20 ]] && ! hangs "$program" "$artifact"; then
            rm -f "$artifact"
            round=$((round + 1))
            if ((limit > 0)); then break; fi
            continue
        fi
        finding=${artifact:-see $log}
        break
    done
    awk -v e="$executed" -v b="$begin" -v n="$EPOCHREALTIME" -v new="$new" -v f="$finding" \
        'BEGIN {printf "%d %.1f %d %s\n", e, n - b, new, f}' >"$build/logs/$name.result"
}

printf 'fuzzing with seed %s, %s at once\n' "$seed" "$jobs"
printf '%-15s %12s %9s %9s %6s  %s\n' target executions seconds exec/s new finding
begin=$EPOCHREALTIME
running=0
for i in "${!names[@]}"; do
    runs=$(((runs_total * shares[i] + share_sum - 1) / share_sum))
    limit=0
    if ((runs_total == 0)); then limit=$(((seconds * jobs + ${#names[@]} - 1) / ${#names[@]})); fi
    rm -f "$build/logs/${names[i]}.result"
    if ((running >= jobs)); then
        wait -n
        running=$((running - 1))
    fi
    run_target "${names[i]}" "$runs" "$limit" "${lengths[i]}" &
    running=$((running + 1))
done
wait

total=0 findings=0 messages=()
for name in "${names[@]}"; do
    read -r executed took new finding <"$build/logs/$name.result"
    printf '%-15s %12d %9s %9.0f %6d  %s\n' "$name" "$executed" "$took" \
        "$(awk -v e="$executed" -v t="$took" 'BEGIN {print (t > 0 ? e / t : 0)}')" "$new" "$([[ $finding == none ]] && echo none || echo FOUND)"
    total=$((total + executed))
    if [[ $finding != none ]]; then
        findings=$((findings + 1))
        messages+=("$name: $(grep -a -m 1 -E 'what\(\)|ERROR: |runtime error:' "$build/logs/$name.log" || true)
     the input is kept as $finding
     replay it with  $build/tests/fuzz/${name}_fuzz $finding")
    fi
done
printf '%-15s %12d %9.1f\n' total "$total" "$(awk -v b="$begin" -v n="$EPOCHREALTIME" 'BEGIN {print n - b}')"
for message in "${messages[@]}"; do printf '\nfuzz: %s\n' "$message" >&2; done
if ((findings)); then fail "$findings targets found something"; fi
if ((total < runs_total)); then fail "$total executions of the $runs_total that were asked for"; fi
printf 'fuzzing found nothing in %d executions\n' "$total"

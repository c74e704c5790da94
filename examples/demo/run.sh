#!/usr/bin/env bash
# The demo: this project's own git history as events, committed, reacted to, killed, recovered, replayed, queried and
# exported; what comes out is compared with what git says. Usage: run.sh BUILD_DIRECTORY [EMPTY_OUTPUT_DIRECTORY]
set -euo pipefail
build=$(cd "${1:?usage: run.sh BUILD_DIRECTORY [OUTPUT_DIRECTORY]}" && pwd)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$(cd "$here/../.." && pwd)
daybook=$build/cli/daybook
live=$build/examples/demo_live
work=${2:-$build/demo}
case $work in
"$build/demo") rm -rf "$work" && mkdir -p "$work" ;;
*) mkdir -p "$work" && [ -z "$(ls -A "$work")" ] || { echo "demo: $work is not empty: choose another directory" >&2; exit 2; } ;;
esac
cd "$work"

if [ -t 1 ]; then bold=$(printf '\033[1m') dim=$(printf '\033[2m') plain=$(printf '\033[0m'); else bold='' dim='' plain=''; fi
checks=()
title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
# show COMMAND…: print it as a person would type it, then run it.
show() {
    local word line=
    for word in "$@"; do
        word=${word/#$daybook/daybook}
        word=${word/#$here\//}
        case $word in *[!A-Za-z0-9_./:=,-]*) word="'${word//\'/\'\\\'\'}'" ;; esac
        line+=" $word"
    done
    printf '\n%s$%s%s\n' "$dim" "$line" "$plain"
    "$@"
}
# check WHAT EXPECTED_FILE ACTUAL_FILE: both must be equal, byte for byte.
check() {
    if ! cmp -s "$2" "$3"; then
        printf 'demo: FAILED: %s\n' "$1" >&2
        diff "$2" "$3" | head -n 20 >&2
        exit 1
    fi
    checks+=("$1")
}
lines() { wc -l <"$1" | tr -d ' '; }
# listing DB OPTION…: the tree of files that replaying gives, in the form of git ls-tree.
listing() {
    local db=$1
    shift
    "$daybook" state "$db" --projection "$here/files.sql" "$@" --format csv \
        --query "SELECT mode || ' ' || blob || ' ' || path AS line FROM files ORDER BY path" | tail -n +2 | sed 's/^"\(.*\)"$/\1/; s/\r$//'
}
tree_of() { git -C "$project" ls-tree -r --format='%(objectmode) %(objectname) %(path)' "$1"; }

title "1. Real events"
if [ "$(git -C "$project" rev-parse --show-toplevel 2>/dev/null)" = "$project" ] &&
    git -C "$project" rev-parse --verify -q HEAD >/dev/null 2>&1 &&
    [ "$(git -C "$project" rev-parse --is-shallow-repository)" = false ] &&
    [ "$(git -C "$project" rev-list --first-parent --count HEAD)" -ge 4 ]; then
    history=history.jsonl
    "$here/git_events.pl" "$project" HEAD >"$history"
    commits=$(git -C "$project" rev-list --first-parent --count HEAD)
    earlier=$(git -C "$project" rev-list --first-parent HEAD | sed -n "$((commits / 2))p")
    tree_of HEAD >head.expected
    tree_of "$earlier" >earlier.expected
    answers="git ls-tree"
    echo "This clone's own history, from git log: $commits commits, $(lines $history) events."
else
    history=$here/sample/history.jsonl
    earlier=$(cat "$here/sample/earlier.commit")
    cp "$here/sample/head.expected" "$here/sample/earlier.expected" .
    answers="the listing that git ls-tree gave when the sample was recorded"
    echo "This clone has no history of its own: taking the recorded sample, $(lines "$history") events."
fi
mapping=(--type /type --id /id --stream /stream --time /time --causation '/cause?=' --correlation /commit --source '=git')
show "$daybook" import history.db "$history" "${mapping[@]}"
events=$(lines "$history")

title "2. What is in it"
show "$daybook" stats history.db --format table
show "$daybook" query history.db "SELECT type, count(*) AS events, count(DISTINCT stream) AS streams FROM events_log GROUP BY type ORDER BY events DESC" --format table
"$daybook" query history.db "SELECT count(*) AS n FROM events_log" --format csv | tail -n 1 | tr -d '\r' >count.actual
echo "$events" >count.expected
check "the log holds $events events, one for each line of the history" count.expected count.actual

title "3. Replay: a window, and the state at two points"
show "$daybook" replay history.db --from-seq 1 --to-seq 3 --speed max | cut -c 1-200
at_seq=$("$daybook" query history.db "SELECT max(seq) AS seq FROM events_log WHERE correlation_id = '$earlier'" --format csv | tail -n 1 | tr -d '\r')
at_time=$("$daybook" query history.db "SELECT max(recorded_at) AS t FROM events WHERE correlation_id = '$earlier'" --format csv | tail -n 1 | tr -d '\r')
printf '%s$ daybook state history.db --projection files.sql --at-seq %s%s\n' "$dim" "$at_seq" "$plain"
listing history.db --at-seq "$at_seq" >earlier.actual
echo "the tree at commit ${earlier:0:12}: $(lines earlier.actual) files; the first three:"
head -n 3 earlier.actual
check "state --at-seq $at_seq equals $answers at commit ${earlier:0:12} ($(lines earlier.actual) files)" earlier.expected earlier.actual
listing history.db >head.actual
check "state at the head equals $answers at HEAD ($(lines head.actual) files)" head.expected head.actual
occurred=$("$daybook" query history.db "SELECT max(occurred_at) AS t FROM events WHERE correlation_id = '$earlier'" --format csv | tail -n 1 | tr -d '\r')
later=$("$daybook" query history.db "SELECT count(*) AS n FROM events WHERE seq > $at_seq AND occurred_at <= '$occurred'" --format csv | tail -n 1 | tr -d '\r')
printf '%s$ daybook state history.db --projection files.sql --at %s%s\n' "$dim" "$occurred" "$plain"
if [ "$later" = 0 ]; then
    listing history.db --at "$occurred" >at_time.actual
    check "state --at $occurred equals the same listing" earlier.expected at_time.actual
else
    # Commits of one second, or a clock that stepped back: by the log's own axis the point is exact.
    listing history.db --at "$at_time" --axis recorded >at_time.actual
    echo "($later later events carry that same second, so git's clock cannot name this point exactly; compared by seq above)"
fi

title "4. Causes and effects"
printf '%s$ daybook tree history.db id:%s%s\n' "$dim" "$earlier" "$plain"
"$daybook" tree history.db "id:$earlier" --depth 1 | cut -c 1-400

title "5. A live bus, killed with -9 half-way"
echo "Each line of the history is emitted through a bus with two handlers, a logger, a JSONL journal and tracing."
: >acknowledged
"$live" live.db "$history" >acknowledged 2>live.stderr &
writer=$!
while kill -0 "$writer" 2>/dev/null && [ "$(lines acknowledged)" -lt $((events / 2)) ]; do sleep 0.01; done
kill -9 "$writer" 2>/dev/null || true
wait "$writer" 2>/dev/null || true
acknowledged=$(lines acknowledged)
echo "killed after $acknowledged of $events emits had been acknowledged; what is left on disk:"
show "$daybook" verify live.db --format table
"$daybook" query live.db "SELECT event_id FROM events_log WHERE source = 'git' ORDER BY seq" --format csv | tail -n +2 | tr -d '\r' | head -n "$acknowledged" >kept.actual
head -n "$acknowledged" acknowledged >kept.expected
check "every one of the $acknowledged acknowledged events is in the killed log, in order" kept.expected kept.actual
show "$daybook" unfinished live.db --format table
echo "Run again: it recovers what was running, and emits the rest (the same ids: nothing is there twice)."
"$live" live.db "$history" >/dev/null 2>live.stderr || { cat live.stderr >&2; exit 1; }
cat live.stderr
for db in history live; do
    "$daybook" query $db.db "SELECT event_id, type, stream, version, causation_id, payload FROM events_log WHERE source = 'git' ORDER BY seq" --format jsonl >$db.rows
done
check "the completed log equals the undisturbed import: ids, order, versions, causes, payload bytes" history.rows live.rows
listing live.db >live.actual
check "the killed and completed log replays to $answers at HEAD" head.expected live.actual
show "$daybook" verify live.db --against live.journal --format table
checks+=("the journal holds the same events and results as the log (verify --against)")
echo "The log line, journal record and trace span of one event:"
for file in live.log live.journal live.trace.jsonl; do sed -n 2p "$file" | cut -c 1-160; done

title "6. Export, import, verify"
show "$daybook" export history.db export.jsonl
show "$daybook" import copy.db export.jsonl
"$daybook" export copy.db - | sed 's/"recorded_at":"[^"]*"//' >copy.plain
sed 's/"recorded_at":"[^"]*"//' export.jsonl >export.plain
check "export, import into a new file, export again: equal but for recorded_at" export.plain copy.plain
show "$daybook" verify history.db --format table
show "$daybook" head history.db

title "Checked"
for line in "${checks[@]}"; do printf '  ok  %s\n' "$line"; done
printf '\nThe files are in %s: try  %s tail %s/history.db\n' "$work" "$daybook" "$work"

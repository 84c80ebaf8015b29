#!/usr/bin/env bash
# A story of SalasTech, the example project, from an empty folder to its head and back: salastech.sh BELAY
#
# Every command is typed as a person would type it. `expect` says what its exit status and a part of its output must be.
set -euo pipefail

source=$(realpath -- "$(dirname -- "$0")/../../examples/salastech")
program=$(realpath -- "${1:?usage: salastech.sh BELAY}")
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
unset BELAY_ENV BELAY_DATABASE_URL DATABASE_URL NO_COLOR

# expect STATUS PART WORDS…: belay, with these words, ends with this status and says this.
expect() {
  local wanted=$1 part=$2 status=0 output
  shift 2
  printf '$ belay %s\n' "$*"
  output=$("$program" "$@" 2>&1 </dev/null) || status=$?
  if [ "$status" -ne "$wanted" ] || [[ $output != *"$part"* ]]; then
    printf 'exit status %s, not %s; or without "%s":\n%s\n' "$status" "$wanted" "$part" "$output" >&2
    exit 1
  fi
}

chapter() { printf '\n# %s\n' "$1"; }

chapter "A new project"
cd -- "$folder"
expect 66 "belay init writes a belay.toml" status
expect 0 "+ booking/belay.toml" init booking
expect 0 "= booking/belay.toml" init booking
cd booking
expect 0 "wrote versions/" new "first tables"
expect 0 "" migrate -q
expect 0 "first tables (head, current)" current

chapter "SalasTech as it was checked out"
cp -r -- "$source" "$folder/salastech"
cd "$folder/salastech"
rm -rf ./*.db*
expect 0 "not there yet" status
expect 2 "pending    9" status --exit-code
expect 0 "merge approval audit and waiting list (head)" heads
expect 0 "o |  20260309100000  approval audit" history --graph
expect 0 "nothing was changed" migrate --dry-run
expect 0 "CREATE TABLE departments" migrate --sql
expect 0 "no journal at" journal
expect 0 "belay.toml:4" config

chapter "Step by step to the head"
expect 0 "the database is at 20260105090000" migrate --steps 1
expect 0 "the database is at 20260119140000" upgrade 20260119
expect 0 "20260119140000  reservations (current)" current
expect 64 "there is no revision" upgrade 2099
expect 0 '"to":["20260316150000"]' migrate --json
expect 0 "nothing to do" migrate
expect 0 '"state":"clean"' status --json
expect 0 "-- message:  merge approval audit and waiting list" show head

chapter "Database, scripts and schema.sql agree"
expect 0 "all is well" check
expect 0 "all is well" check --files
sqlite3 salastech.db "CREATE TABLE notes (text)"
expect 2 "drift: table notes" check
expect 0 "table notes" reset --dry-run
expect 6 "was not confirmed" reset
expect 0 "18 revisions; the database is at 20260316150000 (head)" reset --yes
expect 0 "all is well" check --backups
expect 0 '"ok":true' check --json

chapter "There and back"
expect 0 "the database is at 20260309100000, 20260310093000" rollback
expect 0 "(head)" migrate --atomic
expect 0 "the database is at 20260223091500" downgrade 20260223
expect 0 "(head)" migrate
expect 6 "was not confirmed" stamp base
expect 0 "the database is at 20260309100000" stamp 20260309 --yes
expect 1 "table waiting_list already exists" migrate
expect 0 "(head)" stamp head --yes

chapter "A branch of one's own"
expect 0 "wrote versions/" revision -m "opening hours" --parent 20260310093000
expect 6 "there are 2 heads" migrate
expect 0 "wrote versions/" merge -m "join opening hours"
expect 0 "2 revisions; the database is at" migrate
expect 0 "pending    0" status

chapter "An edited script"
rooms=versions/20260112101500_rooms.sql
cp "$rooms" "$folder/rooms.sql"
sed -i 's/capacity INTEGER/capacity REAL/' "$rooms"
expect 5 "was edited after it had been applied" status
expect 5 "was edited after it had been applied" rollback
cp "$folder/rooms.sql" "$rooms"
expect 0 "state      clean" status

chapter "Production is protected"
expect 0 "(head)" -e production migrate
expect 6 "protected" -e production downgrade base
expect 6 "protected" -e production recover undo-run --yes
expect 6 "protected" -e production stamp base --yes
expect 6 "protected" -e production reset --yes

chapter "A downgrade that is taken back, with all that it destroyed"
expect 0 "the database is at base" downgrade base
expect 6 "was not confirmed" recover undo-run
expect 0 "proven: nobody else has written since" recover undo-run --dry-run
expect 0 "(head)" recover undo-run --yes
[ "$(sqlite3 salastech.db 'SELECT count(reference) FROM reservations')" -eq 200 ]
expect 0 "no run was interrupted" recover
expect 64 "77" recover undo-run 77

chapter "A run that is killed"
expect 0 "the database is at base" downgrade base
sed -i '/^after_migrate/a before_each = "test $BELAY_REVISION != 20260126160000 || { touch began; until [ -e go ]; do sleep 0.02; done; }"' belay.toml
"$program" migrate >"$folder/killed" &
belay=$!
until [ -e began ]; do sleep 0.02; done
expect 0 "running    migrate by pid $belay" status
expect 75 "$belay" migrate --lock-timeout 0
kill -9 "$belay"
wait "$belay" 2>/dev/null || true
touch go  # The hook outlives the run; now it ends.
expect 0 "(migrate) was interrupted" status
expect 0 "belay recover --back" recover
expect 0 "(head)" migrate
expect 0 "the journal is whole" journal verify
expect 0 "runs pruned" journal prune --keep 2
expect 0 '"state":"clean"' status --json
[ "$(sqlite3 salastech.db 'SELECT count(reference) FROM reservations')" -eq 200 ]

chapter "Completion"
expect 0 "complete -o default -F _belay belay" completion bash
expect 0 "belay " --version
expect 0 "Examples:" migrate --help
printf '\nAll is well.\n'

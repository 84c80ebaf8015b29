#!/usr/bin/env bash
# Kills belay at system calls that write, with nothing interposed but strace, and lets the next command mend it:
#
#   forward  `migrate` is killed; the next one finishes it: schema, rows, page size, stamps and journal are those of a run
#            that nobody killed
#   back     `migrate` is killed in a revision of several parts; with policy "back" the database is, byte for byte, what
#            it was before
#   undo     `recover undo-run` is killed; the next command finishes it, with the same result
#   restore  `recover restore` is killed; the database is before or after, no backup is lost, and the next one restores
#   damaged  the same for a database that is no database any more, with a stale WAL and journal beside it
#
#   tests/cli/killed_everywhere.sh BELAY [STRIDE [SCENARIO…]]     every STRIDEth call (1: all of them)
set -euo pipefail

belay=$(readlink -f "$1")
stride=${2:-1}
scenarios=("${@:3}")
[ ${#scenarios[@]} -gt 0 ] || scenarios=(forward back undo restore damaged)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset DATABASE_URL BELAY_DATABASE_URL BELAY_ENV
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0  # The leak sanitizer cannot work under strace.

# All that a revision can be: grouped, in batches, outside a transaction.
mkdir -p "$work/origin/versions"
cd "$work/origin/versions"
echo 'database = "sqlite:app.db"' >../belay.toml
cat >1_rooms.sql <<'SQL'
-- migrate:up
CREATE TABLE rooms (id INTEGER PRIMARY KEY, code TEXT, label TEXT);
INSERT INTO rooms (code) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT 'r' || i FROM n;
SQL
cat >2_bookings.sql <<'SQL'
-- migrate:up
CREATE TABLE bookings (id INTEGER PRIMARY KEY, room INTEGER REFERENCES rooms (id));
INSERT INTO bookings (room) SELECT id FROM rooms;
SQL
cat >3_labels.sql <<'SQL'
-- migrate:up
ALTER TABLE rooms ADD COLUMN visits INTEGER NOT NULL DEFAULT 0;
-- migrate:step label batch:50 over:rooms.id
UPDATE rooms SET visits = visits + 1, label = 'room ' || id WHERE id BETWEEN :lo AND :hi;
-- migrate:verify
SELECT count(*) = 200 FROM rooms WHERE visits = 1;
SQL
cat >4_pages.sql <<'SQL'
-- migrate:up transaction:off
INSERT INTO rooms (code) VALUES ('outside');
PRAGMA page_size = 8192;
VACUUM;
SQL
cat >5_summary.sql <<'SQL'
-- migrate:up
DROP TABLE bookings;
CREATE TABLE summary AS SELECT visits, count(*) AS rooms FROM rooms GROUP BY visits;
SQL

fail() {
  echo "$1: $2"
  cat "$work/said" 2>/dev/null || true
  exit 1
}

# fresh MODE: a copy of the project whose database is empty, or in WAL mode
fresh() {
  rm -rf "$work/copy"
  cp -r "$work/origin" "$work/copy"
  cd "$work/copy"
  [ "$1" = wal ] && sqlite3 app.db 'PRAGMA journal_mode = WAL; CREATE TABLE older (x);' >/dev/null
  return 0
}

# Everything but the times and numbers that differ from run to run.
state() {
  sqlite3 app.db .dump | grep -v -e '^INSERT INTO belay_version' -e '^INSERT INTO belay_state'
  sqlite3 app.db 'SELECT revision, digest FROM belay_version ORDER BY rowid; PRAGMA page_size; PRAGMA journal_mode;
                  PRAGMA integrity_check; PRAGMA foreign_key_check'
  leftovers
}

leftovers() {
  "$belay" journal verify >/dev/null && echo "journal verified"
  find app.db-belay -mindepth 1 ! -name journal.lmdb ! -name journal.lmdb-lock ! -name lock \
    ! -name backups ! -name '*Z*.json' ! -name '*Z*.db.zst'
}

# The database's bytes but for its change counter (24 to 27, 92 to 95), which may never come up again. What the WAL
# holds has to be in the file first.
bytes() {
  sqlite3 app.db 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
  cp app.db "$work/masked"
  local at
  for at in 24 92; do printf '\0\0\0\0' | dd of="$work/masked" bs=1 seek=$at conv=notrunc status=none; done
  sha256sum <"$work/masked"
}

# --- forward ---

prepare_forward() { fresh "$1"; }
killed_forward=(migrate -q)
expect_forward() {
  "$belay" migrate -q
  expected=$(state)
}
mend_forward() {
  "$belay" migrate -q 2>"$work/said" || fail "$1" "the next run failed"
  diff <(echo "$expected") <(state) >"$work/said" || fail "$1" "the next run ended elsewhere"
  local again
  again=$("$belay" migrate --json)
  [[ $again == *'"revisions":[],"recovered":null'* ]] || fail "$1" "a third run found work: $again"
}

# --- back: 1 and 2 are applied, 3 and 4 are of several parts and not allowed to be half applied ---

prepare_back() {
  [ -d "$work/before-$1" ] || {
    fresh "$1"
    printf '[recovery]\npolicy = "back"\n' >>belay.toml
    "$belay" migrate -q --to 2
    bytes >"$work/bytes-$1"
    cp -rp . "$work/before-$1"
  }
  rm -rf "$work/copy"
  cp -rp "$work/before-$1" "$work/copy"
  cd "$work/copy"
}
killed_back=(migrate -q --to 3)
expect_back() {
  expected=$(cat "$work/bytes-$mode")
  "$belay" migrate -q --to 3
  applied=$(state)
}
mend_back() {
  "$belay" recover --back -q 2>"$work/said" || fail "$1" "going back failed"
  if [ "$("$belay" current)" = "" ] || [[ $("$belay" current) == 2* ]]; then
    [ "$(bytes)" = "$expected" ] || fail "$1" "the database is not what it was, byte for byte"
    [ "$(leftovers)" = 'journal verified' ] || fail "$1" "something was left behind"
    "$belay" migrate -q --to 3 2>"$work/said" || fail "$1" "the run after it failed"
  fi
  diff <(echo "$applied") <(state) >"$work/said" || fail "$1" "the run after it ended elsewhere"
}

# --- undo: 5 revisions in two runs, the second of which is taken back ---

prepare_undo() {
  [ -d "$work/done-$1" ] || {
    fresh "$1"
    "$belay" migrate -q --to 2
    bytes >"$work/undone-$1"
    "$belay" migrate -q
    cp -rp . "$work/done-$1"
  }
  rm -rf "$work/copy"
  cp -rp "$work/done-$1" "$work/copy"
  cd "$work/copy"
}
killed_undo=(recover undo-run --yes -q)
expect_undo() {
  expected=$(cat "$work/undone-$mode")
  applied=$(bytes)
  "$belay" "${killed_undo[@]}"
  [ "$(bytes)" = "$expected" ] || fail "nobody killed it ($mode)" "the database is not what it was, byte for byte"
}
mend_undo() {
  local now
  "$belay" recover --forward -q 2>"$work/said" || fail "$1" "recover failed"
  now=$(bytes)
  if [ "$now" = "$applied" ]; then
    "$belay" "${killed_undo[@]}" 2>"$work/said" || fail "$1" "it cannot be taken back any more"
    now=$(bytes)
  fi
  [ "$now" = "$expected" ] || fail "$1" "the database is not what it was, byte for byte"
  [ "$(leftovers)" = 'journal verified' ] || fail "$1" "something was left behind"
}

# --- restore: revision 1 is backed up, then 2 is applied ---

prepare_restore() {
  [ -d "$work/backed-up-$1" ] || {
    fresh "$1"
    "$belay" migrate -q --to 1
    "$belay" backup -q
    "$belay" migrate -q --to 2
    cp -rp . "$work/backed-up-$1"
  }
  rm -rf "$work/copy"
  cp -rp "$work/backed-up-$1" "$work/copy"
  cd "$work/copy"
}
killed_restore=(recover restore -q --yes)
expect_restore() {
  applied=$(state_beside_backups)
  "$belay" "${killed_restore[@]}"
  expected=$(state_beside_backups)
  [ "$expected" != "$applied" ] || fail "nobody killed it ($mode)" "restoring has changed nothing"
}
mend_restore() {
  local now
  "$belay" recover --forward -q 2>"$work/said" || fail "$1" "recover failed"
  require_backups "$1"
  now=$(state_beside_backups)
  diff <(echo "$now") <(echo "$applied") >"$work/said" || diff <(echo "$now") <(echo "$expected") >>"$work/said" ||
    fail "$1" "the database is neither before nor after"
  restore_again "$1"
}

# The first backup is the one that was made by hand, and the last in the list.
restore_again() {
  local first
  first=$("$belay" backup --list | awk '$0 ~ / manual / { print $1 }')
  "$belay" recover restore "$first" -q --yes 2>"$work/said" || fail "$1" "restoring again failed"
  diff <(echo "$expected") <(state_beside_backups) >"$work/said" || fail "$1" "restoring again ended elsewhere"
  require_backups "$1"
  [ ! -e app.db-restore.new ] || fail "$1" "the prepared copy was left behind"
  "$belay" migrate -q --to 2 2>"$work/said" || fail "$1" "the run after it failed"
}

state_beside_backups() {
  state | grep -v '^app.db-belay/backups/'
}

require_backups() {
  local id
  "$belay" backup --list | tail -n +2 >"$work/backups"
  grep -q ' manual .*verified$' "$work/backups" || fail "$1" "the backup is lost"
  while read -r id _; do
    grep "^$id " "$work/backups" | grep -q ' damaged: ' || "$belay" backup --verify "$id" -q 2>"$work/said" ||
      fail "$1" "backup $id is not whole"
  done <"$work/backups"
}

# --- damaged ---

prepare_damaged() {
  prepare_restore "$1"
  local file
  for file in app.db app.db-wal app.db-journal; do head -c 20000 /dev/zero | tr '\0' x >$file; done
}
killed_damaged=(recover restore -q --yes)
expect_damaged() {
  "$belay" "${killed_damaged[@]}"
  expected=$(state_beside_backups)
}
mend_damaged() {
  require_backups "$1"
  restore_again "$1"
}

# Nobody has to decide anything, whatever it was killed at.
look() {
  sqlite3 -readonly app.db 'SELECT 1 FROM sqlite_schema' >/dev/null 2>&1 || return 0
  "$belay" recover >"$work/said" 2>&1 || fail "$1" "a look finds that it takes a person"
  grep -q '^state      interrupted$' "$work/said" || return 0
  interrupted=$((interrupted + 1))
  "$belay" status | grep -q '^left       run .* was interrupted' || fail "$1" "status does not show what was left"
}

# kill_everywhere SCENARIO MODE
kill_everywhere() {
  local scenario=$1 mode=$2 call n status
  local -n words=killed_$scenario
  "prepare_$scenario" "$mode"
  "expect_$scenario"
  for call in pwrite64 writev write fdatasync fsync ftruncate unlink rename renameat2 mkdir openat; do
    for ((n = 1; ; n += stride)); do
      "prepare_$scenario" "$mode"
      status=0
      # The shell's own word about a killed child is not wanted.
      { strace -f -qq -o /dev/null -e "trace=$call" -e "inject=$call:signal=KILL:when=$n" "$belay" "${words[@]}" >/dev/null; } 2>/dev/null || status=$?
      [ $status -eq 137 ] || break
      cases=$((cases + 1))
      look "$scenario: killed at $call $n ($mode)"
      "mend_$scenario" "$scenario: killed at $call $n ($mode)"
    done
    # A status other than "done" here would mean that strace itself failed, and that nothing was tested.
    [ $status -eq 0 ] || fail "$scenario: $call $n ($mode)" "strace ended with $status"
  done
}

for scenario in "${scenarios[@]}"; do
  cases=0
  interrupted=0
  for mode in delete wal; do kill_everywhere "$scenario" $mode; done
  [ $interrupted -gt 0 ] || [ $scenario = damaged ] || fail "$scenario" "no run was ever interrupted"
  echo "$scenario: killed $cases times, $interrupted runs were interrupted, and all is mended"
done

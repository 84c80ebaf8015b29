#!/usr/bin/env bash
# Kills `belay migrate` at system calls that write, with nothing interposed but strace, and lets the next run finish:
# schema, rows, page size, stamps and journal have to be those of a run that nobody killed.
#   tests/cli/killed_everywhere.sh BELAY [STRIDE]     every STRIDEth call (1: all of them)
set -euo pipefail

belay=$(readlink -f "$1")
stride=${2:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset DATABASE_URL BELAY_DATABASE_URL BELAY_ENV
export ASAN_OPTIONS=detect_leaks=0  # The leak sanitizer cannot work under strace.

# A first run with all that a revision can be: grouped, in batches, outside a transaction.
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
  "$belay" journal verify >/dev/null && echo "journal verified"
  find app.db-belay -mindepth 1 ! -name journal.lmdb ! -name journal.lmdb-lock ! -name lock
}

cases=0
for mode in delete wal; do
  fresh $mode
  "$belay" migrate -q
  expected=$(state)
  for call in pwrite64 writev write fdatasync fsync ftruncate unlink renameat2 mkdir openat; do
    for ((n = 1; ; n += stride)); do
      fresh $mode
      status=0
      # The shell's own word about a killed child is not wanted.
      { strace -f -qq -o /dev/null -e "trace=$call" -e "inject=$call:signal=KILL:when=$n" "$belay" migrate -q >/dev/null; } 2>/dev/null || status=$?
      [ $status -eq 137 ] || break
      cases=$((cases + 1))
      "$belay" migrate -q 2>"$work/said" || { echo "killed at $call $n ($mode): the next run failed"; cat "$work/said"; exit 1; }
      if ! diff <(echo "$expected") <(state) >"$work/difference"; then
        echo "killed at $call $n ($mode): the next run ended elsewhere"
        cat "$work/difference"
        exit 1
      fi
      again=$("$belay" migrate --json)
      [[ $again == *'"revisions":[],"recovered":null'* ]] || { echo "killed at $call $n ($mode): a third run found work: $again"; exit 1; }
    done
    # A status other than "done" here would mean that strace itself failed, and that nothing was tested.
    [ $status -eq 0 ] || { echo "$call $n: strace ended with $status"; exit 1; }
  done
done
echo "killed $cases times, and finished $cases times"

#!/usr/bin/env bash
# Kills `belay reset` at system calls that change something. The next command (in turn: migrate, reset) brings the
# database to its head, whole, as a reset that nobody killed does, or leaves it as it was before; what it held is in the
# database or in a backup that verifies, and earlier backups stay.
#
#   tests/cli/killed_reset.sh BELAY [STRIDE]     every STRIDEth call (1: all of them)
set -euo pipefail

belay=$(readlink -f "$1")
stride=${2:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset DATABASE_URL BELAY_DATABASE_URL BELAY_ENV
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0  # The leak sanitizer cannot work under strace.

# All ways down: by a section, in several parts, by drops; and what no revision knows.
mkdir -p "$work/project/versions"
cd "$work/project/versions"
echo 'database = "sqlite:app.db"' >../belay.toml
cat >1_rooms.sql <<'SQL'
-- migrate:up
CREATE TABLE rooms (id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT, partner REFERENCES partners);
CREATE TABLE partners (id INTEGER PRIMARY KEY, room REFERENCES rooms);
INSERT INTO rooms (code) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT 'r' || i FROM n;
CREATE VIRTUAL TABLE words USING fts5(text);
CREATE VIEW codes AS SELECT code FROM rooms;
SQL
cat >2_bookings.sql <<'SQL'
-- migrate:up
CREATE TABLE bookings (id INTEGER PRIMARY KEY, room INTEGER REFERENCES rooms (id));
INSERT INTO bookings (room) SELECT id FROM rooms;
-- migrate:down
-- migrate:step clear batch:40 over:bookings.id
DELETE FROM bookings WHERE id BETWEEN :lo AND :hi;
-- migrate:step gone
DROP TABLE bookings;
SQL
cat >3_labels.sql <<'SQL'
-- migrate:up
ALTER TABLE rooms ADD COLUMN label TEXT;
-- migrate:step shrink transaction:off
VACUUM;
-- migrate:down
ALTER TABLE rooms DROP COLUMN label;
SQL

fail() {
  echo "$1: $2"
  cat "$work/said" 2>/dev/null || true
  exit 1
}

# prepare MODE: at the head, with rows of an application and a backup from before them; made once.
prepare() {
  [ -d "$work/origin-$1" ] || {
    cp -r "$work/project" "$work/origin-$1"
    cd "$work/origin-$1"
    sqlite3 app.db "PRAGMA journal_mode = $1; CREATE TABLE by_hand (x)" >/dev/null
    "$belay" migrate -q
    "$belay" backup -q
    sqlite3 app.db "INSERT INTO rooms (code) VALUES ('precious'); INSERT INTO by_hand VALUES (1)"
  }
  rm -rf "$work/copy"
  cp -rp "$work/origin-$1" "$work/copy"
  cd "$work/copy"
}

# Everything but the times and numbers that differ from run to run.
state() {
  sqlite3 app.db .dump | grep -v -e '^INSERT INTO belay_version' -e '^INSERT INTO belay_state'
  sqlite3 app.db 'SELECT revision, digest FROM belay_version ORDER BY rowid; PRAGMA integrity_check'
}

ids() { "$belay" backup --list --json | grep -o '"id":"[^"]*"' | cut -d'"' -f4; }

is_precious() { sqlite3 "$1" "SELECT count(*) FROM rooms WHERE code = 'precious'" 2>/dev/null || true; }

# kept CASE: the backup that the killed reset has made holds what is no longer in the database.
kept() {
  "$belay" recover restore "$(ids | tail -2 | head -1)" --yes -q >"$work/said" 2>&1 || fail "$1" "the backup of it cannot be restored"
  [ "$(is_precious app.db)" = 1 ] || fail "$1" "rows are lost"
}

mended() {
  local id now
  cases=$((cases + 1))
  "$belay" status >"$work/said" || fail "$1" "status finds something inconsistent"
  if grep -q '^left ' "$work/said"; then interrupted=$((interrupted + 1)); fi
  if ((cases % 3 == 0)); then
    "$belay" reset --yes -q 2>"$work/said" || fail "$1" "the next reset failed"
  else
    "$belay" migrate -q 2>"$work/said" || fail "$1" "the next migrate failed"
  fi
  now=$(state)
  [ "$now" = "$expected" ] || [ "$now" = "$before" ] || fail "$1" "the database is neither before nor after"
  "$belay" check --backups >"$work/said" || [ "$now" = "$before" ] || fail "$1" "check finds a problem"
  ! grep -q 'backup:\|journal:\|file:' "$work/said" || fail "$1" "check finds damage"
  ids | grep -qx "$older" || fail "$1" "an earlier backup is gone"
  [ "$now" = "$before" ] || kept "$1"
}

kill_everywhere() {
  local mode=$1 call n status
  prepare "$mode"
  older=$(ids | tail -1)
  before=$(state)
  "$belay" reset --yes -q
  expected=$(state)
  for call in pwrite64 writev write fdatasync fsync ftruncate unlink rename renameat2 mkdir openat; do
    for ((n = 1; ; n += stride)); do
      prepare "$mode"
      status=0
      # The shell's own word about a killed child is not wanted.
      { strace -f -qq -o /dev/null -e "trace=$call" -e "inject=$call:signal=KILL:when=$n" "$belay" reset --yes -q >/dev/null; } 2>/dev/null || status=$?
      [ $status -eq 137 ] || break
      mended "killed at $call $n ($mode)"
    done
    # A status other than "done" here would mean that strace itself failed, and that nothing was tested.
    [ $status -eq 0 ] || fail "$call $n ($mode)" "strace ended with $status"
  done
}

cases=0
interrupted=0
for mode in delete wal; do kill_everywhere $mode; done
[ $interrupted -gt 0 ] || fail "reset" "no run was ever interrupted"
echo "reset: killed $cases times, $interrupted runs were interrupted, and all is mended"

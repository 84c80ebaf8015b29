#!/usr/bin/env bash
# Kills `recover fix-state --yes` and `revision --baseline` at system calls that change something: no row of the
# database is touched, every backup is whole, and the same command again ends where it does undisturbed.
#
#   tests/cli/killed_fix_state.sh BELAY [STRIDE [SCENARIO…]]     every STRIDEth call (1: all of them)
set -euo pipefail

belay=$(readlink -f "$1")
stride=${2:-1}
scenarios=("${@:3}")
[ ${#scenarios[@]} -gt 0 ] || scenarios=(lost damaged foreign unknown baseline)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset DATABASE_URL BELAY_DATABASE_URL BELAY_ENV
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0  # The leak sanitizer cannot work under strace.

fail() {
  echo "$1: $2"
  cat "$work/said" 2>/dev/null || true
  exit 1
}

# Two revisions are applied, a third is there.
make_origin() {
  mkdir -p "$work/origin/versions"
  cd "$work/origin"
  echo 'database = "sqlite:app.db"' >belay.toml
  [ "$1" = wal ] && sqlite3 app.db 'PRAGMA journal_mode = WAL' >/dev/null
  printf -- '-- migrate:up\nCREATE TABLE rooms (id INTEGER PRIMARY KEY, code TEXT);\n' >versions/1_rooms.sql
  printf -- '-- migrate:up\nCREATE TABLE bookings (room REFERENCES rooms (id));\n' >versions/2_bookings.sql
  printf -- '-- migrate:up\nCREATE INDEX bookings_room ON bookings (room);\n' >versions/3_index.sql
  "$belay" migrate -q --to 2
  sqlite3 app.db "INSERT INTO rooms (code) VALUES ('a'), ('b'); INSERT INTO bookings VALUES (2)"
}

# What happened to it.
spoil_lost() { rm -rf app.db-belay; }
spoil_damaged() { truncate -s 4096 app.db-belay/journal.lmdb; }
spoil_foreign() {
  "$belay" migrate -q --database sqlite:other.db
  rm -rf app.db-belay other.db
  mv other.db-belay app.db-belay
}
spoil_unknown() {
  sqlite3 app.db 'DROP TABLE belay_state; DROP TABLE belay_version'
  rm -rf app.db-belay
}
spoil_baseline() {
  spoil_unknown
  rm versions/*
}

prepare() {
  [ -d "$work/$1-$2" ] || {
    rm -rf "$work/origin"
    make_origin "$2"
    "spoil_$1"
    cp -rp "$work/origin" "$work/$1-$2"
  }
  rm -rf "$work/copy"
  cp -rp "$work/$1-$2" "$work/copy"
  cd "$work/copy"
}

words_of() { if [ "$1" = baseline ]; then echo "revision --baseline -m found -q"; else echo "recover fix-state --yes -q"; fi; }

rows() { sqlite3 app.db 'SELECT * FROM rooms; SELECT * FROM bookings; PRAGMA integrity_check; PRAGMA journal_mode'; }

# mended CASE SCENARIO: whatever was killed, this holds, and the same command brings it to its end.
mended() {
  local words id
  read -ra words <<<"$(words_of "$2")"
  [ "$(rows)" = "$rows" ] || fail "$1" "the rows were changed"
  for id in $("$belay" backup --list --json | grep -o '"id":"[^"]*"' | cut -d'"' -f4); do
    "$belay" backup --verify "$id" >"$work/said" 2>&1 || fail "$1" "backup $id does not verify"
  done
  # Of a baseline that is done there is no second one.
  if [ "$2" != baseline ] || ! "$belay" status | grep -qx 'applied    1' || "$belay" status | grep -q interrupted; then
    "$belay" "${words[@]}" >"$work/said" 2>&1 || fail "$1" "the same command failed"
  fi
  [ "$(rows)" = "$rows" ] || fail "$1" "the rows were changed by mending"
  "$belay" status >"$work/said"
  grep -q '^state      clean$' "$work/said" || fail "$1" "it is not clean"
  "$belay" check >"$work/said" 2>&1 || [ $? -eq 2 ] || fail "$1" "check found more than what is pending"
  if [ "$2" != baseline ]; then
    [[ $("$belay" current) == 2* ]] || fail "$1" "it is elsewhere"
    "$belay" migrate -q >"$work/said" 2>&1 || fail "$1" "it does not migrate"
  fi
  "$belay" journal verify >"$work/said" 2>&1 || fail "$1" "the journal is not whole"
  if find app.db* -name '*.new*' -o -name '.belay-scratch-*' | grep -q .; then
    find . >"$work/said"
    fail "$1" "something was left behind"
  fi
}

# kill_everywhere SCENARIO MODE
kill_everywhere() {
  local scenario=$1 mode=$2 call n status words
  read -ra words <<<"$(words_of "$scenario")"
  for call in pwrite64 writev write fdatasync fsync ftruncate unlink rename renameat2 link mkdir openat; do
    for ((n = 1; ; n += stride)); do
      prepare "$scenario" "$mode"
      rows=$(rows)
      status=0
      # The shell's own word about a killed child is not wanted.
      { strace -f -qq -o /dev/null -e "trace=$call" -e "inject=$call:signal=KILL:when=$n" "$belay" "${words[@]}" >/dev/null; } 2>/dev/null || status=$?
      [ $status -eq 137 ] || break
      cases=$((cases + 1))
      mended "$scenario: killed at $call $n ($mode)" "$scenario"
    done
    # A status other than "done" here would mean that strace itself failed, and that nothing was tested.
    [ $status -eq 0 ] || fail "$scenario: $call $n ($mode)" "strace ended with $status"
  done
}

for scenario in "${scenarios[@]}"; do
  cases=0
  for mode in delete wal; do kill_everywhere "$scenario" $mode; done
  [ $cases -gt 10 ] || fail "$scenario" "killed only $cases times"
  echo "$scenario: killed $cases times, and all is mended"
done

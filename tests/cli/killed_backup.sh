#!/usr/bin/env bash
# Kills `belay backup`, and `belay backup --prune`, at system calls that change something: the database is untouched,
# earlier backups are whole, every backup that is listed verifies, and the next one succeeds and clears up.
#
#   tests/cli/killed_backup.sh BELAY [STRIDE]     every STRIDEth call (1: all of them)
set -euo pipefail

belay=$(readlink -f "$1")
stride=${2:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset DATABASE_URL BELAY_DATABASE_URL BELAY_ENV
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0  # The leak sanitizer cannot work under strace.

fail() {
  echo "$1: $2"
  cat "$work/said" 2>/dev/null || true
  exit 1
}

# prepare MODE: a database in that mode, with a few backups, made once.
prepare() {
  [ -d "$work/origin-$1" ] || {
    mkdir "$work/origin-$1"
    cd "$work/origin-$1"
    echo 'database = "sqlite:app.db"' >belay.toml
    sqlite3 app.db "PRAGMA journal_mode = $1; CREATE TABLE t (x); INSERT INTO t WITH RECURSIVE n(i) AS
                    (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT hex(randomblob(200)) FROM n" >/dev/null
    for _ in 1 2 3; do "$belay" backup -q; done
  }
  rm -rf "$work/copy"
  cp -rp "$work/origin-$1" "$work/copy"
  cd "$work/copy"
}

ids() { "$belay" backup --list --json | grep -o '"id":"[^"]*"' | cut -d'"' -f4; }

# mended CASE: whatever was killed, this holds, and goes on holding.
mended() {
  local id
  [ "$(sha256sum <app.db)" = "$database" ] || fail "$1" "the database was changed"
  "$belay" backup --list >"$work/said"
  ! grep -q unusable "$work/said" || fail "$1" "a backup is listed that is none"
  for id in $(ids); do "$belay" backup --verify "$id" >"$work/said" 2>&1 || fail "$1" "backup $id does not verify"; done
  ids | grep -qx "$newest" || fail "$1" "the newest backup is gone"
  "$belay" backup -q 2>"$work/said" || fail "$1" "the next backup failed"
  [ "$(find app.db-belay/backups -type f | wc -l)" -eq $(($(ids | wc -l) * 2)) ] || fail "$1" "litter is left"
}

# kill_everywhere MODE WORD…
kill_everywhere() {
  local mode=$1 call n status
  shift
  for call in pwrite64 write fdatasync fsync ftruncate unlink rename renameat2 mkdir openat; do
    for ((n = 1; ; n += stride)); do
      prepare "$mode"
      database=$(sha256sum <app.db)
      newest=$(ids | head -1)
      status=0
      # The shell's own word about a killed child is not wanted.
      { strace -f -qq -o /dev/null -e "trace=$call" -e "inject=$call:signal=KILL:when=$n" "$belay" "$@" >/dev/null; } 2>/dev/null || status=$?
      [ $status -eq 137 ] || break
      cases=$((cases + 1))
      mended "$*: killed at $call $n ($mode)"
    done
    # A status other than "done" here would mean that strace itself failed, and that nothing was tested.
    [ $status -eq 0 ] || fail "$*: $call $n ($mode)" "strace ended with $status"
  done
}

cases=0
for mode in delete wal; do
  kill_everywhere $mode backup -q
  kill_everywhere $mode backup -q --prune 1
done
[ $cases -gt 10 ] || fail "backup" "it was hardly ever killed"
echo "backup: killed $cases times, and all is whole"

#!/usr/bin/env bash
# Runs the sessions of a document: what stands there is what the program prints, but for times and the folder.
#   tests/cli/sessions.sh BELAY DOCUMENT            compares
#   tests/cli/sessions.sh BELAY DOCUMENT --write    prints the document with what the program prints now
set -euo pipefail

program=$(readlink -f "$1")
document=$(readlink -f "$2")
write=${3:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset DATABASE_URL BELAY_DATABASE_URL BELAY_ENV
export NO_COLOR=1 TERM=xterm
mkdir -p "$work/bin" "$work/app/versions"
ln -s "$program" "$work/bin/belay"
export PATH="$work/bin:$PATH"
cd "$work/app"
echo 'database = "sqlite:app.db"' >belay.toml
[[ $document != */README.md ]] || cat >versions/20261122090000_readings.sql <<'SQL'
-- migrate:up
CREATE TABLE readings (id INTEGER PRIMARY KEY, celsius REAL NOT NULL);
INSERT INTO readings (celsius) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000) SELECT i % 40 FROM n;
SQL

# A script is written as it stands there, in place of another one with its id.
write_script() {
  local file id
  file=$(sed -n '1s/^-- //p' "$work/block")
  id=${file#versions/}
  rm -f "versions/${id%%_*}_"*
  cp "$work/block" "$file"
}

write_schema() {
  cp "$work/block" schema.sql
}

# Not after a second, but when some slices have committed. The run stands still while it is asked, as most of the time the
# database is locked.
kill_in_the_middle() {
  belay migrate &
  local filled=0
  until [ "$filled" = 1 ]; do
    sleep 0.01
    kill -STOP $! || break
    filled=$(sqlite3 app.db 'SELECT fahrenheit IS NOT NULL FROM readings WHERE id = 10001' 2>/dev/null) || true
    [ "$filled" = 1 ] || kill -CONT $!
  done
  kill -9 $!
  wait $! || true
}

run() {
  case $1 in
    *'kill -9 $!') kill_in_the_middle ;;
    'belay recover undo-run') script -qec "$1" /dev/null <<<y | tr -d '\r' | sed -E 's/\[y\/N\] (y$)?/[y\/N] y\n/' ;;
    *) eval "$1" ;;
  esac
}

# What differs from run to run, what the shell says, how far a slow machine has come after five seconds, and where the
# terminal's echo of the answer happens to stand.
mask() {
  sed -E -e "s#$work/app#/srv/app#g" -e 's/[0-9]+ ms/N ms/' -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z/TIME/g' \
    -e 's/[0-9]{8}T[0-9]{6}Z(-[0-9]+)?/BACKUP/g' -e 's/[0-9a-f]{32}/DATABASE/g' -e 's/[0-9]{14}/REVISION/g' \
    -e 's/[0-9]+ s ago/NOW/' -e 's/[0-9.]+ (bytes|KiB)/SIZE/g' -e 's/(pid|process) [0-9]+/\1 N/' -e '/ Killed( |$)/d' -e '/ running for [0-9]+ s/d' -e '/^y$/d' -e '/^$/d'
}

commands=0
run_session() {
  local line
  : >"$work/printed"
  while IFS= read -r line; do
    [[ $line == '$ '* ]] || continue
    echo "$line" >>"$work/printed"
    { run "${line#'$ '}" || true; } >>"$work/printed" 2>&1
    commands=$((commands + 1))
  done <"$work/block"
  if [ "$write" ]; then return; fi
  if ! diff <(mask <"$work/block") <(mask <"$work/printed"); then
    echo "$document: the program prints something else (>)"
    exit 1
  fi
}

inside=no
while IFS= read -r line <&3; do
  case $inside$line in
    no'```'*) inside=yes; : >"$work/block" ;;
    yes'```')
      inside=no
      if grep -q '^-- versions/' "$work/block"; then write_script; fi
      if [[ $(head -1 "$work/block") == '-- schema.sql' ]]; then write_schema; fi
      if [[ $(head -1 "$work/block") == '$ '* ]]; then
        run_session
        if [ "$write" ]; then sed -E "s#$work/app#/srv/app#g" "$work/printed"; fi
      elif [ "$write" ]; then cat "$work/block"; fi ;;
    yes*) printf '%s\n' "$line" >>"$work/block"; continue ;;
  esac
  if [ "$write" ]; then printf '%s\n' "$line"; fi
done 3<"$document"
[ $commands -gt 0 ] || { echo "$document: no session was found"; exit 1; }
[ "$write" ] || echo "all $commands commands of $document print what stands there"

#!/usr/bin/env bash
# A database, or its journal, on a network file system (sshfs, without a network: its server is a child of it) is
# migrated, and every command says where it is; a local one is not spoken of.
#
#   tests/cli/network.sh BELAY
set -euo pipefail

belay=$(readlink -f "$1")
server=/usr/lib/openssh/sftp-server
unset DATABASE_URL BELAY_DATABASE_URL BELAY_ENV
for needed in "$(command -v sshfs || echo sshfs)" "$server" /dev/fuse; do
  [ -e "$needed" ] || { echo "not run: there is no $needed"; exit 77; }
done
work=$(mktemp -d)
trap 'fusermount3 -q -u "$work/share" || true; rm -rf "$work"' EXIT

mkdir "$work/server" "$work/share" "$work/project"
printf '#!/bin/sh\nexec %s\n' "$server" >"$work/ssh"
chmod +x "$work/ssh"
sshfs -o ssh_command="$work/ssh" "host:$work/server" "$work/share" ||
  { echo "not run: sshfs cannot mount"; exit 77; }

cd "$work/project"
mkdir versions
printf -- '-- migrate:up\nCREATE TABLE rooms (id INTEGER PRIMARY KEY);\n' >versions/1_rooms.sql
fail() {
  echo "$1"
  exit 1
}
# Whether it was said of this file, once, and nothing else was wrong.
said_of() {
  [ "$(grep -c 'is on a network file system (fuse.sshfs)' stderr)" = 1 ] || fail "not said once: $(cat stderr)"
  grep -q -F "$1 is on a network" stderr || fail "not of $1: $(cat stderr)"
}

echo 'database = "sqlite:app.db"' >belay.toml
"$belay" migrate >stdout 2>stderr
if grep -q network stderr; then fail "said of a local database: $(cat stderr)"; fi

echo "database = \"sqlite:$work/share/app.db\"" >belay.toml
for command in migrate status check; do
  "$belay" "$command" >stdout 2>stderr || fail "$command: $(cat stdout stderr)"
  said_of "$work/share/app.db"
done
"$belay" migrate --quiet >stdout 2>stderr
said_of "$work/share/app.db"
sqlite3 "$work/server/app.db" 'SELECT * FROM rooms' || fail 'it was not migrated'

printf 'database = "sqlite:other.db"\n[journal]\npath = "%s"\n' "$work/share/journal" >belay.toml
"$belay" migrate >stdout 2>stderr || fail "migrate: $(cat stdout stderr)"
said_of "$work/share/journal/journal.lmdb"

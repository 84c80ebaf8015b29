#!/usr/bin/env bash
# A database that an Alembic project left in the middle of a rename from Portuguese to English, without a journal and
# without scripts, is adopted, and then migrates: adopt_alembic.sh BELAY
set -euo pipefail

belay=$(readlink -f "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset DATABASE_URL BELAY_DATABASE_URL BELAY_ENV
cd "$work"

# expect EXIT TEXT WORD…: belay ends so and says that, on either stream.
expect() {
  local exit=$1 text=$2 status=0
  shift 2
  "$belay" "$@" >said 2>&1 || status=$?
  if [ $status -ne "$exit" ] || ! grep -qF -- "$text" said; then
    printf 'belay %s: exit %s and not %s, or nothing says "%s":\n' "$*" $status "$exit" "$text"
    cat said
    exit 1
  fi
}

ask() { sqlite3 app.db "$1"; }
same() { [ "$2" = "$3" ] || { printf '%s: "%s" and not "%s"\n' "$1" "$3" "$2"; exit 1; }; }

# As Alembic's batch mode leaves it when it is stopped: both names of one table, the other not yet renamed, and the table
# that was to take the place of another.
sqlite3 app.db >/dev/null <<'SQL'
PRAGMA journal_mode = WAL;
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
INSERT INTO alembic_version VALUES ('8d1f2b7c9a3e');
CREATE TABLE users (
	id INTEGER NOT NULL,
	email VARCHAR(120) NOT NULL,
	PRIMARY KEY (id),
	CONSTRAINT uq_users_email UNIQUE (email)
);
CREATE TABLE salas (id INTEGER NOT NULL, nome VARCHAR(80) NOT NULL, PRIMARY KEY (id));
CREATE TABLE rooms (id INTEGER NOT NULL, name VARCHAR(80) NOT NULL, PRIMARY KEY (id));
CREATE TABLE reservas (
	id INTEGER NOT NULL,
	sala_id INTEGER NOT NULL,
	user_id INTEGER NOT NULL,
	inicio DATETIME DEFAULT (CURRENT_TIMESTAMP),
	PRIMARY KEY (id),
	FOREIGN KEY(sala_id) REFERENCES salas (id),
	FOREIGN KEY(user_id) REFERENCES users (id)
);
CREATE INDEX ix_reservas_sala_id ON reservas (sala_id);
CREATE TABLE _alembic_tmp_users (id INTEGER NOT NULL, email VARCHAR(120) NOT NULL, name TEXT, PRIMARY KEY (id));
INSERT INTO users VALUES (1, 'ana@example.org'), (2, 'rui@example.org');
INSERT INTO salas VALUES (1, 'Sala Azul'), (2, 'Sala Verde'), (3, 'Auditório');
INSERT INTO rooms VALUES (1, 'Sala Azul');
INSERT INTO reservas (id, sala_id, user_id) VALUES (10, 1, 1), (11, 3, 2), (12, 2, 1);
SQL
bookings=$(ask 'SELECT id, sala_id, user_id, inicio FROM reservas ORDER BY id')

expect 0 "belay.toml" init
expect 3 "Alembic (alembic_version) is at 8d1f2b7c9a3e" recover fix-state
expect 3 'belay revision --baseline -m "as found"' recover fix-state
[ ! -e app.db-belay ] || { echo "a look has made something"; exit 1; }
expect 0 "would write versions/" revision --baseline -m "as found" --dry-run
expect 0 "wrote versions/" revision --baseline -m "as found"
! grep -q alembic_version versions/*_as_found.sql || { echo "Alembic's own table is in the script"; exit 1; }
expect 0 "state      clean" status
expect 0 "nothing to do" recover fix-state
expect 0 "all is well" check
same "after the baseline" "$bookings" "$(ask 'SELECT id, sala_id, user_id, inicio FROM reservas ORDER BY id')"

expect 0 "wrote versions/" new "finish the rename"
script=$(echo versions/*_finish_the_rename.sql)
sed -i '/^-- migrate:up/,$d' "$script"
cat >>"$script" <<'SQL'
-- migrate:up
INSERT INTO rooms SELECT id, nome FROM salas WHERE id NOT IN (SELECT id FROM rooms);
CREATE TABLE bookings (
  id INTEGER PRIMARY KEY,
  room_id INTEGER NOT NULL REFERENCES rooms (id),
  user_id INTEGER NOT NULL REFERENCES users (id),
  starts_at DATETIME DEFAULT (CURRENT_TIMESTAMP)
);
INSERT INTO bookings SELECT id, sala_id, user_id, inicio FROM reservas;
DROP TABLE reservas;
DROP TABLE salas;
DROP TABLE _alembic_tmp_users;
CREATE INDEX ix_bookings_room_id ON bookings (room_id);

-- migrate:verify
SELECT count(*) = 3 FROM bookings JOIN rooms ON rooms.id = room_id;

-- migrate:down irreversible:"the Portuguese names are gone"
SQL
expect 0 "(head)" migrate
expect 0 "state      clean" status
expect 0 "all is well" check
same "the bookings" "$bookings" "$(ask 'SELECT id, room_id, user_id, starts_at FROM bookings ORDER BY id')"
same "the rooms" $'Sala Azul\nSala Verde\nAuditório' "$(ask 'SELECT name FROM rooms ORDER BY id')"
same "the tables" "alembic_version bookings rooms users" \
  "$(ask "SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'belay%' ORDER BY name)")"
same "Alembic's own table" 8d1f2b7c9a3e "$(ask 'SELECT version_num FROM alembic_version')"
same "integrity" ok "$(ask 'PRAGMA integrity_check; PRAGMA foreign_key_check')"

# And a bad day later: the journal is gone, and what is there still proves where the database is.
rm -rf app.db-belay
expect 5 "inconsistent" status
expect 6 "begin a new journal" recover fix-state
expect 0 "done; the database is at" recover fix-state --yes
expect 0 "all is well" check
echo "adopted, migrated, and mended"

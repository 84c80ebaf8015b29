-- revision: 20261122125453
-- parents:  20261101090000, base-2
-- message:  add rooms
-- created:  2026-11-22T12:54:53Z

-- migrate:up
CREATE TABLE rooms (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE);

-- migrate:step backfill batch:5000 over:rooms.id
UPDATE rooms SET code = upper(code) WHERE id BETWEEN :lo AND :hi;

-- migrate:verify
SELECT count(*) = 0 FROM rooms WHERE code IS NULL;

-- migrate:down
DROP TABLE rooms;

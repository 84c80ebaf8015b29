-- revision: 20260223091500
-- parents:  20260209083000
-- message:  buildings
-- created:  2026-02-23T09:15:00Z
--
-- The name of a building becomes a row, and rooms get the checks that they should have had from the start. SQLite
-- cannot add a CHECK or NOT NULL to a column, so the table is rebuilt: create, copy, drop, rename. Foreign keys are off
-- meanwhile, which is belay's doing; with them on, the DROP would delete every row of room_resources.

-- migrate:up
CREATE TABLE buildings (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);

INSERT INTO buildings (name)
SELECT DISTINCT coalesce(building, 'Unknown') FROM rooms ORDER BY 1;

CREATE TABLE rooms_new (
  id          INTEGER PRIMARY KEY,
  building_id INTEGER NOT NULL REFERENCES buildings (id),
  code        TEXT NOT NULL UNIQUE,
  name        TEXT NOT NULL,
  capacity    INTEGER NOT NULL CHECK (capacity > 0),
  status      TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'closed'))
);

INSERT INTO rooms_new (id, building_id, code, name, capacity, status)
SELECT rooms.id, buildings.id, rooms.code, rooms.name, rooms.capacity, rooms.status
FROM rooms
JOIN buildings ON buildings.name = coalesce(rooms.building, 'Unknown');

DROP TABLE rooms;
ALTER TABLE rooms_new RENAME TO rooms;

CREATE INDEX rooms_by_building ON rooms (building_id);

-- migrate:verify
SELECT count(*) = 0 FROM room_resources WHERE room_id NOT IN (SELECT id FROM rooms);
SELECT count(*) = 0 FROM reservations WHERE room_id NOT IN (SELECT id FROM rooms);

-- migrate:down
CREATE TABLE rooms_old (
  id       INTEGER PRIMARY KEY,
  code     TEXT NOT NULL UNIQUE,
  name     TEXT NOT NULL,
  building TEXT,
  capacity INTEGER NOT NULL,
  status   TEXT NOT NULL DEFAULT 'open'
);

INSERT INTO rooms_old (id, code, name, building, capacity, status)
SELECT rooms.id, rooms.code, rooms.name, nullif(buildings.name, 'Unknown'), rooms.capacity, rooms.status
FROM rooms
JOIN buildings ON buildings.id = rooms.building_id;

DROP TABLE rooms;
ALTER TABLE rooms_old RENAME TO rooms;
DROP TABLE buildings;

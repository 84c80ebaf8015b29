-- revision: 20260112101500
-- parents:  20260105090000
-- message:  rooms
-- created:  2026-01-12T10:15:00Z

-- migrate:up
CREATE TABLE rooms (
  id       INTEGER PRIMARY KEY,
  code     TEXT NOT NULL UNIQUE,
  name     TEXT NOT NULL,
  building TEXT,
  capacity INTEGER NOT NULL,
  status   TEXT NOT NULL DEFAULT 'open'
);

-- What stands in a room goes with it.
CREATE TABLE room_resources (
  id       INTEGER PRIMARY KEY,
  room_id  INTEGER NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
  kind     TEXT NOT NULL CHECK (kind IN ('projector', 'screen', 'whiteboard', 'camera', 'phone')),
  quantity INTEGER NOT NULL DEFAULT 1 CHECK (quantity > 0),
  UNIQUE (room_id, kind)
);

-- migrate:down
DROP TABLE room_resources;
DROP TABLE rooms;

-- revision: 20260119140000
-- parents:  20260112101500
-- message:  reservations
-- created:  2026-01-19T14:00:00Z

-- migrate:up
-- Times are UTC, as '2026-01-19T14:00': text that sorts as time does.
CREATE TABLE reservations (
  id          INTEGER PRIMARY KEY,
  room_id     INTEGER NOT NULL REFERENCES rooms (id),
  user_id     INTEGER NOT NULL REFERENCES users (id),
  purpose     TEXT NOT NULL,
  starts_at   TEXT NOT NULL,
  ends_at     TEXT NOT NULL,
  status      TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'approved', 'rejected', 'cancelled')),
  approved_by INTEGER REFERENCES users (id),
  CHECK (ends_at > starts_at),
  CHECK (status <> 'approved' OR approved_by IS NOT NULL)
);

CREATE INDEX reservations_by_room ON reservations (room_id, starts_at);
CREATE INDEX reservations_by_user ON reservations (user_id, starts_at);
CREATE INDEX reservations_pending ON reservations (starts_at) WHERE status = 'pending';

-- A room is promised to one reservation at a time; pending ones may compete for it.
CREATE TRIGGER reservations_approve_free_room
BEFORE UPDATE OF status, room_id, starts_at, ends_at ON reservations
WHEN NEW.status = 'approved'
BEGIN
  SELECT RAISE(ABORT, 'the room is taken at this time')
  FROM reservations AS other
  WHERE other.room_id = NEW.room_id
    AND other.id <> NEW.id
    AND other.status = 'approved'
    AND other.starts_at < NEW.ends_at
    AND other.ends_at > NEW.starts_at;
END;

CREATE TRIGGER reservations_insert_free_room
BEFORE INSERT ON reservations
WHEN NEW.status = 'approved'
BEGIN
  SELECT RAISE(ABORT, 'the room is taken at this time')
  FROM reservations AS other
  WHERE other.room_id = NEW.room_id
    AND other.status = 'approved'
    AND other.starts_at < NEW.ends_at
    AND other.ends_at > NEW.starts_at;
END;

-- migrate:down
DROP TABLE reservations;

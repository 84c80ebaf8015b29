-- The schema that the revisions lead to. Edit it and run `belay revision --autogenerate -m "…"` to get the revision
-- that brings the database there; `belay check` says whether the two are in step.

CREATE TABLE departments (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);

CREATE TABLE users (
  id            INTEGER PRIMARY KEY,
  department_id INTEGER NOT NULL REFERENCES departments (id),
  name          TEXT NOT NULL,
  email         TEXT NOT NULL UNIQUE COLLATE NOCASE CHECK (email LIKE '%_@_%'),
  role          TEXT NOT NULL DEFAULT 'requester' CHECK (role IN ('requester', 'manager', 'admin'))
);

CREATE INDEX users_by_department ON users (department_id);

CREATE TABLE buildings (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);

CREATE TABLE rooms (
  id          INTEGER PRIMARY KEY,
  building_id INTEGER NOT NULL REFERENCES buildings (id),
  code        TEXT NOT NULL UNIQUE,
  name        TEXT NOT NULL,
  capacity    INTEGER NOT NULL CHECK (capacity > 0),
  status      TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'closed'))
);

CREATE INDEX rooms_by_building ON rooms (building_id);

-- What stands in a room goes with it.
CREATE TABLE room_resources (
  id       INTEGER PRIMARY KEY,
  room_id  INTEGER NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
  kind     TEXT NOT NULL CHECK (kind IN ('projector', 'screen', 'whiteboard', 'camera', 'phone')),
  quantity INTEGER NOT NULL DEFAULT 1 CHECK (quantity > 0),
  UNIQUE (room_id, kind)
);

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
  reference   TEXT,
  CHECK (ends_at > starts_at),
  CHECK (status <> 'approved' OR approved_by IS NOT NULL)
);

CREATE INDEX reservations_by_room ON reservations (room_id, starts_at);
CREATE INDEX reservations_by_user ON reservations (user_id, starts_at);
CREATE INDEX reservations_pending ON reservations (starts_at) WHERE status = 'pending';
CREATE UNIQUE INDEX reservations_by_reference ON reservations (reference);

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

CREATE TRIGGER reservations_give_reference
AFTER INSERT ON reservations
WHEN NEW.reference IS NULL
BEGIN
  UPDATE reservations SET reference = printf('R-%06d', NEW.id) WHERE id = NEW.id;
END;

CREATE TABLE reservation_audit (
  id             INTEGER PRIMARY KEY,
  reservation_id INTEGER NOT NULL REFERENCES reservations (id) ON DELETE CASCADE,
  old_status     TEXT NOT NULL,
  new_status     TEXT NOT NULL,
  approved_by    INTEGER REFERENCES users (id),
  changed_at     TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
);

CREATE INDEX reservation_audit_by_reservation ON reservation_audit (reservation_id);

CREATE TRIGGER reservations_audit_status
AFTER UPDATE OF status ON reservations
WHEN NEW.status <> OLD.status
BEGIN
  INSERT INTO reservation_audit (reservation_id, old_status, new_status, approved_by)
  VALUES (NEW.id, OLD.status, NEW.status, NEW.approved_by);
END;

CREATE TABLE waiting_list (
  id           INTEGER PRIMARY KEY,
  room_id      INTEGER NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
  user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  starts_at    TEXT NOT NULL,
  ends_at      TEXT NOT NULL,
  requested_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
  CHECK (ends_at > starts_at),
  UNIQUE (room_id, user_id, starts_at)
);

-- Whoever asked first for a time that nobody has been promised.
CREATE VIEW next_in_line AS
SELECT waiting.room_id, waiting.starts_at, waiting.user_id, min(waiting.requested_at) AS requested_at
FROM waiting_list AS waiting
WHERE NOT EXISTS (
  SELECT 1
  FROM reservations
  WHERE reservations.room_id = waiting.room_id
    AND reservations.status = 'approved'
    AND reservations.starts_at < waiting.ends_at
    AND reservations.ends_at > waiting.starts_at
)
GROUP BY waiting.room_id, waiting.starts_at;

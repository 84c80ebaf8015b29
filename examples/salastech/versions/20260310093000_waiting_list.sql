-- revision: 20260310093000
-- parents:  20260223091500
-- message:  waiting list
-- created:  2026-03-10T09:30:00Z
--
-- Written beside the approval audit, from the same parent: two branches, joined by the next revision.

-- migrate:up
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

-- migrate:down
DROP VIEW next_in_line;
DROP TABLE waiting_list;

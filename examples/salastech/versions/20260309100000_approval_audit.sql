-- revision: 20260309100000
-- parents:  20260223091500
-- message:  approval audit
-- created:  2026-03-09T10:00:00Z

-- migrate:up
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

-- migrate:down
DROP TRIGGER reservations_audit_status;
DROP TABLE reservation_audit;

-- revision: 20260209083000
-- parents:  20260126160000
-- message:  reservation references
-- created:  2026-02-09T08:30:00Z
--
-- Every reservation gets a reference that people can read out, such as R-000123. The order matters: first new rows get
-- one by themselves, then the old ones in batches, between which the application goes on writing, and the unique index
-- comes last.

-- migrate:up
ALTER TABLE reservations ADD COLUMN reference TEXT;

CREATE TRIGGER reservations_give_reference
AFTER INSERT ON reservations
WHEN NEW.reference IS NULL
BEGIN
  UPDATE reservations SET reference = printf('R-%06d', NEW.id) WHERE id = NEW.id;
END;

-- migrate:step backfill batch:50 over:reservations.id
UPDATE reservations SET reference = printf('R-%06d', id) WHERE id BETWEEN :lo AND :hi;

-- migrate:step index
CREATE UNIQUE INDEX reservations_by_reference ON reservations (reference);

-- migrate:verify
SELECT count(*) = 0 FROM reservations WHERE reference IS NULL;

-- migrate:down
DROP INDEX reservations_by_reference;
DROP TRIGGER reservations_give_reference;
ALTER TABLE reservations DROP COLUMN reference;

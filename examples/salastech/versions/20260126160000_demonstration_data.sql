-- revision: 20260126160000
-- parents:  20260119140000
-- message:  demonstration data
-- created:  2026-01-26T16:00:00Z
--
-- DEMONSTRATION DATA, so that the revisions after this one have rows to work on. The people are known by their address
-- (`.example` is nobody's), the rooms by their code. Every run gives the same rows.

-- migrate:up
INSERT INTO departments (name) VALUES ('Engineering'), ('Research'), ('Sales'), ('People');

INSERT INTO users (department_id, name, email, role)
SELECT departments.id, person.name, person.email, person.role
FROM (
  SELECT 'Engineering' AS department, 'Ana Prieto' AS name, 'ana@salastech.example' AS email, 'admin' AS role
  UNION ALL SELECT 'Engineering', 'Bruno Keller', 'bruno@salastech.example', 'requester'
  UNION ALL SELECT 'Research', 'Chiara Lindqvist', 'chiara@salastech.example', 'manager'
  UNION ALL SELECT 'Research', 'Daniel Okafor', 'daniel@salastech.example', 'requester'
  UNION ALL SELECT 'Sales', 'Elif Marchetti', 'elif@salastech.example', 'manager'
  UNION ALL SELECT 'People', 'Farid Johansen', 'farid@salastech.example', 'requester'
) AS person
JOIN departments ON departments.name = person.department
ORDER BY person.email;

INSERT INTO rooms (code, name, building, capacity, status) VALUES
  ('A-101', 'Aconcagua',  'North', 12, 'open'),
  ('A-102', 'Bernina',    'North',  6, 'open'),
  ('A-201', 'Chimborazo', 'North', 40, 'open'),
  ('B-001', 'Dhaulagiri', 'South',  8, 'open'),
  ('B-002', 'Eiger',      'South',  4, 'open'),
  ('C-001', 'Fitz Roy',   NULL,    10, 'closed');

INSERT INTO room_resources (room_id, kind, quantity)
SELECT id, 'screen', 1 FROM rooms
UNION ALL SELECT id, 'whiteboard', 1 + (capacity > 10) FROM rooms WHERE capacity > 4
UNION ALL SELECT id, 'projector', 1 FROM rooms WHERE capacity > 10;

-- 200 reservations: the five open rooms, four times a day, on the ten working days from Monday 2 February 2026. One in
-- four is still pending.
WITH RECURSIVE
  numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < 199),
  open_rooms (n, id) AS (SELECT row_number() OVER (ORDER BY code) - 1, id FROM rooms WHERE status = 'open'),
  people (n, id) AS (SELECT row_number() OVER (ORDER BY email) - 1, id FROM users),
  slots (n, hours, days) AS (SELECT n, n / 5 % 4 * 2, n / 20 + n / 100 * 2 FROM numbers)
INSERT INTO reservations (room_id, user_id, purpose, starts_at, ends_at, status, approved_by)
SELECT
  open_rooms.id,
  people.id,
  'Meeting ' || (slots.n + 1),
  strftime('%Y-%m-%dT%H:%M', '2026-02-02 08:00', '+' || days || ' days', '+' || hours || ' hours'),
  strftime('%Y-%m-%dT%H:%M', '2026-02-02 09:30', '+' || days || ' days', '+' || hours || ' hours'),
  CASE slots.n % 4 WHEN 0 THEN 'pending' WHEN 3 THEN 'rejected' ELSE 'approved' END,
  CASE WHEN slots.n % 4 IN (1, 2) THEN (SELECT id FROM users WHERE email = 'chiara@salastech.example') END
FROM slots
JOIN open_rooms ON open_rooms.n = slots.n % 5
JOIN people ON people.n = slots.n % 6
ORDER BY slots.n;

-- migrate:verify
SELECT count(*) = 200 FROM reservations JOIN users ON users.id = user_id WHERE email LIKE '%@salastech.example';

-- migrate:down
DELETE FROM reservations WHERE user_id IN (SELECT id FROM users WHERE email LIKE '%@salastech.example');
DELETE FROM room_resources WHERE room_id IN (
  SELECT id FROM rooms WHERE code IN ('A-101', 'A-102', 'A-201', 'B-001', 'B-002', 'C-001')
);
DELETE FROM rooms WHERE code IN ('A-101', 'A-102', 'A-201', 'B-001', 'B-002', 'C-001');
DELETE FROM users WHERE email LIKE '%@salastech.example';
DELETE FROM departments WHERE name IN ('Engineering', 'Research', 'Sales', 'People');

-- revision: 20260105090000
-- parents:  base
-- message:  departments and users
-- created:  2026-01-05T09:00:00Z

-- migrate:up
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

-- migrate:down
DROP TABLE users;
DROP TABLE departments;

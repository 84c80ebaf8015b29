-- revision: 20260316150000
-- parents:  20260309100000, 20260310093000
-- message:  merge approval audit and waiting list
-- created:  2026-03-16T15:00:00Z

-- migrate:up

-- migrate:down

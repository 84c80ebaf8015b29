-- note: anything
-- migrate:up
SELECT 1; SELECT 1; /* SELECT 1 */ SELECT 1
;
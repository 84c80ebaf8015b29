-- migrate:up
-- migrate:step batch:0 over:a.b
SELECT :lo, :hi;
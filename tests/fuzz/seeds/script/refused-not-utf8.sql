-- migrate:up
SELECT ÿ;
-- The planner's statistics are as old as the rows they were taken from.
ANALYZE;

-- Leases of jobs are columns of `background_jobs` now. They lasted minutes, so nothing moves.
DROP TABLE leases;
UPDATE settings SET value = '0052' WHERE name = 'schema_floor';

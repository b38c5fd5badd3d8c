-- Changes of who owns every environment lock the accounts of the owners, no longer this row. (A replica of the release before
-- adds it again when it needs it.)
DELETE FROM settings WHERE name = 'owners_lock';

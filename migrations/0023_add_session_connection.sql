-- Through which SAML connection an administrator signed in: when it is switched off or removed, the session ends.
ALTER TABLE admin_sessions ADD COLUMN saml_connection_id TEXT;
CREATE INDEX admin_sessions_by_saml_connection ON admin_sessions (saml_connection_id)
    WHERE saml_connection_id IS NOT NULL;

-- Of earlier sessions it is not known.
UPDATE admin_sessions SET revoked_at = created_at WHERE method = 'saml' AND revoked_at IS NULL;

-- When somebody last proved in this session who they are: at its start, and whenever they are asked again before
-- what opens their account is changed. Sessions of before count as not asked.
ALTER TABLE admin_sessions ADD COLUMN authenticated_at BIGINT NOT NULL DEFAULT 0;

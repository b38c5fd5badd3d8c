-- From this migration on programs write `login_flows.attributes` sealed with the master key (`key name.base64`); what begins with `{`
-- is JSON in clear, of before. A program without it cannot read such a login.
UPDATE settings SET value = '0056' WHERE name = 'schema_floor';

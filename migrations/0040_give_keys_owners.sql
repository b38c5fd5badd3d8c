-- Our private keys: what each series of generations is for, and whose it is.
-- A key of the installation has no environment; one of an environment goes with it.
CREATE TABLE owned_signing_keys (
    id TEXT PRIMARY KEY, -- `kid`
    purpose TEXT NOT NULL, -- id_token, saml_sp, test_idp
    environment_id TEXT REFERENCES environments (id) ON DELETE CASCADE, -- NULL: the installation's
    algorithm TEXT NOT NULL,
    generation BIGINT NOT NULL, -- from 1; unique, so that one of many replicas makes the next key
    private_key TEXT NOT NULL, -- sealed PKCS#8
    certificate TEXT, -- PEM
    created_at BIGINT NOT NULL,
    active_from BIGINT NOT NULL,
    retired_at BIGINT
);
-- Keys that an environment left behind when it was removed are not taken along.
INSERT INTO owned_signing_keys (id, purpose, environment_id, algorithm, generation, private_key, certificate, created_at, active_from, retired_at)
SELECT id, purpose, NULLIF(environment_id, ''), algorithm, generation, private_key, certificate, created_at, active_from, retired_at
FROM signing_keys WHERE environment_id = '' OR environment_id IN (SELECT id FROM environments);
DROP TABLE signing_keys;
ALTER TABLE owned_signing_keys RENAME TO signing_keys;
-- Two indexes, because a unique index tells NULLs apart.
CREATE UNIQUE INDEX signing_keys_of_installation ON signing_keys (purpose, algorithm, generation)
    WHERE environment_id IS NULL;
CREATE UNIQUE INDEX signing_keys_of_environment ON signing_keys (environment_id, purpose, algorithm, generation)
    WHERE environment_id IS NOT NULL;
CREATE INDEX signing_keys_retired ON signing_keys (retired_at) WHERE retired_at IS NOT NULL;

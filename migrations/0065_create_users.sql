-- Accounts. No foreign key to the pool: a pool's users may be many, and are deleted in batches.
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL,
    organization_id TEXT NOT NULL, -- of the pool
    pool_id TEXT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,
    status TEXT NOT NULL, -- new, active, inactive, deleted
    source TEXT NOT NULL, -- standard, or jit: made at the first login
    user_type TEXT NOT NULL,
    display_name TEXT NOT NULL, -- from the payload; may be empty
    payload TEXT NOT NULL, -- JSON object: the profile that the user may change
    metadata TEXT NOT NULL, -- JSON object: what administrators write
    business_metadata TEXT NOT NULL, -- JSON object: what the organization's administrators write
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    status_updated_at BIGINT NOT NULL
);
CREATE INDEX users_by_pool ON users (pool_id, id);
CREATE INDEX users_by_environment ON users (environment_id); -- without the id: a pool's lists are not read by it
CREATE INDEX users_by_organization ON users (organization_id, id);

-- By what users are found when they sign in.
CREATE TABLE user_identifiers (
    pool_id TEXT NOT NULL,
    identifier_key TEXT NOT NULL, -- normal form. E-mail addresses, numbers and names share one space; the others have a prefix
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL, -- email, mobile, uid, external, federated
    identifier TEXT NOT NULL, -- as it was given
    metadata TEXT NOT NULL, -- JSON object
    created_at BIGINT NOT NULL,
    PRIMARY KEY (pool_id, identifier_key)
);
CREATE INDEX user_identifiers_by_user ON user_identifiers (user_id);
CREATE INDEX user_identifiers_names ON user_identifiers (pool_id, identifier_key) WHERE kind = 'uid'; -- whose case may count

-- The words of the display names: what users are found by in the console.
CREATE TABLE user_words (
    pool_id TEXT NOT NULL,
    word TEXT NOT NULL, -- lower case, as the hexadecimal digits of its bytes
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (pool_id, word, user_id)
);
CREATE INDEX user_words_by_user ON user_words (user_id);

-- Where users are reached.
CREATE TABLE user_addresses (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    address_key TEXT NOT NULL, -- normal form
    pool_id TEXT NOT NULL,
    kind TEXT NOT NULL, -- email, mobile
    address TEXT NOT NULL, -- as it was given
    verified_at BIGINT,
    status TEXT NOT NULL, -- active, inactive
    preferred_contact_method TEXT, -- of a mobile number: sms, voice
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, address_key)
);
CREATE INDEX user_addresses_by_pool ON user_addresses (pool_id, address_key, user_id);

-- One delivery of an event to a webhook: the durable queue, which is also the log. No foreign key: deliveries may be many,
-- and those of a removed webhook are deleted in batches, by their age.
CREATE TABLE kept_webhook_deliveries (
    id TEXT PRIMARY KEY, -- `webhook-id`
    webhook_id TEXT NOT NULL,
    environment_id TEXT NOT NULL,
    sequence BIGINT NOT NULL, -- of the event
    state TEXT NOT NULL, -- pending, delivered, failed
    attempts BIGINT NOT NULL,
    next_attempt_at BIGINT,
    last_status BIGINT, -- HTTP
    last_error TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
INSERT INTO kept_webhook_deliveries (id, webhook_id, environment_id, sequence, state, attempts, next_attempt_at, last_status, last_error, created_at, updated_at)
SELECT id, webhook_id, environment_id, sequence, state, attempts, next_attempt_at, last_status, last_error, created_at, updated_at
FROM webhook_deliveries;
DROP TABLE webhook_deliveries;
ALTER TABLE kept_webhook_deliveries RENAME TO webhook_deliveries;
CREATE UNIQUE INDEX webhook_deliveries_by_event ON webhook_deliveries (webhook_id, sequence, id);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_attempt_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (created_at);
CREATE INDEX webhook_deliveries_by_environment ON webhook_deliveries (environment_id);

-- What the background jobs did last, for `ostiary doctor`; and, for a job that one replica at a time runs, which one runs it
-- and when it runs again. A job that a release renames or drops takes its row along.
CREATE TABLE background_jobs (
    name TEXT PRIMARY KEY,
    period_ms BIGINT NOT NULL, -- how often it runs while it succeeds
    holder TEXT, -- the process that runs it now; NULL where every replica runs it
    lease_until BIGINT, -- from then on another process may take it from its holder, who renews this while it works
    due_at BIGINT, -- not before; NULL where every replica runs it
    last_started_at BIGINT NOT NULL,
    last_succeeded_at BIGINT,
    last_failed_at BIGINT,
    failures BIGINT NOT NULL, -- in a row
    last_error TEXT -- of the last failure, shortened
);

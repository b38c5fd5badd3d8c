-- What an import brought: run again, it tells what changed there since from what was changed here.
CREATE TABLE imported_objects (
    id TEXT PRIMARY KEY,
    source_sha256 TEXT NOT NULL, -- of the source's row, as it was when it was brought last
    written_at BIGINT NOT NULL -- the `updated_at` that the import gave; another one means it was changed here
);

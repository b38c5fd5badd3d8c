-- Which organization is above which, at any distance; each is its own ancestor at depth 0. Written when an organization is
-- made.
CREATE TABLE organization_closure (
    environment_id TEXT NOT NULL,
    ancestor_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    descendant_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    depth BIGINT NOT NULL,
    PRIMARY KEY (ancestor_id, descendant_id)
);
CREATE INDEX organization_closure_by_descendant ON organization_closure (descendant_id, depth);

INSERT INTO organization_closure (environment_id, ancestor_id, descendant_id, depth)
SELECT environment_id, id, id, 0 FROM organizations;
INSERT INTO organization_closure (environment_id, ancestor_id, descendant_id, depth)
SELECT environment_id, parent_id, id, 1 FROM organizations WHERE parent_id IS NOT NULL;

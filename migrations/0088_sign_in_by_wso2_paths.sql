-- Sign-ins at the root's issuer that were asked for by WSO2's paths, whose tokens have an issuer of their own: empty for the issuer
-- itself, oauth2 for that of the default environment, t for that of a named one.
ALTER TABLE authorization_requests ADD COLUMN issuer_form TEXT NOT NULL DEFAULT '';
ALTER TABLE authorization_grants ADD COLUMN issuer_form TEXT NOT NULL DEFAULT '';

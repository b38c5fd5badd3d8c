-- A small vendor with everything that an import meets: good rows, and rows that nobody would write today.
-- The last two digits of an id tell which one of its kind it is, the first two which kind.
INSERT INTO environments VALUES
    ('e0000000-0000-4000-8000-000000000001', 'Production', 'https://vendor.example/callback?from=sso',
     'https://vendor.example/oauth', NULL, NULL),
    ('e0000000-0000-4000-8000-000000000002', NULL, 'not a url', NULL, NULL, 'sso.vendor.example');

-- Secrets are SHA-256 of sixteen bytes.
INSERT INTO api_keys VALUES
    ('a0000000-0000-4000-8000-000000000001', 'e0000000-0000-4000-8000-000000000001',
     sha256('\xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1'), true),
    ('a0000000-0000-4000-8000-000000000002', 'e0000000-0000-4000-8000-000000000001',
     sha256('\xa2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2'), NULL),
    ('a0000000-0000-4000-8000-000000000003', 'e0000000-0000-4000-8000-000000000001', NULL, NULL);
INSERT INTO saml_oauth_clients VALUES
    ('c1000000-0000-4000-8000-000000000001', 'e0000000-0000-4000-8000-000000000001',
     sha256('\xc1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1'));

INSERT INTO organizations VALUES
    ('b0000000-0000-4000-8000-000000000001', 'e0000000-0000-4000-8000-000000000001', 'acme', 'Acme'),
    ('b0000000-0000-4000-8000-000000000002', 'e0000000-0000-4000-8000-000000000001', NULL, NULL),
    ('b0000000-0000-4000-8000-000000000003', 'e0000000-0000-4000-8000-000000000002', 'acme', E'Acme\u0007 staging');
INSERT INTO organization_domains VALUES
    ('d1000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000001', 'acme.example'),
    ('d1000000-0000-4000-8000-000000000002', 'b0000000-0000-4000-8000-000000000001', 'Acme.Example'),
    ('d1000000-0000-4000-8000-000000000003', 'b0000000-0000-4000-8000-000000000001', 'co.uk'),
    ('d1000000-0000-4000-8000-000000000004', 'b0000000-0000-4000-8000-000000000002', 'gmail.com');

-- The certificate of the first one is put in by the test, which has its key.
INSERT INTO saml_connections VALUES
    ('50000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000001', true,
     'https://idp.example/metadata', 'https://idp.example/sso?tenant=1', NULL,
     'https://auth.ssoready.example/v1/saml/OLD', 'https://auth.ssoready.example/v1/saml/OLD/acs'),
    ('50000000-0000-4000-8000-000000000002', 'b0000000-0000-4000-8000-000000000001', true,
     '', '', '\x30820001', 'https://auth.ssoready.example/v1/saml/2', 'https://auth.ssoready.example/v1/saml/2/acs'),
    ('50000000-0000-4000-8000-000000000003', 'b0000000-0000-4000-8000-000000000002', false,
     NULL, 'javascript:alert(1)', NULL, 'https://auth.ssoready.example/v1/saml/3',
     'https://auth.ssoready.example/v1/saml/3/acs'),
    ('50000000-0000-4000-8000-000000000004', 'b0000000-0000-4000-8000-000000000003', true,
     NULL, NULL, NULL, 'https://auth.ssoready.example/v1/saml/4', 'https://auth.ssoready.example/v1/saml/4/acs');

INSERT INTO scim_directories VALUES
    ('d0000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000001', true,
     'https://auth.ssoready.example/v1/scim/scim_directory_1', sha256('\xd1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1')),
    ('d0000000-0000-4000-8000-000000000002', 'b0000000-0000-4000-8000-000000000002', false,
     'https://auth.ssoready.example/v1/scim/scim_directory_2', NULL);

INSERT INTO scim_groups VALUES
    ('60000000-0000-4000-8000-000000000001', 'd0000000-0000-4000-8000-000000000001', 'Staff', false,
     '{"displayName": "Before", "externalId": "g-1", "members": [{"value": "stale"}]}'),
    ('60000000-0000-4000-8000-000000000002', 'd0000000-0000-4000-8000-000000000001', 'staff', false, NULL),
    ('60000000-0000-4000-8000-000000000003', 'd0000000-0000-4000-8000-000000000001', 'Gone', true, '{}');

INSERT INTO scim_users VALUES
    ('90000000-0000-4000-8000-000000000001', 'd0000000-0000-4000-8000-000000000001', 'Dana@acme.example', false,
     '{"id": "theirs", "userName": "before@acme.example", "active": "True", "externalId": "00u1",
       "name": {"givenName": "Dana", "familyName": "Okafor"},
       "emails": [{"value": "dana@acme.example", "primary": true}]}'),
    -- Deactivated.
    ('90000000-0000-4000-8000-000000000002', 'd0000000-0000-4000-8000-000000000001', 'evan@acme.example', true,
     '{"userName": "evan@acme.example", "active": false}'),
    -- Deleted.
    ('90000000-0000-4000-8000-000000000003', 'd0000000-0000-4000-8000-000000000001', 'gone@acme.example', true,
     '{"userName": "gone@acme.example", "active": true}'),
    -- Of a domain that the organization has not.
    ('90000000-0000-4000-8000-000000000004', 'd0000000-0000-4000-8000-000000000001', 'fay@elsewhere.example', false,
     NULL),
    -- The first one in another case.
    ('90000000-0000-4000-8000-000000000005', 'd0000000-0000-4000-8000-000000000001', 'dana@acme.example', false,
     '{}'),
    -- Without an address.
    ('90000000-0000-4000-8000-000000000006', 'd0000000-0000-4000-8000-000000000001', '', false, '{}'),
    -- With attributes that no schema admits, and with a foreign second address.
    ('90000000-0000-4000-8000-000000000007', 'd0000000-0000-4000-8000-000000000001', 'hal@acme.example', false,
     '{"title": ["a", "b"], "nickName": "Hal",
       "emails": [{"value": "hal@acme.example"}, {"value": "hal@elsewhere.example"}]}');

INSERT INTO scim_user_group_memberships VALUES
    ('70000000-0000-4000-8000-000000000001', 'd0000000-0000-4000-8000-000000000001',
     '90000000-0000-4000-8000-000000000001', '60000000-0000-4000-8000-000000000001'),
    ('70000000-0000-4000-8000-000000000002', 'd0000000-0000-4000-8000-000000000001',
     '90000000-0000-4000-8000-000000000002', '60000000-0000-4000-8000-000000000001'),
    ('70000000-0000-4000-8000-000000000003', 'd0000000-0000-4000-8000-000000000001',
     '90000000-0000-4000-8000-000000000003', '60000000-0000-4000-8000-000000000001'),
    ('70000000-0000-4000-8000-000000000004', 'd0000000-0000-4000-8000-000000000001',
     '90000000-0000-4000-8000-000000000001', '60000000-0000-4000-8000-000000000003');

#!/usr/bin/env bash
# SecureAuth's guides for the onboarding of B2B customers, as commands: a token for a service client, an organization from a
# template, metadata in both shapes, verification. It needs curl and jq.
#
#   B     the public URL, without a slash at its end
#   T     the environment's slug or id
#   CID   a service client of the workspace `system` with the scopes manage_organizations and identity
#   CSEC  its secret
set -euo pipefail
: "${B:?}" "${T:?}" "${CID:?}" "${CSEC:?}"

fail() { echo "failed: $*" >&2; exit 1; }
is() { [ "$2" = "$3" ] || fail "$1 is $2, expected $3"; }

# 1. A token by client credentials.
TOKEN_ANSWER=$(curl -s -X POST "$B/$T/system/oauth2/token" -H "Content-Type: application/x-www-form-urlencoded" \
 -d "grant_type=client_credentials" -d "client_id=$CID" -d "client_secret=$CSEC" -d "scope=manage_organizations")
is "the keys of the token answer" "$(jq -c 'keys' <<<"$TOKEN_ANSWER")" '["access_token","expires_in","scope","token_type"]'
is "expires_in" "$(jq -c .expires_in <<<"$TOKEN_ANSWER")" 3600
TOK=$(jq -r .access_token <<<"$TOKEN_ANSWER")

# What the guides have made before: the template, whose id and name they use, and a parent.
create() {
 curl -s -o /tmp/answer.$$ -w '%{http_code}' -X POST "$B/api/system/$T/organizations" -H "Authorization: Bearer $TOK" \
  -H "Content-Type: application/json" -d "$1"
}
answer() { cat /tmp/answer.$$; }
trap 'rm -f /tmp/answer.$$' EXIT

is "the template" "$(create '{"id":"a13ee0f6236f4d7f89085945c3f75cdx","name":"b2b-customer-template","template":true,"metadata":{"schema":{"properties":{"orgEntitlements":{"type":"array","items":{"type":"string"}},"region":{"type":"string"},"salesforceId":{"type":"string","maxLength":18}},"additionalProperties":false,"type":"object"}}}')" 201
is "the parent" "$(create '{"id":"parent-org-id","name":"Parent"}')" 201

# The template's pool, as the guide leaves it.
IDENTITY=$(curl -s -X POST "$B/$T/system/oauth2/token" -d "grant_type=client_credentials" -d "client_id=$CID" \
 -d "client_secret=$CSEC" -d "scope=identity" | jq -r .access_token)
POOL=$(curl -sf -X POST "$B/api/identity/$T/system/pools" -H "Authorization: Bearer $IDENTITY" -H "Content-Type: application/json" \
 -d '{"name":"People","workspace_id":"a13ee0f6236f4d7f89085945c3f75cdx","authentication_mechanisms":["password","webauthn"],"preferred_authentication_mechanism":"password"}' | jq -r .id)
[ -n "$POOL" ] || fail "the template has no pool"

# 2. An organization from the template: the fewest members, the recommended ones, and the envelope with the template's name.
KEYS='["authentication_mechanisms","color","deactivated","description","domains","id","issuer_url","metadata","name","number_of_child_organizations","parent_id","subject_format","subject_identifier_algorithm_salt","template","theme_id"]'
SCHEMA='{"additionalProperties":false,"properties":{"orgEntitlements":{"items":{"type":"string"},"type":"array"},"region":{"type":"string"},"salesforceId":{"maxLength":18,"type":"string"}},"type":"object"}'
checked() {
 is "the keys of $1" "$(jq -c 'del(.displayName, .email) | keys' <<<"$(answer)")" "$KEYS"
 is "the schema of $1" "$(jq -cS .metadata.schema <<<"$(answer)")" "$SCHEMA"
 is "the name" "$(jq -r .name <<<"$(answer)")" "$1"
 is "the template flag of $1" "$(jq -c .template <<<"$(answer)")" false
 is "the issuer of $1" "$(jq -r .issuer_url <<<"$(answer)")" "$B/$T/$(jq -r .id <<<"$(answer)")"
}

is "acme-corp-001" "$(create '{"name":"acme-corp-001","displayName":"ACME Corporation","template_id":"a13ee0f6236f4d7f89085945c3f75cdx"}')" 201
checked acme-corp-001
is "its payload" "$(jq -c .metadata.payload <<<"$(answer)")" '{}'
is "its display name" "$(jq -r .displayName <<<"$(answer)")" "ACME Corporation"
ORG=$(jq -r .id <<<"$(answer)")
[[ $ORG =~ ^[0-9a-f]{32}$ ]] || fail "a generated id is $ORG"

is "acme-corp-002" "$(create '{"name":"acme-corp-002","displayName":"ACME Corporation","template_id":"a13ee0f6236f4d7f89085945c3f75cdx","description":"ACME Corporation - Global Manufacturing","email":"contact@acme.com","metadata":{"salesforceId":"001xx000003DGb2AAG","orgEntitlements":["premium","analytics","api-access"],"region":"North America"}}')" 201
checked acme-corp-002
is "its payload" "$(jq -cS .metadata.payload <<<"$(answer)")" '{"orgEntitlements":["premium","analytics","api-access"],"region":"North America","salesforceId":"001xx000003DGb2AAG"}'
is "its e-mail" "$(jq -r .email <<<"$(answer)")" "contact@acme.com"

is "acme-corp-003" "$(create '{"name":"acme-corp-003","description":"ACME Corporation - Global Manufacturing","parent_id":"parent-org-id","template_id":"b2b-customer-template","metadata":{"payload":{"salesforceId":"001xx000003DGb2AAG","orgEntitlements":["premium","analytics"],"region":"North America"}}}')" 201
checked acme-corp-003
is "its payload" "$(jq -cS .metadata.payload <<<"$(answer)")" '{"orgEntitlements":["premium","analytics"],"region":"North America","salesforceId":"001xx000003DGb2AAG"}'
is "its parent" "$(jq -r .parent_id <<<"$(answer)")" parent-org-id
CHILD=$(jq -r .id <<<"$(answer)")

# 3. Verification.
get() { curl -sf "$B$1" -H "Authorization: Bearer $TOK"; }
is "the parent's children" "$(get "/api/system/$T/organizations/parent-org-id" | jq -c .number_of_child_organizations)" 1
is "the list of the parent's children" "$(get "/api/system/$T/organizations?parent_id=parent-org-id" | jq -r '.organizations[].id')" "$CHILD"
is "the schema, read again" "$(get "/api/system/$T/organizations/$ORG" | jq -cS .metadata.schema)" "$SCHEMA"

# What is refused.
is "the same name again" "$(create '{"name":"acme-corp-001","template_id":"b2b-customer-template"}')" 409
is "its code" "$(jq -r .error_code <<<"$(answer)")" organization_name_exists
is "an unknown member of the metadata" "$(create '{"name":"acme-corp-004","template_id":"b2b-customer-template","metadata":{"x":1}}')" 422
is "its code" "$(jq -r .error_code <<<"$(answer)")" metadata_schema_violation
is "a Salesforce id of 19 characters" "$(create '{"name":"acme-corp-004","template_id":"b2b-customer-template","metadata":{"salesforceId":"001xx000003DGb2AAGG"}}')" 422
is "the refused name" "$(get "/api/system/$T/organizations?search_phrase=acme-corp-004" | jq -c .organizations)" '[]'

# The new organization has a pool of its own, with the template's mechanisms.
POOLS=$(curl -sf "$B/api/identity/$T/system/workspace/$ORG/pools" -H "Authorization: Bearer $IDENTITY")
is "its pools" "$(jq -c '[.pools[] | [.name, .authentication_mechanisms, .preferred_authentication_mechanism, .workspace_id, .number_of_users]]' <<<"$POOLS")" \
 "[[\"People\",[\"password\",\"webauthn\"],\"password\",\"$ORG\",0]]"
[ "$(jq -r '.pools[0].id' <<<"$POOLS")" != "$POOL" ] || fail "the pool is the template's"

# A token without the scope, and one of nobody.
STATUS=$(curl -s -o /dev/null -w '%{http_code}' "$B/api/system/$T/organizations" -H "Authorization: Bearer $IDENTITY")
is "a token of another scope" "$STATUS" 403
STATUS=$(curl -s -o /dev/null -w '%{http_code}' "$B/api/system/$T/organizations" -H "Authorization: Bearer x.y.z")
is "a token of nobody" "$STATUS" 401
echo "the guides work"

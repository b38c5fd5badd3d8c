#!/bin/bash
# WSO2's guide "Onboard organization administrators", self-service, with its calls as they stand.
#   B     the base URL            CID, CSEC  the vendor's application "B2B App", which is shared with all organizations
#   OTHER an application of the same vendor that is not shared: its id and secret in OCID, OCSEC
set -euo pipefail
J='Content-Type: application/json'
fail() { echo "$1" >&2; exit 1; }
is() { [ "$2" = "$3" ] || fail "$1: expected $3, got $2"; }

# --- Administrators in the organization
ROOT=$(curl -s -X POST "$B/oauth2/token" -u "$CID:$CSEC" -H 'Content-Type: application/x-www-form-urlencoded' -d 'grant_type=client_credentials&scope=internal_org_role_mgt_view internal_org_role_mgt_update internal_org_user_mgt_create internal_org_user_mgt_list internal_org_application_mgt_view internal_organization_view internal_organization_create internal_user_mgt_view internal_user_mgt_create' | jq -r .access_token)
is 'a name that is free' "$(curl -s "$B/api/server/v1/organizations/check-name" -H "Authorization: Bearer $ROOT" -H "$J" -d '{"name":"BestCar"}')" '{"available":true}'
ORG=$(curl -s "$B/api/server/v1/organizations" -H "Authorization: Bearer $ROOT" -H "$J" -d '{"name":"BestCar"}' | jq -r .id)
is 'a name that is taken' "$(curl -s "$B/api/server/v1/organizations/check-name" -H "Authorization: Bearer $ROOT" -H "$J" -d '{"name":"BestCar"}')" '{"available":false}'
OT=$(curl -s -X POST "$B/oauth2/token" -u "$CID:$CSEC" -d "grant_type=organization_switch&token=$ROOT&switching_organization=$ORG&scope=internal_org_role_mgt_view internal_org_role_mgt_update internal_org_user_mgt_create internal_org_user_mgt_list internal_org_application_mgt_view" | jq -r .access_token)
U=$(curl -s "$B/o/scim2/Users" -H "$J" -H "Authorization: Bearer $OT" --data-raw '{"emails":[{"primary":true,"value":"bob@bestcar.test"}],"name":{"familyName":"B","givenName":"Bob"},"userName":"bob","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"askPassword":"true"}}' | jq -r .id)
APP=$(curl -s "$B/o/api/server/v1/applications?filter=name%20eq%20B2B%20App" -H "Authorization: Bearer $OT" | jq -r '.applications[0].id')
R=$(curl -s "$B/o/scim2/v2/Roles?filter=displayName%20eq%20App%20Admin%20and%20audience.value%20eq%20$APP" -H 'Accept: application/json' -H "Authorization: Bearer $OT" | jq -r '.Resources[0].id')
is 'the role is given' "$(curl -s -o /dev/null -w '%{http_code}' -X PATCH "$B/o/scim2/v2/Roles/$R" -H "Authorization: Bearer $OT" -H "$J" -d "{\"Operations\":[{\"op\":\"add\",\"path\":\"users\",\"value\":[{\"value\":\"$U\"}]}]}")" 200
is 'and shows bob' "$(curl -s "$B/o/scim2/v2/Roles/$R" -H "Authorization: Bearer $OT" | jq -r '.users[0].value, .users[0].display' | tr '\n' ' ')" "$U bob "

# --- Administrators in the root
RU=$(curl -s "$B/scim2/Users" -H "$J" -H "Authorization: Bearer $ROOT" -d '{"userName":"ann","password":"violet kettle under snow","name":{"givenName":"Ann","familyName":"A"},"emails":[{"primary":true,"value":"ann@vendor.test"}]}' | jq -r .id)
ORG2=$(curl -s "$B/api/server/v1/organizations" -H "Authorization: Bearer $ROOT" -H "$J" -d "{\"name\":\"SecondCar\",\"attributes\":[{\"key\":\"creator.id\",\"value\":\"$RU\"},{\"key\":\"creator.username\",\"value\":\"ann\"}]}" | jq -r .id)
OT2=$(curl -s -X POST "$B/oauth2/token" -u "$CID:$CSEC" -d "grant_type=organization_switch&token=$ROOT&switching_organization=$ORG2&scope=internal_org_role_mgt_view internal_org_role_mgt_update internal_org_user_mgt_create internal_org_user_mgt_list internal_org_application_mgt_view" | jq -r .access_token)
SU=$(curl -s "$B/o/scim2/Users?filter=userName%20eq%20ann" -H "Authorization: Bearer $OT2" | jq -r '.Resources[0].id')
[ "$SU" != null ] && [ "$SU" != "$RU" ] || fail "the shadow user: $SU"
APP2=$(curl -s "$B/o/api/server/v1/applications?filter=name%20eq%20B2B%20App" -H "Authorization: Bearer $OT2" | jq -r '.applications[0].id')
[ "$APP2" != "$APP" ] || fail 'an application has an id of its own in each organization'
R2=$(curl -s "$B/o/scim2/v2/Roles?filter=displayName%20eq%20App%20Admin%20and%20audience.value%20eq%20$APP2" -H "Authorization: Bearer $OT2" | jq -r '.Resources[0].id')
is 'the role is given to the shadow user' "$(curl -s -o /dev/null -w '%{http_code}' -X PATCH "$B/o/scim2/v2/Roles/$R2" -H "Authorization: Bearer $OT2" -H "$J" -d "{\"Operations\":[{\"op\":\"add\",\"path\":\"users\",\"value\":[{\"value\":\"$SU\"}]}]}")" 200

# --- What is refused
is 'a root token in an organization' "$(curl -s -o /dev/null -w '%{http_code}' "$B/o/scim2/Users" -H "Authorization: Bearer $ROOT")" 403
is "another organization's role" "$(curl -s -o /dev/null -w '%{http_code}' "$B/o/scim2/v2/Roles/$R2" -H "Authorization: Bearer $OT")" 404
is 'a name that is taken, made again' "$(curl -s "$B/api/server/v1/organizations" -H "Authorization: Bearer $ROOT" -H "$J" -d '{"name":"BestCar"}' | jq -r .code)" ORG-60076
is "another organization's address" "$(curl -s -o /dev/null -w '%{http_code}' "$B/o/$ORG2/scim2/Users" -H "Authorization: Bearer $OT")" 403
OTHER=$(curl -s -X POST "$B/oauth2/token" -u "$OCID:$OCSEC" -d 'grant_type=client_credentials' | jq -r .access_token)
is 'a switch of an application that is not shared' "$(curl -s -X POST "$B/oauth2/token" -u "$OCID:$OCSEC" -d "grant_type=organization_switch&token=$OTHER&switching_organization=$ORG" | jq -r .error)" invalid_grant
echo "$ORG $U $ORG2 $RU $SU"

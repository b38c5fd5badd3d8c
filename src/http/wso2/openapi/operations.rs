//! What each operation is, what it takes, and what it answers.

use serde_json::{Value, json};

use crate::links::{path, wso2};

/// An operation.
pub(super) struct Operation {
    /// The forms of its path.
    pub path: [&'static str; 6],
    pub method: &'static str,
    pub tag: &'static str,
    pub id: &'static str,
    pub summary: &'static str,
    pub about: &'static str,
    /// The parameters of the query.
    pub query: &'static [(&'static str, &'static str)],
    /// The schema of the body; empty for none.
    pub body: &'static str,
    /// The status, and the schema of the answer; empty for none.
    pub good: (&'static str, &'static str),
}

/// The parameters of paths.
pub(super) const PATH_PARAMETERS: &[(&str, &str)] = &[
    ("id", "The id: a UUID."),
    ("api", "The id of the API, or its identifier."),
    ("other", "The id of an organization that has it."),
    ("owner", "The id of the organization that owns it."),
];

/// The token endpoints.
pub(super) const TOKEN: [&str; 2] = [path::DEFAULT_TENANT_TOKEN, path::TENANT_TOKEN];

const FILTER: (&str, &str) =
    ("filter", "Comparisons with `and` between them: `name co Acme`. Values need no quotes.");
const LIMIT: (&str, &str) = ("limit", "How many at most.");
const PAGE: &[(&str, &str)] = &[
    FILTER,
    LIMIT,
    ("after", "The cursor of the next page, from `links`."),
    ("before", "The cursor of the previous page, from `links`."),
    ("recursive", "`true`: those further below too."),
];
const ATTRIBUTES: (&str, &str) = ("attributes", "What is answered besides, separated by commas.");
const SHARED: &[(&str, &str)] = &[ATTRIBUTES, LIMIT, ("after", "The cursor of the next page, from `links`.")];
const SCIM_LIST: &[(&str, &str)] = &[
    FILTER,
    ("startIndex", "The number of the first, from 1."),
    ("count", "How many at most."),
    ("attributes", "What is answered, separated by commas."),
    ("excludedAttributes", "What is not answered, separated by commas."),
];
const SCIM_ONE: &[(&str, &str)] = &[
    ("attributes", "What is answered, separated by commas."),
    ("excludedAttributes", "What is not answered, separated by commas."),
];

macro_rules! operations {
    ($($tag:literal: {$(
        $path:ident $method:ident $id:literal $summary:literal $about:literal
        [$($query:expr)?] ($body:literal) -> $status:literal $answer:literal;
    )*})*) => {
        /// All of them.
        pub(super) const OPERATIONS: &[Operation] = &[$($(Operation {
            path: wso2::$path,
            method: stringify!($method),
            tag: $tag,
            id: concat!("wso2", $id),
            summary: $summary,
            about: $about,
            query: operations!(@query $($query)?),
            body: $body,
            good: ($status, $answer),
        },)*)*];
    };
    (@query) => { &[] };
    (@query $query:expr) => { $query };
}

operations! {
    "WSO2 organizations": {
        ORGANIZATIONS get "ListOrganizations" "List organizations" "The newest first: 15 a page, 30 at most." [PAGE] ("") -> "200" "Wso2Organizations";
        ORGANIZATIONS post "CreateOrganization" "Create an organization" "Right below the one in which the caller acts. With the attribute `creator.id` that user gets an image in it." [] ("Wso2NewOrganization") -> "201" "Wso2Organization";
        CHECK_NAME post "CheckOrganizationName" "Ask whether a name is free" "" [] ("Wso2Name") -> "200" "Wso2Available";
        CHECK_HANDLE post "CheckOrganizationHandle" "Ask whether a handle is free" "" [] ("Wso2Handle") -> "200" "Wso2Available";
        OWN_ORGANIZATION get "GetOwnOrganization" "Get the caller's organization" "" [] ("") -> "200" "Wso2Organization";
        OWN_ORGANIZATION patch "PatchOwnOrganization" "Change the caller's organization" "Its name and its version only." [] ("Wso2Operations") -> "200" "Wso2Organization";
        ORGANIZATION_METADATA get "GetOrganizationMetadata" "Get the caller's organization and rights" "With `permissions` and `discoveryAttributes`." [] ("") -> "200" "Wso2Organization";
        ORGANIZATION_META_ATTRIBUTES get "ListMetaAttributes" "List the keys of attributes" "" [PAGE] ("") -> "200" "Wso2MetaAttributes";
        ORGANIZATION get "GetOrganization" "Get an organization" "" [&[("includePermissions", "`true`: with what the caller may do.")]] ("") -> "200" "Wso2Organization";
        ORGANIZATION patch "PatchOrganization" "Change an organization" "" [] ("Wso2Operations") -> "200" "Wso2Organization";
        ORGANIZATION put "ReplaceOrganization" "Replace an organization" "What is absent is removed, but for the version." [] ("Wso2OrganizationReplacement") -> "200" "Wso2Organization";
        ORGANIZATION delete "DeleteOrganization" "Delete an organization" "None may be below it." [] ("") -> "204" "";
    }
    "WSO2 discovery": {
        ORGANIZATIONS_DISCOVERY get "ListDiscovery" "List organizations with their domains" "" [&[FILTER, LIMIT, ("offset", "How many are skipped.")]] ("") -> "200" "Wso2Discoveries";
        ORGANIZATIONS_DISCOVERY post "CreateDiscovery" "Add an organization's domains" "" [] ("Wso2NewDiscovery") -> "201" "Wso2Discovery";
        CHECK_DISCOVERY post "CheckDiscovery" "Ask whether a domain is free" "" [] ("Wso2DiscoveryValue") -> "200" "Wso2Available";
        ORGANIZATION_DISCOVERY get "GetDiscovery" "Get an organization's domains" "" [] ("") -> "200" "Wso2Discovery";
        ORGANIZATION_DISCOVERY put "ReplaceDiscovery" "Replace an organization's domains" "" [] ("Wso2Discovery") -> "200" "Wso2Discovery";
        ORGANIZATION_DISCOVERY delete "DeleteDiscovery" "Remove an organization's domains" "" [] ("") -> "204" "";
        DISCOVERY_SETTINGS get "GetDiscoverySettings" "Get the settings of discovery" "" [] ("") -> "200" "Wso2Properties";
        DISCOVERY_SETTINGS post "CreateDiscoverySettings" "Decide on discovery for the first time" "" [] ("Wso2Properties") -> "201" "Wso2Properties";
        DISCOVERY_SETTINGS put "ReplaceDiscoverySettings" "Decide on discovery" "" [] ("Wso2Properties") -> "200" "Wso2Properties";
        DISCOVERY_SETTINGS delete "DeleteDiscoverySettings" "Forget the settings of discovery" "" [] ("") -> "204" "";
    }
    "WSO2 applications": {
        APPLICATIONS get "ListApplications" "List applications" "Where the caller acts: in an organization those that are shared with it, by their ids there." [&[FILTER, LIMIT, ("offset", "How many are skipped."), ATTRIBUTES]] ("") -> "200" "Wso2Applications";
        APPLICATIONS post "CreateApplication" "Create an application" "" [] ("Wso2NewApplication") -> "201" "Wso2Application";
        APPLICATION get "GetApplication" "Get an application" "" [] ("") -> "200" "Wso2Application";
        APPLICATION patch "PatchApplication" "Change an application" "" [] ("Wso2NewApplication") -> "200" "Wso2Application";
        APPLICATION delete "DeleteApplication" "Delete an application" "Its tokens end." [] ("") -> "204" "";
        APPLICATION_PROTOCOLS get "ListProtocols" "List an application's protocols" "" [] ("") -> "200" "Wso2Protocols";
        APPLICATION_OIDC get "GetOidc" "Get the OpenID Connect settings" "The secret is there once, within an hour of the creation." [] ("") -> "200" "Wso2Oidc";
        APPLICATION_OIDC put "ReplaceOidc" "Replace the OpenID Connect settings" "" [] ("Wso2Oidc") -> "200" "Wso2Oidc";
        APPLICATION_SECRET post "RegenerateSecret" "Make a new secret" "" [] ("") -> "200" "Wso2Oidc";
        AUTHORIZED_APIS get "ListAuthorizedApis" "List the APIs of an application" "" [] ("") -> "200" "Wso2Apis";
        AUTHORIZED_APIS post "AuthorizeApi" "Authorize an API" "" [] ("Wso2NewApi") -> "200" "";
        AUTHORIZED_API patch "PatchAuthorizedApi" "Change the scopes of an API" "" [] ("Wso2ApiChange") -> "200" "";
        AUTHORIZED_API delete "DeleteAuthorizedApi" "Take an API from an application" "" [] ("") -> "204" "";
        SHARE_APPLICATION post "ShareApplication" "Share with organizations" "" [] ("Wso2Share") -> "202" "Wso2Accepted";
        SHARE_APPLICATION patch "ChangeSharedRoles" "Change which roles are shared" "" [] ("Wso2ShareOperations") -> "202" "Wso2Accepted";
        SHARE_APPLICATION_WITH_ALL post "ShareApplicationWithAll" "Share with all organizations" "" [] ("Wso2ShareWithAll") -> "202" "Wso2Accepted";
        UNSHARE_APPLICATION post "UnshareApplication" "End sharing with organizations" "" [] ("Wso2Unshare") -> "202" "Wso2Accepted";
        UNSHARE_APPLICATION_WITH_ALL post "UnshareApplicationWithAll" "End sharing with all" "" [] ("Wso2Unshare") -> "202" "Wso2Accepted";
        APPLICATION_SHARE get "ListShare" "List who has an application" "" [SHARED] ("") -> "200" "Wso2SharedOrganizations";
        APPLICATION_SHARE post "Share" "Share an application, as before" "" [] ("Wso2ShareAsBefore") -> "200" "";
        APPLICATION_SHARE_WITH delete "Unshare" "Take an application from an organization" "" [] ("") -> "204" "";
        SHARED_APPLICATIONS get "ListSharedApplications" "List an application's images" "" [SHARED] ("") -> "200" "Wso2SharedApplications";
        SHARED_APPLICATIONS delete "UnshareAll" "Take an application from all" "" [] ("") -> "204" "";
        ORGANIZATION_APPLICATION_SHARE get "ListShareOfOwner" "List who has an owner's application" "" [SHARED] ("") -> "200" "Wso2SharedOrganizations";
        ORGANIZATION_APPLICATION_SHARE post "ShareOfOwner" "Share an owner's application" "" [] ("Wso2ShareAsBefore") -> "200" "";
        ORGANIZATION_APPLICATION_SHARE_WITH delete "UnshareOfOwner" "Take an owner's application from one" "" [] ("") -> "204" "";
        ORGANIZATION_SHARED_APPLICATIONS get "ListSharedApplicationsOfOwner" "List an owner's application's images" "" [SHARED] ("") -> "200" "Wso2SharedApplications";
        ORGANIZATION_SHARED_APPLICATIONS delete "UnshareAllOfOwner" "Take an owner's application from all" "" [] ("") -> "204" "";
    }
    "WSO2 roles": {
        ROLES get "ListRoles" "List roles" "By `displayName`, `audience.value` and `audience.type`." [SCIM_LIST] ("") -> "200" "Wso2ScimList";
        ROLES post "CreateRole" "Create a role" "" [] ("Wso2Role") -> "201" "Wso2Role";
        ROLES_SEARCH post "SearchRoles" "Search roles" "" [] ("Wso2ScimSearch") -> "200" "Wso2ScimList";
        ROLE get "GetRole" "Get a role" "With the users and groups who have it." [SCIM_ONE] ("") -> "200" "Wso2Role";
        ROLE put "ReplaceRole" "Replace a role" "" [] ("Wso2Role") -> "200" "Wso2Role";
        ROLE patch "PatchRole" "Change a role" "Users and groups, also of a shared role; name and permissions of one's own." [] ("Wso2ScimPatch") -> "200" "Wso2Role";
        ROLE delete "DeleteRole" "Delete a role" "" [] ("") -> "204" "";
    }
    "WSO2 users": {
        SCIM_USERS get "ListUsers" "List users" "" [SCIM_LIST] ("") -> "200" "Wso2ScimList";
        SCIM_USERS post "CreateUser" "Create a user" "With a `password`, which must be changed, or with `askPassword`: then a letter asks for one." [] ("Wso2ScimUser") -> "201" "Wso2ScimUser";
        SCIM_USER_SEARCH post "SearchUsers" "Search users" "" [] ("Wso2ScimSearch") -> "200" "Wso2ScimList";
        SCIM_USER get "GetUser" "Get a user" "" [SCIM_ONE] ("") -> "200" "Wso2ScimUser";
        SCIM_USER put "ReplaceUser" "Replace a user" "" [] ("Wso2ScimUser") -> "200" "Wso2ScimUser";
        SCIM_USER patch "PatchUser" "Change a user" "" [] ("Wso2ScimPatch") -> "200" "Wso2ScimUser";
        SCIM_USER delete "DeleteUser" "Delete a user" "" [] ("") -> "204" "";
        SCIM_GROUPS get "ListGroups" "List groups" "" [SCIM_LIST] ("") -> "200" "Wso2ScimList";
        SCIM_GROUPS post "CreateGroup" "Create a group" "" [] ("Wso2ScimGroup") -> "201" "Wso2ScimGroup";
        SCIM_GROUP_SEARCH post "SearchGroups" "Search groups" "" [] ("Wso2ScimSearch") -> "200" "Wso2ScimList";
        SCIM_GROUP get "GetGroup" "Get a group" "" [SCIM_ONE] ("") -> "200" "Wso2ScimGroup";
        SCIM_GROUP put "ReplaceGroup" "Replace a group" "" [] ("Wso2ScimGroup") -> "200" "Wso2ScimGroup";
        SCIM_GROUP patch "PatchGroup" "Change a group" "" [] ("Wso2ScimPatch") -> "200" "Wso2ScimGroup";
        SCIM_GROUP delete "DeleteGroup" "Delete a group" "" [] ("") -> "204" "";
        SCIM_SERVICE_PROVIDER_CONFIG get "GetServiceProviderConfig" "Get what the SCIM server can do" "" [] ("") -> "200" "Wso2ScimResource";
        SCIM_RESOURCE_TYPES get "ListResourceTypes" "List the types of resources" "" [] ("") -> "200" "Wso2ScimList";
        SCIM_RESOURCE_TYPE get "GetResourceType" "Get a type of resources" "" [] ("") -> "200" "Wso2ScimResource";
        SCIM_SCHEMAS get "ListSchemas" "List the schemas of resources" "" [] ("") -> "200" "Wso2ScimList";
        SCIM_SCHEMA get "GetSchema" "Get a schema of resources" "" [] ("") -> "200" "Wso2ScimResource";
    }
    "WSO2 guests": {
        INVITE_GUESTS post "InviteGuests" "Invite users of the organization above" "Each user has a result of their own. The confirmation code is answered where no letter brings it." [] ("Wso2Invite") -> "201" "Wso2Invited";
        GUEST_INVITATIONS get "ListInvitations" "List invitations" "" [&[("filter", "`status eq PENDING` or `status eq EXPIRED`.")]] ("") -> "200" "Wso2Invitations";
        GUEST_INVITATION delete "DeleteInvitation" "Take an invitation back" "Also answered so where there is none." [] ("") -> "204" "";
        INTROSPECT_INVITATION post "IntrospectInvitation" "Ask whose a confirmation code is" "Where the invited have their account." [] ("Wso2ConfirmationCode") -> "200" "Wso2IntrospectedInvitation";
        ACCEPT_INVITATION post "AcceptInvitation" "Accept an invitation" "It takes the code and no token. The code is good once, for 72 hours." [] ("Wso2ConfirmationCode") -> "204" "";
    }
}

/// The token endpoint, with the grant that is WSO2's.
pub(super) fn token() -> Value {
    let text = |about: &str| json!({ "type": "string", "description": about });
    let answer = |about: &str, schema: &str| {
        let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
        json!({ "description": about, "content": { "application/json": { "schema": schema } } })
    };
    let schema = json!({
        "type": "object",
        "properties": {
            "grant_type": { "type": "string", "description": "`client_credentials`, `authorization_code`, `refresh_token` or `organization_switch`.", "example": "client_credentials" },
            "scope": text("The scopes that are asked for, separated by spaces. Those that cannot be given are left out."),
            "token": text("Of a switch: the access token that is exchanged."),
            "switching_organization": text("Of a switch: the id of the organization."),
            "code": text("Of a sign-in: the code."),
            "redirect_uri": text("Of a sign-in: where the code was sent to."),
            "code_verifier": text("Of a sign-in: what its `code_challenge` was made from (RFC 7636)."),
            "refresh_token": text("The refresh token."),
        },
        "required": ["grant_type"],
    });
    json!({
        "tags": ["WSO2 tokens"],
        "operationId": "wso2Token",
        "summary": "Get an access token by WSO2's path",
        "description": "Client credentials, the code of a sign-in, a refresh token, and `organization_switch`: a token for one that is good \
            in an organization with which the application is shared. Authorization, userinfo, keys, introspection, revocation and \
            signing out are beside it; `/oauth2/token/.well-known/openid-configuration` names them.",
        "security": [{ "clientSecret": [] }],
        "requestBody": { "required": true, "content": { "application/x-www-form-urlencoded": { "schema": schema } } },
        "responses": {
            "200": answer("The token.", "IssuerTokens"),
            "400": answer("The form is not right, or the organization, the token or the sharing does not permit it.", "IssuerError"),
            "401": answer("The client is not authenticated: `invalid_client`.", "IssuerError"),
            "404": answer("There is no default environment.", "IssuerError"),
            "429": answer("Too many wrong secrets: `temporarily_unavailable`, with `Retry-After`.", "IssuerError"),
        },
    })
}

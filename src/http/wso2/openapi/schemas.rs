//! What is sent and answered. SCIM's resources are open: schemas have more attributes than the document names.

use serde_json::{Value, json};

fn text(about: &str) -> Value {
    json!({ "type": "string", "description": about })
}

fn flag(about: &str) -> Value {
    json!({ "type": "boolean", "description": about })
}

fn number(about: &str) -> Value {
    json!({ "type": "integer", "description": about })
}

fn of(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn list(about: &str, items: Value) -> Value {
    json!({ "type": "array", "description": about, "items": items })
}

fn texts(about: &str) -> Value {
    list(about, json!({ "type": "string" }))
}

fn one_of(about: &str, values: &[&str]) -> Value {
    json!({ "type": "string", "description": about, "enum": values })
}

/// Any JSON.
fn any(about: &str) -> Value {
    json!({ "description": about })
}

/// An object. The names of members that are always there end with `!`.
fn object(about: &str, members: &[(&str, Value)]) -> Value {
    let mut required = Vec::new();
    let mut properties = serde_json::Map::new();
    for (name, schema) in members {
        let plain = name.trim_end_matches('!');
        if plain != *name {
            required.push(plain);
        }
        properties.insert(plain.to_owned(), schema.clone());
    }
    json!({ "type": "object", "description": about, "properties": properties, "required": required })
}

/// An object with more members than the document names.
fn open(about: &str, members: &[(&str, Value)]) -> Value {
    let mut schema = object(about, members);
    schema["additionalProperties"] = true.into();
    schema
}

/// What a caller fills in is a variable of the shell in examples: `orgHandle` is `$ORG_HANDLE`.
fn variable(name: &str) -> String {
    let mut text = String::from("$");
    for c in name.chars().filter(char::is_ascii_alphanumeric) {
        if c.is_ascii_uppercase() && text.len() > 1 {
            text.push('_');
        }
        text.push(c.to_ascii_uppercase());
    }
    text
}

/// Gives the texts that must be sent an example.
fn add_examples(schema: &mut Value) {
    let required: Vec<String> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    for name in required {
        let member = &mut schema["properties"][&name];
        if member["type"] == "array" && member["items"]["type"] == "string" {
            member["items"]["example"] = variable(&name).into();
        }
        if member["type"] == "string" && member["enum"].is_null() {
            member["example"] = variable(&name).into();
        }
    }
}

/// The names of the schemas that a schema refers to.
fn references(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(members) => {
            let name = members.get("$ref").and_then(Value::as_str).and_then(|text| text.rsplit('/').next());
            found.extend(name.map(str::to_owned));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// All of them, by name. Those that are `sent` have examples.
pub(super) fn schemas(sent: &[&str]) -> Vec<(&'static str, Value)> {
    let mut all = every();
    let mut wanted: Vec<String> = sent.iter().map(|name| (*name).to_owned()).collect();
    let mut done = 0;
    while let Some(name) = wanted.get(done).cloned() {
        done += 1;
        if let Some((_, schema)) = all.iter_mut().find(|(known, _)| *known == name) {
            let mut further = Vec::new();
            references(schema, &mut further);
            further.retain(|name| !wanted.contains(name));
            wanted.extend(further);
            add_examples(schema);
        }
    }
    all
}

fn every() -> Vec<(&'static str, Value)> {
    let mut all = common();
    all.extend(organizations());
    all.extend(applications());
    all.extend(scim());
    all.extend(guests());
    all
}

fn common() -> Vec<(&'static str, Value)> {
    vec![
        (
            "Wso2Error",
            object(
                "An error of the management APIs.",
                &[
                    ("code!", text("WSO2's code: `ORG-60015`, `OUI-10013`.")),
                    ("message!", text("What the error is called.")),
                    ("description!", text("What is wrong.")),
                    ("traceId!", text("The id of the request, for the log.")),
                ],
            ),
        ),
        (
            "Wso2Link",
            object(
                "Where another page is.",
                &[
                    ("href!", text("Its address.")),
                    ("rel!", one_of("Which one it is.", &["next", "previous"])),
                ],
            ),
        ),
        ("Wso2Available", object("Whether something is free.", &[("available!", flag("Whether it is."))])),
        (
            "Wso2Accepted",
            object(
                "What newer calls answer: it is done.",
                &[("status!", text("`Processing`.")), ("details!", text("What was asked for."))],
            ),
        ),
        (
            "Wso2Property",
            object("A property.", &[("key!", text("Its name.")), ("value!", any("Its value, as a text."))]),
        ),
        (
            "Wso2Properties",
            object(
                "Properties.",
                &[("properties!", list("The properties: `emailDomain.enable`.", of("Wso2Property")))],
            ),
        ),
    ]
}

fn organizations() -> Vec<(&'static str, Value)> {
    let status = || one_of("Whether it is in use.", &["ACTIVE", "DISABLED"]);
    let version = || one_of("Its version.", &["v0.0.0", "v1.0.0"]);
    let attributes = || list("The attributes.", of("Wso2Attribute"));
    vec![
        ("Wso2Name", object("A name.", &[("name!", text("The name."))])),
        ("Wso2Handle", object("A handle.", &[("orgHandle!", text("The handle."))])),
        (
            "Wso2Attribute",
            object(
                "An attribute of an organization.",
                &[("key!", text("Its key.")), ("value!", text("Its value."))],
            ),
        ),
        (
            "Wso2NewOrganization",
            object(
                "An organization to create.",
                &[
                    ("name!", text("Its name, unique in the whole tree.")),
                    ("orgHandle", text("Its handle, which never changes; its id without one.")),
                    ("description", text("What it is.")),
                    ("type", one_of("Its type.", &["TENANT"])),
                    ("parentId", text("The caller's organization, or `Super`.")),
                    (
                        "attributes",
                        list(
                            "The attributes. `creator.id` and `creator.username` name the user who owns it.",
                            of("Wso2Attribute"),
                        ),
                    ),
                ],
            ),
        ),
        (
            "Wso2OrganizationReplacement",
            object(
                "What an organization is from now on.",
                &[
                    ("name!", text("Its name.")),
                    ("status!", status()),
                    ("description", text("What it is.")),
                    ("version", version()),
                    ("attributes", attributes()),
                ],
            ),
        ),
        (
            "Wso2Operation",
            object(
                "A change.",
                &[
                    ("operation!", one_of("What is done.", &["ADD", "REMOVE", "REPLACE"])),
                    ("path!", text("`/name`, `/description`, `/status`, `/version` or `/attributes/{key}`.")),
                    ("value", text("The value; of a removal none.")),
                ],
            ),
        ),
        (
            "Wso2Operations",
            json!({ "type": "array", "description": "Changes, in order.", "items": of("Wso2Operation") }),
        ),
        (
            "Wso2Parent",
            object("The organization above.", &[("id!", text("Its id.")), ("ref!", text("Where it is."))]),
        ),
        (
            "Wso2Ancestor",
            object(
                "An organization above.",
                &[
                    ("id!", text("Its id.")),
                    ("name!", text("Its name.")),
                    ("depth!", number("How far it is from the root.")),
                ],
            ),
        ),
        (
            "Wso2Organization",
            object(
                "An organization.",
                &[
                    ("id!", text("Its id.")),
                    ("name!", text("Its name.")),
                    ("orgHandle!", text("Its handle.")),
                    ("description!", text("What it is.")),
                    ("status!", status()),
                    ("version!", version()),
                    ("created!", text("When it was made.")),
                    ("lastModified!", text("When it was changed last.")),
                    ("type!", one_of("Its type.", &["TENANT"])),
                    ("parent", of("Wso2Parent")),
                    ("hasChildren!", flag("Whether there are organizations below it.")),
                    ("attributes!", attributes()),
                    ("permissions", texts("What the caller's token permits.")),
                    ("ancestorPath", list("Those above it.", of("Wso2Ancestor"))),
                    ("discoveryAttributes", list("By what people are led to it.", of("Wso2DiscoveryValues"))),
                ],
            ),
        ),
        (
            "Wso2BasicOrganization",
            object(
                "An organization in a list.",
                &[
                    ("id!", text("Its id.")),
                    ("name!", text("Its name.")),
                    ("orgHandle!", text("Its handle.")),
                    ("status!", status()),
                    ("version!", version()),
                    ("hasChildren!", flag("Whether there are organizations below it.")),
                    ("ref!", text("Where it is.")),
                    ("attributes!", attributes()),
                ],
            ),
        ),
        (
            "Wso2Organizations",
            object(
                "A page of organizations.",
                &[
                    ("links", list("Where the pages beside it are.", of("Wso2Link"))),
                    ("organizations!", list("The organizations.", of("Wso2BasicOrganization"))),
                ],
            ),
        ),
        (
            "Wso2MetaAttributes",
            object(
                "A page of keys.",
                &[
                    ("links", list("Where the pages beside it are.", of("Wso2Link"))),
                    ("attributes!", texts("The keys.")),
                ],
            ),
        ),
        (
            "Wso2DiscoveryValues",
            object(
                "Values by which people are led to an organization.",
                &[("type!", one_of("What they are.", &["emailDomain"])), ("values!", texts("The domains."))],
            ),
        ),
        (
            "Wso2DiscoveryValue",
            object(
                "A value to ask about.",
                &[("type!", one_of("What it is.", &["emailDomain"])), ("value!", text("The domain."))],
            ),
        ),
        (
            "Wso2Discovery",
            object(
                "By what people are led to an organization.",
                &[("attributes!", list("The values.", of("Wso2DiscoveryValues")))],
            ),
        ),
        (
            "Wso2NewDiscovery",
            object(
                "By what people are to be led to an organization.",
                &[
                    ("organizationId!", text("The organization.")),
                    ("attributes!", list("The values.", of("Wso2DiscoveryValues"))),
                ],
            ),
        ),
        (
            "Wso2DiscoveredOrganization",
            object(
                "An organization with its domains.",
                &[
                    ("organizationId!", text("Its id.")),
                    ("organizationName!", text("Its name.")),
                    ("attributes!", list("The values.", of("Wso2DiscoveryValues"))),
                ],
            ),
        ),
        (
            "Wso2Discoveries",
            open(
                "A page of organizations with their domains.",
                &[("organizations!", list("The organizations.", of("Wso2DiscoveredOrganization")))],
            ),
        ),
    ]
}

fn applications() -> Vec<(&'static str, Value)> {
    vec![
        ("Wso2RoleId", object("A role by its id.", &[("id!", text("Its id.")), ("name", text("Its name."))])),
        (
            "Wso2AssociatedRoles",
            object(
                "The roles of an application.",
                &[
                    ("allowedAudience", one_of("For what they are.", &["ORGANIZATION", "APPLICATION"])),
                    ("roles", list("The roles.", of("Wso2RoleId"))),
                ],
            ),
        ),
        (
            "Wso2Oidc",
            object(
                "Settings of OpenID Connect.",
                &[
                    ("clientId", text("The client id.")),
                    ("clientSecret", text("The secret, where it is shown.")),
                    ("state", text("`ACTIVE`.")),
                    (
                        "grantTypes!",
                        texts("The grants: `client_credentials`, `organization_switch` and others."),
                    ),
                    ("callbackURLs", texts("The redirect URIs.")),
                    ("allowedOrigins", texts("Whose scripts may read tokens.")),
                    ("publicClient", flag("Whether it has no secret.")),
                ],
            ),
        ),
        ("Wso2Inbound", object("The protocols of an application.", &[("oidc", of("Wso2Oidc"))])),
        (
            "Wso2NewApplication",
            open(
                "An application to create, or what changes of one.",
                &[
                    ("name", text("Its name.")),
                    ("description", text("What it is.")),
                    ("inboundProtocolConfiguration", of("Wso2Inbound")),
                    ("associatedRoles", of("Wso2AssociatedRoles")),
                ],
            ),
        ),
        (
            "Wso2ApplicationItem",
            open(
                "An application in a list.",
                &[
                    ("id!", text("Its id where the caller acts.")),
                    ("name!", text("Its name.")),
                    ("description!", text("What it is.")),
                    ("clientId!", text("The client id.")),
                    ("access!", one_of("Whether it can be changed here.", &["READ", "WRITE"])),
                    ("self!", text("Where it is.")),
                ],
            ),
        ),
        (
            "Wso2Applications",
            object(
                "A page of applications.",
                &[
                    ("totalResults!", number("How many there are.")),
                    ("startIndex!", number("The number of the first.")),
                    ("count!", number("How many are on the page.")),
                    ("applications!", list("The applications.", of("Wso2ApplicationItem"))),
                    ("links!", list("Where the pages beside it are.", of("Wso2Link"))),
                ],
            ),
        ),
        (
            "Wso2Application",
            open(
                "An application.",
                &[
                    ("id!", text("Its id where the caller acts.")),
                    ("name!", text("Its name.")),
                    ("description!", text("What it is.")),
                    ("clientId!", text("The client id.")),
                    ("access!", one_of("Whether it can be changed here.", &["READ", "WRITE"])),
                    ("associatedRoles", of("Wso2AssociatedRoles")),
                ],
            ),
        ),
        (
            "Wso2Protocol",
            object(
                "A protocol.",
                &[
                    ("type!", text("`oauth2`.")),
                    ("name!", text("The client id.")),
                    ("self!", text("Where its settings are.")),
                ],
            ),
        ),
        (
            "Wso2Protocols",
            json!({ "type": "array", "description": "Protocols.", "items": of("Wso2Protocol") }),
        ),
        (
            "Wso2ApiScope",
            object(
                "A scope of an API.",
                &[("name!", text("The scope.")), ("displayName!", text("The same."))],
            ),
        ),
        (
            "Wso2Api",
            object(
                "An API that an application may call.",
                &[
                    ("id!", text("Its id.")),
                    ("identifier!", text("Its path.")),
                    ("displayName!", text("Its name.")),
                    ("policyId!", text("`RBAC`.")),
                    ("type!", one_of("Where it counts.", &["TENANT", "ORGANIZATION"])),
                    ("authorizedScopes!", list("The scopes that the application has.", of("Wso2ApiScope"))),
                ],
            ),
        ),
        ("Wso2Apis", json!({ "type": "array", "description": "APIs.", "items": of("Wso2Api") })),
        (
            "Wso2NewApi",
            object(
                "An API to authorize.",
                &[
                    ("id!", text("Its id, or its identifier.")),
                    ("policyIdentifier", text("`RBAC`, or `NO POLICY`.")),
                    ("scopes", texts("The scopes.")),
                ],
            ),
        ),
        (
            "Wso2ApiChange",
            open(
                "Scopes that are added and taken away.",
                &[
                    ("addedScopes", texts("Those that are added.")),
                    ("removedScopes", texts("Those that are taken away.")),
                ],
            ),
        ),
        (
            "Wso2RoleSharing",
            open(
                "Which roles are shared along.",
                &[("mode!", one_of("Which.", &["ALL", "NONE", "SELECTED"]))],
            ),
        ),
        (
            "Wso2SelectedOrganization",
            object(
                "An organization that gets an application.",
                &[
                    ("orgId!", text("Its id.")),
                    ("policy!", text("`SELECTED_ORG_ONLY`, or with all below it.")),
                    ("roleSharing", of("Wso2RoleSharing")),
                ],
            ),
        ),
        (
            "Wso2Share",
            object(
                "With whom an application is shared.",
                &[
                    ("applicationId!", text("The application.")),
                    ("organizations!", list("The organizations.", of("Wso2SelectedOrganization"))),
                ],
            ),
        ),
        (
            "Wso2ShareWithAll",
            object(
                "That an application is shared with all.",
                &[
                    ("applicationId!", text("The application.")),
                    ("policy", text("`ALL_EXISTING_ORGS_ONLY`, or future ones too.")),
                    ("roleSharing", of("Wso2RoleSharing")),
                ],
            ),
        ),
        (
            "Wso2ShareOperations",
            open(
                "Changes of the roles that are shared.",
                &[
                    ("applicationId!", text("The application.")),
                    ("Operations!", list("The changes.", json!({ "type": "object" }))),
                ],
            ),
        ),
        (
            "Wso2Unshare",
            object(
                "From whom an application is taken.",
                &[("applicationId!", text("The application.")), ("orgIds", texts("The organizations."))],
            ),
        ),
        (
            "Wso2ShareAsBefore",
            object(
                "With whom an application is shared: one of the two.",
                &[("shareWithAllChildren", flag("With all.")), ("sharedOrganizations", texts("With these."))],
            ),
        ),
        (
            "Wso2SharedOrganizations",
            open(
                "A page of organizations that have an application.",
                &[
                    ("links", list("Where the pages beside it are.", of("Wso2Link"))),
                    ("organizations!", list("The organizations.", json!({ "type": "object" }))),
                ],
            ),
        ),
        (
            "Wso2SharedApplication",
            object(
                "What an application is in an organization.",
                &[("applicationId!", text("Its id there.")), ("organizationId!", text("The organization."))],
            ),
        ),
        (
            "Wso2SharedApplications",
            open(
                "A page of what an application is in organizations.",
                &[("sharedApplications!", list("Its images.", of("Wso2SharedApplication")))],
            ),
        ),
    ]
}

fn scim() -> Vec<(&'static str, Value)> {
    let schemas = || texts("The schemas.");
    let members = |about: &str| list(about, of("Wso2ScimReference"));
    vec![
        (
            "Wso2ScimError",
            open(
                "An error of SCIM (RFC 7644 §3.12).",
                &[
                    ("schemas!", schemas()),
                    ("status!", text("The status.")),
                    ("scimType", text("What kind of error it is.")),
                    ("detail", text("What is wrong.")),
                ],
            ),
        ),
        (
            "Wso2ScimReference",
            open(
                "Something by its id.",
                &[
                    ("value!", text("Its id.")),
                    ("display", text("Its name.")),
                    ("$ref", text("Where it is.")),
                ],
            ),
        ),
        ("Wso2ScimResource", open("A resource of SCIM.", &[("id", text("Its id.")), ("schemas", schemas())])),
        (
            "Wso2ScimList",
            open(
                "A page of resources (RFC 7644 §3.4.2).",
                &[
                    ("schemas!", schemas()),
                    ("totalResults", number("How many there are.")),
                    ("startIndex", number("The number of the first.")),
                    ("itemsPerPage", number("How many are on the page.")),
                    ("Resources", list("The resources.", of("Wso2ScimResource"))),
                ],
            ),
        ),
        (
            "Wso2ScimSearch",
            open(
                "A search (RFC 7644 §3.4.3).",
                &[
                    ("filter", text("Which.")),
                    ("startIndex", number("The number of the first.")),
                    ("count", number("How many at most.")),
                    ("attributes", texts("What is answered.")),
                ],
            ),
        ),
        (
            "Wso2ScimOperation",
            open(
                "A change (RFC 7644 §3.5.2).",
                &[
                    ("op!", text("`add`, `remove` or `replace`.")),
                    ("path", text("What is changed: `users[value eq …]`.")),
                    ("value", any("The value.")),
                ],
            ),
        ),
        (
            "Wso2ScimPatch",
            open(
                "Changes (RFC 7644 §3.5.2).",
                &[("Operations!", list("The changes, in order.", of("Wso2ScimOperation")))],
            ),
        ),
        (
            "Wso2ScimUser",
            open(
                "A user (RFC 7643 §4.1), with WSO2's extensions.",
                &[
                    ("id", text("Its id.")),
                    ("userName", text("What they sign in with.")),
                    ("name", any("`givenName` and `familyName`.")),
                    ("emails", any("The addresses.")),
                    ("password", text("Of a new one: the first password, which must be changed.")),
                    ("roles", members("The roles.")),
                    ("groups", members("The groups.")),
                    ("meta", any("When it was made and changed, and where it is.")),
                    (
                        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
                        any("`askPassword` of a new one; `accountState`, `managedOrg`."),
                    ),
                ],
            ),
        ),
        (
            "Wso2ScimGroup",
            open(
                "A group of users (RFC 7643 §4.2).",
                &[
                    ("id", text("Its id.")),
                    ("displayName", text("Its name.")),
                    ("members", members("Who is in it.")),
                ],
            ),
        ),
        (
            "Wso2RoleAudience",
            object(
                "What a role is for.",
                &[
                    ("value", text("The id of the application or organization.")),
                    ("display", text("Its name.")),
                    ("type", one_of("Which of the two.", &["application", "organization"])),
                ],
            ),
        ),
        (
            "Wso2Role",
            open(
                "A role.",
                &[
                    ("id", text("Its id where the caller acts.")),
                    ("displayName", text("Its name.")),
                    ("audience", of("Wso2RoleAudience")),
                    ("users", members("The users who have it.")),
                    ("groups", members("The groups that have it.")),
                    ("permissions", members("The scopes that it gives.")),
                    ("associatedApplications", members("Its application.")),
                ],
            ),
        ),
    ]
}

fn guests() -> Vec<(&'static str, Value)> {
    vec![
        (
            "Wso2Invite",
            object(
                "Who is invited, and what they get.",
                &[
                    ("usernames!", texts("What the users sign in with; 100 at most.")),
                    ("userDomain", text("The name of a user store; nothing depends on it.")),
                    ("roles", texts("The ids of roles that they get when they accept.")),
                    ("groups", texts("The ids of groups that they come into.")),
                    (
                        "properties",
                        list(
                            "`manageNotificationsInternally`: `false`, to be answered the codes.",
                            of("Wso2Property"),
                        ),
                    ),
                ],
            ),
        ),
        (
            "Wso2InviteResult",
            object(
                "What became of an invitation.",
                &[
                    ("status!", one_of("Whether it was made.", &["Successful", "Failed"])),
                    ("errorCode", text("Why not: `OUI-10011` and others.")),
                    ("errorMessage", text("What the error is called.")),
                    ("errorDescription", text("What is wrong.")),
                ],
            ),
        ),
        (
            "Wso2InvitedUser",
            object(
                "A user and what became of their invitation.",
                &[
                    ("username!", text("The name, as it was sent.")),
                    ("result!", of("Wso2InviteResult")),
                    ("confirmationCode", text("The code, where no letter brings it.")),
                ],
            ),
        ),
        (
            "Wso2Invited",
            json!({ "type": "array", "description": "What became of the invitations.", "items": of("Wso2InvitedUser") }),
        ),
        (
            "Wso2InvitationGrant",
            object(
                "A role or a group that somebody gets.",
                &[
                    ("id!", text("Its id.")),
                    ("displayName!", text("Its name.")),
                    ("audience", of("Wso2RoleAudience")),
                ],
            ),
        ),
        (
            "Wso2Invitation",
            object(
                "An invitation.",
                &[
                    ("id!", text("Its id.")),
                    ("username!", text("The name of the invited.")),
                    ("email", text("Where letters reach them.")),
                    ("roles!", list("The roles that they get.", of("Wso2InvitationGrant"))),
                    ("groups!", list("The groups that they come into.", of("Wso2InvitationGrant"))),
                    ("status!", one_of("Whether it can be accepted.", &["PENDING", "EXPIRED"])),
                    ("expiredAt!", text("Until when it can be accepted.")),
                ],
            ),
        ),
        (
            "Wso2Invitations",
            object(
                "Invitations.",
                &[("invitations!", list("The newest first; 1000 at most.", of("Wso2Invitation")))],
            ),
        ),
        (
            "Wso2ConfirmationCode",
            object("The code of an invitation.", &[("confirmationCode!", text("The code."))]),
        ),
        (
            "Wso2IntrospectedInvitation",
            object(
                "Whose a code is.",
                &[
                    ("confirmationCode!", text("The code.")),
                    ("username!", text("The name of the invited.")),
                    ("userOrganization!", text("The organization where they have their account.")),
                    ("initiatedOrganization!", text("The organization that invites.")),
                    ("status!", one_of("Whether it can be accepted.", &["PENDING", "EXPIRED"])),
                ],
            ),
        ),
    ]
}

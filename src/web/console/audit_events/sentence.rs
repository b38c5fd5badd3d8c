//! Renders an entry of the audit log: a sentence, and the old and new values side by side.

use base::{id::EnvironmentId, time::Timestamp};
use maud::{Markup, html};
use model::audit::AuditEvent;
use serde_json::{Map, Value};

use crate::{
    app::audit::{self, Names},
    links::{self, console},
    web::kit::{
        components::{copyable, time},
        json,
    },
};

/// More fields than this are collapsed.
const MAX_OPEN_FIELDS: usize = 4;

/// Values longer than this in all, in bytes of JSON, are collapsed.
const MAX_OPEN_BYTES: usize = 300;

/// The suggestions of the filter; it accepts other actions too.
pub(in crate::web::console) const ACTIONS: &[&str] = &[
    "organization.created",
    "organization.updated",
    "organization.deleted",
    "saml_connection.created",
    "saml_connection.updated",
    "saml_connection.deleted",
    "scim_directory.created",
    "scim_directory.updated",
    "scim_directory.deleted",
    "scim_directory.bearer_token_rotated",
    "api_key.created",
    "api_key.deleted",
    "saml_oauth_client.created",
    "saml_oauth_client.deleted",
    "application.created",
    "application.updated",
    "application.deleted",
    "application.secret_rotated",
    "identity_pool.created",
    "identity_pool.updated",
    "identity_pool.deleted",
    "identity_schema.created",
    "identity_schema.updated",
    "identity_schema.deleted",
    "user.created",
    "user.updated",
    "user.deleted",
    "user.password_set",
    "user.sessions_ended",
    "user_group.created",
    "user_group.updated",
    "user_group.deleted",
    "user_group.member_added",
    "user_group.member_removed",
    "role.created",
    "role.updated",
    "role.deleted",
    "role.assigned",
    "role.unassigned",
    "webhook.created",
    "webhook.updated",
    "webhook.deleted",
    "setup_link.created",
    "setup_link.redeemed",
    "setup_link.revoked",
    "environment.updated",
    "administrator.signed_in",
    "administrator.role_changed",
    "administrator.sign_in_failed",
    "administrator.refused",
    "api_key.refused",
    "audit_log.exported",
    "login_flow.response_read",
    "scim_directory.requests_read",
    "signing_keys.rotated",
];

/// The actor: an administrator's e-mail address, the name of a user, an API key or an application, else kind and id.
fn actor(event: &AuditEvent, names: &Names) -> Markup {
    let actor = &event.actor;
    let user = actor.id.parse().ok().and_then(|id| names.users.get(&id));
    let href_of_user = event.environment_id.map(|id| links::expand(console::USER, &[&id, &actor.id]));
    let email = actor.id.parse().ok().and_then(|id| names.administrators.get(&id));
    let key = actor.id.parse().ok().and_then(|id| names.api_keys.get(&id));
    let application = actor.id.parse().ok().and_then(|id| names.applications.get(&id));
    html! {
        @match (actor.kind.as_str(), email) {
            ("application", _) if application.is_some() => {
                strong { "Application “" (application.map_or("", String::as_str)) "”" }
            },
            ("api_key", _) if key.is_some() => strong { "API key “" (key.map_or("", String::as_str)) "”" },
            ("administrator", Some(email)) => strong { (email) },
            ("operator", _) => strong { "The command line" },
            ("service", _) => strong { "Ostiary itself" },
            ("user", _) if user.is_some() => {
                @match href_of_user { Some(href) => strong { a href=(href) { (user.map_or("", String::as_str)) } }, None => strong { (user.map_or("", String::as_str)) } }
            },
            (kind, _) => { strong { (capitalized(noun(kind))) } " " code { (actor.id) } },
        }
    }
}

/// The name of a kind of resource.
fn noun(kind: &str) -> String {
    match kind {
        "api_key" => "API key".to_owned(),
        "saml_connection" => "SAML connection".to_owned(),
        "saml_oauth_client" => "OAuth client".to_owned(),
        "scim_directory" => "SCIM directory".to_owned(),
        "admin_session" => "session".to_owned(),
        "user_group" => "group".to_owned(),
        "admin_invitation" => "invitation".to_owned(),
        "organization_domain" => "domain".to_owned(),
        other => other.replace('_', " "),
    }
}

fn capitalized(text: String) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

/// The action as a verb phrase, followed by its object.
fn verb(done: &str) -> String {
    match done {
        "updated" => "changed".to_owned(),
        "bearer_token_rotated" => "rotated the bearer token of".to_owned(),
        "bearer_token_overlap_ended" => "ended the replaced bearer tokens of".to_owned(),
        "record_lost" => "found no DNS record any more of".to_owned(),
        "lapsed" => "ended the proof of".to_owned(),
        "restored" => "found the DNS record again of".to_owned(),
        "secret_rotated" => "rotated the secret of".to_owned(),
        "delivery_replayed" => "sent a delivery again to".to_owned(),
        "replayed" => "sent events again to".to_owned(),
        "signed_in" => "signed in as".to_owned(),
        "signed_out" => "signed out".to_owned(),
        "sign_in_failed" => "failed to sign in as".to_owned(),
        "confirmed" => "confirmed their identity as".to_owned(),
        "password_changed" => "changed the password of".to_owned(),
        "password_set" => "set the password of".to_owned(),
        "identifier_added" => "added an identifier to".to_owned(),
        "identifier_removed" => "removed an identifier of".to_owned(),
        "address_added" => "added an address to".to_owned(),
        "address_updated" => "changed an address of".to_owned(),
        "address_removed" => "removed an address of".to_owned(),
        "address_not_verified" => "gave a wrong code for an address of".to_owned(),
        "address_verified" => "verified an address of".to_owned(),
        "member_added" => "added a user to".to_owned(),
        "member_removed" => "removed a user from".to_owned(),
        "code_generated" => "made a one-time code for".to_owned(),
        "totp_removed" => "removed the authenticator app of".to_owned(),
        "session_created" => "began a session of".to_owned(),
        "role_changed" => "changed the role of".to_owned(),
        "other_sessions_revoked" => "ended all other sessions of".to_owned(),
        other => match other.rsplit_once('_') {
            // `metadata_refreshed`: refreshed the metadata of.
            Some((what, verb)) => format!("{verb} the {} of", what.replace('_', " ")),
            None => other.to_owned(),
        },
    }
}

/// The page of the target, if its kind has one and the entry is not its deletion.
fn href(event: &AuditEvent) -> Option<String> {
    let environment: EnvironmentId = event.environment_id?;
    let pattern = match event.target_kind.as_str() {
        _ if event.action.ends_with(".deleted") => return None,
        "organization" => console::ORGANIZATION,
        "saml_connection" => console::SAML_CONNECTION,
        "oidc_connection" => console::OIDC_CONNECTION,
        "scim_directory" => console::SCIM_DIRECTORY,
        "user" => console::USER,
        "user_group" => console::USER_GROUP,
        "identity_pool" => console::IDENTITY_POOL,
        "identity_schema" => console::IDENTITY_SCHEMA,
        "webhook" => console::WEBHOOK,
        "saml_oauth_client" => console::OAUTH_CLIENT,
        "application" => console::APPLICATION,
        "environment" => return Some(links::expand(console::ENVIRONMENT, &[&environment])),
        _ => return None,
    };
    Some(links::expand(pattern, &[&environment, &event.target_id]))
}

/// The target's name as far as the entry contains it; shown beside the id, never instead of it.
fn name(event: &AuditEvent, names: &Names) -> Option<String> {
    let email = event.target_id.parse().ok().and_then(|id| names.administrators.get(&id));
    let text = |field: &str| {
        [&event.after, &event.before]
            .into_iter()
            .find_map(|values| values.get(field)?.as_str().map(str::to_owned))
    };
    let user = event.target_id.parse().ok().and_then(|id| names.users.get(&id));
    email
        .map(ToString::to_string)
        .or_else(|| user.cloned())
        .or_else(|| text("displayName"))
        .or_else(|| text("email"))
        .or_else(|| text("domain"))
        .filter(|name| !name.trim().is_empty())
}

/// The entry as a sentence.
pub(in crate::web::console) fn sentence(event: &AuditEvent, names: &Names) -> Markup {
    let done = event.action.split_once('.').map_or(event.action.as_str(), |(_, done)| done);
    let itself = event.actor.kind == event.target_kind && event.actor.id == event.target_id;
    let is_organization = event.target_kind == "organization";
    let organization = event.organization_id.filter(|_| !is_organization);
    let text = |field: &str| event.after.get(field).and_then(Value::as_str).unwrap_or_default();
    let name = match event.organization_id.and_then(|id| names.organizations.get(&id)) {
        Some(name) if is_organization && !name.trim().is_empty() => Some(name.clone()),
        _ => name(event, names),
    };
    html! {
        @if done == "sign_in_failed" { strong { "Somebody" } } @else { (actor(event, names)) }
        " "
        @if itself && done.starts_with("signed_") {
            (done.replace('_', " "))
        } @else if itself && done == "refused" {
            "was refused " code { (text("method")) " " (text("route")) }
        } @else if done == "sign_in_failed" && event.target_id.is_empty() {
            "failed to sign in as nobody known here"
        } @else if event.target_kind == "audit_log" {
            (verb(done)) " the audit log"
        } @else {
            @match shared_domains(event) {
                Some(domains) => { "shared " (domains) " of " }
                None => { (verb(done)) " " }
            }
            @if itself && done == "confirmed" { "for their own account" } @else if itself { "their own account" } @else {
                (noun(&event.target_kind)) " "
                @if let Some(name) = name { (name) " " }
                @match href(event) {
                    Some(href) => a href=(href) { code { (event.target_id) } },
                    None => code { (event.target_id) },
                }
            }
            @if let (Some(id), Some(environment)) = (organization, event.environment_id) {
                " of "
                @match names.organizations.get(&id) {
                    Some(name) => a href=(links::expand(console::ORGANIZATION, &[&environment, &id])) {
                        @if name.trim().is_empty() { code { (id) } } @else { (name) }
                    },
                    None => code { (id) },
                }
            }
            @if let Some(environment) = event.environment_id {
                @for (at, id) in audit::shared_with(event).iter().enumerate() {
                    @if at == 0 { " with " } @else { ", " }
                    a href=(links::expand(console::ORGANIZATION, &[&environment, id])) {
                        @match names.organizations.get(id).filter(|name| !name.trim().is_empty()) {
                            Some(name) => (name),
                            None => code { (id) },
                        }
                    }
                }
            }
        }
    }
}

/// The shared domains in the entry: the first, and how many more.
fn shared_domains(event: &AuditEvent) -> Option<String> {
    let mut domains = event.after.get("sharedDomains")?.as_object()?.keys();
    let first = domains.next()?;
    Some(match domains.count() {
        0 => format!("the domain {first}"),
        more => format!("the domain {first} and {more} more"),
    })
}

/// The entry: sentence, time, client address and values.
pub(in crate::web::console) fn entry(event: &AuditEvent, names: &Names, now: Timestamp) -> Markup {
    html! {
        li.entry {
            div.head { p.what { (sentence(event, names)) } (time(event.at, now)) }
            div.meta {
                code { (event.action) }
                @if let Some(address) = event.address { span { "from " (address) } }
                (copyable(&event.id.to_string(), "entry’s id"))
            }
            (values(&event.before, &event.after))
        }
    }
}

/// Old and new values in a table; collapsed if they are many or long.
fn values(before: &Map<String, Value>, after: &Map<String, Value>) -> Markup {
    let mut fields: Vec<&String> = before.keys().chain(after.keys()).collect();
    fields.sort_unstable();
    fields.dedup();
    if fields.is_empty() {
        return html! {};
    }
    let cell = |values: &Map<String, Value>, field: &str| match values.get(field) {
        None => html! { span.soft { "—" } },
        Some(Value::Null) => html! { span.soft { "nothing" } },
        Some(Value::String(text)) if text.is_empty() => html! { span.soft { "empty" } },
        Some(Value::Array(items)) if items.is_empty() => html! { span.soft { "none" } },
        Some(Value::Object(items)) if items.is_empty() => html! { span.soft { "none" } },
        Some(value @ (Value::Array(_) | Value::Object(_))) => html! { pre { (json::pretty(value)) } },
        Some(value) => html! { span.value { (json::text(value)) } },
    };
    let table = html! {
        div.table-box.change {
            table {
                thead { tr {
                    th scope="col" { "Field" }
                    @if !before.is_empty() { th scope="col" { "Before" } }
                    @if !after.is_empty() { th scope="col" { "After" } }
                } }
                tbody {
                    @for field in &fields {
                        tr {
                            th scope="row" { code { (field) } }
                            @if !before.is_empty() { td { (cell(before, field)) } }
                            @if !after.is_empty() { td { (cell(after, field)) } }
                        }
                    }
                }
            }
        }
    };
    let length: usize = before.values().chain(after.values()).map(|value| value.to_string().len()).sum();
    if fields.len() <= MAX_OPEN_FIELDS && length <= MAX_OPEN_BYTES {
        return table;
    }
    let count = fields.len();
    html! { details { summary { (count) @if count == 1 { " value" } @else { " values" } } (table) } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::id::Id;
    use model::{
        audit::{AuditActor, audit_fields},
        email::Email,
    };

    fn event(action: &str, kind: &str) -> AuditEvent {
        AuditEvent {
            id: Id::from_bits(1),
            environment_id: Some(Id::from_bits(2)),
            at: Timestamp::from_millis(0),
            actor: AuditActor {
                kind: "administrator".to_owned(),
                id: base::id::AdministratorId::from_bits(3).to_string(),
            },
            address: None,
            action: action.to_owned(),
            target_kind: kind.to_owned(),
            target_id: "target_1".to_owned(),
            organization_id: Some(Id::from_bits(4)),
            before: Map::new(),
            after: Map::new(),
        }
    }

    fn text_of(event: &AuditEvent, names: &Names) -> String {
        let html = sentence(event, names).into_string();
        let mut text = String::new();
        for piece in html.split('<') {
            text.push_str(piece.split_once('>').map_or(piece, |(_, text)| text));
        }
        text.trim().to_owned()
    }

    #[test]
    fn entries_are_sentences() {
        let mut names = Names::default();
        names.administrators.insert(Id::from_bits(3), Email::parse("dana@vendor.example").unwrap());
        names.organizations.insert(Id::from_bits(4), "Acme".to_owned());
        for (action, kind, expected) in [
            ("saml_connection.updated", "saml_connection", "changed SAML connection target_1 of Acme"),
            ("api_key.deleted", "api_key", "deleted API key target_1 of Acme"),
            ("organization.created", "organization", "created organization Acme target_1"),
            (
                "scim_directory.bearer_token_rotated",
                "scim_directory",
                "rotated the bearer token of SCIM directory target_1 of Acme",
            ),
            (
                "saml_connection.metadata_refreshed",
                "saml_connection",
                "refreshed the metadata of SAML connection target_1 of Acme",
            ),
            (
                "organization_domain.record_lost",
                "organization_domain",
                "found no DNS record any more of domain target_1 of Acme",
            ),
            ("thing.exploded", "new_thing", "exploded new thing target_1 of Acme"),
        ] {
            assert_eq!(text_of(&event(action, kind), &names), format!("dana@vendor.example {expected}"));
        }
        let mut shared = event("organization.domain_shared", "organization");
        let other = |bits| base::id::OrganizationId::from_bits(bits).to_string();
        names.organizations.insert(Id::from_bits(5), "Globex".to_owned());
        shared.after = audit_fields! { "sharedDomains": serde_json::json!({ "acme.example": [other(5)] }) };
        let acme = "dana@vendor.example shared the domain acme.example";
        assert_eq!(text_of(&shared, &names), format!("{acme} of organization Acme target_1 with Globex"));
        let both = serde_json::json!({ "acme.example": [other(5), other(6)], "b.example": [other(5)] });
        shared.after = audit_fields! { "sharedDomains": both };
        let expected = format!("{acme} and 1 more of organization Acme target_1 with Globex, {}", other(6));
        assert_eq!(text_of(&shared, &names), expected);
        // No names are known any more.
        let gone = text_of(&event("webhook.created", "webhook"), &Names::default());
        assert!(gone.starts_with("Administrator admin_") && gone.contains(" of org_"), "{gone}");
        let mut own = event("administrator.signed_in", "administrator");
        own.target_id.clone_from(&own.actor.id);
        assert_eq!(text_of(&own, &names), "dana@vendor.example signed in");
        own.action = "administrator.confirmed".to_owned();
        assert!(
            text_of(&own, &names).ends_with(" for their own account of Acme"),
            "{}",
            text_of(&own, &names)
        );
        for (kind, expected) in [("operator", "The command line"), ("service", "Ostiary itself")] {
            let mut event = event("organization.created", "organization");
            event.actor = AuditActor { kind: kind.to_owned(), id: String::new() };
            assert!(text_of(&event, &names).starts_with(expected));
        }
    }

    #[test]
    fn few_short_values_are_open_and_others_folded() {
        let few = audit_fields! { "displayName": "<b>" };
        let open = values(&few, &few).into_string();
        assert!(!open.contains("<details>") && open.contains("&lt;b&gt;") && !open.contains("<b>"));
        let many: Map<String, Value> = (0..9).map(|n| (format!("f{n}"), Value::from(n))).collect();
        assert!(values(&Map::new(), &many).into_string().contains("<summary>9 values</summary>"));
        assert!(!values(&Map::new(), &many).into_string().contains("Before"));
        let long = audit_fields! { "certificate": "x".repeat(2000) };
        assert!(values(&long, &Map::new()).into_string().contains("<summary>1 value</summary>"));
        assert!(values(&Map::new(), &Map::new()).into_string().is_empty());
    }
}

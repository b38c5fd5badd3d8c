//! A user as a SCIM resource. What an account has a place for of its own is read from there: identifiers, addresses, status and the
//! profile. The rest of what was sent is kept in what the administrators of the organization write of the user.

use model::user::{AddressKind, IdentifierKind, User, UserAddress, UserIdentifier, UserStatus};
use scim::{Resource, ResourceType, schema};
use serde_json::{Map, Value, json};

use crate::app::accounts::users::{OF_SCIM, UserDetails};

/// Attributes of User, and the members of the profile that they are (OpenID Connect Core 1.0 §5.1).
pub(super) const PROFILE: [(&str, &str); 5] = [
    ("displayName", "name"),
    ("nickName", "nickname"),
    ("profileUrl", "profile"),
    ("locale", "locale"),
    ("timezone", "zoneinfo"),
];

/// The same of the sub-attributes of `name`.
pub(super) const NAMES: [(&str, &str); 3] =
    [("givenName", "given_name"), ("familyName", "family_name"), ("middleName", "middle_name")];

/// Attributes in the extensions that say something of the account. They are never kept as they were sent.
const OF_THE_ACCOUNT: [&str; 10] = [
    "accountDisabled",
    "accountLocked",
    "accountState",
    "askPassword",
    "emailVerified",
    "isReadOnlyUser",
    "managedOrg",
    "sharedType",
    "userSource",
    "verifyEmail",
];

/// Names of user stores that WSO2's clients write before a user name.
const STORE_PREFIXES: [&str; 2] = ["PRIMARY/", "DEFAULT/"];

/// The user name without the name of a store before it.
pub(super) fn without_store(name: &str) -> &str {
    let found = STORE_PREFIXES.iter().find_map(|prefix| {
        let (before, rest) = name.split_at_checked(prefix.len())?;
        before.eq_ignore_ascii_case(prefix).then_some(rest)
    });
    found.unwrap_or(name)
}

/// A user as a resource, without the groups.
pub(super) fn of(details: &UserDetails) -> Resource {
    let user = &details.user;
    let mut attributes = stored(user);
    let emails = emails(details, attributes.remove("emails"));
    let hint = attributes.remove("userName");
    let name = user_name(details, hint.as_ref().and_then(Value::as_str));
    attributes.insert("userName".into(), name.into());
    if let Some(identifier) = external_id(details) {
        attributes.insert("externalId".into(), identifier.text.as_str().into());
    }
    let mut names = match attributes.remove("name") {
        Some(Value::Object(names)) => names,
        _ => Map::new(),
    };
    copy(&user.payload, &NAMES, &mut names);
    if !names.is_empty() {
        attributes.insert("name".into(), Value::Object(names));
    }
    copy(&user.payload, &PROFILE, &mut attributes);
    if !user.user_type.is_empty() {
        attributes.insert("userType".into(), user.user_type.as_str().into());
    }
    if !emails.is_empty() {
        attributes.insert("emails".into(), Value::Array(emails));
    }
    attributes.insert("active".into(), user.status.is_active().into());
    for extension in schema::USER_EXTENSIONS {
        let members = attributes.entry(extension.id).or_insert_with(|| Value::Object(Map::new()));
        members["accountLocked"] = (!user.status.is_active()).into();
        members["accountState"] = account_state(user.status).into();
    }
    Resource::from_stored(ResourceType::User, attributes)
}

/// Copies the texts that a profile has.
fn copy(payload: &Map<String, Value>, names: &[(&str, &str)], to: &mut Map<String, Value>) {
    for (attribute, member) in names {
        if let Some(Value::String(text)) = payload.get(*member)
            && !text.is_empty()
        {
            to.insert((*attribute).to_owned(), text.as_str().into());
        }
    }
}

/// WSO2's word for whether and why an account cannot be used.
fn account_state(status: UserStatus) -> &'static str {
    match status {
        UserStatus::New => "PENDING_AP",
        UserStatus::Active => "UNLOCKED",
        UserStatus::Inactive => "LOCKED",
        UserStatus::Deleted => "DISABLED",
    }
}

/// What is kept of the resource as it was sent: nothing that the account says itself, whoever wrote it there.
fn stored(user: &User) -> Map<String, Value> {
    match user.business_metadata.get(OF_SCIM) {
        Some(Value::Object(attributes)) => {
            let mut kept = attributes.clone();
            without_account(&mut kept);
            kept
        }
        _ => Map::new(),
    }
}

/// Takes away what the account says itself: a client cannot claim it.
fn without_account(kept: &mut Map<String, Value>) {
    const OF_ACCOUNT: [&str; 9] =
        ["active", "externalId", "groups", "id", "meta", "password", "roles", "schemas", "userType"];
    let is_known = |name: &String| OF_ACCOUNT.iter().any(|known| known.eq_ignore_ascii_case(name));
    kept.retain(|name, _| !is_known(name) && PROFILE.iter().all(|(known, _)| known != name));
    if let Some(Value::Object(names)) = kept.get_mut("name") {
        names.retain(|name, _| NAMES.iter().all(|(known, _)| known != name));
    }
    for extension in schema::USER_EXTENSIONS {
        match kept.get_mut(extension.id) {
            Some(Value::Object(members)) => {
                members
                    .retain(|name, _| OF_THE_ACCOUNT.iter().all(|known| !known.eq_ignore_ascii_case(name)));
            }
            Some(_) => drop(kept.remove(extension.id)),
            None => {}
        }
    }
    // Whether an address is proven is the account's word.
    for email in kept.get_mut("emails").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::Object(email) = email {
            email.retain(|name, _| !name.eq_ignore_ascii_case("verified"));
        }
    }
}

/// What is kept of a resource: everything that the account has no place for.
pub(super) fn to_store(resource: &Resource) -> Map<String, Value> {
    let mut kept = resource.attributes.clone();
    without_account(&mut kept);
    // Of several identifiers the name that was chosen is the one that counts, which is clear by itself where it is no address.
    if resource.user_name().is_some_and(|name| kind_of(name) == IdentifierKind::Uid) {
        kept.remove("userName");
    }
    // The addresses themselves are the account's.
    let is_bare = |email: &Value| email.as_object().is_none_or(|email| email.len() <= 1);
    if kept.get("emails").and_then(Value::as_array).is_some_and(|emails| emails.iter().all(is_bare)) {
        kept.remove("emails");
    }
    kept.retain(|_, value| !matches!(value, Value::Object(members) if members.is_empty()));
    kept
}

/// Which kind of identifier a user name is.
pub(super) fn kind_of(user_name: &str) -> IdentifierKind {
    match model::email::Email::parse(user_name) {
        Some(_) => IdentifierKind::Email,
        None => IdentifierKind::Uid,
    }
}

/// The identifier that is the user name: the one that was sent as such, else a name that somebody chose, else the oldest one
/// that people type.
pub(super) fn user_name_identifier<'d>(
    details: &'d UserDetails,
    hint: Option<&str>,
) -> Option<&'d UserIdentifier> {
    let typed = |identifier: &&UserIdentifier| {
        matches!(identifier.text.kind(), IdentifierKind::Uid | IdentifierKind::Email | IdentifierKind::Mobile)
    };
    let identifiers = || details.identifiers.iter().filter(typed);
    let hinted = identifiers().find(|identifier| Some(identifier.text.as_str()) == hint);
    let chosen = || identifiers().find(|identifier| identifier.text.kind() == IdentifierKind::Uid);
    hinted.or_else(chosen).or_else(|| identifiers().next())
}

fn user_name(details: &UserDetails, hint: Option<&str>) -> String {
    match user_name_identifier(details, hint) {
        Some(identifier) => identifier.text.as_str().to_owned(),
        // Somebody who came through an identity provider may have none.
        None => match emails_of(details).next() {
            Some(address) => address.address.clone(),
            None => details.user.id.to_string(),
        },
    }
}

/// The id in another system: the oldest one.
pub(super) fn external_id(details: &UserDetails) -> Option<&UserIdentifier> {
    details.identifiers.iter().find(|identifier| identifier.text.kind() == IdentifierKind::External)
}

/// The e-mail addresses of a user.
pub(super) fn emails_of(details: &UserDetails) -> impl Iterator<Item = &UserAddress> {
    details.addresses.iter().filter(|address| address.kind == AddressKind::Email)
}

/// The e-mail addresses, as they were sent where they were, in that order.
fn emails(details: &UserDetails, sent: Option<Value>) -> Vec<Value> {
    let sent = match sent {
        Some(Value::Array(sent)) => sent,
        _ => Vec::new(),
    };
    let key_of = |email: &Value| {
        let value = email.get("value").and_then(Value::as_str)?;
        UserAddress::key_of(AddressKind::Email, value).ok()
    };
    let mut found: Vec<(usize, Value)> = Vec::new();
    for address in emails_of(details) {
        let key = address.key();
        let place = sent.iter().position(|email| key_of(email).as_ref() == Some(&key));
        let mut email = match place.and_then(|place| sent.get(place)) {
            Some(Value::Object(email)) => Value::Object(email.clone()),
            _ => json!({}),
        };
        email["value"] = address.address.as_str().into();
        found.push((place.unwrap_or(sent.len()), email));
    }
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, email)| email).collect()
}

/// What one of the extensions says under this name, as `true` or `false`, in quotes or without.
pub(super) fn flag(resource: &Resource, extension: &str, name: &str) -> Result<Option<bool>, scim::Error> {
    let members = resource.attributes.get(extension).and_then(Value::as_object);
    let found = members.and_then(|members| {
        members.iter().find(|(member, _)| member.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    });
    match found {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(_) => Err(scim::Error::InvalidValue(format!("{name} must be true or false"))),
    }
}

//! What a changed SCIM resource changes of a user.

use model::user::{AddressKind, IdentifierKind, UserAddress, UserIdentifier, UserStatus};
use scim::{Resource, schema};
use serde_json::Value;

use super::{
    document::{self, emails_of, external_id, flag, kind_of, user_name_identifier},
    new_user::{self, identifier, temporary},
};
use crate::app::accounts::users::{NewAddress, NewIdentifier, Profile, UserChange, UserDetails};

/// What changes of a user whose resource was `before` and becomes `after`. `None`: nothing.
pub(super) fn between(
    details: &UserDetails,
    before: &Resource,
    after: &Resource,
    password: Option<String>,
) -> Result<Option<UserChange>, scim::Error> {
    let user = &details.user;
    let mut change = UserChange { status: status(before, after)?, ..UserChange::default() };
    let payload = new_user::payload(after, user.payload.clone());
    let metadata = new_user::metadata(after, user.business_metadata.clone());
    change.profile = Profile {
        payload: (payload != user.payload).then_some(payload),
        metadata: None,
        business_metadata: (metadata != user.business_metadata).then_some(metadata),
        by_scim: true,
    };
    let user_type = after.attributes.get("userType").and_then(Value::as_str).unwrap_or_default();
    change.user_type = (user_type != user.user_type).then(|| user_type.to_owned());
    change.addresses = addresses(details, before, after)?;
    change.identifiers = identifiers(details, before, after)?;
    change.credentials = password.map(temporary).into_iter().collect();
    let is_empty = change.status.is_none()
        && change.user_type.is_none()
        && change.identifiers.is_none()
        && change.addresses.is_none()
        && change.profile == Profile { by_scim: true, ..Profile::default() }
        && change.credentials.is_empty();
    Ok((!is_empty).then_some(change))
}

/// The status, where one of the attributes that say it was changed.
fn status(before: &Resource, after: &Resource) -> Result<Option<UserStatus>, scim::Error> {
    let said = |resource: &Resource| -> Result<Vec<Option<bool>>, scim::Error> {
        let mut said = vec![resource.attributes.get("active").and_then(Value::as_bool)];
        for extension in schema::USER_EXTENSIONS {
            said.push(flag(resource, extension.id, "accountLocked")?.map(|locked| !locked));
        }
        Ok(said)
    };
    let (before, after) = (said(before)?, said(after)?);
    let changed = before.iter().zip(&after).find_map(|(old, new)| new.filter(|new| Some(*new) != *old));
    Ok(changed.map(|active| if active { UserStatus::Active } else { UserStatus::Inactive }))
}

/// The addresses, where the e-mail addresses change. Those of other kinds stay.
fn addresses(
    details: &UserDetails,
    before: &Resource,
    after: &Resource,
) -> Result<Option<Vec<NewAddress>>, scim::Error> {
    let values = |resource: &Resource| -> Vec<String> {
        resource.emails().into_iter().map(|email| email.value).collect()
    };
    if values(before) == values(after) {
        return Ok(None);
    }
    let mut wanted = new_user::addresses(&after.emails())?;
    let others = details.addresses.iter().filter(|address| address.kind != AddressKind::Email);
    wanted.extend(others.map(|address| NewAddress {
        kind: address.kind,
        address: address.address.clone(),
        verified: None,
        status: None,
        preferred_contact_method: None,
    }));
    Ok(Some(wanted))
}

/// The identifiers, where one of them changes: the user name, the id in another system, or one that was an e-mail address which
/// goes.
fn identifiers(
    details: &UserDetails,
    before: &Resource,
    after: &Resource,
) -> Result<Option<Vec<NewIdentifier>>, scim::Error> {
    let kept_emails: Vec<String> = after
        .emails()
        .iter()
        .filter_map(|email| UserAddress::key_of(AddressKind::Email, &email.value).ok())
        .collect();
    let had: Vec<String> = emails_of(details).map(UserAddress::key).collect();
    let hint = before.user_name();
    let user_name = user_name_identifier(details, hint);
    let external = external_id(details);
    let goes = |identifier: &&UserIdentifier| {
        let is = |other: Option<&UserIdentifier>| other == Some(*identifier);
        if is(user_name) {
            return before.user_name() != after.user_name();
        }
        if is(external) {
            return before.external_id() != after.external_id();
        }
        // Who no longer has an address does not sign in with it.
        let key = UserAddress::key_of(AddressKind::Email, identifier.text.as_str()).ok();
        identifier.text.kind() == IdentifierKind::Email
            && key.is_some_and(|key| had.contains(&key) && !kept_emails.contains(&key))
    };
    let mut wanted = Vec::new();
    let mut changed = false;
    if before.user_name() != after.user_name() {
        let name = after.user_name().unwrap_or_default();
        wanted.push(identifier(kind_of(name), "userName", name)?);
        changed = true;
    }
    if before.external_id() != after.external_id() {
        if let Some(id) = after.external_id() {
            wanted.push(identifier(IdentifierKind::External, "externalId", id)?);
        }
        changed = true;
    }
    // The new user name may be what another identifier says already.
    let new_key = wanted.first().and_then(|new| key(new.kind, &new.identifier));
    for kept in &details.identifiers {
        let is_same = new_key.is_some() && key(kept.text.kind(), kept.text.as_str()) == new_key;
        if goes(&kept) || is_same {
            changed = true;
            continue;
        }
        wanted.push(NewIdentifier {
            kind: kept.text.kind(),
            identifier: kept.text.as_str().to_owned(),
            metadata: kept.metadata.clone(),
        });
    }
    Ok(changed.then_some(wanted))
}

/// The normal form of an identifier, whatever the pool says of case.
fn key(kind: IdentifierKind, text: &str) -> Option<String> {
    let parsed = model::user::IdentifierText::parse(kind, text).ok()?;
    Some(parsed.key(true).as_str().to_owned())
}

/// What a client may not change of somebody who is at home elsewhere: everything.
pub(super) fn read_only() -> scim::Error {
    scim::Error::Mutability(
        "the attributes of a shared user are changed in the organization in which they are at home".into(),
    )
}

/// A resource that replaces another one: what says whether the account can be used stays where it is not named.
pub(super) fn replacing(before: &Resource, mut after: Resource) -> Resource {
    after.keep_active(before);
    for extension in schema::USER_EXTENSIONS {
        let members = before.attributes.get(extension.id).and_then(Value::as_object);
        let locked = members.and_then(|members| members.get("accountLocked")).cloned();
        let is_said = document::flag(&after, extension.id, "accountLocked").is_ok_and(|said| said.is_none());
        if let Some(locked) = locked.filter(|_| is_said) {
            let members = after.attributes.entry(extension.id).or_insert_with(|| serde_json::json!({}));
            if let Value::Object(members) = members {
                members.insert("accountLocked".into(), locked);
            }
        }
    }
    after
}

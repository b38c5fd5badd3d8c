//! A new user from a SCIM resource.

use model::{
    account::CredentialState,
    user::{IdentifierKind, IdentifierText, UserStatus},
};
use scim::{EmailEntry, Resource, schema};
use serde_json::{Map, Value};

use super::document::{self, NAMES, PROFILE, flag, kind_of, without_store};
use crate::app::accounts::{
    credentials::{ImportedCredential, NewCredential},
    users::{NewAddress, NewIdentifier, NewUser, OF_SCIM, Profile},
};

/// A user as a client asks for them.
pub(super) struct WantedUser {
    /// The account.
    pub new: NewUser,
    /// Whether the person is asked for a password.
    pub ask_password: bool,
    /// The address to which the letter goes.
    pub letter_to: Option<String>,
    /// The name that they sign in with.
    pub user_name: String,
}

/// The user that a resource describes. `password` is a temporary one: the person chooses another one at the first sign-in.
pub(super) fn read(mut resource: Resource, password: Option<String>) -> Result<WantedUser, scim::Error> {
    set_user_name(&mut resource)?;
    let user_name = resource.user_name().unwrap_or_default().to_owned();
    let mut ask_password = false;
    let mut locked = !resource.active();
    for extension in schema::USER_EXTENSIONS {
        ask_password |= flag(&resource, extension.id, "askPassword")?.unwrap_or(false);
        locked |= flag(&resource, extension.id, "accountLocked")?.unwrap_or(false);
    }
    let status = match (ask_password, locked) {
        (true, _) => UserStatus::New,
        (false, true) => UserStatus::Inactive,
        (false, false) => UserStatus::Active,
    };
    let emails = resource.emails();
    let mut new = NewUser::new(status);
    new.identifiers = vec![identifier(kind_of(&user_name), "userName", &user_name)?];
    if let Some(id) = resource.external_id() {
        new.identifiers.push(identifier(IdentifierKind::External, "externalId", id)?);
    }
    new.addresses = addresses(&emails)?;
    new.user_type = text(&resource.attributes, "userType").unwrap_or_default().to_owned();
    new.profile = Profile {
        payload: Some(payload(&resource, Map::new())),
        metadata: None,
        business_metadata: Some(metadata(&resource, Map::new())),
        by_scim: true,
    };
    if let Some(password) = password.filter(|_| !ask_password) {
        new.credentials = vec![temporary(password)];
    }
    let preferred = emails.iter().find(|email| email.primary).or_else(|| emails.first());
    let letter_to = preferred.map(|email| email.value.clone());
    Ok(WantedUser { new, ask_password, letter_to, user_name })
}

/// A password that is changed at the next sign-in.
pub(super) fn temporary(password: String) -> NewCredential {
    NewCredential {
        credential: ImportedCredential::Password(password),
        state: CredentialState::MustBeChanged,
        expires_at: None,
    }
}

/// Takes the name of a store from the user name.
pub(super) fn set_user_name(resource: &mut Resource) -> Result<(), scim::Error> {
    let name = without_store(resource.user_name().unwrap_or_default().trim()).trim().to_owned();
    if name.is_empty() {
        return Err(scim::Error::InvalidValue("userName is required".into()));
    }
    resource.attributes.insert("userName".into(), name.into());
    Ok(())
}

/// An identifier, checked so that the error names the attribute.
pub(super) fn identifier(
    kind: IdentifierKind,
    attribute: &str,
    text: &str,
) -> Result<NewIdentifier, scim::Error> {
    IdentifierText::parse(kind, text)
        .map_err(|error| scim::Error::InvalidValue(format!("{attribute} {error}")))?;
    Ok(NewIdentifier::new(kind, text))
}

/// E-mail addresses. That somebody else says so does not prove them.
pub(super) fn addresses(emails: &[EmailEntry]) -> Result<Vec<NewAddress>, scim::Error> {
    let checked = emails.iter().map(|email| {
        identifier(IdentifierKind::Email, "emails.value", &email.value)?;
        Ok(NewAddress { verified: None, ..NewAddress::email(email.value.as_str(), false) })
    });
    checked.collect()
}

fn text<'a>(attributes: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    attributes.get(name).and_then(Value::as_str)
}

/// A profile with what a resource says of it.
pub(super) fn payload(resource: &Resource, mut payload: Map<String, Value>) -> Map<String, Value> {
    let nothing = Map::new();
    let names = resource.attributes.get("name").and_then(Value::as_object).unwrap_or(&nothing);
    for (given, known) in [(&resource.attributes, PROFILE.as_slice()), (names, NAMES.as_slice())] {
        for (attribute, member) in known {
            match text(given, attribute) {
                Some(text) => payload.insert((*member).to_owned(), text.into()),
                None => payload.remove(*member),
            };
        }
    }
    payload
}

/// Metadata with what is kept of a resource.
pub(super) fn metadata(resource: &Resource, mut metadata: Map<String, Value>) -> Map<String, Value> {
    let kept = document::to_store(resource);
    match kept.is_empty() {
        true => metadata.remove(OF_SCIM),
        false => metadata.insert(OF_SCIM.to_owned(), Value::Object(kept)),
    };
    metadata
}

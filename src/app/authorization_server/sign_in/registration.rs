//! People who make themselves an account, where a pool of the organization allows it.

use base::id::IdentityPoolId;
use model::{email::Email, identity_pool::IdentityPool};
use serde_json::{Map, Value};

use super::{
    forgotten,
    visitor::{Visitor, organization},
};
use crate::app::{
    Error, Result, State,
    accounts::{
        user_credentials::{self, Registration},
        users,
    },
    authorization_server::issuers::Issuer,
    mail::Onward,
    principal::Principal,
};

/// The member of a profile that is a person's whole name.
const NAME: &str = "name";

/// The maximum number of members that are asked for.
const MAX_FIELDS: usize = 20;

/// The maximum length of one, in bytes.
const MAX_TEXT: usize = 2000;

/// Where people register, and what they are asked for.
pub struct Offer {
    /// The pool.
    pub pool: IdentityPool,
    /// The members of their profile.
    pub fields: Vec<ProfileField>,
}

/// A member of a profile that people are asked for: a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileField {
    /// The member.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// Whether it must be given.
    pub required: bool,
}

/// What somebody typed.
pub struct Typed<'a> {
    /// Their address.
    pub address: &'a str,
    /// Their profile: each member that was given.
    pub profile: Vec<(String, String)>,
}

/// Where people register here; `None` where they do not, or where more must be known of them than texts.
pub async fn offer(state: &State, issuer: &Issuer) -> Result<Option<Offer>> {
    let Some(pool) = forgotten::self_service(state, issuer).await?.registration else { return Ok(None) };
    let principal = Principal::service(issuer.tenant.environment_id);
    let schemas = users::schemas(state, &principal, &pool).await?;
    Ok(fields_of(&schemas.payload).map(|fields| Offer { pool, fields }))
}

/// Registers somebody, who sets a password by the letter: only whoever reads that has the address. It is the same whether somebody has the address: they get a letter that tells of it.
/// [`Error::InvalidFields`] and [`Error::Invalid`] name what was typed wrong.
pub async fn register(
    state: &State,
    issuer: &Issuer,
    pool_id: IdentityPoolId,
    typed: &Typed<'_>,
    onward: &Onward,
    visitor: &Visitor,
) -> Result<()> {
    organization(issuer)?;
    if !user_credentials::can_name_somebody(typed.address) || Email::parse(typed.address).is_none() {
        return Err(Error::invalid("identifier", "must be an e-mail address: dana@example.com"));
    }
    let is_bad = |text: &str| text.len() > MAX_TEXT || text.chars().any(char::is_control);
    if let Some((name, _)) = typed.profile.iter().find(|(_, text)| is_bad(text)) {
        return Err(Error::invalid(format!("payload/{name}"), "is too long, or is more than one line"));
    }
    let members = typed.profile.iter().map(|(name, text)| (name.clone(), Value::from(text.as_str())));
    let principal = Principal::service(issuer.tenant.environment_id).at(visitor.address());
    let new = Registration {
        identifier: typed.address.to_owned(),
        payload: Some(Map::from_iter(members)),
        onward: onward.clone(),
        ..Registration::default()
    };
    user_credentials::register(state, &principal, pool_id, &new).await.map(drop)
}

/// The texts that a profile with this schema must have, and the name; `None` if it must have something else.
fn fields_of(schema: &Map<String, Value>) -> Option<Vec<ProfileField>> {
    let nothing = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&nothing);
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut names = required.clone();
    let is_text = |name: &str| {
        properties.get(name).is_some_and(|member| {
            member.get("type").and_then(Value::as_str) == Some("string") && member.get("const").is_none()
        })
    };
    if !required.iter().any(|name| ["given_name", "family_name", NAME].contains(name)) && is_text(NAME) {
        names.insert(0, NAME);
    }
    if names.len() > MAX_FIELDS {
        return None;
    }
    let field = |name: &str| {
        let title = properties.get(name)?.get("title").and_then(Value::as_str).map(str::trim);
        let label = title.filter(|title| !title.is_empty()).unwrap_or(name).to_owned();
        is_text(name).then(|| ProfileField {
            name: name.to_owned(),
            label,
            required: required.contains(&name),
        })
    };
    names.into_iter().map(field).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(schema: &Value) -> Option<Vec<(String, String, bool)>> {
        let fields = fields_of(schema.as_object().unwrap())?;
        Some(fields.into_iter().map(|field| (field.name, field.label, field.required)).collect())
    }

    #[test]
    fn texts_that_must_be_given_are_asked_for() {
        let text = json!({ "type": "string" });
        let titled = json!({ "type": "string", "title": "Full name" });
        let field = |name: &str, label: &str, required| (name.to_owned(), label.to_owned(), required);
        assert_eq!(
            names(&json!({ "properties": { "name": titled, "nickname": text } })),
            Some(vec![field("name", "Full name", false)])
        );
        assert_eq!(
            names(
                &json!({ "properties": { "plan": text, "name": text, "given_name": text }, "required": ["given_name", "plan"] })
            ),
            Some(vec![field("given_name", "given_name", true), field("plan", "plan", true)])
        );
        assert_eq!(names(&json!({ "type": "object" })), Some(Vec::new()));
        let number = json!({ "type": "number" });
        assert_eq!(names(&json!({ "properties": { "age": number }, "required": ["age"] })), None);
        assert_eq!(names(&json!({ "required": ["anything"] })), None, "nobody knows what it is");
    }
}

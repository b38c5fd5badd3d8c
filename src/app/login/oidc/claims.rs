//! The person of a valid ID token. No I/O.

use base::time::Timestamp;
use model::{
    email::Email,
    federated_identity::FederatedIdentity,
    login_flow::{Attributes, LoginFlow},
    oidc_connection::ClaimMapping,
};
use oauth::relying_party::id_token::IdTokenClaims;
use serde_json::{Map, Value, json};

use crate::app::{accounts::users::LastingName, login::proven::Proven};

/// Claims that speak of the token, not of the person.
const TOKEN_CLAIMS: [&str; 14] = [
    "iss",
    "aud",
    "exp",
    "iat",
    "nbf",
    "nonce",
    "at_hash",
    "c_hash",
    "s_hash",
    "azp",
    "auth_time",
    "jti",
    "amr",
    "acr",
];

/// The maximum number of attributes.
const MAX_ATTRIBUTES: usize = 200;

/// The maximum number of values of an attribute.
const MAX_VALUES: usize = 1000;

/// The maximum length of a claim of a profile, in characters.
const MAX_CLAIM_LENGTH: usize = 200;

/// The maximum length of a session id of the provider, in bytes.
const MAX_SESSION_BYTES: usize = 1024;

/// The maximum number of methods that are kept, and the maximum length of each.
const MAX_METHODS: (usize, usize) = (10, 20);

/// Whether the claim with the address is there, whatever it holds.
pub(super) fn has_email(mapping: &ClaimMapping, claims: &Map<String, Value>) -> bool {
    claims.get(&mapping.email).is_some_and(|value| match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        _ => true,
    })
}

/// The address among the claims. For searching refused logins.
pub(super) fn email_of(mapping: &ClaimMapping, claims: &Map<String, Value>) -> Option<Email> {
    Email::parse(claims.get(&mapping.email)?.as_str()?.trim())
}

/// The person of a token, whose address is `email`.
pub(super) fn proven(
    flow: &LoginFlow,
    mapping: &ClaimMapping,
    email: Email,
    token: &IdTokenClaims,
    now: Timestamp,
) -> Proven {
    let claims = &token.claims;
    let session = claims.get("sid").and_then(Value::as_str).filter(|sid| sid.len() <= MAX_SESSION_BYTES);
    let identity = flow.connection_id.map(|connection_id| FederatedIdentity {
        connection_id,
        environment_id: flow.environment_id,
        organization_id: flow.organization_id,
        subject: token.subject.clone(),
        format: None,
        // Another issuer's people are others, whatever their sub is.
        name_qualifier: claims.get("iss").and_then(Value::as_str).map(str::to_owned),
        sp_name_qualifier: None,
        sp_provided_id: None,
        email: email.clone(),
        session_index: session.map(str::to_owned),
        last_login_at: now,
    });
    Proven {
        attributes: attributes(claims),
        authenticated_at: token.authenticated_at,
        name: identity.as_ref().map(|identity| LastingName::Other(identity.digest())),
        identity,
        claims: profile(mapping, claims),
        methods: methods(claims),
        response: None,
        email,
    }
}

/// What apps get: what is said of the person, each as texts.
fn attributes(claims: &Map<String, Value>) -> Attributes {
    let of_person = claims.iter().filter(|(name, _)| !TOKEN_CLAIMS.contains(&name.as_str()));
    of_person
        .filter_map(|(name, value)| {
            let values: Vec<String> = match value {
                Value::Array(several) => several.iter().filter_map(text).take(MAX_VALUES).collect(),
                one => text(one).into_iter().collect(),
            };
            (!values.is_empty()).then(|| (name.clone(), values))
        })
        .take(MAX_ATTRIBUTES)
        .collect()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// The profile of a new account.
fn profile(mapping: &ClaimMapping, claims: &Map<String, Value>) -> Map<String, Value> {
    let find = |name: &str| {
        let text = claims.get(name)?.as_str()?.trim();
        let fits = !text.is_empty()
            && text.chars().count() <= MAX_CLAIM_LENGTH
            && !text.chars().any(char::is_control);
        fits.then(|| json!(text))
    };
    [("name", "name"), ("given_name", &mapping.given_name), ("family_name", &mapping.family_name)]
        .into_iter()
        .filter_map(|(claim, name)| Some((claim.to_owned(), find(name)?)))
        .collect()
}

/// How the person authenticated (`amr`, RFC 8176).
fn methods(claims: &Map<String, Value>) -> Vec<String> {
    let (most, longest) = MAX_METHODS;
    let is_method = |text: &&str| {
        (1..=longest).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let said = claims.get("amr").and_then(Value::as_array).into_iter().flatten();
    said.filter_map(Value::as_str).filter(is_method).take(most).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn apps_get_what_is_said_of_the_person() {
        let claims = object(json!({
            "iss": "https://idp.example", "sub": "7", "email": "dana@acme.example", "email_verified": true,
            "groups": ["a", "b"], "none": null, "empty": [], "address": { "country": "DE" },
        }));
        let found = attributes(&claims);
        let value = |name: &str| found.get(name).cloned().unwrap_or_default();
        assert_eq!(value("groups"), ["a", "b"]);
        assert_eq!(value("email_verified"), ["true"]);
        assert_eq!(value("address"), [r#"{"country":"DE"}"#]);
        assert_eq!(found.len(), 5, "{found:?}");
    }

    #[test]
    fn the_mapping_names_the_claims_of_the_profile() {
        let mapping = ClaimMapping { given_name: "first".into(), ..ClaimMapping::default() };
        let long = "x".repeat(MAX_CLAIM_LENGTH + 1);
        let claims =
            object(json!({ "first": " Dana ", "given_name": "No", "family_name": long, "name": "D\nD" }));
        assert_eq!(Value::Object(profile(&mapping, &claims)), json!({ "given_name": "Dana" }));
        let said = object(json!({ "amr": ["pwd", "mfa", 7, "", "Not A Method"] }));
        assert_eq!(methods(&said), ["pwd", "mfa"]);
    }
}

//! What an assertion says about the person besides their address: the profile of a new account, and how they authenticated.

use saml::VerifiedAssertion;
use serde_json::{Map, Value, json};

/// The maximum length of a claim, in characters.
const MAX_CLAIM_LENGTH: usize = 200;

/// Authentication with several factors, as identity providers name it: the REFEDS profile, Microsoft's.
const MULTI_FACTOR_CONTEXTS: [&str; 2] =
    ["https://refeds.org/profile/mfa", "http://schemas.microsoft.com/claims/multipleauthn"];

/// Where Entra ID says how the person authenticated.
const METHODS_ATTRIBUTE: &str = "http://schemas.microsoft.com/claims/authnmethodsreferences";

/// The names of the usual attributes for the claims of a profile, in lower case.
const CLAIM_ATTRIBUTES: [(&str, &[&str]); 3] = [
    (
        "name",
        &[
            "displayname",
            "http://schemas.microsoft.com/identity/claims/displayname",
            "urn:oid:2.16.840.1.113730.3.1.241",
        ],
    ),
    (
        "given_name",
        &[
            "givenname",
            "given_name",
            "firstname",
            "first_name",
            "user.firstname",
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
            "urn:oid:2.5.4.42",
        ],
    ),
    (
        "family_name",
        &[
            "surname",
            "sn",
            "family_name",
            "lastname",
            "last_name",
            "user.lastname",
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
            "urn:oid:2.5.4.4",
        ],
    ),
];

/// How the person authenticated (RFC 8176), as far as the identity provider says so in a word that is known.
pub(super) fn methods(assertion: &VerifiedAssertion) -> Vec<String> {
    let context = assertion.authn_context.as_deref().unwrap_or_default();
    let class = context.strip_prefix("urn:oasis:names:tc:SAML:2.0:ac:classes:").unwrap_or_default();
    let factor = match class {
        "Password" | "PasswordProtectedTransport" => Some("pwd"),
        "TimeSyncToken" => Some("otp"),
        "Smartcard" | "SmartcardPKI" => Some("sc"),
        "Kerberos" => Some("wia"),
        "MobileTwoFactorContract" | "MobileTwoFactorUnregistered" => Some("mfa"),
        _ => None,
    };
    let said = assertion.subject.attributes.iter().filter(|(name, _)| name == METHODS_ATTRIBUTE);
    let is_multi = said
        .flat_map(|(_, values)| values.iter().map(String::as_str))
        .chain([context])
        .any(|text| MULTI_FACTOR_CONTEXTS.contains(&text.trim()));
    let mut methods: Vec<String> = factor.into_iter().map(str::to_owned).collect();
    if is_multi && factor != Some("mfa") {
        methods.push("mfa".to_owned());
    }
    methods
}

/// The profile of a new account: what the usual attributes say.
pub(super) fn profile(assertion: &VerifiedAssertion) -> Map<String, Value> {
    let find = |names: &[&str]| {
        let mut given = assertion.subject.attributes.iter();
        let (_, values) = given.find(|(name, _)| names.contains(&name.to_ascii_lowercase().as_str()))?;
        let text = values.first()?.trim();
        let fits = !text.is_empty()
            && text.chars().count() <= MAX_CLAIM_LENGTH
            && !text.chars().any(char::is_control);
        fits.then(|| json!(text))
    };
    CLAIM_ATTRIBUTES.into_iter().filter_map(|(claim, names)| Some((claim.to_owned(), find(names)?))).collect()
}

#[cfg(test)]
mod tests {
    use base::time::Timestamp;
    use saml::{NameIdAttributes, Subject};

    use super::*;

    fn assertion(context: Option<&str>, attributes: &[(&str, &str)]) -> VerifiedAssertion {
        let attributes =
            attributes.iter().map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()]));
        VerifiedAssertion {
            id: "_1".into(),
            issuer: "idp".into(),
            in_response_to: None,
            subject: Subject { name_id: "dana@acme.example".into(), attributes: attributes.collect() },
            name_id: NameIdAttributes::default(),
            not_on_or_after: Timestamp::from_millis(0),
            session_index: None,
            authn_instant: None,
            authn_context: context.map(str::to_owned),
        }
    }

    #[test]
    fn what_is_known_of_the_authentication_is_told() {
        let class = |name: &str| format!("urn:oasis:names:tc:SAML:2.0:ac:classes:{name}");
        let microsoft = [(METHODS_ATTRIBUTE, "http://schemas.microsoft.com/claims/multipleauthn")];
        for (context, attributes, expected) in [
            (Some(class("PasswordProtectedTransport")), &[][..], &["pwd"][..]),
            (Some(class("Password")), &microsoft, &["pwd", "mfa"]),
            (Some("https://refeds.org/profile/mfa".to_owned()), &[], &["mfa"]),
            (Some(class("MobileTwoFactorContract")), &microsoft, &["mfa"]),
            (Some(class("unspecified")), &[], &[]),
            (Some("Password".to_owned()), &[("amr", "mfa")], &[]),
            (None, &[], &[]),
        ] {
            assert_eq!(methods(&assertion(context.as_deref(), attributes)), expected, "{context:?}");
        }
    }

    #[test]
    fn the_profile_is_what_the_usual_attributes_say() {
        let long = "x".repeat(MAX_CLAIM_LENGTH + 1);
        let given =
            [("givenName", " Dana "), ("sn", long.as_str()), ("displayName", "Dana\nDoe"), ("groups", "x")];
        assert_eq!(Value::Object(profile(&assertion(None, &given))), json!({ "given_name": "Dana" }));
    }
}

//! The person in an assertion: the e-mail address, and whether its domain belongs to the organization.

use super::error::Error;
use crate::{
    model::{email::Email, organization::Organization, saml_connection::SamlConnection},
    saml::{Subject, check::Check},
};

/// Attributes in which identity providers send the e-mail address if the NameID is not one.
const EMAIL_ATTRIBUTES: [&str; 8] = [
    "email",
    "mail",
    "emailaddress",
    "user.email",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "http://schemas.xmlsoap.org/claims/emailaddress",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "urn:oid:1.2.840.113549.1.9.1",
];

/// Returns the e-mail address of the person and adds the check to `checks`. A configured attribute takes
/// precedence, without comparing the NameID; otherwise the NameID if it is an address; otherwise the usual
/// attributes. Two addresses of different domains are refused.
pub fn find_email(
    connection: &SamlConnection,
    subject: &Subject,
    checks: &mut Vec<Check>,
) -> Result<Email, Error> {
    let found = match &connection.email_attribute {
        Some(name) => from_attribute(name, subject),
        None => from_name_id_or_email_attributes(subject),
    };
    match found {
        Ok((email, source)) => {
            checks.push(Error::EmailMissing.passed(None, Some(source)));
            Ok(email)
        }
        Err((refusal, expected, found)) => {
            checks.push(refusal.failed(expected, found));
            Err(refusal)
        }
    }
}

/// Checks that the domain of `email` is exactly one of the organization's domains.
pub fn check_domain(
    organization: &Organization,
    email: &Email,
    checks: &mut Vec<Check>,
) -> Result<(), Error> {
    let refusal = Error::EmailOutsideOrganizationDomains;
    let admitted: Vec<&str> = organization.accepted_domains().map(|domain| domain.as_str()).collect();
    let expected = if admitted.is_empty() { "(no domain is listed)".to_owned() } else { admitted.join(", ") };
    let found = email.to_string();
    if organization.accepts_domain(email.domain()) {
        checks.push(refusal.passed(Some(expected), Some(found)));
        Ok(())
    } else {
        checks.push(refusal.failed(Some(expected), Some(found)));
        Err(refusal)
    }
}

/// The most likely e-mail address in a refused response. It is for searching logins only, never for accepting one.
pub fn claimed_email(connection: &SamlConnection, subject: &Subject) -> Option<Email> {
    let strict = find_email(connection, subject, &mut Vec::new()).ok();
    strict.or_else(|| Email::parse(&subject.name_id)).or_else(|| {
        let usual =
            values(subject, |attribute| EMAIL_ATTRIBUTES.contains(&attribute.to_ascii_lowercase().as_str()));
        usual.iter().find_map(|value| Email::parse(value))
    })
}

/// An address with its source, or the error with what was expected and what was found.
type EmailResult = Result<(Email, String), (Error, Option<String>, Option<String>)>;

fn from_attribute(name: &str, subject: &Subject) -> EmailResult {
    let expected = || Some(format!("one e-mail address in the attribute {name}"));
    match values(subject, |attribute| attribute == name).as_slice() {
        [] => Err((Error::EmailMissing, expected(), Some(attribute_names(subject)))),
        [value] => match Email::parse(value) {
            Some(email) => Ok((email, format!("attribute {name}"))),
            None => Err((Error::EmailMalformed, expected(), Some((*value).to_owned()))),
        },
        several => Err((Error::EmailAmbiguous, expected(), Some(format!("{} values", several.len())))),
    }
}

fn from_name_id_or_email_attributes(subject: &Subject) -> EmailResult {
    let usual =
        values(subject, |attribute| EMAIL_ATTRIBUTES.contains(&attribute.to_ascii_lowercase().as_str()));
    let mut attributes: Vec<Email> = usual.iter().filter_map(|value| Email::parse(value)).collect();
    // A malformed address is a different error than a missing one: another parser might accept it.
    let malformed = |text: &str| {
        let expected = Some("a plain e-mail address".to_owned());
        Err((Error::EmailMalformed, expected, Some(text.to_owned())))
    };
    attributes.sort_by_key(Email::key);
    attributes.dedup_by_key(|email| email.key());
    let strange = usual.iter().find(|value| value.contains('@') && Email::parse(value).is_none());
    match (Email::parse(&subject.name_id), attributes.as_slice()) {
        (Some(name_id), others) => match others.iter().find(|other| other.domain() != name_id.domain()) {
            None => Ok((name_id, "NameID".to_owned())),
            Some(other) => Err((
                Error::EmailAmbiguous,
                Some(
                    "one domain in NameID and e-mail attribute, or emailAttribute set in the connection"
                        .to_owned(),
                ),
                Some(format!("NameID of {}, attribute of {}", name_id.domain(), other.domain())),
            )),
        },
        (None, _) if strange.is_some() => malformed(strange.unwrap_or(&"")),
        (None, [one]) => Ok((one.clone(), "e-mail attribute".to_owned())),
        (None, [_, _, ..]) => Err((
            Error::EmailAmbiguous,
            Some("one e-mail address, or emailAttribute set in the connection".to_owned()),
            Some(format!("{} different addresses", attributes.len())),
        )),
        (None, []) if subject.name_id.contains('@') => malformed(&subject.name_id),
        (None, []) => Err((
            Error::EmailMissing,
            Some("an e-mail address as NameID or in the attribute email".to_owned()),
            Some(attribute_names(subject)),
        )),
    }
}

/// All values of the attributes that `wanted` selects, trimmed of XML white space.
fn values(subject: &Subject, wanted: impl Fn(&str) -> bool) -> Vec<&str> {
    let picked = subject.attributes.iter().filter(|(name, _)| wanted(name));
    picked.flat_map(|(_, values)| values).map(|value| value.trim_matches([' ', '\t', '\r', '\n'])).collect()
}

/// The attributes of the response, by name only: values are personal data.
fn attribute_names(subject: &Subject) -> String {
    let names: Vec<&str> = subject.attributes.iter().map(|(name, _)| name.as_str()).collect();
    format!(
        "NameID without an address; attributes: {}",
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    )
}

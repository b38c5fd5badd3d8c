//! The person in an assertion: the e-mail address. No I/O, no state.

use model::{email::Email, organization::Organization, saml_connection::SamlConnection};
use saml::Subject;

use super::error::Error;

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

/// The failed check of an e-mail address.
pub(super) struct FailedCheck {
    /// The error.
    pub(super) error: Error,
    /// What was expected.
    pub(super) expected: Option<String>,
    /// What was found instead.
    pub(super) found: Option<String>,
}

/// Returns the e-mail address of the person, and where it was found. A configured attribute takes precedence, without
/// comparing the NameID; otherwise the NameID if it is an address; otherwise the usual attributes. Two addresses of
/// different domains are refused.
pub(super) fn find_email(
    connection: &SamlConnection,
    subject: &Subject,
) -> Result<(Email, String), FailedCheck> {
    match &connection.email_attribute {
        Some(name) => from_attribute(name, subject),
        None => from_name_id_or_email_attributes(subject),
    }
}

/// The domains whose e-mail addresses the organization accepts, as a check lists them.
pub(super) fn accepted_domains(organization: &Organization) -> String {
    let accepted: Vec<&str> = organization.accepted_domains().map(|domain| domain.as_str()).collect();
    if accepted.is_empty() { "(no domain is listed)".to_owned() } else { accepted.join(", ") }
}

/// The most likely e-mail address in a refused response. It is for searching logins only, never for accepting one.
pub(super) fn claimed_email(connection: &SamlConnection, subject: &Subject) -> Option<Email> {
    let strict = find_email(connection, subject).ok().map(|(email, _)| email);
    strict.or_else(|| Email::parse(&subject.name_id)).or_else(|| {
        let usual =
            values(subject, |attribute| EMAIL_ATTRIBUTES.contains(&attribute.to_ascii_lowercase().as_str()));
        usual.iter().find_map(|value| Email::parse(value))
    })
}

fn from_attribute(name: &str, subject: &Subject) -> Result<(Email, String), FailedCheck> {
    let failed = |error, found| {
        let expected = Some(format!("one e-mail address in the attribute {name}"));
        Err(FailedCheck { error, expected, found: Some(found) })
    };
    let given = values(subject, |attribute| attribute == name);
    let Addresses { different, malformed } = addresses(&given);
    match (malformed, different.as_slice(), given.first()) {
        (Some(malformed), ..) => failed(Error::EmailMalformed, malformed.to_owned()),
        (None, [one], _) => Ok((one.clone(), format!("attribute {name}"))),
        (None, [_, _, ..], _) => {
            failed(Error::EmailAmbiguous, format!("{} different addresses", different.len()))
        }
        (None, [], Some(value)) => failed(Error::EmailMalformed, (*value).to_owned()),
        (None, [], None) => failed(Error::EmailMissing, attribute_names(subject)),
    }
}

/// The addresses among the values of attributes.
struct Addresses<'v> {
    /// Each once, as it was spelled first.
    different: Vec<Email>,
    /// One that another parser might accept: a malformed address is a different error than a missing one.
    malformed: Option<&'v str>,
}

/// Reads the addresses among the values. Those that are not meant as one are something else.
fn addresses<'v>(values: &[&'v str]) -> Addresses<'v> {
    let mut different: Vec<Email> = values.iter().filter_map(|value| Email::parse(value)).collect();
    different.sort_by_key(Email::key);
    different.dedup_by_key(|email| email.key());
    let malformed = values.iter().find(|value| Email::is_meant(value) && Email::parse(value).is_none());
    Addresses { different, malformed: malformed.copied() }
}

fn from_name_id_or_email_attributes(subject: &Subject) -> Result<(Email, String), FailedCheck> {
    let usual =
        values(subject, |attribute| EMAIL_ATTRIBUTES.contains(&attribute.to_ascii_lowercase().as_str()));
    let Addresses { different: attributes, malformed: strange } = addresses(&usual);
    let failed = |error, expected: &str, found| {
        Err(FailedCheck { error, expected: Some(expected.to_owned()), found: Some(found) })
    };
    let malformed = |text: &str| failed(Error::EmailMalformed, "a plain e-mail address", text.to_owned());
    match (Email::parse(&subject.name_id), attributes.as_slice()) {
        (Some(name_id), others) => match others.iter().find(|other| other.domain() != name_id.domain()) {
            None => Ok((name_id, "NameID".to_owned())),
            Some(other) => failed(
                Error::EmailAmbiguous,
                "one domain in NameID and e-mail attribute, or emailAttribute set in the connection",
                format!("NameID of {}, attribute of {}", name_id.domain(), other.domain()),
            ),
        },
        (None, _) if strange.is_some() => malformed(strange.unwrap_or("")),
        (None, [one]) => Ok((one.clone(), "e-mail attribute".to_owned())),
        (None, [_, _, ..]) => failed(
            Error::EmailAmbiguous,
            "one e-mail address, or emailAttribute set in the connection",
            format!("{} different addresses", attributes.len()),
        ),
        (None, []) if Email::is_meant(&subject.name_id) => malformed(&subject.name_id),
        (None, []) => failed(
            Error::EmailMissing,
            "an e-mail address as NameID or in the attribute email",
            attribute_names(subject),
        ),
    }
}

/// All values of the attributes that `wanted` selects, trimmed of XML white space, without empty ones.
fn values(subject: &Subject, wanted: impl Fn(&str) -> bool) -> Vec<&str> {
    let picked = subject.attributes.iter().filter(|(name, _)| wanted(name));
    let trimmed =
        picked.flat_map(|(_, values)| values).map(|value| value.trim_matches([' ', '\t', '\r', '\n']));
    trimmed.filter(|value| !value.is_empty()).collect()
}

/// The attributes of the response, by name only: values are personal data.
fn attribute_names(subject: &Subject) -> String {
    let names: Vec<&str> = subject.attributes.iter().map(|(name, _)| name.as_str()).collect();
    format!(
        "NameID without an address; attributes: {}",
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    type Found = Result<(String, String), Error>;

    fn subject(name_id: &str, attributes: &[(&str, &[&str])]) -> Subject {
        let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        let attributes = attributes.iter().map(|(name, some)| ((*name).to_owned(), values(some))).collect();
        Subject { name_id: name_id.to_owned(), attributes }
    }

    fn in_short(result: Result<(Email, String), FailedCheck>) -> Found {
        result.map(|(email, source)| (email.to_string(), source)).map_err(|failed| failed.error)
    }

    fn found(email: &str, source: &str) -> Found {
        Ok((email.to_owned(), source.to_owned()))
    }

    #[test]
    fn without_a_configured_attribute_all_addresses_are_of_one_domain() {
        let (ada, name_id) = (found("ada@a.example", "NameID"), "ada@a.example");
        let attribute = found("ada@a.example", "e-mail attribute");
        for (subject, expected) in [
            (subject(name_id, &[]), ada.clone()),
            (subject(name_id, &[("mail", &["a.lovelace@a.example"])]), ada),
            (subject(name_id, &[("mail", &["ada@b.example"])]), Err(Error::EmailAmbiguous)),
            (subject("4711", &[("Email", &[" ada@a.example\n"])]), attribute.clone()),
            (subject("4711", &[("email", &["ada@a.example"]), ("mail", &["ADA@a.example"])]), attribute),
            (subject("4711", &[("mail", &["ada@a.example", "b@a.example"])]), Err(Error::EmailAmbiguous)),
            (subject("4711", &[("mail", &["ada@a.example", "\"x@y\"@z"])]), Err(Error::EmailMalformed)),
            (subject("ada@", &[]), Err(Error::EmailMalformed)),
            (subject("4711", &[("other", &["ada@a.example"])]), Err(Error::EmailMissing)),
            (subject("", &[]), Err(Error::EmailMissing)),
        ] {
            assert_eq!(in_short(from_name_id_or_email_attributes(&subject)), expected, "{subject:?}");
        }
    }

    #[test]
    fn a_configured_attribute_takes_precedence() {
        for (values, expected) in [
            (&["ada@a.example"][..], found("ada@a.example", "attribute work")),
            (&["ada"], Err(Error::EmailMalformed)),
            (&["ada@a.example", "ADA@A.example"], found("ada@a.example", "attribute work")),
            (&["", "Ada@a.example", " "], found("Ada@a.example", "attribute work")),
            (&["ada", "ada@a.example"], found("ada@a.example", "attribute work")),
            (
                &["ada@bücher.example", "ada@xn--bcher-kva.example"],
                found("ada@bücher.example", "attribute work"),
            ),
            (&["ada@a.example", "eve@a.example"], Err(Error::EmailAmbiguous)),
            (&["ada@a.example", "eve@b.example@a.example"], Err(Error::EmailMalformed)),
            (&["ada@a.example", "ada\u{ff20}b.example"], Err(Error::EmailMalformed)),
            (&["", " "], Err(Error::EmailMissing)),
            (&[], Err(Error::EmailMissing)),
        ] {
            let subject = subject("eve@b.example", &[("work", values), ("mail", &["eve@b.example"])]);
            assert_eq!(in_short(from_attribute("work", &subject)), expected, "{subject:?}");
        }
    }
}

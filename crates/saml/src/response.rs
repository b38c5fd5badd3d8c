//! The contents of a response and of an assertion, read from documents made of verified bytes. One exception:
//! when only the assertion is signed, the unsigned response around it is read for checks that can only
//! refuse.

use std::{borrow::Cow, collections::HashMap};

use base::time::Timestamp;

use crate::{
    assertion::{NameIdAttributes, Subject},
    dom::{Element, ns, trim},
    failed_check::FailedCheck,
};

/// An `xs:dateTime`: its text, and its value when it is valid.
#[derive(Debug, Clone, Copy)]
pub(super) struct DateTime<'d> {
    pub text: &'d str,
    pub time: Option<Timestamp>,
}

impl<'d> DateTime<'d> {
    /// An `xs:dateTime` in UTC (SAML 2.0 Core §1.3.3). One without a zone is UTC too.
    fn read(text: &'d str) -> Self {
        let trimmed = trim(text);
        // Valid values are shorter; longer ones are not parsed.
        let time = if trimmed.len() > 64 {
            None
        } else {
            Timestamp::parse_rfc3339(trimmed).or_else(|| Timestamp::parse_rfc3339(&format!("{trimmed}Z")))
        };
        Self { text, time }
    }

    fn of(element: Element<'d>, name: &str) -> Option<Self> {
        element.attribute(name).map(Self::read)
    }
}

/// A `samlp:Response` (SAML 2.0 Core §3.2.2).
pub(super) struct Response<'d> {
    pub version: Option<&'d str>,
    pub issue_instant: Option<DateTime<'d>>,
    pub destination: Option<&'d str>,
    pub in_response_to: Option<&'d str>,
    /// None when there is no issuer; empty when there is one that is not text.
    pub issuer: Option<Cow<'d, str>>,
    /// The status codes, the top-level one first.
    pub status: Vec<&'d str>,
    pub status_message: Option<Cow<'d, str>>,
}

impl<'d> Response<'d> {
    pub fn read(response: Element<'d>) -> Self {
        let status = response.child(ns::PROTOCOL, "Status");
        let mut codes = Vec::new();
        let mut code = status.and_then(|status| status.child(ns::PROTOCOL, "StatusCode"));
        while let Some(element) = code {
            codes.push(element.attribute("Value").unwrap_or_default());
            code = element.child(ns::PROTOCOL, "StatusCode");
        }
        Self {
            version: response.attribute("Version"),
            issue_instant: DateTime::of(response, "IssueInstant"),
            destination: response.attribute("Destination"),
            in_response_to: response.attribute("InResponseTo"),
            issuer: issuer(response),
            status: codes,
            status_message: status
                .and_then(|status| status.child(ns::PROTOCOL, "StatusMessage"))
                .map(Element::deep_text),
        }
    }
}

/// A `saml:Assertion` (SAML 2.0 Core §2.3.3).
pub(super) struct Assertion<'d> {
    pub id: &'d str,
    pub version: Option<&'d str>,
    pub issue_instant: Option<DateTime<'d>>,
    pub issuer: Option<Cow<'d, str>>,
    pub name_id: NameId<'d>,
    pub confirmations: Vec<SubjectConfirmation<'d>>,
    pub conditions: Option<Conditions<'d>>,
    pub authn_statements: Vec<AuthnStatement<'d>>,
    pub attributes: Vec<(String, Vec<String>)>,
}

impl Assertion<'_> {
    /// The subject with the attributes, for the timeline.
    pub fn subject(&self) -> Subject {
        let name_id = match &self.name_id {
            NameId::Name(name, _) => name.clone().into_owned(),
            _ => String::new(),
        };
        Subject { name_id, attributes: self.attributes.clone() }
    }
}

/// The identifier of the subject (§2.4.1).
pub(super) enum NameId<'d> {
    /// There is no `NameID`; with the name of the other element in its place, such as `BaseID`.
    Missing(Option<&'d str>),
    /// An `EncryptedID` (§2.2.4) that was not decrypted yet.
    Encrypted(Element<'d>),
    /// An `EncryptedID` that cannot be decrypted.
    Undecryptable(FailedCheck),
    /// Not plain text, empty, or more than one.
    Malformed,
    /// The name and its attributes.
    Name(Cow<'d, str>, NameIdAttributes),
}

/// A `SubjectConfirmation` with its data (§2.4.1.1, §2.4.1.2).
pub(super) struct SubjectConfirmation<'d> {
    pub method: &'d str,
    pub recipient: Option<&'d str>,
    pub in_response_to: Option<&'d str>,
    pub not_before: Option<DateTime<'d>>,
    pub not_on_or_after: Option<DateTime<'d>>,
}

/// `Conditions` (§2.5.1).
pub(super) struct Conditions<'d> {
    pub not_before: Option<DateTime<'d>>,
    pub not_on_or_after: Option<DateTime<'d>>,
    /// One list of audiences for each restriction.
    pub audience_restrictions: Vec<Vec<Cow<'d, str>>>,
    /// The names of conditions that SAML 2.0 does not define.
    pub unknown: Vec<&'d str>,
}

/// An `AuthnStatement` (§2.7.2).
pub(super) struct AuthnStatement<'d> {
    pub instant: Option<DateTime<'d>>,
    pub index: Option<&'d str>,
    pub not_on_or_after: Option<DateTime<'d>>,
    pub context: Option<String>,
}

impl<'d> Assertion<'d> {
    pub fn read(assertion: Element<'d>) -> Self {
        let subject = assertion.child(ns::ASSERTION, "Subject");
        Self {
            id: assertion.attribute("ID").unwrap_or_default(),
            version: assertion.attribute("Version"),
            issue_instant: DateTime::of(assertion, "IssueInstant"),
            issuer: issuer(assertion),
            name_id: subject.map_or(NameId::Missing(None), name_id),
            confirmations: subject
                .into_iter()
                .flat_map(|subject| subject.children(ns::ASSERTION, "SubjectConfirmation"))
                .map(confirmation)
                .collect(),
            conditions: assertion.child(ns::ASSERTION, "Conditions").map(conditions),
            authn_statements: assertion
                .children(ns::ASSERTION, "AuthnStatement")
                .map(authn_statement)
                .collect(),
            attributes: attributes(assertion),
        }
    }
}

fn issuer(element: Element<'_>) -> Option<Cow<'_, str>> {
    element.child(ns::ASSERTION, "Issuer").map(|issuer| issuer.text().unwrap_or_default())
}

fn name_id(subject: Element<'_>) -> NameId<'_> {
    let mut names = subject.elements().filter(|child| !child.is(ns::ASSERTION, "SubjectConfirmation"));
    let Some(name) = names.next() else { return NameId::Missing(None) };
    if name.is(ns::ASSERTION, "EncryptedID") {
        return if names.next().is_none() { NameId::Encrypted(name) } else { NameId::Malformed };
    }
    if !name.is(ns::ASSERTION, "NameID") {
        return NameId::Missing(Some(name.name()));
    }
    if names.next().is_none() { plain_name_id(name) } else { NameId::Malformed }
}

/// The `NameID` that is the root of the plaintext of an `EncryptedID`.
pub(super) fn decrypted_name_id(root: Element<'_>) -> NameId<'static> {
    if !root.is(ns::ASSERTION, "NameID") {
        return NameId::Malformed;
    }
    match plain_name_id(root) {
        NameId::Name(text, attributes) => NameId::Name(Cow::Owned(text.into_owned()), attributes),
        _ => NameId::Malformed,
    }
}

/// A `NameID` element (SAML 2.0 Core §2.2.2).
fn plain_name_id(name: Element<'_>) -> NameId<'_> {
    let attribute = |name_of: &str| name.attribute(name_of).map(str::to_owned);
    match name.text() {
        Some(text) if !text.is_empty() => {
            let attributes = NameIdAttributes {
                format: attribute("Format"),
                name_qualifier: attribute("NameQualifier"),
                sp_name_qualifier: attribute("SPNameQualifier"),
                sp_provided_id: attribute("SPProvidedID"),
            };
            NameId::Name(text, attributes)
        }
        _ => NameId::Malformed,
    }
}

fn confirmation(confirmation: Element<'_>) -> SubjectConfirmation<'_> {
    let data = confirmation.child(ns::ASSERTION, "SubjectConfirmationData");
    let attribute = |name: &str| data.and_then(|data| data.attribute(name));
    SubjectConfirmation {
        method: confirmation.attribute("Method").unwrap_or_default(),
        recipient: attribute("Recipient"),
        in_response_to: attribute("InResponseTo"),
        not_before: attribute("NotBefore").map(DateTime::read),
        not_on_or_after: attribute("NotOnOrAfter").map(DateTime::read),
    }
}

fn conditions(conditions: Element<'_>) -> Conditions<'_> {
    let mut audience_restrictions = Vec::new();
    let mut unknown = Vec::new();
    for condition in conditions.elements() {
        match (condition.namespace(), condition.name()) {
            (Some(ns::ASSERTION), "AudienceRestriction") => {
                let audiences = condition.children(ns::ASSERTION, "Audience");
                audience_restrictions
                    .push(audiences.map(|audience| audience.text().unwrap_or_default()).collect());
            }
            // Replay protection covers OneTimeUse for every assertion; ProxyRestriction is for those who
            // issue assertions.
            (Some(ns::ASSERTION), "OneTimeUse" | "ProxyRestriction") => {}
            (_, name) => unknown.push(name),
        }
    }
    Conditions {
        not_before: DateTime::of(conditions, "NotBefore"),
        not_on_or_after: DateTime::of(conditions, "NotOnOrAfter"),
        audience_restrictions,
        unknown,
    }
}

fn authn_statement(statement: Element<'_>) -> AuthnStatement<'_> {
    AuthnStatement {
        instant: DateTime::of(statement, "AuthnInstant"),
        index: statement.attribute("SessionIndex"),
        not_on_or_after: DateTime::of(statement, "SessionNotOnOrAfter"),
        context: statement
            .child(ns::ASSERTION, "AuthnContext")
            .and_then(|context| context.child(ns::ASSERTION, "AuthnContextClassRef"))
            .and_then(|class| class.text())
            .map(|class| class.trim().to_owned()),
    }
}

/// The attributes in document order. Values of the same `Name` are merged, and `xsi:nil` values are left out
/// (§2.7.3).
fn attributes(assertion: Element<'_>) -> Vec<(String, Vec<String>)> {
    let mut attributes: Vec<(String, Vec<String>)> = Vec::new();
    let mut positions: HashMap<&str, usize> = HashMap::new();
    let statements = assertion.children(ns::ASSERTION, "AttributeStatement");
    for attribute in statements.flat_map(|statement| statement.children(ns::ASSERTION, "Attribute")) {
        let Some(name) = attribute.attribute("Name") else { continue };
        let position = *positions.entry(name).or_insert_with(|| {
            attributes.push((name.to_owned(), Vec::new()));
            attributes.len() - 1
        });
        for value in attribute.children(ns::ASSERTION, "AttributeValue") {
            let nil = value.data().get_attribute_ns(ns::SCHEMA_INSTANCE, "nil");
            if !nil.is_some_and(|nil| matches!(trim(nil), "true" | "1")) {
                attributes[position].1.push(value.deep_text().into_owned());
            }
        }
    }
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_utc_with_or_without_saying_so() {
        let time = |text: &'static str| DateTime::read(text).time.map(|time| time.to_string());
        let expected = Some("2026-11-21T21:41:37.123Z".to_owned());
        for text in [
            "2026-11-21T21:41:37.123Z",
            " 2026-11-21T21:41:37.1234567Z\n",
            "2026-11-21T21:41:37.123",
            "2026-11-21T22:41:37.123+01:00",
            "2026-11-21T21:41:37.1239999999999999999Z",
        ] {
            assert_eq!(time(text), expected, "{text}");
        }
        for text in ["", "now", "2026-11-21", "2026-13-21T21:41:37Z", "1795300897"] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn attributes_of_one_name_are_put_together() {
        let xml = r#"<a:Assertion xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
            <a:AttributeStatement>
              <a:Attribute Name="Role"><a:AttributeValue>one</a:AttributeValue></a:Attribute>
              <a:Attribute Name="mail"><a:AttributeValue> a@b.example
                </a:AttributeValue></a:Attribute>
              <a:Attribute><a:AttributeValue>nameless</a:AttributeValue></a:Attribute>
            </a:AttributeStatement>
            <a:AttributeStatement>
              <a:Attribute Name="Role"><a:AttributeValue><b>t<i>w</i></b>o</a:AttributeValue><a:AttributeValue xsi:nil="true"/></a:Attribute>
              <a:Attribute Name="none"/>
            </a:AttributeStatement></a:Assertion>"#;
        let document = uppsala::parse(xml).unwrap();
        let read = attributes(Element::root(&document).unwrap());
        let expected: [(&str, &[&str]); 3] =
            [("Role", &["one", "two"]), ("mail", &["a@b.example"]), ("none", &[])];
        assert_eq!(read.len(), expected.len());
        for ((name, values), (expected_name, expected_values)) in read.iter().zip(expected) {
            assert_eq!(
                (name.as_str(), values.iter().map(String::as_str).collect::<Vec<_>>()),
                (expected_name, expected_values.to_vec())
            );
        }
    }
}

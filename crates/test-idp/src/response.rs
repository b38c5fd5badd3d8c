//! Builds SAML Responses of any form from plain data (SAML Core §3.3.3, Profiles §4.1.4.2).
//!
//! [`ResponseSpec::valid`] is what a conformant identity provider sends; every field can then be
//! changed to something that must be refused.

use std::time::Duration;

use base::{random::Random, time::Timestamp};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use openssl::{
    pkey::{PKeyRef, Private},
    x509::X509Ref,
};
use saml::{
    identifiers::{self, namespace},
    sign::{SignatureAlgorithm, SigningError, sign_element},
    xml_writer::XmlWriter,
};

use crate::encrypt::{Encryption, encrypt_assertion};

/// The two sides of a login and the request.
#[derive(Debug, Clone, Copy)]
pub struct ResponseContext<'a> {
    /// The identity provider's entity id.
    pub idp_entity_id: &'a str,
    /// The service provider's entity id.
    pub sp_entity_id: &'a str,
    /// The Assertion Consumer Service URL that the response goes to.
    pub acs_url: &'a str,
    /// The ID of the request that it answers; none for an IdP-initiated login.
    pub in_response_to: Option<&'a str>,
}

/// Which elements are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// Neither.
    None,
    /// The Response.
    Response,
    /// The Assertion.
    Assertion,
    /// Both, the Assertion first.
    Both,
}

impl Signing {
    fn covers_assertion(self) -> bool {
        matches!(self, Self::Assertion | Self::Both)
    }

    fn covers_response(self) -> bool {
        matches!(self, Self::Response | Self::Both)
    }
}

/// The contents of a Response. `None` leaves the attribute or element out.
#[derive(Debug, Clone)]
pub struct ResponseSpec {
    /// `Response/@ID`.
    pub response_id: String,
    /// `Response/@Version`.
    pub response_version: String,
    /// `Response/@IssueInstant`.
    pub response_issue_instant: Timestamp,
    /// `Response/@Destination`.
    pub destination: Option<String>,
    /// `Response/@InResponseTo`.
    pub response_in_response_to: Option<String>,
    /// `Response/Issuer`.
    pub response_issuer: Option<String>,
    /// `Status/StatusCode/@Value`; without it there is no `Status`.
    pub status: Option<String>,
    /// The second-level `StatusCode/@Value`.
    pub sub_status: Option<String>,
    /// `Status/StatusMessage`.
    pub status_message: Option<String>,
    /// Whether there is an assertion at all; a response with another status has none.
    pub with_assertion: bool,

    /// `Assertion/@ID`.
    pub assertion_id: String,
    /// `Assertion/@Version`.
    pub assertion_version: String,
    /// `Assertion/@IssueInstant`.
    pub assertion_issue_instant: Timestamp,
    /// `Assertion/Issuer`.
    pub assertion_issuer: Option<String>,

    /// `Subject/NameID`.
    pub name_id: Option<String>,
    /// `NameID/@Format`.
    pub name_id_format: Option<String>,
    /// Further attributes of `NameID`: names and values.
    pub name_id_attributes: Vec<(&'static str, String)>,
    /// `SubjectConfirmation/@Method`; without it there is no `SubjectConfirmation`.
    pub confirmation_method: Option<String>,
    /// `SubjectConfirmationData/@Recipient`.
    pub recipient: Option<String>,
    /// `SubjectConfirmationData/@InResponseTo`.
    pub confirmation_in_response_to: Option<String>,
    /// `SubjectConfirmationData/@NotBefore` (which the profile forbids).
    pub confirmation_not_before: Option<Timestamp>,
    /// `SubjectConfirmationData/@NotOnOrAfter`.
    pub confirmation_not_on_or_after: Option<Timestamp>,

    /// Whether there is a `Conditions` element.
    pub with_conditions: bool,
    /// `Conditions/@NotBefore`.
    pub not_before: Option<Timestamp>,
    /// `Conditions/@NotOnOrAfter`.
    pub not_on_or_after: Option<Timestamp>,
    /// One `AudienceRestriction` for each inner list of audiences.
    pub audience_restrictions: Vec<Vec<String>>,
    /// Markup to put into `Conditions` as it is, such as `<saml:OneTimeUse/>`.
    pub extra_conditions: String,

    /// `AuthnStatement/@AuthnInstant`; without it there is no `AuthnStatement`.
    pub authn_instant: Option<Timestamp>,
    /// `AuthnStatement/@SessionIndex`.
    pub session_index: Option<String>,
    /// `AuthnStatement/@SessionNotOnOrAfter`.
    pub session_not_on_or_after: Option<Timestamp>,
    /// `AuthnContextClassRef`.
    pub authn_context: String,

    /// `Attribute` elements in order: name and values.
    pub attributes: Vec<(String, Vec<String>)>,
    /// `Attribute/@NameFormat`.
    pub attribute_name_format: Option<String>,
    /// `AttributeValue/@xsi:type`, such as `xs:string`.
    pub attribute_value_type: Option<String>,

    /// The prefix of the protocol namespace; empty for a default namespace.
    pub protocol_prefix: String,
    /// The prefix of the assertion namespace; empty for a default namespace.
    pub assertion_prefix: String,

    /// What is signed.
    pub signing: Signing,
    /// With which algorithm; by default the one with SHA-256 that fits the key.
    pub algorithm: Option<SignatureAlgorithm>,
    /// Whether and for whom the assertion is encrypted, after it was signed and before the Response
    /// is.
    pub encryption: Option<Encryption>,
}

impl ResponseSpec {
    /// A response that a service provider must accept: valid for five minutes, for this one audience
    /// and address, with the assertion signed.
    pub fn valid(context: &ResponseContext<'_>, name_id: &str, now: Timestamp, random: &dyn Random) -> Self {
        let lifetime = Duration::from_secs(300);
        let owned = |text: &str| Some(text.to_owned());
        let in_response_to = context.in_response_to.map(str::to_owned);
        Self {
            response_id: new_id(random),
            response_version: "2.0".to_owned(),
            response_issue_instant: now,
            destination: owned(context.acs_url),
            response_in_response_to: in_response_to.clone(),
            response_issuer: owned(context.idp_entity_id),
            status: owned(identifiers::status::SUCCESS),
            sub_status: None,
            status_message: None,
            with_assertion: true,
            assertion_id: new_id(random),
            assertion_version: "2.0".to_owned(),
            assertion_issue_instant: now,
            assertion_issuer: owned(context.idp_entity_id),
            name_id: owned(name_id),
            name_id_format: owned(identifiers::name_id_format::EMAIL),
            name_id_attributes: Vec::new(),
            confirmation_method: owned(identifiers::BEARER),
            recipient: owned(context.acs_url),
            confirmation_in_response_to: in_response_to,
            confirmation_not_before: None,
            confirmation_not_on_or_after: Some(now + lifetime),
            with_conditions: true,
            not_before: Some(now - Duration::from_secs(60)),
            not_on_or_after: Some(now + lifetime),
            audience_restrictions: vec![vec![context.sp_entity_id.to_owned()]],
            extra_conditions: String::new(),
            authn_instant: Some(now),
            session_index: Some(new_id(random)),
            session_not_on_or_after: None,
            authn_context: identifiers::PASSWORD_PROTECTED_TRANSPORT.to_owned(),
            attributes: Vec::new(),
            attribute_name_format: owned("urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"),
            attribute_value_type: owned("xs:string"),
            protocol_prefix: "samlp".to_owned(),
            assertion_prefix: "saml".to_owned(),
            signing: Signing::Assertion,
            algorithm: None,
            encryption: None,
        }
    }

    /// Sets every issuer.
    pub fn set_issuer(&mut self, issuer: &str) {
        self.response_issuer = Some(issuer.to_owned());
        self.assertion_issuer = Some(issuer.to_owned());
    }

    /// Sets every `InResponseTo`.
    pub fn set_in_response_to(&mut self, request_id: Option<&str>) {
        self.response_in_response_to = request_id.map(str::to_owned);
        self.confirmation_in_response_to = request_id.map(str::to_owned);
    }

    /// Shifts every time into the past or the future.
    pub fn shift(&mut self, to_past: bool, by: Duration) {
        let moved = |moment: Timestamp| if to_past { moment - by } else { moment + by };
        self.response_issue_instant = moved(self.response_issue_instant);
        self.assertion_issue_instant = moved(self.assertion_issue_instant);
        for moment in [
            &mut self.confirmation_not_before,
            &mut self.confirmation_not_on_or_after,
            &mut self.not_before,
            &mut self.not_on_or_after,
            &mut self.authn_instant,
            &mut self.session_not_on_or_after,
        ] {
            *moment = moment.map(moved);
        }
    }

    /// The signed (and encrypted) document.
    pub fn build(
        &self,
        key: &PKeyRef<Private>,
        certificate: &X509Ref,
        random: &dyn Random,
    ) -> Result<String, SigningError> {
        let algorithm = self.algorithm.unwrap_or_else(|| SignatureAlgorithm::for_key(key));
        let mut xml = self.unsigned();
        if self.with_assertion && self.signing.covers_assertion() {
            xml = sign_element(&xml, &self.assertion_id, key, certificate, algorithm)?;
        }
        if self.with_assertion
            && let Some(encryption) = &self.encryption
        {
            xml = encrypt_assertion(&xml, encryption, random)?;
        }
        if self.signing.covers_response() {
            xml = sign_element(&xml, &self.response_id, key, certificate, algorithm)?;
        }
        Ok(xml)
    }

    /// [`ResponseSpec::build`] as the form field's value.
    pub fn build_base64(
        &self,
        key: &PKeyRef<Private>,
        certificate: &X509Ref,
        random: &dyn Random,
    ) -> Result<String, SigningError> {
        self.build(key, certificate, random).map(|xml| BASE64.encode(xml))
    }

    /// The document before anything is signed or encrypted.
    pub fn unsigned(&self) -> String {
        let p = Namespace { prefix: &self.protocol_prefix, uri: namespace::PROTOCOL };
        let a = Namespace { prefix: &self.assertion_prefix, uri: namespace::ASSERTION };
        let mut xml = XmlWriter::new();
        xml.element(&p.name("Response"))
            .attribute(&p.xmlns(), p.uri)
            .attribute("ID", &self.response_id)
            .attribute("Version", &self.response_version)
            .attribute("IssueInstant", &self.response_issue_instant.to_string())
            .attribute_if("Destination", self.destination.as_deref())
            .attribute_if("InResponseTo", self.response_in_response_to.as_deref())
            .children(|xml| {
                if let Some(issuer) = &self.response_issuer {
                    xml.element(&a.name("Issuer")).attribute(&a.xmlns(), a.uri).text(issuer);
                }
                self.write_status(xml, p);
                if self.with_assertion {
                    self.write_assertion(xml, a);
                }
            });
        xml.finish()
    }

    fn write_status(&self, xml: &mut XmlWriter, p: Namespace<'_>) {
        let Some(status) = &self.status else { return };
        xml.element(&p.name("Status")).children(|xml| {
            xml.element(&p.name("StatusCode")).attribute("Value", status).children(|xml| {
                if let Some(second) = &self.sub_status {
                    xml.element(&p.name("StatusCode")).attribute("Value", second).empty();
                }
            });
            if let Some(message) = &self.status_message {
                xml.element(&p.name("StatusMessage")).text(message);
            }
        });
    }

    fn write_assertion(&self, xml: &mut XmlWriter, a: Namespace<'_>) {
        xml.element(&a.name("Assertion"))
            .attribute(&a.xmlns(), a.uri)
            .attribute("ID", &self.assertion_id)
            .attribute("Version", &self.assertion_version)
            .attribute("IssueInstant", &self.assertion_issue_instant.to_string())
            .children(|xml| {
                if let Some(issuer) = &self.assertion_issuer {
                    xml.element(&a.name("Issuer")).text(issuer);
                }
                self.write_subject(xml, a);
                self.write_conditions(xml, a);
                self.write_authn_statement(xml, a);
                self.write_attributes(xml, a);
            });
    }

    fn write_subject(&self, xml: &mut XmlWriter, a: Namespace<'_>) {
        if self.name_id.is_none() && self.confirmation_method.is_none() {
            return;
        }
        xml.element(&a.name("Subject")).children(|xml| {
            if let Some(name_id) = &self.name_id {
                let name = a.name("NameID");
                let element = xml.element(&name).attribute_if("Format", self.name_id_format.as_deref());
                let attributes = self.name_id_attributes.iter();
                attributes
                    .fold(element, |element, (name, value)| element.attribute(name, value))
                    .text(name_id);
            }
            let Some(method) = &self.confirmation_method else { return };
            xml.element(&a.name("SubjectConfirmation")).attribute("Method", method).children(|xml| {
                xml.element(&a.name("SubjectConfirmationData"))
                    .attribute_if("InResponseTo", self.confirmation_in_response_to.as_deref())
                    .attribute_if("NotBefore", text(self.confirmation_not_before).as_deref())
                    .attribute_if("NotOnOrAfter", text(self.confirmation_not_on_or_after).as_deref())
                    .attribute_if("Recipient", self.recipient.as_deref())
                    .empty();
            });
        });
    }

    fn write_conditions(&self, xml: &mut XmlWriter, a: Namespace<'_>) {
        if !self.with_conditions {
            return;
        }
        xml.element(&a.name("Conditions"))
            .attribute_if("NotBefore", text(self.not_before).as_deref())
            .attribute_if("NotOnOrAfter", text(self.not_on_or_after).as_deref())
            .children(|xml| {
                for audiences in &self.audience_restrictions {
                    xml.element(&a.name("AudienceRestriction")).children(|xml| {
                        for audience in audiences {
                            xml.element(&a.name("Audience")).text(audience);
                        }
                    });
                }
                xml.raw(&self.extra_conditions);
            });
    }

    fn write_authn_statement(&self, xml: &mut XmlWriter, a: Namespace<'_>) {
        let Some(instant) = self.authn_instant else { return };
        xml.element(&a.name("AuthnStatement"))
            .attribute("AuthnInstant", &instant.to_string())
            .attribute_if("SessionIndex", self.session_index.as_deref())
            .attribute_if("SessionNotOnOrAfter", text(self.session_not_on_or_after).as_deref())
            .children(|xml| {
                xml.element(&a.name("AuthnContext")).children(|xml| {
                    xml.element(&a.name("AuthnContextClassRef")).text(&self.authn_context);
                });
            });
    }

    fn write_attributes(&self, xml: &mut XmlWriter, a: Namespace<'_>) {
        if self.attributes.is_empty() {
            return;
        }
        let value_type = self.attribute_value_type.as_deref();
        xml.element(&a.name("AttributeStatement")).children(|xml| {
            for (name, values) in &self.attributes {
                xml.element(&a.name("Attribute"))
                    .attribute("Name", name)
                    .attribute_if("NameFormat", self.attribute_name_format.as_deref())
                    .children(|xml| {
                        for value in values {
                            xml.element(&a.name("AttributeValue"))
                                .attribute_if("xmlns:xs", value_type.map(|_| namespace::SCHEMA))
                                .attribute_if("xmlns:xsi", value_type.map(|_| namespace::SCHEMA_INSTANCE))
                                .attribute_if("xsi:type", value_type)
                                .text(value);
                        }
                    });
            }
        });
    }
}

/// A fresh `ID`: an NCName with 128 random bits (SAML Core §1.3.4).
pub fn new_id(random: &dyn Random) -> String {
    format!("_{:032x}", random.bits())
}

fn text(moment: Option<Timestamp>) -> Option<String> {
    moment.map(|moment| moment.to_string())
}

#[derive(Clone, Copy)]
struct Namespace<'a> {
    prefix: &'a str,
    uri: &'static str,
}

impl Namespace<'_> {
    fn name(self, local: &str) -> String {
        if self.prefix.is_empty() { local.to_owned() } else { format!("{}:{local}", self.prefix) }
    }

    fn xmlns(self) -> String {
        if self.prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{}", self.prefix) }
    }
}

#[cfg(test)]
mod tests;

//! Why a response is refused: one closed set of codes for the timeline, the error page, the
//! fixtures and the metrics.

use std::borrow::Cow;

use crate::check::{Check, Fixer, truncate_value};

/// Declares the errors: each with its meaning (the doc comment), its code, the clause, who can fix it and
/// how.
macro_rules! errors {
    ($($(#[doc = $doc:literal])+ $variant:ident, $code:literal, $clause:literal, $fixer:ident, $remedy:literal;)*) => {
        /// Why a response is refused. Its [`code`](Error::code) is stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Error {
            $($(#[doc = $doc])+ $variant,)*
        }

        impl Error {
            /// All of them, in the order of the checks.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name: in logs, in pages, in metrics and in the names of fixtures.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What it means, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc,)+).trim_ascii(),)* }
            }

            /// The clause of the specification, or of our profile of it, that the check implements.
            pub const fn clause(self) -> &'static str {
                match self { $(Self::$variant => $clause,)* }
            }

            /// Who can fix it.
            pub const fn fixer(self) -> Fixer {
                match self { $(Self::$variant => Fixer::$fixer,)* }
            }

            /// What the fixer must do.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* }
            }
        }
    };
}

errors! {
    /// The XML is larger than 384 kB.
    DocumentTooLarge, "document_too_large", "Ostiary SAML profile, limits", IdentityProvider,
        "Send fewer attributes or groups; a group filter on the application usually suffices.";
    /// The form field is not base64.
    Base64Malformed, "base64_malformed", "SAML 2.0 Bindings §3.5.4", IdentityProvider,
        "Send SAMLResponse base64-encoded, in a form posted as application/x-www-form-urlencoded.";
    /// The XML is not UTF-8.
    EncodingNotUtf8, "encoding_not_utf8", "Ostiary SAML profile, encoding", IdentityProvider,
        "Send the response in UTF-8.";
    /// The XML has a document type declaration.
    DoctypePresent, "doctype_present", "Ostiary SAML profile; SAML 2.0 needs none", IdentityProvider,
        "Send the response without a DOCTYPE. No conforming identity provider sends one.";
    /// The XML has a processing instruction.
    ProcessingInstructionPresent, "processing_instruction_present", "Ostiary SAML profile; XML 1.0 §2.6", IdentityProvider,
        "Send the response without processing instructions.";
    /// The XML has a comment.
    CommentPresent, "comment_present", "Ostiary SAML profile; XML 1.0 §2.5", IdentityProvider,
        "Send the response without comments. No conforming identity provider sends one.";
    /// Elements are nested deeper than 64 levels.
    NestingTooDeep, "nesting_too_deep", "Ostiary SAML profile, limits", IdentityProvider,
        "Send plain attribute values instead of deeply nested ones.";
    /// An element has more than 64 attributes, or more than 128 namespaces are in scope.
    TooManyAttributes, "too_many_attributes", "Ostiary SAML profile, limits", IdentityProvider,
        "Send the response as the identity provider writes it by default.";
    /// The XML has more than 20,000 nodes, or takes too many steps to parse.
    TooManyNodes, "too_many_nodes", "Ostiary SAML profile, limits", IdentityProvider,
        "Send fewer attributes or groups; a group filter on the application usually suffices.";
    /// The XML is not well-formed.
    XmlMalformed, "xml_malformed", "XML 1.0 §2.1, Namespaces in XML 1.0", IdentityProvider,
        "Send the response unchanged; something on its way cut or rewrote it.";
    /// A namespace is not one that a SAML response has at that place.
    NamespaceRefused, "namespace_refused", "Ostiary SAML profile, namespaces", IdentityProvider,
        "Send the response with the namespaces of SAML 2.0, XML Signature and XML Encryption only; others belong inside attribute values.";
    /// The document is not a SAML 2.0 response.
    RootNotResponse, "root_not_response", "SAML 2.0 Core §3.3.3", IdentityProvider,
        "Send a SAML 2.0 samlp:Response; SAML 1.1 and WS-Federation are other protocols.";
    /// There is more than one samlp:Response.
    ResponseNotSingle, "response_not_single", "Ostiary SAML profile, structure", IdentityProvider,
        "Send one response. Several inside each other indicate a forgery.";
    /// There is more than one assertion.
    AssertionNotSingle, "assertion_not_single", "Ostiary SAML profile, structure", IdentityProvider,
        "Send exactly one assertion, as a direct child of the response.";
    /// There is no assertion.
    AssertionMissing, "assertion_missing", "SAML 2.0 Profiles §4.1.4.2", IdentityProvider,
        "Send an assertion with every successful response.";
    /// The status is missing, repeated, or not where it belongs.
    StatusNotSingle, "status_not_single", "SAML 2.0 Core §3.2.2", IdentityProvider,
        "Send exactly one samlp:Status in the response.";
    /// An element or text stands where SAML has none.
    UnexpectedContent, "unexpected_content", "SAML 2.0 Core §2.3.3, §3.2.2", IdentityProvider,
        "Send the response as the SAML 2.0 schema has it, each element once.";
    /// An ID is missing or not a plain name.
    IdMalformed, "id_malformed", "SAML 2.0 Core §1.3.4", IdentityProvider,
        "Give the response and the assertion an ID attribute of letters, digits, '_', '-' and '.', not beginning with a digit.";
    /// Two elements have the same ID.
    IdDuplicate, "id_duplicate", "SAML 2.0 Core §1.3.4, XML Signature §4.4.3.2", IdentityProvider,
        "Give each element an ID of its own. Repeated ones indicate a forgery.";
    /// A signature is not directly in the response or the assertion, or there are several in one of them.
    SignatureMisplaced, "signature_misplaced", "SAML 2.0 Core §5.4.2, §2.3.3", IdentityProvider,
        "Put at most one signature into the response and one into the assertion, right after the Issuer.";
    /// The connection has no certificate to verify with.
    CertificateMissing, "certificate_missing", "SAML 2.0 Core §5.4; Ostiary SAML profile, trust", Vendor,
        "Add the identity provider's signing certificate to the connection.";
    /// A signature does not have the form that SAML prescribes.
    SignatureMalformed, "signature_malformed", "SAML 2.0 Core §5.4", IdentityProvider,
        "Sign as SAML 2.0 prescribes: SignedInfo, SignatureValue and at most a KeyInfo.";
    /// A signature's canonicalization is not exclusive canonicalization without comments.
    CanonicalizationRefused, "canonicalization_refused", "SAML 2.0 Core §5.4.3", IdentityProvider,
        "Switch the canonicalization of signatures at the identity provider from inclusive to exclusive (http://www.w3.org/2001/10/xml-exc-c14n#; in Keycloak the client's canonicalization method EXCLUSIVE).";
    /// A signature's algorithm is not RSA or ECDSA with SHA-256, SHA-384 or SHA-512.
    SignatureAlgorithmRefused, "signature_algorithm_refused", "Ostiary SAML profile, algorithms; RFC 9231 §2.3", IdentityProvider,
        "Set the signature algorithm of the application to RSA-SHA256.";
    /// A signature uses SHA-1, which this connection does not allow.
    Sha1Refused, "sha1_refused", "Ostiary SAML profile, algorithms", IdentityProvider,
        "Set the signature algorithm of the application to RSA-SHA256. Only if that is not possible, set allowSha1 on the connection.";
    /// A reference's digest is not SHA-256, SHA-384 or SHA-512, or is weaker than the signature's.
    DigestAlgorithmRefused, "digest_algorithm_refused", "Ostiary SAML profile, algorithms", IdentityProvider,
        "Set the digest algorithm of the application to the one of the signature, usually SHA-256.";
    /// A signature does not refer to its parent element alone.
    ReferenceRefused, "reference_refused", "SAML 2.0 Core §5.4.2", IdentityProvider,
        "Sign the response or the assertion by its own ID, with one reference.";
    /// A signature's transforms are not the enveloped signature and exclusive canonicalization.
    TransformRefused, "transform_refused", "SAML 2.0 Core §5.4.4", IdentityProvider,
        "Sign with the transforms enveloped-signature and exclusive canonicalization, in this order; where the identity provider has a setting for it, switch the canonicalization of signatures from inclusive to exclusive.";
    /// No certificate of the connection has a key for the signature's algorithm.
    SignatureKeyUnsuitable, "signature_key_unsuitable", "XML Signature §6.4", Vendor,
        "Add the certificate that the identity provider signs with now; its key type differs from the ones configured.";
    /// The signature was not made by any certificate of the connection.
    SignatureMismatch, "signature_mismatch", "XML Signature §3.2.2", Vendor,
        "Compare the identity provider's current signing certificate with the connection's; add the new one if it was rotated.";
    /// The content differs from what was signed.
    DigestMismatch, "digest_mismatch", "XML Signature §3.2.1", IdentityProvider,
        "The content was changed after it was signed. Send the response exactly as it was signed.";
    /// Neither the response nor the assertion is signed.
    SignatureMissing, "signature_missing", "SAML 2.0 Profiles §4.1.4.5", IdentityProvider,
        "Switch on signing of the response or of the assertion. When the assertion is encrypted in an unsigned response, it must be signed itself.";
    /// The second implementation does not find the same signed bytes.
    CrossCheckDisagrees, "second_opinion_disagrees", "Ostiary SAML profile, cross-check", Vendor,
        "Report this login with its flow id; two implementations read the same signature differently.";
    /// An encrypted assertion does not have the form that SAML prescribes.
    EncryptionMalformed, "encryption_malformed", "SAML 2.0 Core §6.1, XML Encryption §3", IdentityProvider,
        "Encrypt the assertion as one EncryptedData with one EncryptedKey.";
    /// An encrypted assertion uses an algorithm that this connection does not allow.
    EncryptionAlgorithmRefused, "encryption_algorithm_refused", "Ostiary SAML profile, algorithms; XML Encryption 1.1 §5", IdentityProvider,
        "Encrypt with AES-GCM and RSA-OAEP. If only AES-CBC is possible, set allowCbcEncryption on the connection; RSA 1.5 is never accepted.";
    /// The assertion is encrypted, and there is no key for it.
    DecryptionKeyMissing, "decryption_key_missing", "SAML 2.0 Core §6.1", Vendor,
        "Set assertionEncryption on the connection and give its certificate to the identity provider, or switch encryption off there.";
    /// The assertion cannot be decrypted.
    DecryptionFailed, "decryption_failed", "XML Encryption 1.1 §4.4", IdentityProvider,
        "Encrypt with the certificate in the service provider metadata of this connection.";
    /// The response is not of version 2.0.
    ResponseVersion, "response_version", "SAML 2.0 Core §3.2.2, §4.1.3.1", IdentityProvider,
        "Send SAML 2.0.";
    /// The response comes from another issuer.
    ResponseIssuer, "response_issuer", "SAML 2.0 Profiles §4.1.4.2", Vendor,
        "Set the connection's identity provider entity ID to the one that the identity provider sends.";
    /// The identity provider reports a failure.
    ResponseStatus, "response_status", "SAML 2.0 Core §3.2.2.2", IdentityProvider,
        "Look up the failed login in the identity provider's log; usually the person is not assigned to the application.";
    /// The response is meant for another address.
    ResponseDestination, "response_destination", "SAML 2.0 Bindings §3.5.5.2", IdentityProvider,
        "Set the assertion consumer service URL of the application to the connection's.";
    /// The response's issue instant is missing, unreadable or in the future.
    ResponseIssueInstant, "response_issue_instant", "SAML 2.0 Core §3.2.2", IdentityProvider,
        "Set the identity provider's clock.";
    /// The assertion is not of version 2.0.
    AssertionVersion, "assertion_version", "SAML 2.0 Core §2.3.3, §4.1.3.1", IdentityProvider,
        "Send SAML 2.0.";
    /// The assertion comes from another issuer.
    AssertionIssuer, "assertion_issuer", "SAML 2.0 Core §2.3.3, Profiles §4.1.4.2", Vendor,
        "Set the connection's identity provider entity ID to the one that the identity provider sends.";
    /// The assertion's issue instant is missing, unreadable or in the future.
    AssertionIssueInstant, "assertion_issue_instant", "SAML 2.0 Core §2.3.3", IdentityProvider,
        "Set the identity provider's clock.";
    /// The assertion was issued more than 24 hours ago.
    AssertionTooOld, "assertion_too_old", "Ostiary SAML profile, replay memory", User,
        "Start the login again.";
    /// The assertion has no Conditions.
    ConditionsMissing, "conditions_missing", "SAML 2.0 Profiles §4.1.4.2", IdentityProvider,
        "Send Conditions with an AudienceRestriction in every assertion.";
    /// The assertion is not valid yet.
    AssertionNotYetValid, "assertion_not_yet_valid", "SAML 2.0 Core §2.5.1.2", IdentityProvider,
        "Set the identity provider's clock; it is ahead.";
    /// The assertion is no longer valid.
    AssertionExpired, "assertion_expired", "SAML 2.0 Core §2.5.1.2", User,
        "Start the login again. If it happens each time, the identity provider's clock is behind.";
    /// The assertion has a condition that SAML 2.0 does not define.
    ConditionUnknown, "condition_unknown", "SAML 2.0 Core §2.5.1", IdentityProvider,
        "Send only the conditions of SAML 2.0: AudienceRestriction, OneTimeUse, ProxyRestriction.";
    /// The assertion is not restricted to an audience.
    AudienceRestrictionMissing, "audience_restriction_missing", "SAML 2.0 Profiles §4.1.4.2", IdentityProvider,
        "Set the audience (SP entity ID) of the application to the connection's.";
    /// The assertion is meant for another audience.
    AssertionAudience, "assertion_audience", "SAML 2.0 Core §2.5.1.4", IdentityProvider,
        "Set the audience (SP entity ID) of the application to the connection's.";
    /// The assertion has no bearer subject confirmation.
    SubjectConfirmationMissing, "subject_confirmation_missing", "SAML 2.0 Profiles §4.1.4.2", IdentityProvider,
        "Send a SubjectConfirmation with the method urn:oasis:names:tc:SAML:2.0:cm:bearer.";
    /// The subject confirmation is meant for another address.
    SubjectConfirmationRecipient, "subject_confirmation_recipient", "SAML 2.0 Profiles §4.1.4.3", IdentityProvider,
        "Set the assertion consumer service URL (also called Recipient) of the application to the connection's.";
    /// The subject confirmation has expired, or has no NotOnOrAfter.
    SubjectConfirmationExpired, "subject_confirmation_expired", "SAML 2.0 Profiles §4.1.4.3", User,
        "Start the login again. If it happens each time, the identity provider's clock is behind or it sends no NotOnOrAfter.";
    /// The subject confirmation is not valid yet.
    SubjectConfirmationNotYetValid, "subject_confirmation_not_yet_valid", "SAML 2.0 Core §2.4.1.2", IdentityProvider,
        "Set the identity provider's clock; it is ahead.";
    /// The response and the assertion answer different requests.
    InResponseToConflict, "in_response_to_conflict", "SAML 2.0 Profiles §4.1.4.2, §4.1.4.3", IdentityProvider,
        "Send the same InResponseTo in the response and in the subject confirmation, or in neither.";
    /// The assertion has no NameID.
    NameIdMissing, "name_id_missing", "SAML 2.0 Core §2.4.1, Profiles §4.1.4.2", IdentityProvider,
        "Send the subject's NameID, preferably the e-mail address; or name the attribute that has the address in the connection's emailAttribute.";
    /// The NameID is empty or not plain text.
    NameIdMalformed, "name_id_malformed", "SAML 2.0 Core §2.2.2", IdentityProvider,
        "Send the NameID as plain text without elements in it.";
    /// The authentication instant is missing, unreadable or in the future.
    AuthnInstantInvalid, "authn_instant_invalid", "SAML 2.0 Core §2.7.2", IdentityProvider,
        "Set the identity provider's clock.";
    /// The session at the identity provider has expired.
    SessionExpired, "session_expired", "SAML 2.0 Core §2.7.2", User,
        "Sign in at the identity provider again, then start the login again.";
    /// The response does not answer the request of this login.
    InResponseTo, "in_response_to", "SAML 2.0 Profiles §4.1.4.3", User,
        "Start the login again, in one browser and in one tab.";
}

impl Error {
    /// The check of this error, as the timeline stores it.
    pub fn check(self, passed: bool, expected: Option<String>, found: Option<String>) -> Check {
        Check {
            name: Cow::Borrowed(self.code()),
            passed,
            expected: expected.map(truncate_value),
            found: found.map(truncate_value),
            clause: Cow::Borrowed(self.clause()),
            fixer: self.fixer(),
            remedy: Cow::Borrowed(self.remedy()),
            certificate_sha256: None,
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_in_snake_case() {
        let codes: HashSet<_> = Error::ALL.iter().map(|error| error.code()).collect();
        assert_eq!(codes.len(), Error::ALL.len());
        for error in Error::ALL {
            assert!(error.code().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
            assert!(error.meaning().ends_with('.') && !error.meaning().starts_with(' '));
            assert!(error.remedy().ends_with('.'), "{error}");
        }
    }

    #[test]
    fn the_readme_has_each_error_and_each_section_of_the_profile() {
        let readme = include_str!("../README.md");
        for error in Error::ALL {
            let row = format!("| `{}` | {} | {} |", error.code(), error.meaning(), error.clause());
            assert!(readme.contains(&row), "README.md lacks the row\n{row}");
            for clause in error.clause().split("; ") {
                if let Some(section) = clause.strip_prefix("Ostiary SAML profile, ") {
                    let title = format!("### {}{}\n", section[..1].to_uppercase(), &section[1..]);
                    assert!(readme.contains(&title), "README.md lacks the section {title}");
                }
            }
        }
    }
}

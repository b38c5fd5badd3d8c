//! The identifiers (URIs) of SAML and XML Security.

/// Namespaces.
pub mod namespace {
    /// SAML protocol (SAML Core §3).
    pub const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
    /// SAML assertion (SAML Core §2).
    pub const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
    /// SAML metadata (SAML Metadata §2).
    pub const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
    /// XML Signature.
    pub const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
    /// XML Encryption.
    pub const ENCRYPTION: &str = "http://www.w3.org/2001/04/xmlenc#";
    /// XML Encryption 1.1.
    pub const ENCRYPTION_11: &str = "http://www.w3.org/2009/xmlenc11#";
    /// Exclusive canonicalization, as a namespace and as an algorithm.
    pub const EXCLUSIVE_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
    /// XML Schema.
    pub const SCHEMA: &str = "http://www.w3.org/2001/XMLSchema";
    /// XML Schema instances.
    pub const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
}

/// Bindings (SAML Bindings §3).
pub mod binding {
    /// HTTP-POST.
    pub const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
    /// HTTP-Redirect.
    pub const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
}

/// Name identifier formats (SAML Core §8.3).
pub mod name_id_format {
    /// An e-mail address.
    pub const EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
    /// Unspecified: any value that the identity provider sends.
    pub const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
    /// An opaque, lasting name.
    pub const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    /// An opaque name for one session.
    pub const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
}

/// Status codes (SAML Core §3.2.2.2).
pub mod status {
    /// The request succeeded.
    pub const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
    /// The identity provider could not do it.
    pub const RESPONDER: &str = "urn:oasis:names:tc:SAML:2.0:status:Responder";
    /// The request was wrong.
    pub const REQUESTER: &str = "urn:oasis:names:tc:SAML:2.0:status:Requester";
    /// The person could not be authenticated.
    pub const AUTHN_FAILED: &str = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed";
}

/// The bearer subject confirmation (SAML Profiles §3.3).
pub const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
/// A password sent over a protected channel (SAML Authentication Context §3.4.12).
pub const PASSWORD_PROTECTED_TRANSPORT: &str =
    "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
/// The enveloped-signature transform (XML Signature §6.6.4).
pub const ENVELOPED_SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

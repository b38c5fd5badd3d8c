//! Where in an identity provider's admin screens the setting behind a failed check is, in the words of that
//! product.

use model::{idp_kind::IdpKind, saml_connection::SamlConnection};

/// An identity provider product with known admin screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    Okta,
    Entra,
    Google,
    Adfs,
    Keycloak,
    Onelogin,
    Jumpcloud,
    Ping,
}

impl Product {
    /// The product of a connection: its `idp_kind`, else guessed from its entity id and URL.
    pub fn of(connection: &SamlConnection) -> Option<Self> {
        if let Some(kind) = connection.idp_kind {
            return Self::of_kind(kind);
        }
        let entity = connection.idp_entity_id.as_deref().unwrap_or_default();
        let url = connection.idp_redirect_url.as_ref().map(|url| url.as_str()).unwrap_or_default();
        let holds = |part: &str| entity.contains(part) || url.contains(part);
        [
            (Self::Okta, ["okta.com", "oktapreview.com"]),
            (Self::Entra, ["sts.windows.net", "login.microsoftonline"]),
            (Self::Google, ["accounts.google.com", "accounts.google.com"]),
            (Self::Adfs, ["/adfs/ls", "/adfs/services/trust"]),
            (Self::Onelogin, ["onelogin.com", "onelogin.com"]),
            (Self::Jumpcloud, ["jumpcloud.com", "JumpCloud"]),
            (Self::Ping, ["pingone.", "pingidentity.com"]),
            (Self::Keycloak, ["/realms/", "/auth/realms/"]),
        ]
        .into_iter()
        .find(|(_, parts)| parts.iter().any(|part| holds(part)))
        .map(|(product, _)| product)
    }

    /// The product of an `idp_kind`.
    const fn of_kind(kind: IdpKind) -> Option<Self> {
        Some(match kind {
            IdpKind::Okta => Self::Okta,
            IdpKind::Entra => Self::Entra,
            IdpKind::Google => Self::Google,
            IdpKind::Adfs => Self::Adfs,
            IdpKind::Keycloak => Self::Keycloak,
            IdpKind::Onelogin => Self::Onelogin,
            IdpKind::Jumpcloud => Self::Jumpcloud,
            IdpKind::Ping => Self::Ping,
            IdpKind::Other => return None,
        })
    }

    /// The product's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Okta => "Okta",
            Self::Entra => "Microsoft Entra ID",
            Self::Google => "Google Workspace",
            Self::Adfs => "AD FS",
            Self::Keycloak => "Keycloak",
            Self::Onelogin => "OneLogin",
            Self::Jumpcloud => "JumpCloud",
            Self::Ping => "PingOne",
        }
    }
}

/// The setting that a failed check concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Audience,
    AcsUrl,
    Address,
    Certificate,
    Assignment,
    EntityId,
    Signing,
}

impl Subject {
    fn of(code: &str) -> Option<Self> {
        Some(match code {
            "assertion_audience" | "audience_restriction_missing" => Self::Audience,
            "response_destination" | "subject_confirmation_recipient" => Self::AcsUrl,
            "email_missing"
            | "email_malformed"
            | "email_outside_organization_domains"
            | "name_id_missing" => Self::Address,
            "signature_mismatch" | "signature_key_unsuitable" | "certificate_missing" => Self::Certificate,
            "response_status" | "directory_user_inactive" | "directory_user_unknown" => Self::Assignment,
            "response_issuer" | "assertion_issuer" => Self::EntityId,
            "signature_missing" | "sha1_refused" | "signature_algorithm_refused" => Self::Signing,
            _ => return None,
        })
    }
}

/// The path through the product's screens to the setting of the check with this code.
pub fn screen(product: Product, code: &str) -> Option<&'static str> {
    use Product::{Adfs, Entra, Google, Jumpcloud, Keycloak, Okta, Onelogin, Ping};
    Some(match (product, Subject::of(code)?) {
        (Okta, Subject::Audience) => {
            "Applications → the app → General → SAML Settings → Edit → Audience URI (SP Entity ID)"
        }
        (Okta, Subject::AcsUrl) => {
            "Applications → the app → General → SAML Settings → Edit → Single sign-on URL"
        }
        (Okta, Subject::Address) => "Applications → the app → Sign On → Application username format: Email",
        (Okta, Subject::Certificate) => {
            "Applications → the app → Sign On → SAML Signing Certificates: the one that is Active → Actions → Download certificate"
        }
        (Okta, Subject::Assignment) => "Applications → the app → Assignments",
        (Okta, Subject::EntityId) => "Applications → the app → Sign On → SAML 2.0 → More details → Issuer",
        (Okta, Subject::Signing) => {
            "Applications → the app → General → SAML Settings → Advanced: Assertion Signature: Signed, Signature Algorithm: RSA-SHA256"
        }
        (Entra, Subject::Audience) => {
            "Enterprise applications → the app → Single sign-on → Basic SAML Configuration → Identifier (Entity ID)"
        }
        (Entra, Subject::AcsUrl) => {
            "Enterprise applications → the app → Single sign-on → Basic SAML Configuration → Reply URL (Assertion Consumer Service URL)"
        }
        (Entra, Subject::Address) => {
            "Enterprise applications → the app → Single sign-on → Attributes & Claims → Unique User Identifier (Name ID): user.mail"
        }
        (Entra, Subject::Certificate) => {
            "Enterprise applications → the app → Single sign-on → SAML Certificates → Certificate (Base64) → Download"
        }
        (Entra, Subject::Assignment) => "Enterprise applications → the app → Users and groups",
        (Entra, Subject::EntityId) => {
            "Enterprise applications → the app → Single sign-on → Set up → Microsoft Entra Identifier"
        }
        (Entra, Subject::Signing) => {
            "Enterprise applications → the app → Single sign-on → SAML Certificates → Edit → Signing Option: Sign SAML assertion, Signing Algorithm: SHA-256"
        }
        (Google, Subject::Audience) => {
            "Apps → Web and mobile apps → the app → Service provider details → Entity ID"
        }
        (Google, Subject::AcsUrl) => {
            "Apps → Web and mobile apps → the app → Service provider details → ACS URL"
        }
        (Google, Subject::Address) => {
            "Apps → Web and mobile apps → the app → Service provider details → Name ID: Basic Information > Primary email"
        }
        (Google, Subject::Certificate) => {
            "Apps → Web and mobile apps → the app → Download metadata → Certificate"
        }
        (Google, Subject::Assignment) => {
            "Apps → Web and mobile apps → the app → User access: ON for the person’s unit or group"
        }
        (Google, Subject::EntityId) => "Apps → Web and mobile apps → the app → Download metadata → Entity ID",
        (Google, Subject::Signing) => {
            "Apps → Web and mobile apps → the app → Service provider details → Signed response"
        }
        (Adfs, Subject::Audience) => {
            "AD FS Management → Relying Party Trusts → the trust → Properties → Identifiers → Relying party identifiers"
        }
        (Adfs, Subject::AcsUrl) => {
            "AD FS Management → Relying Party Trusts → the trust → Properties → Endpoints → SAML Assertion Consumer Endpoints"
        }
        (Adfs, Subject::Address) => {
            "AD FS Management → Relying Party Trusts → the trust → Edit Claim Issuance Policy: E-Mail-Addresses as E-Mail Address, then transformed into Name ID"
        }
        (Adfs, Subject::Certificate) => {
            "AD FS Management → Service → Certificates → Token-signing (Primary) → View Certificate → Details → Copy to File, Base-64"
        }
        (Adfs, Subject::Assignment) => {
            "AD FS Management → Relying Party Trusts → the trust → Edit Access Control Policy"
        }
        (Adfs, Subject::EntityId) => {
            "AD FS Management → Service → Edit Federation Service Properties → Federation Service identifier"
        }
        (Adfs, Subject::Signing) => {
            "AD FS Management → Relying Party Trusts → the trust → Properties → Advanced → Secure hash algorithm: SHA-256"
        }
        (Keycloak, Subject::Audience) => "Clients → the client → Settings → Client ID",
        (Keycloak, Subject::AcsUrl) => {
            "Clients → the client → Advanced → Assertion Consumer Service POST Binding URL"
        }
        (Keycloak, Subject::Address) => {
            "Clients → the client → Settings → Name ID format: email, Force name ID format: On"
        }
        (Keycloak, Subject::Certificate) => "Realm settings → Keys → RS256 → Certificate",
        (Keycloak, Subject::Assignment) => "Users → the person → Enabled",
        (Keycloak, Subject::EntityId) => {
            "Realm settings → General → Endpoints → SAML 2.0 Identity Provider Metadata → entityID"
        }
        (Keycloak, Subject::Signing) => {
            "Clients → the client → Settings → Sign assertions: On, Signature algorithm: RSA_SHA256"
        }
        (Onelogin, Subject::Audience) => "Applications → the app → Configuration → Audience (EntityID)",
        (Onelogin, Subject::AcsUrl) => {
            "Applications → the app → Configuration → ACS (Consumer) URL and Recipient"
        }
        (Onelogin, Subject::Address) => "Applications → the app → Parameters → NameID value: Email",
        (Onelogin, Subject::Certificate) => "Applications → the app → SSO → X.509 Certificate → View Details",
        (Onelogin, Subject::Assignment) => "Users → the person → Applications",
        (Onelogin, Subject::EntityId) => "Applications → the app → SSO → Issuer URL",
        (Onelogin, Subject::Signing) => {
            "Applications → the app → SSO → SAML Signature Algorithm: SHA-256; Configuration → SAML signature element"
        }
        (Jumpcloud, Subject::Audience) => "SSO Applications → the app → SSO → SP Entity ID",
        (Jumpcloud, Subject::AcsUrl) => "SSO Applications → the app → SSO → ACS URLs",
        (Jumpcloud, Subject::Address) => "SSO Applications → the app → SSO → SAMLSubject NameID: email",
        (Jumpcloud, Subject::Certificate) => {
            "SSO Applications → the app → SSO → IDP Certificate Valid → Download certificate"
        }
        (Jumpcloud, Subject::Assignment) => "SSO Applications → the app → User Groups",
        (Jumpcloud, Subject::EntityId) => "SSO Applications → the app → SSO → IdP Entity ID",
        (Jumpcloud, Subject::Signing) => {
            "SSO Applications → the app → SSO → Sign: Assertion, Signature Algorithm: RSA-SHA256"
        }
        (Ping, Subject::Audience) => "Applications → the app → Configuration → Entity ID",
        (Ping, Subject::AcsUrl) => "Applications → the app → Configuration → ACS URLs",
        (Ping, Subject::Address) => {
            "Applications → the app → Attribute Mappings → saml_subject: Email Address"
        }
        (Ping, Subject::Certificate) => {
            "Applications → the app → Configuration → Download Signing Certificate"
        }
        (Ping, Subject::Assignment) => "Applications → the app → Access",
        (Ping, Subject::EntityId) => "Applications → the app → Configuration → Issuer ID",
        (Ping, Subject::Signing) => {
            "Applications → the app → Configuration → Sign Assertion, Signing Algorithm: RSA_SHA256"
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::login;

    #[test]
    fn every_code_that_has_a_screen_is_one_that_there_is() {
        let known: Vec<&str> = saml::Error::ALL
            .iter()
            .map(|rejection| rejection.code())
            .chain(login::Error::OWN.iter().map(|refusal| refusal.code()))
            .collect();
        for code in [
            "assertion_audience",
            "audience_restriction_missing",
            "response_destination",
            "subject_confirmation_recipient",
            "email_missing",
            "email_malformed",
            "email_outside_organization_domains",
            "name_id_missing",
            "signature_mismatch",
            "signature_key_unsuitable",
            "certificate_missing",
            "response_status",
            "directory_user_inactive",
            "directory_user_unknown",
            "response_issuer",
            "assertion_issuer",
            "signature_missing",
            "sha1_refused",
            "signature_algorithm_refused",
        ] {
            assert!(known.contains(&code), "{code}");
            assert!(screen(Product::Okta, code).is_some(), "{code}");
        }
        assert_eq!(screen(Product::Okta, "assertion_replayed"), None);
    }
}

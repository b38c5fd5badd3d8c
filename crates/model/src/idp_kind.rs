//! Identity provider products. The product selects the terms used in the setup instructions.

use serde::Serialize;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident, $stored:literal, $name:literal;)*) => {
        /// An identity provider product.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum IdpKind {
            $($(#[doc = $doc])+ $variant,)*
        }

        impl IdpKind {
            /// All of them, in display order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in the API, in URLs and in the database.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $stored,)* }
            }

            /// The product's name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Parses the name.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($stored => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

kinds! {
    /// Okta Workforce Identity.
    Okta, "okta", "Okta";
    /// Microsoft Entra ID, formerly Azure AD.
    Entra, "entra", "Microsoft Entra ID";
    /// Google Workspace.
    Google, "google", "Google Workspace";
    /// Active Directory Federation Services.
    Adfs, "adfs", "AD FS";
    /// Keycloak.
    Keycloak, "keycloak", "Keycloak";
    /// OneLogin.
    Onelogin, "onelogin", "OneLogin";
    /// JumpCloud.
    Jumpcloud, "jumpcloud", "JumpCloud";
    /// PingFederate and PingOne.
    Ping, "ping", "PingFederate or PingOne";
    /// Any other SAML or SCIM identity provider.
    Other, "other", "Another identity provider";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_its_own_name() {
        for kind in IdpKind::ALL {
            assert_eq!(IdpKind::parse(kind.as_str()), Some(*kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert_eq!(IdpKind::parse("Okta"), None);
    }
}

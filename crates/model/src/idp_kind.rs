//! Identity provider products. The product selects the terms used in the setup instructions.

use serde::Serialize;
use strum::{EnumString, IntoStaticStr, VariantArray};

/// An identity provider product, in display order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, IntoStaticStr, EnumString, VariantArray)]
#[serde(into = "&'static str")]
#[strum(serialize_all = "snake_case")]
pub enum IdpKind {
    /// Okta Workforce Identity.
    Okta,
    /// Microsoft Entra ID, formerly Azure AD.
    Entra,
    /// Google Workspace.
    Google,
    /// Active Directory Federation Services.
    Adfs,
    /// Keycloak.
    Keycloak,
    /// OneLogin.
    Onelogin,
    /// JumpCloud.
    Jumpcloud,
    /// PingFederate and PingOne.
    Ping,
    /// Any other SAML or SCIM identity provider.
    Other,
}

impl IdpKind {
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
            Self::Ping => "PingFederate or PingOne",
            Self::Other => "Another identity provider",
        }
    }

    /// The name in the API, in URLs and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

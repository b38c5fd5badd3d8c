//! The id of a connection, whatever its protocol: its kind is told by the prefix.

use std::{fmt, str::FromStr};

use crate::id::{IdKind as _, OidcConnectionId, OidcConnectionKind, ParseIdError, SamlConnectionId};

/// A connection of an organization to its identity provider.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConnectionId {
    /// By SAML 2.0.
    Saml(SamlConnectionId),
    /// By OpenID Connect.
    Oidc(OidcConnectionId),
}

impl ConnectionId {
    /// The SAML connection, if it is one.
    pub fn saml(self) -> Option<SamlConnectionId> {
        match self {
            Self::Saml(id) => Some(id),
            Self::Oidc(_) => None,
        }
    }

    /// The OIDC connection, if it is one.
    pub fn oidc(self) -> Option<OidcConnectionId> {
        match self {
            Self::Saml(_) => None,
            Self::Oidc(id) => Some(id),
        }
    }
}

impl From<SamlConnectionId> for ConnectionId {
    fn from(id: SamlConnectionId) -> Self {
        Self::Saml(id)
    }
}

impl From<OidcConnectionId> for ConnectionId {
    fn from(id: OidcConnectionId) -> Self {
        Self::Oidc(id)
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Saml(id) => id.fmt(f),
            Self::Oidc(id) => id.fmt(f),
        }
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ConnectionId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        match text.starts_with(OidcConnectionKind::PREFIX) {
            true => text.parse().map(Self::Oidc),
            false => text.parse().map(Self::Saml),
        }
    }
}

impl serde::Serialize for ConnectionId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_tells_the_protocol() {
        let saml = ConnectionId::Saml(SamlConnectionId::from_bits(7));
        let oidc = ConnectionId::Oidc(OidcConnectionId::from_bits(7));
        assert_ne!(saml, oidc);
        for id in [saml, oidc] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert_eq!((saml.oidc(), oidc.saml()), (None, None));
        assert!("conn_0000000000000000000000007".parse::<ConnectionId>().is_err());
    }
}

//! The algorithms of signatures (RFC 7518 §3.1, RFC 8037 §3.1).

use jsonwebtoken::Algorithm;
use serde::Serialize;
use strum::{EnumString, VariantArray};

/// How a client's ID tokens are signed (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, EnumString, VariantArray)]
pub enum IdTokenAlg {
    /// RSASSA-PKCS1-v1_5 with SHA-256, which every client supports.
    #[default]
    RS256,
    /// ECDSA with P-256 and SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

impl IdTokenAlg {
    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
        }
    }
}

impl From<IdTokenAlg> for Algorithm {
    fn from(algorithm: IdTokenAlg) -> Self {
        match algorithm {
            IdTokenAlg::RS256 => Self::RS256,
            IdTokenAlg::ES256 => Self::ES256,
            IdTokenAlg::EdDSA => Self::EdDSA,
        }
    }
}

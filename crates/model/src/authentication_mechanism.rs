//! How people prove who they are.

use strum::{EnumString, IntoStaticStr, VariantArray};

/// A way to authenticate, by the name that SecureAuth's API has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr, EnumString, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum AuthenticationMechanism {
    /// A code of an authenticator app (RFC 6238).
    Totp,
    /// A password.
    Password,
    /// A one-time code, by whatever way it is sent.
    Otp,
    /// A one-time code by e-mail.
    EmailOtp,
    /// A one-time code by SMS.
    SmsOtp,
    /// A passkey (WebAuthn).
    Webauthn,
}

impl AuthenticationMechanism {
    /// The name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

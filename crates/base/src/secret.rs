//! Bearer secrets: a prefix and 128 random bits, shown once and stored as a digest.

use std::{fmt, marker::PhantomData, str::FromStr};

use crate::{
    id::{self, ParseIdError},
    random::Random,
};

/// A kind of bearer secret.
pub trait SecretKind: fmt::Debug + 'static {
    /// The prefix of its text form.
    const PREFIX: &'static str;
}

/// One bearer secret. It has no `Display` and its `Debug` output is redacted; only [`Secret::reveal`] returns
/// its text, for the one time it is handed out.
pub struct Secret<K> {
    bits: u128,
    kind: PhantomData<K>,
}

impl<K: SecretKind> Secret<K> {
    /// A random secret.
    pub fn new(random: &dyn Random) -> Self {
        Self { bits: random.bits(), kind: PhantomData }
    }

    /// The text to hand out.
    pub fn reveal(&self) -> String {
        id::encode(K::PREFIX, self.bits)
    }

    /// The digest of the text with its prefix. A secret of one kind never has that of another kind.
    pub fn digest_of_text(&self) -> Digest {
        Digest::of(self.reveal())
    }

    /// The stored form: SHA-256 of the 16 bytes, as in SSOReady, so that imported secrets keep working.
    pub fn digest(&self) -> Digest {
        Digest::of(self.bits.to_be_bytes())
    }
}

impl<K: SecretKind> FromStr for Secret<K> {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        id::decode(K::PREFIX, text).map(|bits| Self { bits, kind: PhantomData })
    }
}

impl<K> fmt::Debug for Secret<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// SHA-256 of a secret. Looking up a secret by its digest does not leak the secret; comparisons of two
/// digests in the program are in constant time.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of text or bytes that are not a [`Secret`], such as a browser's cookie or a file.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self(openssl::sha::sha256(bytes.as_ref()))
    }

    /// Lower-case hexadecimal, the stored form.
    pub fn to_hex(self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |four: u8| char::from(DIGITS[usize::from(four)]);
        let mut hex = String::with_capacity(64);
        self.0.iter().for_each(|byte| hex.extend([digit(byte >> 4), digit(byte & 15)]));
        hex
    }

    /// Parses the stored form.
    pub fn from_hex(hex: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if hex.len() != 64 || !hex.is_ascii() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        openssl::memcmp::eq(&self.0, &other.0)
    }
}
impl Eq for Digest {}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

macro_rules! secrets {
    ($($kind:ident $alias:ident $prefix:literal $what:literal;)*) => {$(
        #[doc = concat!("Marks ", $what, ".")]
        #[derive(Debug)]
        pub enum $kind {}
        impl SecretKind for $kind {
            const PREFIX: &'static str = $prefix;
        }
        #[doc = concat!($what, ": `", $prefix, "…`.")]
        pub type $alias = Secret<$kind>;
    )*};
}

secrets! {
    ApiKeySecretKind ApiKeySecret "ssoready_sk_" "an API key's secret";
    OauthClientSecretKind OauthClientSecret "ssoready_oauth_client_secret_" "an OAuth client's secret";
    ApplicationSecretKind ApplicationSecret "app_secret_" "a secret of an application";
    AccessCodeKind AccessCode "saml_access_code_" "the one-time code an app redeems, at redeem or as OAuth `code`";
    AuthorizationCodeKind AuthorizationCode "code_" "the code of an organization's issuer";
    RefreshTokenKind RefreshToken "refresh_token_" "a refresh token of an organization's issuer";
    SignInRequestKind SignInRequest "request_" "the name of an authorization request while somebody signs in";
    ScimBearerTokenKind ScimBearerToken "ssoready_scim_bearer_token_" "the bearer token of an identity provider for a directory";
    AccessTokenKind AccessToken "ostiary_at_" "an OAuth access token";
    AdminInvitationTokenKind AdminInvitationToken "ostiary_invite_" "the one-time token of an administrator's invitation";
    AdminSessionTokenKind AdminSessionToken "ostiary_session_" "the cookie of a console session";
    OrganizationInvitationTokenKind OrganizationInvitationToken "invitation_" "the one-time token of an invitation to an organization";
    SetupLinkTokenKind SetupLinkToken "ssoready_one_time_token_" "the one-time token of a setup link";
    GuestInvitationCodeKind GuestInvitationCode "invitation_" "the confirmation code of an invitation to an organization";
    UserSessionTokenKind UserSessionToken "user_session_token_" "the cookie of a user's session";
    SetupSessionTokenKind SetupSessionToken "ostiary_setup_" "the cookie of a redeemed setup link";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    #[test]
    fn the_digest_is_that_of_the_sixteen_bytes() {
        let secret: ApiKeySecret = "ssoready_sk_12vqjrnxk9xeov6o4f05pan0g".parse().unwrap();
        assert_eq!(
            secret.digest().to_hex(),
            "8f7acbf51eecfbc78e7d7b7a6ff4f00673196a9a435b169a8e684d98b7c4a091"
        );
        assert_eq!(Digest::from_hex(&secret.digest().to_hex()), Some(secret.digest()));
        assert_eq!(Digest::from_hex(""), None);
    }

    #[test]
    fn a_secret_shows_itself_only_when_asked() {
        let secret = AccessCode::new(&SeededRandom::new(7));
        assert_eq!(format!("{secret:?} {:?}", secret.digest()), "… …");
        assert!(secret.reveal().starts_with("saml_access_code_"));
    }
}

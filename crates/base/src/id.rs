//! Identifiers: a prefix that names the kind and 25 base-36 characters that hold 128 bits.
//!
//! The format is SSOReady's, so that imported ids and secrets keep working. Ids are version 7 UUIDs, which
//! sort by creation time; secrets are 128 random bits (`secret.rs`).

use std::{fmt, hash::Hash, marker::PhantomData, str::FromStr};

use crate::{random::Random, time::Timestamp};

/// The number of base-36 digits that hold 128 bits.
const DIGITS: usize = 25;
const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// Writes `prefix` and 128 bits as 25 base-36 digits, left-padded with `0`.
pub(crate) fn encode(prefix: &str, mut value: u128) -> String {
    // Twelve digits fit into 64 bits, which a processor divides by one instruction: ids are written all the time.
    const TWELVE: u128 = 36_u128.pow(12);
    let mut digits = [b'0'; DIGITS];
    for part in digits.rchunks_mut(12) {
        let mut rest = (value % TWELVE) as u64;
        value /= TWELVE;
        for digit in part.iter_mut().rev() {
            *digit = ALPHABET[(rest % 36) as usize];
            rest /= 36;
        }
    }
    let mut text = String::with_capacity(prefix.len() + DIGITS);
    text.push_str(prefix);
    text.push_str(std::str::from_utf8(&digits).unwrap_or_default());
    text
}

/// Parses `prefix` and 25 digits into 128 bits.
pub(crate) fn decode(prefix: &'static str, text: &str) -> Result<u128, ParseIdError> {
    let error = |reason| ParseIdError { text: text.to_owned(), reason };
    let digits = text.strip_prefix(prefix).ok_or_else(|| error(Reason::Prefix(prefix)))?;
    if digits.len() != DIGITS {
        return Err(error(Reason::Length(prefix.len() + DIGITS)));
    }
    let mut value: u128 = 0;
    for (at, byte) in digits.bytes().enumerate() {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'z' => byte - b'a' + 10,
            _ => return Err(error(Reason::Character(prefix.len() + at))),
        };
        value = value
            .checked_mul(36)
            .and_then(|v| v.checked_add(u128::from(digit)))
            .ok_or_else(|| error(Reason::TooLarge))?;
    }
    Ok(value)
}

/// Parses a UUID with hyphens, or its 32 hexadecimal digits.
fn decode_uuid(text: &str) -> Option<u128> {
    // The other forms that the parser knows, in braces and as a URN, have other lengths.
    matches!(text.len(), 32 | 36)
        .then(|| uuid::Uuid::try_parse(text).ok().map(|uuid| uuid.as_u128()))
        .flatten()
}

/// Why a text is not an id of the expected kind. Its `Display` text is the same as SSOReady's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseIdError {
    text: String,
    reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reason {
    Prefix(&'static str),
    Length(usize),
    Character(usize),
    TooLarge,
}

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Untrusted text is quoted back shortened and escaped.
        let shown: String = self.text.chars().take(80).collect();
        match self.reason {
            Reason::Prefix(prefix) => write!(f, "{shown:?} does not have expected prefix {prefix:?}"),
            Reason::Length(length) => write!(f, "{shown:?} does not have expected length {length}"),
            Reason::Character(at) => write!(f, "{shown:?} contains illegal char at position {at}"),
            Reason::TooLarge => write!(f, "{shown:?} is larger than 128 bits"),
        }
    }
}

impl std::error::Error for ParseIdError {}

/// A kind of resource that has ids.
pub trait IdKind: Copy + Eq + Hash + fmt::Debug + Send + Sync + Unpin + 'static {
    /// The prefix of its ids.
    const PREFIX: &'static str;
    /// Its name in messages.
    const NOUN: &'static str;
    /// Another prefix under which its ids are read.
    const ALIAS: Option<&'static str> = None;
    /// Whether its ids are also read as a UUID, with hyphens or as 32 hexadecimal digits: forms that other APIs write.
    const READS_UUIDS: bool = false;
}

/// The id of one `K`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id<K> {
    bits: u128,
    kind: PhantomData<K>,
}

impl<K: IdKind> Id<K> {
    /// The id with these bits.
    pub fn from_bits(bits: u128) -> Self {
        Self { bits, kind: PhantomData }
    }

    /// The 128 bits.
    pub fn bits(self) -> u128 {
        self.bits
    }

    /// The id under another prefix than its kind's.
    pub fn with_prefix(self, prefix: &str) -> String {
        encode(prefix, self.bits)
    }

    /// The smallest id of anything created at `moment`. Ids sort by creation time, so everything older has a
    /// smaller id.
    pub fn lower_bound_at(moment: Timestamp) -> Self {
        Self::from_bits(u128::try_from(moment.millis()).unwrap_or(0) << 80)
    }

    /// A new id: a UUID version 7 from `now` and random bits (RFC 9562 §5.7).
    pub fn new(now: Timestamp, random: &dyn Random) -> Self {
        let mut entropy = [0; 10];
        random.fill(&mut entropy);
        let millis = u64::try_from(now.millis()).unwrap_or(0);
        Self::from_bits(uuid::Builder::from_unix_timestamp_millis(millis, &entropy).into_uuid().as_u128())
    }
}

impl<K: IdKind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(K::PREFIX, self.bits))
    }
}

impl<K: IdKind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K: IdKind> FromStr for Id<K> {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let prefix = K::ALIAS.filter(|alias| text.starts_with(alias)).unwrap_or(K::PREFIX);
        let decoded = decode(prefix, text);
        match decode_uuid(text) {
            Some(bits) if K::READS_UUIDS => Ok(Self::from_bits(bits)),
            _ => decoded.map(Self::from_bits),
        }
    }
}

impl<K: IdKind> serde::Serialize for Id<K> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Declares the kinds and their id types.
macro_rules! kinds {
    ($($kind:ident $alias:ident $prefix:literal $noun:literal $(, READS_UUIDS: $uuids:literal)? $(, ALIAS: $also:literal)?;)*) => {$(
        #[doc = concat!("Marks the ids of a ", $noun, ".")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $kind {}
        impl IdKind for $kind {
            const PREFIX: &'static str = $prefix;
            const NOUN: &'static str = $noun;
            $(const READS_UUIDS: bool = $uuids;)?
            $(const ALIAS: Option<&'static str> = Some($also);)?
        }
        #[doc = concat!("The id of a ", $noun, ": `", $prefix, "…`.")]
        pub type $alias = Id<$kind>;
    )*};
}

kinds! {
    EnvironmentKind EnvironmentId "env_" "environment";
    ApiKeyKind ApiKeyId "api_key_" "API key";
    OauthClientKind OauthClientId "saml_oauth_client_" "OAuth client";
    OrganizationKind OrganizationId "org_" "organization", READS_UUIDS: true;
    OrganizationDomainKind OrganizationDomainId "domain_" "domain";
    SamlConnectionKind SamlConnectionId "saml_conn_" "SAML connection";
    OidcConnectionKind OidcConnectionId "oidc_conn_" "OIDC connection";
    LoginFlowKind LoginFlowId "saml_flow_" "login flow", ALIAS: "login_flow_";
    GrantKind GrantId "grant_" "grant";
    OauthSubjectKind OauthSubjectId "subject_" "subject";
    SigningKeyKind SigningKeyId "key_" "signing key";
    ScimDirectoryKind ScimDirectoryId "scim_directory_" "SCIM directory";
    ScimUserKind ScimUserId "scim_user_" "SCIM user";
    ScimGroupKind ScimGroupId "scim_group_" "SCIM group";
    ScimRequestKind ScimRequestId "scim_request_" "SCIM request";
    WebhookKind WebhookId "webhook_" "webhook";
    WebhookDeliveryKind WebhookDeliveryId "msg_" "webhook delivery";
    AuditEventKind AuditEventId "audit_" "audit event";
    AdministratorKind AdministratorId "admin_" "administrator";
    AdminInvitationKind AdminInvitationId "admin_invitation_" "invitation";
    AdminSessionKind AdminSessionId "admin_session_" "session";
    SetupSessionKind SetupSessionId "setup_session_" "session";
    PasskeyKind PasskeyId "passkey_" "passkey";
    SetupLinkKind SetupLinkId "setup_link_" "setup link";
    ApplicationKind ApplicationId "app_" "application", READS_UUIDS: true;
    IdentitySchemaKind IdentitySchemaId "schema_" "identity schema", READS_UUIDS: true;
    IdentityPoolKind IdentityPoolId "pool_" "identity pool", READS_UUIDS: true;
    UserKind UserId "usr_" "user", READS_UUIDS: true;
    UserGroupKind UserGroupId "group_" "group", READS_UUIDS: true;
    RoleKind RoleId "role_" "role", READS_UUIDS: true;
    UserSessionKind UserSessionId "user_session_" "session";
    OneTimeCodeKind OneTimeCodeId "code_" "one-time code";
    LetterKind LetterId "letter_" "letter";
    AccessTokenKind AccessTokenId "token_" "access token";
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_published_vectors_hold() {
        for (uuid, text) in [
            ("00000000-0000-0000-0000-000000000000", "org_0000000000000000000000000"),
            ("00000000-0000-0000-0000-000000000024", "org_0000000000000000000000010"),
            ("123e4567-e89b-42d3-a456-426614174000", "org_12vqjrnxk9xeov6o4f05pan0g"),
            ("ffffffff-ffff-ffff-ffff-ffffffffffff", "org_f5lxx1zz5pnorynqglhzmsp33"),
            ("7c430544-4754-4d26-9b45-796da08013d7", "org_7cu5hsy9vrbi5d2k1qvbh19lj"),
        ] {
            let bits = uuid.parse::<uuid::Uuid>().unwrap().as_u128();
            assert_eq!(OrganizationId::from_bits(bits).to_string(), text);
            assert_eq!(text.parse::<OrganizationId>().unwrap().bits(), bits);
        }
    }

    #[test]
    fn a_login_flow_has_two_names() {
        let id = LoginFlowId::from_bits(36);
        assert_eq!(id.to_string(), "saml_flow_0000000000000000000000010");
        let other = id.with_prefix("login_flow_");
        assert_eq!(other, "login_flow_0000000000000000000000010");
        assert_eq!((other.parse(), id.to_string().parse()), (Ok(id), Ok(id)));
        assert!("login_flow_0000000000000000000000010".parse::<SamlConnectionId>().is_err());
    }

    #[test]
    fn refusals_say_what_is_wrong() {
        let says = |text: &str| text.parse::<SamlConnectionId>().unwrap_err().to_string();
        assert_eq!(says("xxx"), r#""xxx" does not have expected prefix "saml_conn_""#);
        assert_eq!(says("saml_conn_1"), r#""saml_conn_1" does not have expected length 35"#);
        assert_eq!(
            says("saml_conn_A000000000000000000000000"),
            r#""saml_conn_A000000000000000000000000" contains illegal char at position 10"#
        );
        assert!(says("saml_conn_zzzzzzzzzzzzzzzzzzzzzzzzz").contains("larger than 128 bits"));
    }

    #[test]
    fn no_other_form_of_a_uuid_is_an_id() {
        for text in [
            "{7c430544-4754-4d26-9b45-796da08013d7}",
            "urn:uuid:7c430544-4754-4d26-9b45-796da08013d7",
            "7c43-05444754-4d26-9b45-796da08013d7",
            "7c43054447544d269b45796da08013d",
            "7c43054447544d269b45796da08013d7a",
            "7g43054447544d269b45796da08013d7",
            "ORG_7cu5hsy9vrbi5d2k1qvbh19lj",
            "org_7c43054447544d269b45796da08013d7",
            "7cu5hsy9vrbi5d2k1qvbh19lj",
        ] {
            let refused = text.parse::<OrganizationId>().unwrap_err().to_string();
            assert!(refused.contains("does not have expected"), "{refused}");
        }
    }

    proptest! {
        #[test]
        fn every_value_survives_the_round_trip(bits: u128) {
            let id = OrganizationId::from_bits(bits);
            prop_assert_eq!(id.to_string().parse::<OrganizationId>().unwrap(), id);
        }

        #[test]
        fn ids_sort_by_birth(millis in 0_i64..1 << 47, later in 1_i64..1_000_000_000) {
            let random = crate::random::SeededRandom::new(7);
            let (old, new) = (Timestamp::from_millis(millis), Timestamp::from_millis(millis + later));
            let id = OrganizationId::new(old, &random);
            prop_assert!(OrganizationId::lower_bound_at(old) <= id && id < OrganizationId::lower_bound_at(new));
        }

        #[test]
        fn no_text_panics(text in "\\PC*|env_[a-z0-9]{25}") {
            if let Ok(id) = text.parse::<EnvironmentId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }

        #[test]
        fn organizations_are_read_in_every_encoding(bits: u128, upper: bool) {
            let id = OrganizationId::from_bits(bits);
            let uuid = uuid::Uuid::from_u128(bits);
            for text in [uuid.simple().to_string(), uuid.hyphenated().to_string()] {
                let text = if upper { text.to_uppercase() } else { text };
                prop_assert_eq!(text.parse::<OrganizationId>().unwrap(), id);
                prop_assert!(text.parse::<EnvironmentId>().is_err());
            }
        }

        #[test]
        fn text_order_is_number_order(a: u128, b: u128) {
            prop_assert_eq!(encode("", a).cmp(&encode("", b)), a.cmp(&b));
        }
    }
}

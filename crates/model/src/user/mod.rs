//! Users: accounts of identity pools, by what they are found, and where they are reached.

mod address;
mod association;
mod identifier;

use base::{
    id::{EnvironmentId, IdentityPoolId, OrganizationId, UserId},
    time::Timestamp,
};
use serde_json::{Map, Value};
use strum::{EnumString, IntoStaticStr, VariantArray};

pub use address::{AddressKind, AddressStatus, ContactMethod, UserAddress};
pub use association::{AssociationKind, UserAssociation};
pub use identifier::{
    IdentifierError, IdentifierKey, IdentifierKind, IdentifierText, UserIdentifier, normalise_number,
};
pub(crate) use identifier::{compose, is_invisible};

use crate::audit::{AuditTarget, Audited, audit_fields};

/// Whether a user may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, EnumString, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum UserStatus {
    /// They have not activated the account yet: there is no way to sign in before that.
    New,
    /// They may sign in.
    Active,
    /// The account is switched off.
    Inactive,
    /// The account is kept, and counts as deleted: it is switched off for good unless somebody restores it.
    Deleted,
}

impl UserStatus {
    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether such a user may sign in, and whether their sessions and tokens count.
    pub fn is_active(self) -> bool {
        self == Self::Active
    }
}

/// How a user came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum UserSource {
    /// Somebody made the account: an administrator, a program, or the person.
    Standard,
    /// The account was made at the first login through an identity provider.
    Jit,
}

impl UserSource {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The maximum length of a display name in characters; the rest is left out.
const MAX_DISPLAY_NAME: usize = 200;

/// One account of a pool.
#[derive(Clone, PartialEq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// The environment it is in.
    pub environment_id: EnvironmentId,
    /// The organization that the pool belongs to.
    pub organization_id: OrganizationId,
    /// The pool it is in, for good.
    pub pool_id: IdentityPoolId,
    /// Its version: 1, and one more with each change.
    pub version: i64,
    /// Whether it may be used.
    pub status: UserStatus,
    /// How it came to be.
    pub source: UserSource,
    /// The user whose image it is ([`UserAssociation`]). Such a user never signs in, and is changed through that one only.
    pub shadow_of: Option<UserId>,
    /// What the caller calls its kind; kept and echoed.
    pub user_type: String,
    /// The profile, which the user may change.
    pub payload: Map<String, Value>,
    /// What administrators write.
    pub metadata: Map<String, Value>,
    /// What the administrators of the organization write.
    pub business_metadata: Map<String, Value>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When its status last changed.
    pub status_updated_at: Timestamp,
}

impl User {
    /// The name of the profile (OpenID Connect Core 1.0 §5.1): `name`, else the given and family names, else the nickname.
    /// Empty where the profile has none.
    pub fn display_name(&self) -> String {
        let text = |member: &str| {
            let text = self.payload.get(member).and_then(Value::as_str).unwrap_or_default();
            let line: String =
                text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_DISPLAY_NAME).collect();
            line.trim().to_owned()
        };
        let both = format!("{} {}", text("given_name"), text("family_name"));
        let names = [text("name"), both.trim().to_owned(), text("nickname")];
        let name = names.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        name.chars().take(MAX_DISPLAY_NAME).collect()
    }

    /// Whether the user may sign in: the account is switched on, and no image of another one.
    pub fn may_sign_in(&self) -> bool {
        self.status.is_active() && self.shadow_of.is_none()
    }

    /// Sets the status.
    pub fn set_status(&mut self, status: UserStatus, now: Timestamp) {
        if self.status != status {
            self.status = status;
            self.status_updated_at = now;
        }
    }
}

/// Shows no personal data, to keep it out of logs.
impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("status", &self.status).finish_non_exhaustive()
    }
}

/// The log shows what kind of account it is and whether it may be used; nothing of the person.
impl Audited for User {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget { kind: "user", id: self.id.to_string(), organization_id: Some(self.organization_id) }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        audit_fields! {
            "identityPoolId": self.pool_id,
            "status": self.status.as_str(),
            "userType": self.user_type,
        }
    }
}

#[cfg(test)]
mod tests {
    use base::id::Id;
    use serde_json::json;

    use super::*;

    fn user(payload: Value) -> User {
        let now = Timestamp::from_millis(0);
        User {
            id: Id::from_bits(1),
            environment_id: Id::from_bits(2),
            organization_id: Id::from_bits(3),
            pool_id: Id::from_bits(4),
            version: 1,
            status: UserStatus::New,
            source: UserSource::Standard,
            shadow_of: None,
            user_type: String::new(),
            payload: payload.as_object().cloned().unwrap_or_default(),
            metadata: Map::new(),
            business_metadata: Map::new(),
            created_at: now,
            updated_at: now,
            status_updated_at: now,
        }
    }

    #[test]
    fn the_display_name_is_that_of_the_profile() {
        for (payload, name) in [
            (json!({ "name": "Dana Doe", "given_name": "D" }), "Dana Doe"),
            (json!({ "name": " ", "given_name": "Dana", "family_name": "Doe" }), "Dana Doe"),
            (json!({ "family_name": "Doe" }), "Doe"),
            (json!({ "nickname": "dd" }), "dd"),
            (json!({ "name": 7 }), ""),
            (json!({ "name": "a\nb" }), "a b"),
            (json!({}), ""),
        ] {
            assert_eq!(user(payload.clone()).display_name(), name, "{payload}");
        }
        let long = user(json!({ "given_name": "x".repeat(300), "family_name": "y".repeat(300) }));
        assert_eq!(long.display_name().chars().count(), MAX_DISPLAY_NAME);
    }

    #[test]
    fn an_image_of_another_user_never_signs_in() {
        let mut dana = user(json!({}));
        assert!(!dana.may_sign_in());
        dana.status = UserStatus::Active;
        assert!(dana.may_sign_in());
        dana.shadow_of = Some(Id::from_bits(9));
        assert!(!dana.may_sign_in());
    }

    #[test]
    fn the_time_of_the_status_is_that_of_its_change() {
        let (mut dana, later) = (user(json!({})), Timestamp::from_millis(5));
        dana.set_status(UserStatus::New, later);
        assert_eq!(dana.status_updated_at, Timestamp::from_millis(0));
        dana.set_status(UserStatus::Inactive, later);
        assert_eq!((dana.status, dana.status_updated_at), (UserStatus::Inactive, later));
    }

    #[test]
    fn neither_the_log_nor_the_audit_log_shows_the_person() {
        let dana = user(json!({ "name": "Dana Doe" }));
        assert!(!format!("{dana:?}").contains("Dana"));
        assert!(!Value::from(dana.audit_fields()).to_string().contains("Dana"));
    }
}

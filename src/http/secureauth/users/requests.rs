//! What callers send about users.

use model::{
    account::CredentialState,
    user::{AddressKind, UserSource},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    app::{
        Error, Result,
        accounts::credentials::{ImportedCredential, NewCredential},
        accounts::users::{AddressChange, NewAddress, NewIdentifier, NewUser, Profile, UserChange},
    },
    http::secureauth::names::{optional, required},
};

fn text(field: String, text: Option<&str>) -> Result<&str> {
    text.ok_or_else(|| Error::invalid(field, "is required"))
}

/// An identifier to add.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthNewIdentifier)]
pub struct IdentifierBody {
    /// `email`, `mobile`, `uid`, `external` or `federated`.
    #[serde(rename = "type")]
    #[schema(example = "email", required = true)]
    kind: Option<String>,
    /// The identifier, unique in the pool.
    #[schema(example = "dana@acme.com", required = true)]
    identifier: Option<String>,
    /// What you keep with it.
    #[schema(value_type = Object, required = false)]
    metadata: Option<Map<String, Value>>,
}

impl IdentifierBody {
    pub(super) fn parse(&self, prefix: &str) -> Result<NewIdentifier> {
        Ok(NewIdentifier {
            kind: required(format!("{prefix}type"), self.kind.as_deref())?,
            identifier: text(format!("{prefix}identifier"), self.identifier.as_deref())?.to_owned(),
            metadata: self.metadata.clone().unwrap_or_default(),
        })
    }
}

/// An address to add.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthNewAddress)]
pub struct AddressBody {
    /// `email` or `mobile`.
    #[serde(rename = "type")]
    #[schema(example = "email", required = true)]
    kind: Option<String>,
    /// The address.
    #[schema(example = "dana@acme.com", required = true)]
    address: Option<String>,
    /// Whether it was proven that it is the user's.
    verified: Option<bool>,
    /// `active` or `inactive`: whether it is used.
    status: Option<String>,
    /// Of a mobile number: `sms` or `voice`.
    preferred_contact_method: Option<String>,
}

impl AddressBody {
    pub(super) fn parse(&self, prefix: &str) -> Result<NewAddress> {
        let method = self.preferred_contact_method.as_deref();
        Ok(NewAddress {
            kind: required::<AddressKind>(format!("{prefix}type"), self.kind.as_deref())?,
            address: text(format!("{prefix}address"), self.address.as_deref())?.to_owned(),
            verified: self.verified,
            status: optional(format!("{prefix}status"), self.status.as_deref())?,
            preferred_contact_method: optional(format!("{prefix}preferred_contact_method"), method)?,
        })
    }
}

/// A credential to set.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthNewCredential)]
pub struct CredentialBody {
    /// `password` or `totp`. Passkeys are made in ceremonies of their own.
    #[serde(rename = "type")]
    #[schema(example = "password", required = true)]
    kind: Option<String>,
    /// The password, which follows the rules of the pool.
    password: Option<String>,
    /// Instead of the password its hash, as another system kept it: bcrypt, PBKDF2 or Argon2.
    hashed_password: Option<String>,
    /// The secret of the authenticator app, in base32.
    totp_secret: Option<String>,
    /// Whether the password is good for one more sign-in, after which it is changed.
    must_be_changed: Option<bool>,
    /// Whether the password is reset before it is good for any.
    must_be_reset: Option<bool>,
    /// What answers show of a credential that is there.
    #[schema(ignore)]
    state: Option<String>,
}

impl CredentialBody {
    /// Whether it is a credential as answers show it, without what proves anything: sent back, it changes nothing.
    fn is_shown(&self) -> bool {
        let sets =
            [&self.password, &self.hashed_password, &self.totp_secret].into_iter().any(Option::is_some);
        let marks = [self.must_be_changed, self.must_be_reset].into_iter().any(|mark| mark == Some(true));
        self.state.is_some() && !sets && !marks
    }

    fn parse(&self, prefix: &str) -> Result<NewCredential> {
        let kind = text(format!("{prefix}type"), self.kind.as_deref())?;
        let credential = match (kind, &self.password, &self.hashed_password) {
            ("password", Some(password), None) => ImportedCredential::Password(password.clone()),
            ("password", None, Some(hash)) => ImportedCredential::PasswordHash(hash.clone()),
            ("password", ..) => {
                return Err(Error::invalid(format!("{prefix}password"), "give either it or hashed_password"));
            }
            ("totp", ..) => {
                let secret = text(format!("{prefix}totp_secret"), self.totp_secret.as_deref())?;
                ImportedCredential::Totp(secret.to_owned())
            }
            _ => return Err(Error::invalid(format!("{prefix}type"), "must be password or totp")),
        };
        let state = match (self.must_be_reset.unwrap_or(false), self.must_be_changed.unwrap_or(false)) {
            (true, _) => CredentialState::MustBeReset,
            (false, true) => CredentialState::MustBeChanged,
            (false, false) => CredentialState::Valid,
        };
        Ok(NewCredential { credential, state, expires_at: None })
    }
}

/// What changes of an address. Members that are absent stay as they are.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthAddressUpdate)]
pub struct AddressUpdateBody {
    /// The address.
    #[schema(example = "dana@acme.com", required = true)]
    address: Option<String>,
    /// Whether it was proven that it is the user's.
    verified: Option<bool>,
    /// `active` or `inactive`: whether it is used.
    status: Option<String>,
    /// Of a mobile number: `sms` or `voice`.
    preferred_contact_method: Option<String>,
}

impl AddressUpdateBody {
    pub(super) fn parse(&self) -> Result<(&str, AddressChange)> {
        let method = self.preferred_contact_method.as_deref();
        let change = AddressChange {
            verified: self.verified,
            status: optional("status".to_owned(), self.status.as_deref())?,
            preferred_contact_method: optional("preferred_contact_method".to_owned(), method)?,
        };
        Ok((text("address".to_owned(), self.address.as_deref())?, change))
    }
}

/// An identifier of the user.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthIdentifierRemoval)]
pub struct IdentifierRemovalBody {
    /// The identifier.
    #[schema(example = "dana@acme.com", required = true)]
    identifier: Option<String>,
}

impl IdentifierRemovalBody {
    pub(super) fn parse(&self) -> Result<&str> {
        text("identifier".to_owned(), self.identifier.as_deref())
    }
}

/// An address of the user.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthAddressRemoval)]
pub struct AddressRemovalBody {
    /// The address.
    #[schema(example = "dana@acme.com", required = true)]
    address: Option<String>,
}

impl AddressRemovalBody {
    pub(super) fn parse(&self) -> Result<&str> {
        text("address".to_owned(), self.address.as_deref())
    }
}

/// What a user is found by: one of the two.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthUserKey)]
pub struct UserKeyBody {
    /// An identifier.
    #[schema(example = "dana@acme.com")]
    pub(super) identifier: Option<String>,
    /// An address that the user has proven.
    pub(super) address: Option<String>,
}

/// A user to create.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthNewUser)]
pub struct NewUserBody {
    #[serde(flatten)]
    user: UserBody,
    /// `new`, `active`, `inactive` or `deleted`.
    #[schema(example = "active", required = true)]
    status: Option<String>,
}

/// A change of a user. Members that are absent stay as they are.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthUserUpdate)]
pub struct UserBody {
    /// Of a new user: 32 hexadecimal digits that you choose; random if absent.
    pub(super) id: Option<String>,
    /// `new`, `active`, `inactive` or `deleted`.
    #[schema(example = "active")]
    status: Option<String>,
    /// By what the user is found: all of it.
    #[schema(example = json!([{ "type": "email", "identifier": "dana@acme.com" }]))]
    identifiers: Option<Vec<IdentifierBody>>,
    /// Where the user is reached: all of it.
    verifiable_addresses: Option<Vec<AddressBody>>,
    /// What the user authenticates with: at most one password and one authenticator app.
    credentials: Option<Vec<CredentialBody>>,
    /// The profile, which the user may change. It fits the schema of the pool.
    #[schema(value_type = Object, required = false)]
    payload: Option<Map<String, Value>>,
    /// What you keep with the user. It fits the schema of the pool.
    #[schema(value_type = Object, required = false)]
    metadata: Option<Map<String, Value>>,
    /// What the administrators of the organization keep with the user.
    #[schema(value_type = Object, required = false)]
    business_metadata: Option<Map<String, Value>>,
    /// What you call the kind of the account.
    user_type: Option<String>,
}

impl UserBody {
    fn identifiers(&self) -> Result<Option<Vec<NewIdentifier>>> {
        let Some(identifiers) = &self.identifiers else { return Ok(None) };
        let parsed = identifiers.iter().enumerate();
        parsed
            .map(|(at, identifier)| identifier.parse(&format!("identifiers[{at}].")))
            .collect::<Result<_>>()
            .map(Some)
    }

    fn addresses(&self) -> Result<Option<Vec<NewAddress>>> {
        let Some(addresses) = &self.verifiable_addresses else { return Ok(None) };
        let parsed = addresses.iter().enumerate();
        parsed
            .map(|(at, address)| address.parse(&format!("verifiable_addresses[{at}].")))
            .collect::<Result<_>>()
            .map(Some)
    }

    fn credentials(&self, is_ignored: impl Fn(&CredentialBody) -> bool) -> Result<Vec<NewCredential>> {
        let given = self.credentials.iter().flatten().enumerate();
        let parsed = given.filter(|(_, credential)| !is_ignored(credential));
        parsed.map(|(at, credential)| credential.parse(&format!("credentials[{at}]."))).collect()
    }

    /// An error of a credential with its place in the list.
    pub(super) fn at_its_place(&self, error: Error) -> Error {
        let Error::Invalid { field, reason } = error else { return error };
        let sets = |credential: &CredentialBody| match &*field {
            "password" => credential.password.is_some(),
            "hashed_password" => credential.hashed_password.is_some(),
            "totp_secret" => credential.totp_secret.is_some(),
            _ => false,
        };
        match self.credentials.iter().flatten().position(sets) {
            Some(at) => Error::invalid(format!("credentials[{at}].{field}"), reason),
            None => Error::Invalid { field, reason },
        }
    }

    fn profile(&self) -> Profile {
        Profile::new(self.payload.clone(), self.metadata.clone(), self.business_metadata.clone())
    }

    /// The change that is asked for.
    pub(super) fn parse(&self) -> Result<UserChange> {
        Ok(UserChange {
            status: optional("status".to_owned(), self.status.as_deref())?,
            user_type: self.user_type.clone(),
            identifiers: self.identifiers()?,
            addresses: self.addresses()?,
            profile: self.profile(),
            credentials: self.credentials(CredentialBody::is_shown)?,
        })
    }
}

impl NewUserBody {
    /// [`UserBody::at_its_place`].
    pub(super) fn at_its_place(&self, error: Error) -> Error {
        self.user.at_its_place(error)
    }

    /// The user that is asked for.
    pub(super) fn parse(&self) -> Result<NewUser> {
        let user = &self.user;
        let id = user.id.as_deref().filter(|id| !id.is_empty()).map(str::parse).transpose();
        Ok(NewUser {
            id: id.map_err(|_| Error::invalid("id", "must be 32 hexadecimal digits"))?,
            status: required("status".to_owned(), self.status.as_deref())?,
            source: UserSource::Standard,
            shadow_of: None,
            user_type: user.user_type.clone().unwrap_or_default(),
            identifiers: user.identifiers()?.unwrap_or_default(),
            addresses: user.addresses()?.unwrap_or_default(),
            profile: user.profile(),
            credentials: user.credentials(|_| false)?,
        })
    }
}

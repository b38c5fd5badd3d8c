//! What there is of an account, at a glance.

use base::connection_id::ConnectionId;
use model::{
    account::CredentialSummary,
    idp_kind::IdpKind,
    oidc_connection::OidcConnection,
    saml_connection::SamlConnection,
    user::{IdentifierKind, User, UserAddress, UserIdentifier},
};

use super::{SignedIn, sessions};
use crate::{
    app::{
        Result, State,
        accounts::{credentials, users::UserDetails, users::details::details_of},
    },
    store::{Conn, table},
};

/// An account at a glance.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// By what the user is found, but for their company's names for them.
    pub identifiers: Vec<UserIdentifier>,
    /// The identity providers of their company through which they sign in, as people call them.
    pub companies: Vec<String>,
    /// Where they are reached.
    pub addresses: Vec<UserAddress>,
    /// What they sign in with.
    pub credentials: Vec<CredentialSummary>,
    /// In how many browsers and programs they are signed in.
    pub sessions: usize,
}

impl Overview {
    /// What the user knows their account by: what they sign in with, else where they are reached, else its id.
    pub fn name(&self, user: &User) -> String {
        let identifier = self.identifiers.first().map(|identifier| identifier.text.as_str());
        let address = self.addresses.first().map(|address| address.address.as_str());
        identifier.or(address).map_or_else(|| user.id.to_string(), str::to_owned)
    }

    /// Whether there is a password.
    pub fn has_password(&self) -> bool {
        self.credentials.iter().any(|one| matches!(one, CredentialSummary::Password { .. }))
    }

    /// Whether there is an authenticator app.
    pub fn has_app(&self) -> bool {
        self.credentials.iter().any(|one| matches!(one, CredentialSummary::Totp { .. }))
    }
}

/// The account of whoever is signed in.
pub async fn load(state: &State, signed_in: &SignedIn) -> Result<Overview> {
    let sessions = sessions::list(state, signed_in).await?.len();
    let mut conn = state.db.read().await?;
    let credentials = credentials::summaries(&mut conn, signed_in.id()).await?;
    let found = details_of(&mut conn, vec![signed_in.user().clone()]).await?.pop();
    let (identifiers, addresses) =
        found.map(|UserDetails { identifiers, addresses, .. }| (identifiers, addresses)).unwrap_or_default();
    let (federated, identifiers): (Vec<_>, Vec<_>) =
        identifiers.into_iter().partition(|one| one.text.kind() == IdentifierKind::Federated);
    let mut companies = Vec::new();
    for identifier in federated {
        let name = company(&mut conn, signed_in.user(), identifier.text.as_str()).await?;
        if !companies.contains(&name) {
            companies.push(name);
        }
    }
    Ok(Overview { identifiers, companies, addresses, credentials, sessions })
}

/// What people call the identity provider of a federated identifier: its product, else its host. Empty where that is not known.
async fn company(conn: &mut Conn, user: &User, identifier: &str) -> Result<String> {
    let (of, id) = (user.organization_id, identifier.split('#').next().and_then(|id| id.parse().ok()));
    let (kind, address) = match id {
        Some(ConnectionId::Saml(id)) => {
            let found: Option<SamlConnection> = table::find(conn, user.environment_id, id).await?;
            let found = found.filter(|found| found.organization_id == of);
            found.map(|found| (found.idp_kind, found.idp_redirect_url.map(|url| url.to_string())))
        }
        Some(ConnectionId::Oidc(id)) => {
            let found: Option<OidcConnection> = table::find(conn, user.environment_id, id).await?;
            let found = found.filter(|found| found.organization_id == of);
            found.map(|found| (found.idp_kind, found.issuer))
        }
        None => None,
    }
    .unwrap_or_default();
    let product = kind.filter(|kind| *kind != IdpKind::Other);
    let host = address.and_then(|url| url.parse::<url::Url>().ok()?.host_str().map(str::to_owned));
    Ok(product.map(|kind| kind.name().to_owned()).or(host).unwrap_or_default())
}

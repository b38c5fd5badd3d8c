//! The secrets of clients, and their rotation: one place for all kinds of clients.

use std::time::Duration;

use base::{
    id::{ApplicationId, Id},
    secret::{ApplicationSecret, Digest, OauthClientSecret},
    time::Timestamp,
};
use model::{
    application::{Application, PreviousSecret},
    entity_tag::EntityTags,
    oauth_client::OauthClient,
};

use super::ApplicationWithSecret;
use crate::app::{
    Error, Result, State,
    audit::{self, Entry},
    principal::{On, Principal},
    resource::{Edit, Resource},
};

/// How long two secrets are good where nothing is said: until the new one is everywhere.
pub const DEFAULT_OVERLAP: Duration = Duration::from_secs(24 * 3600);

/// How long they are at most.
pub const MAX_OVERLAP: Duration = Duration::from_secs(30 * 24 * 3600);

/// A client whose secret can be replaced.
pub(in crate::app) trait HasSecret: Resource {
    /// Sets the digest of the new secret. The one before it is good until `ends`, where the client can have two.
    fn replace_secret(&mut self, secret: Digest, ends: Option<Timestamp>) -> Result<()>;
}

impl HasSecret for OauthClient {
    fn replace_secret(&mut self, secret: Digest, _: Option<Timestamp>) -> Result<()> {
        self.secret = secret;
        Ok(())
    }
}

impl HasSecret for Application {
    fn replace_secret(&mut self, secret: Digest, ends: Option<Timestamp>) -> Result<()> {
        let present = self.secret.ok_or_else(|| {
            Error::FailedPrecondition("a public client has no secret; anybody can read what it holds".into())
        })?;
        self.previous_secret = ends.map(|expires_at| PreviousSecret { secret: present, expires_at });
        self.secret = Some(secret);
        Ok(())
    }
}

/// Gives a client a new secret, of which only the digest is known here.
pub(in crate::app) async fn replace<C: HasSecret>(
    state: &State,
    principal: &Principal,
    id: Id<C::Kind>,
    expected: Option<&EntityTags>,
    secret: Digest,
    ends: Option<Timestamp>,
) -> Result<C> {
    let environment_id = principal.authorize(C::MANAGE, On::Environment)?;
    let mut edit = Edit::<C>::begin(state.db.write().await?, environment_id, id, expected).await?;
    edit.row.replace_secret(secret, ends)?;
    edit.write(state).await?;
    let entry = Entry::of(&edit.row, "secret_rotated");
    audit::record(&mut edit.tx, state, Some(environment_id), principal, entry).await?;
    edit.commit().await
}

/// Gives an OAuth client a new secret, which is returned only here. The old one stops working at once.
pub(in crate::app) async fn rotate_oauth_client(
    state: &State,
    principal: &Principal,
    id: base::id::OauthClientId,
    expected: Option<&EntityTags>,
) -> Result<(OauthClient, OauthClientSecret)> {
    let secret = OauthClientSecret::new(&*state.random);
    let client = replace::<OauthClient>(state, principal, id, expected, secret.digest(), None).await?;
    Ok((client, secret))
}

/// Gives an application a new secret, which is returned only here. The one before it is good for `overlap` more.
pub async fn rotate(
    state: &State,
    principal: &Principal,
    id: ApplicationId,
    expected: Option<&EntityTags>,
    overlap: Duration,
) -> Result<ApplicationWithSecret> {
    if overlap > MAX_OVERLAP {
        let days = MAX_OVERLAP.as_secs() / (24 * 3600);
        return Err(Error::invalid("overlapSeconds", format!("must be at most {days} days")));
    }
    let now = state.now();
    principal.require_recent_authentication(now)?;
    let secret = ApplicationSecret::new(&*state.random);
    let ends = (!overlap.is_zero()).then(|| now + overlap);
    let application = replace::<Application>(state, principal, id, expected, secret.digest(), ends).await?;
    Ok(ApplicationWithSecret { application, secret: Some(secret) })
}

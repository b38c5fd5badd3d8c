//! Signing out at an organization's issuer (OpenID Connect RP-Initiated Logout 1.0).

use base::id::ApplicationId;
use model::audit::audit_fields;
use oauth::{
    Error,
    account_claims::IdTokenHint,
    authorize::{MAX_STATE_BYTES, response_url},
    jwt,
    parameters::Parameters,
};

use super::{
    session,
    visitor::{Visitor, organization},
};
use crate::{
    app::{
        Result, State,
        audit::{self, Entry},
        authorization_server::{
            access_token_keys, issuer_clients,
            issuers::{Issuer, IssuerForm},
        },
        principal::Principal,
    },
    store::account_grants,
};

/// The parameters that are repeated where the person is asked first.
pub const PARAMETERS: [&str; 4] = ["id_token_hint", "client_id", "post_logout_redirect_uri", "state"];

/// What the browser does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The person is asked whether they want to sign out: no application proved that it is about their session.
    Confirm {
        /// What the request said, to be repeated.
        parameters: Vec<(&'static str, String)>,
    },
    /// Nobody is signed in any more in this browser.
    SignedOut {
        /// The application's address, which is registered for this.
        location: Option<String>,
    },
    /// An error page: where the application wants to go is not registered.
    Page(Error),
}

/// Ends the session of the browser, with everything that hangs from it: at once where an ID token of that session is sent, or
/// the person `confirmed`.
pub async fn end_session(
    state: &State,
    (issuer, form): (&Issuer, IssuerForm),
    query: &str,
    visitor: &Visitor,
    confirmed: bool,
) -> Result<Outcome> {
    organization(issuer)?;
    let parameters = match Parameters::parse(query) {
        Ok(parameters) => parameters,
        Err(error) => return Ok(Outcome::Page(error)),
    };
    let hint = match parameters.get_within("id_token_hint", oauth::access_token::MAX_TOKEN_BYTES) {
        Ok(Some(token)) => read_hint(state, &issuer.in_form(form), token).await?,
        Ok(None) => None,
        Err(error) => return Ok(Outcome::Page(error)),
    };
    let location = match location(state, issuer, &parameters, hint.as_ref()).await? {
        Ok(location) => location,
        Err(error) => return Ok(Outcome::Page(error)),
    };
    let Some((session, user)) = session::find(state, issuer, visitor).await? else {
        return Ok(Outcome::SignedOut { location });
    };
    let is_proven =
        hint.is_some_and(|hint| hint.sid == session.id.to_string() && hint.sub == user.id.to_string());
    if !is_proven && !confirmed {
        let value = |name| parameters.get(name).ok().flatten().map(|value| (name, value.to_owned()));
        return Ok(Outcome::Confirm { parameters: PARAMETERS.into_iter().filter_map(value).collect() });
    }
    let now = state.now();
    let mut tx = state.db.write().await?;
    if account_grants::end_session(&mut tx, session.id, now).await? {
        let entry = Entry::of(&user, "signed_out").with_values(audit_fields! { "sessionId": session.id });
        let principal = Principal::service(user.environment_id).at(visitor.address());
        audit::record(&mut tx, state, Some(user.environment_id), &principal, entry).await?;
    }
    tx.commit().await?;
    tracing::info!(session = %session.id, "signed out");
    Ok(Outcome::SignedOut { location })
}

/// What an ID token says that this issuer gave. One of before a rotation of keys, or of another issuer, proves nothing.
pub(super) async fn read_hint(state: &State, issuer: &Issuer, token: &str) -> Result<Option<IdTokenHint>> {
    let keys = access_token_keys::published(state, issuer.tenant.environment_id).await?;
    Ok(jwt::verify_id_token_hint(token, &keys, &issuer.url(&state.links)).ok())
}

/// Where the application wants the browser to go, if it is one of the addresses that it registered (§3).
async fn location(
    state: &State,
    issuer: &Issuer,
    parameters: &Parameters,
    hint: Option<&IdTokenHint>,
) -> Result<Result<Option<String>, Error>> {
    let read = || {
        Ok((
            parameters.get("post_logout_redirect_uri")?,
            parameters.get("client_id")?,
            parameters.get_within("state", MAX_STATE_BYTES)?,
        ))
    };
    let (uri, named, said) = match read() {
        Ok(read) => read,
        Err(error) => return Ok(Err(error)),
    };
    let proven = hint.map(|hint| hint.aud.as_str());
    if let (Some(proven), Some(named)) = (proven, named)
        && proven != named
    {
        let reason = "is not the application of id_token_hint".to_owned();
        return Ok(Err(Error::Malformed { name: "client_id", reason }));
    }
    let Some(uri) = uri else { return Ok(Ok(None)) };
    let Some(text) = proven.or(named) else { return Ok(Err(Error::Missing("client_id"))) };
    let client = match text.parse::<ApplicationId>() {
        Ok(id) => issuer_clients::find(&mut state.db.read().await?, issuer, id).await?,
        Err(_) => None,
    };
    let Some(client) = client else { return Ok(Err(Error::UnknownClient(text.to_owned()))) };
    if !client.post_logout_redirect_uris.iter().any(|registered| registered.as_str() == uri) {
        let reason = "is not registered for this application".to_owned();
        return Ok(Err(Error::Malformed { name: "post_logout_redirect_uri", reason }));
    }
    Ok(Ok(Some(match said {
        Some(said) => response_url(uri, &[("state", said)]),
        None => uri.to_owned(),
    })))
}

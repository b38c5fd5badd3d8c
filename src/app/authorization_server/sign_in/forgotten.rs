//! A new password for whoever has forgotten theirs, by a letter.

use model::account::OneTimeCodePurpose;

use super::{
    letter_links::{self, Opened},
    under_way,
    visitor::{Visitor, organization},
};
use crate::app::{
    Error, Result, State,
    accounts::{
        attempts::Attempt,
        user_credentials::{self, Reset, SelfService, UserReference},
    },
    authorization_server::issuers::Issuer,
    mail::Onward,
    principal::Principal,
};

/// What people can do here by themselves.
pub async fn self_service(state: &State, issuer: &Issuer) -> Result<SelfService> {
    let organization_id = organization(issuer)?.id;
    let mut conn = state.db.read().await?;
    user_credentials::self_service(&mut conn, state, issuer.tenant.environment_id, organization_id).await
}

/// Where a letter that is asked for now leads on: to the sign-in under way in this browser, and its application.
pub async fn onward(state: &State, issuer: &Issuer, request: &str, visitor: &Visitor) -> Result<Onward> {
    Ok(match under_way::find(state, issuer, request, visitor).await? {
        Some(found) => Onward::parse(request, "").to(found.request.client_id, &found.application),
        None => Onward::default(),
    })
}

/// Sends whoever has this address a letter by which they get in. It is the same, and takes as long, whether there is somebody.
/// [`Error::Invalid`] on `identifier` where it is nobody's for certain; [`Error::Limited`] after too many requests for it;
/// [`Error::FailedPrecondition`] where nobody may do this here.
pub async fn send_letter(
    state: &State,
    issuer: &Issuer,
    identifier: &str,
    onward: &Onward,
    visitor: &Visitor,
) -> Result<()> {
    let (environment_id, organization_id) = (issuer.tenant.environment_id, organization(issuer)?.id);
    if !user_credentials::can_name_somebody(identifier) {
        return Err(Error::invalid("identifier", "must be the e-mail address of your account"));
    }
    // Each counts. Whoever asks from elsewhere is not kept out by it.
    let counted = user_credentials::counted_text(identifier);
    Attempt::begin(state, &format!("{organization_id}/letter/{counted}"), &visitor.device)?.fail();
    user_credentials::send_way_in(state, environment_id, organization_id, identifier, onward).await
}

/// What the code of a link is about, if it sets a password.
pub async fn open(state: &State, issuer: &Issuer, code: &str) -> Result<Option<Opened>> {
    let opened = letter_links::open(state, issuer, code, &[OneTimeCodePurpose::ResetPassword]).await?;
    Ok(opened.filter(|opened| opened.user.may_sign_in()))
}

/// Sets the password of whoever a code names, and ends their sessions. [`Error::Invalid`] where the rules of the pool refuse it;
/// [`Error::Unauthenticated`] where the code is good for nothing.
pub async fn complete(
    state: &State,
    issuer: &Issuer,
    opened: &Opened,
    code: &str,
    password: &str,
    visitor: &Visitor,
) -> Result<()> {
    let principal = Principal::service(issuer.tenant.environment_id).at(visitor.address());
    let nobody = UserReference::default();
    let reset = Reset::Password(password.to_owned());
    user_credentials::complete_reset(state, &principal, opened.pool.id, &nobody, code, &reset).await
}

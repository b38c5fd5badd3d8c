//! What somebody sets up while they sign in: an authenticator app, where the pool asks for a second factor of everybody, and a
//! passkey, which they are offered once. Then the sign-in goes on.

use super::{
    finish::{Progress, go_on, verified_password},
    log::Log,
    passkey::{bound_to, ceremony},
    refusal::{Refusal, Refused},
    under_way::{MULTI_FACTOR, ONE_TIME_PASSWORD, PASSWORD, Step, UnderWay},
    visitor::{Visitor, organization},
};
use crate::{
    app::{
        Error, Result, State,
        accounts::{
            passkeys::{self, Challenge, NewPasskey, PasskeyUser},
            recovery_codes,
            totp::{self, TotpSecret},
            user_credentials::{self, Account},
        },
        authorization_server::issuers::Issuer,
        login,
        principal::Principal,
    },
    store::{
        self,
        authorization_requests::{self, Proven},
    },
};

/// The maximum length of a sealed secret.
const MAX_SEALED: usize = 500;

/// A secret for an authenticator app that is not set yet. The page carries it, sealed for this sign-in and this user.
#[derive(Debug)]
pub struct NewApp {
    /// The secret, in base32.
    pub secret: String,
    /// The same as apps scan it (Key URI Format of Google Authenticator).
    pub uri: String,
    /// The same for the form.
    pub sealed: String,
}

/// Who has proven what at this step, with their account.
async fn at_step(
    state: &State,
    issuer: &Issuer,
    under_way: &UnderWay,
    step: Step,
) -> Result<Option<(Account, Proven)>> {
    let Some(before) = under_way.request.proven.as_ref().filter(|_| under_way.step == step) else {
        return Ok(None);
    };
    let (environment_id, organization_id) = (issuer.tenant.environment_id, organization(issuer)?.id);
    let mut conn = state.db.read().await?;
    let account =
        user_credentials::load_account(&mut conn, environment_id, organization_id, before.user_id).await?;
    Ok(account.map(|account| (account, before.clone())))
}

fn secret_context(under_way: &UnderWay, proven: &Proven) -> String {
    format!("sign_in/totp/{}/{}", bound_to(under_way), proven.user_id)
}

/// A new secret, or the one that the page had already.
pub async fn new_app(
    state: &State,
    issuer: &Issuer,
    under_way: &UnderWay,
    shown: Option<&str>,
    application: &str,
) -> Result<Option<NewApp>> {
    let Some((account, before)) = at_step(state, issuer, under_way, Step::EnrolTotp).await? else {
        return Ok(None);
    };
    let context = secret_context(under_way, &before);
    let opened = shown.and_then(|sealed| open_secret(state, &context, sealed));
    let secret = opened.unwrap_or_else(|| TotpSecret::new(&*state.random));
    let (name, _) = user_credentials::names(&mut state.db.read().await?, &account).await?;
    Ok(Some(NewApp {
        uri: secret.uri(application, &name),
        sealed: state.master_key.seal(&context, secret.reveal().as_bytes(), &*state.random),
        secret: secret.reveal(),
    }))
}

fn open_secret(state: &State, context: &str, sealed: &str) -> Option<TotpSecret> {
    if sealed.len() > MAX_SEALED {
        return None;
    }
    let bytes = state.master_key.open(context, sealed).ok()?;
    TotpSecret::parse("secret", std::str::from_utf8(&bytes).ok()?).ok()
}

/// What came of setting an authenticator app up.
#[derive(Debug)]
pub enum Enrolled {
    /// It is set up: the recovery codes, which are shown once.
    Done(Vec<String>),
    /// It is not.
    Refused(Refused),
}

/// Sets the app up whose secret the page showed, if this is a code of it. Other sessions of the user end.
pub async fn enrol_app(
    state: &State,
    issuer: &Issuer,
    under_way: &UnderWay,
    (sealed, code): (&str, &str),
    visitor: &Visitor,
) -> Result<Enrolled> {
    let refused = |why: Refusal| Ok(Enrolled::Refused(why.into()));
    let Some((account, before)) = at_step(state, issuer, under_way, Step::EnrolTotp).await? else {
        return refused(Refusal::Gone);
    };
    let Some(secret) = open_secret(state, &secret_context(under_way, &before), sealed) else {
        return refused(Refusal::Gone);
    };
    let mut log = Log::new(state, under_way);
    log.identify(Some(account.user.id), None).await?;
    if secret.step_of(code, state.now()).is_none() {
        let reference = log.refuse(login::Error::SecondFactorWrong, None).await?;
        return Ok(Enrolled::Refused(Refused { why: Refusal::WrongCode, reference: Some(reference) }));
    }
    let mut tx = state.db.write().await?;
    let Some(user) = user_credentials::lock(&mut tx, &account).await? else {
        return refused(Refusal::NotActive);
    };
    let id = user.id.into();
    let has_password = verified_password(&mut tx, &user, &before).await?.is_some();
    if !has_password || !user.may_sign_in() || totp::is_enrolled(&mut tx, id).await? {
        return refused(Refusal::Gone);
    }
    let principal = Principal::service(user.environment_id).at(visitor.address());
    user_credentials::enrol_totp(&mut tx, state, &principal, &user, &secret).await?;
    // The code is used up.
    if !totp::verify(&mut tx, state, id, code).await? {
        return Err(Error::internal("a code that was right is not"));
    }
    let codes = recovery_codes::generate(&mut tx, state, id).await?;
    let amr = [PASSWORD, ONE_TIME_PASSWORD, MULTI_FACTOR].map(str::to_owned).to_vec();
    let proven = Proven { amr, ..before.clone() };
    let now = state.now();
    if !authorization_requests::update_proven(&mut tx, &under_way.name, Some(&before), &proven, now).await? {
        return refused(Refusal::Gone);
    }
    log.pass(login::Error::SecondFactorWrong, Some("a new authenticator app".to_owned()));
    log.proven(&mut tx, &proven).await?;
    tx.commit().await?;
    Ok(Enrolled::Done(codes))
}

/// What the authenticator is asked for to make a passkey.
pub async fn new_passkey(
    state: &State,
    issuer: &Issuer,
    under_way: &UnderWay,
    application: &str,
) -> Result<Option<Challenge>> {
    let Some((account, _)) = at_step(state, issuer, under_way, Step::OfferPasskey).await? else {
        return Ok(None);
    };
    let (name, display_name) = user_credentials::names(&mut state.db.read().await?, &account).await?;
    let user = PasskeyUser { account: account.user.id.into(), name: &name, display_name: &display_name };
    let bound_to = bound_to(under_way);
    passkeys::begin_registration_in(state, &ceremony(state, application, &bound_to), user).await.map(Some)
}

/// Adds the passkey that an authenticator made, and goes on. [`Error::Invalid`] and [`Error::FailedPrecondition`] where there is
/// none.
pub async fn add_passkey(
    state: &State,
    issuer: &Issuer,
    under_way: &UnderWay,
    (sealed, answer): (&str, &str),
    visitor: &Visitor,
) -> Result<Result<Progress, Refused>> {
    let Some((account, before)) = at_step(state, issuer, under_way, Step::OfferPasskey).await? else {
        return Ok(Err(Refusal::Gone.into()));
    };
    let bound_to = bound_to(under_way);
    let made = NewPasskey::verify_in(state, &ceremony(state, "", &bound_to), sealed, answer, "")?;
    made.require_account(account.user.id.into())?;
    let mut log = Log::new(state, under_way);
    log.identify(Some(account.user.id), None).await?;
    let mut tx = state.db.write().await?;
    let Some(user) = user_credentials::lock(&mut tx, &account).await? else {
        return Ok(Err(Refusal::NotActive.into()));
    };
    if !user.may_sign_in() || verified_password(&mut tx, &user, &before).await?.is_none() {
        return Ok(Err(Refusal::Gone.into()));
    }
    let principal = Principal::service(user.environment_id).at(visitor.address());
    user_credentials::add_own_passkey(&mut tx, state, &principal, &user, made).await?;
    store::users::update_passkey_offered(&mut tx, user.id, state.now()).await?;
    log.pass(login::Error::AccountNotActive, Some("a passkey was added".to_owned()));
    go_on(tx, log, (issuer, visitor), (&account, &user), (Some(&before), &before)).await
}

/// Goes on with a sign-in for which nothing else is asked, or whose offer of a passkey is not taken.
pub async fn go_on_without(
    state: &State,
    issuer: &Issuer,
    under_way: &UnderWay,
    visitor: &Visitor,
) -> Result<Result<Progress, Refused>> {
    let step = under_way.step;
    if !matches!(step, Step::OfferPasskey | Step::Finish) {
        return Ok(Err(Refusal::Gone.into()));
    }
    let Some((account, before)) = at_step(state, issuer, under_way, step).await? else {
        return Ok(Err(Refusal::Gone.into()));
    };
    let mut log = Log::new(state, under_way);
    log.identify(Some(account.user.id), None).await?;
    let mut tx = state.db.write().await?;
    let Some(user) = user_credentials::lock(&mut tx, &account).await? else {
        return Ok(Err(Refusal::NotActive.into()));
    };
    let by_password = before.amr.iter().any(|method| method == PASSWORD);
    if by_password && verified_password(&mut tx, &user, &before).await?.is_none() {
        return Ok(Err(Refusal::Gone.into()));
    }
    if step == Step::OfferPasskey {
        store::users::update_passkey_offered(&mut tx, user.id, state.now()).await?;
    }
    log.pass(login::Error::AccountNotActive, None);
    go_on(tx, log, (issuer, visitor), (&account, &user), (Some(&before), &before)).await
}

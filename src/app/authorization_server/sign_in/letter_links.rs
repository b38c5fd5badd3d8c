//! The links of letters: whose code is in one, and where whoever followed it goes on to. Opening a link uses nothing up: previews
//! of letters open links too.

use model::{
    account::{OneTimeCode, OneTimeCodePurpose},
    branding::plain_name,
    identity_pool::IdentityPool,
    user::User,
};

use super::{
    under_way::{self, UnderWay},
    visitor::{Visitor, organization},
};
use crate::{
    app::{
        Result, State,
        accounts::{one_time_codes, user_credentials},
        authorization_server::{issuer_clients, issuers::Issuer},
        environments::branding,
        mail::Onward,
    },
    store::{applications, letters},
};

/// The maximum length of a code in its extended form, in bytes.
const MAX_CODE_BYTES: usize = 100;

/// What a link that can still be used is about.
pub struct Opened {
    /// Whose it is.
    pub user: User,
    /// Their pool.
    pub pool: IdentityPool,
    /// The code, of which only the name was looked at: not its digits.
    pub code: OneTimeCode,
}

/// What the code of a link is about, if it is for one of these purposes, of a user of this organization, and can still be used.
pub async fn open(
    state: &State,
    issuer: &Issuer,
    code: &str,
    purposes: &[OneTimeCodePurpose],
) -> Result<Option<Opened>> {
    let organization_id = organization(issuer)?.id;
    if code.len() > MAX_CODE_BYTES {
        return Ok(None);
    }
    let environment_id = issuer.tenant.environment_id;
    let mut conn = state.db.read().await?;
    let Some((code, _)) = one_time_codes::find_extended(&mut conn, code).await? else { return Ok(None) };
    let is_good = purposes.contains(&code.purpose)
        && code.environment_id == environment_id
        && letters::code_is_open(&mut conn, code.id, state.now()).await?;
    if !is_good {
        return Ok(None);
    }
    let found =
        user_credentials::load_account(&mut conn, environment_id, organization_id, code.user_id).await?;
    Ok(found.map(|account| Opened { user: account.user, pool: account.pool, code }))
}

/// Where somebody goes on to.
pub enum Next {
    /// Back into the sign-in that is under way in this browser.
    SignIn(Box<UnderWay>),
    /// To an application: its name, which may be empty, and where it is.
    Application(String, String),
    /// To the sign-in for no application.
    Bare,
}

/// Where somebody who followed a link goes on to: what it names counts only if it is of this browser, or registered here.
pub async fn next(state: &State, issuer: &Issuer, onward: &Onward, visitor: &Visitor) -> Result<Next> {
    if let Some(found) = under_way::find(state, issuer, onward.request(), visitor).await? {
        return Ok(Next::SignIn(Box::new(found)));
    }
    let Some(id) = onward.client_id() else { return Ok(Next::Bare) };
    let (client, registered) = {
        let mut conn = state.db.read().await?;
        let Some(client) = issuer_clients::find(&mut conn, issuer, id).await?.filter(|found| !found.disabled)
        else {
            return Ok(Next::Bare);
        };
        let registered = applications::redirect_uris(&mut conn, &client).await?;
        (client, registered)
    };
    // Applications register where codes go, not where people begin: the root of that site, or what the branding says of it.
    let origins: Vec<_> = registered.iter().filter_map(|uri| uri.parse::<url::Url>().ok()).collect();
    let Some(first) = origins.first() else { return Ok(Next::Bare) };
    let branding = branding::of_environment(state, issuer.tenant.environment_id).await?;
    let branded = branding.return_url.as_ref().map(|url| url.as_str().to_owned());
    let branded = branded.filter(|text| {
        let parsed = text.parse::<url::Url>();
        parsed.is_ok_and(|url| origins.iter().any(|known| known.origin() == url.origin()))
    });
    let target = branded.unwrap_or_else(|| format!("{}/", first.origin().ascii_serialization()));
    Ok(Next::Application(plain_name(&client.display_name), target))
}

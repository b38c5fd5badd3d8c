//! Who may post a response now. Failures count against whoever made them: against the login that waits in this
//! browser, where one does; against pages of the connection's identity provider, where one of those sent the
//! browser; else against the address. So junk from one browser, or from a page of somebody else, does not stop the
//! good logins of others behind the same address.

use std::net::{IpAddr, Ipv4Addr};

use url::Url;

use super::Browser;
use crate::{
    app::{
        Error, Result, State,
        limits::{Caller, Door},
    },
    model::{client_address::ClientAddress, http_url::HttpUrl, id::SamlConnectionId},
    store::{saml_connections, saml_flows},
};

/// Who posts a response, as far as can be told without reading it.
#[derive(Debug, Clone)]
pub struct Sender {
    /// Where it comes from.
    pub client: ClientAddress,
    /// The browser's cookie.
    pub browser: Option<Browser>,
    /// The origin of the page that had the browser post. Pages cannot choose it; other programs can.
    pub origin: Option<String>,
}

/// The allowances that a post may count against.
struct Allowances {
    address: Caller,
    /// Of the browser, if a login of the connection waits in it.
    login: Option<Caller>,
    /// Of the identity provider's pages at this address, if it was one of them.
    idp: Option<Caller>,
}

impl Allowances {
    fn of(state: &State, connection: SamlConnectionId, sender: &Sender) -> Self {
        let (limits, block, connection) =
            (&state.response_limits, sender.client.network(), connection.to_string());
        let login = |browser: &Browser| {
            let behind = format!("{connection} {}", browser.reveal());
            limits.caller(Door::LoginResponses, IpAddr::V4(Ipv4Addr::UNSPECIFIED), &behind)
        };
        Self {
            address: limits.caller(Door::Responses, block, &connection),
            login: sender.browser.as_ref().map(login),
            idp: sender.origin.as_ref().map(|_| limits.caller(Door::IdpResponses, block, &connection)),
        }
    }

    /// The one that counts for this post.
    async fn find(&self, state: &State, connection: SamlConnectionId, sender: &Sender) -> Result<Caller> {
        let mut conn = state.db.read().await?;
        if let (Some(login), Some(browser)) = (self.login, &sender.browser)
            && saml_flows::has_pending_request(&mut conn, connection, browser.digest(), state.now()).await?
        {
            return Ok(login);
        }
        if let (Some(idp), Some(origin)) = (self.idp, &sender.origin) {
            let target = saml_connections::find_for_login(&mut conn, connection).await?;
            let address = target.and_then(|target| target.connection.idp_redirect_url);
            if address.is_some_and(|address| is_of(&address, origin)) {
                return Ok(idp);
            }
        }
        Ok(self.address)
    }
}

/// Whether `origin` is that of the identity provider's address.
fn is_of(address: &HttpUrl, origin: &str) -> bool {
    let address = address.to_url().map(|url| url.origin());
    Url::parse(origin).is_ok_and(|origin| origin.origin().is_tuple() && Some(origin.origin()) == address)
}

/// Whether the post may be looked at; [`Error::Limited`] when too many failed of its kind. While nothing failed, the
/// database is not asked.
pub async fn admit(state: &State, connection: SamlConnectionId, sender: &Sender) -> Result<()> {
    if !state.settings.rate_limits {
        return Ok(());
    }
    let allowances = Allowances::of(state, connection, sender);
    let check = |caller: &Caller| state.response_limits.check(caller, state.now());
    let all = [Some(allowances.address), allowances.login, allowances.idp];
    if all.iter().flatten().all(|caller| check(caller).is_ok()) {
        return Ok(());
    }
    let counts = allowances.find(state, connection, sender).await?;
    check(&counts).map_err(|retry_after| Error::Limited { retry_after })
}

/// Counts a post that failed.
pub async fn count_failure(state: &State, connection: SamlConnectionId, sender: &Sender) -> Result<()> {
    if !state.settings.rate_limits {
        return Ok(());
    }
    let counts = Allowances::of(state, connection, sender).find(state, connection, sender).await?;
    state.response_limits.failed(counts, state.now());
    Ok(())
}

/// Counts a login that begins in place of an unsolicited response, which can be posted again and again;
/// [`Error::Limited`] when too many began.
pub(super) fn count_restart(
    state: &State,
    connection: SamlConnectionId,
    client: ClientAddress,
) -> Result<()> {
    if !state.settings.rate_limits {
        return Ok(());
    }
    let behind = format!("restart {connection}");
    let caller = state.response_limits.caller(Door::Beginnings, client.network(), &behind);
    state
        .response_limits
        .check(&caller, state.now())
        .map_err(|retry_after| Error::Limited { retry_after })?;
    state.response_limits.failed(caller, state.now());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_compared_as_a_whole() {
        let address = HttpUrl::parse("https://IdP.example/sso?tenant=1").unwrap();
        for (origin, expected) in [
            ("https://idp.example", true),
            ("https://idp.example:443", true),
            ("http://idp.example", false),
            ("https://idp.example:8443", false),
            ("https://idp.example.evil.example", false),
            ("https://evil.example", false),
            ("null", false),
            ("", false),
            ("data:x", false),
        ] {
            assert_eq!(is_of(&address, origin), expected, "{origin}");
        }
    }
}

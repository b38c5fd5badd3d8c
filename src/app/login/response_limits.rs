//! Rate limits of posted responses. A failure counts against the login pending in this browser, if there is one;
//! otherwise against the pages of the connection's identity provider, if one of them sent the browser; otherwise
//! against the client address. So invalid posts of one browser, or from another site's page, do not block the logins
//! of other people behind the same address.

use std::net::{IpAddr, Ipv4Addr};

use base::connection_id::ConnectionId;
use model::{client_address::ClientAddress, http_url::HttpUrl};
use url::Url;

use super::browser_id::BrowserId;
use crate::{
    app::{
        Result, State,
        limits::rate_limiter::{RateLimit, RateLimitKey},
    },
    store::{login_connections, login_flow_counts},
};

/// The sender of a response, as known without parsing it.
#[derive(Debug, Clone)]
pub struct Sender {
    /// The address of the client.
    pub client: ClientAddress,
    /// The browser's cookie.
    pub browser: Option<BrowserId>,
    /// The `Origin` header. A page cannot forge it; other programs can.
    pub origin: Option<String>,
}

/// The rate limit keys that a post may count against.
struct RateLimitKeys {
    address: RateLimitKey,
    /// The browser, if a login of the connection is pending in it.
    login: Option<RateLimitKey>,
    /// The identity provider's pages at this address, if the origin is one of them.
    idp: Option<RateLimitKey>,
}

impl RateLimitKeys {
    fn of(state: &State, connection: ConnectionId, sender: &Sender) -> Self {
        let (limits, block, connection) =
            (&state.response_limits, sender.client.network(), connection.to_string());
        let login = |browser: &BrowserId| {
            let subject = format!("{connection} {}", browser.reveal());
            limits.key(RateLimit::LoginSamlResponses, IpAddr::V4(Ipv4Addr::UNSPECIFIED), &subject)
        };
        Self {
            address: limits.key(RateLimit::SamlResponses, block, &connection),
            login: sender.browser.as_ref().map(login),
            idp: sender.origin.as_ref().map(|_| limits.key(RateLimit::IdpSamlResponses, block, &connection)),
        }
    }

    /// The key that this post counts against.
    async fn find(&self, state: &State, connection: ConnectionId, sender: &Sender) -> Result<RateLimitKey> {
        let mut conn = state.db.read().await?;
        if let (Some(login), Some(browser)) = (self.login, &sender.browser)
            && login_flow_counts::has_pending_request(&mut conn, connection, browser.digest(), state.now())
                .await?
        {
            return Ok(login);
        }
        if let (Some(idp), Some(origin), Some(connection)) = (self.idp, &sender.origin, connection.saml()) {
            let target = login_connections::find_for_login(&mut conn, connection).await?;
            let address = target.and_then(|target| target.connection.idp_redirect_url);
            if address.is_some_and(|address| has_origin(&address, origin)) {
                return Ok(idp);
            }
        }
        Ok(self.address)
    }
}

/// Whether `origin` is the origin of the identity provider's URL.
fn has_origin(address: &HttpUrl, origin: &str) -> bool {
    let address = address.to_url().map(|url| url.origin());
    Url::parse(origin).is_ok_and(|origin| origin.origin().is_tuple() && Some(origin.origin()) == address)
}

/// Checks the rate limit before the post is read; [`crate::app::Error::Limited`] after too many failures. Makes no database
/// call while no key is over its limit.
pub async fn check_rate_limit(state: &State, connection: ConnectionId, sender: &Sender) -> Result<()> {
    if !state.settings.rate_limits {
        return Ok(());
    }
    let keys = RateLimitKeys::of(state, connection, sender);
    let check = |caller: &RateLimitKey| state.response_limits.check(caller, state.now());
    let all = [Some(keys.address), keys.login, keys.idp];
    if all.iter().flatten().all(|caller| check(caller).is_ok()) {
        return Ok(());
    }
    let counts = keys.find(state, connection, sender).await?;
    state.response_limits.require(&counts, state.now())
}

/// Counts a failed post.
pub async fn count_failure(state: &State, connection: ConnectionId, sender: &Sender) -> Result<()> {
    if !state.settings.rate_limits {
        return Ok(());
    }
    let counts = RateLimitKeys::of(state, connection, sender).find(state, connection, sender).await?;
    state.response_limits.record_failure(counts, state.now());
    Ok(())
}

/// Counts a login that begins in place of an unsolicited response, which can be posted many times;
/// [`crate::app::Error::Limited`] if too many began.
pub(super) fn count_restart(state: &State, connection: ConnectionId, client: ClientAddress) -> Result<()> {
    if !state.settings.rate_limits {
        return Ok(());
    }
    let subject = format!("restart {connection}");
    let caller = state.response_limits.key(RateLimit::LoginStart, client.network(), &subject);
    state.response_limits.require(&caller, state.now())?;
    state.response_limits.record_failure(caller, state.now());
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
            assert_eq!(has_origin(&address, origin), expected, "{origin}");
        }
    }
}

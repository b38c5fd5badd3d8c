//! The sample app's sessions and pending logins: in memory, bounded, expiring.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base::time::Timestamp;
use lru::LruCache;
use serde_json::Value;

use super::gateway_client::ApiExchange;

const CAPACITY: NonZeroUsize = NonZeroUsize::new(1000).expect("not zero");
const LOGIN_LIFETIME: Duration = Duration::from_secs(15 * 60);
const SESSION_LIFETIME: Duration = Duration::from_secs(8 * 3600);

/// A pending login, keyed by its `state`. Only the browser that began it may finish it.
pub(super) struct PendingLogin {
    pub browser: String,
    pub protocol: Protocol,
    pub started_at: Timestamp,
    pub exchanges: Vec<ApiExchange>,
}

/// The protocol of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Protocol {
    /// The REST API's redirect and redeem.
    Rest,
    /// OpenID Connect, with the values that the callback needs.
    OpenIdConnect { nonce: String, code_verifier: String },
}

/// A signed-in user.
#[derive(Clone)]
pub(super) struct SignedInUser {
    pub email: String,
    pub organization_external_id: String,
    pub organization_id: String,
    pub attributes: Value,
    /// The method of the login, for display.
    pub way: &'static str,
    /// The calls that the app's server made to the gateway.
    pub exchanges: Vec<ApiExchange>,
    /// Further documents to show: title and JSON.
    pub documents: Vec<(&'static str, Value)>,
    pub signed_in_at: Timestamp,
}

pub(super) struct Sessions {
    pending: Mutex<LruCache<String, PendingLogin>>,
    people: Mutex<LruCache<String, SignedInUser>>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { pending: Mutex::new(LruCache::new(CAPACITY)), people: Mutex::new(LruCache::new(CAPACITY)) }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sessions {
    /// Stores a pending login.
    pub fn begin(&self, state: String, pending: PendingLogin) {
        lock(&self.pending).put(state, pending);
    }

    /// Removes a pending login and returns it: once, in the browser that began it, before it expires.
    pub fn finish(&self, state: &str, browser: &str, now: Timestamp) -> Option<PendingLogin> {
        let mut all = lock(&self.pending);
        let pending = all.peek(state)?;
        if pending.browser != browser {
            return None;
        }
        let fresh = now.since(pending.started_at) < LOGIN_LIFETIME;
        all.pop(state).filter(|_| fresh)
    }

    /// Stores a user under a new session.
    pub fn sign_in(&self, session: String, person: SignedInUser) {
        lock(&self.people).put(session, person);
    }

    /// The user of `session`, unless it has expired.
    pub fn person(&self, session: &str, now: Timestamp) -> Option<SignedInUser> {
        let mut people = lock(&self.people);
        let person = people.get(session)?;
        if now.since(person.signed_in_at) < SESSION_LIFETIME {
            return Some(person.clone());
        }
        people.pop(session);
        None
    }

    /// Signs out.
    pub fn sign_out(&self, session: &str) {
        lock(&self.people).pop(session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn begun() -> Sessions {
        let sessions = Sessions::default();
        let pending = PendingLogin {
            browser: "browser".into(),
            protocol: Protocol::Rest,
            started_at: NOW,
            exchanges: Vec::new(),
        };
        sessions.begin("state".into(), pending);
        sessions
    }

    #[test]
    fn a_login_is_finished_once_in_its_own_browser() {
        let sessions = begun();
        assert!(sessions.finish("state", "other", NOW).is_none());
        assert!(sessions.finish("other", "browser", NOW).is_none());
        assert!(sessions.finish("state", "browser", NOW).is_some());
        assert!(sessions.finish("state", "browser", NOW).is_none());
    }

    #[test]
    fn a_login_under_way_grows_old() {
        assert!(begun().finish("state", "browser", NOW + LOGIN_LIFETIME).is_none());
    }

    #[test]
    fn memory_is_bounded() {
        let sessions = begun();
        for n in 0..CAPACITY.get() {
            let pending = PendingLogin {
                browser: "browser".into(),
                protocol: Protocol::Rest,
                started_at: NOW,
                exchanges: Vec::new(),
            };
            sessions.begin(n.to_string(), pending);
        }
        assert!(sessions.finish("state", "browser", NOW).is_none());
        assert!(sessions.finish("0", "browser", NOW).is_some());
    }
}

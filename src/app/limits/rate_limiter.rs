//! Rate limits on failures of authentication.
//!
//! Failures count, successes do not: wrong credentials at redeem, token and the console's sign-in per client,
//! passwords per client and account, bearer tokens per client and directory, and refused responses at the ACS per
//! client and connection, or per pending login (`login::check_rate_limit`). Starts of a login, which need no
//! authentication and are stored, all count. Each replica counts for itself, in bounded memory. It is the generic
//! cell rate algorithm (ITU-T I.371 §A): per key the time is kept at which all failures will have expired.

use std::{
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use base::time::Timestamp;
use lru::LruCache;
use strum::IntoStaticStr;

use crate::{
    app::{Error, Result},
    telemetry,
};

/// How many keys are tracked. The one that failed longest ago is dropped first.
const MAX_KEYS: usize = 65_536;

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum RateLimit {
    /// Client credentials: redeem and token.
    Credentials,
    /// Wrong secrets of a client of an environment's issuers, per client address.
    Clients,
    /// SAML responses at the ACS, per client address and connection.
    SamlResponses,
    /// SAML responses that a page of the connection's identity provider posts (by `Origin`).
    IdpSamlResponses,
    /// SAML responses for a pending login of the browser.
    LoginSamlResponses,
    /// Bearer tokens of SCIM directories.
    Directories,
    /// Starts of a login, by an OAuth client or an administrator. Successes count too.
    LoginStart,
    /// The console's sign-in, per client address.
    ConsoleSignIn,
    /// Letters that somebody asks for where they sign in, per client address. Successes count too.
    LetterRequests,
    /// One account, per client address.
    Account,
    /// Wrong second factors of one account, from wherever: only whoever has its first factor gets there.
    SecondFactor,
    /// Looks for the DNS record of one domain of an organization. All of them count, from wherever they come.
    DomainChecks,
}

impl RateLimit {
    /// The burst: how many failures are allowed at once.
    const fn burst(self) -> u32 {
        match self {
            Self::Credentials | Self::Clients => 60,
            Self::SamlResponses | Self::IdpSamlResponses => 300,
            // Enough for a user who retries and reloads the error page.
            Self::LoginSamlResponses => 10,
            Self::Directories => 120,
            // Enough for a company behind one address on a Monday morning.
            Self::LoginStart => 600,
            Self::ConsoleSignIn => 60,
            Self::LetterRequests => 30,
            Self::Account | Self::SecondFactor => 10,
            Self::DomainChecks => 6,
        }
    }

    /// After how long one failure expires.
    const fn expires_after(self) -> Duration {
        match self {
            Self::Credentials | Self::Clients => Duration::from_secs(1),
            Self::SamlResponses | Self::IdpSamlResponses => Duration::from_millis(200),
            Self::LoginSamlResponses => Duration::from_secs(5),
            Self::Directories => Duration::from_secs(1),
            Self::LoginStart => Duration::from_millis(100),
            Self::ConsoleSignIn => Duration::from_secs(2),
            Self::LetterRequests => Duration::from_secs(20),
            Self::Account => Duration::from_secs(30),
            // Of a million codes three are right at a time: somebody who has the password guesses for years.
            Self::SecondFactor => Duration::from_secs(5 * 60),
            Self::DomainChecks => Duration::from_secs(10),
        }
    }
}

/// The key of a limit. Its subject (a connection, an account) is kept as a keyed hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RateLimitKey {
    limit: RateLimit,
    block: IpAddr,
    subject: u64,
}

impl RateLimitKey {
    /// The limit that applies.
    pub fn limit(&self) -> RateLimit {
        self.limit
    }

    /// Counts an attempt that was refused, for `/metrics`.
    pub fn count_refusal(&self) {
        telemetry::rate_limited(self.limit.into());
    }
}

/// The rate limiter of this process.
pub struct RateLimiter {
    hasher: RandomState,
    expires_at: Mutex<LruCache<RateLimitKey, Timestamp>>,
}

impl RateLimiter {
    /// A limiter without failures.
    pub fn new() -> Self {
        // Not `LruCache::new(MAX_KEYS)`, which would allocate the memory for all of them now.
        Self { hasher: RandomState::new(), expires_at: Mutex::new(LruCache::unbounded()) }
    }

    /// The key for `limit`, the client's address block and a subject.
    pub fn key(&self, limit: RateLimit, block: IpAddr, subject: &str) -> RateLimitKey {
        RateLimitKey { limit, block, subject: self.hasher.hash_one(subject) }
    }

    /// Whether another attempt is allowed; if not, how long until it is.
    pub fn check(&self, caller: &RateLimitKey, now: Timestamp) -> std::result::Result<(), Duration> {
        Self::allow(&self.expires_at.lock().unwrap_or_else(PoisonError::into_inner), caller, now)
    }

    fn allow(
        known: &LruCache<RateLimitKey, Timestamp>,
        caller: &RateLimitKey,
        now: Timestamp,
    ) -> std::result::Result<(), Duration> {
        let owed = known.peek(caller).map_or(Duration::ZERO, |at| at.since(now));
        let step = caller.limit.expires_after();
        let most = step * (caller.limit.burst() - 1);
        // A clock that was set back must not make the debt endless; it never exceeds the whole burst.
        match owed.checked_sub(most) {
            Some(over) if over > Duration::ZERO => Err(over.min(step)),
            _ => Ok(()),
        }
    }

    /// [`RateLimiter::check`] of an attempt that is refused with [`Error::Limited`], and counted as such.
    pub fn require(&self, caller: &RateLimitKey, now: Timestamp) -> Result<()> {
        self.check(caller, now).map_err(|retry_after| {
            caller.count_refusal();
            Error::Limited { retry_after }
        })
    }

    /// Counts an attempt as a failure before its outcome is known, so that those at the same time count too. It is refused with
    /// [`Error::Limited`] where no other is allowed, and taken back by [`RateLimiter::give_back`].
    pub fn take(&self, caller: RateLimitKey, now: Timestamp) -> Result<()> {
        let mut known = self.expires_at.lock().unwrap_or_else(PoisonError::into_inner);
        let allowed = Self::allow(&known, &caller, now);
        if allowed.is_ok() {
            Self::count(&mut known, caller, now);
        }
        drop(known);
        allowed.map_err(|retry_after| {
            caller.count_refusal();
            Error::Limited { retry_after }
        })
    }

    /// Takes back one attempt that did not fail.
    pub fn give_back(&self, caller: &RateLimitKey) {
        let mut known = self.expires_at.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = known.peek_mut(caller) {
            *at = *at - caller.limit.expires_after();
        }
    }

    /// Counts a failure of `caller`.
    pub fn record_failure(&self, caller: RateLimitKey, now: Timestamp) {
        Self::count(&mut self.expires_at.lock().unwrap_or_else(PoisonError::into_inner), caller, now);
    }

    fn count(known: &mut LruCache<RateLimitKey, Timestamp>, caller: RateLimitKey, now: Timestamp) {
        let step = caller.limit.expires_after();
        let owed = known.peek(&caller).map_or(Duration::ZERO, |at| at.since(now));
        known.put(caller, now + owed.min(step * (caller.limit.burst() - 1)) + step);
        if known.len() > MAX_KEYS {
            known.pop_lru();
        }
    }
}

impl Default for RateLimiter {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn caller(limits: &RateLimiter, last: u8, subject: &str) -> RateLimitKey {
        limits.key(RateLimit::Credentials, IpAddr::from([192, 0, 2, last]), subject)
    }

    #[test]
    fn a_burst_is_allowed_then_one_at_a_time() {
        let limits = RateLimiter::new();
        let guesser = caller(&limits, 1, "");
        for _ in 0..RateLimit::Credentials.burst() {
            limits.check(&guesser, NOW).unwrap();
            limits.record_failure(guesser, NOW);
        }
        assert_eq!(limits.check(&guesser, NOW), Err(Duration::from_secs(1)));
        assert_eq!(limits.check(&caller(&limits, 2, ""), NOW), Ok(()), "another client");
        assert_eq!(limits.check(&caller(&limits, 1, "x"), NOW), Ok(()), "another thing");

        let later = NOW + Duration::from_secs(1);
        limits.check(&guesser, later).unwrap();
        limits.record_failure(guesser, later);
        assert!(limits.check(&guesser, later).is_err());

        let much_later = NOW + Duration::from_secs(120);
        for _ in 0..RateLimit::Credentials.burst() {
            limits.check(&guesser, much_later).unwrap();
            limits.record_failure(guesser, much_later);
        }
        assert!(limits.check(&guesser, much_later).is_err());
    }

    #[test]
    fn attempts_at_the_same_time_count_and_good_ones_are_taken_back() {
        let limits = RateLimiter::new();
        let guesser = caller(&limits, 1, "");
        for _ in 0..RateLimit::Credentials.burst() {
            limits.take(guesser, NOW).unwrap();
        }
        assert!(limits.take(guesser, NOW).is_err(), "none of them has an outcome yet");
        limits.give_back(&guesser);
        limits.take(guesser, NOW).unwrap();
        assert!(limits.take(guesser, NOW).is_err());
        for _ in 0..RateLimit::Credentials.burst() {
            limits.give_back(&guesser);
        }
        assert_eq!(limits.check(&guesser, NOW), Ok(()));
        limits.give_back(&caller(&limits, 9, "of nobody"));
    }

    #[test]
    fn a_debt_is_bounded_even_when_the_clock_goes_back() {
        let limits = RateLimiter::new();
        let guesser = caller(&limits, 1, "");
        for _ in 0..10_000 {
            limits.record_failure(guesser, NOW);
        }
        assert!(limits.check(&guesser, NOW).is_err());
        assert_eq!(limits.check(&guesser, NOW + Duration::from_secs(1)), Ok(()));
        assert!(
            limits.check(&guesser, NOW - Duration::from_secs(86_400)).unwrap_err() <= Duration::from_secs(1)
        );
    }

    #[test]
    fn memory_is_bounded() {
        let limits = RateLimiter::new();
        for number in 0..u32::try_from(MAX_KEYS).unwrap() + 100 {
            limits.record_failure(
                limits.key(RateLimit::SamlResponses, std::net::Ipv4Addr::from_bits(number).into(), ""),
                NOW,
            );
        }
        assert_eq!(limits.expires_at.lock().unwrap().len(), MAX_KEYS);
    }
}

//! Passwords: hashed with Argon2id (RFC 9106) at OWASP's first recommendation, verified, and checked
//! against the rules for new ones; a limited number at a time, where environments take turns.

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash as Phc, Salt},
};
use base::{
    id::{EnvironmentId, OrganizationId},
    random::Random,
};
use model::{
    account::{PasswordHash, PasswordPolicy},
    identity_pool::IdentityPool,
};

use super::{
    imported_hashes,
    password_rules::{check_characters, check_length, check_strength, personal_words},
};
use crate::app::{Error, Result, limits::fair_queue::FairQueue};

/// The maximum number of concurrent hashes: each takes 19 MiB and about twenty milliseconds of a core.
const MAX_CONCURRENT_HASHES: usize = 2;

/// The maximum number of concurrent hashes that cost much more than our own: the rest is always for others.
const MAX_CONCURRENT_EXPENSIVE_HASHES: usize = 1;

/// The maximum number of concurrent estimates of new passwords.
const MAX_CONCURRENT_ESTIMATES: usize = 1;

/// How long a call waits for a permit.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The Argon2 parameters: memory in KiB, passes and lanes.
const ARGON2_PARAMS: (u32, u32, u32) = (19_456, 2, 1);

/// The prefix of a hash with the current parameters.
const CURRENT_PREFIX: &str = "$argon2id$v=19$m=19456,t=2,p=1$";

/// The hash to verify against when there is no account, so that it takes as long. No password has it.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Whose passwords they are: the console and each environment take turns, and so do the parts of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PasswordRealm {
    /// The console's, for somebody at this address.
    Console(Option<IpAddr>),
    /// Those of an organization's users.
    Users(EnvironmentId, OrganizationId),
}

impl PasswordRealm {
    /// That of a pool's users.
    pub fn of(pool: &IdentityPool) -> Self {
        Self::Users(pool.environment_id, pool.organization_id)
    }

    fn environment(self) -> Option<EnvironmentId> {
        match self {
            Self::Console(_) => None,
            Self::Users(environment_id, _) => Some(environment_id),
        }
    }
}

type Queue = FairQueue<Option<EnvironmentId>, PasswordRealm>;

/// Hashes and estimates passwords on blocking threads, a limited number at a time.
#[derive(Debug, Clone)]
pub struct Passwords {
    hashing: Queue,
    /// What a hash that costs much needs besides.
    expensive: Queue,
    /// Separate from `hashing`, so that estimates of new passwords do not delay sign-ins.
    estimating: Queue,
    memory: Arc<MemoryPool>,
    hash_count: Arc<AtomicU64>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            hashing: FairQueue::new(MAX_CONCURRENT_HASHES, MAX_WAIT),
            expensive: FairQueue::new(MAX_CONCURRENT_EXPENSIVE_HASHES, MAX_WAIT),
            estimating: FairQueue::new(MAX_CONCURRENT_ESTIMATES, MAX_WAIT),
            memory: Arc::default(),
            hash_count: Arc::default(),
        }
    }
}

/// The memory of Argon2, reused by the next hash: if each thread allocated and freed its own, the C allocator would
/// retain a block for each.
#[derive(Default)]
struct MemoryPool(Mutex<Vec<Vec<Block>>>);

impl std::fmt::Debug for MemoryPool {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The content is derived from passwords.
        formatter.write_str("Memory")
    }
}

impl MemoryPool {
    /// Fills `out` with the hash.
    fn hash(&self, argon2: &Argon2<'_>, password: &[u8], salt: &[u8], out: &mut [u8]) -> argon2::Result<()> {
        let mut blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let needed = argon2.params().block_count();
        if blocks.len() < needed {
            blocks.resize(needed, Block::new());
        }
        let done = argon2.hash_password_into_with_memory(password, salt, out, &mut blocks);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(blocks);
        done
    }
}

impl Passwords {
    /// The number of passwords that were hashed so far.
    pub fn hash_count(&self) -> u64 {
        self.hash_count.load(Ordering::Relaxed)
    }

    /// Returns an error if a new password is too short, too long or too easy to guess for this policy. `own` holds the
    /// person's address and name.
    pub async fn check(
        &self,
        realm: PasswordRealm,
        policy: PasswordPolicy,
        field: &'static str,
        password: &str,
        own: &[&str],
    ) -> Result<()> {
        check_length(policy, field, password)?;
        check_characters(policy, field, password)?;
        let (password, own) = (password.to_owned(), personal_words(own));
        let turn = self.estimating.acquire(realm.environment(), realm).await?;
        run_blocking(turn, move || check_strength(policy, field, &password, &own)).await
    }

    /// The hash of a password, with fresh salt.
    pub async fn hash(
        &self,
        realm: PasswordRealm,
        password: &str,
        random: &dyn Random,
    ) -> Result<PasswordHash> {
        let mut salt = [0; 16];
        random.fill(&mut salt);
        let (password, memory) = (password.to_owned(), Arc::clone(&self.memory));
        self.hash_count.fetch_add(1, Ordering::Relaxed);
        let turn = self.hashing.acquire(realm.environment(), realm).await?;
        run_blocking(turn, move || hash(&memory, &password, &salt)).await
    }

    /// Whether the password matches this hash. Without a hash it takes as long, and the result is false.
    pub async fn verify(
        &self,
        realm: PasswordRealm,
        password: &str,
        hash: Option<&PasswordHash>,
    ) -> Result<bool> {
        let has_hash = hash.is_some();
        let hash = hash.map_or(DUMMY_HASH, |hash| &hash.0).to_owned();
        let (password, memory) = (password.to_owned(), Arc::clone(&self.memory));
        self.hash_count.fetch_add(1, Ordering::Relaxed);
        let expensive = match imported_hashes::is_expensive(&hash) {
            true => Some(self.expensive.acquire(realm.environment(), realm).await?),
            false => None,
        };
        let turn = self.hashing.acquire(realm.environment(), realm).await?;
        run_blocking((turn, expensive), move || Ok(is_hash_of(&memory, &hash, &password) && has_hash)).await
    }
}

/// Executes `work` on a blocking thread. The turn ends with it, even if the caller is cancelled.
async fn run_blocking<T: Send + 'static>(
    turn: impl Send + 'static,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    done.await.map_err(Error::internal)?
}

/// The hash with the current parameters, as a PHC string.
fn hash(memory: &MemoryPool, password: &str, salt: &[u8]) -> Result<PasswordHash> {
    let internal = |error: &dyn std::fmt::Display| Error::internal(error.to_string());
    let argon2 = argon2()?;
    let mut out = [0; Params::DEFAULT_OUTPUT_LEN];
    memory.hash(&argon2, password.as_bytes(), salt, &mut out).map_err(|error| internal(&error))?;
    let phc = Phc {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(argon2.params()).map_err(|error| internal(&error))?,
        salt: Some(Salt::new(salt).map_err(|error| internal(&error))?),
        hash: Some(Output::new(&out).map_err(|error| internal(&error))?),
    };
    Ok(PasswordHash(phc.to_string()))
}

/// Whether this is a hash of the password: a PHC string of Argon2 with any parameters, or an imported hash. False for a malformed
/// string.
fn is_hash_of(memory: &MemoryPool, phc: &str, password: &str) -> bool {
    if let Some(imported) = imported_hashes::find(phc) {
        return imported.matches(password);
    }
    let Ok(phc) = Phc::new(phc) else { return false };
    let (Some(salt), Some(expected), Some(version)) = (&phc.salt, &phc.hash, phc.version) else {
        return false;
    };
    let (Ok(algorithm), Ok(version), Ok(params)) =
        (Algorithm::try_from(phc.algorithm.as_str()), Version::try_from(version), Params::try_from(&phc))
    else {
        return false;
    };
    let mut out = [0; Output::MAX_LENGTH];
    let Some(out) = out.get_mut(..expected.len()) else { return false };
    let argon2 = Argon2::new(algorithm, version, params);
    // `Output` compares in constant time.
    memory.hash(&argon2, password.as_bytes(), salt, out).is_ok()
        && Output::new(out).is_ok_and(|found| found == *expected)
}

/// Whether a hash was made with other than the current parameters.
pub fn is_outdated(hash: &PasswordHash) -> bool {
    !hash.0.starts_with(CURRENT_PREFIX)
}

fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(ARGON2_PARAMS.0, ARGON2_PARAMS.1, ARGON2_PARAMS.2, None)
        .map_err(|error| Error::internal(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{id::Id, random::SeededRandom};
    use tokio::sync::mpsc;

    const CONSOLE: PasswordRealm = PasswordRealm::Console(None);

    /// Hashes of "violet kettle under snow" by the crate's own hasher: the current parameters, and lower ones.
    const STORED: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$5+d+un0FIzNNVSH0d2oqgJeeEDVGHMbQHcf8a139yG4";
    const CHEAPER: &str =
        "$argon2id$v=19$m=4096,t=3,p=1$BwcHBwcHBwcHBwcHBwcHBw$CUZGNIG9SPq3q7qDcgVpZexe8eKAQjZE0JN5KRM7o94";

    #[actix_web::test]
    async fn a_password_is_that_of_its_own_hash_only() {
        let (passwords, random) = (Passwords::default(), SeededRandom::new(1));
        let hash = passwords.hash(CONSOLE, "violet kettle", &random).await.unwrap();
        assert!(hash.0.starts_with(CURRENT_PREFIX) && !is_outdated(&hash), "{}", hash.0);
        assert_ne!(
            passwords.hash(CONSOLE, "violet kettle", &random).await.unwrap(),
            hash,
            "the salt is fresh"
        );
        assert!(passwords.verify(CONSOLE, "violet kettle", Some(&hash)).await.unwrap());
        assert!(!passwords.verify(CONSOLE, "violet kettles", Some(&hash)).await.unwrap());
        let before = passwords.hash_count();
        assert!(!passwords.verify(CONSOLE, "violet kettle", None).await.unwrap());
        assert_eq!(passwords.hash_count(), before + 1, "without a hash the work is the same");
        assert!(is_outdated(&PasswordHash("$argon2id$v=19$m=4096,t=3,p=1$x$y".into())));
    }

    #[test]
    fn a_hash_with_older_parameters_is_accepted() {
        let memory = MemoryPool::default();
        for (hash, outdated) in [(STORED, false), (CHEAPER, true)] {
            assert!(is_hash_of(&memory, hash, "violet kettle under snow"));
            assert!(!is_hash_of(&memory, hash, "violet kettle under rain"));
            assert_eq!(is_outdated(&PasswordHash(hash.to_owned())), outdated);
        }
        let bcrypt = "$2b$04$abcdefghijklmnopqrstuuJcwyQWIUcN20V5YG0pP99tDc.AuGBh6";
        assert!(is_hash_of(&memory, bcrypt, "violet kettle under snow"));
        assert!(is_outdated(&PasswordHash(bcrypt.to_owned())));
        for nonsense in ["", "x", "$argon2id$v=19$m=19456,t=2,p=1", "$2b$12$abc"] {
            assert!(!is_hash_of(&memory, nonsense, ""), "{nonsense}");
        }
    }

    #[actix_web::test]
    async fn many_passwords_at_once_are_hashed_in_the_memory_of_two() {
        let passwords = Passwords::default();
        let blocks = || -> Vec<*const Block> {
            passwords.memory.0.lock().unwrap().iter().map(|blocks| blocks.as_ptr()).collect()
        };
        let hash = PasswordHash(STORED.to_owned());
        let mut seen = std::collections::HashSet::new();
        for _ in 0..2 {
            let guesses = (0..16).map(|_| {
                let (passwords, hash) = (passwords.clone(), hash.clone());
                actix_web::rt::spawn(async move { passwords.verify(CONSOLE, "wrong", Some(&hash)).await })
            });
            for guess in guesses.collect::<Vec<_>>() {
                assert!(!guess.await.unwrap().unwrap());
            }
            seen.extend(blocks());
        }
        assert!(
            (1..=MAX_CONCURRENT_HASHES).contains(&blocks().len()) && seen.len() <= MAX_CONCURRENT_HASHES,
            "{seen:?}"
        );
    }

    /// A hash in the form of bcrypt of cost 11, about five times the cost of our own.
    const EXPENSIVE: &str = "$2b$11$CCCCCCCCCCCCCCCCCCCCC.xptJVs0wuuOputAC5RtLHgxdZOu5ctW";

    #[actix_web::test]
    async fn who_signs_in_does_not_wait_for_estimates() {
        let passwords = Passwords::default();
        let busy = passwords.estimating.acquire(None, CONSOLE).await.unwrap();
        assert!(!passwords.verify(CONSOLE, "wrong", None).await.unwrap());
        drop(busy);
        let mut busy = Vec::new();
        for _ in 0..MAX_CONCURRENT_HASHES {
            busy.push(passwords.hashing.acquire(None, CONSOLE).await.unwrap());
        }
        assert!(
            passwords
                .check(CONSOLE, PasswordPolicy::DEFAULT, "password", "violet kettle under snow", &[])
                .await
                .is_ok()
        );
        drop(busy);
    }

    /// The order in which verifications end that were asked for in this order, where each waits for the one before.
    async fn order(
        passwords: &Passwords,
        asked: Vec<(&'static str, PasswordRealm, &'static str)>,
    ) -> Vec<&'static str> {
        let mut turns = Vec::new();
        for _ in 0..MAX_CONCURRENT_HASHES {
            turns.push(passwords.hashing.acquire(None, CONSOLE).await.unwrap());
        }
        let (done, mut ended) = mpsc::unbounded_channel();
        let count = asked.len();
        for (name, realm, hash) in asked {
            let (passwords, done) = (passwords.clone(), done.clone());
            actix_web::rt::spawn(async move {
                let verified = passwords.verify(realm, "wrong", Some(&PasswordHash(hash.to_owned()))).await;
                done.send(if verified.is_ok() { name } else { "refused" }).unwrap();
            });
            // It is in the queue, or was refused.
            tokio::task::yield_now().await;
        }
        // One at a time.
        drop(turns.pop());
        let mut order = Vec::new();
        for _ in 0..count {
            order.push(ended.recv().await.unwrap());
        }
        drop(turns);
        order
    }

    #[actix_web::test]
    async fn a_flood_in_one_environment_lets_every_other_go_ahead() {
        let passwords = Passwords::default();
        let users = |environment: u128, organization: u128| {
            PasswordRealm::Users(Id::from_bits(environment), Id::from_bits(organization))
        };
        let mut asked = vec![("flood", users(1, 1), CHEAPER); 100];
        asked.push(("other organization", users(1, 2), CHEAPER));
        asked.push(("other environment", users(2, 3), CHEAPER));
        asked.push(("console", CONSOLE, CHEAPER));
        let order = order(&passwords, asked).await;
        let served: Vec<_> = order.iter().filter(|name| **name != "refused").take(8).copied().collect();
        for other in ["other environment", "console", "other organization"] {
            assert!(served.contains(&other), "{order:?}");
        }
        let refused = order.iter().filter(|name| **name == "refused").count();
        let places = crate::app::limits::fair_queue::MAX_WAITING_PER_CLIENT;
        assert_eq!(refused, 100 - places, "its own are refused beyond its places");
        assert_eq!(order.iter().filter(|name| **name == "flood").count(), places);
    }

    #[actix_web::test]
    async fn hashes_that_cost_much_leave_a_thread_to_the_others() {
        let passwords = Passwords::default();
        let users = |environment: u128| PasswordRealm::Users(Id::from_bits(environment), Id::from_bits(1));
        let flood = (0..4).map(|_| {
            let passwords = passwords.clone();
            actix_web::rt::spawn(async move {
                passwords.verify(users(1), "wrong", Some(&PasswordHash(EXPENSIVE.to_owned()))).await
            })
        });
        let flood: Vec<_> = flood.collect();
        tokio::task::yield_now().await;
        assert_eq!(passwords.expensive.waiting(), 3);
        assert_eq!(passwords.hashing.waiting(), 0, "they wait for each other");
        let turn = passwords.hashing.acquire(None, CONSOLE);
        assert!(tokio::time::timeout(Duration::ZERO, turn).await.is_ok(), "a thread is free at once");
        for one in flood {
            assert!(!one.await.unwrap().unwrap());
        }
    }

    #[test]
    fn the_dummy_hash_parses_and_costs_the_same() {
        assert!(DUMMY_HASH.starts_with(CURRENT_PREFIX));
        let phc = Phc::new(DUMMY_HASH).unwrap();
        assert_eq!(Params::try_from(&phc).unwrap().block_count(), argon2().unwrap().params().block_count());
        assert!(!is_hash_of(&MemoryPool::default(), DUMMY_HASH, "x"));
    }
}

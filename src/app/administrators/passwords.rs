//! Passwords of administrators: the rules for new ones, hashing and verification.
//!
//! Hashed with Argon2id (RFC 9106) at OWASP's first recommendation. The rules are those of NIST SP 800-63B
//! §5.1.1.2: a minimum length, not easy to guess (as zxcvbn estimates it), not the person's own address or name or
//! the product's name, and nothing else.

use std::{
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
use tokio::sync::Semaphore;
use zxcvbn::Score;

use crate::{
    app::{Error, Result},
    model::{administrator::PasswordHash, random::Random},
};

/// The minimum length of a new password, in characters.
pub const MIN_LENGTH: usize = 12;

/// The maximum length of a new password, in characters. Bounds the work for one request.
const MAX_LENGTH: usize = 128;

/// The minimum zxcvbn score: a million guesses or more.
const MIN_SCORE: Score = Score::Two;

/// How many characters are estimated: the cost grows at least quadratically. A password whose beginning is hard to
/// guess does not become easier by what follows.
const MAX_ESTIMATED_LENGTH: usize = 40;

/// The maximum number of personal words that are checked.
const MAX_PERSONAL_WORDS: usize = 20;

/// Words that are common in passwords, or likely in passwords for this product.
const COMMON_WORDS: &[&str] = &[
    "ostiary",
    "password",
    "passwort",
    "passw0rd",
    "p@ssw0rd",
    "p@ssword",
    "letmein",
    "welcome",
    "qwerty",
    "qwertz",
    "azerty",
    "iloveyou",
    "administrator",
    "admin",
    "changeme",
    "secret",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "dragon",
    "monkey",
    "trustno1",
    "123456",
    "default",
    "console",
    "gateway",
    "sommer",
    "summer",
    "winter",
    "spring",
    "autumn",
];

/// Well-known passwords that look hard to guess: phrases of common words, keyboard patterns.
const COMMON_PASSWORDS: &[&str] = &[
    "correcthorsebatterystaple",
    "correct horse battery staple",
    "thisismypassword",
    "thisisapassword",
    "ihavenopassword",
    "jesuslovesme",
    "iloveyousomuch",
    "a1b2c3d4e5f6",
    "1a2b3c4d5e6f",
    "zaq12wsxcde3",
    "never gonna give you up",
    "nevergonnagiveyouup",
    "open sesame 123",
    "maytheforcebewithyou",
];

/// The maximum number of concurrent hashes: each takes 19 MiB and about ten milliseconds of a core.
const MAX_CONCURRENT_HASHES: usize = 2;

/// The maximum number of concurrent estimates of new passwords.
const MAX_CONCURRENT_ESTIMATES: usize = 1;

/// How long a call waits for a permit.
const PERMIT_TIMEOUT: Duration = Duration::from_secs(5);

/// The Argon2 parameters: memory in KiB, passes and lanes.
const ARGON2_PARAMS: (u32, u32, u32) = (19_456, 2, 1);

/// The prefix of a hash with the current parameters.
const CURRENT_PREFIX: &str = "$argon2id$v=19$m=19456,t=2,p=1$";

/// The hash to verify against when there is no account, so that it takes as long. No password has it.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes and estimates passwords on blocking threads, a limited number at a time.
#[derive(Debug, Clone)]
pub struct Passwords {
    hashing: Arc<Semaphore>,
    /// Separate from `hashing`, so that estimates of new passwords do not delay sign-ins.
    estimating: Arc<Semaphore>,
    memory: Arc<MemoryPool>,
    hash_count: Arc<AtomicU64>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            hashing: Arc::new(Semaphore::new(MAX_CONCURRENT_HASHES)),
            estimating: Arc::new(Semaphore::new(MAX_CONCURRENT_ESTIMATES)),
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

    /// Returns an error if a new password is too short, too long or too easy to guess. `own` holds the person's
    /// address and name.
    pub async fn check(&self, field: &'static str, password: &str, own: &[&str]) -> Result<()> {
        check_length(field, password)?;
        let (password, own) = (password.to_owned(), personal_words(own));
        run_blocking(&self.estimating, move || check_strength(field, &password, &own)).await
    }

    /// The hash of a password, with fresh salt.
    pub async fn hash(&self, password: &str, random: &dyn Random) -> Result<PasswordHash> {
        let mut salt = [0; 16];
        random.fill(&mut salt);
        let (password, memory) = (password.to_owned(), Arc::clone(&self.memory));
        self.hash_count.fetch_add(1, Ordering::Relaxed);
        run_blocking(&self.hashing, move || hash(&memory, &password, &salt)).await
    }

    /// Whether the password matches this hash. Without a hash it takes as long, and the result is false.
    pub async fn verify(&self, password: &str, hash: Option<&PasswordHash>) -> Result<bool> {
        let has_hash = hash.is_some();
        let hash = hash.map_or(DUMMY_HASH, |hash| &hash.0).to_owned();
        let (password, memory) = (password.to_owned(), Arc::clone(&self.memory));
        self.hash_count.fetch_add(1, Ordering::Relaxed);
        run_blocking(&self.hashing, move || Ok(is_hash_of(&memory, &hash, &password) && has_hash)).await
    }
}

/// Waits for a permit, then executes `work` on a blocking thread.
async fn run_blocking<T: Send + 'static>(
    semaphore: &Arc<Semaphore>,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let permit = tokio::time::timeout(PERMIT_TIMEOUT, Arc::clone(semaphore).acquire_owned()).await;
    let Ok(permit) = permit else { return Err(Error::Unavailable { retry_after: PERMIT_TIMEOUT }) };
    let permit = permit.map_err(Error::internal)?;
    tokio::task::spawn_blocking(move || {
        let done = work();
        drop(permit);
        done
    })
    .await
    .map_err(Error::internal)?
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

/// Whether this PHC string, with any parameters, is a hash of the password. False for a malformed string.
fn is_hash_of(memory: &MemoryPool, phc: &str, password: &str) -> bool {
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

/// Checks the length alone, before any expensive work.
fn check_length(field: &'static str, password: &str) -> Result<()> {
    // A character has at most four bytes, so a longer text need not be counted.
    let length = if password.len() > 4 * MAX_LENGTH { usize::MAX } else { password.chars().count() };
    if length < MIN_LENGTH {
        return Err(Error::invalid(
            field,
            format!("must be at least {MIN_LENGTH} characters long; a few words in a row are good"),
        ));
    }
    if length > MAX_LENGTH {
        return Err(Error::invalid(field, format!("must be at most {MAX_LENGTH} characters long")));
    }
    Ok(())
}

/// Returns an error if a password of valid length is easy to guess. Takes milliseconds.
fn check_strength(field: &'static str, password: &str, own: &[String]) -> Result<()> {
    let small = password.to_lowercase();
    if is_mostly(&small, own.iter().map(String::as_str)) {
        return Err(Error::invalid(field, "must not be your own name or address with a little added"));
    }
    if let Some(word) = COMMON_WORDS.iter().find(|word| is_mostly(&small, [**word])) {
        return Err(Error::invalid(
            field,
            format!("must not be \u{201c}{word}\u{201d} with a little added; it is tried first"),
        ));
    }
    let words: Vec<&str> = own.iter().map(String::as_str).chain(COMMON_PASSWORDS.iter().copied()).collect();
    // In lower case: capitals hardly make a common password harder to guess.
    if zxcvbn::zxcvbn(estimated_part(&small), &words).score() < MIN_SCORE {
        return Err(Error::invalid(field, "is too easy to guess; a few words in a row are good"));
    }
    Ok(())
}

/// The part of a password that is estimated.
fn estimated_part(password: &str) -> &str {
    password.char_indices().nth(MAX_ESTIMATED_LENGTH).map_or(password, |(end, _)| &password[..end])
}

/// The personal words of a person: their address and name, whole and in parts, longest first.
fn personal_words(own: &[&str]) -> Vec<String> {
    let parts = own.iter().flat_map(|word| word.split(['@', ' ', '.', '-', '_', '+']));
    let wholes = own.iter().flat_map(|word| std::iter::once(*word).chain(word.split(['@', ' '])));
    let mut words: Vec<String> = wholes
        .chain(parts)
        .map(str::to_lowercase)
        .filter(|word| word.chars().count() >= 4)
        .take(MAX_PERSONAL_WORDS)
        .collect();
    words.push("ostiary".to_owned());
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words
}

/// Whether fewer than seven characters are left after every occurrence of the words is removed.
fn is_mostly<'a>(password: &str, words: impl IntoIterator<Item = &'a str>) -> bool {
    let mut left = password.to_owned();
    for word in words {
        left = left.replace(word, "");
    }
    left.len() < password.len() && left.chars().count() < 7
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::random::SeededRandom;

    /// Hashes of "violet kettle under snow" by the crate's own hasher: the current parameters, and lower ones.
    const STORED: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$5+d+un0FIzNNVSH0d2oqgJeeEDVGHMbQHcf8a139yG4";
    const CHEAPER: &str =
        "$argon2id$v=19$m=4096,t=3,p=1$BwcHBwcHBwcHBwcHBwcHBw$CUZGNIG9SPq3q7qDcgVpZexe8eKAQjZE0JN5KRM7o94";

    #[test]
    fn only_what_is_tried_first_is_refused() {
        let check = |field, password: &str, own: &[&str]| {
            check_length(field, password)?;
            check_strength(field, password, &personal_words(own))
        };
        let own = ["dana.smith@ledgerline.example", "Dana Smith"];
        for bad in [
            "",
            "short",
            "elevenchars",
            "aaaaaaaaaaaaaaaa",
            "123456789012",
            "abcdefghijklm",
            "qwertyuiopas",
            "Password1234",
            "password!!!!!",
            "OSTIARY-2026",
            "ostiaryostiary",
            "dana.smith@ledgerline.example",
            "Dana.Smith123",
            "danasmith2026",
            "smith-ledgerline1",
            "ledgerline.example",
            "correct horse battery staple",
            "Welcome2026!!",
            "121212121212",
            "P@ssw0rd2026",
            "thisismypassword",
            "NeverGonnaGiveYouUp",
            "1q2w3e4r5t6y",
            "abc123abc123",
            "liverpoolfc1",
            &"x".repeat(257),
            &"violet kettle under snow ".repeat(6),
        ] {
            assert!(check("password", bad, &own).is_err(), "{bad:?}");
        }
        assert!(check("password", "danavendor2026", &["dana@vendor.example", ""]).is_err());
        for good in [
            "violet kettle under snow",
            "tr0ub4dor&3xyzzy",
            "korrekt-pferd-batterie",
            "パスワードは長いほどよい、たぶん",
            "            a b c d e",
            "my password is quite long",
            "dana likes violets a lot",
        ] {
            assert!(check("password", good, &own).is_ok(), "{good:?}");
        }
    }

    #[actix_web::test]
    async fn a_password_is_that_of_its_own_hash_only() {
        let (passwords, random) = (Passwords::default(), SeededRandom::new(1));
        let hash = passwords.hash("violet kettle", &random).await.unwrap();
        assert!(hash.0.starts_with(CURRENT_PREFIX) && !is_outdated(&hash), "{}", hash.0);
        assert_ne!(passwords.hash("violet kettle", &random).await.unwrap(), hash, "the salt is fresh");
        assert!(passwords.verify("violet kettle", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("violet kettles", Some(&hash)).await.unwrap());
        let before = passwords.hash_count();
        assert!(!passwords.verify("violet kettle", None).await.unwrap());
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
        for nonsense in ["", "x", "$argon2id$v=19$m=19456,t=2,p=1", "$2b$12$abc"] {
            assert!(!is_hash_of(&memory, nonsense, ""), "{nonsense}");
        }
    }

    #[test]
    fn a_long_password_costs_no_more_to_estimate_than_one_of_forty_characters() {
        assert_eq!(estimated_part(&"@4(0$".repeat(25)).chars().count(), MAX_ESTIMATED_LENGTH);
        assert_eq!(estimated_part(&"\u{2603}".repeat(128)), "\u{2603}".repeat(MAX_ESTIMATED_LENGTH));
        assert_eq!(estimated_part("short"), "short");
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
                actix_web::rt::spawn(async move { passwords.verify("wrong", Some(&hash)).await })
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

    #[actix_web::test]
    async fn who_signs_in_does_not_wait_for_estimates() {
        let passwords = Passwords::default();
        let busy = Arc::clone(&passwords.estimating)
            .acquire_many_owned(MAX_CONCURRENT_ESTIMATES as u32)
            .await
            .unwrap();
        assert!(!passwords.verify("wrong", None).await.unwrap());
        drop(busy);
        let busy =
            Arc::clone(&passwords.hashing).acquire_many_owned(MAX_CONCURRENT_HASHES as u32).await.unwrap();
        assert!(passwords.check("password", "violet kettle under snow", &[]).await.is_ok());
        drop(busy);
    }

    #[test]
    fn the_dummy_hash_parses_and_costs_the_same() {
        assert!(DUMMY_HASH.starts_with(CURRENT_PREFIX));
        let phc = Phc::new(DUMMY_HASH).unwrap();
        assert_eq!(Params::try_from(&phc).unwrap().block_count(), argon2().unwrap().params().block_count());
        assert!(!is_hash_of(&MemoryPool::default(), DUMMY_HASH, "x"));
    }
}

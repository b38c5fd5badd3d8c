//! Passwords of administrators: which are taken, and how they are kept and compared.
//!
//! Kept as Argon2id (RFC 9106) at OWASP's first recommendation; the rules are those of NIST SP 800-63B
//! §5.1.1.2: long enough, not what is tried first (as zxcvbn estimates it), not one's own address or our name, and
//! nothing else.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, PasswordVerifier as _},
};
use tokio::sync::Semaphore;
use zxcvbn::Score;

use crate::{
    app::{Error, Result},
    model::{administrator::PasswordHash, random::Random},
};

/// The shortest password.
pub const SHORTEST: usize = 12;

/// The longest new one: whoever pastes a book is after our processor.
const LONGEST: usize = 128;

/// How hard a password must be to guess: about a million tries or more.
const FAIR: Score = Score::Two;

/// How many words of a person's own are looked for.
const MOST_OWN_WORDS: usize = 20;

/// Words that much of the world takes for a password, or would take here.
const USUAL_WORDS: &[&str] = &[
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

/// What everybody knows although it looks hard to guess: phrases of usual words, walks over the keyboard.
const FAMOUS: &[&str] = &[
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

/// How many passwords are hashed at once: each takes 19 MiB and some ten milliseconds of a core.
const AT_ONCE: usize = 2;

/// How long somebody waits for their turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// Memory in KiB, passes and lanes.
const COST: (u32, u32, u32) = (19_456, 2, 1);

/// How a hash at today's cost begins.
const TODAY: &str = "$argon2id$v=19$m=19456,t=2,p=1$";

/// Stands for the hash of somebody who is not there, so that looking takes as long. No password has it.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What hashes passwords: a few at a time, away from the threads that answer.
#[derive(Debug, Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    runs: Arc<AtomicU64>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)), runs: Arc::default() }
    }
}

impl Passwords {
    /// How often a password was hashed so far.
    pub fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    /// Refuses a new password that is too short, too long or too easy to guess. `own` says who the person is:
    /// address and name.
    pub async fn check(&self, field: &'static str, password: &str, own: &[&str]) -> Result<()> {
        check_length(field, password)?;
        let (password, own) = (password.to_owned(), own_words(own));
        self.run(move || check_strength(field, &password, &own)).await
    }

    /// The hash of a password, with fresh salt.
    pub async fn hash(&self, password: &str, random: &dyn Random) -> Result<PasswordHash> {
        let mut salt = [0; 16];
        random.fill(&mut salt);
        let password = password.to_owned();
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.run(move || {
            let hash = argon2()?.hash_password_with_salt(password.as_bytes(), &salt);
            hash.map(|hash| PasswordHash(hash.to_string()))
                .map_err(|error| Error::internal(error.to_string()))
        })
        .await
    }

    /// Whether the password is the one of this hash. For somebody without one it takes as long, and is not.
    pub async fn verify(&self, password: &str, hash: Option<&PasswordHash>) -> Result<bool> {
        let is_somebody = hash.is_some();
        let hash = hash.map_or(NOBODY, |hash| &hash.0).to_owned();
        let password = password.to_owned();
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.run(move || {
            Ok(argon2()?.verify_password(password.as_bytes(), hash.as_str()).is_ok() && is_somebody)
        })
        .await
    }

    /// Waits for a turn, then works on a thread where nobody waits.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(turn) = turn else { return Err(Error::Unavailable { retry_after: PATIENCE }) };
        let turn = turn.map_err(Error::internal)?;
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        })
        .await
        .map_err(Error::internal)?
    }
}

/// Whether a hash was made at another cost than today's.
pub fn is_outdated(hash: &PasswordHash) -> bool {
    !hash.0.starts_with(TODAY)
}

fn argon2() -> Result<Argon2<'static>> {
    let params =
        Params::new(COST.0, COST.1, COST.2, None).map_err(|error| Error::internal(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Refuses a password by its length alone, before anything is worked out of it.
fn check_length(field: &'static str, password: &str) -> Result<()> {
    // A character has at most four bytes, so a longer text need not be counted.
    let length = if password.len() > 4 * LONGEST { usize::MAX } else { password.chars().count() };
    if length < SHORTEST {
        return Err(Error::invalid(
            field,
            format!("must be at least {SHORTEST} characters long; a few words in a row are good"),
        ));
    }
    if length > LONGEST {
        return Err(Error::invalid(field, format!("must be at most {LONGEST} characters long")));
    }
    Ok(())
}

/// Refuses a password of a good length that an attacker would soon try. Takes milliseconds.
fn check_strength(field: &'static str, password: &str, own: &[String]) -> Result<()> {
    let small = password.to_lowercase();
    if own.iter().any(|word| is_mostly(&small, word)) {
        return Err(Error::invalid(field, "must not be your own name or address with a little added"));
    }
    if let Some(word) = USUAL_WORDS.iter().find(|word| is_mostly(&small, word)) {
        return Err(Error::invalid(
            field,
            format!("must not be \u{201c}{word}\u{201d} with a little added; it is tried first"),
        ));
    }
    let words: Vec<&str> = own.iter().map(String::as_str).chain(FAMOUS.iter().copied()).collect();
    // In small letters: capitals make a password that is tried first hardly better.
    if zxcvbn::zxcvbn(&small, &words).score() < FAIR {
        return Err(Error::invalid(field, "is too easy to guess; a few words in a row are good"));
    }
    Ok(())
}

/// What a person is called, in the forms in which somebody would try it: address and name, whole and in parts.
fn own_words(own: &[&str]) -> Vec<String> {
    let parts = own.iter().flat_map(|word| word.split(['@', ' '])).chain(own.iter().copied());
    let mut words: Vec<String> =
        parts.map(str::to_lowercase).filter(|word| word.chars().count() >= 4).take(MOST_OWN_WORDS).collect();
    words.push("ostiary".to_owned());
    words
}

/// Whether less than seven letters are left when the word is taken out wherever it stands.
fn is_mostly(password: &str, word: &str) -> bool {
    password.contains(word) && password.replace(word, "").chars().count() < 7
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::random::SeededRandom;

    #[test]
    fn only_what_is_tried_first_is_refused() {
        let check = |field, password: &str, own: &[&str]| {
            check_length(field, password)?;
            check_strength(field, password, &own_words(own))
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
        assert!(hash.0.starts_with(TODAY) && !is_outdated(&hash), "{}", hash.0);
        assert_ne!(passwords.hash("violet kettle", &random).await.unwrap(), hash, "the salt is fresh");
        assert!(passwords.verify("violet kettle", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("violet kettles", Some(&hash)).await.unwrap());
        let before = passwords.runs();
        assert!(!passwords.verify("violet kettle", None).await.unwrap());
        assert_eq!(passwords.runs(), before + 1, "nobody's password is hashed too");
        assert!(is_outdated(&PasswordHash("$argon2id$v=19$m=4096,t=3,p=1$x$y".into())));
    }

    #[test]
    fn nobodys_hash_can_be_read_and_costs_the_same() {
        assert!(NOBODY.starts_with(TODAY));
        let verdict = argon2().unwrap().verify_password(b"x", NOBODY).unwrap_err();
        assert_eq!(verdict, argon2::password_hash::Error::PasswordInvalid);
    }
}

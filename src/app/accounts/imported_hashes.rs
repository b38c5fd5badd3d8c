//! Password hashes of other systems: bcrypt, PBKDF2 and Argon2. They are verified as they are, and replaced at the first
//! authentication. Their cost is bounded when they are imported, since whoever guesses makes us pay it.
//!
//! | Form | From |
//! |---|---|
//! | `$2a$12$…`, `$2b$…`, `$2y$…` | bcrypt |
//! | `$pbkdf2-sha256$i=600000,l=32$salt$hash` | PHC strings |
//! | `$pbkdf2-sha256$29000$salt$hash` | passlib, with `.` for `+` |
//! | `pbkdf2_sha256$600000$salt$hash` | Django, whose salt is text |
//! | `$argon2id$v=19$m=19456,t=2,p=1$salt$hash` | PHC strings |

use std::ops::RangeInclusive;

use argon2::{Algorithm, Params, Version, password_hash::phc::PasswordHash as Phc};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD},
};
use openssl::{hash::MessageDigest, memcmp, pkcs5::pbkdf2_hmac};

/// The costs of bcrypt: 2^cost rounds. 12 takes eleven times as long as a hash of our own, and is what many frameworks write.
const BCRYPT_COSTS: RangeInclusive<u32> = 4..=12;

/// The costs of bcrypt that take more than four times as long as a hash of our own.
const BCRYPT_EXPENSIVE_COST: u32 = 11;

/// The most iterations of PBKDF2 with SHA-1 or SHA-256, one block of the hash: nine times as long as a hash of our own. Those
/// of SHA-512 count twice, and a hash of several blocks takes its iterations for each.
const MAX_PBKDF2_WORK: usize = 1_000_000;

/// The work of PBKDF2 that takes four times as long as a hash of our own.
const PBKDF2_EXPENSIVE_WORK: usize = 440_000;

/// The lengths of hashes and salts, in bytes.
const HASH_LENGTHS: RangeInclusive<usize> = 16..=64;
const SALT_LENGTHS: RangeInclusive<usize> = 1..=64;

/// The most memory of Argon2 in KiB, and the most of memory × passes: the queue hashes two at a time.
const MAX_ARGON2_MEMORY: u32 = 65_536;
const MAX_ARGON2_WORK: u64 = 4 * 65_536;
/// The work of Argon2 that takes four times as long as a hash of our own.
const ARGON2_EXPENSIVE_WORK: u64 = 3 * 65_536;
const MAX_ARGON2_LANES: u32 = 8;

/// The maximum length of a hash, as text.
const MAX_LENGTH: usize = 400;

/// A hash of PBKDF2 (RFC 8018 §5.2) with HMAC.
struct Pbkdf2 {
    digest: MessageDigest,
    iterations: usize,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

/// A hash that is no PHC string of Argon2.
pub(super) struct ForeignHash(Kind);

enum Kind {
    Bcrypt(String),
    Pbkdf2(Pbkdf2),
}

/// Why a hash is not imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashRefused {
    /// It is in none of the forms.
    #[error("is no bcrypt, PBKDF2 or Argon2 hash in a known form")]
    Unknown,
    /// It would cost too much to verify.
    #[error("costs too much to verify: {0}")]
    TooExpensive(&'static str),
}

/// The bounds, as they are told.
const BCRYPT_BOUND: &str = "bcrypt has a cost of at most 12";
const PBKDF2_BOUND: &str =
    "PBKDF2 has at most 1,000,000 iterations (of SHA-512: 500,000) over all blocks of the hash";
const ARGON2_BOUND: &str =
    "Argon2 has at most 64 MiB, 8 lanes, and four passes over 64 MiB or as many more over less";

/// Returns an error for a text that is not verified as a password hash.
pub(super) fn check(text: &str) -> Result<(), HashRefused> {
    if text.len() > MAX_LENGTH {
        return Err(HashRefused::Unknown);
    }
    if text.starts_with("$argon2") {
        return check_argon2(text);
    }
    match parse(text)? {
        Some(_) => Ok(()),
        None => Err(HashRefused::Unknown),
    }
}

/// The hash, if it is one of bcrypt or PBKDF2.
pub(super) fn find(text: &str) -> Option<ForeignHash> {
    parse(text).ok().flatten()
}

/// Whether a hash takes more than about four times as long as one of our own. False for a malformed one.
pub(super) fn is_expensive(text: &str) -> bool {
    if text.starts_with("$argon2") {
        let params = Phc::new(text).ok().and_then(|phc| Params::try_from(&phc).ok());
        return params.is_some_and(|params| argon2_work(&params) > ARGON2_EXPENSIVE_WORK);
    }
    match find(text) {
        Some(ForeignHash(Kind::Bcrypt(text))) => {
            text.parse::<bcrypt::HashParts>().is_ok_and(|parts| parts.get_cost() >= BCRYPT_EXPENSIVE_COST)
        }
        Some(ForeignHash(Kind::Pbkdf2(hash))) => hash.work() > PBKDF2_EXPENSIVE_WORK,
        None => false,
    }
}

fn argon2_work(params: &Params) -> u64 {
    u64::from(params.m_cost()) * u64::from(params.t_cost())
}

impl Pbkdf2 {
    /// Its iterations of SHA-1 or SHA-256, or as many as take as long.
    fn work(&self) -> usize {
        let blocks = self.hash.len().div_ceil(self.digest.size().max(1));
        let weight = if self.digest == MessageDigest::sha512() { 2 } else { 1 };
        self.iterations.saturating_mul(blocks).saturating_mul(weight)
    }
}

impl ForeignHash {
    /// Whether it is a hash of the password.
    pub(super) fn matches(&self, password: &str) -> bool {
        match &self.0 {
            // As everywhere, bcrypt reads 72 bytes at most. It compares in constant time.
            Kind::Bcrypt(text) => bcrypt::verify(password, text).unwrap_or(false),
            Kind::Pbkdf2(expected) => {
                let mut found = vec![0; expected.hash.len()];
                let made = pbkdf2_hmac(
                    password.as_bytes(),
                    &expected.salt,
                    expected.iterations,
                    expected.digest,
                    &mut found,
                );
                made.is_ok() && memcmp::eq(&found, &expected.hash)
            }
        }
    }
}

fn parse(text: &str) -> Result<Option<ForeignHash>, HashRefused> {
    if text.starts_with("$2") {
        return parse_bcrypt(text).map(|()| Some(ForeignHash(Kind::Bcrypt(text.to_owned()))));
    }
    let fields: Vec<&str> = text.split('$').collect();
    let parsed = match fields[..] {
        ["", name, cost, salt, hash] => match name.strip_prefix("pbkdf2-") {
            Some(digest) => parse_pbkdf2(digest, cost, decode(salt), decode(hash)),
            None => return Ok(None),
        },
        [name, cost, salt, hash] => match name.strip_prefix("pbkdf2_") {
            Some(digest) => parse_pbkdf2(digest, cost, Some(salt.as_bytes().to_vec()), decode(hash)),
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    parsed.map(|hash| Some(ForeignHash(Kind::Pbkdf2(hash))))
}

fn parse_bcrypt(text: &str) -> Result<(), HashRefused> {
    let is_known = ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| text.starts_with(prefix));
    let parts: bcrypt::HashParts = text.parse().map_err(|_| HashRefused::Unknown)?;
    // The digits are read by the library again when it verifies.
    if !is_known || text.len() != 60 {
        return Err(HashRefused::Unknown);
    }
    match BCRYPT_COSTS.contains(&parts.get_cost()) {
        true => Ok(()),
        false => Err(HashRefused::TooExpensive(BCRYPT_BOUND)),
    }
}

fn parse_pbkdf2(
    digest: &str,
    cost: &str,
    salt: Option<Vec<u8>>,
    hash: Option<Vec<u8>>,
) -> Result<Pbkdf2, HashRefused> {
    let digest = match digest {
        "sha1" => MessageDigest::sha1(),
        "sha256" => MessageDigest::sha256(),
        "sha512" => MessageDigest::sha512(),
        _ => return Err(HashRefused::Unknown),
    };
    let (Some(salt), Some(hash)) = (salt, hash) else { return Err(HashRefused::Unknown) };
    let mut iterations = None;
    for parameter in cost.split(',') {
        let (name, value) = parameter.split_once('=').unwrap_or(("i", parameter));
        let value: usize = value.parse().map_err(|_| HashRefused::Unknown)?;
        match name {
            "i" if iterations.is_none() => iterations = Some(value),
            "l" if value == hash.len() => {}
            _ => return Err(HashRefused::Unknown),
        }
    }
    let iterations = iterations.ok_or(HashRefused::Unknown)?;
    if iterations == 0 || !SALT_LENGTHS.contains(&salt.len()) || !HASH_LENGTHS.contains(&hash.len()) {
        return Err(HashRefused::Unknown);
    }
    let hash = Pbkdf2 { digest, iterations, salt, hash };
    match hash.work() <= MAX_PBKDF2_WORK {
        true => Ok(hash),
        false => Err(HashRefused::TooExpensive(PBKDF2_BOUND)),
    }
}

/// Base64 with or without padding, and with passlib's `.` for `+`.
fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.replace('.', "+");
    match text.ends_with('=') {
        true => BASE64_STANDARD.decode(text).ok(),
        false => BASE64_STANDARD_NO_PAD.decode(text).ok(),
    }
}

fn check_argon2(text: &str) -> Result<(), HashRefused> {
    let phc = Phc::new(text).map_err(|_| HashRefused::Unknown)?;
    let parts = (&phc.salt, &phc.hash, phc.version);
    let (Some(salt), Some(hash), Some(version)) = parts else { return Err(HashRefused::Unknown) };
    Algorithm::try_from(phc.algorithm.as_str()).map_err(|_| HashRefused::Unknown)?;
    Version::try_from(version).map_err(|_| HashRefused::Unknown)?;
    let params = Params::try_from(&phc).map_err(|_| HashRefused::Unknown)?;
    if salt.len() < 8 || !HASH_LENGTHS.contains(&hash.len()) {
        return Err(HashRefused::Unknown);
    }
    let is_cheap = params.m_cost() <= MAX_ARGON2_MEMORY
        && argon2_work(&params) <= MAX_ARGON2_WORK
        && params.p_cost() <= MAX_ARGON2_LANES;
    if is_cheap { Ok(()) } else { Err(HashRefused::TooExpensive(ARGON2_BOUND)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes by other programs: of "violet kettle under snow" by `crypt(3)` and Python's `hashlib`, and RFC 7914 §11.
    const VECTORS: &[(&str, &str)] = &[
        ("$2b$04$abcdefghijklmnopqrstuuJcwyQWIUcN20V5YG0pP99tDc.AuGBh6", "violet kettle under snow"),
        ("$2a$04$CCCCCCCCCCCCCCCCCCCCC.xptJVs0wuuOputAC5RtLHgxdZOu5ctW", "violet kettle under snow"),
        ("$2y$05$CCCCCCCCCCCCCCCCCCCCC.iG0HYDmOV96o9Whz6/3U.6m6rycIxAW", "violet kettle under snow"),
        (
            "$pbkdf2-sha256$i=1000,l=32$8PHy8/T19vf4+fr7/P3+/w$FyKxxlnbIliaxgpDgESpt9o7lw1+UFPDe1+E+UOQRIQ",
            "violet kettle under snow",
        ),
        (
            "$pbkdf2-sha256$1000$8PHy8/T19vf4.fr7/P3./w$FyKxxlnbIliaxgpDgESpt9o7lw1.UFPDe1.E.UOQRIQ",
            "violet kettle under snow",
        ),
        (
            "$pbkdf2-sha512$500$8PHy8/T19vf4.fr7/P3./w$a1MNoxPL3xcYmXCdzFdthGe3voOXUkyIEFLlQZhJys4oFmFQhA0YkiR0VGl9MWM66lM5hzcFSKdyo0l8qiYjMQ",
            "violet kettle under snow",
        ),
        ("pbkdf2_sha1$800$seasalt$hmT9eraMUDOEcpj56CdFxQhQTUM=", "violet kettle under snow"),
        (
            "pbkdf2_sha256$1200$seasalt2$ph465EUDXhwruT4uu3kzUJvk5wvKd83yeRrSrdqKbKM=",
            "violet kettle under snow",
        ),
        (
            "pbkdf2_sha256$1$salt$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLxJypzM8Xm2RZkWZLOdd+8xfHG4RbHjC9UJESBB06GXgw==",
            "passwd",
        ),
    ];

    #[test]
    fn hashes_of_other_programs_are_verified() {
        for (hash, password) in VECTORS {
            assert_eq!(check(hash), Ok(()), "{hash}");
            let hash = find(hash).unwrap();
            assert!(hash.matches(password));
            assert!(!hash.matches(&format!("{password}.")) && !hash.matches(""));
        }
    }

    #[test]
    fn what_costs_too_much_is_refused() {
        let bcrypt = VECTORS[0].0;
        let sha512 = |iterations: u32| format!("pbkdf2_sha512${iterations}$salt${}==", "A".repeat(86));
        for text in [
            bcrypt.replace("$04$", "$13$"),
            bcrypt.replace("$04$", "$31$"),
            bcrypt.replace("$04$", "$99$"),
            "pbkdf2_sha256$1000001$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned(),
            "pbkdf2_sha1$500001$salt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned(),
            sha512(500_001),
            "$argon2id$v=19$m=65537,t=1,p=1$BwcHBwcHBwcHBwcHBwcHBw$5+d+un0FIzNNVSH0d2oqgJeeEDVGHMbQHcf8a139yG4"
                .to_owned(),
            "$argon2id$v=19$m=65536,t=5,p=1$BwcHBwcHBwcHBwcHBwcHBw$5+d+un0FIzNNVSH0d2oqgJeeEDVGHMbQHcf8a139yG4"
                .to_owned(),
            "$argon2id$v=19$m=4096,t=1,p=16$BwcHBwcHBwcHBwcHBwcHBw$5+d+un0FIzNNVSH0d2oqgJeeEDVGHMbQHcf8a139yG4"
                .to_owned(),
        ] {
            let Err(HashRefused::TooExpensive(bound)) = check(&text) else { panic!("{text}") };
            assert!(bound.contains("at most"), "{bound}");
        }
        let pbkdf2 = |iterations: u32| {
            format!("pbkdf2_sha256${iterations}$salt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
        };
        for (text, expensive) in [
            (bcrypt.replace("$04$", "$12$"), true),
            (bcrypt.replace("$04$", "$11$"), true),
            (bcrypt.replace("$04$", "$10$"), false),
            (pbkdf2(1_000_000), true),
            (pbkdf2(400_000), false),
            (sha512(500_000), true),
            (sha512(210_000), false),
        ] {
            assert_eq!(check(&text), Ok(()), "{text}");
            assert_eq!(is_expensive(&text), expensive, "{text}");
        }
        let argon2 = "$argon2id$v=19$m=65536,t=4,p=1$BwcHBwcHBwcHBwcHBwcHBw$5+d+un0FIzNNVSH0d2oqgJeeEDVGHMbQHcf8a139yG4";
        assert_eq!(check(argon2), Ok(()));
        assert!(
            is_expensive(argon2) && !is_expensive(&argon2.replace("t=4", "t=3")) && !is_expensive("$argon2")
        );
    }

    #[test]
    fn what_is_no_known_hash_is_refused() {
        let bcrypt = VECTORS[0].0;
        let long = format!("pbkdf2_sha256$1${}$AAAAAAAAAAAAAAAAAAAAAA", "a".repeat(400));
        for text in [
            "",
            "$",
            "violet kettle under snow",
            "5f4dcc3b5aa765d61d8327deb882cf99",
            &bcrypt.replace("$2b$", "$2x$"),
            &bcrypt[..59],
            "$2b$04$é",
            "pbkdf2_sha256$0$salt$AAAAAAAAAAAAAAAAAAAAAA",
            "pbkdf2_sha256$-1$salt$AAAAAAAAAAAAAAAAAAAAAA",
            "pbkdf2_sha256$99999999999999999999999$salt$AAAAAAAAAAAAAAAAAAAAAA",
            "pbkdf2_md5$1$salt$AAAAAAAAAAAAAAAAAAAAAA",
            "pbkdf2_sha256$1$$AAAAAAAAAAAAAAAAAAAAAA",
            "pbkdf2_sha256$1$salt$",
            "pbkdf2_sha256$1$salt$not base64!",
            "$pbkdf2-sha256$i=1,i=2$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
            "$pbkdf2-sha256$i=1,l=3$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
            "$pbkdf2-sha256$l=16$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=19456,t=2,p=1",
            &long,
        ] {
            assert_eq!(check(text), Err(HashRefused::Unknown), "{text}");
            assert!(find(text).is_none(), "{text}");
        }
    }
}

//! Authenticator apps: time-based one-time passwords (RFC 6238) of SHA-1, six digits and 30 seconds, which is what the apps know.
//! A code is good one step before and after its own, and once.

use std::{fmt, ops::RangeInclusive};

use base::{random::Random, time::Timestamp};
use data_encoding::{BASE32, BASE32_NOPAD};
use model::account::AccountId;
use totp_rs::{Builder, Secret, Totp};

use crate::{
    app::{Error, Result, State},
    store::{self, Conn, Transaction, sealed_columns::TOTP_SECRET},
};

/// The lengths that a secret may have, in bytes: from RFC 4226 §4 (R6) to the block of SHA-1.
const SECRET_LENGTHS: RangeInclusive<usize> = 16..=64;

/// The length of new secrets, in bytes (RFC 4226 §4, R6).
const SECRET_LENGTH: usize = 20;

/// The length of a step, in seconds.
const STEP: u64 = 30;

/// The number of digits of a code.
const DIGITS: u8 = 6;

/// The secret of an authenticator app.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret(Vec<u8>);

impl fmt::Debug for TotpSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("…")
    }
}

impl TotpSecret {
    /// A new secret.
    pub fn new(random: &dyn Random) -> Self {
        let mut bytes = vec![0; SECRET_LENGTH];
        random.fill(&mut bytes);
        Self(bytes)
    }

    /// Parses base32 (RFC 4648 §6) as apps show it: in any case, with or without padding, in groups.
    pub fn parse(field: &'static str, text: &str) -> Result<Self> {
        let invalid = || Error::invalid(field, "must be base32 of 16 to 64 bytes");
        if text.len() > 200 {
            return Err(invalid());
        }
        let letters = text.chars().filter(|letter| !matches!(letter, ' ' | '-'));
        let text: String = letters.map(|letter| letter.to_ascii_uppercase()).collect();
        let encoding = if text.ends_with('=') { BASE32 } else { BASE32_NOPAD };
        let bytes = encoding.decode(text.as_bytes()).map_err(|_| invalid())?;
        if !SECRET_LENGTHS.contains(&bytes.len()) {
            return Err(invalid());
        }
        Ok(Self(bytes))
    }

    /// The secret in base32, to hand out.
    pub fn reveal(&self) -> String {
        BASE32_NOPAD.encode(&self.0)
    }

    /// The secret as apps scan it (Key URI Format): `issuer` is what the app calls the place, `account` who it is there.
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        let encode = |text: &str| {
            url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
        };
        // A colon divides the two.
        let issuer = issuer.replace(':', " ");
        let (issuer, account) = (encode(issuer.trim()), encode(account));
        format!("otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}", self.reveal())
    }

    /// The step that a code is of, if it is of one around this time.
    pub fn step_of(&self, code: &str, now: Timestamp) -> Option<i64> {
        let code: String =
            code.chars().filter(|letter| *letter != ' ').take(usize::from(DIGITS) + 1).collect();
        if code.len() != usize::from(DIGITS) || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let step = self.totp().check(&code, u64::try_from(now.seconds()).ok()?)?;
        i64::try_from(step).ok()
    }

    fn totp(&self) -> Totp {
        // Noncompliant is only what the library does not check again: the length of the secret was checked.
        Builder::new()
            .with_secret(Secret::new(self.0.clone().into_boxed_slice()))
            .with_digits(DIGITS)
            .with_step_duration(STEP)
            .with_skew(1)
            .build_noncompliant()
    }
}

/// Sets the secret of an account, within the transaction that locks it.
pub async fn set(tx: &mut Transaction, state: &State, account: AccountId, secret: &TotpSecret) -> Result<()> {
    let sealed = state.seal(&TOTP_SECRET, &[&account], &secret.0);
    Ok(store::totp_secrets::upsert(tx, account, &sealed, state.now()).await?)
}

/// Whether an account has an authenticator app.
pub async fn is_enrolled(conn: &mut Conn, account: AccountId) -> Result<bool> {
    Ok(store::totp_secrets::find(conn, account).await?.is_some())
}

/// Whether this is a code of the account's app around now, used or not.
pub async fn is_of_now(conn: &mut Conn, state: &State, account: AccountId, code: &str) -> Result<bool> {
    let Some(stored) = store::totp_secrets::find(conn, account).await? else { return Ok(false) };
    let secret = TotpSecret(state.open(&TOTP_SECRET, &[&account], &stored.secret)?);
    Ok(secret.step_of(code, state.now()).is_some())
}

/// Whether this is a code of the account's app that was not used, and uses it up. Of several uses at once one succeeds.
pub async fn verify(tx: &mut Transaction, state: &State, account: AccountId, code: &str) -> Result<bool> {
    let Some(stored) = store::totp_secrets::find(tx, account).await? else { return Ok(false) };
    let secret = TotpSecret(state.open(&TOTP_SECRET, &[&account], &stored.secret)?);
    let Some(step) = secret.step_of(code, state.now()) else { return Ok(false) };
    Ok(store::totp_secrets::use_step(tx, account, &stored.secret, step).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::random::SeededRandom;

    /// RFC 6238 appendix B, SHA-1: the last six of the eight digits.
    const VECTORS: &[(i64, &str)] = &[
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ];

    fn secret() -> TotpSecret {
        TotpSecret(b"12345678901234567890".to_vec())
    }

    #[test]
    fn the_vectors_of_the_rfc_hold() {
        for (seconds, code) in VECTORS {
            let now = Timestamp::from_seconds(*seconds);
            assert_eq!(secret().step_of(code, now), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_code_is_good_one_step_before_and_after_its_own() {
        let step = 1_111_111_109 / 30;
        for (steps, good) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let now = Timestamp::from_seconds((step + steps) * 30 + 15);
            assert_eq!(secret().step_of("081804", now).is_some(), good, "{steps}");
        }
        let now = Timestamp::from_seconds(1_111_111_109);
        assert_eq!(secret().step_of("081 804", now), Some(step));
        for other in ["", "081805", "81804", "0081804", "08180", "٠٨١٨٠٤", "0818 04x", "+81804"] {
            assert_eq!(secret().step_of(other, now), None, "{other}");
        }
    }

    #[test]
    fn secrets_are_read_as_apps_show_them() {
        let text = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        assert_eq!(secret().reveal(), text);
        for form in ["gezd gnbv gy3t qojq gezd gnbv gy3t qojq", "GEZD-GNBVGY3TQOJQGEZDGNBVGY3TQOJQ", text] {
            assert_eq!(TotpSecret::parse("totp_secret", form).unwrap(), secret());
        }
        let padded = BASE32.encode(&[7; 16]);
        assert!(padded.ends_with('=') && TotpSecret::parse("totp_secret", &padded).is_ok());
        let long = "A".repeat(400);
        for other in ["", "GEZDGNBVGY3TQOJQ", "0189", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1", &long] {
            assert!(TotpSecret::parse("totp_secret", other).is_err(), "{other}");
        }
        let uri = secret().uri("Acme: Co", "dana@acme.com");
        assert_eq!(
            uri,
            format!("otpauth://totp/Acme%20%20Co:dana%40acme.com?secret={text}&issuer=Acme%20%20Co")
        );
        let new = TotpSecret::new(&SeededRandom::new(1));
        assert_eq!(TotpSecret::parse("totp_secret", &new.reveal()).unwrap(), new);
        assert_eq!(format!("{new:?}"), "…");
    }
}

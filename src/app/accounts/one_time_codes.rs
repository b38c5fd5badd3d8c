//! One-time codes of users: short numbers that prove an address, or let a user set a credential. Five wrong ones end a code, and
//! a new one ends the earlier ones of its purpose, unless anybody may have asked for it.
//!
//! A code is short, so it is given with the user it is of. Its extended form, for links, names itself: `<id of the code>.<code>`.

use base::{
    id::{EnvironmentId, Id, OneTimeCodeId, UserId},
    random::Random,
    secret::Digest,
};
use model::account::{OneTimeCode, OneTimeCodePurpose, OneTimeCodeSettings};

use crate::{
    app::{Result, State},
    store::{self, Conn, Transaction},
};

/// A code to make.
#[derive(Debug, Clone)]
pub struct CodeRequest {
    /// Whose it is.
    pub user_id: UserId,
    /// The environment of the user.
    pub environment_id: EnvironmentId,
    /// What it is for.
    pub purpose: OneTimeCodePurpose,
    /// The normal form of the address that it proves.
    pub address_key: Option<String>,
    /// How it is made.
    pub settings: OneTimeCodeSettings,
    /// Whether the earlier ones stay good, in their extended form: nobody makes somebody's letter useless by asking for another.
    pub keeps_earlier: bool,
}

/// A new code. Its digits are returned only here.
pub struct NewCode {
    /// The code.
    pub code: OneTimeCode,
    digits: String,
}

impl NewCode {
    /// The digits, to hand out.
    pub fn reveal(&self) -> &str {
        &self.digits
    }

    /// The form that names itself, to hand out.
    pub fn reveal_extended(&self) -> String {
        format!("{:032x}.{}", self.code.id.bits(), self.digits)
    }
}

/// A code as somebody gives it.
#[derive(Clone, Default)]
pub struct GivenCode {
    /// The code that it names, in the extended form.
    id: Option<OneTimeCodeId>,
    /// Its digits.
    digits: String,
}

impl GivenCode {
    /// Reads the digits of a code, or its extended form.
    pub fn parse(text: &str) -> Self {
        match text.rsplit_once('.') {
            None => Self { id: None, digits: text.to_owned() },
            Some((id, digits)) => {
                // What names no code is good for none.
                let bits = u128::from_str_radix(id, 16).ok().filter(|_| id.len() == 32).unwrap_or_default();
                Self { id: Some(OneTimeCodeId::from_bits(bits)), digits: digits.to_owned() }
            }
        }
    }
}

/// Makes a code and ends the earlier ones, unless these are kept.
pub async fn create(tx: &mut Transaction, state: &State, request: CodeRequest) -> Result<NewCode> {
    let now = state.now();
    let CodeRequest { user_id, environment_id, purpose, address_key, settings, keeps_earlier } = request;
    if !keeps_earlier {
        store::one_time_codes::end(tx, user_id, purpose, address_key.as_deref(), now).await?;
    }
    let digits = new_digits(settings.length(), &*state.random);
    let code = OneTimeCode {
        id: Id::new(now, &*state.random),
        user_id,
        environment_id,
        purpose,
        address_key,
        created_at: now,
        expires_at: now + settings.lifetime(),
    };
    store::one_time_codes::insert(tx, &code, digest(&code, &digits)).await?;
    Ok(NewCode { code, digits })
}

/// The code that a text in the extended form names, and its digits. `None` if there is no such code.
pub async fn find_extended<'a>(conn: &mut Conn, text: &'a str) -> Result<Option<(OneTimeCode, &'a str)>> {
    let Some((id, digits)) = text.split_once('.').filter(|(id, _)| id.len() == 32) else { return Ok(None) };
    let Ok(bits) = u128::from_str_radix(id, 16) else { return Ok(None) };
    let found = store::one_time_codes::find(conn, OneTimeCodeId::from_bits(bits)).await?;
    Ok(found.map(|code| (code, digits)))
}

/// Uses up the code of a user for a purpose, and for an address if one is given, and ends the others. `None` if these digits are not
/// those of the code that is named, else of the newest one, or it has ended: the caller commits the transaction then too, for the attempt to count.
pub async fn consume(
    tx: &mut Transaction,
    state: &State,
    user: UserId,
    purpose: OneTimeCodePurpose,
    address_key: Option<&str>,
    given: &GivenCode,
) -> Result<Option<OneTimeCode>> {
    let now = state.now();
    let found = match given.id {
        Some(id) => store::one_time_codes::find_unused(tx, user, purpose, id).await?,
        None => store::one_time_codes::find_newest(tx, user, purpose, address_key).await?,
    };
    let is_for = |code: &OneTimeCode| address_key.is_none() || code.address_key.as_deref() == address_key;
    let Some((code, expected)) = found.filter(|(code, _)| is_for(code)) else { return Ok(None) };
    let is_open = store::one_time_codes::take_attempt(tx, code.id, now).await?;
    if !is_open || digest(&code, &given.digits) != expected {
        return Ok(None);
    }
    if !store::one_time_codes::consume(tx, code.id, now).await? {
        return Ok(None);
    }
    match purpose {
        // Those for other addresses prove something else.
        OneTimeCodePurpose::VerifyAddress => {
            store::one_time_codes::end(tx, user, purpose, code.address_key.as_deref(), now).await?;
        }
        _ => store::one_time_codes::end_for(tx, user, purpose, now).await?,
    }
    Ok(Some(code))
}

/// As many random digits.
fn new_digits(length: usize, random: &dyn Random) -> String {
    let mut digits = String::with_capacity(length);
    while digits.len() < length {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        // The lowest 250 of 256 values hold each digit as often as any other.
        let fair = bytes.into_iter().filter(|byte| *byte < 250).map(|byte| char::from(b'0' + byte % 10));
        digits.extend(fair.take(length - digits.len()));
    }
    digits
}

/// The digest of a code with whose it is and what for.
fn digest(code: &OneTimeCode, digits: &str) -> Digest {
    Digest::of(format!("{}/{}/{digits}", code.user_id, code.purpose.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::random::SeededRandom;

    #[test]
    fn codes_have_their_length_and_every_digit() {
        let random = SeededRandom::new(5);
        for length in OneTimeCodeSettings::LENGTHS {
            let digits = new_digits(length, &random);
            assert!(digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_digit()), "{digits}");
        }
        let many: String = (0..40).map(|_| new_digits(32, &random)).collect();
        for digit in '0'..='9' {
            let count = many.matches(digit).count();
            assert!((80..180).contains(&count), "{digit}: {count} of {}", many.len());
        }
    }
}

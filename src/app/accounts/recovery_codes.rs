//! Recovery codes: ten codes for whoever has lost their second factor, each good once. New ones replace all of them.

use base::{random::Random, secret::Digest};
use data_encoding::BASE32_NOPAD;
use model::account::AccountId;

use crate::{
    app::{Result, State},
    store::{self, Conn, Transaction},
};

/// How many there are.
pub const COUNT: usize = 10;

/// How many random bytes a code has: a digest of 80 bits is not searched.
const BYTES: usize = 10;

/// The maximum length of a code as it is typed.
const MAX_LENGTH: usize = 100;

/// Makes the recovery codes of an account, within the transaction that locks it. They are returned only here.
pub async fn generate(tx: &mut Transaction, state: &State, account: AccountId) -> Result<Vec<String>> {
    let now = state.now();
    store::recovery_codes::remove_all(tx, account).await?;
    let mut codes = Vec::with_capacity(COUNT);
    for _ in 0..COUNT {
        let code = new_code(&*state.random);
        store::recovery_codes::insert(tx, account, digest(account, &code), now).await?;
        codes.push(code);
    }
    Ok(codes)
}

/// Whether this is a recovery code of the account that was not used, and uses it up. Of several uses at once one succeeds.
pub async fn consume(tx: &mut Transaction, state: &State, account: AccountId, code: &str) -> Result<bool> {
    if code.len() > MAX_LENGTH {
        return Ok(false);
    }
    Ok(store::recovery_codes::consume(tx, account, digest(account, code), state.now()).await?)
}

/// Whether this is a recovery code of the account, used or not.
pub async fn is_one(conn: &mut Conn, account: AccountId, code: &str) -> Result<bool> {
    if code.len() > MAX_LENGTH {
        return Ok(false);
    }
    Ok(store::recovery_codes::exists(conn, account, digest(account, code)).await?)
}

/// A code: sixteen letters and digits, in groups of four.
fn new_code(random: &dyn Random) -> String {
    let mut bytes = [0; BYTES];
    random.fill(&mut bytes);
    let letters: Vec<char> = BASE32_NOPAD.encode(&bytes).to_ascii_lowercase().chars().collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join("-")
}

/// The digest of a code, however its letters are typed and grouped.
fn digest(account: AccountId, code: &str) -> Digest {
    let letters: String =
        code.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    Digest::of(format!("{account}/{letters}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{id::UserId, random::SeededRandom};

    #[test]
    fn a_code_is_found_however_it_is_typed() {
        let code = new_code(&SeededRandom::new(3));
        assert_eq!((code.len(), code.matches('-').count()), (19, 3));
        let account = AccountId::User(UserId::from_bits(7));
        let typed = code.replace('-', " ").to_uppercase();
        assert_eq!(digest(account, &code), digest(account, &typed));
        assert_ne!(digest(account, &code), digest(AccountId::User(UserId::from_bits(8)), &code));
    }
}

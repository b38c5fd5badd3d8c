//! An address that its owner confirms by the link of a letter.

use model::account::OneTimeCodePurpose;

use super::{
    letter_links::{self, Opened},
    visitor::Visitor,
};
use crate::app::{
    Error, Result, State, accounts::user_credentials, authorization_server::issuers::Issuer,
    principal::Principal,
};

/// What the code of a link is about, if it proves an address.
pub async fn open(state: &State, issuer: &Issuer, code: &str) -> Result<Option<Opened>> {
    letter_links::open(state, issuer, code, &[OneTimeCodePurpose::VerifyAddress]).await
}

/// Marks the address as theirs. [`Error::Unauthenticated`] where the code is good for nothing; [`Error::Conflict`] where another
/// user has proven the address meanwhile.
pub async fn verify(
    state: &State,
    issuer: &Issuer,
    opened: &Opened,
    code: &str,
    visitor: &Visitor,
) -> Result<()> {
    let principal = Principal::service(issuer.tenant.environment_id).at(visitor.address());
    let Some(address) = opened.code.address_key.as_deref() else {
        return Err(Error::Unauthenticated("this code proves no address".into()));
    };
    let of = (opened.pool.id, opened.user.id);
    user_credentials::verify_address(state, &principal, of, address, code).await
}

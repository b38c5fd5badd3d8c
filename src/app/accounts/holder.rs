//! Whoever changes their own account.

use base::id::EnvironmentId;
use model::account::AccountId;

use crate::app::principal::Principal;

/// A signed-in person as the one who changes the credentials of their own account.
#[derive(Debug, Clone, Copy)]
pub struct AccountHolder {
    /// The account.
    pub account: AccountId,
    /// The environment whose audit log tells of it; `None` for the installation's.
    pub environment_id: Option<EnvironmentId>,
    /// Who they are for the audit log.
    pub principal: Principal,
}

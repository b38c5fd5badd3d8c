//! Members of organizations: who belongs to which, and what their tier lets them do there. The organizations that users make and
//! administer themselves.
//!
//! Others that make members ([`change::add`]) or end them ([`change::end`]) do it by those two, in their own transactions: the count,
//! the audit log, the event, and what somebody has in the organization go with them.

pub(in crate::app) mod auto_join;
pub mod caller;
pub mod change;
pub mod checklist;
pub mod enforcement;
pub mod list;
pub mod manage;
pub mod organizations;
pub mod ownership;
pub mod sessions;
mod standing;
pub mod switch;

pub use caller::{Caller, Standing};
pub(super) use standing::administers;

//! Members of organizations: who belongs to which, and what their tier lets them do there. The organizations that users make and
//! administer themselves.

pub(in crate::app) mod auto_join;
pub mod caller;
pub mod checklist;
pub mod organizations;
mod standing;

pub use caller::{Caller, Standing};
pub(super) use standing::administers;

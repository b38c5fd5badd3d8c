//! The SCIM server of an organization's own users and groups (RFC 7644), in WSO2's dialect.
//!
//! It is the accounts that are read and written here; what identity providers push into a directory is at `/v1/scim`. Both have the
//! engine of the crate `scim`. Filters need no quotes here ([`scim::Quoting::Optional`]).

pub mod body;
pub mod discovery;
pub mod users;

use super::call::Call;

/// The address of the SCIM server where it was called, without a slash at its end.
pub(super) fn base<B>(call: &Call<B>) -> String {
    format!("{}{}/scim2", call.state.links.origin(), call.prefix())
}

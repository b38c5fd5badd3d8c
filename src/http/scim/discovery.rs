//! What the server says of itself (RFC 7644 §4), and what it does not serve.

use super::{answer::Answer, call::Call};
use crate::scim;

/// `/Me` and the search over all resource types: not served (RFC 7644 §3.11, §3.4.2.1).
pub(super) async fn not_served(_: Call) -> Answer {
    Err(scim::Error::NotImplemented("this address is not served here".into()).into())
}

/// Any other address.
pub(super) async fn nothing_here(_: Call) -> Answer {
    Err(scim::Error::NotFound("there is nothing at this address".into()).into())
}

//! Setup by the customer's IT admin: links and the sessions that they open.

pub mod links;
pub mod sessions;

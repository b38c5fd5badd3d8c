//! Users of one organization who are invited into another one below it, where each gets an image with roles: WSO2's invited parent
//! users. An invitation is for one person, is good for three days and once, and grants what whoever made it may give when it is
//! accepted.

mod accept;
mod error;
mod invite;
mod list;

pub use accept::{Accepted, Offer, accept, find_own, introspect};
pub use error::GuestError;
pub use invite::{Invited, MAX_GRANTS, MAX_INVITED, NewInvitations, invite};
pub use list::{GuestView, MAX_LISTED, list, remove};

//! Invitations to organizations: somebody with an address becomes a member, by a link that is good once.
//!
//! Who may invite gets to see the link, so that it works without a mail server too. A link that only the organization's own people
//! saw proves no address; the one in the letter does ([`token`]). Whoever has an account accepts with that, and with an address
//! that they have proven; whoever has none makes one by the link.
//!
//! | What | By |
//! |---|---|
//! | made, one or many; made anew; taken back; listed | whoever may say who the members are |
//! | looked at | whoever has the link |
//! | accepted | somebody who is signed in with the address, or whoever has the link and no account |

mod accept;
mod create;
pub mod error;
mod expiry;
mod lists;
mod object;
mod of_user;
mod preview;
mod record;
mod renew;
mod revoke;
mod send;
pub mod token;

pub use accept::{Accepted, NewAccount, accept, accept_as_new, joined};
pub use create::{Asked, DEFAULT_HOURS, How, InvitedMany, MAX_AT_ONCE, create, create_many};
pub use expiry::close_overdue;
pub use lists::{InvitationsQuery, find, list};
pub use object::InvitationObject;
pub use of_user::{PendingInvitation, accept_own, pending_of};
pub(in crate::app) use of_user::{all_of, erase_of};
pub use preview::{
    Opened, Preview, PreviewOrganization, account_or_rules, masked, open, preview, send_to_prove,
};
pub use renew::renew;
pub use revoke::revoke;
pub use send::Invited;

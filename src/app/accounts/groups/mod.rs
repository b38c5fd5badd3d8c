//! Groups of users, each of one identity pool, and who their members are. Who may read and change users may do so with groups.
//!
//! A change locks from the outside inwards: the organization, the pool where names change, the group, then the user who comes
//! or goes.

mod change;
mod lists;
mod members;
mod whole;

pub use change::{GroupSettings, create, remove, replace};
pub use lists::{GroupQuery, find, find_any, find_by_text, list, list_first, list_of_user, search};
pub use members::{add_member, is_member, list_members, page_of_members, remove_member};
pub use whole::{MemberChange, change_with_members, create_with_members, list_names};

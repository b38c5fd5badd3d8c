//! Roles, and who has them. A role is its organization's own; a role of the root is the vendor's, and counts also in the organizations
//! with which its application is shared. There it has an id of its own, follows the vendor's at once, and is given to that
//! organization's users and groups only.
//!
//! A change locks from the outside inwards: the organization's state, the role, then the users and groups who get it.

mod assignments;
mod change;
mod copy;
mod effective;
mod held;
mod known_permissions;
mod of_user;
mod operations;
mod set_change;
mod visible;

pub use assignments::{MAX_ASSIGNMENTS, Members, assign_user, members};
pub use change::{FirstMembers, NewRole, create, create_for, create_in, remove};
pub use copy::copy_to;
pub use effective::{RoleRef, of_user, permissions_in_application, permissions_of};
pub use held::{find_givable, may_give, require_givable_group, require_group, require_over};
pub use known_permissions::MAX_PERMISSIONS;
pub use of_user::{Held, Lost, Without, held_by, lost_without};
pub use operations::{RoleOperation, apply};
pub use set_change::SetChange;
pub use visible::{MAX_ROLES, RoleFilter, VisibleRole, find, find_there, is_there, list};

pub use crate::store::role_assignments::NamedAssignee;

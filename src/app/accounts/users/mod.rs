//! Users of identity pools: created, found, listed, changed and deleted. Their credentials and sessions are mechanisms of all
//! accounts, and live beside this.
//!
//! A change locks from the outside inwards: the organization, the pool where identifiers or numbers change, the user.

pub(super) mod addresses;
pub(super) mod change;
mod create;
pub(super) mod delete;
pub(super) mod details;
mod federated;
mod identifier_case;
pub(super) mod identifiers;
mod in_organization;
mod place;
pub(super) mod profile;
mod search;

pub use addresses::{AddressChange, NewAddress, add_address, mark_verified, remove_address, update_address};
pub use change::{UserChange, set_status, update};
pub use create::{NewUser, create, create_in_first_pool, create_with, first_pool, insert};
pub use delete::remove;
pub use details::{UserDetails, credentials, details, find, find_any};
pub use federated::{AssertedPerson, LastingName, NoAccount, ensure_pool, find_or_create};
pub use identifier_case::apply_case;
pub use identifiers::{NewIdentifier, add_identifier, remove_identifier};
pub use in_organization::{describe, find_pool, list_pools, search_in_organization};
pub use place::UserEdit;
pub(super) use place::{Purpose, lock_organization_of, lock_pool, refuse_shadow};
pub use profile::{OF_SCIM, Profile, ProfileSchemas, business_metadata_of, schemas, violations};
pub use search::{
    Found, Slice, UserKey, UserQuery, find_by_key, find_by_typed, list, list_in_organization,
    look_up_everywhere, search,
};

//! What the service does, each file a story that reads top to bottom: authorise, load, decide, store,
//! commit.

pub mod actor;
pub mod administrators;
pub mod api_keys;
pub mod audit;
pub mod authorize;
pub mod branding;
pub mod certificate_expiry;
pub mod certificates;
pub mod dns;
pub mod domains;
pub mod environments;
mod error;
pub mod events;
pub mod flows;
pub mod idempotency;
pub mod import_metadata;
pub mod import_ssoready;
pub mod input;
pub mod limits;
pub mod login_counts;
pub mod metadata;
pub mod metadata_refresh;
pub mod oauth_clients;
pub mod organizations;
pub mod outgoing;
pub mod overview;
pub mod page;
pub mod provision;
pub mod redeem;
pub mod redirect;
pub mod saml_connections;
pub mod scim_directories;
pub mod scim_people;
pub mod scim_requests;
pub mod setup_links;
pub mod sign_in;
pub mod signing_keys;
pub mod sp_keys;
mod state;
pub mod test_login;
pub mod token;
pub mod userinfo;
pub mod webhooks;

pub use error::{Error, Result};
pub use state::{ConsoleSettings, OidcProvider, Settings, State};

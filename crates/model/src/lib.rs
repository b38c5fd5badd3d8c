//! Domain types, validated on construction. No I/O.

pub mod account;
pub mod administrator;
pub mod api_key;
pub mod audit;
pub mod authorization_grant;
pub mod branding;
pub mod client_address;
pub mod color;
pub mod domain;
pub mod email;
pub mod entity_tag;
pub mod environment;
pub mod event;
pub mod federated_identity;
pub mod http_url;
pub mod idp_initiated;
pub mod idp_kind;
pub mod login_flow;
pub mod logo;
pub mod master_key;
pub mod metadata_refresh;
pub mod oauth_client;
pub mod oauth_subject;
#[cfg(feature = "openapi")]
mod openapi;
pub mod organization;
pub mod organization_domain;
pub mod saml_connection;
pub mod scim_directory;
pub mod scim_group;
pub mod scim_request;
pub mod scim_user;
pub mod search_index;
pub mod setup_link;
pub mod slug;
pub mod webhook;

//! HTTP: routes, authentication of callers, wire types, and the error format of each surface.

pub mod api_documents;
pub mod api_error;
pub mod body;
pub mod client_address;
mod conditions;
pub mod connection;
pub mod fallback;
pub mod fuzz;
pub mod health;
mod login_error;
mod method_not_allowed;
pub mod metrics;
pub mod middleware;
mod normalize;
pub mod oauth;
pub mod openapi;
pub mod reference;
mod refusals;
mod route_limits;
pub mod routes;
pub mod saml;
pub mod scim;
pub mod secureauth;
pub mod shares;
mod sign_in;
pub mod ssoready;
mod transfer_rate;

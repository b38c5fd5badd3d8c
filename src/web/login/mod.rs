//! The pages of a login: what a person sees between the app and the identity provider.

pub mod auto_post;
pub mod browser_cookie;
pub mod error_page;
pub mod error_texts;
pub mod idp_redirect;
pub mod organization_chooser;

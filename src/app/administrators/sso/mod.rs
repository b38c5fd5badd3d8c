//! Single sign-on to the console, where the operator configured it: through a SAML connection of the
//! gateway's own, or through an OpenID provider. The asserted e-mail address must be that of an administrator
//! or of an open invitation.

mod oidc;
mod pending;
mod provider;
mod saml;
mod session;

pub use oidc::{SsoRedirect, begin_oidc, finish_oidc};
pub use pending::SsoPurpose;
pub use provider::ProviderCache;
pub use saml::{begin_saml, finish_saml};
pub use session::SsoCallback;

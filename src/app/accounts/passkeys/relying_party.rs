//! The WebAuthn relying party: a host name, over https. An IP address is no relying party id (WebAuthn Level 3 §5.4.2).

use url::Url;
use webauthn_rs::prelude::{Webauthn, WebauthnBuilder};

use crate::{
    app::{Error, Result, State},
    links::Links,
};

/// Whose passkeys are made and used: the console's, or an environment's.
#[derive(Debug, Clone, Copy)]
pub struct RelyingParty<'a> {
    /// Where its pages are: the host is the relying party id.
    pub links: &'a Links,
    /// Its name, which authenticators show.
    pub name: &'a str,
}

impl<'a> RelyingParty<'a> {
    /// The console.
    pub(super) fn console(state: &'a State) -> Self {
        Self { links: &state.links, name: "Ostiary" }
    }

    fn webauthn(self) -> Option<Webauthn> {
        if !self.links.is_trustworthy() {
            return None;
        }
        let origin = Url::parse(&self.links.origin()).ok()?;
        let host = origin.domain()?.to_owned();
        WebauthnBuilder::new(&host, &origin).ok()?.rp_name(self.name).build().ok()
    }

    pub(super) fn require_webauthn(self) -> Result<Webauthn> {
        self.webauthn().ok_or_else(|| {
            Error::FailedPrecondition("passkeys need https and a host name in the public URL".into())
        })
    }
}

/// Whether passkeys can be used at this public URL.
pub fn are_supported(state: &State) -> bool {
    are_supported_at(&state.links)
}

/// Whether passkeys can be used on pages at these URLs.
pub fn are_supported_at(links: &Links) -> bool {
    RelyingParty { links, name: "" }.webauthn().is_some()
}

pub(super) fn require_webauthn(state: &State) -> Result<Webauthn> {
    RelyingParty::console(state).require_webauthn()
}

//! The WebAuthn relying party: a host name, over https. An IP address is no relying party id (WebAuthn Level 3 §5.4.2).

use url::Url;
use webauthn_rs::prelude::{Webauthn, WebauthnBuilder};

use crate::{
    app::{Error, Result, State},
    links::Links,
};

/// Whose passkeys are made and used: the console's, or those of the users of an environment, whose issuers' pages are at the public
/// URL too.
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

/// Where a passkey is made or used, and what its challenge is good for.
#[derive(Debug, Clone, Copy)]
pub struct Ceremony<'a> {
    /// Whose passkey it is.
    pub party: RelyingParty<'a>,
    /// What the answer must come with, such as the name of a sign-in under way: a challenge that was made for another one is
    /// none. Empty for any.
    pub bound_to: &'a str,
}

impl<'a> Ceremony<'a> {
    /// At the console.
    pub(super) fn console(state: &'a State) -> Self {
        Self { party: RelyingParty::console(state), bound_to: "" }
    }

    /// The context that its challenges are sealed in.
    pub(super) fn context(&self, purpose: &str) -> String {
        match self.bound_to {
            "" => purpose.to_owned(),
            bound_to => format!("{purpose}/{bound_to}"),
        }
    }
}

/// Whether passkeys can be used at this public URL.
pub fn are_supported(state: &State) -> bool {
    RelyingParty { links: &state.links, name: "" }.webauthn().is_some()
}

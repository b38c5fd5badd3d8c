//! The WebAuthn relying party. It needs a host name in the public URL: an IP address is no relying party id.

use url::Url;
use webauthn_rs::prelude::{Webauthn, WebauthnBuilder};

use crate::app::{Error, Result, State};

/// Whether passkeys can be used at this public URL.
pub fn are_supported(state: &State) -> bool {
    webauthn(state).is_some()
}

fn webauthn(state: &State) -> Option<Webauthn> {
    if !state.links.is_trustworthy() {
        return None;
    }
    let origin = Url::parse(&state.links.origin()).ok()?;
    let host = origin.domain()?.to_owned();
    WebauthnBuilder::new(&host, &origin).ok()?.rp_name("Ostiary").build().ok()
}

pub(super) fn require_webauthn(state: &State) -> Result<Webauthn> {
    webauthn(state).ok_or_else(|| {
        Error::FailedPrecondition("passkeys need https and a host name in the public URL".into())
    })
}

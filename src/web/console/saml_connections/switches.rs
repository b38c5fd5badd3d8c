//! The settings of a SAML connection that are on or off: in the form, and on the connection's page.

use maud::{Markup, html};
use model::saml_connection::SamlConnection;

use crate::web::kit::{
    components::{Icon, mark},
    forms::{FormValues, FormView},
};

/// A setting that is on or off.
pub struct Switch {
    /// Its name in the API.
    name: &'static str,
    /// What it says beside the checkbox: what is so when it is on.
    label: &'static str,
    /// What it is for.
    hint: &'static str,
    /// Its name on the connection's page, and what is said there when it is on, and when it is off.
    shown: [&'static str; 3],
    /// Whether it makes logins less safe.
    risky: bool,
    of: fn(&SamlConnection) -> bool,
}

/// Those about logins.
pub const LOGINS: &[Switch] = &[
    Switch {
        name: "forceAuthn",
        label: "People sign in anew each time",
        hint: "Asks the identity provider not to use a session that it has (ForceAuthn).",
        shown: ["Sign in anew each time", "asked for", "not asked for"],
        risky: false,
        of: |connection| connection.force_authn,
    },
    Switch {
        name: "signAuthnRequests",
        label: "Sign our requests",
        hint: "Only for identity providers that demand it. They find our certificate in the metadata.",
        shown: ["Our requests", "signed", "not signed"],
        risky: false,
        of: |connection| connection.sign_authn_requests,
    },
    Switch {
        name: "disabled",
        label: "Switched off",
        hint: "Takes effect at once: its logins are refused, and its codes and tokens end. Everything else is kept.",
        shown: ["In use", "no", "yes"],
        risky: false,
        of: |connection| connection.disabled,
    },
];

/// Those about encryption and old algorithms.
pub const ALGORITHMS: &[Switch] = &[
    Switch {
        name: "assertionEncryption",
        label: "Let assertions be encrypted",
        hint: "Publishes our encryption certificate in the metadata. Some identity providers, ADFS among them, encrypt as soon as they see one.",
        shown: ["Encrypted assertions", "offered", "not offered"],
        risky: false,
        of: |connection| connection.assertion_encryption,
    },
    Switch {
        name: "allowCbcEncryption",
        label: "Also accept AES-CBC",
        hint: "For identity providers that cannot do AES-GCM. CBC has known weaknesses; the signature still protects the login.",
        shown: ["AES-CBC", "accepted", "refused"],
        risky: true,
        of: |connection| connection.allow_cbc_encryption,
    },
    Switch {
        name: "allowSha1",
        label: "Also accept SHA-1 signatures",
        hint: "SHA-1 is broken. For identity providers that cannot be changed any more, and only until they can.",
        shown: ["SHA-1 signatures", "accepted", "refused"],
        risky: true,
        of: |connection| connection.allow_sha1,
    },
];

/// The checkboxes.
pub fn fields(view: &FormView<'_>, switches: &'static [Switch]) -> Markup {
    html! { @for switch in switches { (view.checkbox(switch.name, switch.label).hint(switch.hint)) } }
}

/// The values of the checkboxes.
pub fn values(values: FormValues, connection: &SamlConnection) -> FormValues {
    let all = LOGINS.iter().chain(ALGORITHMS);
    all.fold(values, |values, switch| values.with_flag(switch.name, (switch.of)(connection)))
}

/// What the connection's page says of them.
pub fn facts(connection: &SamlConnection) -> Vec<(&'static str, Markup)> {
    let all = LOGINS.iter().chain(ALGORITHMS);
    all.map(|switch| {
        let [name, on, off] = switch.shown;
        let said = match ((switch.of)(connection), switch.risky) {
            (true, true) => mark(Icon::Attention, on),
            (true, false) => html! { (on) },
            (false, _) => html! { (off) },
        };
        (name, said)
    })
    .collect()
}

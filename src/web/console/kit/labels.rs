//! Names and state marks that several pages of the console share.

use maud::{Markup, html};
use model::{
    domain::DomainState, oidc_connection::OidcConnection, organization::Organization,
    saml_connection::SamlConnection, scim_directory::ScimDirectory,
};

use crate::web::kit::{
    components::{Icon, mark, notice},
    forms::FormErrors,
};

/// An organization's display name, else its name, external id, first domain or id.
pub(in crate::web::console) fn organization(organization: &Organization) -> String {
    let name = organization.shown_name().trim();
    match (name, &organization.external_id, organization.domains.keys().next()) {
        ("", Some(id), _) => id.clone(),
        ("", None, Some(domain)) => domain.to_string(),
        ("", None, None) => organization.id.to_string(),
        (name, ..) => name.to_owned(),
    }
}

/// A connection's name: the host of its single sign-on URL, or its entity id.
pub(in crate::web::console) fn connection(connection: &SamlConnection) -> String {
    let host =
        connection.idp_redirect_url.as_ref().and_then(|url| Some(url.to_url()?.host_str()?.to_owned()));
    host.or_else(|| connection.idp_entity_id.clone()).unwrap_or_else(|| "Not set up yet".to_owned())
}

/// Whether the connection has all settings that a login needs.
pub(in crate::web::console) fn connection_state(connection: &SamlConnection) -> Markup {
    html! {
        @if connection.disabled { (switched_off()) }
        @else if connection.missing_settings().is_empty() { (mark(Icon::Good, "Ready")) }
        @else { (mark(Icon::Attention, "Settings missing")) }
        @if connection.primary { " " span.tag { "primary" } }
        @if connection.test { " " span.tag { "test identity provider" } }
    }
}

/// The name of an OIDC connection: its own, or the host of its issuer.
pub(in crate::web::console) fn oidc_connection(connection: &OidcConnection) -> String {
    let host = || {
        let issuer = connection.issuer.as_deref()?;
        Some(url::Url::parse(issuer).ok()?.host_str()?.to_owned())
    };
    match connection.display_name.as_str() {
        "" => host().unwrap_or_else(|| "Not set up yet".to_owned()),
        name => name.to_owned(),
    }
}

/// Whether an OIDC connection has all settings that a login needs.
pub(in crate::web::console) fn oidc_connection_state(connection: &OidcConnection) -> Markup {
    html! {
        @if connection.disabled { (switched_off()) }
        @else if connection.missing_settings().is_empty() { (mark(Icon::Good, "Ready")) }
        @else { (mark(Icon::Attention, "Settings missing")) }
        @if connection.primary { " " span.tag { "primary" } }
        @if connection.test { " " span.tag { "test identity provider" } }
    }
}

/// The mark of what is switched off.
pub(in crate::web::console) fn switched_off() -> Markup {
    mark(Icon::Attention, "Switched off")
}

/// The notice of what is switched off: what that means, and for those who may, how to switch it on.
pub(in crate::web::console) fn switched_off_notice(what: &str, effect: &str, edit: Option<&str>) -> Markup {
    notice(
        Icon::Attention,
        &format!("This {what} is switched off"),
        html! {
            p { (effect) }
            @if let Some(edit) = edit { p { a href=(edit) { "Switch it on again" } } }
        },
    )
}

/// The mark of a primary directory.
pub(in crate::web::console) fn directory_tags(directory: &ScimDirectory) -> Markup {
    html! {
        @if directory.primary { span.tag { "primary" } }
        @if directory.disabled { " " (switched_off()) }
    }
}

/// The state of a domain as a mark.
pub(in crate::web::console) fn domain_state(state: DomainState) -> Markup {
    match state {
        DomainState::Whitelisted => mark(Icon::Good, "Counts: you approved it"),
        DomainState::Verified => mark(Icon::Good, "Counts: proved by DNS"),
        DomainState::Pending => mark(Icon::Attention, "Waits for approval or proof"),
        DomainState::Failed => mark(Icon::Bad, "DNS did not prove it"),
    }
}

/// `1 connection`, `2 connections`: the number with the word for one or for several.
pub(in crate::web::console) fn count(number: usize, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

/// [`count`] of the items on a first page, if there may be more: "more than 100".
pub(in crate::web::console) fn at_least(number: usize, more: bool, one: &str, several: &str) -> String {
    let counted = count(number, one, several);
    if more { format!("more than {counted}") } else { counted }
}

/// Builds a path in the environment from a pattern and its segments.
pub(in crate::web::console) type Href<'a> = &'a dyn Fn(&str, &[&dyn std::fmt::Display]) -> String;

/// The errors of filters in the query string.
pub(in crate::web::console) fn filter_error_notice(errors: &FormErrors) -> Markup {
    notice(
        Icon::Bad,
        "This filter finds nothing",
        html! {
            ul { @for (field, reason) in errors.all() { li { (field) ": " (reason) } } }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_agree_with_their_nouns() {
        assert_eq!(count(1, "directory", "directories"), "1 directory");
        assert_eq!(count(0, "directory", "directories"), "0 directories");
        assert_eq!(at_least(100, true, "connection", "connections"), "more than 100 connections");
    }
}

//! What a route takes of the caller's access token.

use crate::app::{authorization_server::scopes::ManagementScope, permissions::Scopes};

/// Where a route can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// At the root only.
    Root,
    /// In an organization only.
    Organization,
    /// At both.
    Both,
}

/// What a route takes: any of these scopes, each without its prefix, which depends on where it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// Where it can be called.
    pub at: At,
    /// Any of these scopes.
    pub any: &'static [&'static str],
}

impl Needs {
    /// One of these scopes, at the root and in organizations.
    pub const fn any(any: &'static [&'static str]) -> Self {
        Self { at: At::Both, any }
    }

    /// One of these scopes, at the root only.
    pub const fn at_root(any: &'static [&'static str]) -> Self {
        Self { at: At::Root, any }
    }

    /// One of these scopes, in organizations only.
    pub const fn in_organization(any: &'static [&'static str]) -> Self {
        Self { at: At::Organization, any }
    }

    /// What scopes of a token, separated by spaces, permit here: what those of them permit that the route takes. `None` if none is.
    pub fn permitted(self, scopes: &str, in_organization: bool) -> Option<Scopes> {
        let scopes = scopes.split(' ').filter_map(ManagementScope::parse);
        let fitting =
            scopes.filter(|scope| scope.in_organization == in_organization && self.any.contains(&scope.name));
        let permitted: Scopes = fitting.map(|scope| scope.permits).collect();
        (permitted != Scopes::NONE).then_some(permitted)
    }
}

//! The page for which somebody signs in, or proves once more who they are: of their account, or of an organization's administration.
//! A cookie, a link and a form carry its name, never an address.

use super::frame::Section;
use crate::links::{console, expand};

/// What names of pages of the administration begin with.
const ADMIN: &str = "admin";

/// How long the name of a page is at most.
const MAX_LENGTH: usize = 300;

/// A page to come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A page of the account.
    Account(Section),
    /// A page of an organization's administration: what stands for the organization in paths, and the page below its first one.
    Admin {
        /// The organization.
        workspace: String,
        /// The rest of the path; empty for the first page.
        rest: String,
    },
}

impl Wanted {
    /// The page with this name; the whole account for any other text.
    pub fn of(name: &str) -> Self {
        Self::admin(name).unwrap_or_else(|| Self::Account(Section::of(name)))
    }

    fn admin(name: &str) -> Option<Self> {
        let mut segments = name.split('/');
        let is_admin = segments.next() == Some(ADMIN) && name.len() <= MAX_LENGTH;
        let is_plain = |segment: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            !matches!(segment, "" | "." | "..") && segment.bytes().all(plain)
        };
        let segments: Vec<&str> = segments.collect();
        let (workspace, rest) = segments.split_first().filter(|_| is_admin)?;
        if !segments.iter().all(|segment| is_plain(segment)) {
            return None;
        }
        Some(Self::Admin { workspace: (*workspace).to_owned(), rest: rest.join("/") })
    }

    /// The page of the administration of an organization that a path names; its first page for what is none.
    pub fn admin_page(tenant: &str, workspace: &str, path: &str) -> Self {
        let base = expand(console::DELEGATED, &[&tenant, &workspace]);
        let rest = path.strip_prefix(&base).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default();
        let first = || Self::Admin { workspace: workspace.to_owned(), rest: String::new() };
        match rest {
            "" => first(),
            rest => Self::admin(&format!("{ADMIN}/{workspace}/{rest}")).unwrap_or_else(first),
        }
    }

    /// Its name.
    pub fn name(&self) -> String {
        match self {
            Self::Account(section) => section.name().to_owned(),
            Self::Admin { workspace, rest } if rest.is_empty() => format!("{ADMIN}/{workspace}"),
            Self::Admin { workspace, rest } => format!("{ADMIN}/{workspace}/{rest}"),
        }
    }

    /// Its path, for whoever is signed in at this organization of the environment.
    pub fn path(&self, tenant: &str, own: &str) -> String {
        match self {
            Self::Account(section) => expand(section.pattern(), &[&tenant, &own]),
            Self::Admin { workspace, rest } => {
                let base = expand(console::DELEGATED, &[&tenant, workspace]);
                if rest.is_empty() { base } else { format!("{base}/{rest}") }
            }
        }
    }

    /// Whether it is the first page of the account, where everybody comes who wants no other.
    pub fn is_first(&self) -> bool {
        *self == Self::Account(Section::Account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_pages_are_read_and_nothing_else_is() {
        for (name, path) in [
            ("account", "/prod/acme/account"),
            ("passkeys", "/prod/acme/account/passkeys"),
            ("admin/acme", "/prod/acme/admin"),
            ("admin/globex/users/usr_1/edit", "/prod/globex/admin/users/usr_1/edit"),
        ] {
            let wanted = Wanted::of(name);
            assert_eq!((wanted.name(), wanted.path("prod", "acme")), (name.to_owned(), path.to_owned()));
        }
        let long = format!("admin/acme/{}", "x".repeat(300));
        for other in [
            "admin",
            "admin/",
            "admin/..",
            "admin/acme/../x",
            "admin//evil.example",
            "admin/acme/?x",
            "admin/a b",
            &long,
        ] {
            assert!(Wanted::of(other).is_first(), "{other}");
        }
        let of = |path: &str| Wanted::admin_page("prod", "acme", path).path("prod", "acme");
        assert_eq!(of("/prod/acme/admin/users/usr_1"), "/prod/acme/admin/users/usr_1");
        assert_eq!(of("/prod/acme/admin/users/%2e%2e"), "/prod/acme/admin");
        assert_eq!(of("/elsewhere"), "/prod/acme/admin");
    }
}

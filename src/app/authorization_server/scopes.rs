//! The scopes of the system workspace, and what they permit on our own APIs.

use crate::app::permissions::{Scope, Scopes};

/// The scope with which a client of the system workspace is told about every token of the environment.
pub const INTROSPECT_TOKENS: &str = "introspect_tokens";

/// The scope with which a client of the system workspace revokes every token of the environment.
pub const REVOKE_TOKENS: &str = "revoke_tokens";

/// The scopes that service clients of the system workspace may hold: SecureAuth's, and SigID's for organizations. Those that
/// permit nothing here are accepted for clients that ask for them.
pub const SYSTEM_SCOPES: [&str; 21] = [
    "identity",
    "identity_self_registration",
    INTROSPECT_TOKENS,
    "manage_clients",
    "manage_configuration",
    "manage_consents",
    "manage_logins",
    "manage_organizations",
    "manage_post_authn",
    "manage_scope_grants",
    "organizations:read",
    "organizations:write",
    "push_gateway_requests",
    "read_configuration",
    "read_gateway_configuration",
    REVOKE_TOKENS,
    "view_audit_events",
    "view_clients",
    "view_consents",
    "view_organizations",
    "write_gateway_configuration",
];

/// What these scopes of a token of the system workspace permit.
pub fn permissions<'a>(scopes: impl Iterator<Item = &'a str>) -> Scopes {
    scopes.flat_map(permitted).copied().collect()
}

fn permitted(scope: &str) -> &'static [Scope] {
    match scope {
        "manage_organizations" | "organizations:write" => &[Scope::OrganizationsManage],
        "manage_configuration" => &[Scope::OrganizationsManage, Scope::Identity],
        "view_organizations" | "organizations:read" => &[Scope::OrganizationsView],
        "identity" => &[Scope::Identity],
        "identity_self_registration" => &[Scope::SelfRegistration],
        "view_audit_events" => &[Scope::AuditEvents],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scope_permits_what_it_says_and_no_more() {
        let all = [
            Scope::OrganizationsView,
            Scope::OrganizationsManage,
            Scope::Identity,
            Scope::SelfRegistration,
            Scope::AuditEvents,
        ];
        for (scope, permitted) in [
            ("manage_organizations", &[Scope::OrganizationsManage][..]),
            ("organizations:write", &[Scope::OrganizationsManage]),
            ("manage_configuration", &[Scope::OrganizationsManage, Scope::Identity]),
            ("view_organizations", &[Scope::OrganizationsView]),
            ("organizations:read", &[Scope::OrganizationsView]),
            ("identity", &[Scope::Identity]),
            ("identity_self_registration", &[Scope::SelfRegistration]),
            ("view_audit_events", &[Scope::AuditEvents]),
            ("manage_clients", &[]),
            ("", &[]),
            ("Identity", &[]),
        ] {
            let scopes = permissions([scope].into_iter());
            for one in all {
                assert_eq!(scopes.contains(one), permitted.contains(&one), "{scope}: {one:?}");
            }
            assert!(!scopes.contains_any(&[Scope::App, Scope::Management]), "{scope}");
        }
        assert!(SYSTEM_SCOPES.is_sorted());
    }
}

//! The scopes of the system workspace and WSO2's, and what they permit on our own APIs.

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

/// The scopes of WSO2's management APIs, each without its prefix: `internal_` at the root, `internal_org_` in an organization. Those
/// of audit events, directories and domains are ours: WSO2 has none. Connections are set up as a whole, by `idp_update`. With what each
/// permits, in words.
const MANAGEMENT_SCOPES: &[(&str, Scope, &str)] = &[
    ("application_mgt_create", Scope::ApplicationsManage, "Create applications"),
    ("application_mgt_delete", Scope::ApplicationsManage, "Delete applications"),
    ("application_mgt_update", Scope::ApplicationsManage, "Change applications"),
    ("application_mgt_view", Scope::ApplicationsView, "See applications"),
    ("audit_event_view", Scope::AuditEvents, "Read the audit log"),
    ("directory_mgt_update", Scope::Scim, "Set up the directories that push users here"),
    ("directory_mgt_view", Scope::ScimView, "See the directories that push users here"),
    ("domain_mgt_update", Scope::Domains, "Add and prove e-mail domains"),
    ("domain_mgt_view", Scope::DomainsView, "See e-mail domains"),
    ("group_mgt_create", Scope::GroupsManage, "Create groups of users"),
    ("group_mgt_delete", Scope::GroupsManage, "Delete groups of users"),
    ("group_mgt_list", Scope::GroupsView, "List groups of users"),
    ("group_mgt_update", Scope::GroupsManage, "Change groups, and who is in them"),
    ("group_mgt_view", Scope::GroupsView, "See groups of users"),
    ("guest_mgt_invite_add", Scope::GuestsManage, "Invite users of other organizations"),
    ("guest_mgt_invite_delete", Scope::GuestsManage, "Withdraw invitations of users of other organizations"),
    ("guest_mgt_invite_list", Scope::GuestsView, "See invitations of users of other organizations"),
    ("idp_create", Scope::SamlView, "See connections to identity providers (for programs that ask for it)"),
    ("idp_delete", Scope::SamlView, "See connections to identity providers (for programs that ask for it)"),
    ("idp_update", Scope::Saml, "Set up single sign-on with an identity provider"),
    ("idp_view", Scope::SamlView, "See connections to identity providers"),
    ("organization_create", Scope::OrganizationsManage, "Create organizations"),
    ("organization_delete", Scope::OrganizationsManage, "Delete organizations"),
    ("organization_update", Scope::OrganizationsManage, "Change organizations"),
    ("organization_view", Scope::OrganizationsView, "See organizations"),
    ("role_mgt_create", Scope::RolesCreate, "Create roles"),
    ("role_mgt_delete", Scope::RolesDelete, "Delete roles"),
    ("role_mgt_update", Scope::RolesUpdate, "Change roles, and give them to people"),
    ("role_mgt_view", Scope::RolesView, "See roles, and who has them"),
    ("shared_application_create", Scope::ApplicationsManage, "Share applications with organizations"),
    ("shared_application_delete", Scope::ApplicationsManage, "End the sharing of applications"),
    ("shared_application_view", Scope::ApplicationsView, "See with whom applications are shared"),
    ("user_mgt_create", Scope::UsersCreate, "Add and invite users"),
    ("user_mgt_delete", Scope::UsersDelete, "Delete users"),
    ("user_mgt_list", Scope::UsersView, "List users"),
    ("user_mgt_update", Scope::UsersUpdate, "Change users, their passwords, and switch them off"),
    ("user_mgt_view", Scope::UsersView, "See users"),
];

/// A scope of WSO2's management APIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManagementScope {
    /// It without its prefix.
    pub name: &'static str,
    /// Whether it counts in an organization; else at the root.
    pub in_organization: bool,
    /// What it permits.
    pub permits: Scope,
    /// What that is, in words.
    pub meaning: &'static str,
}

impl ManagementScope {
    /// Reads a scope; `None` for one that is not of these APIs.
    pub fn parse(scope: &str) -> Option<Self> {
        let (in_organization, rest) = match scope.strip_prefix("internal_org_") {
            // `internal_organization_view` begins with other letters.
            Some(rest) => (true, rest),
            None => (false, scope.strip_prefix("internal_")?),
        };
        let (name, permits, meaning) = MANAGEMENT_SCOPES.iter().find(|(name, ..)| *name == rest)?;
        let permits = match permits {
            // Not what the vendor may: accept a domain without proof, say.
            Scope::OrganizationsManage if in_organization => Scope::BranchManage,
            permits => *permits,
        };
        Some(Self { name, in_organization, permits, meaning })
    }

    /// All of them, as they are written: for lists to choose from.
    pub fn all() -> impl Iterator<Item = String> {
        let both = ["internal_", "internal_org_"];
        both.into_iter()
            .flat_map(|prefix| MANAGEMENT_SCOPES.iter().map(move |(name, ..)| format!("{prefix}{name}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_of_wso2_counts_at_the_root_or_in_an_organization() {
        let read = |text| ManagementScope::parse(text).map(|scope| (scope.name, scope.in_organization));
        assert_eq!(read("internal_organization_view"), Some(("organization_view", false)));
        assert_eq!(read("internal_org_organization_view"), Some(("organization_view", true)));
        assert_eq!(read("internal_user_mgt_list"), Some(("user_mgt_list", false)));
        assert_eq!(read("internal_org_user_mgt_list"), Some(("user_mgt_list", true)));
        for other in
            ["", "internal_", "internal_org_", "user_mgt_list", "internal_login", "Internal_user_mgt_list"]
        {
            assert_eq!(read(other), None, "{other}");
        }
        assert!(ManagementScope::all().all(|scope| ManagementScope::parse(&scope).is_some()));
    }

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

//! Roles, and where they are granted.

use base::id::EnvironmentId;
use strum::{EnumString, IntoStaticStr, VariantArray};

/// What an administrator may do in an environment. Each role may do what those before it may.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, EnumString, VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum Role {
    /// May read everything.
    Viewer,
    /// May change what is in the environment.
    Admin,
    /// May assign roles, and change or delete the environment itself.
    Owner,
}

impl Role {
    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A role, granted in one environment or in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleGrant {
    /// The environment; `None` for all, including future ones.
    pub environment_id: Option<EnvironmentId>,
    /// The role.
    pub role: Role,
}

/// All roles granted to one administrator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleGrants(pub Vec<RoleGrant>);

impl RoleGrants {
    /// The role granted in all environments.
    pub fn global_role(&self) -> Option<Role> {
        self.0.iter().find(|grant| grant.environment_id.is_none()).map(|grant| grant.role)
    }

    /// The effective role in one environment, the higher of the two grants, and whether it comes from the
    /// global one.
    pub fn role_in(&self, environment_id: EnvironmentId) -> Option<(Role, bool)> {
        let everywhere = self.global_role();
        let own = self.0.iter().find(|grant| grant.environment_id == Some(environment_id));
        match (own.map(|grant| grant.role), everywhere) {
            (Some(own), Some(everywhere)) if own <= everywhere => Some((everywhere, true)),
            (Some(own), _) => Some((own, false)),
            (None, Some(everywhere)) => Some((everywhere, true)),
            (None, None) => None,
        }
    }

    /// The environments with a grant of their own.
    pub fn environments(&self) -> impl Iterator<Item = EnvironmentId> {
        self.0.iter().filter_map(|grant| grant.environment_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_role_counts() {
        let (here, there) = (EnvironmentId::from_bits(1), EnvironmentId::from_bits(2));
        let grants = |everywhere: Option<Role>, own: Option<Role>| {
            let everywhere = everywhere.map(|role| RoleGrant { environment_id: None, role });
            let own = own.map(|role| RoleGrant { environment_id: Some(here), role });
            RoleGrants(everywhere.into_iter().chain(own).collect())
        };
        for (everywhere, own, in_here, in_there) in [
            (None, None, None, None),
            (None, Some(Role::Admin), Some((Role::Admin, false)), None),
            (Some(Role::Viewer), None, Some((Role::Viewer, true)), Some((Role::Viewer, true))),
            (Some(Role::Viewer), Some(Role::Owner), Some((Role::Owner, false)), Some((Role::Viewer, true))),
            (Some(Role::Owner), Some(Role::Viewer), Some((Role::Owner, true)), Some((Role::Owner, true))),
        ] {
            let grants = grants(everywhere, own);
            assert_eq!((grants.role_in(here), grants.role_in(there)), (in_here, in_there));
        }
    }

    #[test]
    fn roles_contain_one_another() {
        assert!(Role::Viewer < Role::Admin && Role::Admin < Role::Owner);
    }
}

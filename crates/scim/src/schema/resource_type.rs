//! The resource types (RFC 7643 §6).

use super::{
    definition::Schema,
    tables::{GROUP, USER},
};

/// A resource type (RFC 7643 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceType {
    /// A user account.
    User,
    /// A group of users and groups.
    Group,
}

impl ResourceType {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::User, Self::Group];

    /// Its core schema.
    pub const fn schema(self) -> &'static Schema {
        match self {
            Self::User => &USER,
            Self::Group => &GROUP,
        }
    }

    /// The name of its resource type, as in `meta.resourceType`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// The last segment of its endpoint.
    pub const fn endpoint(self) -> &'static str {
        match self {
            Self::User => "Users",
            Self::Group => "Groups",
        }
    }

    /// Finds a resource type by the last segment of its endpoint, ignoring case.
    pub fn from_endpoint(segment: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.endpoint().eq_ignore_ascii_case(segment))
    }

    /// Finds a resource type by its name, ignoring case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_types_are_found_whatever_the_case_of_their_names() {
        assert_eq!(ResourceType::from_endpoint("users"), Some(ResourceType::User));
        assert_eq!(ResourceType::from_name("group"), Some(ResourceType::Group));
    }
}

//! The rights of the management APIs to choose from, by what they are about, each with what it means.

use std::collections::BTreeSet;

use crate::{
    app::authorization_server::scopes::ManagementScope,
    web::kit::forms::{Choice, ChoiceGroup, Others},
};

/// What the names of scopes begin with, and what these are about.
const SUBJECTS: [(&str, &str); 11] = [
    ("user_mgt", "Users"),
    ("group_mgt", "Groups"),
    ("guest_mgt", "Guests"),
    ("role_mgt", "Roles"),
    ("idp", "Single sign-on"),
    ("directory_mgt", "Directories"),
    ("domain_mgt", "E-mail domains"),
    ("audit_event", "Audit log"),
    ("organization", "Organizations"),
    ("application_mgt", "Applications"),
    ("shared_application", "Sharing of applications"),
];

/// The scopes of your own APIs, beside those that are known.
pub(in crate::web::console) const OWN_SCOPES: Others<'static> = Others {
    label: "Scopes of your own APIs",
    hint: "One a line. What they permit is decided by your APIs. The others are above.",
};

/// The rights that can be chosen.
pub(in crate::web::console) struct PermissionChoices(Vec<(String, Vec<(String, &'static str)>)>);

impl PermissionChoices {
    /// Those of the root, and those in an organization.
    pub fn everywhere() -> Self {
        Self::of(&[true, false], |in_organization, subject| match in_organization {
            true => format!("{subject}, in an organization"),
            false => format!("{subject}, in the whole environment"),
        })
    }

    /// Those in an organization; with `only`, of these.
    pub fn in_organization(only: Option<&BTreeSet<String>>) -> Self {
        let all = Self::of(&[true], |_, subject| subject.to_owned());
        let may = |name: &String| only.is_none_or(|only| only.contains(name));
        let kept = all.0.into_iter().map(|(title, names)| {
            (title, names.into_iter().filter(|(name, _)| may(name)).collect::<Vec<_>>())
        });
        Self(kept.filter(|(_, names)| !names.is_empty()).collect())
    }

    fn of(places: &[bool], title: impl Fn(bool, &str) -> String) -> Self {
        let known: Vec<(String, ManagementScope)> = ManagementScope::all()
            .filter_map(|name| ManagementScope::parse(&name).map(|scope| (name, scope)))
            .collect();
        let mut groups = Vec::new();
        for in_organization in places {
            for (prefix, subject) in SUBJECTS {
                let is_of = |scope: &ManagementScope| {
                    scope.in_organization == *in_organization
                        && scope.name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('_'))
                };
                let own = known.iter().filter(|(_, scope)| is_of(scope));
                let own = own.map(|(name, scope)| (name.clone(), scope.meaning)).collect();
                groups.push((title(*in_organization, subject), own));
            }
        }
        Self(groups)
    }

    /// The boxes.
    pub fn groups(&self) -> Vec<ChoiceGroup<'_>> {
        let groups = self.0.iter().map(|(title, names)| ChoiceGroup {
            title,
            choices: names.iter().map(|(name, meaning)| Choice::new(name, meaning, name)).collect(),
        });
        groups.collect()
    }
}

/// What a permission means, in words; itself where it is of an API of the vendor's.
pub(in crate::web::console) fn meaning(permission: &str) -> &str {
    ManagementScope::parse(permission).map_or(permission, |scope| scope.meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_right_is_offered_once() {
        let all: BTreeSet<String> = ManagementScope::all().collect();
        let choices = PermissionChoices::everywhere();
        let groups = choices.groups();
        let offered: Vec<&str> =
            groups.iter().flat_map(|group| &group.choices).map(|choice| choice.value).collect();
        assert_eq!(offered.len(), all.len());
        assert!(offered.iter().all(|name| all.contains(*name)), "{offered:?}");
        let some = BTreeSet::from(["internal_org_user_mgt_list".to_owned()]);
        let few = PermissionChoices::in_organization(Some(&some));
        assert_eq!(few.groups().len(), 1);
    }
}

use base::id::Id;
use model::{organization::Organization, scim_directory::ScimDirectory};
use proptest::prelude::*;
use scim::work_budget::MAX_WORK_UNITS;

use crate::app::directories::{provisioning::membership_plan::*, quota};

fn ids(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn ids_added_and_removed_again_are_in_neither_set() {
    let mut delta = MembershipDelta::default();
    delta.add(ids(&["a", "b"]));
    delta.remove(ids(&["a", "c"]));
    delta.add(ids(&["c"]));
    assert_eq!((delta.added.len(), delta.removed.len()), (1, 0));
    assert!(delta.added.contains("b") && !delta.is_empty());
    delta.remove(ids(&["b"]));
    assert!(delta.is_empty());
}

const GROUP: u128 = 1_000;

fn directory() -> ProvisioningTarget {
    let at = Timestamp::from_millis(0);
    ProvisioningTarget {
        directory: ScimDirectory {
            id: Id::from_bits(1),
            environment_id: Id::from_bits(2),
            organization_id: Id::from_bits(3),
            version: 1,
            primary: true,
            scim_base_url: "http://x".into(),
            allow_foreign_secondary_emails: false,
            allow_users_without_email: false,
            refuse_inactive_logins: true,
            require_provisioned_logins: false,
            disabled: false,
            idp_kind: None,
            created_at: at,
            updated_at: at,
        },
        organization: Organization::new(Id::from_bits(3), Id::from_bits(2), at),
        allowance: quota::Allowance::unlimited(),
    }
}

fn user(number: u128) -> ScimMemberId {
    ScimMemberId::User(Id::from_bits(number))
}

fn member(number: u128, display: Option<&str>) -> Member {
    let mut member = Member::new(user(number).to_string());
    if let Some(display) = display {
        member.attributes.insert("display".into(), display.into());
    }
    member
}

/// The members of a group with their attributes.
type Membership = BTreeMap<ScimMemberId, Map<String, Value>>;

/// The effect of the changes, applied one by one.
fn one_by_one(before: &Membership, changes: &[MembershipChange]) -> Membership {
    let directory = directory();
    let mut now = before.clone();
    let add = |now: &mut Membership, members: &[Member]| {
        for member in members {
            let id = ScimMemberId::parse(&member.value).unwrap();
            now.entry(id).or_insert_with(|| stored_attributes(member));
        }
    };
    for change in changes {
        match change {
            MembershipChange::Add(members) => add(&mut now, members),
            MembershipChange::Remove(ids) => now.retain(|id, _| !ids.contains(&id.to_string())),
            MembershipChange::Replace(members) => {
                now.retain(|id, _| members.iter().any(|member| member.value == id.to_string()));
                add(&mut now, members);
            }
            MembershipChange::RemoveWhere(path) => now.retain(|id, attributes| {
                let member = ScimMember { id: *id, attributes: attributes.clone() };
                !path.selects(&render::member(&directory, &member))
            }),
        }
    }
    now
}

/// The effect of a plan.
fn executed(before: &Membership, plan: &MembershipPlan) -> Membership {
    let mut now = before.clone();
    match &plan.removals {
        Removals::Only(removals) => now.retain(|id, _| !removals.contains(&id.to_string())),
        Removals::AllExcept(kept) => now.retain(|id, _| kept.contains(&id.to_string())),
    }
    for member in &plan.additions {
        now.entry(member.id).or_insert_with(|| member.attributes.clone());
    }
    now
}

/// The plan from the stored members, all on one page.
fn from_stored(before: &Membership, changes: &[MembershipChange]) -> MembershipPlan {
    let directory = directory();
    let steps = Steps::index(Id::from_bits(GROUP), changes.to_vec()).unwrap();
    let mut plan = MembershipPlan {
        removals: Removals::Only(Vec::new()),
        additions: Vec::new(),
        referenced: BTreeSet::new(),
        version_bound: true,
    };
    let mut work = WorkBudget::new(MAX_WORK_UNITS);
    for (id, attributes) in before {
        let stored = ScimMember { id: *id, attributes: attributes.clone() };
        let outcome = steps.outcome(&directory, *id, Some(&stored), &mut work).unwrap();
        plan.add_outcome(*id, true, outcome);
    }
    for id in steps.referenced.iter().filter(|id| !before.contains_key(id)) {
        let outcome = steps.outcome(&directory, *id, None, &mut work).unwrap();
        plan.referenced.insert(*id);
        plan.add_outcome(*id, false, outcome);
    }
    plan
}

fn changes() -> impl Strategy<Value = Vec<MembershipChange>> {
    let display = prop::option::of(prop::sample::select(vec!["x", "y"]));
    let members = prop::collection::vec((0_u128..6, display), 0..4).prop_map(|members| {
        members.into_iter().map(|(number, display)| member(number, display)).collect::<Vec<_>>()
    });
    let change = prop_oneof![
        members.clone().prop_map(MembershipChange::Add),
        members.clone().prop_map(|members| {
            MembershipChange::Remove(members.into_iter().map(|member| member.value).collect())
        }),
        prop::sample::select(vec![
            "members[display eq \"x\"]",
            "members[not (display pr)]",
            "members[display eq \"y\" and type eq \"User\"]",
        ])
        .prop_map(|path| MembershipChange::RemoveWhere(Path::parse(path).unwrap())),
    ];
    (prop::option::of(members), prop::collection::vec(change, 0..6)).prop_map(|(first, changes)| {
        first.map(MembershipChange::Replace).into_iter().chain(changes).collect()
    })
}

proptest! {
    #[test]
    fn a_plan_does_what_its_changes_do_one_by_one(
        before in prop::collection::btree_map(0_u128..6, prop::option::of(prop::sample::select(vec!["x", "y"])), 0..5),
        changes in changes(),
    ) {
        let before: Membership =
            before.into_iter().map(|(number, display)| (user(number), stored_attributes(&member(number, display)))).collect();
        let expected = one_by_one(&before, &changes);
        prop_assert_eq!(&executed(&before, &from_stored(&before, &changes)), &expected);
        let plan = MembershipPlan::from_changes(Id::from_bits(GROUP), &changes).unwrap();
        let filtered = changes.iter().any(|change| matches!(change, MembershipChange::RemoveWhere(_)));
        prop_assert_eq!(plan.is_none(), filtered);
        if let Some(plan) = plan {
            prop_assert_eq!(&executed(&before, &plan), &expected);
        }
    }
}

#[test]
fn an_added_member_must_exist_even_if_it_is_removed_again() {
    let changes =
        [MembershipChange::Add(vec![member(1, None)]), MembershipChange::Remove(vec![user(1).to_string()])];
    let plan = MembershipPlan::from_changes(Id::from_bits(GROUP), &changes).unwrap().unwrap();
    assert_eq!(plan.referenced, BTreeSet::from([user(1)]));
    assert_eq!((plan.additions, plan.removals), (Vec::new(), Removals::Only(vec![user(1).to_string()])));
    let itself =
        [MembershipChange::Add(vec![Member::new(ScimMemberId::Group(Id::from_bits(GROUP)).to_string())])];
    assert!(MembershipPlan::from_changes(Id::from_bits(GROUP), &itself).is_err());
}

#[test]
fn filters_times_members_are_refused_before_one_is_read() {
    let where_ = MembershipChange::RemoveWhere(Path::parse("members[display co \"x\"]").unwrap());
    let steps = |count: usize| Steps::index(Id::from_bits(GROUP), vec![where_.clone(); count]).unwrap();
    let mut work = WorkBudget::new(MAX_WORK_UNITS);
    let error = steps(4_000).check(10_000, &mut work).unwrap_err();
    assert!(error.detail().contains("4000") && error.detail().contains("10000 members"), "{error}");
    assert!(work.is_exhausted() && work.spent() == 0);
    let mut work = WorkBudget::new(MAX_WORK_UNITS);
    assert!(steps(3).check(100_000, &mut work).is_ok());
}

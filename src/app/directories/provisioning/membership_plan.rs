//! Changes of a group's members; only the affected rows are written.
//!
//! The combined effect of all operations is computed first, as a [`MembershipPlan`], and then executed by a few statements
//! over sets of rows. Only a filter on members, or a large replacement, needs to read the stored members; that is
//! done before the transaction.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use base::{id::ScimGroupId, time::Timestamp};
use model::scim_group::{ScimMember, ScimMemberId};
use scim::{Member, MembershipChange, Path, WorkBudget, work_budget};
use serde_json::{Map, Value};

use super::{
    error::{Error, Result},
    render,
};
use crate::{
    app::{State, directories::tokens::ProvisioningTarget},
    store::{self, Transaction, scim_members::MAX_EXCEPT},
};

/// How many members are read at a time.
const MEMBERS_PER_READ: i64 = 1000;

/// The net effect of a request on the members.
#[derive(Debug, Default)]
pub(super) struct MembershipDelta {
    /// The members that were added.
    pub(super) added: BTreeSet<String>,
    /// The members that were removed.
    pub(super) removed: BTreeSet<String>,
}

impl MembershipDelta {
    /// Whether nothing changed.
    pub(super) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    fn add(&mut self, ids: Vec<String>) {
        for id in ids {
            if !self.removed.remove(&id) {
                self.added.insert(id);
            }
        }
    }

    fn remove(&mut self, ids: Vec<String>) {
        for id in ids {
            if !self.added.remove(&id) {
                self.removed.insert(id);
            }
        }
    }
}

/// The changes to make to a group's members.
#[derive(Debug, PartialEq)]
pub(super) struct MembershipPlan {
    /// The members to remove, first.
    removals: Removals,
    /// The members to add afterwards; an existing one does not change.
    additions: Vec<ScimMember>,
    /// The users and groups that must exist in the directory.
    referenced: BTreeSet<ScimMemberId>,
    /// Whether it was computed from the stored members, and so is valid for one version of the group only.
    pub(super) version_bound: bool,
}

#[derive(Debug, PartialEq)]
enum Removals {
    /// These ids.
    Only(Vec<String>),
    /// All except these: at most [`MAX_EXCEPT`].
    AllExcept(Vec<String>),
}

impl MembershipPlan {
    /// The plan from the changes alone; `None` if the stored members must be read.
    pub(super) fn from_changes(group: ScimGroupId, changes: &[MembershipChange]) -> Result<Option<Self>> {
        struct MemberState {
            removed: bool,
            present: Option<ScimMember>,
        }
        let (mut outcomes, mut referenced, mut all) =
            (BTreeMap::<String, MemberState>::new(), BTreeSet::new(), false);
        for change in changes {
            // An Add after a Replace without that member: the Replace removes the stored one.
            let removed = all && matches!(change, MembershipChange::Add(_));
            let members = match change {
                MembershipChange::Add(members) => members,
                MembershipChange::Replace(members) if members.len() <= MAX_EXCEPT => {
                    outcomes.clear();
                    all = true;
                    members
                }
                MembershipChange::Remove(ids) => {
                    for id in ids {
                        outcomes.insert(id.clone(), MemberState { removed: true, present: None });
                    }
                    continue;
                }
                MembershipChange::Replace(_) | MembershipChange::RemoveWhere(_) => return Ok(None),
            };
            for member in members {
                let member = parse_member(group, member)?;
                referenced.insert(member.id);
                let outcome =
                    outcomes.entry(member.id.to_string()).or_insert(MemberState { removed, present: None });
                outcome.present.get_or_insert(member);
            }
        }
        let (mut removed, mut kept, mut additions) = (Vec::new(), Vec::new(), Vec::new());
        for (id, outcome) in outcomes {
            match (outcome.removed, &outcome.present) {
                (true, _) => removed.push(id),
                (false, Some(_)) => kept.push(id),
                (false, None) => {}
            }
            additions.extend(outcome.present);
        }
        let removals = match all {
            true => Removals::AllExcept(kept),
            false => Removals::Only(removed),
        };
        Ok(Some(Self { removals, additions, referenced, version_bound: false }))
    }

    /// The plan from the stored members, which are read in pages; no connection is held while a page is evaluated. It
    /// is valid for the version of the group that the caller read before. [`scim::Error::TooLarge`]: the evaluation
    /// takes more work than is left.
    pub(super) async fn from_stored_members(
        state: &State,
        directory: &ProvisioningTarget,
        group: ScimGroupId,
        changes: Vec<MembershipChange>,
        work: &mut WorkBudget,
    ) -> Result<Self> {
        let of = Some(directory.directory.id);
        let steps = state.offload.run(of, usize::MAX, move || Steps::index(group, changes)).await??;
        let counted = store::scim_members::count(&mut state.db.read().await?, &[group]).await?;
        steps.check(u64::try_from(counted.first().copied().unwrap_or(0)).unwrap_or(0), work)?;
        let (steps, directory) = (Arc::new(steps), Arc::new(directory.clone()));
        let mut plan = Self {
            removals: Removals::Only(Vec::new()),
            additions: Vec::new(),
            referenced: BTreeSet::new(),
            version_bound: true,
        };
        let (mut seen, mut after) = (HashSet::new(), String::new());
        loop {
            let page =
                store::scim_members::list(&mut state.db.read().await?, group, &after, MEMBERS_PER_READ)
                    .await?;
            let Some(last) = page.last() else { break };
            after = last.id.to_string();
            let (steps, directory, mut left) = (Arc::clone(&steps), Arc::clone(&directory), work.clone());
            let looked_at = move || {
                let outcomes: Result<Vec<_>, scim::Error> = page
                    .into_iter()
                    .map(|stored| {
                        let outcome = steps.outcome(&directory, stored.id, Some(&stored), &mut left)?;
                        Ok((stored.id, outcome))
                    })
                    .collect();
                (outcomes, left)
            };
            let (outcomes, left) = state.offload.run(of, usize::MAX, looked_at).await?;
            *work = left;
            for (id, outcome) in outcomes? {
                plan.add_outcome(id, true, outcome);
                seen.insert(id);
            }
        }
        let left = work.clone();
        let looked_at = move || {
            let mut left = left;
            let new = steps.referenced.iter().filter(|id| !seen.contains(id));
            let outcomes: Result<Vec<_>, scim::Error> =
                new.map(|&id| Ok((id, steps.outcome(&directory, id, None, &mut left)?))).collect();
            (outcomes, left)
        };
        let (outcomes, left) = state.offload.run(of, usize::MAX, looked_at).await?;
        *work = left;
        for (id, outcome) in outcomes? {
            plan.referenced.insert(id);
            plan.add_outcome(id, false, outcome);
        }
        Ok(plan)
    }

    fn add_outcome(&mut self, id: ScimMemberId, stored: bool, outcome: MemberOutcome) {
        let remove = |plan: &mut Self| {
            if let Removals::Only(ids) = &mut plan.removals {
                ids.push(id.to_string());
            }
        };
        match outcome {
            MemberOutcome::Unchanged => {}
            MemberOutcome::NotMember if stored => remove(self),
            MemberOutcome::NotMember => {}
            MemberOutcome::New(member) => {
                if stored {
                    remove(self);
                }
                self.additions.push(member);
            }
        }
    }

    /// Executes the plan. The caller has locked the group.
    pub(super) async fn execute(
        &self,
        tx: &mut Transaction,
        directory: &ProvisioningTarget,
        group: ScimGroupId,
        now: Timestamp,
    ) -> Result<MembershipDelta> {
        let mut delta = MembershipDelta::default();
        delta.remove(match &self.removals {
            Removals::Only(ids) => store::scim_members::remove(tx, group, ids).await?,
            Removals::AllExcept(kept) => store::scim_members::remove_except(tx, group, kept).await?,
        });
        check_members_exist(tx, directory, &self.referenced).await?;
        delta
            .add(store::scim_members::insert(tx, directory.directory.id, group, &self.additions, now).await?);
        Ok(delta)
    }
}

/// The result for one stored or referenced member.
#[derive(Debug, PartialEq)]
enum MemberOutcome {
    /// No change.
    Unchanged,
    /// Not a member.
    NotMember,
    /// A member with the attributes of the request.
    New(ScimMember),
}

/// The changes of a request, indexed by member.
struct Steps {
    steps: Vec<Step>,
    referenced: BTreeSet<ScimMemberId>,
}

enum Step {
    Add(HashMap<ScimMemberId, ScimMember>),
    Remove(HashSet<String>),
    Replace(HashMap<ScimMemberId, ScimMember>),
    RemoveWhere(Path),
}

impl Step {
    /// The minimum work for one member.
    fn cost(&self) -> u64 {
        match self {
            Self::RemoveWhere(path) => path.filter().map_or(1, scim::Filter::terms),
            Self::Add(_) | Self::Remove(_) | Self::Replace(_) => 1,
        }
    }
}

impl Steps {
    fn index(group: ScimGroupId, changes: Vec<MembershipChange>) -> Result<Self> {
        let mut referenced = BTreeSet::new();
        let mut by_id = |members: &[Member]| {
            let mut known = HashMap::with_capacity(members.len());
            for member in members {
                let member = parse_member(group, member)?;
                referenced.insert(member.id);
                known.entry(member.id).or_insert(member);
            }
            Ok::<_, Error>(known)
        };
        let steps = changes.into_iter().map(|change| {
            Ok(match change {
                MembershipChange::Add(members) => Step::Add(by_id(&members)?),
                MembershipChange::Remove(ids) => Step::Remove(ids.into_iter().collect()),
                MembershipChange::Replace(members) => Step::Replace(by_id(&members)?),
                MembershipChange::RemoveWhere(path) => Step::RemoveWhere(path),
            })
        });
        let steps = steps.collect::<Result<_>>()?;
        Ok(Self { steps, referenced })
    }

    /// Refuses changes that take too much work for a group of this size, before any member is read.
    fn check(&self, members: u64, work: &mut WorkBudget) -> Result<(), scim::Error> {
        let each: u64 = self.steps.iter().map(Step::cost).sum();
        let needed = members.saturating_add(self.referenced.len() as u64).saturating_mul(each);
        let mut copy = work.clone();
        copy.spend(needed).map_err(|_| {
            work.spend(u64::MAX).ok();
            let count = self.steps.len();
            scim::Error::TooLarge(format!(
                "{count} changes of membership by filters are too many for a group of {members} members; \
                 name members by `members[value eq \"…\"]`, or send fewer such operations in one request"
            ))
        })
    }

    fn outcome(
        &self,
        directory: &ProvisioningTarget,
        id: ScimMemberId,
        stored: Option<&ScimMember>,
        work: &mut WorkBudget,
    ) -> Result<MemberOutcome, scim::Error> {
        let text = id.to_string();
        let (mut now, mut sent) = (stored, false);
        let mut shown: Option<(Value, u64)> = None;
        for step in &self.steps {
            match step {
                Step::Add(members) | Step::Replace(members) if members.contains_key(&id) => {
                    if now.is_none() {
                        (now, sent, shown) = (members.get(&id), true, None);
                    }
                }
                Step::Replace(_) => now = None,
                Step::Remove(ids) if ids.contains(&text) => now = None,
                Step::Add(_) | Step::Remove(_) => {}
                Step::RemoveWhere(path) => {
                    let Some(member) = now else { continue };
                    let (value, weight) = shown.get_or_insert_with(|| {
                        let value = render::member(directory, member);
                        let weight = work_budget::weight(&value);
                        (value, weight)
                    });
                    work.spend(weight.saturating_mul(step.cost()))?;
                    if path.selects(value) {
                        now = None;
                    }
                }
            }
            work.spend(1)?;
        }
        Ok(match now {
            None => MemberOutcome::NotMember,
            Some(member) if sent && stored.is_none_or(|stored| stored.attributes != member.attributes) => {
                MemberOutcome::New(member.clone())
            }
            Some(_) => MemberOutcome::Unchanged,
        })
    }
}

/// Parses a member; a group cannot contain itself.
fn parse_member(group: ScimGroupId, member: &Member) -> Result<ScimMember> {
    let id = ScimMemberId::parse(&member.value).ok_or_else(|| unknown_member(&member.value))?;
    if id == ScimMemberId::Group(group) {
        return Err(scim::Error::InvalidValue("members: a group cannot be in itself".into()).into());
    }
    Ok(ScimMember { id, attributes: stored_attributes(member) })
}

/// Refuses members that are not users or groups of this directory.
async fn check_members_exist(
    tx: &mut Transaction,
    directory: &ProvisioningTarget,
    referenced: &BTreeSet<ScimMemberId>,
) -> Result<()> {
    let (mut users, mut groups) = (Vec::new(), Vec::new());
    for id in referenced {
        match id {
            ScimMemberId::User(id) => users.push(*id),
            ScimMemberId::Group(id) => groups.push(*id),
        }
    }
    let directory_id = directory.directory.id;
    let known_users = store::scim_users::list_existing(tx, directory_id, &users).await?;
    let known_groups = store::scim_groups::list_existing(tx, directory_id, &groups).await?;
    let missing = referenced.iter().find(|id| match id {
        ScimMemberId::User(id) => !known_users.contains(id),
        ScimMemberId::Group(id) => !known_groups.contains(id),
    });
    missing.map_or(Ok(()), |missing| Err(unknown_member(&missing.to_string())))
}

/// The attributes of a member that are stored (`display`). `type` and `$ref` follow from its id.
fn stored_attributes(member: &Member) -> Map<String, Value> {
    let mut attributes = member.attributes.clone();
    for ours in ["type", "$ref"] {
        attributes.remove(ours);
    }
    attributes
}

/// The same error for ids of other directories.
fn unknown_member(id: &str) -> Error {
    let shown: String = id.chars().take(80).flat_map(char::escape_debug).collect();
    scim::Error::InvalidValue(format!("members: there is no user or group \"{shown}\" here")).into()
}

#[cfg(test)]
mod tests;

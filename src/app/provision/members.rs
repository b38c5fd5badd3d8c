//! Changes of a group's membership: each touches the rows it names and no others.
//!
//! What several operations do in the end is worked out first, as a [`Plan`], and then carried out by a
//! few statements over sets of rows. Only what asks what is known of each member (a filter), or replaces
//! many, needs to read the members; that is done before the transaction.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use serde_json::{Map, Value, json};

use super::{Directory, Result, render};
use crate::{
    app::{
        State,
        events::{self, NewEvent},
        scim_usage,
    },
    model::{
        event::EventKind,
        id::ScimGroupId,
        scim_group::{ScimMember, ScimMemberId},
        time::Timestamp,
    },
    scim::{self, Member, MembershipChange, Path, WorkBudget, work},
    store::{self, Transaction, scim_members::MAX_EXCEPT},
};

/// How many members are looked at at once.
const PAGE: i64 = 1000;

/// How many members one event tells of. More of them make more events.
const TOLD_AT_ONCE: usize = 1000;

/// What a request did to a membership in the end.
#[derive(Debug, Default)]
pub(super) struct Delta {
    added: BTreeSet<String>,
    removed: BTreeSet<String>,
}

impl Delta {
    /// Whether everything is as it was.
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

/// What is to be done to the membership of a group.
#[derive(Debug, PartialEq)]
pub(super) struct Plan {
    /// Who is taken out first.
    gone: Gone,
    /// Who comes in then; of one who is a member by then nothing changes.
    come: Vec<ScimMember>,
    /// Who must be there: living users and groups of the directory.
    named: BTreeSet<ScimMemberId>,
    /// Whether it holds for the members that were read only, and so for one version of the group.
    pub(super) of_one_version: bool,
}

#[derive(Debug, PartialEq)]
enum Gone {
    /// Those of these who are members.
    These(Vec<String>),
    /// All but these: at most [`MAX_EXCEPT`].
    AllBut(Vec<String>),
}

impl Plan {
    /// The plan that follows from the changes alone; `None` where the members must be read.
    pub(super) fn without_reading(group: ScimGroupId, changes: &[MembershipChange]) -> Result<Option<Self>> {
        struct Fate {
            removed: bool,
            present: Option<ScimMember>,
        }
        let (mut fates, mut named, mut all) = (BTreeMap::<String, Fate>::new(), BTreeSet::new(), false);
        for change in changes {
            // Whoever is added behind a Replace that left them out was taken out by it.
            let removed = all && matches!(change, MembershipChange::Add(_));
            let members = match change {
                MembershipChange::Add(members) => members,
                MembershipChange::Replace(members) if members.len() <= MAX_EXCEPT => {
                    fates.clear();
                    all = true;
                    members
                }
                MembershipChange::Remove(ids) => {
                    for id in ids {
                        fates.insert(id.clone(), Fate { removed: true, present: None });
                    }
                    continue;
                }
                MembershipChange::Replace(_) | MembershipChange::RemoveWhere(_) => return Ok(None),
            };
            for member in members {
                let member = read(group, member)?;
                named.insert(member.id);
                let fate = fates.entry(member.id.to_string()).or_insert(Fate { removed, present: None });
                fate.present.get_or_insert(member);
            }
        }
        let (mut removed, mut kept, mut come) = (Vec::new(), Vec::new(), Vec::new());
        for (id, fate) in fates {
            match (fate.removed, &fate.present) {
                (true, _) => removed.push(id),
                (false, Some(_)) => kept.push(id),
                (false, None) => {}
            }
            come.extend(fate.present);
        }
        let gone = match all {
            true => Gone::AllBut(kept),
            false => Gone::These(removed),
        };
        Ok(Some(Self { gone, come, named, of_one_version: false }))
    }

    /// The plan for the members that a group has now, which are read a page at a time: no connection is
    /// held while they are looked at. It is good for the version of the group that was read before.
    /// [`scim::Error::TooLarge`]: looking at them takes more work than there is.
    pub(super) async fn by_reading(
        state: &State,
        directory: &Directory,
        group: ScimGroupId,
        changes: Vec<MembershipChange>,
        work: &mut WorkBudget,
    ) -> Result<Self> {
        let of = Some(directory.directory.id);
        let steps = state.offload.run(of, usize::MAX, move || Steps::read(group, changes)).await??;
        let counted = store::scim_members::count(&mut state.db.read().await?, &[group]).await?;
        steps.check(u64::try_from(counted.first().copied().unwrap_or(0)).unwrap_or(0), work)?;
        let (steps, directory) = (Arc::new(steps), Arc::new(directory.clone()));
        let mut plan = Self {
            gone: Gone::These(Vec::new()),
            come: Vec::new(),
            named: BTreeSet::new(),
            of_one_version: true,
        };
        let (mut seen, mut after) = (HashSet::new(), String::new());
        loop {
            let page = store::scim_members::list(&mut state.db.read().await?, group, &after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id.to_string();
            let (steps, directory, mut left) = (Arc::clone(&steps), Arc::clone(&directory), work.clone());
            let looked_at = move || {
                let fates: Result<Vec<_>, scim::Error> = page
                    .into_iter()
                    .map(|stored| {
                        let fate = steps.fate(&directory, stored.id, Some(&stored), &mut left)?;
                        Ok((stored.id, fate))
                    })
                    .collect();
                (fates, left)
            };
            let (fates, left) = state.offload.run(of, usize::MAX, looked_at).await?;
            *work = left;
            for (id, fate) in fates? {
                plan.note(id, true, fate);
                seen.insert(id);
            }
        }
        let left = work.clone();
        let looked_at = move || {
            let mut left = left;
            let new = steps.named.iter().filter(|id| !seen.contains(id));
            let fates: Result<Vec<_>, scim::Error> =
                new.map(|&id| Ok((id, steps.fate(&directory, id, None, &mut left)?))).collect();
            (fates, left)
        };
        let (fates, left) = state.offload.run(of, usize::MAX, looked_at).await?;
        *work = left;
        for (id, fate) in fates? {
            plan.named.insert(id);
            plan.note(id, false, fate);
        }
        Ok(plan)
    }

    fn note(&mut self, id: ScimMemberId, stored: bool, fate: Fate) {
        let gone = |plan: &mut Self| {
            if let Gone::These(ids) = &mut plan.gone {
                ids.push(id.to_string());
            }
        };
        match fate {
            Fate::Unchanged => {}
            Fate::Absent if stored => gone(self),
            Fate::Absent => {}
            Fate::New(member) => {
                if stored {
                    gone(self);
                }
                self.come.push(member);
            }
        }
    }

    /// Carries it out. The caller has locked the group.
    pub(super) async fn carry_out(
        &self,
        tx: &mut Transaction,
        directory: &Directory,
        group: ScimGroupId,
        now: Timestamp,
    ) -> Result<Delta> {
        let mut delta = Delta::default();
        delta.remove(match &self.gone {
            Gone::These(ids) => store::scim_members::remove(tx, group, ids).await?,
            Gone::AllBut(kept) => store::scim_members::remove_except(tx, group, kept).await?,
        });
        check_there(tx, directory, &self.named).await?;
        delta.add(store::scim_members::insert(tx, directory.directory.id, group, &self.come, now).await?);
        Ok(delta)
    }
}

/// What becomes of one who is a member or is named.
#[derive(Debug, PartialEq)]
enum Fate {
    /// A member as before, or none as before.
    Unchanged,
    /// No member.
    Absent,
    /// A member with what was sent now.
    New(ScimMember),
}

/// Changes of a membership in a form in which each member's fate is looked up.
struct Steps {
    steps: Vec<Step>,
    named: BTreeSet<ScimMemberId>,
}

enum Step {
    Add(HashMap<ScimMemberId, ScimMember>),
    Remove(HashSet<String>),
    Replace(HashMap<ScimMemberId, ScimMember>),
    RemoveWhere(Path),
}

impl Step {
    /// What it costs for one member, at the least.
    fn cost(&self) -> u64 {
        match self {
            Self::RemoveWhere(path) => path.filter().map_or(1, scim::Filter::terms),
            Self::Add(_) | Self::Remove(_) | Self::Replace(_) => 1,
        }
    }
}

impl Steps {
    fn read(group: ScimGroupId, changes: Vec<MembershipChange>) -> Result<Self> {
        let mut named = BTreeSet::new();
        let mut by_id = |members: &[Member]| {
            let mut known = HashMap::with_capacity(members.len());
            for member in members {
                let member = read(group, member)?;
                named.insert(member.id);
                known.entry(member.id).or_insert(member);
            }
            Ok::<_, super::Error>(known)
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
        Ok(Self { steps, named })
    }

    /// Refuses what would take too much work with a group of so many, before any of them is read.
    fn check(&self, members: u64, work: &mut WorkBudget) -> Result<(), scim::Error> {
        let each: u64 = self.steps.iter().map(Step::cost).sum();
        let needed = members.saturating_add(self.named.len() as u64).saturating_mul(each);
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

    fn fate(
        &self,
        directory: &Directory,
        id: ScimMemberId,
        stored: Option<&ScimMember>,
        work: &mut WorkBudget,
    ) -> Result<Fate, scim::Error> {
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
                        let weight = work::weight(&value);
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
            None => Fate::Absent,
            Some(member) if sent && stored.is_none_or(|stored| stored.attributes != member.attributes) => {
                Fate::New(member.clone())
            }
            Some(_) => Fate::Unchanged,
        })
    }
}

/// A member as it is stored. A group is not in itself.
fn read(group: ScimGroupId, member: &Member) -> Result<ScimMember> {
    let id = ScimMemberId::parse(&member.value).ok_or_else(|| unknown(&member.value))?;
    if id == ScimMemberId::Group(group) {
        return Err(scim::Error::InvalidValue("members: a group cannot be in itself".into()).into());
    }
    Ok(ScimMember { id, attributes: sent(member) })
}

/// Refuses members who are not there: living users and groups of this directory.
async fn check_there(
    tx: &mut Transaction,
    directory: &Directory,
    named: &BTreeSet<ScimMemberId>,
) -> Result<()> {
    let (mut users, mut groups) = (Vec::new(), Vec::new());
    for id in named {
        match id {
            ScimMemberId::User(id) => users.push(*id),
            ScimMemberId::Group(id) => groups.push(*id),
        }
    }
    let directory_id = directory.directory.id;
    let known_users = store::scim_users::list_existing(tx, directory_id, &users).await?;
    let known_groups = store::scim_groups::list_existing(tx, directory_id, &groups).await?;
    let missing = named.iter().find(|id| match id {
        ScimMemberId::User(id) => !known_users.contains(id),
        ScimMemberId::Group(id) => !known_groups.contains(id),
    });
    missing.map_or(Ok(()), |missing| Err(unknown(&missing.to_string())))
}

/// What is kept of what was sent with a member: its `display`. The rest follows from its id.
fn sent(member: &Member) -> Map<String, Value> {
    let mut attributes = member.attributes.clone();
    for ours in ["type", "$ref"] {
        attributes.remove(ours);
    }
    attributes
}

/// Ids of other directories are not known here either.
fn unknown(id: &str) -> super::Error {
    let shown: String = id.chars().take(80).flat_map(char::escape_debug).collect();
    scim::Error::InvalidValue(format!("members: there is no user or group \"{shown}\" here")).into()
}

/// Tells of a change of membership.
pub(super) async fn record_delta(
    tx: &mut Transaction,
    directory: &Directory,
    group: ScimGroupId,
    now: Timestamp,
    delta: &Delta,
) -> Result<()> {
    let added: Vec<String> = delta.added.iter().cloned().collect();
    let removed: Vec<String> = delta.removed.iter().cloned().collect();
    record(tx, directory, group, now, &added, &removed).await
}

/// Tells who came into a group and who went.
pub(super) async fn record(
    tx: &mut Transaction,
    directory: &Directory,
    group: ScimGroupId,
    now: Timestamp,
    added: &[String],
    removed: &[String],
) -> Result<()> {
    let (mut added, mut removed) = (added.chunks(TOLD_AT_ONCE), removed.chunks(TOLD_AT_ONCE));
    let chunks = std::iter::from_fn(|| match (added.next(), removed.next()) {
        (None, None) => None,
        (came, went) => Some((came.unwrap_or_default(), went.unwrap_or_default())),
    });
    let changes = chunks.map(|(came, went)| event(directory, group, came, went)).collect();
    record_changes(tx, directory, now, changes).await
}

/// Tells that somebody, or a group, went out of each of these groups.
pub(super) async fn record_left(
    tx: &mut Transaction,
    directory: &Directory,
    groups: &[ScimGroupId],
    now: Timestamp,
    member: &str,
) -> Result<()> {
    let went = [member.to_owned()];
    let changes = groups.iter().map(|group| event(directory, *group, &[], &went)).collect();
    record_changes(tx, directory, now, changes).await
}

async fn record_changes(
    tx: &mut Transaction,
    directory: &Directory,
    now: Timestamp,
    changes: Vec<NewEvent<'_>>,
) -> Result<()> {
    let counted = changes.iter().map(|change| (change.kind, &change.data));
    scim_usage::count_all(tx, directory, now, counted).await?;
    events::record_all(tx, now, changes).await?;
    Ok(())
}

fn event<'a>(
    directory: &'a Directory,
    group: ScimGroupId,
    added: &[String],
    removed: &[String],
) -> NewEvent<'a> {
    NewEvent {
        environment: &directory.directory.environment_id,
        organization: &directory.directory.organization_id,
        directory: Some(&directory.directory.id),
        kind: EventKind::GroupMembershipChanged,
        resource: group.to_string(),
        data: json!({ "added": added, "removed": removed }),
    }
}

#[cfg(test)]
mod tests;

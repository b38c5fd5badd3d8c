//! Changes of a group's membership: each touches the rows it names and no others.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Directory, Result, render};
use crate::{
    app::events::{self, NewEvent},
    model::{
        event::EventKind,
        id::ScimGroupId,
        scim_group::{ScimMember, ScimMemberId},
        time::Timestamp,
    },
    scim::{self, Member, MembersChange},
    store::{self, Transaction},
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

/// Does what a request wants of the membership of a group, in order. The caller has locked the group.
pub(super) async fn apply(
    tx: &mut Transaction,
    directory: &Directory,
    group: ScimGroupId,
    changes: &[MembersChange],
    now: Timestamp,
) -> Result<Delta> {
    let mut delta = Delta::default();
    for change in changes {
        match change {
            MembersChange::Add(members) => add(tx, directory, group, members, now, &mut delta).await?,
            MembersChange::Remove(ids) => {
                delta.remove(store::scim_members::remove(tx, group, ids).await?);
            }
            MembersChange::Replace(members) => {
                let kept: BTreeSet<&str> = members.iter().map(|member| member.value.as_str()).collect();
                let present = store::scim_members::list_ids(tx, group).await?;
                let gone: Vec<String> =
                    present.into_iter().filter(|id| !kept.contains(id.as_str())).collect();
                delta.remove(store::scim_members::remove(tx, group, &gone).await?);
                add(tx, directory, group, members, now, &mut delta).await?;
            }
            MembersChange::RemoveWhere(path) => {
                let mut after = String::new();
                loop {
                    let page = store::scim_members::list(tx, group, &after, PAGE).await?;
                    let Some(last) = page.last() else { break };
                    after = last.id.to_string();
                    let gone: Vec<String> = page
                        .iter()
                        .filter(|member| path.selects(&render::member(directory, member)))
                        .map(|member| member.id.to_string())
                        .collect();
                    delta.remove(store::scim_members::remove(tx, group, &gone).await?);
                }
            }
        }
    }
    Ok(delta)
}

/// Adds members, who must be there: living users and groups of this directory, and not the group itself.
async fn add(
    tx: &mut Transaction,
    directory: &Directory,
    group: ScimGroupId,
    members: &[Member],
    now: Timestamp,
    delta: &mut Delta,
) -> Result<()> {
    let mut seen = BTreeSet::new();
    let mut wanted = Vec::with_capacity(members.len());
    for member in members {
        let id = ScimMemberId::parse(&member.value).ok_or_else(|| unknown(&member.value))?;
        if id == ScimMemberId::Group(group) {
            return Err(scim::Error::InvalidValue("members: a group cannot be in itself".into()).into());
        }
        if seen.insert(id) {
            wanted.push(ScimMember { id, attributes: sent(member) });
        }
    }
    let (mut users, mut groups) = (Vec::new(), Vec::new());
    for id in &seen {
        match id {
            ScimMemberId::User(id) => users.push(*id),
            ScimMemberId::Group(id) => groups.push(*id),
        }
    }
    let directory_id = directory.directory.id;
    let known_users = store::scim_users::list_living(tx, directory_id, &users).await?;
    let known_groups = store::scim_groups::list_living(tx, directory_id, &groups).await?;
    if let Some(missing) = seen.iter().find(|id| match id {
        ScimMemberId::User(id) => !known_users.contains(id),
        ScimMemberId::Group(id) => !known_groups.contains(id),
    }) {
        return Err(unknown(&missing.to_string()));
    }
    delta.add(store::scim_members::insert(tx, directory_id, group, &wanted, now).await?);
    Ok(())
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
    loop {
        let (came, went) = (added.next(), removed.next());
        if came.is_none() && went.is_none() {
            return Ok(());
        }
        let event = NewEvent {
            environment: &directory.directory.environment_id,
            organization: &directory.directory.organization_id,
            directory: Some(&directory.directory.id),
            kind: EventKind::GroupMembershipChanged,
            resource: group.to_string(),
            data: json!({ "added": came.unwrap_or_default(), "removed": went.unwrap_or_default() }),
        };
        events::record(tx, now, event).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_came_and_went_again_did_neither() {
        let ids = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let mut delta = Delta::default();
        delta.add(ids(&["a", "b"]));
        delta.remove(ids(&["a", "c"]));
        delta.add(ids(&["c"]));
        assert_eq!((delta.added.len(), delta.removed.len()), (1, 0));
        assert!(delta.added.contains("b") && !delta.is_empty());
        delta.remove(ids(&["b"]));
        assert!(delta.is_empty());
    }
}

//! Import of SCIM users, groups and memberships.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::{
    CHANGED_HERE, ID_TAKEN, ImportRecords, ImportStatus, Importer, REMOVED_HERE, ResourceKind, digest_of,
};
use crate::{
    app::{
        Error, Result,
        directories::{
            ProvisioningTarget,
            provisioning::{
                self,
                import::{self, AccountStatus},
            },
            usage::Allowance,
        },
        input,
    },
    model::{
        email::Email,
        id::{EnvironmentId, ScimDirectoryId, ScimGroupId, ScimUserId},
        scim_group::ScimGroup,
        scim_user::ScimUser,
        time::Timestamp,
    },
    store::{
        self, Transaction,
        imports::{Table, user_name_key},
        ssoready::{SourceGroup, SourceUser},
    },
};

const NO_DIRECTORY: &str = "its directory is not here";

/// A cache of the directories of a page.
#[derive(Default)]
struct Directories(HashMap<ScimDirectoryId, Option<ProvisioningTarget>>);

impl Directories {
    async fn find(
        &mut self,
        tx: &mut Transaction,
        environment: EnvironmentId,
        id: ScimDirectoryId,
    ) -> Result<Option<ProvisioningTarget>> {
        if let Some(known) = self.0.get(&id) {
            return Ok(known.clone());
        }
        let mut found = None;
        if let Some(directory) = store::scim_directories::find(tx, environment, id).await? {
            let organization = store::organizations::find(tx, environment, directory.organization_id).await?;
            found = organization.map(|organization| ProvisioningTarget {
                directory,
                organization,
                allowance: Allowance::unlimited(),
            });
        }
        self.0.insert(id, found.clone());
        Ok(found)
    }
}

/// The stored attributes of a resource. Empty if they are no JSON object.
fn attributes(json: Option<&str>) -> Map<String, Value> {
    match json.map(serde_json::from_str) {
        Some(Ok(Value::Object(attributes))) => attributes,
        _ => Map::new(),
    }
}

/// The status of a user. SSOReady has one flag for deactivated and deleted users. A user whose attributes still
/// say `active` was deleted; any other was deactivated. Neither can log in, and an identity provider can continue
/// with a deactivated user under the id that it knows.
fn status(theirs: &SourceUser, attributes: &Map<String, Value>) -> AccountStatus {
    let active = attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case("active")).map(|(_, v)| v);
    let says_active = match active {
        Some(Value::Bool(active)) => *active,
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        _ => false,
    };
    match (theirs.deleted, says_active) {
        (false, _) => AccountStatus::Active,
        (true, true) => AccountStatus::Deleted,
        (true, false) => AccountStatus::Inactive,
    }
}

/// Why a user is skipped, without their address.
fn skip_reason(user_name: &str, error: provisioning::Error) -> Result<String> {
    let address = Email::parse(user_name);
    match (error, address) {
        (provisioning::Error::App(Error::Internal(source)), _) => Err(Error::Internal(source)),
        _ if user_name.is_empty() => Ok("it has no e-mail address".to_owned()),
        (_, None) => Ok("its e-mail address is malformed".to_owned()),
        (provisioning::Error::Scim(crate::scim::Error::InvalidValue(_)), Some(address)) => Ok(format!(
            "its address is at {}, which is not among the imported domains of the organization",
            address.domain()
        )),
        (error, Some(_)) => Ok(error.to_string()),
    }
}

fn internal(error: provisioning::Error) -> Error {
    match error {
        provisioning::Error::App(error) => error,
        provisioning::Error::Scim(error) => Error::internal(error.to_string()),
    }
}

impl Importer<'_> {
    pub(super) async fn import_groups(
        &mut self,
        environment: EnvironmentId,
        with_events: bool,
    ) -> Result<()> {
        let mut after = None;
        loop {
            let page = self.source.list_groups(environment, after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id);
            let mut tx = self.begin_page().await?;
            self.write_groups(&mut tx, environment, &page, with_events).await?;
            self.commit_page(tx, ResourceKind::ScimGroup).await?;
        }
    }

    async fn write_groups(
        &mut self,
        tx: &mut Transaction,
        environment: EnvironmentId,
        page: &[SourceGroup],
        with_events: bool,
    ) -> Result<()> {
        const KIND: ResourceKind = ResourceKind::ScimGroup;
        let mut records =
            ImportRecords::load(tx, Table::ScimGroups, page.iter().map(|it| it.id), self.now).await?;
        let mut directories = Directories::default();
        for theirs in page {
            let id = theirs.id;
            let source = digest_of(&(&theirs.display_name, theirs.deleted, &theirs.attributes));
            let before = match records.status(id, source) {
                ImportStatus::Unchanged => {
                    self.report.counts_of(KIND).unchanged += 1;
                    continue;
                }
                ImportStatus::IdTaken => {
                    self.report.skip(KIND, id, ID_TAKEN);
                    continue;
                }
                ImportStatus::New => None,
                ImportStatus::Changed(written_at) => {
                    match store::scim_groups::find_including_deleted(tx, theirs.directory_id, id).await? {
                        None => {
                            self.report.keep(KIND, id, REMOVED_HERE);
                            continue;
                        }
                        Some(ours) if ours.updated_at != written_at => {
                            self.report.keep(KIND, id, CHANGED_HERE);
                            continue;
                        }
                        Some(ours) => Some(ours),
                    }
                }
            };
            let Some(directory) = directories.find(tx, environment, theirs.directory_id).await? else {
                self.report.skip(KIND, id, NO_DIRECTORY);
                continue;
            };
            let mut ours = before.clone().unwrap_or(ScimGroup {
                id,
                directory_id: theirs.directory_id,
                display_name: String::new(),
                external_id: None,
                document: Map::new(),
                version: 0,
                created_at: self.now,
                updated_at: self.now,
                deleted_at: None,
            });
            let stored = attributes(theirs.attributes.as_deref());
            let left_out = match import::apply_group(&mut ours, &theirs.display_name, &stored) {
                Ok(left_out) => left_out,
                Err(provisioning::Error::Scim(refused)) => {
                    self.report.skip(KIND, id, refused.detail().to_owned());
                    continue;
                }
                Err(provisioning::Error::App(error)) => return Err(error),
            };
            ours.deleted_at = theirs.deleted.then(|| ours.deleted_at.unwrap_or(self.now));
            let renamed = before.as_ref().is_none_or(|before| before.display_name != ours.display_name);
            if ours.deleted_at.is_none()
                && renamed
                && store::scim_groups::name_is_taken(tx, ours.directory_id, &ours.display_name, Some(id))
                    .await?
            {
                self.report.remark(KIND, id, "another group of its directory has its name: both are kept");
            }
            self.remark_left_out(KIND, id, &left_out);
            match &before {
                Some(before) if *before == ours => {
                    records.mark_imported_at(id, source, before.updated_at);
                    self.report.counts_of(KIND).unchanged += 1;
                }
                _ => {
                    ours.version += 1;
                    ours.updated_at = self.now;
                    import::write_group(tx, &directory, before.as_ref(), &ours, self.now, with_events)
                        .await
                        .map_err(internal)?;
                    records.mark_imported(id, source);
                    match before {
                        None => self.report.counts_of(KIND).imported += 1,
                        Some(_) => self.report.counts_of(KIND).updated += 1,
                    }
                }
            }
        }
        records.store(tx).await
    }

    /// Adds a remark on what of a resource was left out. It is not processed again until it changes in SSOReady.
    fn remark_left_out(&mut self, kind: ResourceKind, id: impl ToString, left_out: &[String]) {
        if !left_out.is_empty() {
            let names: Vec<String> = left_out.iter().take(10).map(|name| input::quoted(name)).collect();
            self.report.remark(kind, id, format!("came without {}", names.join(", ")));
        }
    }

    pub(super) async fn import_users(&mut self, environment: EnvironmentId, with_events: bool) -> Result<()> {
        let mut after: Option<(ScimDirectoryId, String)> = None;
        loop {
            let from = after.as_ref().map(|(directory, email)| (*directory, email.as_str()));
            let page = self.source.list_users(environment, from).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some((last.directory_id, last.email.clone()));
            let ids: Vec<ScimUserId> = page.iter().map(|user| user.id).collect();
            let memberships = self.source.list_memberships(&ids).await?;
            let mut tx = self.begin_page().await?;
            self.write_users(&mut tx, environment, &page, with_events).await?;
            self.write_memberships(&mut tx, environment, &ids, &memberships, with_events).await?;
            self.commit_page(tx, ResourceKind::ScimUser).await?;
        }
    }

    async fn write_users(
        &mut self,
        tx: &mut Transaction,
        environment: EnvironmentId,
        page: &[SourceUser],
        with_events: bool,
    ) -> Result<()> {
        const KIND: ResourceKind = ResourceKind::ScimUser;
        let mut records =
            ImportRecords::load(tx, Table::ScimUsers, page.iter().map(|it| it.id), self.now).await?;
        let mut directories = Directories::default();
        let mut names = HashMap::new();
        for in_directory in page.chunk_by(|a, b| a.directory_id == b.directory_id) {
            let Some(first) = in_directory.first() else { continue };
            let keys: Vec<String> = in_directory.iter().map(|it| user_name_key(&it.email)).collect();
            let taken = store::imports::list_user_names(tx, first.directory_id, &keys).await?;
            names.extend(taken.into_iter().map(|(key, id)| ((first.directory_id, key), id)));
        }
        for theirs in page {
            let id = theirs.id;
            let source = digest_of(&(&theirs.email, theirs.deleted, &theirs.attributes));
            let before = match records.status(id, source) {
                ImportStatus::Unchanged => {
                    self.report.counts_of(KIND).unchanged += 1;
                    continue;
                }
                ImportStatus::IdTaken => {
                    self.report.skip(KIND, id, ID_TAKEN);
                    continue;
                }
                ImportStatus::New => None,
                ImportStatus::Changed(written_at) => {
                    match store::scim_users::find_including_deleted(tx, theirs.directory_id, id).await? {
                        None => {
                            self.report.keep(KIND, id, REMOVED_HERE);
                            continue;
                        }
                        Some(ours) if ours.updated_at != written_at => {
                            self.report.keep(KIND, id, CHANGED_HERE);
                            continue;
                        }
                        Some(ours) => Some(ours),
                    }
                }
            };
            let Some(directory) = directories.find(tx, environment, theirs.directory_id).await? else {
                self.report.skip(KIND, id, NO_DIRECTORY);
                continue;
            };
            let mut ours = before.clone().unwrap_or(ScimUser {
                id,
                directory_id: theirs.directory_id,
                user_name: String::new(),
                external_id: None,
                active: true,
                email: None,
                document: Map::new(),
                version: 0,
                created_at: self.now,
                updated_at: self.now,
                deleted_at: None,
            });
            let stored = attributes(theirs.attributes.as_deref());
            let status = status(theirs, &stored);
            let left_out = match import::apply_user(&directory, &mut ours, &theirs.email, status, &stored) {
                Ok(left_out) => left_out,
                Err(error) => {
                    let reason = skip_reason(&theirs.email, error)?;
                    self.report.skip(KIND, id, reason);
                    continue;
                }
            };
            let deleted = status == AccountStatus::Deleted;
            ours.deleted_at = deleted.then(|| ours.deleted_at.unwrap_or(self.now));
            if !deleted {
                let key = (theirs.directory_id, user_name_key(&ours.user_name));
                if names.get(&key).is_some_and(|holder| *holder != id) {
                    let reason =
                        "another user of its directory has its address, in another case or by a push to here";
                    self.report.skip(KIND, id, reason);
                    continue;
                }
                names.insert(key, id);
            }
            self.remark_left_out(KIND, id, &left_out);
            match &before {
                Some(before) if *before == ours => {
                    records.mark_imported_at(id, source, before.updated_at);
                    self.report.counts_of(KIND).unchanged += 1;
                }
                _ => {
                    ours.version += 1;
                    ours.updated_at = self.now;
                    import::write_user(tx, &directory, before.as_ref(), &ours, self.now, with_events)
                        .await
                        .map_err(internal)?;
                    records.mark_imported(id, source);
                    match before {
                        None => self.report.counts_of(KIND).imported += 1,
                        Some(_) => self.report.counts_of(KIND).updated += 1,
                    }
                }
            }
        }
        records.store(tx).await
    }

    /// Sets the memberships of these users as in SSOReady, in groups that are unchanged here since their import.
    /// Other groups keep the members that they have.
    async fn write_memberships(
        &mut self,
        tx: &mut Transaction,
        environment: EnvironmentId,
        users: &[ScimUserId],
        theirs: &[(ScimUserId, ScimGroupId)],
        with_events: bool,
    ) -> Result<()> {
        const KIND: ResourceKind = ResourceKind::ScimMembership;
        let wanted: HashSet<(ScimUserId, ScimGroupId)> = theirs.iter().copied().collect();
        let present = store::imports::list_memberships(tx, users).await?;
        self.report.counts_of(KIND).unchanged += wanted.intersection(&present).count() as u64;
        if wanted == present {
            return Ok(());
        }
        let living = store::imports::list_existing_users(tx, users).await?;
        let mut changes: HashMap<ScimGroupId, (Vec<ScimUserId>, Vec<ScimUserId>)> = HashMap::new();
        for (user, group) in wanted.difference(&present) {
            match living.contains(user) {
                true => changes.entry(*group).or_default().0.push(*user),
                // Deleted users are in no group here.
                false => self.report.counts_of(KIND).skipped += 1,
            }
        }
        for (user, group) in present.difference(&wanted) {
            changes.entry(*group).or_default().1.push(*user);
        }
        let mut groups: Vec<ScimGroupId> = changes.keys().copied().collect();
        groups.sort_unstable();
        let known = store::imports::list_groups(tx, &groups).await?;
        let ids: Vec<String> = groups.iter().map(ScimGroupId::to_string).collect();
        let noted = store::imports::list(tx, &ids).await?;
        let mut directories = Directories::default();
        for group in groups {
            let Some((come, gone)) = changes.get(&group) else { continue };
            let many = (come.len() + gone.len()) as u64;
            let Some(known) = known.get(&group) else {
                // Deleted groups have no members here.
                self.report.counts_of(KIND).skipped += many;
                continue;
            };
            let noted = noted.get(&group.to_string()).map(|noted| noted.written_at);
            if noted != Some(known.updated_at) {
                self.report.counts_of(KIND).kept += many;
                self.report.remark(KIND, group, format!("{many} of its memberships differ in SSOReady; it was changed here since it was imported, and is kept"));
                continue;
            }
            let Some(directory) = directories.find(tx, environment, known.directory_id).await? else {
                self.report.counts_of(KIND).skipped += many;
                continue;
            };
            let by_earlier_run = known.updated_at != self.now;
            let (added, removed) =
                import::write_members(tx, &directory, group, (come, gone), self.now, with_events)
                    .await
                    .map_err(internal)?;
            if by_earlier_run {
                self.touch(tx, &directory, group, self.now).await?;
            }
            self.report.counts_of(KIND).imported += added as u64;
            self.report.counts_of(KIND).updated += removed as u64;
        }
        Ok(())
    }

    /// Gives a group that an earlier run imported a new version, written by this run.
    async fn touch(
        &self,
        tx: &mut Transaction,
        directory: &ProvisioningTarget,
        group: ScimGroupId,
        now: Timestamp,
    ) -> Result<()> {
        store::scim_groups::update_versions(tx, directory.directory.id, &[group], now).await?;
        store::imports::update_written(tx, &group.to_string(), now).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::id::Id;

    #[test]
    fn one_flag_of_theirs_is_two_states_of_ours() {
        for (deleted, attributes, expected) in [
            (false, json!({"active": false}), AccountStatus::Active),
            (false, json!({}), AccountStatus::Active),
            (true, json!({"active": true}), AccountStatus::Deleted),
            (true, json!({"Active": "True"}), AccountStatus::Deleted),
            (true, json!({"active": "False"}), AccountStatus::Inactive),
            (true, json!({}), AccountStatus::Inactive),
            (true, json!([1]), AccountStatus::Inactive),
        ] {
            let theirs = SourceUser {
                id: Id::from_bits(1),
                directory_id: Id::from_bits(2),
                email: "a@acme.example".into(),
                deleted,
                attributes: Some(attributes.to_string()),
            };
            let stored = super::attributes(theirs.attributes.as_deref());
            assert_eq!(status(&theirs, &stored), expected, "{attributes}");
        }
    }
}

//! Import of the memberships of SCIM users in groups.

use std::collections::{HashMap, HashSet};

use base::{
    id::{EnvironmentId, ScimGroupId, ScimUserId},
    time::Timestamp,
};

use super::{
    importer::Importer,
    report::ResourceKind,
    scim_resources::{Directories, internal},
};
use crate::{
    app::{
        Result,
        directories::{ProvisioningTarget, provisioning::import},
    },
    store::{self, Transaction},
};

impl Importer<'_> {
    /// Sets the memberships of these users as in SSOReady, in groups that are unchanged here since their import.
    /// Other groups keep the members that they have.
    pub(super) async fn write_memberships(
        &mut self,
        tx: &mut Transaction,
        environment: EnvironmentId,
        users: &[ScimUserId],
        theirs: &[(ScimUserId, ScimGroupId)],
        with_events: bool,
    ) -> Result<()> {
        const KIND: ResourceKind = ResourceKind::ScimMembership;
        let wanted: HashSet<(ScimUserId, ScimGroupId)> = theirs.iter().copied().collect();
        let present = store::import_lookups::list_memberships(tx, users).await?;
        self.report.counts_of(KIND).unchanged += wanted.intersection(&present).count() as u64;
        if wanted == present {
            return Ok(());
        }
        let living = store::import_lookups::list_existing_users(tx, users).await?;
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
        let known = store::import_lookups::list_groups(tx, &groups).await?;
        let ids: Vec<String> = groups.iter().map(ScimGroupId::to_string).collect();
        let noted = store::import_records::list(tx, &ids).await?;
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
        store::import_records::update_written(tx, &group.to_string(), now).await?;
        Ok(())
    }
}

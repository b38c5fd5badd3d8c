//! Import of SCIM groups, without their members.

use base::id::EnvironmentId;
use model::scim_group::ScimGroup;
use serde_json::Map;

use super::{
    importer::Importer,
    records::{CHANGED_HERE, ID_TAKEN, ImportRecords, ImportStatus, REMOVED_HERE, digest_of},
    report::ResourceKind,
    scim_resources::{Directories, NO_DIRECTORY, attributes, internal},
};
use crate::{
    app::{
        Result,
        directories::provisioning::{self, import},
    },
    store::{self, Transaction, import_lookups::Table, ssoready::SourceGroup},
};

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
}

//! Import of API keys: their ids and the digests of their secrets, which SSOReady computes alike.

use base::{id::EnvironmentId, secret::Digest};
use model::api_key::ApiKey;

use super::{
    importer::Importer,
    records::{DISPLAY_NAME, ID_TAKEN, ImportRecords, ImportStatus, NO_SECRET, REMOVED_HERE, digest_of},
    report::ResourceKind,
};
use crate::{
    app::Result,
    store::{
        self, Transaction,
        import_lookups::{SecretTable, Table},
        ssoready::SourceApiKey,
        table,
    },
};

const SECRET_TAKEN: &str = "another API key has the same secret";

impl Importer<'_> {
    pub(super) async fn import_api_keys(&mut self, environment: EnvironmentId) -> Result<()> {
        let mut after = None;
        loop {
            let page = self.source.list_api_keys(environment, after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id);
            let mut tx = self.begin_page().await?;
            self.write_api_keys(&mut tx, environment, &page).await?;
            self.commit_page(tx, ResourceKind::ApiKey).await?;
        }
    }

    async fn write_api_keys(
        &mut self,
        tx: &mut Transaction,
        environment: EnvironmentId,
        page: &[SourceApiKey],
    ) -> Result<()> {
        const KIND: ResourceKind = ResourceKind::ApiKey;
        let mut records =
            ImportRecords::load(tx, Table::ApiKeys, page.iter().map(|key| key.id), self.now).await?;
        let secrets: Vec<Digest> = page.iter().filter_map(|key| key.secret).collect();
        let taken = store::import_lookups::list_taken_secrets(tx, SecretTable::ApiKeys, &secrets).await?;
        for theirs in page {
            let id = theirs.id;
            let Some(secret) = theirs.secret else {
                self.report.skip(KIND, id, NO_SECRET);
                continue;
            };
            let source = digest_of(&(secret.to_hex(), theirs.management));
            let ours = ApiKey {
                id,
                environment_id: environment,
                version: 1,
                secret,
                display_name: DISPLAY_NAME.to_owned(),
                management: theirs.management,
                disabled: false,
                created_at: self.now,
                last_used_at: None,
            };
            match records.status(id, source) {
                ImportStatus::Unchanged => self.report.counts_of(KIND).unchanged += 1,
                ImportStatus::IdTaken => self.report.skip(KIND, id, ID_TAKEN),
                ImportStatus::New if taken.contains(&secret.to_hex()) => {
                    self.report.skip(KIND, id, SECRET_TAKEN)
                }
                ImportStatus::New => {
                    table::insert(tx, &ours).await?;
                    records.mark_imported(id, source);
                    self.report.counts_of(KIND).imported += 1;
                }
                // Only the name of a key can change here, which is kept: there is no conflict.
                ImportStatus::Changed(_) => match table::find::<ApiKey>(tx, environment, id).await? {
                    Some(before) => {
                        let version = before.version + 1;
                        let ours = ApiKey { management: theirs.management, version, secret, ..before };
                        table::remove::<ApiKey>(tx, environment, id, self.now).await?;
                        table::insert(tx, &ours).await?;
                        records.mark_imported(id, source);
                        self.report.counts_of(KIND).updated += 1;
                    }
                    None => self.report.keep(KIND, id, REMOVED_HERE),
                },
            }
        }
        records.store(tx).await
    }
}

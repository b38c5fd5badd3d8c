//! Import of API keys and OAuth clients: their ids and the digests of their secrets, which SSOReady computes alike.

use super::{ID_TAKEN, ImportRecords, ImportStatus, Importer, REMOVED_HERE, ResourceKind, digest_of};
use crate::{
    app::Result,
    model::{
        api_key::ApiKey,
        id::EnvironmentId,
        oauth_client::{IdTokenAlg, OauthClient},
        secret::Digest,
    },
    store::{
        self, Transaction,
        imports::{SecretTable, Table},
        ssoready::{SourceApiKey, SourceOauthClient},
    },
};

/// The display name of imported keys and clients: in SSOReady they have none.
const NAME: &str = "Imported from SSOReady";
const NO_SECRET: &str = "it has no digest of its secret";
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
        let taken = store::imports::list_taken_secrets(tx, SecretTable::ApiKeys, &secrets).await?;
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
                display_name: NAME.to_owned(),
                management: theirs.management,
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
                    store::api_keys::insert(tx, &ours, secret).await?;
                    records.mark_imported(id, source);
                    self.report.counts_of(KIND).imported += 1;
                }
                // Only the name of a key can change here, which is kept: there is no conflict.
                ImportStatus::Changed(_) => match store::api_keys::find(tx, environment, id).await? {
                    Some(before) => {
                        let ours = ApiKey { management: theirs.management, ..before };
                        store::api_keys::remove(tx, environment, id).await?;
                        store::api_keys::insert(tx, &ours, secret).await?;
                        records.mark_imported(id, source);
                        self.report.counts_of(KIND).updated += 1;
                    }
                    None => self.report.keep(KIND, id, REMOVED_HERE),
                },
            }
        }
        records.store(tx).await
    }

    pub(super) async fn import_oauth_clients(&mut self, environment: EnvironmentId) -> Result<()> {
        let mut after = None;
        loop {
            let page = self.source.list_oauth_clients(environment, after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id);
            let mut tx = self.begin_page().await?;
            self.write_oauth_clients(&mut tx, environment, &page).await?;
            self.commit_page(tx, ResourceKind::OauthClient).await?;
        }
    }

    async fn write_oauth_clients(
        &mut self,
        tx: &mut Transaction,
        environment: EnvironmentId,
        page: &[SourceOauthClient],
    ) -> Result<()> {
        const KIND: ResourceKind = ResourceKind::OauthClient;
        let ids = page.iter().map(|client| client.id);
        let mut records = ImportRecords::load(tx, Table::OauthClients, ids, self.now).await?;
        for theirs in page {
            let id = theirs.id;
            let Some(secret) = theirs.secret else {
                self.report.skip(KIND, id, NO_SECRET);
                continue;
            };
            let source = digest_of(&secret.to_hex());
            match records.status(id, source) {
                ImportStatus::Unchanged => self.report.counts_of(KIND).unchanged += 1,
                ImportStatus::IdTaken => self.report.skip(KIND, id, ID_TAKEN),
                // SSOReady never changes a client's secret: keep the settings that were made here.
                ImportStatus::Changed(_) => self.report.keep(KIND, id, "its secret was changed in SSOReady"),
                ImportStatus::New => {
                    let ours = OauthClient {
                        id,
                        environment_id: environment,
                        display_name: NAME.to_owned(),
                        id_token_alg: IdTokenAlg::default(),
                        initiate_login_uri: None,
                        created_at: self.now,
                    };
                    store::oauth_clients::insert(tx, &ours, secret).await?;
                    records.mark_imported(id, source);
                    self.report.counts_of(KIND).imported += 1;
                }
            }
        }
        records.store(tx).await
    }
}

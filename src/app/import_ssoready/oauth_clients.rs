//! Import of OAuth clients: their ids and the digests of their secrets, which SSOReady computes alike.

use base::id::EnvironmentId;
use model::oauth_client::{IdTokenAlg, OauthClient};

use super::{
    importer::Importer,
    records::{DISPLAY_NAME, ID_TAKEN, ImportRecords, ImportStatus, NO_SECRET, digest_of},
    report::ResourceKind,
};
use crate::{
    app::Result,
    store::{Transaction, import_lookups::Table, ssoready::SourceOauthClient, table},
};

impl Importer<'_> {
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
                        version: 1,
                        secret,
                        display_name: DISPLAY_NAME.to_owned(),
                        id_token_alg: IdTokenAlg::default(),
                        initiate_login_uri: None,
                        redirect_uris: Vec::new(),
                        disabled: false,
                        created_at: self.now,
                    };
                    table::insert(tx, &ours).await?;
                    records.mark_imported(id, source);
                    self.report.counts_of(KIND).imported += 1;
                }
            }
        }
        records.store(tx).await
    }
}

//! Import of SCIM directories with their bearer tokens.

use std::collections::HashSet;

use base::{
    id::{EnvironmentId, OrganizationId},
    secret::Digest,
    time::Timestamp,
};
use model::scim_directory::ScimDirectory;

use super::{
    importer::Importer,
    organizations::NO_ORGANIZATION,
    primaries::Primaries,
    records::{CHANGED_HERE, ID_TAKEN, ImportRecords, ImportStatus, REMOVED_HERE, digest_of},
    report::ResourceKind,
};
use crate::{
    app::Result,
    store::{
        self, Transaction,
        import_lookups::{PrimaryOf, SecretTable, Table},
        ssoready::SourceDirectory,
    },
};

impl Importer<'_> {
    pub(super) async fn import_directories(&mut self, environment: EnvironmentId) -> Result<()> {
        let mut after = None;
        loop {
            let page = self.source.list_directories(environment, after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id);
            let mut tx = self.begin_page().await?;
            self.write_directories(&mut tx, environment, &page).await?;
            self.commit_page(tx, ResourceKind::ScimDirectory).await?;
        }
    }

    async fn write_directories(
        &mut self,
        tx: &mut Transaction,
        environment: EnvironmentId,
        page: &[SourceDirectory],
    ) -> Result<()> {
        const KIND: ResourceKind = ResourceKind::ScimDirectory;
        let mut records =
            ImportRecords::load(tx, Table::ScimDirectories, page.iter().map(|it| it.id), self.now).await?;
        let organizations: Vec<OrganizationId> = page.iter().map(|it| it.organization_id).collect();
        let present = self.existing_organizations(tx, &organizations).await?;
        let mut primaries =
            Primaries::load(tx, PrimaryOf::Directories, environment, &organizations, self.now).await?;
        let tokens: Vec<Digest> = page.iter().filter_map(|it| it.bearer_token).collect();
        let mut taken =
            store::import_lookups::list_taken_secrets(tx, SecretTable::ScimBearerTokens, &tokens).await?;
        for theirs in page {
            let id = theirs.id;
            let token = theirs.bearer_token.map(Digest::to_hex);
            let source = digest_of(&(theirs.primary, &theirs.scim_base_url, &token));
            match records.status(id, source) {
                ImportStatus::Unchanged => self.report.counts_of(KIND).unchanged += 1,
                ImportStatus::IdTaken => self.report.skip(KIND, id, ID_TAKEN),
                ImportStatus::New if !present.contains(&theirs.organization_id.to_string()) => {
                    self.report.skip(KIND, id, NO_ORGANIZATION);
                }
                ImportStatus::New => {
                    let mut ours = ScimDirectory {
                        id,
                        environment_id: environment,
                        organization_id: theirs.organization_id,
                        version: 1,
                        primary: false,
                        scim_base_url: theirs.scim_base_url.trim_end_matches('/').to_owned(),
                        allow_foreign_secondary_emails: false,
                        allow_users_without_email: false,
                        refuse_inactive_logins: true,
                        require_provisioned_logins: false,
                        disabled: false,
                        idp_kind: None,
                        created_at: self.now,
                        updated_at: self.now,
                    };
                    ours.primary =
                        self.claim_primary(tx, &mut primaries, KIND, theirs.primary, &ours).await?;
                    store::table::insert(tx, &ours).await?;
                    match theirs.bearer_token {
                        Some(token) if taken.insert(token.to_hex()) => {
                            store::scim_directories::insert_token(tx, id, token, self.now).await?;
                        }
                        Some(_) => self.report.remark(
                            KIND,
                            id,
                            "came without its bearer token: another directory has it",
                        ),
                        None => {}
                    }
                    records.mark_imported(id, source);
                    self.report.counts_of(KIND).imported += 1;
                }
                ImportStatus::Changed(written_at) => {
                    match store::table::find_for_update::<ScimDirectory>(tx, environment, id).await? {
                        None => self.report.keep(KIND, id, REMOVED_HERE),
                        Some(ours) if ours.updated_at != written_at => {
                            self.report.keep(KIND, id, CHANGED_HERE);
                        }
                        Some(before) => {
                            let primary =
                                self.claim_primary(tx, &mut primaries, KIND, theirs.primary, &before).await?;
                            // The base URL of a directory never changes, in SSOReady or here.
                            let mut ours = ScimDirectory { primary, ..before };
                            self.replace_token(tx, theirs, written_at, &mut taken).await?;
                            store::table::update(tx, &mut ours, self.now).await?;
                            records.mark_imported(id, source);
                            self.report.counts_of(KIND).updated += 1;
                        }
                    }
                }
            }
        }
        records.store(tx).await
    }

    /// Replaces the bearer token with the one that SSOReady has now, unless a newer one was created here.
    async fn replace_token(
        &mut self,
        tx: &mut Transaction,
        theirs: &SourceDirectory,
        written_at: Timestamp,
        taken: &mut HashSet<String>,
    ) -> Result<()> {
        const MAX_TOKENS: i64 = 100;
        let Some(token) = theirs.bearer_token.filter(|token| !taken.contains(&token.to_hex())) else {
            return Ok(());
        };
        let working = store::scim_directories::list_tokens(tx, theirs.id, self.now, MAX_TOKENS).await?;
        if working.iter().any(|token| token.created_at > written_at) {
            self.report.remark(
                ResourceKind::ScimDirectory,
                theirs.id,
                "its bearer token was changed in SSOReady, and here too: the one made here is kept",
            );
            return Ok(());
        }
        store::scim_directories::expire_tokens(tx, theirs.id, self.now, true).await?;
        store::scim_directories::insert_token(tx, theirs.id, token, self.now).await?;
        taken.insert(token.to_hex());
        Ok(())
    }
}

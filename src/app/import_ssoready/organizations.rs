//! Import of organizations with their domains.

use std::{
    collections::{HashMap, HashSet},
    mem,
};

use base::id::{EnvironmentId, OrganizationId};
use model::{domain::Domain, organization::Organization};

use super::{
    importer::Importer,
    records::{
        CHANGED_HERE, ID_TAKEN, ImportRecords, ImportStatus, REMOVED_HERE, digest_of, incomplete_digest,
    },
    report::ResourceKind,
    sanitize::sanitize,
};
use crate::{
    app::{
        Result, input,
        organizations::domains::{
            list::{MAX_DOMAINS, set_domains},
            sharing,
        },
        principal::Principal,
    },
    store::{
        self, Transaction, import_lookups::Table, organization_domains::SharedDomain,
        ssoready::SourceOrganization, table,
    },
};

pub(super) const NO_ORGANIZATION: &str = "its organization is not here";

impl Importer<'_> {
    pub(super) async fn import_organizations(&mut self, environment: EnvironmentId) -> Result<()> {
        let mut after = None;
        loop {
            let page = self.source.list_organizations(environment, after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id);
            let mut tx = self.begin_page().await?;
            self.write_organizations(&mut tx, environment, &page).await?;
            self.commit_page(tx, ResourceKind::Organization).await?;
        }
    }

    async fn write_organizations(
        &mut self,
        tx: &mut Transaction,
        environment: EnvironmentId,
        page: &[SourceOrganization],
    ) -> Result<()> {
        const KIND: ResourceKind = ResourceKind::Organization;
        let ids = page.iter().map(|organization| organization.id);
        let mut records = ImportRecords::load(tx, Table::Organizations, ids, self.now).await?;
        let external: Vec<String> = page.iter().filter_map(|theirs| theirs.external_id.clone()).collect();
        let mut taken = store::import_lookups::list_external_ids(tx, environment, &external).await?;
        sharing::lock(tx, environment).await?;
        let mut shared: Vec<(OrganizationId, SharedDomain)> = Vec::new();
        for theirs in page {
            let id = theirs.id;
            let source = digest_of(&(&theirs.display_name, &theirs.external_id, &theirs.domains));
            match records.status(id, source) {
                ImportStatus::Unchanged => {
                    self.report.counts_of(KIND).unchanged += 1;
                    self.report.counts_of(ResourceKind::Domain).unchanged += theirs.domains.len() as u64;
                }
                ImportStatus::IdTaken => self.report.skip(KIND, id, ID_TAKEN),
                ImportStatus::New => {
                    let mut ours = Organization::new(id, environment, self.now);
                    let whole =
                        self.apply_organization(tx, &mut ours, theirs, &mut taken, &mut shared).await?;
                    table::insert(tx, &ours).await?;
                    store::organization_domains::set(tx, &ours, &*self.state.random).await?;
                    records.mark_imported(id, if whole { source } else { incomplete_digest(source) });
                    self.report.counts_of(KIND).imported += 1;
                }
                ImportStatus::Changed(written_at) => {
                    match table::find_for_update::<Organization>(tx, environment, id).await? {
                        None => self.report.keep(KIND, id, REMOVED_HERE),
                        Some(ours) if ours.updated_at != written_at => {
                            self.report.keep(KIND, id, CHANGED_HERE);
                        }
                        Some(before) => {
                            let mut ours = before.clone();
                            let whole = self
                                .apply_organization(tx, &mut ours, theirs, &mut taken, &mut shared)
                                .await?;
                            let source = if whole { source } else { incomplete_digest(source) };
                            if ours == before {
                                records.mark_imported_at(id, source, written_at);
                                self.report.counts_of(KIND).unchanged += 1;
                            } else {
                                table::update(tx, &mut ours, self.now).await?;
                                store::organization_domains::set(tx, &ours, &*self.state.random).await?;
                                records.mark_imported(id, source);
                                self.report.counts_of(KIND).updated += 1;
                            }
                        }
                    }
                }
            }
        }
        records.store(tx).await?;
        let principal = Principal::service(environment);
        for id in page.iter().map(|theirs| theirs.id) {
            let with: Vec<SharedDomain> =
                shared.iter().filter(|(sharing, _)| *sharing == id).map(|(_, there)| there.clone()).collect();
            sharing::record(tx, self.state, &principal, id, &with).await?;
        }
        Ok(())
    }

    /// Applies the values of SSOReady to our organization. Returns whether all of them were usable. Domains that
    /// another organization has too are added to `shared`.
    async fn apply_organization(
        &mut self,
        tx: &mut Transaction,
        ours: &mut Organization,
        theirs: &SourceOrganization,
        taken: &mut HashMap<String, OrganizationId>,
        shared: &mut Vec<(OrganizationId, SharedDomain)>,
    ) -> Result<bool> {
        let (name, mut whole) = sanitize(theirs.display_name.as_deref().unwrap_or_default(), 500);
        ours.display_name = name;
        let external_id = theirs.external_id.as_deref().filter(|id| !id.is_empty());
        match external_id {
            Some(wanted) if input::line("externalId", wanted, 500).is_err() => {
                whole = false;
                self.report.remark(
                    ResourceKind::Organization,
                    ours.id,
                    "its external id is too long or has control characters: left out",
                );
            }
            Some(wanted) if taken.get(wanted).is_some_and(|holder| *holder != ours.id) => {
                whole = false;
                self.report.remark(
                    ResourceKind::Organization,
                    ours.id,
                    "its external id is another organization's here: left out",
                );
            }
            wanted => {
                ours.external_id = wanted.map(str::to_owned);
                taken.extend(wanted.map(|wanted| (wanted.to_owned(), ours.id)));
            }
        }
        let mut named: Vec<String> = Vec::new();
        for text in theirs.domains.iter().take(MAX_DOMAINS) {
            let allowed = self.options.allow_free_mail;
            match Domain::parse(text).and_then(|domain| domain.ensure_claimable(allowed)) {
                // Domains of SSOReady are case-sensitive.
                Ok(domain) if named.iter().any(|known| known == domain.as_str()) => {}
                Ok(domain) => named.push(domain.as_str().to_owned()),
                Err(refused) => {
                    whole = false;
                    let why =
                        refused.to_string().replace("pass allowFreeMail", "run it with --allow-free-mail");
                    self.report.skip(
                        ResourceKind::Domain,
                        ours.id,
                        format!("its domain {} {why}", input::quoted(text)),
                    );
                }
            }
        }
        let more = theirs.domains.len().saturating_sub(MAX_DOMAINS);
        if more > 0 {
            whole = false;
            self.report.counts_of(ResourceKind::Domain).skipped += more as u64;
            self.report.remark(
                ResourceKind::Organization,
                ours.id,
                format!("{more} of its domains are too many: left out"),
            );
        }
        whole &= self.share_domains(tx, ours, &mut named, shared).await?;
        let after = set_domains(&ours.domains, &named, self.options.allow_free_mail)?;
        let before = mem::replace(&mut ours.domains, after);
        let new = ours.domains.keys().filter(|domain| !before.contains_key(*domain)).count() as u64;
        let counts = self.report.counts_of(ResourceKind::Domain);
        counts.imported += new;
        counts.unchanged += (named.len() as u64).saturating_sub(new);
        Ok(whole)
    }

    /// Removes the new domains from `named` that another organization already has, unless the operator allowed
    /// that and they are not verified by DNS for the other one. Returns whether all remain.
    async fn share_domains(
        &mut self,
        tx: &mut Transaction,
        ours: &Organization,
        named: &mut Vec<String>,
        shared: &mut Vec<(OrganizationId, SharedDomain)>,
    ) -> Result<bool> {
        let new: Vec<Domain> = named
            .iter()
            .filter_map(|text| Domain::parse(text).ok())
            .filter(|domain| !ours.accepts_domain(domain))
            .collect();
        let elsewhere = sharing::find_other_organizations(tx, ours.environment_id, ours.id, &new).await?;
        let mut left_out: HashSet<Domain> = HashSet::new();
        for there in elsewhere {
            let (domain, other) = (&there.domain, there.organization_id);
            let why = match (there.verified, self.options.share_domain) {
                (false, true) => {
                    let remark = format!("its domain {domain} counts for {other} too");
                    self.report.remark(ResourceKind::Organization, ours.id, remark);
                    shared.push((ours.id, there));
                    continue;
                }
                (true, _) => format!("its domain {domain} is proved by DNS to be the domain of {other} here"),
                (false, false) => format!(
                    "its domain {domain} counts for {other} here already; run it with --share-domain if both are meant"
                ),
            };
            if left_out.insert(domain.clone()) {
                self.report.skip(ResourceKind::Domain, ours.id, why);
            }
        }
        shared.retain(|(id, there)| *id != ours.id || !left_out.contains(&there.domain));
        named.retain(|text| !left_out.iter().any(|domain| domain.as_str() == text));
        Ok(left_out.is_empty())
    }

    /// Which of these organizations exist here; they are locked until the transaction ends.
    pub(super) async fn existing_organizations(
        &self,
        tx: &mut Transaction,
        organizations: &[OrganizationId],
    ) -> Result<HashSet<String>> {
        let ids: Vec<String> = organizations.iter().map(OrganizationId::to_string).collect();
        Ok(store::import_lookups::lock_organizations(tx, &ids).await?)
    }
}

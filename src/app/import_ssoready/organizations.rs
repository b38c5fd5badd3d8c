//! Import of organizations, their SAML connections and their SCIM directories.

use std::collections::{HashMap, HashSet};

use super::{
    CHANGED_HERE, ID_TAKEN, ImportRecords, ImportStatus, Importer, REMOVED_HERE, ResourceKind, digest_of,
    incomplete_digest, sanitize,
};
use crate::{
    app::{
        Result,
        actor::Actor,
        connections::saml::is_test_idp,
        input,
        organizations::{MAX_DOMAINS, set_domains, shared_domains},
    },
    model::{
        domain::Domain,
        environment::Environment,
        http_url::HttpUrl,
        id::{EnvironmentId, Id, IdKind, OrganizationId},
        organization::Organization,
        saml_connection::{IdpBinding, MetadataRefresh, SamlConnection, last_expiry},
        scim_directory::ScimDirectory,
        secret::Digest,
        time::Timestamp,
    },
    saml::certificate::Certificate,
    store::{
        self, Transaction,
        imports::{PrimaryOf, SecretTable, Table},
        organization_domains::SharedDomain,
        ssoready::{SourceConnection, SourceDirectory, SourceOrganization},
    },
};

const NO_ORGANIZATION: &str = "its organization is not here";

/// The primary connection or directory of each organization of a page, while the page is written.
struct Primaries {
    of: PrimaryOf,
    environment: EnvironmentId,
    current: HashMap<OrganizationId, (String, Timestamp)>,
    imported_at: HashMap<String, Timestamp>,
    now: Timestamp,
}

impl Primaries {
    async fn load(
        tx: &mut Transaction,
        of: PrimaryOf,
        environment: EnvironmentId,
        organizations: &[OrganizationId],
        now: Timestamp,
    ) -> Result<Self> {
        let current = store::imports::list_primaries(tx, of, organizations).await?;
        let ids: Vec<String> = current.values().map(|(id, _)| id.clone()).collect();
        let imported_at = store::imports::list(tx, &ids).await?;
        let imported_at = imported_at.into_iter().map(|(id, imported)| (id, imported.written_at)).collect();
        Ok(Self { of, environment, current, imported_at, now })
    }

    /// Makes `id` the primary one, if there is none or it was imported by an earlier run and is unchanged here
    /// since; that one is unset. Returns whether `id` is the primary one.
    async fn claim<K: IdKind>(
        &mut self,
        tx: &mut Transaction,
        organization: OrganizationId,
        id: Id<K>,
    ) -> Result<bool> {
        let id = id.to_string();
        if let Some((holder, updated_at)) = self.current.get(&organization)
            && *holder != id
        {
            let is_unchanged = self.imported_at.get(holder) == Some(updated_at) && *updated_at < self.now;
            if !is_unchanged {
                return Ok(false);
            }
            match self.of {
                PrimaryOf::Connections => {
                    store::saml_connections::unset_primary(tx, self.environment, organization).await?;
                }
                PrimaryOf::Directories => {
                    store::scim_directories::unset_primary(tx, self.environment, organization).await?;
                }
            }
        }
        self.current.insert(organization, (id, self.now));
        Ok(true)
    }

    /// Forgets `id` as the primary one.
    fn release<K: IdKind>(&mut self, organization: OrganizationId, id: Id<K>) {
        if self.current.get(&organization).is_some_and(|(holder, _)| *holder == id.to_string()) {
            self.current.remove(&organization);
        }
    }
}

const NOT_PRIMARY: &str = "it was imported as not primary: another one is primary here";

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
        let mut taken = store::imports::list_external_ids(tx, environment, &external).await?;
        shared_domains::lock(tx, environment).await?;
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
                    let mut ours = Organization {
                        id,
                        environment_id: environment,
                        display_name: String::new(),
                        external_id: None,
                        domains: Vec::new(),
                        created_at: self.now,
                        updated_at: self.now,
                    };
                    let whole =
                        self.apply_organization(tx, &mut ours, theirs, &mut taken, &mut shared).await?;
                    store::organizations::insert(tx, &ours).await?;
                    records.mark_imported(id, if whole { source } else { incomplete_digest(source) });
                    self.report.counts_of(KIND).imported += 1;
                }
                ImportStatus::Changed(written_at) => match store::organizations::find(tx, environment, id)
                    .await?
                {
                    None => self.report.keep(KIND, id, REMOVED_HERE),
                    Some(ours) if ours.updated_at != written_at => {
                        self.report.keep(KIND, id, CHANGED_HERE);
                    }
                    Some(before) => {
                        let mut ours = before.clone();
                        let whole =
                            self.apply_organization(tx, &mut ours, theirs, &mut taken, &mut shared).await?;
                        let source = if whole { source } else { incomplete_digest(source) };
                        if ours == before {
                            records.mark_imported_at(id, source, written_at);
                            self.report.counts_of(KIND).unchanged += 1;
                        } else {
                            ours.updated_at = self.now;
                            store::organizations::update(tx, &ours).await?;
                            records.mark_imported(id, source);
                            self.report.counts_of(KIND).updated += 1;
                        }
                    }
                },
            }
        }
        records.store(tx).await?;
        let actor = Actor::service(environment);
        for id in page.iter().map(|theirs| theirs.id) {
            let with: Vec<SharedDomain> =
                shared.iter().filter(|(sharing, _)| *sharing == id).map(|(_, there)| there.clone()).collect();
            shared_domains::record(tx, self.state, &actor, id, &with).await?;
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
        let before: HashSet<Domain> = ours.domains.iter().map(|known| known.domain.clone()).collect();
        ours.domains = set_domains(&ours.domains, &named, self.options.allow_free_mail)?;
        let new = ours.domains.iter().filter(|known| !before.contains(&known.domain)).count() as u64;
        let counts = self.report.counts_of(ResourceKind::Domain);
        counts.imported += new;
        counts.unchanged += (named.len() as u64).saturating_sub(new);
        Ok(whole)
    }

    /// Removes the new domains from `named` that another organization already has, unless the operator allowed
    /// that and they are not verified by DNS for the other one (ruling 38). Returns whether all remain.
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
        let elsewhere =
            shared_domains::find_other_organizations(tx, ours.environment_id, ours.id, &new).await?;
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

    pub(super) async fn import_connections(&mut self, environment: &Environment) -> Result<()> {
        let mut after = None;
        loop {
            let page = self.source.list_connections(environment.id, after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id);
            let mut tx = self.begin_page().await?;
            self.write_connections(&mut tx, environment, &page).await?;
            self.commit_page(tx, ResourceKind::SamlConnection).await?;
        }
    }

    async fn write_connections(
        &mut self,
        tx: &mut Transaction,
        environment: &Environment,
        page: &[SourceConnection],
    ) -> Result<()> {
        const KIND: ResourceKind = ResourceKind::SamlConnection;
        let mut records =
            ImportRecords::load(tx, Table::SamlConnections, page.iter().map(|it| it.id), self.now).await?;
        let organizations: Vec<OrganizationId> = page.iter().map(|it| it.organization_id).collect();
        let present = self.existing_organizations(tx, &organizations).await?;
        let mut primaries =
            Primaries::load(tx, PrimaryOf::Connections, environment.id, &organizations, self.now).await?;
        for theirs in page {
            let id = theirs.id;
            let source = digest_of(&(
                theirs.primary,
                &theirs.idp_entity_id,
                &theirs.idp_redirect_url,
                &theirs.idp_certificate,
                &theirs.sp_entity_id,
                &theirs.sp_acs_url,
            ));
            match records.status(id, source) {
                ImportStatus::Unchanged => self.report.counts_of(KIND).unchanged += 1,
                ImportStatus::IdTaken => self.report.skip(KIND, id, ID_TAKEN),
                ImportStatus::New if !present.contains(&theirs.organization_id.to_string()) => {
                    self.report.skip(KIND, id, NO_ORGANIZATION);
                }
                ImportStatus::New => {
                    let mut ours = self.new_connection(environment, theirs);
                    let whole = self.apply_connection(&mut ours, theirs);
                    ours.primary =
                        self.claim_primary(tx, &mut primaries, KIND, theirs.primary, &ours).await?;
                    store::saml_connections::insert(tx, &ours).await?;
                    records.mark_imported(id, if whole { source } else { incomplete_digest(source) });
                    self.report.counts_of(KIND).imported += 1;
                }
                ImportStatus::Changed(written_at) => {
                    match store::saml_connections::find(tx, environment.id, id).await? {
                        None => self.report.keep(KIND, id, REMOVED_HERE),
                        Some(ours) if ours.updated_at != written_at => {
                            self.report.keep(KIND, id, CHANGED_HERE);
                        }
                        Some(before) => {
                            let mut ours = before.clone();
                            let whole = self.apply_connection(&mut ours, theirs);
                            let source = if whole { source } else { incomplete_digest(source) };
                            ours.primary =
                                self.claim_primary(tx, &mut primaries, KIND, theirs.primary, &ours).await?;
                            if ours == before {
                                records.mark_imported_at(id, source, written_at);
                                self.report.counts_of(KIND).unchanged += 1;
                            } else {
                                ours.updated_at = self.now;
                                store::saml_connections::update(tx, &ours).await?;
                                records.mark_imported(id, source);
                                self.report.counts_of(KIND).updated += 1;
                            }
                        }
                    }
                }
            }
        }
        records.store(tx).await
    }

    /// Which of these organizations exist here.
    async fn existing_organizations(
        &self,
        tx: &mut Transaction,
        organizations: &[OrganizationId],
    ) -> Result<HashSet<String>> {
        let ids: Vec<String> = organizations.iter().map(OrganizationId::to_string).collect();
        Ok(store::imports::list_existing_ids(tx, Table::Organizations, &ids).await?)
    }

    async fn claim_primary(
        &mut self,
        tx: &mut Transaction,
        primaries: &mut Primaries,
        kind: ResourceKind,
        wanted: bool,
        ours: &impl OrganizationResource,
    ) -> Result<bool> {
        let (organization, id) = ours.organization_and_id();
        if !wanted {
            primaries.release(organization, id);
            return Ok(false);
        }
        let taken = primaries.claim(tx, organization, id).await?;
        if !taken {
            self.report.remark(kind, id, NOT_PRIMARY);
        }
        Ok(taken)
    }

    /// A connection without the settings of the identity provider. The SP entity id and the first ACS URL are those
    /// that the identity provider is configured with; our own ACS URL is accepted too.
    fn new_connection(&self, environment: &Environment, theirs: &SourceConnection) -> SamlConnection {
        let mut sp_acs_urls = vec![theirs.sp_acs_url.clone()];
        let links = self.state.links_of(environment);
        let here = String::from(links.saml_acs(theirs.id));
        if !links.is_loopback() && here != theirs.sp_acs_url {
            sp_acs_urls.push(here);
        }
        SamlConnection {
            id: theirs.id,
            environment_id: environment.id,
            organization_id: theirs.organization_id,
            primary: false,
            idp_entity_id: None,
            idp_redirect_url: None,
            idp_certificates: Vec::new(),
            idp_certificate_expires_at: None,
            idp_metadata_url: None,
            metadata: MetadataRefresh::default(),
            // SSOReady supports no other binding.
            idp_binding: IdpBinding::Post,
            sp_entity_id: theirs.sp_entity_id.clone(),
            sp_acs_urls,
            idp_initiated: None,
            email_attribute: None,
            allow_sha1: false,
            assertion_encryption: false,
            allow_cbc_encryption: false,
            sign_authn_requests: false,
            force_authn: false,
            idp_kind: None,
            test: false,
            created_at: self.now,
            updated_at: self.now,
        }
    }

    /// Applies the values of SSOReady to our connection. Returns whether all of them were usable.
    fn apply_connection(&mut self, ours: &mut SamlConnection, theirs: &SourceConnection) -> bool {
        const KIND: ResourceKind = ResourceKind::SamlConnection;
        let mut whole = true;
        // SSOReady stores an empty text where its management API got none.
        let given = |text: &Option<String>| {
            text.as_deref().map(str::trim).map(str::to_owned).filter(|text| !text.is_empty())
        };
        ours.idp_entity_id = given(&theirs.idp_entity_id);
        if ours.idp_entity_id.as_ref().is_some_and(|id| input::line("idpEntityId", id, 1024).is_err()) {
            ours.idp_entity_id = None;
            whole = false;
            self.report.remark(
                KIND,
                ours.id,
                "its idp_entity_id is too long or has control characters: left out",
            );
        }
        ours.idp_redirect_url = given(&theirs.idp_redirect_url).and_then(|text| {
            let url = HttpUrl::parse(&text);
            if url.is_none() {
                whole = false;
                self.report.remark(KIND, ours.id, "its idp_redirect_url is no usable URL: left out");
            }
            url
        });
        ours.idp_certificates =
            match given(&theirs.idp_certificate).map(|der| Certificate::parse_pem_bundle(&der)) {
                None => Vec::new(),
                Some(Ok(certificates)) => certificates.iter().map(Certificate::to_pem).collect(),
                Some(Err(refused)) => {
                    whole = false;
                    self.report.remark(KIND, ours.id, format!("came without its certificate: {refused}"));
                    Vec::new()
                }
            };
        ours.idp_certificate_expires_at = last_expiry(&ours.idp_certificates);
        if let Some(first) = ours.sp_acs_urls.first_mut() {
            first.clone_from(&theirs.sp_acs_url);
        }
        ours.sp_entity_id.clone_from(&theirs.sp_entity_id);
        ours.test = is_test_idp(self.state, ours);
        whole
    }

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
            store::imports::list_taken_secrets(tx, SecretTable::ScimBearerTokens, &tokens).await?;
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
                        primary: false,
                        scim_base_url: theirs.scim_base_url.trim_end_matches('/').to_owned(),
                        allow_foreign_secondary_emails: false,
                        refuse_inactive_logins: true,
                        require_provisioned_logins: false,
                        idp_kind: None,
                        created_at: self.now,
                        updated_at: self.now,
                    };
                    ours.primary =
                        self.claim_primary(tx, &mut primaries, KIND, theirs.primary, &ours).await?;
                    store::scim_directories::insert(tx, &ours).await?;
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
                    match store::scim_directories::find(tx, environment, id).await? {
                        None => self.report.keep(KIND, id, REMOVED_HERE),
                        Some(ours) if ours.updated_at != written_at => {
                            self.report.keep(KIND, id, CHANGED_HERE);
                        }
                        Some(before) => {
                            let primary =
                                self.claim_primary(tx, &mut primaries, KIND, theirs.primary, &before).await?;
                            // The base URL of a directory never changes, in SSOReady or here.
                            let ours = ScimDirectory { primary, updated_at: self.now, ..before };
                            self.replace_token(tx, theirs, written_at, &mut taken).await?;
                            store::scim_directories::update(tx, &ours).await?;
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

/// A resource of which an organization has one primary one.
trait OrganizationResource {
    /// The kind of its id.
    type Kind: IdKind;
    /// The id of the organization, and its own id.
    fn organization_and_id(&self) -> (OrganizationId, Id<Self::Kind>);
}

impl OrganizationResource for SamlConnection {
    type Kind = crate::model::id::SamlConnectionKind;
    fn organization_and_id(&self) -> (OrganizationId, Id<Self::Kind>) {
        (self.organization_id, self.id)
    }
}

impl OrganizationResource for ScimDirectory {
    type Kind = crate::model::id::ScimDirectoryKind;
    fn organization_and_id(&self) -> (OrganizationId, Id<Self::Kind>) {
        (self.organization_id, self.id)
    }
}

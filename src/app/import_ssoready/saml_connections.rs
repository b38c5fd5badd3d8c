//! Import of SAML connections.

use base::id::OrganizationId;
use model::{
    environment::Environment,
    http_url::HttpUrl,
    saml_connection::{IdpBinding, MetadataRefresh, SamlConnection, last_expiry},
};

use super::{
    importer::Importer,
    organizations::NO_ORGANIZATION,
    primaries::Primaries,
    records::{
        CHANGED_HERE, ID_TAKEN, ImportRecords, ImportStatus, REMOVED_HERE, digest_of, incomplete_digest,
    },
    report::ResourceKind,
};
use crate::{
    app::{
        Result,
        connections::saml::{
            certificates::{GivenCertificates, parse_certificates},
            is_test_idp,
        },
        input,
    },
    store::{
        self, Transaction,
        import_lookups::{PrimaryOf, Table},
        ssoready::SourceConnection,
        table,
    },
};

impl Importer<'_> {
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
                    match table::find_for_update::<SamlConnection>(tx, environment.id, id).await? {
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
                                store::saml_connections::update(tx, &before, &mut ours, self.now).await?;
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
            version: 1,
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
            disabled: false,
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
        let texts: Vec<String> = given(&theirs.idp_certificate).into_iter().collect();
        let certificates = match parse_certificates("idp_certificate", &texts) {
            Ok(certificates) => certificates,
            Err(refused) => {
                whole = false;
                self.report.remark(KIND, ours.id, format!("came without its certificate: {refused}"));
                GivenCertificates::default()
            }
        };
        for reason in &certificates.left_out {
            whole = false;
            self.report.remark(KIND, ours.id, format!("came without one of its certificates: {reason}"));
        }
        ours.idp_certificates = certificates.pems;
        ours.metadata.left_out = certificates.left_out;
        ours.idp_certificate_expires_at = last_expiry(&ours.idp_certificates);
        if let Some(first) = ours.sp_acs_urls.first_mut() {
            first.clone_from(&theirs.sp_acs_url);
        }
        ours.sp_entity_id.clone_from(&theirs.sp_entity_id);
        ours.test = is_test_idp(self.state, ours);
        whole
    }
}

//! Import of environments, each with everything in it.

use base::id::EnvironmentId;
use model::{
    audit::AuditTarget,
    environment::{Environment, IdpInitiated, OauthSubject},
    http_url::HttpUrl,
};
use serde_json::json;

use super::{
    importer::Importer,
    records::{
        CHANGED_HERE, ID_TAKEN, ImportRecords, ImportStatus, REMOVED_HERE, digest_of, incomplete_digest,
    },
    report::{Report, ResourceKind},
    sanitize::sanitize,
    slug::unused_slug,
};
use crate::{
    app::{Result, audit, principal::Principal},
    links::Links,
    store::{self, Transaction, import_lookups::Table, ssoready::SourceEnvironment, table},
};

impl Importer<'_> {
    /// Imports an environment and everything in it.
    pub(super) async fn import_environment(&mut self, theirs: &SourceEnvironment) -> Result<()> {
        let before = self.report.clone();
        let mut tx = self.begin_page().await?;
        let status = self.write_environment(&mut tx, theirs).await?;
        let ours = table::find::<Environment>(&mut tx, theirs.id, theirs.id).await?;
        self.commit_page(tx, ResourceKind::Environment).await?;
        let Some(ours) = ours.filter(|_| status != ImportStatus::IdTaken) else { return Ok(()) };
        self.report.environments.push(theirs.id);
        // A new environment has no webhooks yet; later runs emit events.
        let with_events = status != ImportStatus::New;
        self.import_api_keys(theirs.id).await?;
        self.import_oauth_clients(theirs.id).await?;
        self.import_organizations(theirs.id).await?;
        self.import_connections(&ours).await?;
        self.import_directories(theirs.id).await?;
        self.import_groups(theirs.id, with_events).await?;
        self.import_users(theirs.id, with_events).await?;
        self.record_audit_entry(theirs.id, &before).await
    }

    /// Records all that was imported as one entry in the audit log.
    async fn record_audit_entry(&mut self, id: EnvironmentId, before: &Report) -> Result<()> {
        let written = self.report.written_since(before);
        if written.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin_page().await?;
        store::scim_usage::recount(&mut tx, id).await?;
        let target = AuditTarget { kind: "environment", id: id.to_string(), organization_id: None };
        let mut details = serde_json::Map::new();
        details.insert("from".into(), "SSOReady".into());
        details.insert("written".into(), json!(written));
        let entry = audit::Entry {
            action: "environment.imported".to_owned(),
            target,
            before: serde_json::Map::new(),
            after: details,
        };
        audit::record(&mut tx, self.state, Some(id), &Principal::operator(id), entry).await?;
        self.commit_page(tx, ResourceKind::Environment).await
    }

    async fn write_environment(
        &mut self,
        tx: &mut Transaction,
        theirs: &SourceEnvironment,
    ) -> Result<ImportStatus> {
        const KIND: ResourceKind = ResourceKind::Environment;
        let id = theirs.id;
        let source = digest_of(&(
            &theirs.display_name,
            &theirs.redirect_url,
            &theirs.oauth_redirect_uri,
            &theirs.auth_url,
            &theirs.custom_auth_domain,
        ));
        let mut records = ImportRecords::load(tx, Table::Environments, [id].into_iter(), self.now).await?;
        let status = records.status(id, source);
        match status {
            ImportStatus::Unchanged => self.report.counts_of(KIND).unchanged += 1,
            ImportStatus::IdTaken => self.report.skip(KIND, id, ID_TAKEN),
            ImportStatus::New => {
                let slug = unused_slug(tx, theirs).await?;
                let mut ours = Environment {
                    id,
                    version: 1,
                    slug,
                    display_name: String::new(),
                    redirect_url: None,
                    oauth_redirect_uris: Vec::new(),
                    auth_url: None,
                    idp_initiated: IdpInitiated::default(),
                    // Apps have stored the subjects of SSOReady.
                    oauth_subject: OauthSubject::EmailAsSent,
                    shared_domain_subjects: false,
                    password_sessions: true,
                    user_organizations: true,
                    default_template_id: None,
                    default_parent_id: None,
                    created_at: self.now,
                    updated_at: self.now,
                };
                let whole = self.apply_environment(&mut ours, theirs);
                table::insert(tx, &ours).await?;
                records.mark_imported(id, if whole { source } else { incomplete_digest(source) });
                self.report.counts_of(KIND).imported += 1;
            }
            ImportStatus::Changed(written_at) => match table::find::<Environment>(tx, id, id).await? {
                None => self.report.keep(KIND, id, REMOVED_HERE),
                Some(ours) if ours.updated_at != written_at => self.report.keep(KIND, id, CHANGED_HERE),
                Some(before) => {
                    let mut ours = before.clone();
                    let whole = self.apply_environment(&mut ours, theirs);
                    let source = if whole { source } else { incomplete_digest(source) };
                    if ours == before {
                        records.mark_imported_at(id, source, written_at);
                        self.report.counts_of(KIND).unchanged += 1;
                    } else {
                        table::update(tx, &mut ours, self.now).await?;
                        records.mark_imported(id, source);
                        self.report.counts_of(KIND).updated += 1;
                    }
                }
            },
        }
        records.store(tx).await?;
        Ok(status)
    }

    /// Applies the values of SSOReady to our environment. Returns whether all of them were usable.
    fn apply_environment(&mut self, ours: &mut Environment, theirs: &SourceEnvironment) -> bool {
        let (name, mut whole) = sanitize(theirs.display_name.as_deref().unwrap_or_default(), 200);
        ours.display_name = name;
        let mut url = |field: &str, text: Option<&str>| {
            let text = text.map(str::trim).filter(|text| !text.is_empty())?;
            let url = HttpUrl::parse(text).filter(|url| match field {
                "auth_url" => url.to_url().is_some_and(|url| Links::new(&url).is_ok()),
                "oauth_redirect_uri" => !url.as_str().contains('#'),
                _ => true,
            });
            if url.is_none() {
                whole = false;
                self.report.remark(
                    ResourceKind::Environment,
                    ours.id,
                    format!("its {field} is no usable URL: left out"),
                );
            }
            if url.as_ref().is_some_and(HttpUrl::is_insecure) {
                self.report.remark(
                    ResourceKind::Environment,
                    ours.id,
                    format!(
                        "its {field} is plain http, so that anybody on the way can read and change what goes there: kept; \
                         change it to https"
                    ),
                );
            }
            url
        };
        ours.redirect_url = url("redirect_url", theirs.redirect_url.as_deref());
        ours.oauth_redirect_uris =
            url("oauth_redirect_uri", theirs.oauth_redirect_uri.as_deref()).into_iter().collect();
        let domain = theirs.custom_auth_domain.as_deref().filter(|domain| !domain.is_empty());
        let own = domain.map(|domain| format!("https://{domain}"));
        ours.auth_url =
            url("auth_url", theirs.auth_url.as_deref().filter(|url| !url.is_empty()).or(own.as_deref()));
        whole
    }
}

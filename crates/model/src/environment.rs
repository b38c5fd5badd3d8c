//! Environments: the top-level tenant boundary, such as a vendor's "production" or "staging".

use base::{
    id::{EnvironmentId, OrganizationId},
    time::Timestamp,
};
use serde_json::{Map, Value};

use crate::{
    audit::{AuditTarget, Audited, audit_fields},
    http_url::HttpUrl,
    organization,
};

pub use crate::{idp_initiated::IdpInitiated, oauth_subject::OauthSubject, slug::Slug};

/// One environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Its id.
    pub id: EnvironmentId,
    /// The version of its settings: 1, and one more with each change.
    pub version: i64,
    /// Its short name, unique in the installation.
    pub slug: Slug,
    /// Its name for people.
    pub display_name: String,
    /// Where the browser is sent, with `saml_access_code`, after a login started through the REST API.
    pub redirect_url: Option<HttpUrl>,
    /// The redirect URIs registered for OAuth clients, compared byte for byte.
    pub oauth_redirect_uris: Vec<HttpUrl>,
    /// The origin for identity providers and browsers, when it differs from the public URL.
    pub auth_url: Option<HttpUrl>,
    /// The default policy for connections that set none.
    pub idp_initiated: IdpInitiated,
    /// What `sub` is for OAuth clients.
    pub oauth_subject: OauthSubject,
    /// Whether people of several organizations with one address have one subject, where the subject is the address.
    pub shared_domain_subjects: bool,
    /// Whether users of the root's pools begin sessions by their password over the API.
    pub password_sessions: bool,
    /// Whether they make organizations.
    pub user_organizations: bool,
    /// The template of new organizations for which none is named. Where it is gone, there is none.
    pub default_template_id: Option<OrganizationId>,
    /// The organization above new ones for which none is named. Where it is gone, they are below the root.
    pub default_parent_id: Option<OrganizationId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Environment {
    /// Whether people of several organizations with one address have different subjects.
    pub fn has_subjects_by_organization(&self) -> bool {
        self.oauth_subject == OauthSubject::Email && !self.shared_domain_subjects
    }

    /// Its root organization.
    pub fn root_organization_id(&self) -> OrganizationId {
        organization::root_id(self.id)
    }
}

impl Audited for Environment {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget { kind: "environment", id: self.id.to_string(), organization_id: None }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        let uris: Vec<&str> = self.oauth_redirect_uris.iter().map(HttpUrl::as_str).collect();
        let mut fields = audit_fields! {
            "slug": self.slug.as_str(),
            "displayName": self.display_name,
            "redirectUrl": self.redirect_url.as_ref().map(HttpUrl::as_str),
            "oauthRedirectUris": uris,
            "authUrl": self.auth_url.as_ref().map(HttpUrl::as_str),
            "idpInitiated": self.idp_initiated.as_str(),
            "oauthSubject": self.oauth_subject.as_str(),
            "sharedDomainSubjects": self.shared_domain_subjects,
            "passwordSessions": self.password_sessions,
            "userOrganizations": self.user_organizations,
        };
        for (name, id) in
            [("defaultTemplateId", self.default_template_id), ("defaultParentId", self.default_parent_id)]
        {
            fields.extend(id.map(|id| (name.to_owned(), Value::from(id.to_string()))));
        }
        fields
    }
}

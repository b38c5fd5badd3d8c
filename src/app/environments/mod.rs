//! Environments: created by the operator and by owners of every environment, changed by their owners.

pub mod api_keys;
pub mod branding;

use base::id::{EnvironmentId, EnvironmentKind, Id, IdKind as _, OrganizationId};
use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser as _},
};
use model::{
    entity_tag::EntityTags,
    environment::{Environment, IdpInitiated, OauthSubject, Slug},
    http_url::HttpUrl,
    organization::Organization,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Error, Result, State,
    administrators::roles,
    input,
    permissions::Action,
    principal::{On, Principal},
    resource::{self, Edit, Resource},
    retry::retry_deadlocks,
};
use crate::{
    links::Links,
    store::{self, oauth_subjects, table},
};

const DEFAULT_TEMPLATE: &str = "defaultTemplateId";
const DEFAULT_PARENT: &str = "defaultParentId";

/// An environment, such as production or staging. Each is isolated from the others.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Environment)]
pub struct EnvironmentObject {
    id: EnvironmentId,
    /// Its short name, unique in the installation.
    #[schema(example = "production")]
    slug: String,
    /// Its name for people.
    #[schema(example = "Production")]
    display_name: String,
    /// Where the browser is sent after a login, with `saml_access_code` added; empty for none.
    #[schema(example = "https://app.example.com/callback")]
    redirect_url: String,
    /// The redirect URIs of OAuth clients, compared byte for byte.
    oauth_redirect_uris: Vec<HttpUrl>,
    /// The origin that identity providers and browsers use, when it is not the public URL.
    #[schema(example = "https://sso.example.com")]
    auth_url: String,
    /// The policy of connections without their own.
    idp_initiated: IdpInitiated,
    /// What `sub` is for OAuth clients.
    oauth_subject: OauthSubject,
    /// Whether people of several organizations with one address have one subject.
    shared_domain_subjects: bool,
    /// Whether users of the root's pools begin sessions by their password over SigID's API.
    password_sessions: bool,
    /// Whether they make organizations there.
    user_organizations: bool,
    /// The template of organizations that SecureAuth's API makes without naming one. Omitted if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = OrganizationId)]
    default_template_id: Option<OrganizationId>,
    /// The organization above those that SecureAuth's API makes without naming one. Omitted if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = OrganizationId)]
    default_parent_id: Option<OrganizationId>,
}

impl From<&Environment> for EnvironmentObject {
    fn from(environment: &Environment) -> Self {
        let text = |url: &Option<HttpUrl>| url.as_ref().map(ToString::to_string).unwrap_or_default();
        Self {
            id: environment.id,
            slug: environment.slug.to_string(),
            display_name: environment.display_name.clone(),
            redirect_url: text(&environment.redirect_url),
            oauth_redirect_uris: environment.oauth_redirect_uris.clone(),
            auth_url: text(&environment.auth_url),
            idp_initiated: environment.idp_initiated,
            oauth_subject: environment.oauth_subject,
            shared_domain_subjects: environment.shared_domain_subjects,
            password_sessions: environment.password_sessions,
            user_organizations: environment.user_organizations,
            default_template_id: environment.default_template_id,
            default_parent_id: environment.default_parent_id,
        }
    }
}

/// The settings of an environment.
#[derive(Debug, Clone, Default, Deserialize, ToSchema, Args)]
#[schema(as = EnvironmentInput)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentChange {
    /// Its short name: up to 63 lower-case letters, digits and hyphens.
    #[schema(example = "production")]
    #[arg(skip)]
    pub slug: Option<String>,
    /// Its name for people.
    #[schema(example = "Production")]
    #[arg(long, value_name = "NAME")]
    pub display_name: Option<String>,
    /// Where the browser is sent after a login; empty for none.
    #[schema(example = "https://app.example.com/callback")]
    #[arg(long, value_name = "URL")]
    pub redirect_url: Option<String>,
    /// The redirect URIs of OAuth clients: at most 100.
    #[schema(example = json!(["https://app.example.com/oauth/callback"]))]
    #[arg(long = "oauth-redirect-uri", value_name = "URI")]
    pub oauth_redirect_uris: Option<Vec<String>>,
    /// The origin that identity providers and browsers use; empty for the public URL. Existing connections keep
    /// theirs.
    #[arg(long, value_name = "URL")]
    pub auth_url: Option<String>,
    /// `ALLOW`, `RESTART` or `REFUSE`: what happens to unsolicited responses.
    #[arg(
        long,
        value_name = "POLICY",
        ignore_case = true,
        value_parser = PossibleValuesParser::new(["ALLOW", "RESTART", "REFUSE"]).map(|policy| policy.to_ascii_uppercase())
    )]
    pub idp_initiated: Option<String>,
    /// `EMAIL` (the address in lower case) or `EMAIL_AS_SENT`: what `sub` is for OAuth clients. With `EMAIL` the first
    /// organization that signs an address in has it; people of others with that address have a subject of their own.
    #[arg(
        long,
        value_name = "SUBJECT",
        ignore_case = true,
        value_parser = PossibleValuesParser::new(["EMAIL", "EMAIL_AS_SENT"]).map(|subject| subject.to_ascii_uppercase())
    )]
    pub oauth_subject: Option<String>,
    /// With `EMAIL`: people of several organizations with one address are the same person and have one subject.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub shared_domain_subjects: Option<bool>,
    /// Whether users of the root's pools begin sessions by their password over SigID's API; on unless you switch it off.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub password_sessions: Option<bool>,
    /// Whether they make organizations there; on unless you switch it off.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub user_organizations: Option<bool>,
    /// The template of organizations that SecureAuth's API makes without naming one, by its id; empty for none.
    #[arg(long = "default-template", value_name = "ID")]
    pub default_template_id: Option<String>,
    /// The organization above those that SecureAuth's API makes without naming one, by its id; empty for none.
    #[arg(long = "default-parent", value_name = "ID")]
    pub default_parent_id: Option<String>,
}

impl Resource for Environment {
    type Change = EnvironmentChange;

    const VIEW: Action = Action::EnvironmentsView;
    const MANAGE: Action = Action::EnvironmentsManage;

    const UNIQUE: &'static str = "slug";

    fn apply(&mut self, _: &State, change: &EnvironmentChange) -> Result<()> {
        if let Some(slug) = &change.slug {
            self.slug = Slug::parse(slug).map_err(|reason| Error::invalid("slug", reason))?;
        }
        if let Some(name) = &change.display_name {
            self.display_name = input::line("displayName", name, 200)?;
        }
        if let Some(url) = &change.redirect_url {
            self.redirect_url = input::optional_browser_url("redirectUrl", url, &self.redirect_url)?;
        }
        if let Some(uris) = &change.oauth_redirect_uris {
            self.oauth_redirect_uris =
                input::redirect_uris("oauthRedirectUris", uris, &self.oauth_redirect_uris)?;
        }
        if let Some(url) = &change.auth_url {
            self.auth_url = input::optional_browser_url("authUrl", url, &self.auth_url)?;
            if let Some(url) = self.auth_url.as_ref().and_then(HttpUrl::to_url) {
                Links::new(&url).map_err(|reason| Error::invalid("authUrl", reason.to_string()))?;
            }
        }
        if let Some(policy) = &change.idp_initiated {
            self.idp_initiated = policy
                .parse()
                .map_err(|_| Error::invalid("idpInitiated", "must be ALLOW, RESTART or REFUSE"))?;
        }
        if let Some(subject) = &change.oauth_subject {
            self.oauth_subject = parse_subject(subject)?;
        }
        self.shared_domain_subjects = change.shared_domain_subjects.unwrap_or(self.shared_domain_subjects);
        self.password_sessions = change.password_sessions.unwrap_or(self.password_sessions);
        self.user_organizations = change.user_organizations.unwrap_or(self.user_organizations);
        if let Some(id) = &change.default_template_id {
            self.default_template_id = organization_id(DEFAULT_TEMPLATE, id)?;
        }
        if let Some(id) = &change.default_parent_id {
            self.default_parent_id = organization_id(DEFAULT_PARENT, id)?;
        }
        Ok(())
    }

    async fn after_change(edit: &mut Edit<Self>, state: &State) -> Result<()> {
        if edit.row.slug != edit.before.slug {
            keep_slug(edit, state).await?;
        }
        if edit.row.has_subjects_by_organization() && !edit.before.has_subjects_by_organization() {
            oauth_subjects::insert_from_history(&mut edit.tx, edit.row.id, state.now()).await?;
        }
        check_defaults(edit).await
    }
}

/// The id of an organization; empty means none.
fn organization_id(field: &'static str, text: &str) -> Result<Option<OrganizationId>> {
    match text {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| Error::invalid(field, "must be an organization's id")),
    }
}

/// Requires that the defaults that were set now are a template and an organization of the environment.
async fn check_defaults(edit: &mut Edit<Environment>) -> Result<()> {
    let id = edit.row.id;
    let template = edit
        .row
        .default_template_id
        .filter(|_| edit.row.default_template_id != edit.before.default_template_id);
    if let Some(template) = template {
        let found: Option<Organization> = table::find(&mut edit.tx, id, template).await?;
        if !found.is_some_and(|found| found.template) {
            return Err(Error::invalid(DEFAULT_TEMPLATE, "must be a template of this environment"));
        }
    }
    let parent =
        edit.row.default_parent_id.filter(|_| edit.row.default_parent_id != edit.before.default_parent_id);
    if let Some(parent) = parent {
        let found: Option<Organization> = table::find(&mut edit.tx, id, parent).await?;
        if found.is_none_or(|found| found.template) {
            return Err(Error::invalid(
                DEFAULT_PARENT,
                "must be an organization of this environment, and no template",
            ));
        }
    }
    Ok(())
}

/// Keeps the slug that the environment had, which its issuers carry for good; another environment's is refused.
async fn keep_slug(edit: &mut Edit<Environment>, state: &State) -> Result<()> {
    let id = edit.row.id;
    let unused = store::tenants::require_unused(&mut edit.tx, id, &edit.row.slug).await;
    unused.map_err(Error::conflict_on(EnvironmentKind::NOUN, Environment::UNIQUE))?;
    Ok(store::tenants::insert_former(&mut edit.tx, id, &edit.before.slug, state.now()).await?)
}

fn parse_subject(text: &str) -> Result<OauthSubject> {
    text.parse().map_err(|_| {
        let reason = match text {
            "USER_ID" => "cannot be USER_ID: there are no accounts yet; must be EMAIL or EMAIL_AS_SENT",
            _ => "must be EMAIL or EMAIL_AS_SENT",
        };
        Error::invalid("oauthSubject", reason)
    })
}

/// Creates an environment.
pub async fn create(state: &State, principal: &Principal, change: &EnvironmentChange) -> Result<Environment> {
    principal.authorize_everywhere(Action::EnvironmentsCreate)?;
    let now = state.now();
    let slug = change.slug.as_deref().ok_or_else(|| Error::invalid("slug", "is required"))?;
    let mut environment = Environment {
        id: Id::new(now, &*state.random),
        version: 1,
        slug: Slug::parse(slug).map_err(|reason| Error::invalid("slug", reason))?,
        display_name: String::new(),
        redirect_url: None,
        oauth_redirect_uris: Vec::new(),
        auth_url: None,
        idp_initiated: IdpInitiated::default(),
        oauth_subject: OauthSubject::default(),
        shared_domain_subjects: false,
        password_sessions: true,
        user_organizations: true,
        default_template_id: None,
        default_parent_id: None,
        created_at: now,
        updated_at: now,
    };
    environment.apply(state, change)?;
    for (field, id) in
        [(DEFAULT_TEMPLATE, environment.default_template_id), (DEFAULT_PARENT, environment.default_parent_id)]
    {
        if id.is_some() {
            return Err(Error::invalid(field, "cannot be set yet: a new environment has no organizations"));
        }
    }
    let mut tx = state.db.write().await?;
    resource::insert(&mut tx, state, &principal.in_environment(environment.id), &environment).await?;
    tx.commit().await?;
    Ok(environment)
}

/// Removes the caller's environment with everything of its own: its history is deleted soon afterwards, in batches.
/// Administrators who have no other role are disabled.
/// Refused while it has organizations, so that one call cannot lock out every customer. Its audit log is kept.
pub async fn remove(
    state: &State,
    principal: &Principal,
    id: EnvironmentId,
    expected: Option<&EntityTags>,
) -> Result<()> {
    let own = principal.authorize(Action::EnvironmentsManage, On::Environment)?;
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        table::lock_for_removal::<Environment>(&mut tx, own, id).await?;
        let mut edit = Edit::<Environment>::begin(tx, own, id, expected).await?;
        if !store::organizations::list(&mut edit.tx, id, None, 1).await?.is_empty() {
            return Err(Error::FailedPrecondition(
                "this environment still has organizations; delete them first".into(),
            ));
        }
        if !store::organizations::list_templates(&mut edit.tx, id, 1).await?.is_empty() {
            return Err(Error::FailedPrecondition(
                "this environment still has templates of organizations; delete them first".into(),
            ));
        }
        store::tenants::insert_former(&mut edit.tx, id, &edit.before.slug, state.now()).await?;
        edit.tx = roles::remove_all(edit.tx, state, principal, id).await?;
        store::removed_environments::insert(&mut edit.tx, id, state.now()).await?;
        edit.remove(state, principal).await
    })
    .await
}

/// The environment with this id or slug.
pub async fn find(state: &State, reference: &str) -> Result<Environment> {
    let mut conn = state.db.read().await?;
    let found = match (reference.parse::<EnvironmentId>(), Slug::parse(reference)) {
        (Ok(id), _) => table::find(&mut conn, id, id).await?,
        (Err(_), Ok(slug)) => store::environments::find_by_slug(&mut conn, &slug).await?,
        (Err(_), Err(_)) => None,
    };
    found.ok_or_else(|| Error::not_found("environment", input::quoted(reference)))
}

/// At most `limit` environments from `from` on, in order of creation.
pub async fn list(state: &State, from: Option<EnvironmentId>, limit: i64) -> Result<Vec<Environment>> {
    let mut conn = state.db.read().await?;
    Ok(store::environments::list(&mut conn, from, limit).await?)
}

/// The environment with this id.
pub(super) async fn load(conn: &mut store::Conn, id: EnvironmentId) -> Result<Environment> {
    resource::load(conn, id, id).await
}

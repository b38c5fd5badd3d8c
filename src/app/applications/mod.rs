//! Applications: clients of the environments' issuers, service clients among them.

pub mod filter;
pub mod issued_secrets;
pub mod roles;
pub mod secrets;
mod settings;
pub mod share;
pub mod shared_organizations;
pub mod sharing;
pub mod vendor;
pub mod visible;

use base::{
    id::{ApplicationId, EnvironmentId, Id, IdKind as _, OrganizationId, OrganizationKind},
    secret::ApplicationSecret,
    time::Timestamp,
};
use clap::Args;
use model::{
    application::{
        Application, ClientKind, GrantType, IdTokenAlg, RoleAudience, RoleSharing, Sharing, Workspace,
    },
    organization::Organization,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Error, Result, State, input,
    organizations::{reference, templates},
    pagination::{List, Page, PageQuery, PageRequest},
    permissions::Action,
    principal::{On, Principal},
    resource::{self, Edit, Resource},
};
use crate::store::{
    self, Transaction, account_grants, application_shares,
    signed_access_tokens::{self, TokensOf},
};

/// An application.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Application)]
pub struct ApplicationObject {
    /// Its id.
    id: ApplicationId,
    /// Its `client_id`.
    client_id: ApplicationId,
    environment_id: EnvironmentId,
    /// The organization that owns it; `null` for your own.
    organization_id: Option<OrganizationId>,
    /// Its name for people; may be empty.
    #[schema(example = "Billing")]
    display_name: String,
    /// What it is for; may be empty.
    #[schema(example = "Sends invoices")]
    description: String,
    /// `web`, `public` or `service`.
    #[schema(value_type = String, example = "service")]
    kind: ClientKind,
    /// `system` for a service client that administers the environment, else `null`.
    #[schema(value_type = Option<String>, example = "system")]
    workspace: Option<Workspace>,
    /// What it may exchange for tokens.
    #[schema(value_type = Vec<String>, example = json!(["client_credentials"]))]
    grant_types: Vec<GrantType>,
    /// What it may ask for.
    #[schema(example = json!(["manage_organizations"]))]
    scopes: Vec<String>,
    /// The organizations where it can be used besides its owner's: `all`, those of the future too; `existing`, those that there were
    /// when it was shared; `selected`, those that were named; `none`.
    #[schema(value_type = String, example = "all")]
    shared: Sharing,
    /// For what its roles are: `application`, for it alone; `organization`, it uses those of your own organization.
    #[schema(value_type = String, example = "organization")]
    role_audience: RoleAudience,
    /// Its redirect URIs; empty: those of the environment.
    redirect_uris: Vec<String>,
    /// Where it may send people who signed out.
    post_logout_redirect_uris: Vec<String>,
    /// The origins whose scripts may call the issuer.
    origins: Vec<String>,
    /// How its tokens are signed.
    signing_alg: IdTokenAlg,
    /// Whether it is switched off: it gets no tokens, and those that it has do not count.
    disabled: bool,
    created_at: Timestamp,
    /// When the secret before the present one ends, while two are good; else `null`.
    previous_secret_expires_at: Option<Timestamp>,
    /// Its secret: present only in the response that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, example = "app_secret_12vqjrnxk9xeov6o4f05pan0g")]
    client_secret: Option<String>,
}

impl ApplicationObject {
    /// An application with a secret that was just made, if it has one.
    pub fn created(made: &ApplicationWithSecret) -> Self {
        let client_secret = made.secret.as_ref().map(ApplicationSecret::reveal);
        Self { client_secret, ..Self::from(&made.application) }
    }
}

impl From<&Application> for ApplicationObject {
    fn from(application: &Application) -> Self {
        Self {
            id: application.id,
            client_id: application.id,
            environment_id: application.environment_id,
            organization_id: application.organization_id,
            display_name: application.display_name.clone(),
            description: application.description.clone(),
            kind: application.kind,
            workspace: application.workspace,
            grant_types: application.grant_types.clone(),
            scopes: application.scopes.clone(),
            shared: application.shared,
            role_audience: application.role_audience,
            redirect_uris: application.redirect_uris.iter().map(ToString::to_string).collect(),
            post_logout_redirect_uris: application
                .post_logout_redirect_uris
                .iter()
                .map(ToString::to_string)
                .collect(),
            origins: application.origins.clone(),
            signing_alg: application.signing_alg,
            disabled: application.disabled,
            created_at: application.created_at,
            previous_secret_expires_at: application.previous_secret.map(|previous| previous.expires_at),
            client_secret: None,
        }
    }
}

/// The settings of an application.
#[derive(Debug, Clone, Default, Deserialize, ToSchema, Args)]
#[schema(as = ApplicationInput)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationChange {
    /// Its name for people.
    #[schema(example = "Billing")]
    #[arg(long = "name", value_name = "NAME")]
    pub display_name: Option<String>,
    /// What it is for.
    #[schema(example = "Sends invoices")]
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// What it may exchange for tokens: authorization_code, client_credentials, refresh_token, organization_switch.
    #[schema(example = json!(["client_credentials"]))]
    #[arg(long = "grant", value_name = "GRANT")]
    pub grant_types: Option<Vec<String>>,
    /// What it may ask for.
    #[schema(example = json!(["manage_organizations"]))]
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Option<Vec<String>>,
    /// The organizations where your own application can be used: all, those of the future too; existing, those that there are now;
    /// selected, those that were named; or none.
    #[schema(example = "all")]
    #[arg(long = "share", value_name = "WITH", value_parser = settings::sharing_names())]
    pub shared: Option<String>,
    /// For what its roles are: application, for it alone, or organization.
    #[schema(example = "application")]
    #[arg(long = "audience", value_name = "AUDIENCE", value_parser = ["application", "organization"])]
    pub role_audience: Option<String>,
    /// Its redirect URIs, instead of those of the environment.
    #[schema(example = json!(["https://app.example.com/callback"]))]
    #[arg(long = "redirect-uri", value_name = "URI")]
    pub redirect_uris: Option<Vec<String>>,
    /// Where it may send people who signed out.
    #[schema(example = json!(["https://app.example.com/signed-out"]))]
    #[arg(long = "post-logout-redirect-uri", value_name = "URI")]
    pub post_logout_redirect_uris: Option<Vec<String>>,
    /// The origins whose scripts may call the issuer.
    #[schema(example = json!(["https://app.example.com"]))]
    #[arg(long = "origin", value_name = "ORIGIN")]
    pub origins: Option<Vec<String>>,
    /// How its tokens are signed: ES256 (the default), RS256 or EdDSA.
    #[schema(example = "ES256")]
    #[arg(long, value_name = "ALGORITHM", value_parser = ["ES256", "RS256", "EdDSA"])]
    pub signing_alg: Option<String>,
    /// Switch it off: it gets no tokens, and those that it has end.
    #[arg(skip)]
    pub disabled: Option<bool>,
}

/// What cannot be changed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewApplication {
    /// What kind of client it is.
    pub kind: ClientKind,
    /// Where it administers.
    pub workspace: Option<Workspace>,
    /// The organization that owns it.
    pub organization_id: Option<OrganizationId>,
}

impl NewApplication {
    /// A service client that administers the environment.
    pub const SYSTEM: Self =
        Self { kind: ClientKind::Service, workspace: Some(Workspace::System), organization_id: None };
}

/// An application with its new secret, which is returned only once; a public client has none.
#[derive(Debug)]
pub struct ApplicationWithSecret {
    /// The application.
    pub application: Application,
    /// Its secret.
    pub secret: Option<ApplicationSecret>,
}

impl Resource for Application {
    type Change = ApplicationChange;

    const VIEW: Action = Action::ApplicationsView;
    const MANAGE: Action = Action::ApplicationsManage;

    fn apply(&mut self, state: &State, change: &ApplicationChange) -> Result<()> {
        if let Some(name) = &change.display_name {
            self.display_name = input::line("displayName", name, 200)?;
        }
        if let Some(description) = &change.description {
            self.description = input::line("description", description, 1000)?;
        }
        if let Some(grants) = &change.grant_types {
            self.grant_types = settings::grants(self.kind, grants)?;
        }
        if let Some(scopes) = &change.scopes {
            self.scopes = settings::scopes(self.workspace, scopes)?;
        }
        if let Some(uris) = &change.redirect_uris {
            self.redirect_uris = input::redirect_uris("redirectUris", uris, &self.redirect_uris)?;
        }
        if let Some(sharing) = &change.shared {
            let wanted = settings::sharing(self, sharing)?;
            if wanted != self.shared {
                (self.shared, self.shared_at) = (wanted, Some(state.now()));
            }
        }
        if let Some(audience) = &change.role_audience {
            let unknown = |_| Error::invalid("roleAudience", "must be application or organization");
            self.role_audience = audience.parse().map_err(unknown)?;
        }
        if let Some(uris) = &change.post_logout_redirect_uris {
            let present = &self.post_logout_redirect_uris;
            self.post_logout_redirect_uris = input::redirect_uris("postLogoutRedirectUris", uris, present)?;
        }
        if let Some(origins) = &change.origins {
            self.origins = settings::origins(origins)?;
        }
        if let Some(alg) = &change.signing_alg {
            let unknown = || Error::invalid("signingAlg", "must be ES256, RS256 or EdDSA");
            self.signing_alg = match alg.as_str() {
                "" => settings::DEFAULT_ALGORITHM,
                name => name.parse().map_err(|_| unknown())?,
            };
        }
        self.disabled = change.disabled.unwrap_or(self.disabled);
        Ok(())
    }

    fn is_disabled(&self) -> bool {
        self.disabled
    }

    async fn after_change(edit: &mut Edit<Self>, state: &State) -> Result<()> {
        let is_shared_otherwise = edit.row.shared != edit.before.shared;
        if is_shared_otherwise {
            let id = edit.row.id;
            application_shares::remove_all(&mut edit.tx, id).await?;
            application_shares::revoke_where_not_shared(&mut edit.tx, id, state.now()).await?;
        }
        if is_shared_otherwise || edit.row.role_audience != edit.before.role_audience {
            roles::end_where_not_there(&mut edit.tx, &edit.row, &[]).await?;
        }
        Ok(())
    }

    async fn end_use(edit: &mut Edit<Self>, state: &State) -> Result<()> {
        let of = TokensOf::Client(edit.row.id);
        account_grants::revoke_of_client(&mut edit.tx, edit.row.id, state.now()).await?;
        Ok(signed_access_tokens::revoke_all(&mut edit.tx, of, state.now()).await?)
    }

    async fn remove_related(edit: &mut Edit<Self>, state: &State) -> Result<()> {
        let (environment_id, id) = (edit.row.environment_id, edit.row.id);
        roles::stop_using(&mut edit.tx, &edit.row).await?;
        Ok(store::roles::remove_of_application(&mut edit.tx, environment_id, id, state.now()).await?)
    }
}

/// Creates an application in an environment.
pub async fn create(
    state: &State,
    principal: &Principal,
    new: NewApplication,
    change: &ApplicationChange,
) -> Result<ApplicationWithSecret> {
    let mut tx = state.db.write().await?;
    let made = create_in(&mut tx, state, principal, new, change).await?;
    tx.commit().await?;
    Ok(made)
}

/// [`create`], in the caller's transaction.
pub(super) async fn create_in(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    new: NewApplication,
    change: &ApplicationChange,
) -> Result<ApplicationWithSecret> {
    let environment_id = principal.authorize(Action::ApplicationsManage, On::Environment)?;
    let now = state.now();
    principal.require_recent_authentication(now)?;
    let secret = new.kind.has_secret().then(|| ApplicationSecret::new(&*state.random));
    let mut application = Application {
        id: Id::new(now, &*state.random),
        environment_id,
        version: 1,
        kind: new.kind,
        workspace: new.workspace,
        organization_id: new.organization_id,
        secret: secret.as_ref().map(ApplicationSecret::digest),
        previous_secret: None,
        display_name: String::new(),
        description: String::new(),
        grant_types: new.kind.default_grants().to_vec(),
        scopes: Vec::new(),
        shared: Sharing::default_of(new.kind, new.organization_id),
        shared_at: None,
        shared_roles: RoleSharing::ALL,
        role_audience: RoleAudience::Organization,
        redirect_uris: Vec::new(),
        post_logout_redirect_uris: Vec::new(),
        origins: Vec::new(),
        signing_alg: settings::DEFAULT_ALGORITHM,
        disabled: false,
        created_at: now,
    };
    application.apply(state, change)?;
    if let Some(id) = new.organization_id {
        let organization: Organization = resource::load(tx, environment_id, id).await?;
        templates::refuse(&organization, "applications")?;
    }
    resource::insert(tx, state, principal, &application).await?;
    Ok(ApplicationWithSecret { application, secret })
}

/// One page of the environment's applications: the service clients of a workspace, or the others.
pub async fn list(
    state: &State,
    principal: &Principal,
    workspace: Option<Workspace>,
    query: &PageQuery,
) -> Result<Page<Application>> {
    let environment_id = principal.authorize(Action::ApplicationsView, On::Environment)?;
    let name = workspace.map_or("applications", |_| "service_clients");
    let list = List::of(environment_id, name);
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    let limit = wanted.limit();
    let found =
        store::applications::list_by_workspace(&mut conn, environment_id, workspace, wanted.from, limit)
            .await?;
    Ok(wanted.page_of(state, &list, found, |application| application.id))
}

/// The organization that owns a new application, by its id in any encoding or its alias.
pub async fn owner(state: &State, principal: &Principal, text: &str) -> Result<OrganizationId> {
    let found = reference::resolve_existing(state, principal.environment()?, text).await?;
    found.ok_or_else(|| Error::not_found(OrganizationKind::NOUN, input::quoted(text)))
}

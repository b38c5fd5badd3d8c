//! The issuers of an environment: one authorization server each, with a URL of its own.
//!
//! Whichever form of a name was called, an issuer has one URL: with the environment's name as a tenant and the
//! organization's alias, else its id as 32 hexadecimal digits.

use base::id::{EnvironmentId, OrganizationId};
use model::{organization_reference::OrganizationRef, slug::Slug};

pub use crate::store::tenants::{IssuerForm, IssuingOrganization, Tenant};
use crate::{
    app::{Error, Result, State},
    links::Links,
    store::{Conn, organizations, tenants},
};

/// The workspace of the clients that administer (SecureAuth's name for it).
pub const SYSTEM: &str = "system";

/// How paths name the root organization.
pub const ROOT: &str = "root";

/// One issuer of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// The environment.
    pub tenant: Tenant,
    /// Which of its issuers.
    pub kind: IssuerKind,
}

/// Which issuer of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssuerKind {
    /// Of the service clients that administer the environment: `/{environment}/system`.
    System,
    /// Of an organization: `/{environment}/{organization}`.
    Organization(IssuingOrganization),
    /// WSO2's, of the default environment: `/oauth2/token`.
    DefaultTenant,
    /// WSO2's, of any environment: `/t/{environment}/oauth2/token`.
    Tenant,
}

impl Issuer {
    /// The issuer's URL: `iss`.
    pub fn url(&self, links: &Links) -> String {
        match &self.kind {
            IssuerKind::DefaultTenant => links.default_tenant_issuer(),
            IssuerKind::Tenant => links.tenant_issuer(&self.tenant.name),
            IssuerKind::System | IssuerKind::Organization(_) => {
                links.workspace_issuer(&self.tenant.name, &self.workspace())
            }
        }
    }

    /// What stands in the URL after the environment, SecureAuth's workspace id: `aid`.
    pub fn workspace(&self) -> String {
        match &self.kind {
            IssuerKind::System => SYSTEM.to_owned(),
            IssuerKind::Organization(organization) => {
                let alias = organization.public_alias.as_deref();
                organization_segment(self.tenant.environment_id, organization.id, alias)
            }
            IssuerKind::DefaultTenant | IssuerKind::Tenant => ROOT.to_owned(),
        }
    }

    /// The form in which a token's row names it.
    pub fn stored(&self) -> String {
        match &self.kind {
            IssuerKind::System => SYSTEM.to_owned(),
            IssuerKind::Organization(organization) => organization.id.to_string(),
            IssuerKind::DefaultTenant | IssuerKind::Tenant => self.form().stored().to_owned(),
        }
    }

    /// Whether it is one of WSO2's, which speak for the environment's root and for whatever organization a token is switched to.
    pub fn is_tenant(&self) -> bool {
        matches!(self.kind, IssuerKind::DefaultTenant | IssuerKind::Tenant)
    }

    /// By which of the root's names it is called.
    pub fn form(&self) -> IssuerForm {
        match self.kind {
            IssuerKind::System | IssuerKind::Organization(_) => IssuerForm::Organization,
            IssuerKind::DefaultTenant => IssuerForm::DefaultTenant,
            IssuerKind::Tenant => IssuerForm::Tenant,
        }
    }

    /// This issuer, the root's, by another of its names.
    pub fn in_form(&self, form: IssuerForm) -> Self {
        let kind = match form {
            IssuerForm::Organization => self.kind.clone(),
            IssuerForm::DefaultTenant => IssuerKind::DefaultTenant,
            IssuerForm::Tenant => IssuerKind::Tenant,
        };
        Self { tenant: self.tenant.clone(), kind }
    }

    /// The organization whose issuer it is.
    pub fn organization(&self) -> Option<&IssuingOrganization> {
        match &self.kind {
            IssuerKind::Organization(organization) => Some(organization),
            IssuerKind::System | IssuerKind::DefaultTenant | IssuerKind::Tenant => None,
        }
    }
}

/// The segment that stands for an organization in issuers and paths: `root`, its alias, or its id as hexadecimal digits.
pub fn organization_segment(
    environment_id: EnvironmentId,
    id: OrganizationId,
    alias: Option<&str>,
) -> String {
    match alias {
        _ if id == model::organization::root_id(environment_id) => ROOT.to_owned(),
        Some(alias) => alias.to_owned(),
        None => format!("{:032x}", id.bits()),
    }
}

/// The environment with this id, slug or former slug; [`Error::NotFound`] of a tenant.
pub async fn find_tenant(conn: &mut Conn, reference: &str) -> Result<Tenant> {
    let found = match (reference.parse::<EnvironmentId>(), Slug::parse(reference)) {
        (Ok(id), _) => tenants::find(conn, id).await?,
        (Err(_), Ok(slug)) => tenants::find_by_slug(conn, &slug).await?,
        (Err(_), Err(_)) => None,
    };
    found.ok_or_else(|| {
        let shown = shown(reference);
        Error::not_found("tenant", format!("{shown} (write the slug or the id of an environment there)"))
    })
}

/// A name as it was called, for an error: RFC 6749 §5.2 allows few characters there.
fn shown(name: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '?' };
    name.chars().take(80).map(kept).collect()
}

/// An environment, as issuers name it.
pub async fn tenant_of(state: &State, environment_id: EnvironmentId) -> Result<Tenant> {
    let found = tenants::find(&mut state.db.read().await?, environment_id).await?;
    found.ok_or_else(|| Error::not_found("tenant", environment_id))
}

/// The environment for which paths speak that name none: the configured one; without that, the only one.
pub async fn default_tenant(state: &State, conn: &mut Conn) -> Result<Tenant> {
    match &state.settings.default_environment {
        Some(reference) => find_tenant(conn, reference).await.map_err(|error| match error {
            Error::NotFound { kind, .. } => {
                let shown = shown(reference);
                Error::not_found(kind, format!("{shown} (which the setting default_environment names)"))
            }
            error => error,
        }),
        None => {
            let only = tenants::find_only(conn).await?;
            only.ok_or_else(|| {
                let why = "this path names none (put the slug or the id of an environment first, or set \
                           default_environment)";
                Error::not_found("tenant", why)
            })
        }
    }
}

/// Whether an environment is the one for which paths speak that name none.
pub async fn is_default(state: &State, conn: &mut Conn, tenant: &Tenant) -> Result<bool> {
    match default_tenant(state, conn).await {
        Ok(default) => Ok(default == *tenant),
        Err(Error::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The issuer that the path of a workspace names: `system`, `root`, or an organization by its alias or id.
/// [`Error::NotFound`] also where the organization is switched off or a template.
pub async fn find_workspace(conn: &mut Conn, tenant: Tenant, reference: &str) -> Result<Issuer> {
    let unknown = || {
        let shown = shown(reference);
        let what = "the second segment is system, root, or the alias or the id of an organization";
        Error::not_found("workspace", format!("{shown} ({what})"))
    };
    let environment_id = tenant.environment_id;
    let id = match reference {
        SYSTEM => return Ok(Issuer { tenant, kind: IssuerKind::System }),
        ROOT => model::organization::root_id(environment_id),
        _ => {
            let parsed = OrganizationRef::parse(reference).map_err(|_| unknown())?;
            organizations::resolve(conn, environment_id, &parsed).await?.ok_or_else(unknown)?
        }
    };
    let organization = tenants::find_organization(conn, environment_id, id).await?.ok_or_else(unknown)?;
    Ok(Issuer { tenant, kind: IssuerKind::Organization(organization) })
}

/// The issuer of an organization, the root too.
pub async fn of_organization(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: OrganizationId,
) -> Result<Issuer> {
    let tenant = find_tenant(conn, &environment_id.to_string()).await?;
    let reference = match id == model::organization::root_id(environment_id) {
        true => ROOT.to_owned(),
        false => id.to_string(),
    };
    find_workspace(conn, tenant, &reference).await
}

/// Where people sign in for one of WSO2's issuers, which have no pages: at the root's.
pub async fn sign_in_of(conn: &mut Conn, issuer: Issuer) -> Result<Issuer> {
    match issuer.is_tenant() {
        true => find_workspace(conn, issuer.tenant, ROOT).await,
        false => Ok(issuer),
    }
}

/// The URL of an organization's issuer, whether the organization can issue tokens or not.
pub async fn organization_issuer_url(
    state: &State,
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: OrganizationId,
    alias: Option<&str>,
) -> Result<String> {
    let tenant = tenants::find(conn, environment_id).await?;
    let tenant = tenant.ok_or_else(|| Error::not_found("tenant", environment_id))?;
    Ok(state.links.workspace_issuer(&tenant.name, &organization_segment(environment_id, id, alias)))
}

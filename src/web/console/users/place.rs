//! Where users are: the environment's root organization, another one, or one pool; with the way there.

use base::id::OrganizationId;
use model::{
    identity_pool::IdentityPool,
    organization::{Organization, root_id},
    user::User,
};

use super::labels;
use crate::{
    app::accounts::users,
    links::console,
    web::{
        console::kit::{
            context::{EnvironmentContext, environment_name},
            labels::organization as organization_name,
            shell::{Section, Shell},
        },
        kit::error::PageError,
    },
};

/// The title of the lists.
pub(super) const USERS: &str = "Users";

/// An organization or one of its pools, as the path of a page names it.
pub(in crate::web::console) struct Place {
    /// The organization.
    pub organization_id: OrganizationId,
    /// It, unless it is the root, which has no pages of its own.
    pub organization: Option<Organization>,
    /// The pool, if the page is of one.
    pub pool: Option<IdentityPool>,
}

impl Place {
    /// That of a page: of a pool, of an organization, else of the root. What is not in the environment is not found.
    pub async fn of_page(context: &EnvironmentContext) -> Result<Self, PageError> {
        if !context.segment("pool").is_empty() {
            let id = context.id("pool")?;
            let pool = users::find_pool(&context.state, &context.principal, id).await?;
            let place = Self::of_organization(context, pool.organization_id).await?;
            return Ok(Self { pool: Some(pool), ..place });
        }
        let root = root_id(context.environment.id);
        if context.segment("organization").is_empty() {
            return Self::of_organization(context, root).await;
        }
        let id = context.id("organization")?;
        // The root has no page as an organization.
        let organization = Some(context.organization(id).await?);
        Ok(Self { organization_id: id, organization, pool: None })
    }

    /// That of a user.
    pub async fn of_user(context: &EnvironmentContext, user: &User) -> Result<Self, PageError> {
        Self::of_organization(context, user.organization_id).await
    }

    /// That of an organization, the root too.
    pub async fn of_organization(
        context: &EnvironmentContext,
        id: OrganizationId,
    ) -> Result<Self, PageError> {
        let organization = match id == root_id(context.environment.id) {
            true => None,
            false => Some(context.organization(id).await?),
        };
        Ok(Self { organization_id: id, organization, pool: None })
    }

    /// What it is called: "Acme", "the pool “Guests”".
    pub fn name(&self, context: &EnvironmentContext) -> String {
        match (&self.pool, &self.organization) {
            (Some(pool), _) => format!("the pool “{}”", labels::pool(pool)),
            (None, Some(organization)) => organization_name(organization),
            (None, None) => environment_name(&context.environment).to_owned(),
        }
    }

    /// The path of the list.
    pub fn list(&self, context: &EnvironmentContext) -> String {
        match (&self.pool, &self.organization) {
            // Organizations' own administrators have no pages of pools.
            (Some(pool), _) if context.administrator().is_some() => {
                context.href(console::POOL_USERS, &[&pool.id])
            }
            (_, Some(organization)) => context.href(console::ORGANIZATION_USERS, &[&organization.id]),
            (_, None) => context.href(console::USERS, &[]),
        }
    }

    /// The path of the form of a new user.
    pub fn new_user(&self, context: &EnvironmentContext) -> String {
        match (&self.pool, &self.organization) {
            (Some(pool), _) => context.href(console::NEW_POOL_USER, &[&pool.id]),
            (None, Some(organization)) => context.href(console::NEW_ORGANIZATION_USER, &[&organization.id]),
            (None, None) => context.href(console::NEW_USER, &[]),
        }
    }

    /// The shell of a page here, with the way there.
    pub fn shell<'a>(&self, context: &'a EnvironmentContext, title: &'a str) -> Shell<'a> {
        let shell = match &self.organization {
            None => context.shell(Section::Users, title),
            Some(organization) => {
                let own = context.href(console::ORGANIZATION, &[&organization.id]);
                let list = context.href(console::ORGANIZATION_USERS, &[&organization.id]);
                let shell = context.shell(Section::Organizations, title);
                shell.crumb(organization_name(organization), own).crumb(USERS, list)
            }
        };
        match self.pool.as_ref().filter(|_| context.administrator().is_some()) {
            Some(pool) => shell.crumb(labels::pool(pool), context.href(console::IDENTITY_POOL, &[&pool.id])),
            None => shell,
        }
    }

    /// Whether it is the environment itself.
    pub fn is_root(&self) -> bool {
        self.organization.is_none() && self.pool.is_none()
    }

    /// Whether the organization is a template, which has no users.
    pub fn is_template(&self) -> bool {
        self.organization.as_ref().is_some_and(|organization| organization.template)
    }

    /// Whether the organization is switched off.
    pub fn is_disabled(&self) -> bool {
        self.organization.as_ref().is_some_and(Organization::is_disabled)
    }
}

//! Where roles are: at the root, whose roles are the vendor's, or in an organization.

use base::id::{OrganizationId, RoleId};
use model::{
    organization::{Organization, root_id},
    role::Audience,
};

use crate::{
    app::roles::{self, VisibleRole},
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            labels::organization as organization_name,
            shell::{Section, Shell},
        },
        kit::error::PageError,
    },
};

/// The title of the list.
pub(super) const ROLES: &str = "Roles";

/// Where the roles of a page are.
pub(super) struct Place {
    /// The organization, the root too.
    pub organization_id: OrganizationId,
    /// It, unless it is the root.
    pub organization: Option<Organization>,
}

impl Place {
    /// That of a page. What is not in the environment is not found.
    pub async fn of_page(context: &EnvironmentContext) -> Result<Self, PageError> {
        if context.segment("organization").is_empty() {
            return Ok(Self { organization_id: root_id(context.environment.id), organization: None });
        }
        let id = context.id("organization")?;
        let found = context.organization(id).await?;
        Ok(Self { organization_id: id, organization: Some(found) })
    }

    /// The role that the path names.
    pub async fn role(&self, context: &EnvironmentContext) -> Result<VisibleRole, PageError> {
        let id: RoleId = context.id("role")?;
        Ok(roles::find(&context.state, &context.principal, self.organization_id, id).await?)
    }

    fn path(
        &self,
        context: &EnvironmentContext,
        (at_root, in_organization): (&str, &str),
        role: Option<RoleId>,
    ) -> String {
        let role = role.map(|id| id.to_string());
        let role = role.as_ref().map(|id| id as &dyn std::fmt::Display);
        match &self.organization {
            None => context.href(at_root, &role.into_iter().collect::<Vec<_>>()),
            Some(own) => {
                let first: &dyn std::fmt::Display = &own.id;
                let segments: Vec<_> = [first].into_iter().chain(role).collect();
                context.href(in_organization, &segments)
            }
        }
    }

    /// The path of the list.
    pub fn list(&self, context: &EnvironmentContext) -> String {
        self.path(context, (console::ROLES, console::ORGANIZATION_ROLES), None)
    }

    /// The path of the form of a new role.
    pub fn new_role(&self, context: &EnvironmentContext) -> String {
        self.path(context, (console::NEW_ROLE, console::NEW_ORGANIZATION_ROLE), None)
    }

    /// The path of a role.
    pub fn show(&self, context: &EnvironmentContext, id: RoleId) -> String {
        self.path(context, (console::ROLE, console::ORGANIZATION_ROLE), Some(id))
    }

    /// The path of the form of a role.
    pub fn edit(&self, context: &EnvironmentContext, id: RoleId) -> String {
        self.path(context, (console::EDIT_ROLE, console::EDIT_ORGANIZATION_ROLE), Some(id))
    }

    /// The path that deletes a role.
    pub fn delete(&self, context: &EnvironmentContext, id: RoleId) -> String {
        self.path(context, (console::DELETE_ROLE, console::DELETE_ORGANIZATION_ROLE), Some(id))
    }

    /// The path that changes who has a role.
    pub fn members(&self, context: &EnvironmentContext, id: RoleId) -> String {
        self.path(context, (console::ROLE_MEMBERS, console::ORGANIZATION_ROLE_MEMBERS), Some(id))
    }

    /// The shell of the list.
    pub fn shell<'a>(&self, context: &'a EnvironmentContext, title: &'a str) -> Shell<'a> {
        match &self.organization {
            None => context.shell(Section::Roles, title),
            Some(own) => {
                let path = context.href(console::ORGANIZATION, &[&own.id]);
                context.shell(Section::Organizations, title).crumb(organization_name(own), path)
            }
        }
    }

    /// The shell of a page below the list.
    pub fn shell_below<'a>(&self, context: &'a EnvironmentContext, title: &'a str) -> Shell<'a> {
        let shell = self.shell(context, title);
        match self.organization {
            // The section of the vendor's own is called so.
            None => shell,
            Some(_) => shell.crumb(ROLES, self.list(context)),
        }
    }
}

/// What a role is for, in words.
pub(in crate::web::console) fn audience(role: &VisibleRole) -> String {
    let name = role.audience_name.trim();
    match role.audience {
        Audience::Application(id) if name.is_empty() => format!("Application {id}"),
        Audience::Application(_) => format!("Application “{name}”"),
        Audience::Organization(_) => "The organization".to_owned(),
    }
}

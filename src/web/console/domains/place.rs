//! Where the pages of an organization's domains are: in the console, or in what its own administrators have of it.

use base::id::OrganizationId;
use model::{organization::Organization, organization_domain::OrganizationDomain};

use crate::{
    app,
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            labels,
            shell::{Section, Shell},
        },
        kit::error::PageError,
    },
};

/// The organization that the path names.
pub(super) async fn load_organization(context: &EnvironmentContext) -> Result<Organization, PageError> {
    let id: OrganizationId = context.id("organization")?;
    context.organization(id).await
}

/// The shell of a page about an organization's domains.
pub(super) fn shell<'a>(
    context: &'a EnvironmentContext,
    organization: &Organization,
    title: &'a str,
) -> Shell<'a> {
    let back = context.href(console::ORGANIZATION, &[&organization.id]);
    match context.delegate() {
        Some(_) => context.plain_shell(title).crumb("Overview", back),
        None => context.shell(Section::Organizations, title).crumb(labels::organization(organization), back),
    }
}

/// The domain that the path names.
pub(super) async fn find(
    context: &EnvironmentContext,
    organization: &Organization,
) -> Result<OrganizationDomain, PageError> {
    let key = context.segment("domain");
    Ok(app::organizations::domains::find(&context.state, &context.principal, organization.id, key).await?)
}

//! Invitations to an organization: listed, made for one or for many, sent again and taken back. The vendor's administrators and the
//! organization's own have the same pages.

pub mod form;
pub mod list;

use model::organization::Organization;

use crate::{
    links::console,
    web::console::kit::{
        context::EnvironmentContext,
        labels,
        shell::{Section, Shell},
    },
    web::kit::error::PageError,
};

/// The organization of a page.
async fn organization(context: &EnvironmentContext) -> Result<Organization, PageError> {
    context.organization(context.id("organization")?).await
}

/// The shell of a page, with the way there.
fn shell<'a>(context: &'a EnvironmentContext, organization: &Organization, title: &'a str) -> Shell<'a> {
    match context.delegate() {
        Some(_) => context.plain_shell(title),
        None => context.shell(Section::Organizations, title).crumb(
            labels::organization(organization),
            context.href(console::ORGANIZATION, &[&organization.id]),
        ),
    }
}

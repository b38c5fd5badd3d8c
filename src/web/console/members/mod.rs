//! The members of an organization: listed, changed and removed; and what is to be done before the organization is in order. The
//! vendor's administrators and the organization's own have the same pages.

pub mod checklist;
pub mod list;
pub mod show;

use model::organization::Organization;

use crate::{
    app::members::Standing,
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

/// What whoever uses the page is to its organization.
async fn standing(context: &EnvironmentContext) -> Result<Standing, PageError> {
    let organization = context.organization(context.id("organization")?).await?;
    let signed_in = context.delegate().map(|current| &current.delegate.signed_in);
    Ok(Standing::of_page(&context.state, &context.principal, signed_in, organization.id).await?)
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

//! What the pages of identity pools share: whose pools they are, and the way there.

use model::identity_pool::IdentityPool;

use crate::{
    app::accounts::pools,
    links::console,
    web::{
        console::{
            kit::{
                context::EnvironmentContext,
                labels::organization as organization_name,
                shell::{Section, Shell},
            },
            users::place::Place,
        },
        kit::error::PageError,
    },
};

/// The title of the lists.
pub(super) const POOLS: &str = "Identity pools";

/// The page's pool, and whose it is.
pub(super) async fn load(context: &EnvironmentContext) -> Result<(IdentityPool, Place), PageError> {
    let pool = pools::find(&context.state, &context.principal, context.id("pool")?).await?;
    let place = Place::of_organization(context, pool.organization_id).await?;
    Ok((pool, place))
}

/// The path of the list of pools.
pub(super) fn list_path(context: &EnvironmentContext, place: &Place) -> String {
    match &place.organization {
        Some(organization) => context.href(console::ORGANIZATION_POOLS, &[&organization.id]),
        None => context.href(console::IDENTITY_POOLS, &[]),
    }
}

/// The path of the form of a new pool.
pub(super) fn new_path(context: &EnvironmentContext, place: &Place) -> String {
    match &place.organization {
        Some(organization) => context.href(console::NEW_ORGANIZATION_POOL, &[&organization.id]),
        None => context.href(console::NEW_IDENTITY_POOL, &[]),
    }
}

/// The shell of a page here, with the way there.
pub(in crate::web::console) fn shell<'a>(
    context: &'a EnvironmentContext,
    place: &Place,
    title: &'a str,
) -> Shell<'a> {
    match &place.organization {
        None => context.shell(Section::IdentityPools, title),
        Some(organization) => {
            let own = context.href(console::ORGANIZATION, &[&organization.id]);
            let shell = context.shell(Section::Organizations, title);
            shell.crumb(organization_name(organization), own).crumb(POOLS, list_path(context, place))
        }
    }
}

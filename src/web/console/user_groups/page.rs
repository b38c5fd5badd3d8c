//! What the pages of groups share: which pool they are of, and the way there.

use model::{identity_pool::IdentityPool, user_group::UserGroup};

use crate::{
    app::{
        Error,
        accounts::{groups, users},
    },
    links::console,
    web::{
        console::{
            identity_pools::page::shell as pool_shell,
            kit::{context::EnvironmentContext, shell::Shell},
            users::{labels, place::Place},
        },
        kit::error::PageError,
    },
};

/// The title of the list.
pub(super) const GROUPS: &str = "Groups";

/// A group, its pool, and whose that is.
pub(super) struct Loaded {
    pub group: UserGroup,
    pub pool: IdentityPool,
    pub place: Place,
}

impl Loaded {
    /// The group that a path names.
    pub async fn of_page(context: &EnvironmentContext) -> Result<Self, PageError> {
        let group = groups::find_any(&context.state, &context.principal, context.id("group")?).await?;
        let pool = users::find_pool(&context.state, &context.principal, group.pool_id).await?;
        let place = Place::of_organization(context, pool.organization_id).await?;
        Ok(Self { group, pool, place })
    }

    /// The path of the group.
    pub fn own_path(&self, context: &EnvironmentContext) -> String {
        context.href(console::USER_GROUP, &[&self.group.id])
    }

    /// The path of the list.
    pub fn list_path(&self, context: &EnvironmentContext) -> String {
        context.href(console::POOL_GROUPS, &[&self.pool.id])
    }

    /// The shell of the group's own page.
    pub fn shell<'a>(&self, context: &'a EnvironmentContext, title: &'a str) -> Shell<'a> {
        shell(context, &self.place, &self.pool, title).crumb(GROUPS, self.list_path(context))
    }
}

/// The shell of a page of a pool, with the way there.
pub(super) fn shell<'a>(
    context: &'a EnvironmentContext,
    place: &Place,
    pool: &IdentityPool,
    title: &'a str,
) -> Shell<'a> {
    let own = context.href(console::IDENTITY_POOL, &[&pool.id]);
    pool_shell(context, place, title).crumb(labels::pool(pool), own)
}

/// The pool of a page, and whose it is.
pub(super) async fn load_pool(context: &EnvironmentContext) -> Result<(IdentityPool, Place), PageError> {
    let place = Place::of_page(context).await?;
    let pool = place.pool.clone();
    let pool = pool.ok_or_else(|| PageError(Error::not_found("identity pool", "")))?;
    Ok((pool, place))
}

//! What is to be done before an organization is in order: the steps of its administration, and which of them are done.

use super::Standing;
use crate::{
    app::{Result, State, permissions::Action, principal::On},
    store::organization_checklist,
};

/// A step of the administration of an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It has an owner.
    Owner,
    /// Somebody else administers it too.
    SecondAdministrator,
    /// Those who administer it need a second factor.
    SecondFactor,
    /// A domain of it is proved.
    Domain,
    /// Its identity provider is connected.
    SingleSignOn,
    /// Somebody has signed in by that.
    Tested,
    /// Somebody stays outside of it, for an emergency.
    BreakGlass,
    /// Its directory pushes users.
    Directory,
}

/// The steps, in the order in which they are taken, each with whether it is done.
pub async fn checklist(state: &State, standing: &Standing) -> Result<Vec<(Step, bool)>> {
    let (_, id) = standing.place();
    standing.principal.authorize(Action::MembersManage, On::Organization(id))?;
    let present = organization_checklist::find(&mut state.db.read().await?, id).await?;
    Ok(vec![
        (Step::Owner, present.owner),
        (Step::SecondAdministrator, present.second_administrator),
        (Step::SecondFactor, standing.organization.require_admin_mfa),
        (Step::Domain, present.domain),
        (Step::SingleSignOn, present.connection),
        (Step::Tested, present.signed_in),
        (Step::BreakGlass, present.break_glass),
        (Step::Directory, present.directory && present.provisioned),
    ])
}

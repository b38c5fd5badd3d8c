//! What somebody is to an organization who comes by a page: to the account, to the organization's own administration, or to the
//! console.

use base::{
    id::{EnvironmentId, IdKind as _, OrganizationId, OrganizationKind},
    time::Timestamp,
};
use model::{
    membership::{Membership, Tier},
    organization::Organization,
    user::User,
};

use super::caller::{SessionUser, Standing, scopes_of};
use crate::{
    app::{
        Error, Result, State, accounts::self_service::SignedIn,
        authorization_server::sign_in::under_way::MULTI_FACTOR, permissions::Scopes, principal::Principal,
    },
    store::{Conn, memberships, table},
};

/// Whoever is signed in, as they call in their session.
fn session_user(signed_in: &SignedIn) -> SessionUser {
    let session = &signed_in.session;
    let authenticated_at: Timestamp = session.authenticated_at;
    SessionUser {
        id: signed_in.user().id,
        session_id: session.id,
        amr: session.context.amr.clone(),
        authenticated_at,
        organization_id: None,
        tenant_admin: false,
    }
}

async fn load(conn: &mut Conn, environment_id: EnvironmentId, id: OrganizationId) -> Result<Organization> {
    let found: Option<Organization> = table::find(conn, environment_id, id).await?;
    let found = found.filter(|organization| !organization.template);
    found.ok_or_else(|| Error::not_found(OrganizationKind::NOUN, id))
}

impl Standing {
    /// What somebody who is signed in to their account is to an organization of theirs. A suspended membership lets them leave.
    pub(in crate::app) async fn of_session(
        state: &State,
        signed_in: &SignedIn,
        id: OrganizationId,
    ) -> Result<Self> {
        let user = signed_in.user();
        let mut conn = state.db.read().await?;
        let organization = load(&mut conn, user.environment_id, id).await?;
        let membership = memberships::find(&mut conn, user.environment_id, id, user.id).await?;
        let not_found = || Error::not_found(OrganizationKind::NOUN, id);
        let membership = membership.ok_or_else(not_found)?;
        let tier = if membership.is_active() { membership.tier } else { Tier::Member };
        let principal = Principal::user(user.id, user.environment_id)
            .at(signed_in.device().address)
            .authenticated(signed_in.session.authenticated_at)
            .with_token(scopes_of(tier), Some(id));
        Ok(Self {
            organization,
            principal,
            membership: Some(membership).filter(Membership::is_active),
            everywhere: false,
            user: Some(session_user(signed_in)),
        })
    }

    /// What whoever uses a page of the console is to an organization: the vendor's administrators have its owner's rights, as far as
    /// their role goes; somebody of the organization's own, `signed_in`, those of their membership.
    pub async fn of_page(
        state: &State,
        principal: &Principal,
        signed_in: Option<&SignedIn>,
        id: OrganizationId,
    ) -> Result<Self> {
        let environment_id = principal.environment()?;
        let mut conn = state.db.read().await?;
        let organization = load(&mut conn, environment_id, id).await?;
        let (membership, user) = match signed_in {
            None => (None, None),
            Some(signed_in) => {
                let found = memberships::find(&mut conn, environment_id, id, signed_in.user().id).await?;
                (found.filter(Membership::is_active), Some(session_user(signed_in)))
            }
        };
        let everywhere = signed_in.is_none();
        Ok(Self { organization, principal: *principal, membership, everywhere, user })
    }
}

/// What a user's membership of an organization permits there who administers it; nothing of one who does not.
pub(in crate::app) async fn administers(
    conn: &mut Conn,
    user: &User,
    organization: &Organization,
    amr: &[String],
) -> Result<Option<Scopes>> {
    let found = memberships::find(conn, user.environment_id, organization.id, user.id).await?;
    let tier = found.filter(Membership::is_active).map(|membership| membership.tier);
    let has_factor = amr.iter().any(|method| method == MULTI_FACTOR);
    let may = |tier: &Tier| tier.administers() && (has_factor || !organization.require_admin_mfa);
    Ok(tier.filter(may).map(scopes_of))
}

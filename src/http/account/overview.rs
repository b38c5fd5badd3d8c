//! The account at a glance.

use super::call::{AccountCall, Reply};
use crate::{
    app::{
        accounts::self_service::{organizations, overview, passkeys, second_factor},
        delegates, invitations,
    },
    web::{account::overview::OverviewPage, kit::forms::FormErrors},
};

/// `GET …/account`
pub(super) async fn show(call: AccountCall) -> Reply {
    let signed_in = &call.signed_in;
    let overview = overview::load(call.state(), signed_in).await?;
    let administered = delegates::administered_by(call.state(), signed_in.user()).await?;
    let own = organizations::list(call.state(), signed_in).await?;
    let pending = invitations::pending_of(call.state(), signed_in).await?;
    let passkeys = passkeys::are_offered(call.state(), signed_in);
    call.page(&FormErrors::none(), |frame| {
        OverviewPage {
            frame,
            user: signed_in.user(),
            overview: &overview,
            administered: &administered,
            organizations: &own,
            invitations: &pending,
            passwords: signed_in.account.allows_passwords(),
            passkeys,
            apps: second_factor::is_offered(signed_in),
        }
        .view()
    })
    .await
}

//! Accepting an invitation to an organization.

use actix_web::{HttpResponse, http::StatusCode, web};
use serde::Deserialize;

use super::call::{AccountCall, Reply};
use crate::{
    app::guests::{self, GuestError, Offer},
    http::sign_in::place::{Place, PlaceError, SignInForm},
    links::path,
    web::{
        account::{frame::Done, guest_invitation::InvitationPage},
        kit::{forms::FormErrors, response::see_other},
        sign_in::cookies::{self, Purpose},
    },
};

/// What the link of an invitation says.
#[derive(Deserialize)]
pub(super) struct InvitationQuery {
    #[serde(default)]
    code: String,
}

/// The maximum length of a code that is kept, in bytes: longer than any that there is.
const MAX_CODE: usize = 100;

/// `GET …/account/guest-invitation/open`: the browser keeps the code while the person signs in, and the address loses it.
pub(super) async fn open(
    place: Place,
    query: web::Query<InvitationQuery>,
) -> Result<HttpResponse, PlaceError> {
    let mut response = see_other(&place.path(path::WORKSPACE_ACCOUNT_GUEST_INVITATION));
    let is_code = |text: &str| {
        text.len() <= MAX_CODE && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let code = Some(query.code.as_str()).filter(|text| is_code(text)).unwrap_or_default();
    cookies::set(&place.state.links, &mut response, place.organization, Purpose::GuestInvitation, code);
    Ok(response)
}

fn code(call: &AccountCall) -> String {
    let links = &call.state().links;
    let found = cookies::read(links, &call.place.request, call.place.organization, Purpose::GuestInvitation);
    found.into_iter().next().unwrap_or_default()
}

/// `GET …/account/guest-invitation`
pub(super) async fn show(call: AccountCall) -> Reply {
    render(&call).await
}

async fn render(call: &AccountCall) -> Reply {
    let offer = guests::find_own(call.state(), &call.signed_in, &code(call)).await?;
    let name = call.signed_in.user().display_name();
    let mut response = call
        .page(&FormErrors::none(), |frame| InvitationPage { frame, offer: &offer, name: &name }.view())
        .await?;
    *response.status_mut() = match offer {
        Offer::Theirs { .. } => StatusCode::OK,
        Offer::SomebodyElses => StatusCode::FORBIDDEN,
        Offer::Closed => StatusCode::NOT_FOUND,
    };
    Ok(response)
}

/// `POST …/account/guest-invitation`: accepts it.
pub(super) async fn accept(call: AccountCall, _form: SignInForm) -> Reply {
    let user = call.signed_in.user();
    let address = call.place.visitor().device.address;
    let accepted =
        guests::accept(call.state(), user.environment_id, &code(&call), (Some(user.id), None), address).await;
    match accepted {
        Ok(_) | Err(GuestError::IsMember) => {
            let mut response = call.done_at(path::WORKSPACE_ACCOUNT, Done::Joined);
            let links = &call.state().links;
            cookies::clear(links, &mut response, call.place.organization, Purpose::GuestInvitation);
            Ok(response)
        }
        Err(GuestError::Other(error)) => Err(error.into()),
        // What the page says now.
        Err(_) => render(&call).await,
    }
}

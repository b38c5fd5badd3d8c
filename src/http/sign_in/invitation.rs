//! The pages that the link of an invitation to an organization opens: looked at, accepted, with an account or a new one. Opening the
//! link changes nothing, as previews of letters open it too.

use actix_web::{HttpResponse, http::StatusCode, web};
use model::{organization::root_id, user::UserAddress};
use oauth::parameters::encode_pairs;
use serde::Deserialize;

use super::{
    letters::told,
    pages::Done as SignInDone,
    place::{Place, PlaceError, Reply, SignInForm},
};
use crate::{
    app::{
        Error,
        accounts::self_service::{self, SignedIn, overview},
        invitations::{self, NewAccount, Opened, error::InvitationError},
        mail::Onward,
    },
    links::path,
    web::{
        account::frame::{Done, Section},
        kit::{
            forms::{FormErrors, FormValues},
            password_hint::password_hint,
            response::{PagePolicy, page},
        },
        login::idp_redirect::see_other,
        sign_in::{
            cookies::{self, Purpose},
            invitation::{InvitationPage, NAME, Step, TOKEN},
            layout::SignInLayout,
            pages::{PASSWORD, Told},
        },
    },
};

/// What a link to the page says.
#[derive(Deserialize)]
pub(super) struct InvitationQuery {
    #[serde(default)]
    token: String,
}

/// `GET …/sign-in/invitation`
pub(super) async fn show(place: Place, query: web::Query<InvitationQuery>) -> Reply {
    let token = match query.token.as_str() {
        "" => kept(&place),
        token => token.to_owned(),
    };
    let opened = match open(&place, &token).await? {
        Ok(opened) => opened,
        Err(error) => return ended(&place, &error).await,
    };
    let nothing = (&FormValues::new(), &FormErrors::none());
    let mut response = render(&place, &opened, &token, nothing, false, StatusCode::OK).await?;
    // For the way back from signing in.
    cookies::set(&place.state.links, &mut response, place.organization, Purpose::Invitation, &token);
    Ok(response)
}

/// `POST …/sign-in/invitation/join`: as whoever is signed in.
pub(super) async fn join(place: Place, form: SignInForm) -> Reply {
    let token = form.0.text(TOKEN);
    let opened = match open(&place, token).await? {
        Ok(opened) => opened,
        Err(error) => return ended(&place, &error).await,
    };
    let Some(signed_in) = signed_in(&place).await? else { return Ok(see_other(&sign_in(&place, &opened))) };
    let user = signed_in.user();
    let address = place.visitor().device.address;
    let accepted = invitations::accept(&place.state, user.environment_id, user.id, address, token).await;
    match accepted {
        Ok(_) => Ok(joined(&place)),
        Err(error) if InvitationError::EmailMismatch.is(&error) => {
            let nothing = (&FormValues::new(), &FormErrors::none());
            render(&place, &opened, token, nothing, false, StatusCode::FORBIDDEN).await
        }
        Err(error) => ended(&place, &refusal(error)?).await,
    }
}

/// `POST …/sign-in/invitation/new`: as somebody who gets an account by it.
pub(super) async fn make_account(place: Place, form: SignInForm) -> Reply {
    let token = form.0.text(TOKEN);
    let opened = match open(&place, token).await? {
        Ok(opened) => opened,
        Err(error) => return ended(&place, &error).await,
    };
    let new = NewAccount {
        password: form.0.text(PASSWORD).to_owned(),
        display_name: form.0.text(NAME).trim().to_owned(),
    };
    let address = place.visitor().device.address;
    let made = invitations::accept_as_new(&place.state, address, token, &new).await;
    match made {
        Ok(_) => {
            let email = opened.invitation.email.as_str();
            let (done, next) = (SignInDone::Activated.as_str(), Section::Organizations.name());
            let pairs = [("done", done), ("identifier", email), ("next", next)];
            let mut response =
                see_other(&format!("{}?{}", place.path(path::WORKSPACE_SIGN_IN), encode_pairs(&pairs)));
            let links = &place.state.links;
            cookies::clear(links, &mut response, place.organization, Purpose::Invitation);
            Ok(response)
        }
        Err(error @ (Error::Invalid { .. } | Error::InvalidFields(_))) => {
            let errors = FormErrors::from_error(error).map_err(|error| PlaceError::App(error.0))?;
            let shown: String = new.display_name.chars().take(300).collect();
            let values = FormValues::new().with(NAME, shown);
            render(&place, &opened, token, (&values, &errors), false, StatusCode::BAD_REQUEST).await
        }
        // Somebody made the account meanwhile, or the link proves nothing: the page says what to do.
        Err(error)
            if InvitationError::AccountExists.is(&error) || InvitationError::EmailNotVerified.is(&error) =>
        {
            let nothing = (&FormValues::new(), &FormErrors::none());
            render(&place, &opened, token, nothing, false, StatusCode::CONFLICT).await
        }
        Err(error) => ended(&place, &refusal(error)?).await,
    }
}

/// `POST …/sign-in/invitation/send`: the letter that proves the address.
pub(super) async fn send(place: Place, form: SignInForm) -> Reply {
    let token = form.0.text(TOKEN);
    let opened = match open(&place, token).await? {
        Ok(opened) => opened,
        Err(error) => return ended(&place, &error).await,
    };
    invitations::send_to_prove(&place.state, token).await?;
    let nothing = (&FormValues::new(), &FormErrors::none());
    render(&place, &opened, token, nothing, true, StatusCode::OK).await
}

/// `POST …/sign-in/invitation/sign-out`: goes on without the account of somebody else.
pub(super) async fn sign_out(place: Place, form: SignInForm) -> Reply {
    if let Some(signed_in) = signed_in(&place).await? {
        self_service::sessions::sign_out(&place.state, &signed_in).await?;
    }
    let pairs = [(TOKEN, form.0.text(TOKEN))];
    let mut response =
        see_other(&format!("{}?{}", place.path(path::WORKSPACE_INVITATION), encode_pairs(&pairs)));
    cookies::clear(&place.state.links, &mut response, place.organization, Purpose::Session);
    Ok(response)
}

/// What the browser kept of the link.
fn kept(place: &Place) -> String {
    let links = &place.state.links;
    let kept = cookies::read(links, &place.request, place.organization, Purpose::Invitation);
    kept.into_iter().next().unwrap_or_default()
}

/// The invitation of a link, or why there is none. It is accepted where the vendor's own people sign in, in its environment.
async fn open(place: &Place, token: &str) -> Result<Result<Opened, Error>, PlaceError> {
    let environment_id = place.issuer.tenant.environment_id;
    match invitations::open(&place.state, token).await {
        Ok(opened)
            if opened.invitation.environment_id == environment_id
                && place.organization == root_id(environment_id) =>
        {
            Ok(Ok(opened))
        }
        Ok(_) => Ok(Err(Error::not_found("invitation", ""))),
        Err(error) => Ok(Err(refusal(error)?)),
    }
}

/// What is told on a page of its own; everything else is an error.
fn refusal(error: Error) -> Result<Error, PlaceError> {
    match error {
        Error::NotFound { .. } | Error::Rule(_) => Ok(error),
        error => Err(error.into()),
    }
}

async fn signed_in(place: &Place) -> Result<Option<SignedIn>, PlaceError> {
    Ok(self_service::find(&place.state, &place.issuer, &place.visitor()).await?)
}

/// Where somebody signs in who comes back to the invitation then.
fn sign_in(place: &Place, opened: &Opened) -> String {
    let email = if opened.proves { opened.invitation.email.as_str() } else { "" };
    let pairs = [("next", Section::Invitation.name()), ("identifier", email)];
    let pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    format!("{}?{}", place.path(path::WORKSPACE_SIGN_IN), encode_pairs(&pairs))
}

/// To the organizations of whoever has just joined one.
fn joined(place: &Place) -> HttpResponse {
    let mut response = see_other(&place.path(path::WORKSPACE_ACCOUNT_ORGANIZATIONS));
    let (links, organization) = (&place.state.links, place.organization);
    cookies::set(links, &mut response, organization, Purpose::Done, Done::Joined.code());
    cookies::clear(links, &mut response, organization, Purpose::Invitation);
    response
}

async fn render(
    place: &Place,
    opened: &Opened,
    token: &str,
    (values, errors): (&FormValues, &FormErrors),
    sent: bool,
    status: StatusCode,
) -> Reply {
    let email = &opened.invitation.email;
    let name = match opened.name() {
        name if name.is_empty() => "the organization".to_owned(),
        name => name,
    };
    let appearance = place.appearance().await?;
    let layout = SignInLayout { organization: &name, ..place.layout(&appearance) };
    let signed_in = signed_in(place).await?;
    let masked = invitations::masked(email);
    let (account, join) = (place.path(path::WORKSPACE_ACCOUNT), place.path(path::WORKSPACE_INVITATION_JOIN));
    let (out, addresses) =
        (place.path(path::WORKSPACE_INVITATION_LEAVE), place.path(path::WORKSPACE_ACCOUNT_ADDRESSES));
    let (new, send) =
        (place.path(path::WORKSPACE_INVITATION_NEW), place.path(path::WORKSPACE_INVITATION_SEND));
    let href = sign_in(place, opened);
    let mut account_name = String::new();
    let rules;
    let mut theirs = None;
    if let Some(signed_in) = &signed_in {
        let found = overview::load(&place.state, signed_in).await?;
        account_name = found.name(signed_in.user());
        let key = email.key();
        let own = found.addresses.iter().find(|address| address.key() == key);
        theirs = own.map(UserAddress::is_verified);
    }
    let step = match (&signed_in, theirs) {
        (Some(_), Some(true)) => Step::Join { action: &join, account: &account },
        (Some(_), Some(false)) => Step::Unconfirmed { addresses: &addresses },
        (Some(_), None) => Step::Another { account_name: &account_name, action: &out, account: &account },
        (None, _) if !opened.makes_account() => Step::Prove { href: &href, action: &send, sent },
        (None, _) => {
            let standing = invitations::account_or_rules(&place.state, opened).await?;
            match standing {
                None => Step::SignIn { href: &href },
                Some(policy) => {
                    rules = password_hint(policy);
                    Step::New { action: &new, rules: &rules, values, errors }
                }
            }
        }
    };
    // Whoever has the letter, or the address, knows it.
    let shown = match opened.proves || theirs.is_some() {
        true => email.as_str(),
        false => &masked,
    };
    let administers = opened.invitation.role.administers();
    let view = InvitationPage { layout, name: &name, administers, email: shown, token, step };
    Ok(page(status, PagePolicy::SameOriginForms, view.view()))
}

/// Says that an invitation cannot be accepted.
async fn ended(place: &Place, error: &Error) -> Reply {
    let sign_in = place.path(path::WORKSPACE_SIGN_IN);
    let (status, view) = if InvitationError::Suspended.is(error) {
        let view = Told {
            title: "Your membership is suspended",
            happened: "You are a member of this organization already, and somebody has suspended you.",
            remedy: "Ask whoever administers the organization.",
            reason: Some("member_suspended"),
            next: None,
        };
        (StatusCode::FORBIDDEN, view)
    } else {
        let view = Told {
            title: "This invitation is not good any more",
            happened: "It was accepted or taken back, has expired, or a newer letter was sent.",
            remedy: "If you have accepted it, sign in. Otherwise ask whoever invited you for another one.",
            reason: Some("invitation_ended"),
            next: None,
        };
        let is_unknown = matches!(error, Error::NotFound { .. });
        (if is_unknown { StatusCode::NOT_FOUND } else { StatusCode::GONE }, view)
    };
    told(place, &Onward::default(), status, &view, &[("Sign in", &sign_in)]).await
}

//! `/setup`: the page of a setup link. Opening it changes nothing; a button redeems the link.

use actix_web::{HttpRequest, http::StatusCode, web};
use base::{id::EnvironmentId, time::Timestamp};
use maud::{Markup, html};
use model::branding::Branding;

use super::{
    cookie,
    form::{AnonymousForm, SetupForm},
    layout::SetupLayout,
    session::current_session,
};
use crate::{
    app::{
        self, State,
        setup::sessions::{self, LinkState, SetupLinkError},
    },
    links::path,
    web::kit::{
        components::{ButtonStyle, Icon, button, mark, time},
        error::PageResult,
        message::Message,
        request::device,
        response::{PagePolicy, page, see_other},
    },
};

/// The parameter and field that hold the token, named as in SSOReady.
const TOKEN: &str = "one-time-token";

/// `GET /setup?one-time-token=…`
pub async fn show(state: web::Data<State>, request: HttpRequest) -> PageResult {
    let token = url::form_urlencoded::parse(request.query_string().as_bytes())
        .find(|(name, _)| name == TOKEN)
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default();
    let session = current_session(&state, &request).await?.map(|session| session.value);
    if token.is_empty() && session.is_some() {
        return Ok(see_other(path::SETUP_HOME));
    }
    let arrival = sessions::check(&state, &token, session.as_deref()).await?;
    link_response(&state, arrival, &token).await
}

/// `POST /setup`: redeems the link. In the browser that redeemed it before, it leads to the setup pages again.
pub async fn redeem(state: web::Data<State>, request: HttpRequest, form: AnonymousForm) -> PageResult {
    let token = form.0.text(TOKEN).to_owned();
    let session = current_session(&state, &request).await?.map(|session| session.value);
    match sessions::redeem(&state, &token, session.as_deref(), &device(&request)).await? {
        Ok(redeemed) => {
            let mut response = see_other(path::SETUP_HOME);
            let max_age = redeemed.session.expires_at.since(state.now());
            let environment =
                app::environments::find(&state, &redeemed.link.environment_id.to_string()).await?;
            let links = cookie::links_for_host(&state, &environment, &request);
            cookie::set(&links, &mut response, &redeemed.token.reveal(), max_age);
            Ok(response)
        }
        Err(arrival) => link_response(&state, arrival, &token).await,
    }
}

/// `POST /setup/leave`
pub async fn leave(sent: SetupForm) -> PageResult {
    let context = &sent.context;
    for presented in cookie::read(&context.request) {
        sessions::end_session(&context.state, &presented.value).await?;
    }
    let administration = context.administration.as_deref();
    let message = Message {
        reason: Some("setup_left"),
        next_link: administration.map(|path| ("Back to the administration", path)),
        ..Message::new(
            "You closed the setup pages",
            "This browser is not let in any more. What you set up stays.",
            match administration {
                Some(_) => "To go on later, open the set-up again from there.",
                None => "To go on later, ask whoever sent you the link for a new one.",
            },
        )
    };
    let mut response = page(StatusCode::OK, PagePolicy::SameOriginForms, message.view());
    cookie::clear(
        &cookie::links_for_host(&context.state, &context.environment, &context.request),
        &mut response,
    );
    Ok(response)
}

async fn link_response(state: &State, arrival: LinkState, token: &str) -> PageResult {
    let (environment_id, status) = match &arrival {
        LinkState::HasSession => return Ok(see_other(path::SETUP_HOME)),
        LinkState::Ready(link) => (Some(link.environment_id), StatusCode::OK),
        LinkState::Unusable(_, environment_id) => (*environment_id, StatusCode::GONE),
    };
    let (branding, application) = branding_and_name(state, environment_id).await?;
    let layout = SetupLayout {
        branding: &branding,
        application: &application,
        organization: None,
        leave: None,
        administration: None,
        banner: None,
    };
    let (title, content) = match &arrival {
        LinkState::Unusable(why, _) => ("This link does not open", unusable(why, &application, state.now())),
        _ => ("Start setup", start(token, &application)),
    };
    Ok(layout.answer_with(status, PagePolicy::SameOriginForms, title, content))
}

/// The vendor's branding and the application's name; neutral ones for an unknown link.
async fn branding_and_name(
    state: &State,
    environment_id: Option<EnvironmentId>,
) -> app::Result<(Branding, String)> {
    let Some(id) = environment_id else {
        return Ok((Branding::empty(EnvironmentId::from_bits(0)), "Single sign-on setup".to_owned()));
    };
    let branding = app::environments::branding::of_environment(state, id).await?;
    let environment = app::environments::find(state, &id.to_string()).await?;
    let name = branding.application_name.clone().unwrap_or(environment.display_name);
    let name = if name.trim().is_empty() { environment.slug.to_string() } else { name };
    Ok((branding, name))
}

/// The page with the one button.
pub fn start(token: &str, application: &str) -> Markup {
    html! {
        section.card {
            h1 { "Connect your company to " (application) }
            p.lead {
                "This takes about ten minutes. You need to be able to change settings in your company’s identity \
                 provider: Okta, Microsoft Entra ID, Google Workspace or the like."
            }
            ul {
                li { "We tell you what to click and what to paste, one step at a time." }
                li { "At the end you test it with your own account. Nothing changes for others before you say who may sign in." }
                li { "You may stop and come back to this link in this browser." }
            }
            form.form method="post" action=(path::SETUP) {
                input type="hidden" name=(TOKEN) value=(token);
                div.actions { (button(ButtonStyle::Primary, "Start setup")) }
            }
            p.small.soft { "The link works once, in the browser in which you press the button." }
        }
    }
}

/// The page for a link that cannot be used.
pub fn unusable(why: &SetupLinkError, application: &str, now: Timestamp) -> Markup {
    let happened = match why {
        SetupLinkError::Unknown => html! { "The link is not complete, or it is not one of ours." },
        SetupLinkError::Used { at } => html! {
            "It was opened " (time(*at, now)) ", in another browser or on another device, and it works in that one only."
        },
        SetupLinkError::Expired { at } => html! { "It expired " (time(*at, now)) "." },
        SetupLinkError::Revoked => html! { "The team of " (application) " revoked it." },
    };
    let remedy = match why {
        SetupLinkError::Unknown => "Copy the whole link out of the message that you got, and open it again.",
        SetupLinkError::Used { .. } => {
            "If that was you, go back to that browser and open the link there. If not, ask whoever sent it to you for \
             a new one, and tell them that somebody opened this one."
        }
        _ => "Ask whoever sent it to you for a new one.",
    };
    html! {
        section.card {
            p { (mark(Icon::Attention, "Not open")) }
            h1 { "This link does not open" }
            p.lead { (happened) }
            p { (remedy) }
        }
    }
}

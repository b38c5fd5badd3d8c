//! `/console/join`: an administrator accepts an invitation. GET does not consume the link; POST does.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use maud::{Markup, html};
use model::{
    account::{AdminInvitation, InvitationPurpose},
    administrator::Role,
};

use super::form::start_session;
use crate::{
    app::{
        Error, State,
        administrators::{
            invitations::{self, InvitationForm, OpenedInvitation},
            passkeys::{self, Challenge},
            settings::PASSWORD_POLICY,
        },
    },
    links::console,
    web::{
        console::kit::{form::AnonymousForm, redirect::query},
        kit::{
            assets,
            components::{ButtonStyle, Icon, button, notice},
            error::{PageError, PageResult},
            forms::{FormErrors, FormValues, FormView},
            layout::{Layout, Masthead},
            message::Message,
            request::device,
            response::{PagePolicy, page},
        },
    },
};

/// What the page shows.
#[derive(Debug)]
pub struct JoinPage {
    /// The link's token.
    pub token: String,
    /// What the link is for.
    pub purpose: InvitationPurpose,
    /// The role that the invitation grants.
    pub role: Role,
    /// The environment's name; `None` for every environment.
    pub environment: Option<String>,
    /// The account's e-mail address; empty until it is entered.
    pub email: String,
    /// Whether the invitation itself names the address.
    pub email_is_fixed: bool,
    /// The display name that was entered.
    pub display_name: String,
    /// Validation errors.
    pub errors: FormErrors,
    /// Whether passwords are enabled.
    pub passwords: bool,
    /// Whether only single sign-on is enabled.
    pub sso_only: bool,
    /// The WebAuthn challenge, if passkeys are enabled.
    pub passkey: Option<Challenge>,
}

/// `GET /console/join?token=…`
pub async fn show(state: web::Data<State>, request: HttpRequest) -> PageResult {
    let token = query(&request, "token").unwrap_or_default();
    let invitation_form = InvitationForm::default();
    respond(&state, &token, &invitation_form, FormErrors::none()).await
}

/// `POST /console/join`: sets the e-mail address, or the password or passkey of the account.
pub async fn join(state: web::Data<State>, request: HttpRequest, form: AnonymousForm) -> PageResult {
    let token = form.text("token");
    let invitation_form = InvitationForm {
        email: form.text("email").to_owned(),
        display_name: form.text("displayName").to_owned(),
    };
    let device = device(&request);
    if form.has("continue") {
        return respond(&state, token, &invitation_form, FormErrors::none()).await;
    }
    let answer = form.text("answer");
    let begun = if !answer.is_empty() {
        invitations::accept_with_passkey(
            &state,
            token,
            &invitation_form,
            form.text("challenge"),
            answer,
            &device,
        )
        .await
    } else if form.text("newPassword") != form.text("repeatPassword") {
        Err(Error::invalid("repeatPassword", "is not the same as above"))
    } else {
        invitations::accept_with_password(&state, token, &invitation_form, form.text("newPassword"), &device)
            .await
    };
    match begun {
        Ok(begun) => start_session(&state, &request, &begun, "").await,
        Err(Error::NotFound { .. }) => Ok(invitation_closed()),
        Err(error) => {
            let errors = FormErrors::from_error(error)?;
            respond(&state, token, &invitation_form, errors).await
        }
    }
}

async fn respond(
    state: &State,
    token: &str,
    invitation_form: &InvitationForm,
    mut errors: FormErrors,
) -> PageResult {
    let opened = match invitations::open(state, token).await {
        Ok(opened) => opened,
        Err(Error::NotFound { .. }) => return Ok(invitation_closed()),
        Err(error) => return Err(PageError(error)),
    };
    let OpenedInvitation { invitation, environment, .. } = opened;
    let AdminInvitation { purpose, email, grant, .. } = invitation;
    let email_is_fixed = email.is_some();
    let email = email.map_or_else(|| invitation_form.email.trim().to_owned(), |email| email.to_string());
    let settings = &state.settings.console;
    let offers_passkey = !email.is_empty() && settings.allows_passkeys() && passkeys::are_supported(state);
    let mut known_email = email;
    let passkey = match offers_passkey {
        false => None,
        true => match invitations::begin_passkey(state, token, invitation_form).await {
            Ok(challenge) => Some(challenge),
            Err(error) => {
                if let Some(wrong) = FormErrors::from_error(error)?.of("email") {
                    errors = FormErrors::one("email", wrong);
                    known_email = String::new();
                }
                None
            }
        },
    };
    let status = errors.status();
    let view = JoinPage {
        token: token.to_owned(),
        purpose,
        role: grant.role,
        environment: environment.map(|environment| match environment.display_name.trim() {
            "" => environment.slug.as_str().to_owned(),
            name => name.to_owned(),
        }),
        email: known_email,
        email_is_fixed,
        display_name: invitation_form.display_name.clone(),
        errors,
        passwords: settings.allows_passwords(),
        sso_only: settings.require_sso,
        passkey,
    };
    Ok(page(status, PagePolicy::SameOriginForms, view.view()))
}

/// One answer for a link that is used, expired, revoked or unknown.
fn invitation_closed() -> HttpResponse {
    let message = Message {
        reason: Some("invitation_closed"),
        next_link: Some(("To sign-in", console::SIGN_IN)),
        ..Message::new(
            "This invitation is not open",
            "It may have been used already, be older than three days, or have been revoked.",
            "Ask whoever invited you for a new link. If you have joined already, sign in.",
        )
    };
    page(StatusCode::NOT_FOUND, PagePolicy::SameOriginForms, message.view())
}

impl JoinPage {
    /// The page.
    pub fn view(&self) -> Markup {
        let title = match self.purpose {
            InvitationPurpose::Join => "Join the console · Ostiary",
            InvitationPurpose::Reset => "Get back into the console · Ostiary",
        };
        let layout = Layout { masthead: Some(Masthead { links: &[] }), ..Layout::narrow(title) };
        layout.scripts(&[&assets::PASSKEYS]).render(html! {
            (self.introduction())
            @if self.email.is_empty() { (self.ask_email()) } @else { (self.choose()) }
        })
    }

    fn introduction(&self) -> Markup {
        html! {
            @match self.purpose {
                InvitationPurpose::Join => {
                    h1 { "You are invited to the console" }
                    p.lead {
                        "You will be " (with_article(self.role)) " of "
                        @match &self.environment {
                            Some(name) => { "the environment " strong { (name) } },
                            None => "every environment",
                        }
                        ": " (role_permissions(self.role)) "."
                    }
                },
                InvitationPurpose::Reset => {
                    h1 { "Choose a new way to sign in" }
                    p.lead { "Your password, passkeys and sessions so far end with this." }
                },
            }
        }
    }

    fn ask_email(&self) -> Markup {
        let typed = FormValues::new().with("email", &self.email);
        let view = FormView::new(&typed, &self.errors);
        html! {
            form.card.form method="post" action=(console::JOIN) novalidate {
                input type="hidden" name="token" value=(self.token);
                (view.email("email", "Your e-mail address").hint("You will sign in with it.").autocomplete("email"))
                div.actions { button.button.primary type="submit" name="continue" value="1" { "Continue" } }
            }
        }
    }

    fn choose(&self) -> Markup {
        let typed = FormValues::new().with("displayName", &self.display_name);
        let view = FormView::new(&typed, &self.errors);
        let wrong =
            ["", "email", "passkey", "credential"].into_iter().find_map(|field| self.errors.of(field));
        let hint =
            format!("At least {} characters. A few words in a row are good.", PASSWORD_POLICY.min_length());
        html! {
            @if let Some(wrong) = wrong {
                div role="alert" { (notice(Icon::Bad, "That did not work", html! { p { (wrong) } })) }
            }
            p { "You sign in as " strong { (self.email) } "." }
            @if let Some(challenge) = &self.passkey {
                form.card.form method="post" action=(console::JOIN) hidden data-passkey="create" data-options=(challenge.options) {
                    h2 { "With a passkey" }
                    p.soft { "Your fingerprint, face, device PIN or a security key. Nothing to remember, and resistant to phishing." }
                    (self.hidden())
                    input type="hidden" name="challenge" value=(challenge.sealed);
                    input type="hidden" name="answer";
                    p.error role="status" data-passkey-said hidden {}
                    button.button.primary type="button" hidden data-passkey-button { "Create a passkey and join" }
                }
                @if !self.passwords {
                    p { "Passwords are switched off here: you sign in with a passkey." }
                    noscript { p { "Making a passkey needs JavaScript." } }
                }
            }
            @if self.passwords {
                form.card.form method="post" action=(console::JOIN) novalidate {
                    h2 { "With a password" }
                    (self.hidden())
                    // Tells password managers the account's name.
                    input.visually-hidden type="text" value=(self.email) autocomplete="username" readonly tabindex="-1" aria-hidden="true";
                    (view.text("displayName", "Your name").hint("What your colleagues see.").optional().autocomplete("name"))
                    (view.password("newPassword", "Password").hint(&hint).autocomplete("new-password"))
                    (view.password("repeatPassword", "Password once more").autocomplete("new-password"))
                    div.actions { (button(ButtonStyle::Primary, match self.purpose {
                        InvitationPurpose::Join => "Set the password and join",
                        InvitationPurpose::Reset => "Set the password and sign in",
                    })) }
                }
            } @else if self.sso_only {
                (notice(Icon::Note, "Single sign-on only", html! {
                    p { "Passwords and passkeys are switched off here. Sign in through single sign-on with this address: your invitation is taken then." }
                    p { a href=(console::SIGN_IN) { "To sign-in" } }
                }))
            }
        }
    }

    fn hidden(&self) -> Markup {
        html! {
            input type="hidden" name="token" value=(self.token);
            @if !self.email_is_fixed { input type="hidden" name="email" value=(self.email); }
        }
    }
}

/// A role with its article.
pub(in crate::web::console) const fn with_article(role: Role) -> &'static str {
    match role {
        Role::Viewer => "a viewer",
        Role::Admin => "an admin",
        Role::Owner => "an owner",
    }
}

/// What a role permits.
pub(in crate::web::console) const fn role_permissions(role: Role) -> &'static str {
    match role {
        Role::Viewer => "you may look at everything, and change nothing",
        Role::Admin => "you may change what is in it",
        Role::Owner => "you may change everything, and say who else may",
    }
}

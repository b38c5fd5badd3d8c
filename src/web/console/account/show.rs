//! `/console/account`: the administrator's own name, password, passkeys and sessions.

use base::time::Timestamp;
use maud::{Markup, html};
use model::{
    account::{AdminSession, AuthenticationMethod, Passkey},
    administrator::Administrator,
};

use crate::{
    app::{
        Error,
        administrators::{
            SignedIn, account,
            passkeys::{self, Challenge},
            sessions,
            settings::PASSWORD_POLICY,
        },
    },
    links::{self, console},
    web::{
        console::{
            kit::{
                context::ConsoleContext,
                redirect::{query, safe_next},
            },
            sign_in::sso,
        },
        kit::{
            assets,
            browser_name::browser_name,
            components::{ButtonStyle, Icon, link_button, mark, notice, time},
            error::{PageError, PageResult},
            forms::{self, FormErrors, FormValues, FormView, button_form},
            seen::Seen,
        },
    },
};

/// The account page.
pub(in crate::web::console) struct AccountPage<'a> {
    /// The signed-in administrator.
    pub admin: &'a SignedIn,
    /// Their passkeys.
    pub passkeys: &'a [Passkey],
    /// Their active sessions.
    pub sessions: &'a [AdminSession],
    /// The WebAuthn challenge to register another passkey, if that is possible.
    pub challenge: Option<&'a Challenge>,
    /// Whether passwords are enabled.
    pub passwords: bool,
    /// Whether they have one.
    pub has_password: bool,
    /// How they can authenticate again; `None` while the last authentication is recent.
    pub confirm: Option<ConfirmMethods<'a>>,
    /// The path of the console to redirect to after that.
    pub next: &'a str,
    /// The version and the values that the form of the name was filled from.
    pub seen: &'a Seen,
    /// The values entered.
    pub typed: &'a FormValues,
    /// Validation errors.
    pub errors: &'a FormErrors,
    /// The hidden field with the CSRF token.
    pub csrf: Markup,
    /// The current time.
    pub now: Timestamp,
}

/// The methods by which the administrator can authenticate again.
#[derive(Default)]
pub(in crate::web::console) struct ConfirmMethods<'a> {
    /// Password.
    pub password: bool,
    /// Passkey: the WebAuthn challenge.
    pub passkey: Option<&'a Challenge>,
    /// The SAML connection.
    pub saml: bool,
    /// The OpenID provider.
    pub oidc: bool,
}

/// `GET /console/account`
pub async fn show(context: ConsoleContext) -> PageResult {
    let typed = values(&context.admin.administrator);
    let next = query(context.request(), "next").unwrap_or_default();
    respond(&context, &seen(&context.admin.administrator), &typed, &FormErrors::none(), &next).await
}

/// The account as the values of the form of its name.
pub(in crate::web::console) fn values(administrator: &Administrator) -> FormValues {
    FormValues::new().with("displayName", &administrator.display_name)
}

/// What a form of the account as it is now is filled from.
pub(in crate::web::console) fn seen(administrator: &Administrator) -> Seen {
    Seen::of(administrator.version, &values(administrator))
}

pub(super) async fn respond(
    context: &ConsoleContext,
    seen: &Seen,
    typed: &FormValues,
    errors: &FormErrors,
    next: &str,
) -> PageResult {
    let (state, admin) = (&context.state, &context.admin);
    let settings = &state.settings.console;
    let (recent, passwords) = (admin.recently_authenticated, settings.allows_passwords());
    let allows_passkeys = settings.allows_passkeys() && passkeys::are_supported(state);
    let challenge = match allows_passkeys && recent {
        true => passkeys::begin_registration(state, admin).await.map(Some).or_else(|error| match error {
            // The maximum number of passkeys is reached.
            Error::FailedPrecondition(_) => Ok(None),
            error => Err(PageError(error)),
        })?,
        false => None,
    };
    let own = passkeys::list(state, admin).await?;
    let own_challenge = match allows_passkeys && !recent && !own.is_empty() {
        true => Some(passkeys::begin_authentication(state)?),
        false => None,
    };
    let has_password = account::has_password(state, admin).await?;
    let confirm = ConfirmMethods {
        password: passwords && has_password,
        passkey: own_challenge.as_ref(),
        saml: settings.saml_connection.is_some(),
        oidc: settings.oidc.is_some(),
    };
    let view = AccountPage {
        admin,
        passkeys: &own,
        sessions: &sessions::list(state, admin).await?,
        challenge: challenge.as_ref(),
        passwords,
        has_password,
        confirm: (!recent).then_some(confirm),
        next: next_or_account(next),
        seen,
        typed,
        errors,
        csrf: context.csrf(),
        now: context.now(),
    };
    let shell = context.shell("Your account").script(&assets::PASSKEYS);
    Ok(shell.respond_with(errors.status(), view.view()))
}

impl AccountPage<'_> {
    pub(in crate::web::console) fn view(&self) -> Markup {
        let wrong = ["", "passkey", "passkeyName", "confirmPasskey"]
            .into_iter()
            .find_map(|field| self.errors.of(field));
        html! {
            h1 { "Your account" }
            p.soft { (self.admin.administrator.email) }
            @if let Some(wrong) = wrong {
                div role="alert" { (notice(Icon::Bad, "That did not work", html! { p { (wrong) } })) }
            }
            @if let Some(confirm) = &self.confirm { (self.confirm(confirm)) }
            (self.name())
            @if self.passwords { (self.password()) }
            (self.own_passkeys())
            (self.own_sessions())
        }
    }

    fn name(&self) -> Markup {
        let own: Vec<&str> = vec!["displayName"];
        let errors = match self.errors.is_outdated() {
            true => self.errors.clone(),
            false => self.errors_of(&own),
        };
        let view = FormView::new(self.typed, &errors);
        let field = view
            .text("displayName", "Name")
            .hint("What your colleagues see.")
            .optional()
            .autocomplete("name");
        let form =
            forms::Form::new(console::ACCOUNT_NAME, "Save name", self.csrf.clone()).seen(self.seen.fields());
        html! { section.card { h2 { "Name" } (view.render(&form, html! { (field) })) } }
    }

    /// Asks for a new authentication. Without a recent one, credentials cannot be changed: somebody else may sit at
    /// an open session.
    fn confirm(&self, methods: &ConfirmMethods<'_>) -> Markup {
        let errors = self.errors_of(&["confirmPassword"]);
        let view = FormView::new(self.typed, &errors);
        let form = forms::Form::new(console::ACCOUNT_CONFIRM, "Confirm by password", self.csrf.clone());
        let is_any = methods.password || methods.passkey.is_some() || methods.saml || methods.oidc;
        html! {
            section.card {
                h2 { "Confirm that it is you" }
                p.soft { "You last proved it more than ten minutes ago. Do so again before you change how you sign in, give somebody a role or make an API key." }
                @if methods.password {
                    (view.render(&form, html! {
                        input type="hidden" name="next" value=(self.next);
                        (view.password("confirmPassword", "Your password").autocomplete("current-password"))
                    }))
                }
                @if let Some(challenge) = methods.passkey {
                    form.form method="post" action=(console::ACCOUNT_CONFIRM_PASSKEY) hidden data-passkey="get" data-options=(challenge.options) {
                        (self.csrf)
                        input type="hidden" name="next" value=(self.next);
                        input type="hidden" name="challenge" value=(challenge.sealed);
                        input type="hidden" name="answer";
                        p.error role="status" data-passkey-said hidden {}
                        div.actions { button.button type="button" hidden data-passkey-button { "Confirm by passkey" } }
                    }
                    @if !methods.password { noscript { p { "Passkeys need JavaScript." } } }
                }
                @if methods.saml || methods.oidc {
                    div.actions {
                        @if methods.saml { (link_button(ButtonStyle::Plain, "Confirm with your company’s sign-in", &sso::confirmation_path(console::SIGN_IN_SAML, self.next))) }
                        @if methods.oidc { (link_button(ButtonStyle::Plain, "Confirm with OpenID Connect", &sso::confirmation_path(console::SIGN_IN_OIDC, self.next))) }
                    }
                }
                @if !is_any {
                    p { "There is nothing to prove it with in this browser. Sign out, and sign in again." }
                }
            }
        }
    }

    fn password(&self) -> Markup {
        let errors = self.errors_of(&["currentPassword", "newPassword", "repeatPassword"]);
        let view = FormView::new(self.typed, &errors);
        let has_one = self.has_password;
        let hint =
            format!("At least {} characters. A few words in a row are good.", PASSWORD_POLICY.min_length());
        let fields = html! {
            @if has_one { (view.password("currentPassword", "Current password").autocomplete("current-password")) }
            (view.password("newPassword", "New password").hint(&hint).autocomplete("new-password"))
            (view.password("repeatPassword", "New password once more").autocomplete("new-password"))
        };
        let label = if has_one { "Change password" } else { "Set password" };
        let form = forms::Form::new(console::ACCOUNT_PASSWORD, label, self.csrf.clone());
        html! {
            section.card {
                h2 { "Password" }
                p.soft {
                    @if has_one { "A new one signs you out everywhere else." }
                    @else { "You have none. You may set one beside your passkeys." }
                }
                @if has_one || self.confirm.is_none() { (view.render(&form, fields)) }
                @else { p { "To set one, confirm first that it is you." } }
            }
        }
    }

    /// The errors of these fields: each form shows its own.
    fn errors_of(&self, fields: &[&str]) -> FormErrors {
        fields.iter().fold(FormErrors::none(), |errors, field| match self.errors.of(field) {
            Some(reason) => errors.and(field, reason),
            None => errors,
        })
    }

    fn own_passkeys(&self) -> Markup {
        html! {
            section.card {
                h2 { "Passkeys" }
                @if self.passkeys.is_empty() {
                    p.soft { "None yet. A passkey signs you in with your fingerprint, face, device PIN or a security key, and is resistant to phishing." }
                } @else {
                    ul.entries { @for passkey in self.passkeys { (self.passkey(passkey)) } }
                }
                @if let Some(challenge) = self.challenge {
                    form.form method="post" action=(console::ACCOUNT_PASSKEYS) hidden data-passkey="create" data-options=(challenge.options) {
                        (self.csrf)
                        input type="hidden" name="challenge" value=(challenge.sealed);
                        input type="hidden" name="answer";
                        div.field {
                            label for="newPasskeyName" { "Name of a new passkey" span.soft { " (optional)" } }
                            input #newPasskeyName name="passkeyName" type="text" maxlength="100" autocomplete="off" aria-describedby="newPasskeyName-hint";
                            p.hint #newPasskeyName-hint { "To tell it from others: “work laptop”." }
                        }
                        p.error role="status" data-passkey-said hidden {}
                        div.actions { button.button type="button" hidden data-passkey-button { "Add a passkey" } }
                    }
                    noscript { p { "Adding a passkey needs JavaScript." } }
                } @else if self.confirm.is_some() {
                    p { "To add or remove one, confirm first that it is you." }
                } @else if self.passwords && self.passkeys.is_empty() {
                    p.soft { "Passkeys need https and a host name in the server’s public URL." }
                }
            }
        }
    }

    fn passkey(&self, passkey: &Passkey) -> Markup {
        let action = links::expand(console::ACCOUNT_PASSKEY, &[&passkey.id]);
        let id = passkey.id.to_string();
        html! {
            li.entry {
                div {
                    strong { (passkey.display_name) }
                    p.small.soft {
                        "Added " (time(passkey.created_at, self.now)) ", "
                        @match passkey.last_used_at {
                            Some(at) => { "last used " (time(at, self.now)) },
                            None => "never used",
                        }
                    }
                }
                details {
                    summary { @if self.confirm.is_none() { "Rename or remove" } @else { "Rename" } span.visually-hidden { " " (passkey.display_name) } }
                    form.form method="post" action=(action) {
                        (self.csrf)
                        div.field {
                            label for=(id) { "Name" }
                            input #(id) name="passkeyName" type="text" value=(passkey.display_name) maxlength="100" required autocomplete="off";
                        }
                        div.actions {
                            button.button type="submit" { "Save name" }
                            @if self.confirm.is_none() {
                                button.button.danger type="submit" name="remove" value="1" formnovalidate { "Remove this passkey" }
                            }
                        }
                    }
                }
            }
        }
    }

    fn own_sessions(&self) -> Markup {
        html! {
            section.card {
                h2 { "Sessions" }
                p.soft { "Browsers in which you are signed in." }
                ul.entries { @for session in self.sessions { (self.session(session)) } }
                @if self.sessions.len() > 1 {
                    (button_form(console::ACCOUNT_SESSIONS, "Sign out everywhere else", ButtonStyle::Plain, self.csrf.clone()))
                }
            }
        }
    }

    fn session(&self, session: &AdminSession) -> Markup {
        let is_this = session.id == self.admin.session.id;
        html! {
            li.entry {
                div {
                    strong { (browser_name(&session.user_agent)) }
                    @if is_this { " " (mark(Icon::Good, "this browser")) }
                    p.small.soft {
                        (by(session.method))
                        @if let Some(address) = session.address { ", from " (address) }
                        ", since " (time(session.created_at, self.now))
                        ", last seen " (time(session.last_seen_at, self.now))
                    }
                }
                @if !is_this {
                    (button_form(&links::expand(console::ACCOUNT_SESSION, &[&session.id]), "End session", ButtonStyle::Plain, self.csrf.clone()))
                }
            }
        }
    }
}

const fn by(method: AuthenticationMethod) -> &'static str {
    match method {
        AuthenticationMethod::Password => "Signed in by password",
        AuthenticationMethod::Passkey => "Signed in by passkey",
        AuthenticationMethod::Saml => "Signed in through SAML",
        AuthenticationMethod::Oidc => "Signed in through OpenID Connect",
        AuthenticationMethod::Invitation => "Signed in by invitation",
        AuthenticationMethod::SetupLink => "Opened by a setup link",
        AuthenticationMethod::Operator => "Made by the operator",
    }
}

/// The path to redirect to; the account page if `next` is empty.
pub(super) fn next_or_account(next: &str) -> &str {
    match next {
        "" => console::ACCOUNT,
        next => safe_next(next),
    }
}

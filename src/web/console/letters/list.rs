//! `/console/{environment}/letters`: the letters of an environment: to whom, when, and what became of them. What they say is
//! not shown, as codes are in them.

use base::{id::LetterId, time::Timestamp};
use maud::{Markup, html};
use model::letter::{Letter, LetterError, LetterKind, LetterState};

use crate::{
    app::{
        accounts::user_credentials,
        mail::letters::{self, LetterView},
        pagination::Page,
        permissions,
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            labels::filter_error_notice,
            shell::Section,
        },
        kit::{
            components::{Icon, copyable, mark, notice, time},
            error::PageResult,
            forms::FormErrors,
            list::{List, ListUrl, column},
        },
    },
};

/// What the page of letters shows.
pub(in crate::web::console) struct LettersPage<'a> {
    pub letters: &'a Page<LetterView>,
    pub place: &'a ListUrl,
    /// Errors of the filter.
    pub errors: &'a FormErrors,
    /// Whether a mail server is set up.
    pub is_set_up: bool,
    /// How a letter is written again, if the administrator may do so.
    pub actions: Option<LetterActions<'a>>,
    pub now: Timestamp,
}

/// The action of the page.
pub(in crate::web::console) struct LetterActions<'a> {
    pub csrf: Markup,
    /// The path that writes a letter again.
    pub resend: &'a dyn Fn(LetterId) -> String,
}

/// `GET …/letters`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let place = context.place(&["state"]);
    let found =
        letters::list(&context.state, &context.principal, place.filter("state"), &place.query()).await;
    let (page, errors) = match found {
        Ok(page) => (page, FormErrors::none()),
        Err(error) => (Page { items: Vec::new(), next_token: String::new() }, FormErrors::from_error(error)?),
    };
    let resend = |id: LetterId| context.href(console::RESEND_LETTER, &[&id]);
    let is_set_up = context.state.settings.mail.is_some();
    let may = is_set_up && context.may(permissions::Action::UsersManage);
    let content = view(&LettersPage {
        letters: &page,
        place: &place,
        errors: &errors,
        is_set_up,
        actions: may.then(|| LetterActions { csrf: context.csrf(), resend: &resend }),
        now: context.now(),
    });
    Ok(context.shell(Section::Letters, "Letters").respond_with(errors.status(), content))
}

/// `POST …/letters/{letter}/resend`
pub async fn resend(context: EnvironmentContext, _form: ConsoleForm) -> PageResult {
    let id: LetterId = context.id("letter")?;
    user_credentials::send_again(&context.state, &context.principal, id).await?;
    let page = context.href(console::LETTERS, &[]);
    Ok(see_other(&page, Flash(ResourceKind::Letter, Action::Queued)))
}

/// The page.
pub(in crate::web::console) fn view(page: &LettersPage<'_>) -> Markup {
    let rows = page.letters.items.iter().map(|view| {
        let letter = &view.letter;
        let mut row = vec![
            html! { (time(letter.created_at, page.now)) div.small { (copyable(&letter.id.to_string(), "letter id")) } },
            html! { @match &view.recipient { Some(address) => (address), None => span.soft { "no address" } } },
            html! { (kind(letter.kind)) },
            state(letter, page.now),
        ];
        if let Some(actions) = &page.actions {
            row.push(html! {
                // To nobody there is nothing to be sent.
                @if letter.account_id.is_some() {
                    form.inline method="post" action=((actions.resend)(letter.id)) {
                        (actions.csrf)
                        button.button.small type="submit" aria-label={ "Send letter " (letter.id) " again" } { "Send again" }
                    }
                }
            });
        }
        row
    });
    let columns = [column("Written"), column("To"), column("About"), column("State"), column("Action")];
    let width = if page.actions.is_some() { columns.len() } else { columns.len() - 1 };
    let list = List {
        caption: "Letters",
        columns: &columns[..width],
        rows: rows.collect(),
        next_token: &page.letters.next_token,
        empty: html! {
            p { "No letter was written yet." }
            p { "Letters appear here when somebody is invited to activate an account, or forgot a password." }
        },
    };
    let states = [
        ("queued", "Waiting"),
        ("sent", "Sent"),
        ("failed", "Not sent"),
        ("refused", "Refused by the mail server"),
    ];
    html! {
        h1 { "Letters" }
        p {
            "What the gateway wrote to people by mail. What a letter says is not kept: “Send again” writes it anew, with a new \
             code that ends the earlier ones."
        }
        @if !page.is_set_up {
            (notice(Icon::Attention, "Nobody gets mail", html! {
                p { "No mail server is set up. The operator sets " code { "mail.smtp_url" } " and " code { "mail.from" } "; until \
                     then your app hands over codes itself." }
            }))
        }
        (page.place.filter_form(&html! { (page.place.filter_select("state", "State", "All", &states)) }, &[]))
        @if page.errors.is_empty() { (list.view(page.place)) } @else { (filter_error_notice(page.errors)) }
    }
}

/// What a letter is about.
pub(in crate::web::console) fn kind(kind: LetterKind) -> &'static str {
    match kind {
        LetterKind::Activation => "Activate the account",
        LetterKind::ResetPassword => "Set a new password",
        LetterKind::ResetTotp => "Set up another authenticator app",
        LetterKind::EnrollWebauthn => "Add a passkey",
        LetterKind::VerifyAddress => "Confirm the address",
        LetterKind::AlreadyRegistered => "Tried to register again",
        LetterKind::Invitation => "Invitation to the console",
        LetterKind::GuestInvitation => "Invitation to an organization",
        LetterKind::OrganizationInvitation => "Invitation to the organization",
        LetterKind::PasswordChanged => "Password changed",
        LetterKind::PasskeyAdded => "Passkey added",
        LetterKind::PasskeyRemoved => "Passkey removed",
        LetterKind::TotpAdded => "Authenticator app set up",
        LetterKind::TotpRemoved => "Authenticator app removed",
        LetterKind::RecoveryCodesMade => "New recovery codes",
        LetterKind::AddressAdded => "Address added",
        LetterKind::DomainRecordLost => "Domain lost its record",
        LetterKind::AddressRemoved => "Address removed",
    }
}

/// What became of a letter.
pub(in crate::web::console) fn state(letter: &Letter, now: Timestamp) -> Markup {
    html! {
        @match letter.state {
            LetterState::Queued if letter.attempts > 0 => (mark(Icon::Attention, "Waiting to try again")),
            LetterState::Queued => (mark(Icon::Note, "Waiting")),
            LetterState::Sent => (mark(Icon::Good, "Sent")),
            LetterState::Failed => (mark(Icon::Bad, "Not sent")),
            LetterState::Refused => (mark(Icon::Bad, "Refused")),
        }
        @if letter.attempts > 1 { div.small.soft { "after " (letter.attempts) " attempts" } }
        @if let Some(reply) = letter.last_reply { " " code { "SMTP " (reply) } }
        @if let Some(error) = letter.last_error { div.small { (explanation(error)) } }
        @if let Some(at) = letter.next_attempt_at.filter(|_| letter.attempts > 0) {
            div.small.soft { "next attempt " (time(at, now)) }
        }
    }
}

/// What happened, and who can do something about it.
fn explanation(error: LetterError) -> &'static str {
    match error {
        LetterError::Refused => {
            "The mail server refused it: look at the address, and at the sender it was written as."
        }
        LetterError::TryAgainLater => "The mail server asked to come again later.",
        LetterError::NotAuthenticated => {
            "The mail server does not accept the gateway’s user name and password: the operator checks mail.smtp_url."
        }
        LetterError::Unreachable => "The mail server cannot be reached: the operator checks mail.smtp_url.",
        LetterError::Timeout => "The mail server did not answer in time.",
        LetterError::Tls => {
            "There is no trusted TLS connection to the mail server: the operator checks its certificate."
        }
        LetterError::Protocol => "The mail server answered something that is not SMTP.",
        LetterError::PasswordFile => {
            "The file with the mail server’s password cannot be read: the operator checks it."
        }
        LetterError::NoMailServer => "No mail server is set up any more.",
        LetterError::UnusableAddress => "The address cannot stand in a letter: correct it at the user.",
        LetterError::Unreadable => "What it said cannot be opened with the present master key.",
        LetterError::Expired => "It waited too long: what was in it had expired.",
        LetterError::CodeEnded => "The code in it was used, or a newer letter replaced it.",
        LetterError::NoAccount => "Nobody has this address here. Whoever asked was not told so.",
        LetterError::NoAddress => {
            "The user has no confirmed e-mail address to which this may go: add one at the user."
        }
        LetterError::TooMany => "The user got ten such letters within an hour; no more are sent for a while.",
        LetterError::StillGood => {
            "It was asked for again within minutes: the letter before it is still good."
        }
        LetterError::AddressTaken => "The address is another account's, who got a letter about it.",
    }
}

//! Snapshot tests of the page of letters, with long and hostile data.

use std::time::Duration;

use base::{
    id::{Id, LetterId, UserId},
    time::Timestamp,
};
use maud::{Markup, html};
use model::letter::{Letter, LetterError, LetterKind, LetterState};

use super::frame;
use crate::{
    app::{mail::letters::LetterView, pagination::Page},
    web::{
        console::{
            kit::shell::{Section, Shell},
            letters::list::{LetterActions, LettersPage, view},
        },
        kit::{forms::FormErrors, list::ListUrl},
        samples::page,
    },
};

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-21T12:00:00Z").unwrap()
}

fn letter(number: u64, state: LetterState, error: Option<LetterError>) -> Letter {
    let at = now() - Duration::from_secs(60 * number);
    Letter {
        id: Id::from_bits(number.into()),
        environment_id: Id::from_bits(1),
        organization_id: Id::from_bits(4),
        account_id: (error != Some(LetterError::NoAccount)).then(|| UserId::from_bits(9).into()),
        kind: LetterKind::ResetPassword,
        code_id: None,
        asked_by: None,
        sealed_recipient: None,
        state,
        attempts: u32::from(error != Some(LetterError::NoAccount)),
        next_attempt_at: (state == LetterState::Queued).then(|| now() + Duration::from_secs(120)),
        expires_at: now() + Duration::from_secs(900),
        last_error: error,
        last_reply: (state == LetterState::Refused).then_some(550),
        created_at: at,
        updated_at: at,
    }
}

fn sample(name: &str, content: Markup) {
    page(name, Shell::new(&frame(), Section::Letters, "Letters").render(content));
}

/// Letters to one user.
pub(super) fn to_one() -> Vec<LetterView> {
    let to = |letter, recipient: Option<&str>| LetterView { letter, recipient: recipient.map(str::to_owned) };
    vec![
        to(letter(2, LetterState::Sent, None), Some("hubert@acme.example")),
        to(letter(4, LetterState::Refused, Some(LetterError::Refused)), Some("\"<b>\"@acme.example")),
        to(letter(6, LetterState::Failed, Some(LetterError::NoAddress)), None),
    ]
}

#[test]
fn letter_samples() {
    let shown = |letter: Letter, recipient: Option<&str>| LetterView {
        letter,
        recipient: recipient.map(str::to_owned),
    };
    let activation =
        Letter { kind: LetterKind::Activation, attempts: 0, ..letter(1, LetterState::Queued, None) };
    let long = "wilhelmine.von-und-zu-hohenlohe-waldenburg+newsletter@rheinisch-westfaelische.example";
    let items = vec![
        shown(activation, Some("dana@acme.example")),
        shown(letter(2, LetterState::Queued, Some(LetterError::TryAgainLater)), Some(long)),
        shown(letter(3, LetterState::Sent, None), Some("\"<b>\"@acme.example")),
        shown(letter(4, LetterState::Refused, Some(LetterError::Refused)), Some("gone@acme.example")),
        shown(letter(5, LetterState::Failed, Some(LetterError::NoAccount)), Some("stranger@acme.example")),
        shown(letter(6, LetterState::Failed, Some(LetterError::NoAddress)), None),
    ];
    let (letters, none) = (Page { items, next_token: "T2".to_owned() }, FormErrors::none());
    let place = ListUrl::read("/console/x/letters", "", &["state"]);
    let resend = |id: LetterId| format!("/console/x/letters/{id}/resend");
    let page = |letters, is_set_up, may: bool| {
        let actions = may.then(|| LetterActions {
            csrf: html! { input type="hidden" name="csrf" value="TOKEN"; },
            resend: &resend,
        });
        view(&LettersPage { letters, place: &place, errors: &none, is_set_up, actions, now: now() })
    };
    sample("console-letters", page(&letters, true, true));
    sample("console-letters-viewer", page(&letters, true, false));
    let nothing = Page { items: Vec::new(), next_token: String::new() };
    sample("console-letters-empty", page(&nothing, false, true));
}

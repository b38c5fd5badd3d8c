//! The letters of an environment, for support: to whom, when, and what became of them. What they say is not shown.

use base::id::LetterId;
use model::{
    letter::{Letter, LetterState},
    user::User,
};

use crate::{
    app::{
        Error, Result, State,
        pagination::{List, Page, PageQuery, PageRequest},
        permissions::Action,
        principal::{On, Principal},
    },
    store::{self, sealed_columns},
};

/// How many of one user's letters are shown.
const MAX_OF_ONE: i64 = 10;

/// A letter as it is shown.
pub struct LetterView {
    /// The letter.
    pub letter: Letter,
    /// The address; `None` where there is none, or it cannot be opened.
    pub recipient: Option<String>,
}

/// One page of an environment's letters, the newest first; only those in a state, unless that is empty.
pub async fn list(
    state: &State,
    principal: &Principal,
    letter_state: &str,
    query: &PageQuery,
) -> Result<Page<LetterView>> {
    let environment_id = principal.authorize(Action::UsersView, On::Environment)?;
    let wanted_state: Option<LetterState> = match letter_state {
        "" => None,
        name => Some(
            name.parse().map_err(|_| Error::invalid("state", "must be queued, sent, failed or refused"))?,
        ),
    };
    let list = List::of(environment_id, format_args!("letters/{letter_state}"));
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    let found =
        store::letters::list(&mut conn, environment_id, wanted_state, wanted.from, wanted.limit()).await?;
    let found = found.into_iter().map(|letter| LetterView { recipient: recipient(state, &letter), letter });
    Ok(wanted.page_of(state, &list, found.collect(), |view: &LetterView| view.letter.id))
}

/// The latest letters to a user, whom the caller read: the newest first.
pub async fn list_to(state: &State, principal: &Principal, user: &User) -> Result<Vec<LetterView>> {
    let environment_id = principal.authorize(Action::UsersView, On::Organization(user.organization_id))?;
    let mut conn = state.db.read().await?;
    let found = store::letters::list_to(&mut conn, environment_id, user.id, MAX_OF_ONE).await?;
    Ok(found.into_iter().map(|letter| LetterView { recipient: recipient(state, &letter), letter }).collect())
}

/// A letter of the principal's environment.
pub(in crate::app) async fn find(state: &State, principal: &Principal, id: LetterId) -> Result<LetterView> {
    let environment_id = principal.authorize(Action::UsersManage, On::Environment)?;
    let found = store::letters::find(&mut state.db.read().await?, environment_id, id).await?;
    let letter = found.ok_or_else(|| Error::not_found("letter", id))?;
    Ok(LetterView { recipient: recipient(state, &letter), letter })
}

/// The address of a letter.
fn recipient(state: &State, letter: &Letter) -> Option<String> {
    let sealed = letter.sealed_recipient.as_deref()?;
    let opened = state.open(&sealed_columns::LETTER_RECIPIENT, &[&letter.id], sealed).ok()?;
    String::from_utf8(opened).ok()
}

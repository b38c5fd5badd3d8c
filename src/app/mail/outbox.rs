//! Letters put into the outbox, by the transaction that they tell of.

use std::time::Duration;

use base::{
    id::{EnvironmentId, Id, OrganizationId},
    secret::Digest,
    time::Timestamp,
};
use model::{
    account::AccountId,
    branding::Branding,
    email::Email,
    environment::Environment,
    letter::{Asker, Letter, LetterError, LetterKind, LetterState},
    membership::Tier,
    organization::Organization,
};
use url::Url;

use super::{
    onward::Onward,
    templates::{self, CodeInLetter, Contents, InvitedTo, Letterhead},
};
use crate::{
    app::{
        Error, Result, State, accounts::one_time_codes::NewCode,
        authorization_server::issuers::organization_segment,
    },
    store::{self, Conn, Transaction, letters::EarlierLetter, sealed_columns, table},
};

/// How long a letter without a code is worth being sent.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// How many letters to an account each kind of [`Asker`] gets sent within [`RATE_PERIOD`].
const MAX_LETTERS: i64 = 10;
const RATE_PERIOD: Duration = Duration::from_secs(3600);

/// How many letters the people and the administrators of one organization get sent within [`RATE_PERIOD`]: enough for a company that
/// moves in.
const MAX_OF_ORGANIZATION: i64 = 1000;

/// How long a letter that is still good is not followed by another one to the same address, for strangers who ask for it.
const QUIET_PERIOD: Duration = Duration::from_secs(5 * 60);

/// How many earlier letters are looked at.
const MAX_EARLIER: i64 = 40;

/// After how long somebody who asked for too many letters tries again.
const RETRY_AFTER: Duration = Duration::from_secs(10 * 60);

/// A letter to write.
pub(in crate::app) struct NewLetter<'a> {
    /// Its environment.
    pub environment_id: EnvironmentId,
    /// The organization for whose people it is.
    pub organization_id: OrganizationId,
    /// To whom it is; nobody where somebody gave an address that nobody has.
    pub account: Option<AccountId>,
    /// What it is about.
    pub kind: LetterKind,
    /// Who asked for it; nobody, of a notice or an invitation.
    pub asked_by: Option<Asker>,
    /// Why it is not sent, if that is known before.
    pub not_sent: Option<LetterError>,
    /// The address; none where the account has none.
    pub recipient: Option<&'a Email>,
    /// The code in it.
    pub code: Option<&'a NewCode>,
    /// Where its link leads.
    pub link: Link<'a>,
}

/// Where the link of a letter leads.
pub(in crate::app) enum Link<'a> {
    /// To the page for what the letter is about, and on from there.
    Page(&'a Onward),
    /// To this address.
    To(&'a Url),
    /// To this address, where somebody accepts an invitation to an organization.
    Invitation {
        /// The address.
        url: &'a Url,
        /// What they become.
        role: Tier,
        /// Until when the link is good.
        until: Timestamp,
    },
}

/// Whether letters are sent.
pub(in crate::app) fn is_set_up(state: &State) -> bool {
    state.settings.mail.is_some()
}

/// Whether somebody who is known may have one more letter written to an account: the person, or an administrator.
pub(in crate::app) async fn has_room(
    conn: &mut Conn,
    state: &State,
    account: AccountId,
    asker: Asker,
) -> Result<bool> {
    let since = state.now() - RATE_PERIOD;
    Ok(store::letters::count_asked(conn, account, asker, since, MAX_LETTERS).await? < MAX_LETTERS)
}

/// Whether one more letter may be written to an address that somebody asked for, for the people of an organization: whatever account it
/// is for, so that many new accounts with one address fill nobody's mailbox. What strangers ask for in one organization keeps nobody out
/// of another one.
pub(in crate::app) async fn has_room_at(
    conn: &mut Conn,
    state: &State,
    (environment_id, organization_id, account): (EnvironmentId, OrganizationId, Option<AccountId>),
    recipient: &Email,
    asker: Asker,
) -> Result<bool> {
    let since = state.now() - RATE_PERIOD;
    let digest = digest_of(environment_id, recipient);
    let place = (organization_id, account);
    let there = store::letters::count_to_address(conn, &digest, place, asker, since, MAX_LETTERS).await?;
    if there >= MAX_LETTERS {
        return Ok(false);
    }
    if asker == Asker::Stranger {
        return Ok(true);
    }
    let most = MAX_OF_ORGANIZATION;
    Ok(store::letters::count_of_organization(conn, organization_id, since, most).await? < most)
}

/// What stands for an address in counts.
fn digest_of(environment_id: EnvironmentId, recipient: &Email) -> Digest {
    Digest::of(format!("{environment_id} {}", recipient.key()))
}

/// The error for who asked for too many.
pub(in crate::app) fn too_many() -> Error {
    Error::Limited { retry_after: RETRY_AFTER }
}

/// Why a letter is not written that a stranger asks for now; `None` if it is. Whoever asks again and again fills no mailbox, and
/// keeps nobody out: while there is no new letter to an address, the last one there is good, unless its code was guessed at. The
/// same is asked of the database for everybody.
pub(in crate::app) async fn refusal_for_stranger(
    conn: &mut Conn,
    state: &State,
    account: AccountId,
    kind: LetterKind,
    recipient: Option<&Email>,
) -> Result<Option<LetterError>> {
    let now = state.now();
    let since = now - RATE_PERIOD;
    let count = store::letters::count_asked(conn, account, Asker::Stranger, since, MAX_LETTERS).await?;
    let is_full = count >= MAX_LETTERS;
    let earlier = store::letters::list_earlier(conn, account, kind, since, MAX_EARLIER).await?;
    let wanted = recipient.map(Email::key);
    let key_of = |letter: &EarlierLetter| {
        let opened = letter
            .recipient
            .as_deref()
            .and_then(|sealed| state.open(&sealed_columns::LETTER_RECIPIENT, &[&letter.id], sealed).ok())?;
        Email::parse(std::str::from_utf8(&opened).ok()?).map(|email| email.key())
    };
    let last = earlier.iter().find(|letter| key_of(letter) == wanted);
    let is_recent = last.is_some_and(|letter| letter.created_at + QUIET_PERIOD > now);
    Ok(match last {
        // There is no code in it: one tells enough.
        _ if kind.purpose().is_none() && is_recent => Some(LetterError::StillGood),
        _ if kind.purpose().is_none() && is_full => Some(LetterError::TooMany),
        None => None,
        Some(last) if last.is_lost() => is_recent.then_some(LetterError::StillGood),
        Some(last) if last.is_open(now) => (is_recent || is_full).then_some(LetterError::StillGood),
        Some(last) => (is_full && last.is_guessed(now)).then_some(LetterError::TooMany),
    })
}

/// Puts a letter into the outbox; none where no mail server is set up. One that is not sent is noted, and takes as long.
pub(in crate::app) async fn put(tx: &mut Transaction, state: &State, new: &NewLetter<'_>) -> Result<()> {
    if !is_set_up(state) {
        return Ok(());
    }
    let now = state.now();
    let contents = write(tx, state, new, now).await?;
    let is_known = new.account.is_some() || new.kind.is_invitation();
    let mut why_not = new.not_sent.or(match (is_known, new.recipient) {
        (false, _) => Some(LetterError::NoAccount),
        (_, None) => Some(LetterError::NoAddress),
        _ => None,
    });
    if let (Some(recipient), Some(asker)) = (new.recipient, new.asked_by) {
        // Asked of everybody, so that it takes as long.
        let place = (new.environment_id, new.organization_id, new.account);
        if !has_room_at(tx, state, place, recipient, asker).await? {
            why_not = why_not.or(Some(LetterError::TooMany));
        }
    }
    let id = Id::new(now, &*state.random);
    let recipient = new.recipient.map_or("", Email::as_str);
    let sealed_recipient = state.seal(&sealed_columns::LETTER_RECIPIENT, &[&id], recipient.as_bytes());
    let contents = serde_json::to_vec(&contents).map_err(Error::internal)?;
    let sealed_contents = state.seal(&sealed_columns::LETTER_CONTENTS, &[&id], &contents);
    let letter = Letter {
        id,
        environment_id: new.environment_id,
        organization_id: new.organization_id,
        account_id: new.account,
        kind: new.kind,
        code_id: new.code.map(|code| code.code.id),
        asked_by: new.asked_by,
        sealed_recipient: new.recipient.map(|_| sealed_recipient),
        state: if why_not.is_none() { LetterState::Queued } else { LetterState::Failed },
        attempts: 0,
        next_attempt_at: why_not.is_none().then_some(now),
        expires_at: new.code.map_or(now + LIFETIME, |code| code.code.expires_at),
        last_error: why_not,
        last_reply: None,
        created_at: now,
        updated_at: now,
    };
    let contents = why_not.is_none().then_some(sealed_contents.as_str());
    let counted = new.recipient.map(|recipient| digest_of(new.environment_id, recipient));
    Ok(store::letters::insert(tx, &letter, contents, counted.as_ref()).await?)
}

async fn write(tx: &mut Transaction, state: &State, new: &NewLetter<'_>, now: Timestamp) -> Result<Contents> {
    let id = new.environment_id;
    let environment: Option<Environment> = table::find(tx, id, id).await?;
    let environment = environment.ok_or_else(|| Error::not_found("environment", id))?;
    let branding: Option<Branding> = table::find(tx, id, id).await?;
    let branding = branding.unwrap_or_else(|| Branding::empty(id));
    // The root is none.
    let organization: Option<Organization> = table::find(tx, id, new.organization_id).await?;
    let alias = organization.as_ref().and_then(|organization| organization.public_alias.as_ref());
    let segment = organization_segment(id, new.organization_id, alias.map(|alias| alias.as_str()));
    // The pages are the issuer's, which is at the public URL.
    let links = &state.links;
    let slug = environment.slug.as_str();
    // To nobody the same is written, with a code that is none.
    let extended = new.code.map_or_else(|| format!("{:032x}.000000", 0), NewCode::reveal_extended);
    let code = CodeInLetter {
        digits: new.code.map_or("000000", NewCode::reveal).to_owned(),
        expires_at: new.code.map_or(now, |code| code.code.expires_at),
    };
    let page = |onward: &Onward| {
        let mut url = match new.kind {
            LetterKind::Activation => links.sign_in_activate(slug, &segment, &extended),
            LetterKind::ResetPassword => links.sign_in_reset(slug, &segment, &extended),
            LetterKind::VerifyAddress => links.sign_in_verify(slug, &segment, &extended),
            // These codes are for pages of the application's own.
            LetterKind::ResetTotp
            | LetterKind::EnrollWebauthn
            | LetterKind::AlreadyRegistered
            | LetterKind::Invitation
            | LetterKind::GuestInvitation
            | LetterKind::OrganizationInvitation
            | LetterKind::DomainRecordLost => links.sign_in(slug, &segment),
            LetterKind::PasswordChanged
            | LetterKind::PasskeyAdded
            | LetterKind::PasskeyRemoved
            | LetterKind::TotpAdded
            | LetterKind::TotpRemoved
            | LetterKind::RecoveryCodesMade
            | LetterKind::AddressAdded
            | LetterKind::AddressRemoved => links.account(slug, &segment),
        };
        onward.add_to(&mut url);
        url
    };
    let (url, application) = match new.link {
        Link::Page(onward) => (page(onward), onward.application()),
        Link::To(url) | Link::Invitation { url, .. } => (url.clone(), ""),
    };
    let letterhead = Letterhead::new(&environment, &branding, organization.as_ref()).of(application);
    let code = new.kind.purpose().map(|_| &code);
    let invited = match new.link {
        Link::Invitation { role, until, .. } => Some(InvitedTo { role, until }),
        Link::Page(_) | Link::To(_) => None,
    };
    Ok(templates::write(new.kind, &letterhead, url.into(), code, invited))
}

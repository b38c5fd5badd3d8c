//! Letters put into the outbox, by the transaction that they tell of.

use std::time::Duration;

use base::{
    id::{EnvironmentId, Id, OrganizationId},
    time::Timestamp,
};
use model::{
    account::AccountId,
    branding::Branding,
    email::Email,
    environment::Environment,
    letter::{Letter, LetterError, LetterKind, LetterState},
    organization::Organization,
};
use url::Url;

use super::{
    onward::Onward,
    templates::{self, CodeInLetter, Contents, Letterhead},
};
use crate::{
    app::{
        Error, Result, State, accounts::one_time_codes::NewCode,
        authorization_server::issuers::organization_segment,
    },
    store::{self, Conn, Transaction, sealed_columns, table},
};

/// How long a letter without a code is worth being sent.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// How many letters an account gets within [`RATE_PERIOD`]: whoever knows an address can ask for letters to it.
const MAX_LETTERS: i64 = 10;
const RATE_PERIOD: Duration = Duration::from_secs(3600);

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
}

/// Whether letters are sent.
pub(in crate::app) fn is_set_up(state: &State) -> bool {
    state.settings.mail.is_some()
}

/// Whether an account may get one more letter now.
pub(in crate::app) async fn has_room(conn: &mut Conn, state: &State, account: AccountId) -> Result<bool> {
    let since = state.now() - RATE_PERIOD;
    Ok(store::letters::count_since(conn, account, since, MAX_LETTERS).await? < MAX_LETTERS)
}

/// Puts a letter into the outbox; none where no mail server is set up. One that cannot be sent is noted, and takes as long: a
/// letter to nobody, to an account without an address, or to one that got too many.
pub(in crate::app) async fn put(tx: &mut Transaction, state: &State, new: &NewLetter<'_>) -> Result<()> {
    if !is_set_up(state) {
        return Ok(());
    }
    let now = state.now();
    let contents = write(tx, state, new, now).await?;
    let counted = new.account.unwrap_or_else(AccountId::nobody);
    let has_room = has_room(tx, state, counted).await?;
    let is_known = new.account.is_some() || new.kind == LetterKind::Invitation;
    let why_not = match (is_known, new.recipient) {
        (false, _) => Some(LetterError::NoAccount),
        (_, None) => Some(LetterError::NoAddress),
        // Whoever asks for many letters must not keep the holder from learning what is done to the account.
        _ if new.account.is_some() && !has_room && !new.kind.is_notice() => Some(LetterError::TooMany),
        _ => None,
    };
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
    Ok(store::letters::insert(tx, &letter, contents).await?)
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
            | LetterKind::Invitation => links.sign_in(slug, &segment),
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
        Link::To(url) => (url.clone(), ""),
    };
    let letterhead = Letterhead::new(&environment, &branding, organization.as_ref()).of(application);
    let code = new.kind.purpose().map(|_| &code);
    Ok(templates::write(new.kind, &letterhead, url.into(), code))
}

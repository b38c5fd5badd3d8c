//! Sends the letters in the outbox. A letter is claimed in the database, so every replica may run this.

use std::sync::Arc;

use base::{id::LetterId, time::Timestamp};
use model::letter::{Letter, LetterError};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
};

use super::{
    mailer::Mailer,
    retries::{SendError, apply_outcome},
    templates::Contents,
};
use crate::{
    app::{
        Error, Result, State,
        lease::{self, Interruption},
        panics::{Panicked, catch_panic},
    },
    store::{self, PoolShare, sealed_columns},
    telemetry,
};

/// How many letters a replica sends at a time.
const CONCURRENCY: usize = 8;

/// Sends letters. Cheap to clone.
#[derive(Clone)]
pub struct Dispatcher {
    state: State,
    /// `None`: no mail server is set, here. What other replicas wrote is left to them, and given up when it has expired.
    mailer: Arc<Option<Mailer>>,
    permits: Arc<Semaphore>,
}

impl Dispatcher {
    /// A dispatcher for this service. It reads the system's CA certificates: not on an async thread.
    pub fn new(state: State) -> Result<Self> {
        let mailer = state.settings.mail.as_ref().map(|settings| Mailer::new(settings, &state.links));
        let mailer = Arc::new(mailer.transpose().map_err(Error::internal)?);
        Ok(Self { state, mailer, permits: Arc::new(Semaphore::new(CONCURRENCY)) })
    }

    /// Starts a task for every letter that is due, as many as may run. Returns the tasks; they run on when their handles are
    /// dropped.
    pub async fn dispatch_due(&self) -> Result<Vec<JoinHandle<()>>> {
        let limit = i64::try_from(self.permits.available_permits()).unwrap_or(i64::MAX);
        let mut tasks = Vec::new();
        if limit == 0 {
            return Ok(tasks);
        }
        let due = {
            let (mut conn, now) = (self.state.db.read().await?, self.state.now());
            store::letters::list_due(&mut conn, now, self.mailer.is_none(), limit).await?
        };
        for id in due {
            let Ok(turn) = Arc::clone(&self.permits).try_acquire_owned() else { break };
            let Some(until) = self.claim(id).await? else { continue };
            tasks.push(self.state.background_tasks.spawn(self.clone().run(id, until, turn)));
        }
        Ok(tasks)
    }

    /// Claims a letter. Returns until when; `None`: another replica sends it.
    async fn claim(&self, id: LetterId) -> Result<Option<Timestamp>> {
        let mut tx = self.state.db.write().await?;
        let now = self.state.now();
        let until = now + lease::DURATION;
        let claimed = store::letters::claim(&mut tx, id, now, until).await?;
        tx.commit().await?;
        Ok(claimed.then_some(until))
    }

    async fn run(self, id: LetterId, until: Timestamp, _turn: OwnedSemaphorePermit) {
        // What keeps the claim does not wait for other jobs.
        let keeper = self.state.with_share(PoolShare::General);
        let keeper = &keeper;
        let extend = |held, until| async move {
            let mut tx = keeper.db.write().await?;
            let extended = store::letters::extend_claim(&mut tx, id, held, until).await?;
            tx.commit().await?;
            Ok(extended)
        };
        let work = catch_panic(self.attempt(id));
        let (outcome, held) = lease::work_under_claim(&self.state, until, work, extend).await;
        match outcome {
            Ok(Ok(Ok(()))) | Ok(Err(Panicked)) | Err(Interruption::LeaseLost) => {}
            Ok(Ok(Err(error))) => {
                tracing::warn!(letter = %id, %error, "a letter failed internally; it is attempted again");
            }
            // Another replica goes on with it.
            Err(Interruption::Stopping) => {
                if let Err(error) = extend(held, self.state.now()).await {
                    tracing::warn!(letter = %id, %error, "a letter could not be released; its lease ends by itself");
                }
            }
        }
    }

    /// Makes one attempt at a letter and stores the result.
    async fn attempt(&self, id: LetterId) -> Result<()> {
        let state = &self.state;
        let found = {
            let mut conn = state.db.read().await?;
            store::letters::find_queued(&mut conn, id).await?
        };
        let Some((mut letter, contents)) = found else { return Ok(()) };
        let (outcome, was_attempted) = match self.why_not(&letter).await? {
            Some(error) => (Err(error.into()), false),
            None => (self.send(&letter, contents.as_deref()).await, true),
        };
        apply_outcome(&mut letter, outcome, was_attempted, state.now(), &*state.random);
        // The letter went out: this is not to fail for want of a connection that other jobs have.
        let mut tx = state.with_share(PoolShare::General).db.write().await?;
        store::letters::update(&mut tx, &letter).await?;
        tx.commit().await?;
        telemetry::letter_attempted(outcome.map_or_else(|failure| failure.error.as_str(), |()| "sent"));
        if let Err(SendError { error, reply }) = outcome {
            tracing::info!(letter = %id, error = error.as_str(), reply, state = letter.state.as_str(), "a letter was not sent");
        }
        Ok(())
    }

    /// Why a letter is not worth being sent any more.
    async fn why_not(&self, letter: &Letter) -> Result<Option<LetterError>> {
        let now = self.state.now();
        if letter.expires_at <= now {
            return Ok(Some(LetterError::Expired));
        }
        let Some(code) = letter.code_id else { return Ok(None) };
        let mut conn = self.state.db.read().await?;
        let is_open = store::letters::code_is_open(&mut conn, code, now).await?;
        Ok((!is_open).then_some(LetterError::CodeEnded))
    }

    async fn send(&self, letter: &Letter, contents: Option<&str>) -> Result<(), SendError> {
        let mailer = (*self.mailer).as_ref().ok_or(LetterError::NoMailServer)?;
        let opened = open(&self.state, letter, contents);
        let (recipient, contents) = opened.ok_or(LetterError::Unreadable)?;
        mailer.send(letter.id, &recipient, &contents, self.state.now()).await
    }
}

/// The address and the contents of a letter; `None` if they cannot be read.
fn open(state: &State, letter: &Letter, contents: Option<&str>) -> Option<(String, Contents)> {
    let sealed = letter.sealed_recipient.as_deref()?;
    let recipient = state.open(&sealed_columns::LETTER_RECIPIENT, &[&letter.id], sealed).ok()?;
    let contents = state.open(&sealed_columns::LETTER_CONTENTS, &[&letter.id], contents?).ok()?;
    Some((String::from_utf8(recipient).ok()?, serde_json::from_slice(&contents).ok()?))
}

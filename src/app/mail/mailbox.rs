//! The mailbox of the demo: the latest letters, in memory.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use base::{id::LetterId, time::Timestamp};

/// How many letters it holds.
const MAX_LETTERS: usize = 100;

/// A letter in the mailbox.
#[derive(Clone, PartialEq, Eq)]
pub struct MailboxLetter {
    /// Its id.
    pub id: LetterId,
    /// To whom it is.
    pub recipient: String,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub text: String,
    /// The same in HTML.
    pub html: String,
    /// When it came.
    pub at: Timestamp,
}

/// The letters that were sent, the newest first. Cheap to clone.
#[derive(Clone, Default)]
pub struct Mailbox(Arc<Mutex<VecDeque<MailboxLetter>>>);

impl Mailbox {
    /// The letters.
    pub fn letters(&self) -> Vec<MailboxLetter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Puts a letter in. One that is there already, as it was sent twice, stays as it is.
    pub(super) fn insert(&self, letter: MailboxLetter) {
        let mut letters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if letters.iter().all(|known| known.id != letter.id) {
            letters.push_front(letter);
            letters.truncate(MAX_LETTERS);
        }
    }
}

/// Shows nothing, as letters hold secrets.
impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailbox(…)")
    }
}

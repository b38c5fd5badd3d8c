//! When a letter is attempted again, and when it is given up.

use std::time::Duration;

use base::{random::Random, time::Timestamp};
use model::letter::{Letter, LetterError, LetterState};

/// The delays after the first attempts; after them, the last one again and again until the letter expires. A server that
/// greylists (RFC 6647) takes a letter after one to five minutes.
const RETRY_DELAYS: [Duration; 7] = [
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(2 * 60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(3600),
];

/// Why an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendError {
    /// What happened.
    pub error: LetterError,
    /// The code of the mail server's reply.
    pub reply: Option<u16>,
}

impl From<LetterError> for SendError {
    fn from(error: LetterError) -> Self {
        Self { error, reply: None }
    }
}

impl SendError {
    /// What becomes of a letter for which this is the end; `None`: it is attempted again.
    fn end(self) -> Option<LetterState> {
        match self.error {
            LetterError::Refused => Some(LetterState::Refused),
            LetterError::UnusableAddress
            | LetterError::Unreadable
            | LetterError::Expired
            | LetterError::CodeEnded
            | LetterError::NoAccount
            | LetterError::NoAddress
            | LetterError::TooMany
            | LetterError::StillGood
            | LetterError::AddressTaken => Some(LetterState::Failed),
            LetterError::TryAgainLater
            | LetterError::NotAuthenticated
            | LetterError::Unreachable
            | LetterError::Timeout
            | LetterError::Tls
            | LetterError::Protocol
            | LetterError::PasswordFile
            | LetterError::NoMailServer => None,
        }
    }
}

/// Applies the outcome of an attempt to a letter. `was_attempted`: the mail server was asked.
pub(super) fn apply_outcome(
    letter: &mut Letter,
    outcome: Result<(), SendError>,
    was_attempted: bool,
    now: Timestamp,
    random: &dyn Random,
) {
    letter.updated_at = now;
    letter.next_attempt_at = None;
    if was_attempted {
        letter.attempts = letter.attempts.saturating_add(1);
    }
    let failure = match outcome {
        Ok(()) => {
            letter.state = LetterState::Sent;
            (letter.last_error, letter.last_reply) = (None, None);
            return;
        }
        Err(failure) => failure,
    };
    // What it waited for so long says more than that it did.
    if failure.error != LetterError::Expired || letter.last_error.is_none() {
        (letter.last_error, letter.last_reply) = (Some(failure.error), failure.reply);
    }
    if let Some(end) = failure.end() {
        letter.state = end;
        return;
    }
    let made = usize::try_from(letter.attempts).unwrap_or(usize::MAX);
    let last = RETRY_DELAYS[RETRY_DELAYS.len() - 1];
    let delay = RETRY_DELAYS.get(made.saturating_sub(1)).copied().unwrap_or(last);
    let next = now + with_jitter(delay, random);
    if next < letter.expires_at {
        letter.next_attempt_at = Some(next);
    } else {
        letter.state = LetterState::Failed;
    }
}

/// Adds a jitter of up to a fifth, so that letters that failed together are not attempted together.
fn with_jitter(wait: Duration, random: &dyn Random) -> Duration {
    let mut bytes = [0; 2];
    random.fill(&mut bytes);
    wait.mul_f64(0.8 + 0.4 * f64::from(u16::from_be_bytes(bytes)) / f64::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use base::{id::Id, random::SeededRandom};
    use model::letter::LetterKind;
    use strum::VariantArray as _;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn letter(lifetime: Duration) -> Letter {
        Letter {
            id: Id::from_bits(1),
            environment_id: Id::from_bits(2),
            organization_id: Id::from_bits(3),
            account_id: None,
            kind: LetterKind::Activation,
            code_id: None,
            asked_by: None,
            sealed_recipient: None,
            state: LetterState::Queued,
            attempts: 0,
            next_attempt_at: Some(NOW),
            expires_at: NOW + lifetime,
            last_error: None,
            last_reply: None,
            created_at: NOW,
            updated_at: NOW,
        }
    }

    #[test]
    fn a_letter_is_attempted_later_each_time_until_it_expires() {
        let random = SeededRandom::new(1);
        let greylisted = SendError { error: LetterError::TryAgainLater, reply: Some(451) };
        for (lifetime, least, most) in [(15 * 60, 4, 6), (24 * 3600, 25, 33)] {
            let mut letter = letter(Duration::from_secs(lifetime));
            let mut now = NOW;
            while letter.state == LetterState::Queued {
                apply_outcome(&mut letter, Err(greylisted), true, now, &random);
                let Some(next) = letter.next_attempt_at else { break };
                assert!(next > now && next < letter.expires_at);
                now = next;
            }
            assert_eq!(letter.state, LetterState::Failed);
            assert_eq!((letter.last_error, letter.last_reply), (Some(greylisted.error), Some(451)));
            assert!((least..=most).contains(&letter.attempts), "{lifetime}: {}", letter.attempts);
        }
    }

    #[test]
    fn every_outcome_has_its_end() {
        let random = SeededRandom::new(1);
        for error in LetterError::VARIANTS {
            let mut letter = letter(Duration::from_secs(3600));
            apply_outcome(&mut letter, Err((*error).into()), true, NOW, &random);
            assert_eq!(letter.state == LetterState::Queued, letter.next_attempt_at.is_some(), "{error:?}");
            assert_eq!(letter.state == LetterState::Refused, *error == LetterError::Refused, "{error:?}");
            assert_eq!(letter.last_error, Some(*error));
            let attempts = letter.attempts;
            letter.state = LetterState::Queued;
            apply_outcome(&mut letter, Err(LetterError::Expired.into()), false, NOW, &random);
            assert_eq!((letter.last_error, letter.attempts), (Some(*error), attempts), "why it waited stays");
            letter.state = LetterState::Queued;
            apply_outcome(&mut letter, Ok(()), true, NOW, &random);
            assert_eq!((letter.state, letter.last_error), (LetterState::Sent, None));
        }
    }
}

//! Letters to people by mail.
//!
//! A letter is written into the outbox (the table `letters`) by the transaction that it tells of, so that there is none
//! without the change and no change without it. A job sends what is due: one replica a letter at a time, again and later each
//! time if that fails, until what is in the letter has ended. A letter is sent twice where the program ends between the mail
//! server's reply and the note of it, with the same `Message-ID`; it is never lost.
//!
//! What a letter says is sealed while it waits, and deleted when it was sent or given up. Where no mail server is set up, no
//! letter is written.

pub mod dispatcher;
pub mod letters;
pub mod mailbox;
pub mod mailer;
mod onward;
pub(in crate::app) mod outbox;
mod retries;
mod settings;
mod templates;

pub use onward::Onward;
pub use retries::SendError;
pub use settings::{MailSettings, MailTransport, Sender, SmtpSecurity, SmtpServer};

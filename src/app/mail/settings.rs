//! The settings of mail.

use std::{fmt, path::PathBuf};

use model::email::Email;

use super::mailbox::Mailbox;

/// How letters are sent.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// From whom they are.
    pub sender: Sender,
    /// Where they go.
    pub transport: MailTransport,
}

/// From whom letters are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The name beside the address; `None`: that of the environment's application.
    pub name: Option<String>,
    /// The address.
    pub address: Email,
}

/// Where letters go.
#[derive(Debug, Clone)]
pub enum MailTransport {
    /// To a mail server.
    Smtp(SmtpServer),
    /// Nowhere: they are shown on a page. Only the demo sets this.
    Mailbox(Mailbox),
}

/// A mail server.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpServer {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// The user name there, and the file with the password, which is read at each connection.
    pub login: Option<(String, PathBuf)>,
}

/// How the connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// By TLS from its beginning (RFC 8314 §3).
    Tls,
    /// By STARTTLS (RFC 3207), which the server must offer.
    StartTls,
    /// Not at all.
    Plain,
}

/// Without the user name.
impl fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} {:?}", self.host, self.port, self.security)
    }
}

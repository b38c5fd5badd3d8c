//! Hands a letter over to the mail server.

use std::time::Duration;

use base::{id::LetterId, time::Timestamp};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{
        Mailbox as NamedAddress, MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
    transport::smtp::{
        self, AsyncSmtpTransportBuilder,
        authentication::Credentials,
        client::{Tls, TlsParameters},
        extension::ClientId,
    },
};
use model::{email::Email, letter::LetterError};

use super::{
    mailbox::{Mailbox, MailboxLetter},
    retries::SendError,
    settings::{MailSettings, MailTransport, Sender, SmtpSecurity, SmtpServer},
    templates::Contents,
};
use crate::links::Links;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an attempt may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);

/// Sends letters by the settings.
pub struct Mailer {
    sender: Sender,
    transport: Transport,
}

enum Transport {
    Smtp(SmtpServer, Box<AsyncSmtpTransportBuilder>),
    Mailbox(Mailbox),
}

impl Mailer {
    /// A mailer by these settings. It reads the system's CA certificates: not on an async thread.
    pub fn new(settings: &MailSettings, links: &Links) -> Result<Self, smtp::Error> {
        let transport = match &settings.transport {
            MailTransport::Mailbox(mailbox) => Transport::Mailbox(mailbox.clone()),
            MailTransport::Smtp(server) => {
                let tls = match server.security {
                    SmtpSecurity::Tls => Tls::Wrapper(TlsParameters::new(server.host.clone())?),
                    SmtpSecurity::StartTls => Tls::Required(TlsParameters::new(server.host.clone())?),
                    SmtpSecurity::Plain => Tls::None,
                };
                let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
                    .port(server.port)
                    .tls(tls)
                    .hello_name(hello_name(links))
                    .timeout(Some(CONNECT_TIMEOUT));
                Transport::Smtp(server.clone(), Box::new(builder))
            }
        };
        Ok(Self { sender: settings.sender.clone(), transport })
    }

    /// Sends a letter.
    pub(super) async fn send(
        &self,
        id: LetterId,
        recipient: &str,
        contents: &Contents,
        now: Timestamp,
    ) -> Result<(), SendError> {
        let message = self.message(id, recipient, contents, now)?;
        match &self.transport {
            Transport::Mailbox(mailbox) => {
                mailbox.insert(MailboxLetter {
                    id,
                    recipient: recipient.to_owned(),
                    subject: contents.subject.clone(),
                    text: contents.text.clone(),
                    html: contents.html.clone(),
                    at: now,
                });
                Ok(())
            }
            Transport::Smtp(server, builder) => {
                let transport = connect(server, builder).await?;
                let sent = tokio::time::timeout(ATTEMPT_TIMEOUT, transport.send(message)).await;
                let sent = sent.map_err(|_| SendError::from(LetterError::Timeout))?;
                sent.map(drop).map_err(|error| classify(&error))
            }
        }
    }

    /// Connects to the mail server and signs in, without sending anything. Returns the server's name; `None` for a mailbox.
    pub async fn check(&self) -> Result<Option<String>, SendError> {
        let Transport::Smtp(server, builder) = &self.transport else { return Ok(None) };
        let transport = connect(server, builder).await?;
        let checked = tokio::time::timeout(CONNECT_TIMEOUT, transport.test_connection()).await;
        match checked.map_err(|_| SendError::from(LetterError::Timeout))? {
            Ok(true) => Ok(Some(format!("{}:{}", server.host, server.port))),
            Ok(false) => Err(LetterError::Unreachable.into()),
            Err(error) => Err(classify(&error)),
        }
    }

    fn message(
        &self,
        id: LetterId,
        recipient: &str,
        contents: &Contents,
        now: Timestamp,
    ) -> Result<Message, SendError> {
        let unusable = |_| SendError::from(LetterError::UnusableAddress);
        let recipient = Email::parse(recipient).ok_or(SendError::from(LetterError::UnusableAddress))?;
        let name = self.sender.name.as_ref().unwrap_or(&contents.sender_name);
        // Neither a name nor a subject with a control character gets here; a second look, as it would begin another header.
        if [name, &contents.subject].iter().any(|text| text.chars().any(char::is_control)) {
            return Err(LetterError::UnusableAddress.into());
        }
        let from = NamedAddress::new(Some(name.clone()), address(&self.sender.address)?);
        Message::builder()
            .from(from)
            .to(NamedAddress::new(None, address(&recipient)?))
            .subject(contents.subject.clone())
            .date(now.system_time())
            .message_id(Some(format!("<{id}@{}>", self.sender.address.domain().as_str())))
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(contents.text.clone(), contents.html.clone()))
            .map_err(unusable)
    }
}

/// The address as it stands on the wire: its domain in A-labels (RFC 5891 §2.3.2.1), as not every server speaks SMTPUTF8.
fn address(email: &Email) -> Result<Address, SendError> {
    let local = email.as_str().split('@').next().unwrap_or_default();
    Address::new(local, email.domain().as_str()).map_err(|_| LetterError::UnusableAddress.into())
}

/// The name by which the gateway greets (RFC 5321 §4.1.1.1): the host of the public URL.
fn hello_name(links: &Links) -> ClientId {
    let host = links.home();
    match host.host() {
        Some(url::Host::Ipv4(address)) => ClientId::Ipv4(address),
        Some(url::Host::Ipv6(address)) => ClientId::Ipv6(address),
        Some(url::Host::Domain(name)) => ClientId::Domain(name.to_owned()),
        None => ClientId::default(),
    }
}

async fn connect(
    server: &SmtpServer,
    builder: &AsyncSmtpTransportBuilder,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, SendError> {
    let mut builder = builder.clone();
    if let Some((user, file)) = &server.login {
        let read = tokio::fs::read_to_string(file).await.map_err(|error| {
            tracing::warn!(%error, "mail.smtp_password_file cannot be read");
            SendError::from(LetterError::PasswordFile)
        })?;
        let password = read.trim_end_matches(['\r', '\n']).to_owned();
        builder = builder.credentials(Credentials::new(user.clone(), password));
    }
    Ok(builder.build())
}

/// What an error means for the letter. What the server said is not kept: it may name people.
fn classify(error: &smtp::Error) -> SendError {
    let reply = error.status().map(u16::from);
    let class = match reply {
        // RFC 4954 §6
        Some(432 | 454 | 530 | 534 | 535 | 538) => LetterError::NotAuthenticated,
        _ if error.is_permanent() => LetterError::Refused,
        _ if error.is_transient() => LetterError::TryAgainLater,
        // With TLS from the beginning its errors are errors of the connection: OpenSSL's own words tell them.
        _ if error.is_tls() || error.to_string().contains("SSL routines") => LetterError::Tls,
        _ if error.is_timeout() => LetterError::Timeout,
        _ if error.is_client() => {
            // The client's own words, about what the server offers.
            let said = error.to_string();
            if said.contains("STARTTLS") {
                LetterError::Tls
            } else if said.contains("authentication") {
                LetterError::NotAuthenticated
            } else {
                LetterError::Protocol
            }
        }
        _ if error.is_response() => LetterError::Protocol,
        _ => LetterError::Unreachable,
    };
    SendError { error: class, reply }
}

/// Tells programs that a program wrote the letter, so that none replies (RFC 3834 §5).
#[derive(Debug, Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use base::id::Id;
    use url::Url;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn mailer(name: Option<&str>) -> Mailer {
        let sender = Sender {
            name: name.map(str::to_owned),
            address: Email::parse("no-reply@vendor.example").unwrap(),
        };
        let settings = MailSettings { sender, transport: MailTransport::Mailbox(Mailbox::default()) };
        let links = Links::new(&Url::parse("https://sso.vendor.example").unwrap()).unwrap();
        Mailer::new(&settings, &links).unwrap()
    }

    fn contents(sender_name: &str, subject: &str) -> Contents {
        Contents {
            sender_name: sender_name.to_owned(),
            subject: subject.to_owned(),
            text: "Hello".to_owned(),
            html: "<p>Hello</p>".to_owned(),
        }
    }

    fn written(name: Option<&str>, recipient: &str, contents: &Contents) -> Result<String, LetterError> {
        let message = mailer(name).message(Id::from_bits(7), recipient, contents, NOW);
        message.map(|message| String::from_utf8(message.formatted()).unwrap()).map_err(|error| error.error)
    }

    #[test]
    fn a_letter_has_the_headers_of_one_that_a_program_wrote() {
        let text = written(None, "Dana@Bücher.example", &contents("Müller, Cloud", "Aktivieren für Müller"))
            .unwrap();
        for line in [
            "To: Dana@xn--bcher-kva.example\r\n",
            "Message-ID: <letter_0000000000000000000000007@vendor.example>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n",
            "Content-Type: multipart/alternative;",
            "<no-reply@vendor.example>\r\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(
            written(Some("Acme"), "a@b.example", &contents("x", "y"))
                .unwrap()
                .contains("From: Acme <no-reply@")
        );
    }

    #[test]
    fn nothing_begins_another_header() {
        let refused = Err(LetterError::UnusableAddress);
        let good = contents("Acme", "Welcome");
        for hostile in ["\r\nBcc: eve@evil.example", "\n", "\r", "\0", "\u{85}", "\u{7f}"] {
            for recipient in [
                format!("dana@acme.example{hostile}"),
                format!("dana{hostile}@acme.example"),
                format!("{hostile}dana@acme.example"),
            ] {
                assert_eq!(written(None, &recipient, &good), refused, "{recipient:?}");
            }
            let name = format!("Acme{hostile}");
            assert_eq!(written(None, "dana@acme.example", &contents(&name, "Welcome")), refused, "{name:?}");
            assert_eq!(written(None, "dana@acme.example", &contents("Acme", &name)), refused, "{name:?}");
            assert_eq!(written(Some(&name), "dana@acme.example", &good), refused, "{name:?}");
        }
    }
}

//! The mail server and the sender of letters, as they are written in settings.

use std::{fmt, str::FromStr};

use model::email::Email;
use url::Url;

/// The maximum length of a sender's name, in characters.
const MAX_NAME: usize = 100;

/// How the connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// `smtps`: by TLS from its beginning.
    Tls,
    /// `smtp`: by STARTTLS, which the server must offer.
    StartTls,
    /// `smtp+plain`: not at all.
    Plain,
}

/// The address of a mail server.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpUrl {
    /// Its host.
    pub host: String,
    /// Its port: 465, 587 or 25 where none is given.
    pub port: u16,
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// The user name there.
    pub user: Option<String>,
}

/// Without the user name.
impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} {:?}", self.host, self.port, self.security)
    }
}

impl SmtpUrl {
    /// Whether the server is on this machine.
    pub(super) fn is_local(&self) -> bool {
        let address = self.host.parse::<std::net::IpAddr>();
        address.map_or_else(|_| self.host.eq_ignore_ascii_case("localhost"), |address| address.is_loopback())
    }
}

impl FromStr for SmtpUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "must be smtps://[USER@]HOST[:PORT], smtp:// or smtp+plain://".to_owned();
        let url = Url::parse(text.trim()).map_err(|_| form())?;
        let (security, port) = match url.scheme() {
            "smtps" => (SmtpSecurity::Tls, 465),
            "smtp" => (SmtpSecurity::StartTls, 587),
            "smtp+plain" => (SmtpSecurity::Plain, 25),
            _ => return Err(form()),
        };
        if url.password().is_some() {
            return Err(
                "must not contain a password: write it into the file of `mail.smtp_password_file`".into()
            );
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err("must not have a path or a query".into());
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(form)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_name = |host: &str| host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:".contains(&b));
        if !is_name(&host) {
            return Err(form());
        }
        let user = decoded(url.username())
            .filter(|user| !user.chars().any(char::is_control))
            .ok_or("must have a user name in UTF-8 without control characters")?;
        Ok(Self {
            host,
            port: url.port().unwrap_or(port),
            security,
            user: Some(user).filter(|user| !user.is_empty()),
        })
    }
}

/// A text with its `%XX` decoded (RFC 3986 §2.1).
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
        bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// From whom letters are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailSender {
    /// The name beside the address.
    pub name: Option<String>,
    /// The address.
    pub address: Email,
}

impl FromStr for MailSender {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "must be an e-mail address, or NAME <ADDRESS>".to_owned();
        let text = text.trim();
        if text.chars().any(char::is_control) {
            return Err("must not contain control characters".into());
        }
        let (name, address) = match text.strip_suffix('>') {
            None => ("", text),
            Some(rest) => rest.split_once('<').ok_or_else(form)?,
        };
        let name = name.trim();
        let name = name.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(name).trim();
        if name.chars().count() > MAX_NAME || name.contains(['<', '>', '"']) {
            return Err(form());
        }
        Ok(Self {
            name: Some(name.to_owned()).filter(|name| !name.is_empty()),
            address: Email::parse(address.trim()).ok_or_else(form)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_server_is_read_from_its_url() {
        use SmtpSecurity::{Plain, StartTls, Tls};
        for (text, host, port, security, user) in [
            ("smtps://mail.example", "mail.example", 465, Tls, None),
            ("smtp://mail.example/", "mail.example", 587, StartTls, None),
            ("smtp+plain://127.0.0.1:2525", "127.0.0.1", 2525, Plain, None),
            ("smtp+plain://postfix", "postfix", 25, Plain, None),
            ("smtps://dana%40acme.com@mail.example:2465", "mail.example", 2465, Tls, Some("dana@acme.com")),
            ("smtp://[::1]:587", "::1", 587, StartTls, None),
        ] {
            let read: SmtpUrl = text.parse().unwrap();
            let expected = SmtpUrl { host: host.to_owned(), port, security, user: user.map(str::to_owned) };
            assert!(read == expected, "{text}: {read:?}");
        }
        for text in [
            "",
            "mail.example",
            "smtp:mail.example",
            "smtp://",
            "https://mail.example",
            "demo:",
            "smtp://mail.example/path",
            "smtp://mail.example?tls=none",
            "smtp://a%00b@mail.example",
            "smtp://a%zz@mail.example",
            "smtp://ma il.example",
            "smtp://mail.example:99999",
        ] {
            assert!(text.parse::<SmtpUrl>().is_err(), "{text}");
        }
        let refused = "smtps://dana:s3cret@mail.example".parse::<SmtpUrl>().unwrap_err();
        assert!(refused.contains("mail.smtp_password_file") && !refused.contains("s3cret"), "{refused}");
        let named: SmtpUrl = "smtps://dana@mail.example".parse().unwrap();
        assert!(!format!("{named:?}").contains("dana"));
    }

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        for (text, name, address) in [
            ("no-reply@acme.com", None, "no-reply@acme.com"),
            ("Acme Cloud <no-reply@acme.com>", Some("Acme Cloud"), "no-reply@acme.com"),
            (" \"Acme, Inc.\" <no-reply@acme.com> ", Some("Acme, Inc."), "no-reply@acme.com"),
            ("<no-reply@acme.com>", None, "no-reply@acme.com"),
        ] {
            let sender: MailSender = text.parse().unwrap();
            assert_eq!((sender.name.as_deref(), sender.address.as_str()), (name, address));
        }
        let long = format!("{} <a@acme.com>", "x".repeat(101));
        for text in [
            "",
            "Acme",
            "Acme <>",
            "Acme <acme>",
            "Acme\r\nBcc: x <a@acme.com>",
            "a@acme.com\nBcc: eve@evil.example",
            "Acme <a@acme.com> <b@acme.com>",
            "a@acme.com, b@acme.com",
            &long,
        ] {
            assert!(text.parse::<MailSender>().is_err(), "{text}");
        }
    }
}

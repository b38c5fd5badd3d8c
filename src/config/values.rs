//! The types of settings and their parsers.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use ipnet::IpNet;
use url::{Host, Url};

/// A secret value: its `Debug` output is `…`.
#[derive(Clone)]
pub struct Redacted<T>(pub T);

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// The kind and location of the database.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// An embedded SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL server; the whole URL.
    Postgres(String),
}

impl DatabaseUrl {
    /// The URL for the driver, including the password.
    pub fn as_driver_url(&self) -> String {
        match self {
            Self::Sqlite(file) => format!("sqlite://{}", file.display()),
            Self::Postgres(url) => url.clone(),
        }
    }

    /// The SQLite file, if the database is SQLite.
    pub fn sqlite_file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(file) => Some(file),
            Self::Postgres(_) => None,
        }
    }
}

/// The URL without its password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => write!(f, "sqlite://{}", file.display()),
            Self::Postgres(text) => match Url::parse(text) {
                Ok(mut url) => {
                    if url.password().is_some() {
                        // Fails only for URLs that cannot have a password.
                        let _ = url.set_password(Some("***"));
                    }
                    // Query parameters may contain a password too.
                    url.set_query(None);
                    write!(f, "{url}")
                }
                Err(_) => f.write_str("postgres://…"),
            },
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORMS: &str = "write sqlite://FILE (sqlite:///var/lib/ostiary/ostiary.db) or postgres://USER:PASSWORD@HOST/DATABASE";
        if let Some(file) = text.strip_prefix("sqlite://") {
            if file.is_empty() || file.contains(['?', '#', '\0']) || file.contains(":memory:") {
                return Err(format!("names no file: {FORMS}"));
            }
            return Ok(Self::Sqlite(PathBuf::from(file)));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return match Url::parse(text) {
                Ok(_) => Ok(Self::Postgres(text.to_owned())),
                Err(error) => Err(format!("is not a URL ({error}): {FORMS}")),
            };
        }
        Err(format!("is not a supported database URL: {FORMS}"))
    }
}

macro_rules! choices {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)*
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $text,)* })
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err(format!("must be one of: {}", [$($text),*].join(", "))),
                }
            }
        }
    };
}

choices! {
    /// Whether a start applies missing migrations.
    Migrate {
        /// Yes for SQLite, no for PostgreSQL.
        Auto = "auto",
        /// Yes.
        Always = "always",
        /// No: a start refuses a database that lacks some.
        Never = "never",
    }
}

choices! {
    /// When a commit on SQLite returns.
    SqliteSynchronous {
        /// When the disk has it.
        Full = "full",
        /// When the operating system has it.
        Normal = "normal",
    }
}

choices! {
    /// The format of log lines.
    LogFormat {
        /// Human-readable.
        Pretty = "pretty",
        /// One JSON object per line.
        Json = "json",
    }
}

choices! {
    /// What a disagreement of the second signature implementation causes.
    CrossCheck {
        /// The login is refused.
        Enforce = "enforce",
        /// It is logged.
        Observe = "observe",
        /// The second verification is skipped.
        Off = "off",
    }
}

pub(super) fn socket_address(text: &str) -> Result<SocketAddr, String> {
    let text = text.strip_prefix("localhost:").map_or(text.to_owned(), |port| format!("127.0.0.1:{port}"));
    text.parse().map_err(|_| {
        "must be an address and a port: 127.0.0.1:8080, 0.0.0.0:8080 for every interface, [::1]:8080"
            .to_owned()
    })
}

pub(super) fn origin(text: &str) -> Result<Url, String> {
    const FORM: &str = "write it as https://sso.example.com, without a path";
    let url = Url::parse(text).map_err(|error| format!("is not a URL ({error}): {FORM}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(format!("must begin with https:// (or http://) and name a host: {FORM}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("must not hold a user name or password: {FORM}"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(format!("must be an origin: {FORM}"));
    }
    Ok(url)
}

/// Whether the URL's host is this machine.
pub(super) fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether a text is an http URL of another machine.
pub(super) fn is_insecure(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.scheme() == "http" && !is_local(&url))
}

/// Whether passkeys work at a public URL: it needs a host name (WebAuthn Level 3 §4, RP ID) and a secure
/// context.
pub(super) fn may_have_passkeys(url: &Url) -> bool {
    matches!(url.host(), Some(Host::Domain(_))) && (url.scheme() == "https" || is_local(url))
}

pub(super) fn whole(text: &str, min: u32, max: u32) -> Result<u32, String> {
    match text.parse() {
        Ok(value) if (min..=max).contains(&value) => Ok(value),
        _ => Err(format!("must be a whole number from {min} to {max}")),
    }
}

pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" | "true" => Ok(true),
        "off" | "false" => Ok(false),
        _ => Err("must be on or off".to_owned()),
    }
}

/// The slug or the id of an environment.
pub(super) fn environment_reference(text: &str) -> Result<String, String> {
    if model::slug::Slug::parse(text).is_ok() || text.parse::<base::id::EnvironmentId>().is_ok() {
        return Ok(text.to_owned());
    }
    Err("must be the slug or the id (env_…) of an environment".to_owned())
}

pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() { Err("names no file".to_owned()) } else { Ok(PathBuf::from(text)) }
}

/// Parses a master key: 32 bytes in base64 (with or without padding) or hexadecimal.
pub fn key(text: &str) -> Result<[u8; 32], String> {
    let text = text.trim();
    let bytes = if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        (0..64).step_by(2).filter_map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
    } else {
        STANDARD.decode(text).or_else(|_| STANDARD_NO_PAD.decode(text)).unwrap_or_default()
    };
    bytes.try_into().map_err(|_| {
        "must be 32 bytes in base64 or hexadecimal: make one with `openssl rand -base64 32`".to_owned()
    })
}

/// Parses master keys, separated by commas: the one that seals first.
pub(super) fn keys(text: &str) -> Result<Vec<[u8; 32]>, String> {
    text.split(',').map(key).collect()
}

pub(super) fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| {
            part.parse::<IpNet>().or_else(|_| part.parse::<IpAddr>().map(IpNet::from)).map_err(|_| {
                format!("{part:?} is no address or network: write 10.0.0.0/8, 192.0.2.7, fd00::/8")
            })
        })
        .collect()
}

/// Parses name servers; the default port is 53.
pub(super) fn name_servers(text: &str) -> Result<Vec<SocketAddr>, String> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| {
            let plain = part.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53));
            plain.or_else(|_| part.parse::<SocketAddr>()).map_err(|_| {
                format!(
                    "{part:?} is no address: write 9.9.9.9, 127.0.0.1:5353, 2620:fe::fe, [2620:fe::fe]:53"
                )
            })
        })
        .collect()
}

pub(super) fn token(text: &str) -> Result<String, String> {
    if text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err("must be 16 printable characters or more, without spaces: make one with `openssl rand -hex 16`"
            .to_owned())
    }
}

pub(super) fn connection(text: &str) -> Result<String, String> {
    let good = text.strip_prefix("saml_conn_").is_some_and(|rest| {
        rest.len() == 25 && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    });
    if good {
        Ok(text.to_owned())
    } else {
        Err("must be the id of a SAML connection: saml_conn_…".to_owned())
    }
}

pub(super) fn issuer(text: &str) -> Result<String, String> {
    match Url::parse(text) {
        Ok(url)
            if matches!(url.scheme(), "http" | "https")
                && url.host().is_some()
                && url.query().is_none()
                && url.fragment().is_none() =>
        {
            Ok(text.to_owned())
        }
        _ => Err("must be the issuer of an OpenID provider: https://id.example.com".to_owned()),
    }
}

pub(super) fn word(text: &str) -> Result<String, String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err("must be printable characters without spaces".to_owned())
    }
}

pub(super) fn log_filter(text: &str) -> Result<String, String> {
    match tracing_subscriber::EnvFilter::try_new(text) {
        Ok(_) if !text.trim().is_empty() => Ok(text.to_owned()),
        _ => {
            Err("must be a level (error, warn, info, debug, trace) or a list: info,ostiary::app=debug"
                .to_owned())
        }
    }
}

pub(super) fn duration(text: &str, min: &str, max: &str) -> Result<Duration, String> {
    let bounds = parse_duration(min).zip(parse_duration(max)).expect("bounds are durations");
    match parse_duration(text) {
        Some(value) if (bounds.0..=bounds.1).contains(&value) => Ok(value),
        Some(_) => Err(format!("must be from {min} to {max}")),
        None => Err(format!("must be a number and a unit (s, m, h or d), from {min} to {max}")),
    }
}

fn parse_duration(text: &str) -> Option<Duration> {
    let (unit_at, unit) = text.char_indices().last()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let number = &text[..unit_at];
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    number.parse::<u64>().ok()?.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        for (text, seconds) in [("0s", 0), ("90s", 90), ("10m", 600), ("24h", 86_400), ("30d", 2_592_000)] {
            assert_eq!(parse_duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "s", "10", "-1s", "1.5h", "10 m", "1w", "+1s", "99999999999999999999s", "5µ"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
        assert_eq!(duration("181s", "0s", "180s").unwrap_err(), "must be from 0s to 180s");
    }

    #[test]
    fn a_public_url_is_an_origin() {
        for text in ["https://sso.example.com", "https://sso.example.com/", "http://localhost:8080"] {
            origin(text).unwrap();
        }
        for text in [
            "sso.example.com",
            "https://sso.example.com/ostiary",
            "https://u@sso.example.com",
            "https://sso.example.com?x",
            "ftp://sso.example.com",
            "https://",
        ] {
            assert!(origin(text).unwrap_err().contains("https://sso.example.com"), "{text}");
        }
    }

    #[test]
    fn database_urls_hide_their_password() {
        let url: DatabaseUrl = "postgres://app:s3cret@db.example/ostiary?password=s3cret".parse().unwrap();
        assert_eq!(format!("{url} {url:?}").matches("s3cret").count(), 0);
        assert!(url.as_driver_url().contains("s3cret"));
        let file: DatabaseUrl = "sqlite:///var/lib/ostiary.db".parse().unwrap();
        assert_eq!(file.sqlite_file(), Some(Path::new("/var/lib/ostiary.db")));
        for text in ["", "sqlite://", "sqlite://:memory:", "mysql://x/y", "ostiary.db", "postgres://h:port/x"]
        {
            assert!(text.parse::<DatabaseUrl>().unwrap_err().contains("sqlite://FILE"), "{text}");
        }
    }

    #[test]
    fn a_key_is_32_bytes_in_either_writing() {
        let bytes: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let hex: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        assert_eq!(key(&hex), Ok(bytes));
        assert_eq!(key(&STANDARD.encode(bytes)), Ok(bytes));
        assert_eq!(key(&format!("{}\n", STANDARD_NO_PAD.encode(bytes))), Ok(bytes));
        assert_eq!(keys(&format!("{hex}, {}", "00".repeat(32))), Ok(vec![bytes, [0; 32]]));
        assert!(keys(&format!("{hex},")).is_err());
        assert!(key("c2hvcnQ=").unwrap_err().contains("openssl rand"));
    }

    #[test]
    fn networks_are_addresses_or_prefixes() {
        assert_eq!(networks("10.0.0.0/8, 192.0.2.7,fd00::/8").unwrap().len(), 3);
        assert!(networks("10.0.0.0/33").unwrap_err().contains("10.0.0.0/33"));
    }

    #[test]
    fn name_servers_listen_at_port_53_unless_told_otherwise() {
        let read: Vec<String> = name_servers("9.9.9.9, 127.0.0.1:5353,::1, [::1]:54")
            .unwrap()
            .iter()
            .map(SocketAddr::to_string)
            .collect();
        assert_eq!(read, ["9.9.9.9:53", "127.0.0.1:5353", "[::1]:53", "[::1]:54"]);
        assert!(name_servers("dns.example").unwrap_err().contains("dns.example"));
    }
}

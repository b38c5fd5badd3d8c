//! E-mail domains of organizations, and the domains that cannot be claimed.

use std::fmt;

use serde::Serialize;
use strum::{EnumString, IntoStaticStr};

/// Domains where anybody can get an address. An organization may have one only by the vendor's explicit
/// override.
const FREE_MAIL: [&str; 138] = [
    "126.com",
    "163.com",
    "1und1.de",
    "abv.bg",
    "aim.com",
    "alice.it",
    "aol.com",
    "aon.at",
    "arcor.de",
    "att.net",
    "azet.sk",
    "bellsouth.net",
    "bk.ru",
    "bluewin.ch",
    "bol.com.br",
    "btinternet.com",
    "centrum.cz",
    "citromail.hu",
    "comcast.net",
    "cox.net",
    "daum.net",
    "disroot.org",
    "duck.com",
    "email.com",
    "fastmail.com",
    "fastmail.fm",
    "foxmail.com",
    "free.fr",
    "freemail.hu",
    "freenet.de",
    "gmail.com",
    "gmx.at",
    "gmx.ch",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "gmx.us",
    "googlemail.com",
    "guerrillamail.com",
    "hanmail.net",
    "hey.com",
    "hispeed.ch",
    "hotmail.be",
    "hotmail.co.uk",
    "hotmail.com",
    "hotmail.de",
    "hotmail.es",
    "hotmail.fr",
    "hotmail.it",
    "hotmail.nl",
    "hushmail.com",
    "icloud.com",
    "inbox.ru",
    "interia.pl",
    "kpnmail.nl",
    "laposte.net",
    "libero.it",
    "list.ru",
    "live.co.uk",
    "live.com",
    "live.de",
    "live.fr",
    "live.nl",
    "mac.com",
    "mail.com",
    "mail.de",
    "mail.ru",
    "mailfence.com",
    "mailinator.com",
    "me.com",
    "msn.com",
    "msn.de",
    "naver.com",
    "o2.pl",
    "onet.pl",
    "orange.fr",
    "outlook.com",
    "outlook.com.br",
    "outlook.de",
    "outlook.es",
    "outlook.fr",
    "outlook.it",
    "pm.me",
    "privaterelay.appleid.com",
    "proton.me",
    "protonmail.ch",
    "protonmail.com",
    "qq.com",
    "rambler.ru",
    "rediffmail.com",
    "rocketmail.com",
    "runbox.com",
    "sbcglobal.net",
    "seznam.cz",
    "sfr.fr",
    "sina.cn",
    "sina.com",
    "skynet.be",
    "sohu.com",
    "t-online.de",
    "telenet.be",
    "tiscali.it",
    "tuta.com",
    "tuta.io",
    "tutamail.com",
    "tutanota.com",
    "tutanota.de",
    "ukr.net",
    "uol.com.br",
    "usa.com",
    "verizon.net",
    "virgilio.it",
    "walla.co.il",
    "wanadoo.fr",
    "web.at",
    "web.de",
    "wp.pl",
    "ya.ru",
    "yahoo.ca",
    "yahoo.co.in",
    "yahoo.co.jp",
    "yahoo.co.uk",
    "yahoo.com",
    "yahoo.com.ar",
    "yahoo.com.au",
    "yahoo.com.br",
    "yahoo.com.mx",
    "yahoo.de",
    "yahoo.es",
    "yahoo.fr",
    "yahoo.in",
    "yahoo.it",
    "yandex.com",
    "yandex.ru",
    "yeah.net",
    "ymail.com",
    "ziggo.nl",
    "zohomail.com",
];

/// A domain name in lower-case A-labels, at most 253 characters. Two domains are the same exactly when
/// their texts are equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Domain(String);

/// Why a text is not accepted as an organization's domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DomainError {
    /// Not a domain name.
    #[error("is not a domain name such as example.com")]
    Malformed,
    /// A public suffix (`co.uk`).
    #[error("is a public suffix, under which anybody can register names")]
    PublicSuffix,
    /// A free-mail provider: anybody can have an address there.
    #[error(
        "is a free-mail provider, where anybody can get an address; pass allowFreeMail to take it all the same"
    )]
    FreeMail,
}

impl Domain {
    /// Parses a domain as a person types it, in any case, Unicode or A-labels, and normalises it (UTS #46).
    pub fn parse(text: &str) -> Result<Self, DomainError> {
        let text = text.trim();
        if text.is_empty() || text.len() > 253 {
            return Err(DomainError::Malformed);
        }
        let is_a_label = |label: &str| label.get(..4).is_some_and(|it| it.eq_ignore_ascii_case("xn--"));
        if text.is_ascii() && !text.split('.').any(is_a_label) {
            return Self::from_ascii(text).ok_or(DomainError::Malformed);
        }
        let ascii = idna::domain_to_ascii_strict(text).map_err(|_| DomainError::Malformed)?;
        Self::from_ascii(&ascii).ok_or(DomainError::Malformed)
    }

    /// Parses the domain of an e-mail address, which a program sends: ASCII, or U-labels (RFC 5890 §2.3.2.1) in any
    /// case. Unlike [`Domain::parse`] it maps no letter to another one, so that no look-alike and no compatibility
    /// character folds into another domain: what it reads in U-labels is the domain's Unicode form.
    pub fn parse_in_address(text: &str) -> Option<Self> {
        if text.is_ascii() {
            return Self::from_ascii(text);
        }
        // U+212A, the Kelvin sign, is a capital of the ASCII letter k.
        let folds_to_ascii = |c: char| !c.is_ascii() && c.to_lowercase().any(|small| small.is_ascii());
        let domain = Self::parse(text).ok()?;
        let small: String = text.chars().flat_map(char::to_lowercase).collect();
        (!text.chars().any(folds_to_ascii) && domain.to_unicode() == small).then_some(domain)
    }

    /// Parses a domain that must already be ASCII. It is lower-cased by ASCII rules only.
    pub fn from_ascii(text: &str) -> Option<Self> {
        let label_is_good = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let good = text.len() <= 253
            && text.contains('.')
            && text.split('.').all(label_is_good)
            && !text.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
        good.then(|| Self(text.to_ascii_lowercase()))
    }

    /// Rejects domains that no single organization can own: public suffixes, and free-mail providers unless
    /// `allow_free_mail` is set.
    pub fn ensure_claimable(self, allow_free_mail: bool) -> Result<Self, DomainError> {
        // What browsers read as a number of an IPv4 address (WHATWG URL §4.5: "ends in a number").
        if self.0.rsplit('.').next().is_some_and(|last| last.starts_with("0x")) {
            return Err(DomainError::Malformed);
        }
        if psl::domain_str(&self.0).is_none() {
            return Err(DomainError::PublicSuffix);
        }
        if !allow_free_mail && FREE_MAIL.binary_search(&self.as_str()).is_ok() {
            return Err(DomainError::FreeMail);
        }
        Ok(self)
    }

    /// The normalised text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The Unicode form: `bücher.example` for `xn--bcher-kva.example`.
    pub fn to_unicode(&self) -> String {
        idna::domain_to_unicode(&self.0).0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The verification state of an organization's domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, IntoStaticStr, EnumString)]
#[serde(into = "&'static str")]
#[strum(serialize_all = "snake_case")]
pub enum DomainState {
    /// Confirmed by the vendor.
    Whitelisted,
    /// Verified by DNS.
    Verified,
    /// Claimed by the customer's admin and not verified yet. Has no effect.
    Pending,
    /// DNS verification failed. Has no effect.
    Failed,
}

impl DomainState {
    /// Whether e-mail addresses of the domain are accepted.
    pub fn is_accepted(self) -> bool {
        matches!(self, Self::Whitelisted | Self::Verified)
    }

    /// The stored name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn domains_are_normalised_to_lower_case_a_labels() {
        for (typed, kept) in [
            ("Example.COM", "example.com"),
            (" acme.co.uk ", "acme.co.uk"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("Ｂücher．example", "xn--bcher-kva.example"),
            ("ab--cd.example", "ab--cd.example"),
        ] {
            assert_eq!(Domain::parse(typed).unwrap().as_str(), kept);
        }
    }

    #[test]
    fn what_is_no_domain_is_refused() {
        for text in [
            "",
            "com",
            "a..b",
            ".a.com",
            "a.com.",
            "a b.com",
            "-a.com",
            "a_b.com",
            "a@b.com",
            "1.2.3.4",
            "a.com\0",
            "xn--a.example",
            "localhost",
            "[2001:db8::1]",
            "::1",
            "acme.example:8443",
            "https://acme.example",
            "acme.example/",
            "acme .example",
            "acme.example\n.test",
            "*.acme.example",
            "bücher-.example",
        ] {
            assert_eq!(Domain::parse(text), Err(DomainError::Malformed), "{text:?}");
        }
    }

    #[test]
    fn a_name_has_253_characters_at_most_and_a_label_63() {
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}.example", "a".repeat(53));
        assert_eq!(longest.len(), 253);
        assert!(Domain::parse(&longest).is_ok());
        assert_eq!(Domain::parse(&format!("a{longest}")), Err(DomainError::Malformed));
        assert_eq!(Domain::parse(&format!("a{label}.example")), Err(DomainError::Malformed));
        // The A-label of these is longer than they are.
        assert_eq!(Domain::parse(&format!("{}.example", "ü".repeat(60))), Err(DomainError::Malformed));
    }

    #[test]
    fn in_an_address_no_letter_is_mapped_to_another() {
        for (text, kept) in [
            ("ACME.example", "acme.example"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.Example", "xn--bcher-kva.example"),
            ("xn--BCHER-kva.example", "xn--bcher-kva.example"),
            ("straße.example", "xn--strae-oqa.example"),
            ("ab--cd.example", "ab--cd.example"),
        ] {
            assert_eq!(
                Domain::parse_in_address(text).map(|it| it.to_string()).as_deref(),
                Some(kept),
                "{text}"
            );
        }
        for text in [
            "\u{212a}.example",
            "a\u{17f}.example",
            "\u{ff42}ücher.example",
            "bücher\u{3002}example",
            "bücher\u{ff0e}example",
            "bu\u{308}cher.example",
            "b\u{ad}ücher.example",
            "bücher.xn--bcher-kva.example",
            "ﬁ.example",
            "①.example",
            "bücher.example.",
            "bücher",
            " bücher.example",
        ] {
            assert_eq!(Domain::parse_in_address(text), None, "{text:?}");
        }
    }

    #[test]
    fn nobody_owns_a_public_suffix_or_a_free_mail_provider() {
        let own =
            |text: &str, free| Domain::parse(text).unwrap().ensure_claimable(free).map(|d| d.to_string());
        assert_eq!(own("github.io", true), Err(DomainError::PublicSuffix));
        assert_eq!(own("co.uk", true), Err(DomainError::PublicSuffix));
        assert_eq!(own("a.0x7f", true), Err(DomainError::Malformed));
        assert_eq!(own("mail.acme.co.uk", false), Ok("mail.acme.co.uk".into()));
        assert!(FREE_MAIL.is_sorted());
        for provider in ["googlemail.com", "yahoo.fr", "ymail.com", "zohomail.com"] {
            assert_eq!(own(provider, false), Err(DomainError::FreeMail), "{provider}");
        }
        assert_eq!(own("gmail.com", false), Err(DomainError::FreeMail));
        assert_eq!(own("gmail.com", true), Ok("gmail.com".into()));
        assert_eq!(own("acme.co.uk", false), Ok("acme.co.uk".into()));
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "\\PC{0,40}") {
            if let Ok(domain) = Domain::parse(&text) {
                prop_assert_eq!(Domain::parse(domain.as_str()), Ok(domain.clone()));
                prop_assert_eq!(Domain::from_ascii(domain.as_str()), Some(domain.clone()));
                prop_assert_eq!(Domain::parse_in_address(domain.as_str()), Some(domain));
            }
        }

        #[test]
        fn what_an_address_names_is_read_the_same_everywhere(text in "[a-zA-Z.\u{fc}\u{dc}\u{df}\u{212a}\u{17f}\u{ff41}\u{3c3}\u{3c2}\u{308}-]{1,20}") {
            if let Some(domain) = Domain::parse_in_address(&text) {
                prop_assert_eq!(Domain::parse(&text), Ok(domain.clone()));
                prop_assert_eq!(Domain::parse_in_address(&domain.to_unicode()), Some(domain));
            }
        }

        #[test]
        fn ascii_reading_never_folds_other_letters(text in "[a-zA-Z.\u{212a}\u{017f}\u{ff41}-]{1,20}") {
            if Domain::from_ascii(&text).is_some() {
                prop_assert!(text.is_ascii());
            }
        }
    }
}

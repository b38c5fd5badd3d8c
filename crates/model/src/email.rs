//! E-mail addresses, parsed strictly because their domains decide tenant membership.

use std::fmt;

use crate::domain::Domain;

/// An address: one `@`, an RFC 5321 dot-atom of at most 64 ASCII characters before it, a domain after
/// it, in ASCII or U-labels. The text is kept as it was sent; the domain is compared in its normal form.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    text: String,
    domain: Domain,
}

impl Email {
    /// Parses an address. Quoted and commented forms, a second `@`, control characters, non-ASCII letters before the `@`,
    /// compatibility characters and trailing dots are rejected: another parser could find another domain in them.
    pub fn parse(text: &str) -> Option<Self> {
        let (local, domain) = text.split_once('@')?;
        let atom_is_good = |atom: &str| {
            !atom.is_empty()
                && atom.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
        };
        let good = (1..=64).contains(&local.len()) && local.split('.').all(atom_is_good);
        let domain = Domain::parse_in_address(domain)?;
        good.then(|| Self { text: text.to_owned(), domain })
    }

    /// Whether the text is meant as an address, if perhaps not one that [`Email::parse`] reads: it has an `@`, or one of
    /// its compatibility forms, which a reader that normalises takes for it.
    pub fn is_meant(text: &str) -> bool {
        text.contains(['@', '\u{ff20}', '\u{fe6b}'])
    }

    /// The former address of a user whom Microsoft Entra ID soft-deleted: it prefixes the address with 32
    /// hexadecimal digits, the object id. `None` when `text` is not of that form.
    pub fn parse_soft_deleted(text: &str) -> Option<Self> {
        let (object_id, former) = text.split_at_checked(32)?;
        object_id.bytes().all(|b| b.is_ascii_hexdigit()).then(|| Self::parse(former))?
    }

    /// The address as it was sent.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its domain.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// The comparison key, in lower case and A-labels: two addresses that differ only in case, or in the form of their
    /// domain, have the same key.
    pub fn key(&self) -> String {
        self.with_domain(self.domain.as_str())
    }

    /// Both forms in which others may hold the address in lower case: the key, and the one with U-labels. They are the
    /// same where the domain has no A-labels.
    pub fn spellings(&self) -> [String; 2] {
        [self.key(), self.with_domain(&self.domain.to_unicode())]
    }

    fn with_domain(&self, domain: &str) -> String {
        let local = self.text.split('@').next().unwrap_or_default();
        format!("{}@{domain}", local.to_ascii_lowercase())
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Shows the domain only, to keep personal data out of logs.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "…@{}", self.domain)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_addresses_are_read() {
        for (text, domain) in [
            ("dana@acme.com", "acme.com"),
            ("Dana.O'Neil+x@ACME.Co.UK", "acme.co.uk"),
            ("x_y#EXT#@tenant.onmicrosoft.com", "tenant.onmicrosoft.com"),
            ("anna@Bücher.example", "xn--bcher-kva.example"),
            // Another domain than acme.com, and known as such.
            ("dana@a\u{441}me.com", "xn--ame-4ed.com"),
        ] {
            let email = Email::parse(text).unwrap();
            assert_eq!((email.as_str(), email.domain().as_str()), (text, domain));
        }
    }

    #[test]
    fn an_address_has_one_key_in_all_its_spellings() {
        let unicode = Email::parse("Anna@BÜCHER.example").unwrap();
        let ascii = Email::parse("anna@xn--bcher-kva.example").unwrap();
        assert_eq!(unicode.key(), "anna@xn--bcher-kva.example");
        let spellings = ["anna@xn--bcher-kva.example", "anna@bücher.example"];
        assert_eq!(
            (unicode.spellings(), ascii.spellings()),
            (spellings.map(Into::into), spellings.map(Into::into))
        );
        let plain = Email::parse("Ada@Acme.com").unwrap();
        assert_eq!(plain.spellings(), ["ada@acme.com", "ada@acme.com"]);
    }

    #[test]
    fn the_former_address_of_somebody_soft_deleted_is_read() {
        let id = "0a1b2c3d4e5f60718293a4b5c6d7e8F9";
        let former = |text: &str| Email::parse_soft_deleted(text).map(|email| email.as_str().to_owned());
        assert_eq!(former(&format!("{id}Ada@acme.com")).as_deref(), Some("Ada@acme.com"));
        for other in [
            "ada@acme.com",
            &format!("{id}@acme.com"),
            id,
            &format!("x{id}ada@acme.com"),
            &format!("{}gada@acme.com", &id[1..]),
            "\u{e9}\u{e9}0a1b2c3d4e5f60718293a4b5c6d7e\u{e9}ada@acme.com",
        ] {
            assert_eq!(former(other), None, "{other}");
        }
    }

    #[test]
    fn forms_that_two_readers_may_read_differently_are_refused() {
        for text in [
            "",
            "dana",
            "@acme.com",
            "dana@",
            "dana@acme",
            "a@b@acme.com",
            "\"a@evil.com\"@acme.com",
            "a@evil.com@acme.com",
            "dana@acme.com.",
            "dana@acme.com ",
            " dana@acme.com",
            "dana@acme.com\n",
            "dana@acme.com\0",
            "da na@acme.com",
            "dana(x)@acme.com",
            "<dana@acme.com>",
            ".dana@acme.com",
            "da..na@acme.com",
            "dana@acme.com,evil.com",
            "dana@[1.2.3.4]",
            "dana@\u{212a}.com",
            "d\u{00e4}na@acme.com",
            "dana@acme。com",
            "dana\u{ff20}acme.com",
            "d\u{00e4}na@b\u{fc}cher.example",
            "dana@\u{ff41}cme.com",
        ] {
            assert!(Email::parse(text).is_none(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_has_one_at_sign_and_names_its_domain(text in "[a-zA-Z0-9@.\"\\\\ +\u{e4}\u{0}-]{0,30}") {
            if let Some(email) = Email::parse(&text) {
                prop_assert_eq!(text.matches('@').count(), 1);
                prop_assert!(!text.contains(['\0', ' ', '"']));
                let ending = format!("@{}", email.domain().to_unicode());
                prop_assert!(text.to_lowercase().ends_with(&ending));
                prop_assert_eq!(Email::parse(&email.key()).map(|again| again.key()), Some(email.key()));
            }
        }
    }
}

//! By what users are found when they sign in, and the normal form in which identifiers are compared.

use std::fmt;

use base::time::Timestamp;
use icu_normalizer::ComposingNormalizerBorrowed;
use serde_json::{Map, Value};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::email::Email;

/// What an identifier is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, EnumString, VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum IdentifierKind {
    /// An e-mail address.
    Email,
    /// A telephone number in international form.
    Mobile,
    /// A name that the user, or whoever made the account, chose.
    Uid,
    /// The id of the person in another system. Nobody signs in with it.
    External,
    /// How an identity provider names the person. Nobody types it.
    Federated,
}

impl IdentifierKind {
    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// What the keys of this kind begin with. Typed identifiers share one space: what a person types has one reading. No
    /// key of that space begins with a blank.
    fn prefix(self) -> &'static str {
        match self {
            Self::Email | Self::Mobile | Self::Uid => "",
            Self::External => " external ",
            Self::Federated => " federated ",
        }
    }
}

/// Why a text is no identifier of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentifierError {
    /// No e-mail address.
    #[error("must be an e-mail address")]
    Email,
    /// No telephone number.
    #[error("must be a telephone number in international form: + and 7 to 15 digits")]
    Number,
    /// Empty or too long.
    #[error("must be between 1 and {} characters long", IdentifierText::MAX_LENGTH)]
    Length,
    /// It holds characters that cannot be seen or typed.
    #[error("must not contain control, formatting or invisible characters")]
    Characters,
}

/// The normal form of an identifier, unique in its pool.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentifierKey(String);

impl IdentifierKey {
    /// The key that a typed text is looked up by: of an e-mail address, a telephone number or a name. `None` where nobody can
    /// have such an identifier.
    pub fn of_typed(text: &str, ignore_case: bool) -> Option<Self> {
        let text = visible(text).ok()?;
        if let Some(reachable) = Self::of_address(&text) {
            return Some(reachable);
        }
        if !ignore_case {
            return Some(Self(text));
        }
        // Lower case may decompose: "İ" becomes two characters.
        let folded = compose(&text.to_lowercase());
        Some(Self::of_address(&folded).unwrap_or(Self(folded)))
    }

    fn of_address(text: &str) -> Option<Self> {
        Email::parse(text).map(|email| email.key()).or_else(|| normalise_number(text)).map(Self)
    }

    /// The keys that a program's text is looked up by, the one that counts first: a typed identifier, then the id in another
    /// system, then that of an identity provider.
    pub fn candidates(text: &str, ignore_case: bool) -> Vec<Self> {
        let exact = [IdentifierKind::External, IdentifierKind::Federated]
            .map(|kind| IdentifierText::parse(kind, text).map(|text| text.key(ignore_case)).ok());
        [Self::of_typed(text, ignore_case)].into_iter().chain(exact).flatten().collect()
    }

    /// The stored form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Shows nothing, to keep personal data out of logs.
impl fmt::Debug for IdentifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// A text that is an identifier of its kind.
#[derive(Clone, PartialEq, Eq)]
pub struct IdentifierText {
    kind: IdentifierKind,
    text: String,
}

impl IdentifierText {
    /// The maximum length in characters.
    pub const MAX_LENGTH: usize = 320;

    /// Parses an identifier of a kind. The text is kept as it was given, without the blanks around it.
    pub fn parse(kind: IdentifierKind, text: &str) -> Result<Self, IdentifierError> {
        let text = text.trim();
        let fits = || match (1..=Self::MAX_LENGTH).contains(&text.chars().count()) {
            true => Ok(()),
            false => Err(IdentifierError::Length),
        };
        match kind {
            IdentifierKind::Email if Email::parse(text).is_none() => return Err(IdentifierError::Email),
            IdentifierKind::Mobile if normalise_number(text).is_none() => {
                return Err(IdentifierError::Number);
            }
            IdentifierKind::Email | IdentifierKind::Mobile => fits()?,
            IdentifierKind::Uid => {
                fits()?;
                visible(text)?;
            }
            IdentifierKind::External | IdentifierKind::Federated => {
                fits()?;
                if text.chars().any(char::is_control) {
                    return Err(IdentifierError::Characters);
                }
            }
        }
        Ok(Self { kind, text: text.to_owned() })
    }

    /// An identifier that is stored.
    pub fn stored(kind: IdentifierKind, text: String) -> Self {
        Self { kind, text }
    }

    /// What it is.
    pub fn kind(&self) -> IdentifierKind {
        self.kind
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The normal form. `ignore_case` is the setting of the pool for names; the case of e-mail addresses never counts.
    pub fn key(&self, ignore_case: bool) -> IdentifierKey {
        match self.kind {
            IdentifierKind::Email | IdentifierKind::Mobile | IdentifierKind::Uid => {
                IdentifierKey::of_typed(&self.text, ignore_case)
                    .unwrap_or_else(|| IdentifierKey(self.text.clone()))
            }
            IdentifierKind::External | IdentifierKind::Federated => {
                IdentifierKey(format!("{}{}", self.kind.prefix(), self.text))
            }
        }
    }
}

/// Shows the kind only, to keep personal data out of logs.
impl fmt::Debug for IdentifierText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:…", self.kind.as_str())
    }
}

/// One identifier of a user.
#[derive(Debug, Clone, PartialEq)]
pub struct UserIdentifier {
    /// What it is, and its text.
    pub text: IdentifierText,
    /// What the caller keeps with it.
    pub metadata: Map<String, Value>,
    /// When it was added.
    pub created_at: Timestamp,
}

/// The normal form of a telephone number in international form (E.164): `+` and the digits. Blanks and the usual marks
/// between them are left out.
pub fn normalise_number(text: &str) -> Option<String> {
    let rest = text.trim().strip_prefix('+')?;
    let digits: String = rest.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')' | '/')).collect();
    let good = (7..=15).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0');
    good.then(|| format!("+{digits}"))
}

/// A text in Unicode's compatibility composition (UAX #15, NFKC): compatibility forms and blanks become one.
pub(crate) fn compose(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfkc().normalize(text).into_owned()
}

/// The normal form of a name but for its case: composed, without blanks around it, all of it visible. Two texts that look
/// the same for such a character would be two identifiers.
fn visible(text: &str) -> Result<String, IdentifierError> {
    let composed = compose(text.trim());
    let text = composed.trim();
    if !(1..=IdentifierText::MAX_LENGTH).contains(&text.chars().count()) {
        return Err(IdentifierError::Length);
    }
    match text.chars().any(is_invisible) {
        true => Err(IdentifierError::Characters),
        false => Ok(text.to_owned()),
    }
}

/// Whether a character cannot be seen: controls, blanks other than the common one, formatting (directions, joiners, tags)
/// and fillers, by the blocks in which Unicode keeps its default-ignorable code points.
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || c.is_whitespace() && c != ' '
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(kind: IdentifierKind, text: &str, ignore_case: bool) -> Result<String, IdentifierError> {
        Ok(IdentifierText::parse(kind, text)?.key(ignore_case).0)
    }

    #[test]
    fn identifiers_have_one_normal_form() {
        use IdentifierKind::{Email, External, Federated, Mobile, Uid};
        for (kind, text, sensitive, insensitive) in [
            (Email, "Dana@ACME.com", "dana@acme.com", "dana@acme.com"),
            (Email, "anna@Bücher.example", "anna@xn--bcher-kva.example", "anna@xn--bcher-kva.example"),
            (Mobile, "+49 (30) 123-456.78", "+493012345678", "+493012345678"),
            (Uid, " Dana ", "Dana", "dana"),
            (Uid, "ＤＡＮＡ", "DANA", "dana"),
            (Uid, "Åsa", "\u{c5}sa", "\u{e5}sa"),
            (Uid, "A\u{30a}sa", "\u{c5}sa", "\u{e5}sa"),
            (Uid, "dana\u{a0}doe", "dana doe", "dana doe"),
            (Uid, "\u{130}rem", "\u{130}rem", "i\u{307}rem"),
            // What is typed has one reading, whatever it was called when it was added.
            (Uid, "Dana@ACME.com", "dana@acme.com", "dana@acme.com"),
            (Uid, "+49 30 12345678", "+493012345678", "+493012345678"),
            (Uid, "4930123456", "4930123456", "4930123456"),
            (External, "Cust-7", " external Cust-7", " external Cust-7"),
            (Federated, "idp#Sub", " federated idp#Sub", " federated idp#Sub"),
        ] {
            assert_eq!(key(kind, text, false).as_deref(), Ok(sensitive), "{text}");
            assert_eq!(key(kind, text, true).as_deref(), Ok(insensitive), "{text}");
        }
    }

    #[test]
    fn what_is_no_identifier_of_its_kind_is_refused() {
        use IdentifierKind::{Email, External, Mobile, Uid};
        let long = "x".repeat(IdentifierText::MAX_LENGTH + 1);
        for (kind, text, error) in [
            (Email, "dana", IdentifierError::Email),
            (Email, "", IdentifierError::Email),
            (Mobile, "030 123456", IdentifierError::Number),
            (Mobile, "+0301234567", IdentifierError::Number),
            (Mobile, "+12345", IdentifierError::Number),
            (Mobile, "+1234567890123456", IdentifierError::Number),
            (Mobile, "+49301234x", IdentifierError::Number),
            (Uid, " ", IdentifierError::Length),
            (Uid, &long, IdentifierError::Length),
            (Uid, "da\u{200b}na", IdentifierError::Characters),
            (Uid, "dana\u{202e}", IdentifierError::Characters),
            (Uid, "dana\0", IdentifierError::Characters),
            (Uid, "\u{fdfa}".repeat(100).as_str(), IdentifierError::Length),
            (External, "a\nb", IdentifierError::Characters),
            (External, "", IdentifierError::Length),
        ] {
            assert_eq!(key(kind, text, true), Err(error), "{text:?}");
        }
    }

    #[test]
    fn a_text_of_a_program_is_looked_up_in_every_kind() {
        let keys: Vec<String> =
            IdentifierKey::candidates("Cust-7", true).into_iter().map(|key| key.0).collect();
        assert_eq!(keys, ["cust-7", " external Cust-7", " federated Cust-7"]);
        assert_eq!(IdentifierKey::candidates("\0", true), []);
    }

    proptest! {
        /// Nobody types an external identifier, and what is typed again finds the same user.
        #[test]
        fn a_key_is_its_own_key(text in "\\PC{0,20}|[ +@a-zA-Z0-9.\u{a8}\u{2003}()-]{0,20}", ignore_case: bool) {
            if let Some(key) = IdentifierKey::of_typed(&text, ignore_case) {
                prop_assert!(!key.0.starts_with(' ') && !key.0.is_empty());
                prop_assert_eq!(IdentifierKey::of_typed(&key.0, ignore_case), Some(key.clone()));
            }
        }

        #[test]
        fn an_identifier_is_found_by_what_it_was_given_as(text in "\\PC{0,20}|[+@a-z0-9.]{0,20}", ignore_case: bool) {
            for kind in [IdentifierKind::Email, IdentifierKind::Mobile, IdentifierKind::Uid] {
                if let Ok(identifier) = IdentifierText::parse(kind, &text) {
                    prop_assert_eq!(Some(identifier.key(ignore_case)), IdentifierKey::of_typed(&text, ignore_case));
                }
            }
        }
    }
}

//! The rules for new passwords, which are those of NIST SP 800-63B §5.1.1.2: a minimum length, not easy to guess (as
//! zxcvbn estimates it), not the person's own address or name or the product's name, and nothing else. The length, and how
//! hard to guess, a policy says; it may also ask for characters of a class.

use model::account::{PasswordPolicy, PasswordStrength, RequiredCharacters};
use zxcvbn::Score;

use crate::app::{Error, Result};

/// How many characters are estimated: the cost grows at least quadratically. A password whose beginning is hard to
/// guess does not become easier by what follows.
const MAX_ESTIMATED_LENGTH: usize = 40;

/// The maximum number of personal words that are checked.
const MAX_PERSONAL_WORDS: usize = 20;

/// Words that are common in passwords, or likely in passwords for this product.
const COMMON_WORDS: &[&str] = &[
    "ostiary",
    "password",
    "passwort",
    "passw0rd",
    "p@ssw0rd",
    "p@ssword",
    "letmein",
    "welcome",
    "qwerty",
    "qwertz",
    "azerty",
    "iloveyou",
    "administrator",
    "admin",
    "changeme",
    "secret",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "dragon",
    "monkey",
    "trustno1",
    "123456",
    "default",
    "console",
    "gateway",
    "sommer",
    "summer",
    "winter",
    "spring",
    "autumn",
];

/// Well-known passwords that look hard to guess: phrases of common words, keyboard patterns.
const COMMON_PASSWORDS: &[&str] = &[
    "correcthorsebatterystaple",
    "correct horse battery staple",
    "thisismypassword",
    "thisisapassword",
    "ihavenopassword",
    "jesuslovesme",
    "iloveyousomuch",
    "a1b2c3d4e5f6",
    "1a2b3c4d5e6f",
    "zaq12wsxcde3",
    "never gonna give you up",
    "nevergonnagiveyouup",
    "open sesame 123",
    "maytheforcebewithyou",
];

/// Checks the length alone, before any expensive work.
pub(super) fn check_length(policy: PasswordPolicy, field: &'static str, password: &str) -> Result<()> {
    const MAX_LENGTH: usize = PasswordPolicy::MAX_LENGTH;
    let min_length = policy.min_length();
    // A character has at most four bytes, so a longer text need not be counted.
    let length = if password.len() > 4 * MAX_LENGTH { usize::MAX } else { password.chars().count() };
    if length < min_length {
        return Err(Error::invalid(
            field,
            format!("must be at least {min_length} characters long; a few words in a row are good"),
        ));
    }
    if length > MAX_LENGTH {
        return Err(Error::invalid(field, format!("must be at most {MAX_LENGTH} characters long")));
    }
    Ok(())
}

/// Checks that a password of valid length has the characters that the policy asks for.
pub(super) fn check_characters(policy: PasswordPolicy, field: &'static str, password: &str) -> Result<()> {
    let RequiredCharacters { capital_letters, lowercase_letters, digits, special_characters } =
        policy.characters();
    let count = |is: fn(char) -> bool| password.chars().filter(|letter| is(*letter)).count();
    for (least, found, what) in [
        (capital_letters, count(char::is_uppercase), "capital letters"),
        (lowercase_letters, count(char::is_lowercase), "lower-case letters"),
        (digits, count(char::is_numeric), "digits"),
        (special_characters, count(|letter| !letter.is_alphanumeric()), "special characters"),
    ] {
        if found < least {
            return Err(Error::invalid(field, format!("must have at least {least} {what}")));
        }
    }
    Ok(())
}

/// Returns an error if a password of valid length is easy to guess. Takes milliseconds.
pub(super) fn check_strength(
    policy: PasswordPolicy,
    field: &'static str,
    password: &str,
    own: &[String],
) -> Result<()> {
    let small = password.to_lowercase();
    if is_mostly(&small, own.iter().map(String::as_str)) {
        return Err(Error::invalid(field, "must not be your own name or address with a little added"));
    }
    if let Some(word) = COMMON_WORDS.iter().find(|word| is_mostly(&small, [**word])) {
        return Err(Error::invalid(
            field,
            format!("must not be \u{201c}{word}\u{201d} with a little added; it is tried first"),
        ));
    }
    let words: Vec<&str> = own.iter().map(String::as_str).chain(COMMON_PASSWORDS.iter().copied()).collect();
    // In lower case: capitals hardly make a common password harder to guess.
    if zxcvbn::zxcvbn(estimated_part(&small), &words).score() < min_score(policy) {
        return Err(Error::invalid(field, "is too easy to guess; a few words in a row are good"));
    }
    Ok(())
}

/// The minimum score of zxcvbn.
fn min_score(policy: PasswordPolicy) -> Score {
    match policy.strength() {
        PasswordStrength::Any => Score::Zero,
        PasswordStrength::Weak => Score::One,
        PasswordStrength::Fair => Score::Two,
        PasswordStrength::Strong => Score::Three,
        PasswordStrength::VeryStrong => Score::Four,
    }
}

/// The part of a password that is estimated.
fn estimated_part(password: &str) -> &str {
    password.char_indices().nth(MAX_ESTIMATED_LENGTH).map_or(password, |(end, _)| &password[..end])
}

/// The personal words of a person: their address and name, whole and in parts, longest first.
pub(super) fn personal_words(own: &[&str]) -> Vec<String> {
    let parts = own.iter().flat_map(|word| word.split(['@', ' ', '.', '-', '_', '+']));
    let wholes = own.iter().flat_map(|word| std::iter::once(*word).chain(word.split(['@', ' '])));
    let mut words: Vec<String> = wholes
        .chain(parts)
        .map(str::to_lowercase)
        .filter(|word| word.chars().count() >= 4)
        .take(MAX_PERSONAL_WORDS)
        .collect();
    words.push("ostiary".to_owned());
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words
}

/// Whether fewer than seven characters are left after every occurrence of the words is removed.
fn is_mostly<'a>(password: &str, words: impl IntoIterator<Item = &'a str>) -> bool {
    let mut left = password.to_owned();
    for word in words {
        left = left.replace(word, "");
    }
    left.len() < password.len() && left.chars().count() < 7
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::*;

    #[test]
    fn only_what_is_tried_first_is_refused() {
        let check = |field, password: &str, own: &[&str]| {
            check_length(PasswordPolicy::DEFAULT, field, password)?;
            check_strength(PasswordPolicy::DEFAULT, field, password, &personal_words(own))
        };
        let own = ["dana.smith@ledgerline.example", "Dana Smith"];
        for bad in [
            "",
            "short",
            "elevenchars",
            "aaaaaaaaaaaaaaaa",
            "123456789012",
            "abcdefghijklm",
            "qwertyuiopas",
            "Password1234",
            "password!!!!!",
            "OSTIARY-2026",
            "ostiaryostiary",
            "dana.smith@ledgerline.example",
            "Dana.Smith123",
            "danasmith2026",
            "smith-ledgerline1",
            "ledgerline.example",
            "correct horse battery staple",
            "Welcome2026!!",
            "121212121212",
            "P@ssw0rd2026",
            "thisismypassword",
            "NeverGonnaGiveYouUp",
            "1q2w3e4r5t6y",
            "abc123abc123",
            "liverpoolfc1",
            &"x".repeat(257),
            &"violet kettle under snow ".repeat(6),
        ] {
            assert!(check("password", bad, &own).is_err(), "{bad:?}");
        }
        assert!(check("password", "danavendor2026", &["dana@vendor.example", ""]).is_err());
        for good in [
            "violet kettle under snow",
            "tr0ub4dor&3xyzzy",
            "korrekt-pferd-batterie",
            "パスワードは長いほどよい、たぶん",
            "            a b c d e",
            "my password is quite long",
            "dana likes violets a lot",
        ] {
            assert!(check("password", good, &own).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn a_policy_says_how_long_and_how_hard_to_guess() {
        let is_good = |min_length, strength, password: &str| {
            let policy = PasswordPolicy::new(min_length, strength).unwrap();
            check_length(policy, "password", password).is_ok()
                && check_strength(policy, "password", password, &personal_words(&[])).is_ok()
        };
        for (password, strongest) in [
            ("drowssap", PasswordStrength::Any),
            ("liverpoolfc1", PasswordStrength::Weak),
            ("violet kettle under snow", PasswordStrength::VeryStrong),
        ] {
            for &strength in PasswordStrength::VARIANTS {
                assert_eq!(is_good(8, strength, password), strength <= strongest, "{password} {strength:?}");
            }
        }
        assert!(
            !is_good(9, PasswordStrength::Any, "drowssap")
                && is_good(24, PasswordStrength::Any, "violet kettle under snow")
        );
        assert!(
            !is_good(8, PasswordStrength::Any, "password!"),
            "what is tried first is refused under every policy"
        );
    }

    #[test]
    fn a_long_password_costs_no_more_to_estimate_than_one_of_forty_characters() {
        assert_eq!(estimated_part(&"@4(0$".repeat(25)).chars().count(), MAX_ESTIMATED_LENGTH);
        assert_eq!(estimated_part(&"\u{2603}".repeat(128)), "\u{2603}".repeat(MAX_ESTIMATED_LENGTH));
        assert_eq!(estimated_part("short"), "short");
    }
    #[test]
    fn a_policy_asks_for_characters_of_a_class() {
        let required =
            RequiredCharacters { capital_letters: 1, lowercase_letters: 2, digits: 1, special_characters: 1 };
        let policy = PasswordPolicy::DEFAULT.with_characters(required).unwrap();
        for (password, missing) in [
            ("Äb\u{e9}7 ", ""),
            ("äbcd7 ", "capital"),
            ("ABCd7 ", "lower-case"),
            ("Abcde ", "digits"),
            ("Abcd7", "special"),
        ] {
            let refused = check_characters(policy, "password", password).err().map(|error| error.to_string());
            assert_eq!(refused.is_none(), missing.is_empty(), "{password} {refused:?}");
            assert!(refused.unwrap_or_default().contains(missing), "{password}");
        }
        assert!(check_characters(PasswordPolicy::DEFAULT, "password", "x").is_ok());
    }
}

//! Values of an organization's settings, from outside.

use std::collections::BTreeMap;

use model::{email::Email, identity_pool::AuthenticationMechanism};
use strum::VariantArray as _;

use crate::app::{Error, Result, input};

/// The maximum length of a description.
const MAX_DESCRIPTION: usize = 2000;
/// The maximum number of attributes.
const MAX_ATTRIBUTES: usize = 100;
/// The maximum length of an attribute's key.
const MAX_KEY: usize = 255;
/// The maximum length of an attribute's value.
const MAX_VALUE: usize = 1024;

/// The maximum length of a name.
const MAX_NAME: usize = 255;

/// A name, without spaces around it; never empty.
pub(super) fn name(text: &str) -> Result<String> {
    match text.trim() {
        "" => Err(Error::invalid("name", "must not be empty")),
        name => input::line("name", name, MAX_NAME),
    }
}

/// A description, which may have several lines.
pub(super) fn description(text: &str) -> Result<String> {
    const FIELD: &str = "description";
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Error::invalid(FIELD, "must not contain control characters"));
    }
    if text.chars().count() > MAX_DESCRIPTION {
        return Err(Error::invalid(FIELD, format!("must be at most {MAX_DESCRIPTION} characters long")));
    }
    Ok(text.to_owned())
}

/// A colour as `#rrggbb`, kept as it was written; empty for none.
pub(super) fn color(text: &str) -> Result<String> {
    let digits = text.strip_prefix('#').unwrap_or_default();
    match text.is_empty() || digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        true => Ok(text.to_owned()),
        false => Err(Error::invalid("color", "must be #rrggbb, or empty")),
    }
}

/// An e-mail address; empty for none.
pub(super) fn contact_email(text: &str) -> Result<Option<Email>> {
    match text {
        "" => Ok(None),
        text => Email::parse(text)
            .map(Some)
            .ok_or_else(|| Error::invalid("contactEmail", "must be an e-mail address, or empty")),
    }
}

/// Authentication mechanisms by their names, each once.
pub(super) fn mechanisms(names: &[String]) -> Result<Vec<AuthenticationMechanism>> {
    let mut mechanisms = Vec::new();
    for name in names {
        let mechanism = name.parse().map_err(|_| {
            let all: Vec<&str> = AuthenticationMechanism::VARIANTS.iter().map(|one| one.as_str()).collect();
            Error::invalid("authenticationMechanisms", format!("must be some of {}", all.join(", ")))
        })?;
        if !mechanisms.contains(&mechanism) {
            mechanisms.push(mechanism);
        }
    }
    Ok(mechanisms)
}

/// Attributes: keys and values of one line, without spaces around them. A key has no `=`, which ends it in forms.
pub(super) fn attributes(given: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
    const FIELD: &str = "attributes";
    if given.len() > MAX_ATTRIBUTES {
        return Err(Error::invalid(FIELD, format!("must be at most {MAX_ATTRIBUTES}")));
    }
    let mut attributes = BTreeMap::new();
    for (key, value) in given {
        let key = input::line(FIELD, key.trim(), MAX_KEY)?;
        if key.is_empty() || key.contains('=') {
            return Err(Error::invalid(FIELD, "must have keys that are not empty and have no ="));
        }
        let value = input::line(FIELD, value.trim(), MAX_VALUE)?;
        if attributes.insert(key, value).is_some() {
            return Err(Error::invalid(FIELD, "must have each key once"));
        }
    }
    Ok(attributes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_kept_as_they_are_written() {
        for good in ["", "#007FFF", "#abcdef"] {
            assert_eq!(color(good).unwrap(), good);
        }
        for bad in ["#", "#fff", "007FFF", "#007FFG", "#007FFF ", "red", "#ééé"] {
            assert_eq!(color(bad).unwrap_err().to_string(), "color: must be #rrggbb, or empty", "{bad}");
        }
    }

    #[test]
    fn attributes_are_bounded_and_trimmed() {
        let of = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(key, value)| (key.to_string(), value.to_string()));
            attributes(&pairs.collect())
        };
        assert_eq!(of(&[(" a ", " 1 = 2 ")]).unwrap(), BTreeMap::from([("a".into(), "1 = 2".into())]));
        for bad in [[("", "x")], [("a=b", "x")], [("a\u{1f}", "x")], [("a", "x\u{1e}")], [("a", "\0")]] {
            assert!(of(&bad).is_err(), "{bad:?}");
        }
        assert!(of(&[("a", "1"), ("a ", "2")]).is_err());
        assert!(of(&[(&"k".repeat(256), "1")]).is_err() && of(&[("k", &"v".repeat(1025))]).is_err());
        let many: BTreeMap<String, String> = (0..101).map(|n| (n.to_string(), String::new())).collect();
        assert!(attributes(&many).is_err());
    }

    #[test]
    fn mechanisms_are_those_of_the_contract() {
        let of = |names: &[&str]| mechanisms(&names.iter().map(ToString::to_string).collect::<Vec<_>>());
        let all = ["totp", "password", "otp", "email_otp", "sms_otp", "webauthn"];
        assert_eq!(of(&all).unwrap().iter().map(|one| one.as_str()).collect::<Vec<_>>(), all);
        assert_eq!(of(&["password", "password"]).unwrap().len(), 1);
        assert!(of(&["passkey"]).is_err() && of(&["Password"]).is_err());
    }
}

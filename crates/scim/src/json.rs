//! Parses JSON bodies within limits.

use base::bounded_json::{self, Limits};
use serde_json::Value;

use crate::Error;

/// Maximum nesting depth of arrays and objects. A PATCH of a multi-valued attribute needs 5.
pub const MAX_DEPTH: usize = 32;

/// Maximum number of values in a body, counting every element and member. A group of 20,000 members with only
/// their ids has 40,000 values, and is as large as a body may be.
pub const MAX_VALUES: usize = 100_000;

/// Maximum number of names in one object: several times that of a user with all extensions.
pub const MAX_NAMES: usize = 500;

/// Maximum length of an attribute name in bytes.
pub const MAX_NAME_BYTES: usize = 256;

/// The limits on a SCIM body.
pub const LIMITS: Limits = Limits {
    depth: MAX_DEPTH,
    values: MAX_VALUES,
    names: MAX_NAMES,
    name_bytes: MAX_NAME_BYTES,
    refuse_nul: true,
};

/// Parses one JSON value within [`LIMITS`], without duplicate names. Names that differ only in case are
/// rejected later, where names are interpreted.
pub fn parse(bytes: &[u8]) -> Result<Value, Error> {
    bounded_json::parse(bytes, &LIMITS).map_err(|error| match error {
        bounded_json::Error::Syntax(_) => Error::InvalidSyntax(error.to_string()),
        bounded_json::Error::Values(_) | bounded_json::Error::Names(_) => Error::TooLarge(error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_json_can_say_is_read() {
        let text = r#"{"a":[1,-2,2.5,true,null,"\u00e9\ud83d\ude00"],"b":{}}"#;
        assert_eq!(parse(text.as_bytes()).unwrap(), json!({"a": [1, -2, 2.5, true, null, "é😀"], "b": {}}));
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n)).into_bytes();
        let cases: Vec<(&str, Vec<u8>)> = vec![
            ("doubled name", br#"{"a":1,"a":2}"#.to_vec()),
            ("doubled by escape", br#"{"a":1,"\u0061":2}"#.to_vec()),
            ("NUL", br#"{"a":"x\u0000"}"#.to_vec()),
            ("NUL in a name", br#"{"a\u0000":1}"#.to_vec()),
            ("lone surrogate", br#"{"a":"\ud800"}"#.to_vec()),
            ("not UTF-8", b"{\"a\":\"\xff\"}".to_vec()),
            ("byte order mark", b"\xef\xbb\xbf{}".to_vec()),
            ("UTF-16", b"{\0}\0".to_vec()),
            ("NaN", b"NaN".to_vec()),
            ("beyond a double", b"1e999".to_vec()),
            ("more after the value", b"{} {}".to_vec()),
            ("nothing", Vec::new()),
            ("too deep", deep(MAX_DEPTH + 2)),
            ("far too deep", deep(100_000)),
            ("too long a name", format!("{{\"{}\":1}}", "n".repeat(MAX_NAME_BYTES + 1)).into_bytes()),
        ];
        for (case, bytes) in cases {
            assert!(matches!(parse(&bytes), Err(Error::InvalidSyntax(_))), "{case}");
        }
        assert!(parse(&deep(MAX_DEPTH)).is_ok());
        let names: Vec<String> = (0..=MAX_NAMES).map(|n| format!("\"n{n}\":1")).collect();
        for (case, bytes) in [
            ("too many values", format!("[{}1]", "1,".repeat(MAX_VALUES)).into_bytes()),
            ("too many names", format!("{{{}}}", names.join(",")).into_bytes()),
        ] {
            assert!(matches!(parse(&bytes), Err(Error::TooLarge(_))), "{case}");
        }
    }
}

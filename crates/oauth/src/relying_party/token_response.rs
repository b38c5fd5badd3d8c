//! What a token endpoint answers (RFC 6749 §5, OpenID Connect Core 1.0 §3.1.3.3).

use serde::Deserialize;

/// The maximum length of an error code that is shown.
const MAX_CODE_LENGTH: usize = 60;

/// Why there are no tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenResponseError {
    /// The endpoint refused the request, with this code: one of RFC 6749 §5.2, or the status.
    Refused(String),
    /// The answer has another form; in a few words.
    Malformed(&'static str),
}

/// The tokens of a login.
#[derive(Deserialize)]
pub struct TokenResponse {
    /// The access token, for the UserInfo endpoint.
    pub access_token: String,
    /// The ID token.
    pub id_token: String,
}

impl TokenResponse {
    /// Reads an answer with this status.
    pub fn parse(status: u16, body: &[u8]) -> Result<Self, TokenResponseError> {
        #[derive(Deserialize)]
        struct Answer {
            access_token: Option<String>,
            id_token: Option<String>,
            token_type: Option<String>,
            error: Option<serde_json::Value>,
        }
        let answer: Option<Answer> = serde_json::from_slice(body).ok();
        if let Some(error) = answer.as_ref().and_then(|answer| answer.error.as_ref()) {
            return Err(TokenResponseError::Refused(error_code(error.as_str().unwrap_or("(unreadable)"))));
        }
        if status != 200 {
            return Err(TokenResponseError::Refused(format!("status {status}")));
        }
        let malformed = TokenResponseError::Malformed;
        let answer = answer.ok_or(malformed("no JSON object"))?;
        if !answer.token_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("Bearer")) {
            return Err(malformed("token_type is not Bearer"));
        }
        Ok(Self {
            access_token: answer.access_token.ok_or(malformed("no access_token"))?,
            id_token: answer.id_token.ok_or(malformed("no id_token"))?,
        })
    }
}

/// An error code that a provider sent, as it may be shown: RFC 6749 §5.2 allows printable ASCII characters.
pub fn error_code(text: &str) -> String {
    let is_shown = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    text.chars().filter(is_shown).take(MAX_CODE_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_gives_both_tokens_or_says_why_not() {
        use TokenResponseError::{Malformed, Refused};
        let read = |status, body: &str| {
            TokenResponse::parse(status, body.as_bytes()).map(|tokens| (tokens.access_token, tokens.id_token))
        };
        let good = r#"{"access_token":"a","id_token":"i","token_type":"bearer","expires_in":1}"#;
        assert_eq!(read(200, good), Ok(("a".to_owned(), "i".to_owned())));
        for (status, body, expected) in [
            (400, r#"{"error":"invalid_grant","error_description":"x"}"#, Refused("invalid_grant".into())),
            (200, r#"{"error":"<b>no\n</b>"}"#, Refused("bnob".into())),
            (200, r#"{"error":7}"#, Refused("unreadable".into())),
            (502, "<html>", Refused("status 502".into())),
            (302, "", Refused("status 302".into())),
            (200, "[]", Malformed("no JSON object")),
            (200, r#"{"access_token":"a","token_type":"Bearer"}"#, Malformed("no id_token")),
            (200, r#"{"access_token":"a","id_token":"i"}"#, Malformed("token_type is not Bearer")),
            (200, r#"{"id_token":"i","token_type":"Bearer"}"#, Malformed("no access_token")),
        ] {
            assert_eq!(read(status, body), Err(expected), "{body}");
        }
    }
}

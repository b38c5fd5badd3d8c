//! The `Authorization` header's two schemes: Basic (RFC 7617) as OAuth uses it, Bearer (RFC 6750).

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{Error, parameters};

/// The credentials after `scheme`, which is case-insensitive (RFC 9110 §11.1).
fn credentials<'a>(header: &'a str, scheme: &str) -> Option<&'a str> {
    let (given, rest) = header.trim().split_once(' ')?;
    given.eq_ignore_ascii_case(scheme).then(|| rest.trim_start_matches(' '))
}

/// The bearer token of a request to a protected resource: in the header, or in a form body as
/// `access_token` (RFC 6750 §2.1, §2.2), but not in both. The query (§2.3) is not supported.
pub fn bearer_token<'a>(authorization: Option<&'a str>, form: Option<&'a str>) -> Result<&'a str, Error> {
    match (authorization, form) {
        (Some(_), Some(_)) => Err(Error::TwoBearerTokens),
        (Some(header), None) => match credentials(header, "Bearer") {
            Some(token) if !token.is_empty() => Ok(token),
            _ => Err(Error::NoBearerToken),
        },
        (None, Some(token)) => Ok(token),
        (None, None) => Err(Error::NoBearerToken),
    }
}

/// Client id and secret of a Basic header, each form-encoded (RFC 6749 §2.3.1).
pub fn basic_credentials(authorization: &str) -> Result<(String, String), Error> {
    let encoded = credentials(authorization, "Basic").ok_or(Error::NoClientAuthentication)?;
    let pair = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = pair.ok_or(Error::WrongClientCredentials)?;
    let (id, secret) = pair.split_once(':').ok_or(Error::WrongClientCredentials)?;
    match (parameters::decode(id), parameters::decode(secret)) {
        (Some(id), Some(secret)) => Ok((id, secret)),
        _ => Err(Error::WrongClientCredentials),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_comes_in_one_way() {
        assert_eq!(bearer_token(Some("Bearer abc"), None), Ok("abc"));
        assert_eq!(bearer_token(Some("bearer  abc"), None), Ok("abc"));
        assert_eq!(bearer_token(None, Some("abc")), Ok("abc"));
        assert_eq!(bearer_token(Some("Bearer abc"), Some("abc")), Err(Error::TwoBearerTokens));
        for header in [None, Some(""), Some("Bearer"), Some("Bearer "), Some("Basic abc"), Some("Bearerabc")]
        {
            assert_eq!(bearer_token(header, None), Err(Error::NoBearerToken), "{header:?}");
        }
    }

    #[test]
    fn basic_holds_form_encoded_parts() {
        let header = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        assert_eq!(basic_credentials(&header("a%3Ab:c+d%25")), Ok(("a:b".into(), "c d%".into())));
        assert_eq!(basic_credentials(&header("id:se:cret")), Ok(("id".into(), "se:cret".into())));
        assert_eq!(
            basic_credentials(&header("id:se_cret").replacen("Basic", "basic", 1)).unwrap().1,
            "se_cret"
        );
        assert_eq!(basic_credentials(&header("nocolon")), Err(Error::WrongClientCredentials));
        assert_eq!(basic_credentials("Basic !!!"), Err(Error::WrongClientCredentials));
        assert_eq!(basic_credentials(&header("a:%ff")), Err(Error::WrongClientCredentials));
        assert_eq!(basic_credentials("Bearer abc"), Err(Error::NoClientAuthentication));
    }
}

//! The normal form of a request's path, on which every decision is based: the route, the rate limit, the error
//! format.

use actix_web::{
    dev::ServiceRequest,
    http::{Uri, uri::PathAndQuery},
};

/// Normalises a request's path (RFC 3986 §6.2.2.2): decodes characters that need no encoding. The router reads
/// `/%76%31/oauth/token` as `/v1/oauth/token`, and so must the rest of the code. Other spellings of a path (`//`, `.`,
/// a trailing slash, another case) are different paths to the router too.
pub(super) fn normalize(request: &mut ServiceRequest) {
    let Some(path) = without_needless_encoding(request.path()) else { return };
    let mut parts = request.uri().clone().into_parts();
    let whole = match request.uri().query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    // Decoding unreserved characters cannot make a path invalid; if it did, the path would match no route either.
    let Ok(whole) = PathAndQuery::try_from(whole) else { return };
    parts.path_and_query = Some(whole);
    let Ok(uri) = Uri::from_parts(parts) else { return };
    request.match_info_mut().get_mut().update(&uri);
    request.head_mut().uri = uri;
}

/// The path with encoded unreserved characters (RFC 3986 §2.3) decoded; `None` if there are none.
fn without_needless_encoding(path: &str) -> Option<String> {
    let mut parts = path.split('%');
    let mut normal = parts.next()?.to_owned();
    let mut decoded = false;
    for part in parts {
        let byte = part.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let byte = byte.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                normal.push(char::from(byte));
                normal.push_str(&part[2..]);
                decoded = true;
            }
            _ => {
                normal.push('%');
                normal.push_str(part);
            }
        }
    }
    decoded.then_some(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_characters_that_need_no_encoding_are_decoded() {
        for (path, normal) in [
            ("/%63onsole/sign-in", "/console/sign-in"),
            ("/console/sign%2din", "/console/sign-in"),
            ("/%76%31/o%61uth/token", "/v1/oauth/token"),
            ("/%7Ea%5Fb%2E", "/~a_b."),
        ] {
            assert_eq!(without_needless_encoding(path).as_deref(), Some(normal), "{path}");
        }
        // An encoded slash stays encoded, and nothing is decoded twice.
        for path in [
            "/console/sign-in",
            "/console%2Fsign-in",
            "/%2563onsole",
            "/%",
            "/%4",
            "/%zz",
            "/%C3%A4",
            "/%+1",
            "*",
            "",
        ] {
            assert_eq!(without_needless_encoding(path), None, "{path}");
        }
        assert_eq!(without_needless_encoding("/%25%36%33").as_deref(), Some("/%2563"));
    }
}

//! The issuers of environments: their tokens, who gets them, where they count, and what they say of themselves.

mod forgeries;
mod names;
mod other_library;
mod tokens;
mod users;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde_json::Value;

use crate::support::{Answer, TestApp};

/// The API that the tests call with a token of the system workspace.
fn api(tenant: &str) -> String {
    format!("/api/system/{tenant}/servers/system/audit-events")
}

/// Whether a token counts, as that API says.
async fn counts(app: &TestApp, tenant: &str, token: &str) -> bool {
    let answer = app.call(token, reqwest::Method::GET, &api(tenant), None).await;
    match answer.status.as_u16() {
        200 => true,
        401 => false,
        _ => panic!("{answer:?}"),
    }
}

/// A part of a token, decoded.
fn part(token: &str, at: usize) -> Value {
    let text = token.split('.').nth(at).expect("a part");
    serde_json::from_slice(&BASE64.decode(text).expect("base64")).expect("JSON")
}

/// Asserts an error of the API (SecureAuth's form).
#[track_caller]
fn assert_api_error(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    let body = answer.json();
    assert_eq!((&body["status_code"], &body["error_code"]), (&status.into(), &code.into()), "{body}");
}

/// Asserts an error of an OAuth endpoint (RFC 6749 §5.2), with SecureAuth's additions.
#[track_caller]
fn assert_oauth_error(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    let body = answer.json();
    assert_eq!((&body["status_code"], &body["error"]), (&status.into(), &code.into()), "{body}");
    let mut keys: Vec<_> = body.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["cause", "details", "error", "error_description", "error_hint", "status_code"]);
    assert_eq!(answer.header("cache-control"), "no-store");
}

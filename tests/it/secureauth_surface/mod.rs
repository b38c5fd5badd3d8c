//! Rules of SecureAuth's surface that hold for every route of the table (contract §1.3, §1.7, §1.8).

mod answers;
mod bodies;
mod errors;
mod scopes;

use reqwest::{Method, header};

use crate::support::{Answer, Browser, TestApp};

/// The path of a pattern, with ids that nothing has.
fn filled(pattern: &str, tenant: &str) -> String {
    let fill = |segment: &str| match segment {
        "{tenant}" => tenant.to_owned(),
        segment if segment.starts_with('{') => "0".repeat(31) + "1",
        segment => segment.to_owned(),
    };
    pattern.split('/').map(fill).collect::<Vec<_>>().join("/")
}

/// Sends bytes as they are.
async fn send(
    app: &TestApp,
    browser: &Browser,
    (method, path): (&str, &str),
    token: Option<&str>,
    kind: &str,
    body: &[u8],
) -> Answer {
    let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
    let mut request = browser.request(method, &app.url(path)).header(header::CONTENT_TYPE, kind);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    browser.send(request.body(body.to_vec())).await
}

/// The status and the code of an error, whose body has exactly the members of the contract.
#[track_caller]
fn error(answer: &Answer) -> (u16, String) {
    let body = answer.json();
    let mut members: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["details", "error", "error_code", "status_code"], "{body}");
    assert_eq!(body["status_code"], answer.status.as_u16());
    assert_eq!(body["error"], answer.status.canonical_reason().unwrap());
    (answer.status.as_u16(), body["error_code"].as_str().unwrap().to_owned())
}

//! No lost update: two changes of one resource at once are both there, and one that was made from an older state is not
//! taken.

mod administrators;
mod connections;
mod credentials;
mod directories;
mod environments;
mod organizations;

use futures_util::future::join_all;
use reqwest::{Method, header};
use serde_json::Value;

use crate::support::{Answer, TestApp};

/// `PATCH` with an `If-Match`.
pub(crate) async fn patch_if(app: &TestApp, key: &str, path: &str, tag: &str, body: &Value) -> Answer {
    let browser = app.browser();
    let request = browser.request(Method::PATCH, &app.url(path)).bearer_auth(key);
    browser.send(request.header(header::IF_MATCH, tag).json(body)).await
}

/// Changes different settings of one resource many times at once, by a client that knows no versions: none is refused
/// and none is lost.
pub(crate) async fn all_changes_survive(app: &TestApp, key: &str, path: &str, changes: &[Value]) {
    for round in 0..8 {
        let calls = changes.iter().map(|change| app.api(key, Method::PATCH, path, Some(change.clone())));
        for answer in join_all(calls).await {
            assert_eq!(answer.status, 200, "round {round}: {}", answer.body);
        }
        let now = app.api(key, Method::GET, path, None).await.json();
        let now = now.as_object().unwrap().values().next().unwrap();
        for (name, value) in changes.iter().flat_map(|change| change.as_object().unwrap()) {
            assert_eq!(&now[name], value, "round {round}: {name} of {path}");
        }
        let clear = changes.iter().flat_map(|change| change.as_object().unwrap().keys());
        let clear: Value =
            clear.map(|name| (name.clone(), Value::Null)).collect::<serde_json::Map<_, _>>().into();
        assert_eq!(app.api(key, Method::PATCH, path, Some(clear)).await.status, 200);
    }
}

/// A change with the entity tag that was read is taken once; then the tag is another one.
pub(crate) async fn tags_are_honoured(app: &TestApp, key: &str, path: &str, one: &Value, other: &Value) {
    let read = app.api(key, Method::GET, path, None).await;
    let tag = read.header("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag:?} of {path}");
    let first = patch_if(app, key, path, &tag, one).await;
    assert_eq!(first.status, 200, "{}", first.body);
    assert_ne!(first.header("etag"), tag);
    let second = patch_if(app, key, path, &tag, other).await;
    assert_eq!(second.status, 412, "{}", second.body);
    assert_eq!(second.json()["code"], 10);
    assert!(second.body.contains("read it again"), "{}", second.body);
    let (now, body) = (app.api(key, Method::GET, path, None).await, first.json());
    assert_eq!(now.json(), body, "a refused change changes nothing");
    assert_eq!(now.header("etag"), first.header("etag"));
    for malformed in ["banana", "3", "W/3", "\"1\" \"2\"", ""] {
        assert_eq!(patch_if(app, key, path, malformed, one).await.status, 400, "{malformed:?}");
    }
    // A change that changes nothing is no new version, and any version may be asked for.
    assert_eq!(patch_if(app, key, path, "*", one).await.header("etag"), first.header("etag"));
    assert_eq!(patch_if(app, key, path, first.header("etag"), other).await.status, 200);
}

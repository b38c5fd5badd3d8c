//! Versions: `ETag` and `If-Match` (1.4, RFC 9110 §13.1.1).

use futures_util::future::join_all;
use reqwest::header;

use super::*;
use crate::both;

async fn send_if(
    caller: &Caller<'_>,
    method: Method,
    rest: &str,
    if_match: &str,
    body: Option<Value>,
) -> Answer {
    let browser = caller.app.browser();
    let url = caller.app.url(&format!("{}{rest}", caller.base));
    let request = browser.request(method, &url).bearer_auth(&caller.token).header(header::IF_MATCH, if_match);
    let request = request.header(header::CONTENT_TYPE, "application/json");
    browser.send(request.body(body.map(|body| body.to_string()).unwrap_or_default())).await
}

both! {
    async fn a_change_of_another_version_is_refused(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        let made = caller.send(Method::POST, "", Some(json!({ "id": "a", "name": "a" }))).await;
        let first = made.header("etag").to_owned();
        assert_eq!(caller.send(Method::GET, "/a", None).await.header("etag"), first);
        let changed = send_if(&caller, Method::PUT, "/a", &first, Some(json!({ "name": "a", "color": "#000000" }))).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
        let second = changed.header("etag").to_owned();
        assert_ne!(first, second);
        // Nothing changed: the same version.
        let same = send_if(&caller, Method::PUT, "/a", &second, Some(json!({ "name": "a", "color": "#000000" }))).await;
        assert_eq!((same.status.as_u16(), same.header("etag")), (200, second.as_str()));
        let refused = (412, "etag_mismatch".to_owned());
        for (method, rest, body) in [
            (Method::GET, "/a", None),
            (Method::PUT, "/a", Some(json!({ "name": "a" }))),
            (Method::PUT, "/a/metadata", Some(json!({ "payload": {} }))),
            (Method::DELETE, "/a", None),
        ] {
            for wrong in [first.as_str(), "W/\"77\"", "\"x\""] {
                let answer = send_if(&caller, method.clone(), rest, wrong, body.clone()).await;
                assert_eq!(error(&answer), refused, "{method} {rest} {wrong}");
            }
        }
        let list = format!("{first}, {second}");
        assert_eq!(send_if(&caller, Method::PUT, "/a/metadata", &list, Some(json!({ "payload": { "x": 1 } }))).await.status, 200);
        assert_eq!(send_if(&caller, Method::GET, "/a", "*", None).await.status, 200);
        assert_eq!(error(&send_if(&caller, Method::DELETE, "/a", &second, None).await), refused);
        let third = caller.send(Method::GET, "/a", None).await.header("etag").to_owned();
        assert_eq!(send_if(&caller, Method::DELETE, "/a", &third, None).await.status, 204);
    }

    async fn of_many_changes_of_one_version_one_is_made(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        let made = caller.send(Method::POST, "", Some(json!({ "id": "a", "name": "a" }))).await;
        let version = made.header("etag").to_owned();
        let changes = (0..16).map(|number| {
            let body = json!({ "name": "a", "description": format!("change {number}") });
            send_if(&caller, Method::PUT, "/a", &version, Some(body))
        });
        let answers = join_all(changes).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        for refused in answers.iter().filter(|answer| answer.status != 200) {
            assert_eq!(error(refused), (412, "etag_mismatch".into()));
        }
    }
}

//! Who may call: tokens, scopes and environments (1.3, 1.7).

use base::id::{Id, OrganizationId};
use model::{organization::root_id, user::UserStatus};
use ostiary::app::{
    accounts::{
        user_sessions::{OperatorSession, create_by_operator},
        users::{NewUser, create_in_first_pool},
    },
    organizations::lists,
    principal::Principal,
};

use super::*;
use crate::{both, support::random};

/// Every route of the surface, with a body that changes something.
fn routes(id: &str) -> Vec<(Method, String, Option<Value>)> {
    let body = |name: &str| Some(json!({ "name": name, "payload": {} }));
    let one = format!("/{id}");
    vec![
        (Method::GET, String::new(), None),
        (Method::GET, one.clone(), None),
        (Method::POST, String::new(), body("made")),
        (Method::PUT, one.clone(), body("changed")),
        (Method::PUT, format!("{one}/metadata"), body("")),
        (Method::DELETE, one, None),
    ]
}

both! {
    async fn each_scope_permits_what_it_says(app: TestApp) {
        let environment = app.environment("prod").await;
        let manager = Caller::new(&app, &environment).await;
        for (scope, reads, writes) in [
            ("manage_organizations", true, true),
            ("manage_configuration", true, true),
            ("organizations:write", true, true),
            ("view_organizations", true, false),
            ("organizations:read", true, false),
            ("identity", false, false),
            ("view_audit_events", false, false),
            ("manage_clients", false, false),
        ] {
            let made = manager.create(json!({ "name": format!("of {scope}") })).await;
            let token = app.system_token(&environment, &[scope]).await;
            for base in [manager.admin().base, manager.base.clone()] {
                for (number, (method, rest, body)) in routes(made["id"].as_str().unwrap()).into_iter().enumerate() {
                    // The second surface deletes.
                    if method == Method::DELETE && base != manager.base {
                        continue;
                    }
                    let body = body.map(|mut body| {
                        body["name"] = json!(format!("{scope} {base} {number}"));
                        body
                    });
                    let allowed = if method == Method::GET { reads } else { writes };
                    let answer = app.call(&token, method.clone(), &format!("{base}{rest}"), body).await;
                    match allowed {
                        true => assert!(answer.status.is_success(), "{scope} {method} {rest}: {}", answer.body),
                        false => assert_eq!(error(&answer), (403, "insufficient_scope".into()), "{scope} {method} {rest}"),
                    }
                }
            }
        }
    }

    async fn without_a_token_that_counts_every_route_is_401(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        let made = caller.create(json!({ "name": "acme" })).await;
        let id = made["id"].as_str().unwrap();
        let key = app.api_key(&environment, true).await;
        for base in [caller.base.clone(), caller.admin().base] {
            for (method, rest, body) in routes(id) {
                let url = app.url(&format!("{base}{rest}"));
                for token in [None, Some("x"), Some(key.as_str()), Some(&caller.token[..caller.token.len() - 2])] {
                    let browser = app.browser();
                    let mut request = browser.request(method.clone(), &url).header("content-type", "application/json");
                    if let Some(token) = token {
                        request = request.bearer_auth(token);
                    }
                    let answer = browser.send(request.body(body.clone().unwrap_or_default().to_string())).await;
                    assert_eq!(error(&answer), (401, "unauthorized".into()), "{method} {rest}");
                    assert_eq!(answer.header("www-authenticate"), "Bearer");
                }
            }
        }
        let url = app.url("/api/admin/prod/user/organizations");
        assert_eq!(error(&app.browser().get(&url).await), (401, "unauthorized".into()));
        assert_eq!(caller.get(id).await, made, "nothing changed");
    }

    async fn another_environment_is_no_way_in(app: TestApp) {
        let (environment, other) = (app.environment("prod").await, app.environment("other").await);
        let (caller, stranger) = (Caller::new(&app, &environment).await, Caller::new(&app, &other).await);
        let made = caller.create(json!({ "id": "acme-id", "name": "acme", "template": true })).await;
        let foreign = stranger.create(json!({ "name": "foreign" })).await;
        for (method, rest, body) in routes("acme-id") {
            // The token of another environment, whatever is there.
            for base in [caller.base.clone(), caller.admin().base, caller.base.replace("prod", &environment.id.to_string())] {
                let answer = app.call(&stranger.token, method.clone(), &format!("{base}{rest}"), body.clone()).await;
                assert_eq!(error(&answer), (403, "tenant_mismatch".into()), "{method} {rest}");
            }
            let nowhere = app.call(&stranger.token, method.clone(), &format!("/api/system/nowhere/organizations{rest}"), body.clone()).await;
            assert_eq!(error(&nowhere), (404, "tenant_not_found".into()), "{method} {rest}");
            // The id of another environment, in the caller's own.
            if rest.is_empty() {
                continue;
            }
            let answer = stranger.send(method.clone(), &rest, body.clone()).await;
            assert_eq!(error(&answer), (404, "organization_not_found".into()), "{method} {rest}");
        }
        let hex = caller.create(json!({ "name": "hex" })).await["id"].as_str().unwrap().to_owned();
        for id in ["acme-id", &hex] {
            for (body, code) in [
                (json!({ "name": "x", "parent_id": id }), "parent_not_found"),
                (json!({ "name": "x", "template_id": id }), "template_not_found"),
            ] {
                assert_eq!(error(&stranger.send(Method::POST, "", Some(body)).await), (404, code.into()));
            }
            for query in ["parent_id", "after_organization_id", "before_organization_id"] {
                let answer = stranger.send(Method::GET, &format!("?{query}={id}"), None).await;
                assert_eq!(answer.status, 404, "{query}: {}", answer.body);
            }
        }
        assert_eq!(caller.get("acme-id").await, made);
        assert_eq!(stranger.names("").await, ["foreign"]);
        assert_eq!(stranger.get(foreign["id"].as_str().unwrap()).await, foreign);
    }

    async fn an_id_of_nobody_is_not_found_and_the_root_is_none_of_them(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        let nobody: OrganizationId = Id::new(app.now(), random());
        let root = root_id(environment.id);
        let ids = [
            format!("{:032x}", nobody.bits()),
            nobody.to_string(),
            format!("{:032x}", root.bits()),
            root.to_string(),
            "root".into(),
            "system".into(),
            "nobody".into(),
            "a%20b".into(),
            "%00".into(),
            "%F0%9F%92%A9".into(),
            "x".repeat(500),
        ];
        for id in ids {
            for (method, rest, body) in routes(&id) {
                if rest.is_empty() {
                    continue;
                }
                let answer = caller.send(method.clone(), &rest, body).await;
                assert_eq!(error(&answer), (404, "organization_not_found".into()), "{method} {rest}");
            }
        }
    }

    async fn a_user_sees_the_organization_of_their_pool(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        let made = caller.create(json!({ "id": "acme-id", "name": "acme" })).await;
        caller.create(json!({ "name": "globex" })).await;
        let operator = Principal::operator(environment.id);
        let mut seen = Vec::new();
        for organization in [Some("acme-id"), None] {
            let id = match organization {
                Some(text) => Some(lists::find_id(&app.state, &operator, text).await.unwrap()),
                None => None,
            };
            let user = create_in_first_pool(&app.state, &operator, id, &NewUser::new(UserStatus::Active)).await.unwrap();
            let wanted = OperatorSession { user_id: user.id, authenticated_ago: std::time::Duration::ZERO, tenant_admin: false };
            let token = create_by_operator(&app.state, &operator, wanted).await.unwrap().1;
            let answer = app.call(&token, Method::GET, "/api/admin/prod/user/organizations", None).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert_eq!(members(&answer.json()), ["cursor", "organizations"]);
            seen.push(answer.json()["organizations"].clone());
            // It administers nothing.
            let answer = app.call(&token, Method::GET, &caller.base, None).await;
            assert_eq!(error(&answer), (401, "unauthorized".into()));
        }
        assert_eq!(seen, [json!([made]), json!([])]);
        // A service client is no user.
        let answer = app.call(&caller.token, Method::GET, "/api/admin/prod/user/organizations", None).await;
        assert_eq!(error(&answer), (401, "unauthorized".into()));
    }
}

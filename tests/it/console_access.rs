//! Authorization of every console URL: without a session, and with a session of another environment.

use model::{administrator::Role, oauth_client::IdTokenAlg};
use reqwest::Method;

use crate::{
    both,
    support::{TestApp, openid_provider},
};

/// Every URL pattern of `links::console`, read from the source.
pub fn patterns() -> Vec<&'static str> {
    let source = include_str!("../../src/links/console.rs");
    let literals = source.split('"').skip(1).step_by(2);
    let found: Vec<_> = literals.filter(|text| text.starts_with("/console")).collect();
    assert!(found.len() > 40, "{found:?}");
    found
}

/// Fills a pattern with an environment and with the ids of resources of another one.
fn filled(pattern: &str, environment: &str, things: &[(&str, String)]) -> String {
    let mut path = pattern.replace("{environment}", environment);
    for (name, id) in things {
        path = path.replace(&format!("{{{name}}}"), id);
    }
    path
}

async fn status(app: &TestApp, browser: &crate::support::Browser, method: Method, path: &str) -> u16 {
    let request = browser.request(method, &app.url(path)).header("accept", "text/html");
    browser.send(request).await.status.as_u16()
}

both! {
    async fn strangers_are_sent_to_sign_in_and_nobody_posts_without_a_session(app: TestApp) {
        let environment = app.environment("prod").await;
        let browser = app.browser();
        // Sign-in needs no session; it has tests of its own.
        for pattern in patterns().into_iter().filter(|pattern| !pattern.starts_with("/console/sign-in")) {
            let path = filled(pattern, &environment.id.to_string(), &[]);
            let answer = browser.get(&app.url(&path)).await;
            // An unknown URL, or one without GET, reveals nothing either.
            match answer.status.as_u16() {
                303 => assert!(answer.location().path() == "/console/sign-in", "{path}"),
                404 | 405 => {}
                status => panic!("{path}: {status}"),
            }
            let posted = browser.post(&app.url(&path), &[("displayName", "X")]).await;
            assert!([401, 404, 405].contains(&posted.status.as_u16()), "{path}: {}", posted.status);
        }
    }

    async fn an_environment_without_a_role_is_not_there(app: TestApp) {
        let (own, foreign) = (app.environment("own").await, app.environment("foreign").await);
        let tenant = app.tenant(&foreign, "acme.example").await;
        let console = app.console(Role::Owner, &own).await;
        let things = [
            ("organization", tenant.organization.id.to_string()),
            ("connection", tenant.connection.id.to_string()),
            ("oidc_connection", openid_provider::connection(&app, &tenant).await.id.to_string()),
        ];
        let user = app.user(&foreign, Some(tenant.organization.id), "dana@acme.example").await;
        let group = app.group_of(&user, "Admins").await;
        let things = things.into_iter().chain([
            ("pool", user.pool_id.to_string()),
            ("user", user.id.to_string()),
            ("group", group.to_string()),
        ]);
        let things: Vec<_> = things.collect();
        let (mut of_foreign, mut through_own) = (0, 0);
        for pattern in patterns().into_iter().filter(|pattern| pattern.contains("{environment}")) {
            let path = filled(pattern, &foreign.id.to_string(), &things);
            let seen = status(&app, &console.browser, Method::GET, &path).await;
            assert!([404, 405].contains(&seen), "{path}: {seen}");
            of_foreign += u32::from(seen == 404);
            let posted = console.post(&path, &[("displayName", "Stolen"), ("confirm", "Company acme.example")]).await;
            assert!([404, 405].contains(&posted.status.as_u16()), "{path}: {}", posted.status);
            // Resources of the other environment, below one's own.
            if things.iter().any(|(name, _)| pattern.contains(&format!("{{{name}}}"))) {
                let path = filled(pattern, &own.id.to_string(), &things);
                let seen = console.get(&path).await;
                assert!([404, 405].contains(&seen.status.as_u16()), "{path}: {}", seen.status);
                assert!(!seen.body.contains("acme"), "{path}: {}", seen.body);
                let posted = console.post(&path, &[("confirm", "Company acme.example")]).await;
                assert!([404, 405].contains(&posted.status.as_u16()), "{path}: {}", posted.status);
                through_own += u32::from(seen.status == 404);
            }
        }
        assert!(of_foreign > 30 && through_own > 20, "{of_foreign} {through_own}");
        console.page("/console").await.says("Environment own").does_not_say("Environment foreign");
        let other = app.console(Role::Viewer, &foreign).await;
        other.page(&format!("/organizations/{}", tenant.organization.id)).await.says("Company acme.example");
        other.page("/audit-events").await.says("created user").does_not_say("@vendor.example");
    }

    async fn a_viewer_is_forbidden_whatever_they_send(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.scim_directory(&tenant).await;
        let (client, _) = app.oauth_client(&environment, IdTokenAlg::RS256).await;
        let application = app.service_client(&environment, &["identity"]).await;
        let user = app.user(&environment, Some(tenant.organization.id), "dana@acme.example").await;
        let viewer = app.console(Role::Viewer, &environment).await;
        let things = [
            ("group", app.group_of(&user, "Admins").await.to_string()),
            ("user", user.id.to_string()),
            ("pool", user.pool_id.to_string()),
            ("organization", tenant.organization.id.to_string()),
            ("connection", tenant.connection.id.to_string()),
            ("oidc_connection", openid_provider::connection(&app, &tenant).await.id.to_string()),
            ("directory", directory.id.to_string()),
            ("client", client.id.to_string()),
            ("application", application.id.to_string()),
            ("schema", "user_v0".to_owned()),
            ("domain", "acme.example".to_owned()),
        ];
        let within = patterns().into_iter().filter(|pattern| pattern.starts_with("/console/{environment}/"));
        let mut forbidden = 0;
        for pattern in within {
            let path = filled(pattern, &environment.id.to_string(), &things);
            // Wrong in every form, so that whoever may send it is told so.
            let wrong = ["displayName", "domain", "emailAttribute", "idpKind", "overlapSeconds", "url", "slug"];
            let fields: Vec<_> = [("version", "1"), ("confirm", "x")].into_iter().chain(wrong.map(|name| (name, "x\0y"))).collect();
            let answer = viewer.post(&path, &fields).await;
            assert!([403, 404, 405].contains(&answer.status.as_u16()), "{path}: {} {}", answer.status, answer.text());
            forbidden += u32::from(answer.status == 403);
        }
        assert!(forbidden > 30, "{forbidden}");
    }

    async fn ids_that_are_none_name_nothing(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Owner, &environment).await;
        for path in ["/organizations/org_1", "/organizations/%3Cscript%3E", "/saml-connections/x%00", "/api-keys/x/delete"] {
            let answer = console.get(path).await;
            assert_eq!(answer.status, 404, "{path}");
            answer.says("This is not here");
            assert!(!answer.body.contains("<script>"), "{}", answer.body);
        }
        let lost = console.get("/console/env_0000000000000000000000000/organizations").await;
        assert_eq!(lost.status, 404);
        // The page shows the request id.
        lost.says("Reference").says(lost.header("x-request-id"));
    }

    async fn pages_are_safe_to_show(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Owner, &environment).await;
        for path in ["/console", "/organizations", "/organizations/new", "/settings", "/api-keys/new", "/audit-events"] {
            let page = console.page(path).await;
            let policy = page.header("content-security-policy").to_owned();
            assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'self'"), "{policy}");
            assert_eq!(page.header("cache-control"), "no-store");
            for inline in ["<style", " style=", "onclick=", "javascript:"] {
                assert!(!page.body.contains(inline), "{path} has {inline}");
            }
        }
    }
}

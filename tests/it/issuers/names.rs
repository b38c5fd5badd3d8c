//! The names of issuers: one URL each, whichever form was called; slugs that stay with their environment.

use model::{environment::Slug, organization_reference::PublicAlias};
use ostiary::{
    app::{
        Error,
        environments::{self, EnvironmentChange},
        principal::Principal,
        resource,
    },
    store::tenants,
};
use reqwest::Method;

use super::{api, assert_oauth_error, part};
use crate::{
    both,
    support::{Backend, TestApp, run_scenario},
};

async fn discovery(app: &TestApp, path: &str) -> serde_json::Value {
    let answer = app.browser().get(&app.url(path)).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    answer.json()
}

async fn rename(
    app: &TestApp,
    environment: &model::environment::Environment,
    slug: &str,
) -> Result<(), Error> {
    let change = EnvironmentChange { slug: Some(slug.to_owned()), ..EnvironmentChange::default() };
    let principal = Principal::operator(environment.id);
    resource::update::<model::environment::Environment>(&app.state, &principal, environment.id, None, &change)
        .await
        .map(drop)
}

both! {
    async fn every_form_of_a_name_leads_to_one_issuer(app: TestApp) {
        let environment = app.environment("prod").await;
        let mut tenant = app.tenant(&environment, "acme.example").await;
        let id = tenant.organization.id;
        let (hex, uuid) = (format!("{:032x}", id.bits()), uuid::Uuid::from_u128(id.bits()).to_string());
        let canonical = app.url(&format!("/prod/{hex}"));
        for workspace in [hex.clone(), hex.to_uppercase(), uuid.clone(), id.to_string()] {
            for tenant in ["prod", &environment.id.to_string()] {
                for path in [
                    format!("/{tenant}/{workspace}/.well-known/openid-configuration"),
                    format!("/.well-known/oauth-authorization-server/{tenant}/{workspace}"),
                ] {
                    let document = discovery(&app, &path).await;
                    assert_eq!(document["issuer"], canonical, "{path}");
                    assert_eq!(document["token_endpoint"], format!("{canonical}/oauth2/token"));
                    assert_eq!(document["jwks_uri"], format!("{canonical}/.well-known/jwks.json"));
                }
            }
        }
        // The id that a client chose comes first, and is the issuer's from then on.
        tenant.organization.public_alias = Some(PublicAlias::parse("acme").unwrap());
        app.store_organization(&tenant.organization).await;
        for workspace in ["acme", &hex, &uuid] {
            let document = discovery(&app, &format!("/prod/{workspace}/.well-known/openid-configuration")).await;
            assert_eq!(document["issuer"], app.url("/prod/acme"));
        }
        assert_eq!(app.browser().get(&app.url("/prod/ACME/.well-known/openid-configuration")).await.status, 404);
        let client = app.program(&environment, Some(id), &["a"]).await;
        let claims = part(&app.token(&format!("/prod/{uuid}/oauth2/token"), &client).await, 1);
        assert_eq!((&claims["iss"], &claims["aid"]), (&app.url("/prod/acme").into(), &"acme".into()));
        assert_eq!(claims["org_id"], "acme");
    }

    async fn discovery_lists_what_there_is_and_every_url_works(app: TestApp) {
        let environment = app.environment("prod").await;
        let vendor = app.program(&environment, None, &["a"]).await;
        let system = app.service_client(&environment, &["identity"]).await;
        for (issuer, at, client) in [
            ("/prod/system", "/prod/system/.well-known/openid-configuration", &system),
            ("/prod/root", "/prod/root/.well-known/openid-configuration", &vendor),
            ("/t/prod/oauth2/token", "/t/prod/oauth2/token/.well-known/openid-configuration", &vendor),
            ("/t/prod/oauth2/token", "/.well-known/oauth-authorization-server/t/prod/oauth2/token", &vendor),
            ("/oauth2/token", "/oauth2/token/.well-known/openid-configuration", &vendor),
            ("/oauth2/token", "/.well-known/oauth-authorization-server/oauth2/token", &vendor),
        ] {
            let document = discovery(&app, at).await;
            assert_eq!(document["issuer"], app.url(issuer), "{at}");
            for endpoint in ["authorization_endpoint", "userinfo_endpoint", "end_session_endpoint"] {
                assert_eq!(document[endpoint].is_string(), issuer != "/prod/system", "{at}: people sign in at organizations");
            }
            assert!(document["registration_endpoint"].is_null(), "{at}");
            let path = |name: &str| document[name].as_str().unwrap().strip_prefix(&app.base).unwrap().to_owned();
            let token = app.token(&path("token_endpoint"), client).await;
            assert_eq!(part(&token, 1)["iss"], app.url(issuer));
            let keys = app.browser().get(&app.url(&path("jwks_uri"))).await.json();
            let kid = part(&token, 0)["kid"].clone();
            assert!(keys["keys"].as_array().unwrap().iter().any(|key| key["kid"] == kid), "{at}");
            let id = client.id.to_string();
            let form = [("client_id", id.as_str()), ("client_secret", &client.secret), ("token", &token)];
            let active = async || {
                app.browser().post(&app.url(&path("introspection_endpoint")), &form).await.json()["active"].clone()
            };
            assert_eq!(active().await, true, "{at}");
            assert_eq!(app.browser().post(&app.url(&path("revocation_endpoint")), &form).await.status, 200);
            assert_eq!(active().await, false, "{at}");
        }
    }

    async fn a_renamed_environment_keeps_its_issuer_and_its_old_name(app: TestApp) {
        let environment = app.environment("first").await;
        let client = app.service_client(&environment, &["view_audit_events"]).await;
        let token = app.token("/first/system/oauth2/token", &client).await;
        rename(&app, &environment, "second").await.unwrap();
        rename(&app, &environment, "third").await.unwrap();
        for tenant in ["first", "second", "third", &environment.id.to_string()] {
            let document = discovery(&app, &format!("/{tenant}/system/.well-known/openid-configuration")).await;
            assert_eq!(document["issuer"], app.url("/first/system"), "{tenant}");
            let claims = part(&app.token(&format!("/{tenant}/system/oauth2/token"), &client).await, 1);
            assert_eq!((&claims["iss"], &claims["tid"]), (&app.url("/first/system").into(), &"first".into()));
            assert_eq!(app.call(&token, Method::GET, &api(tenant), None).await.status, 200, "{tenant}");
        }
        // Nobody else gets one of its names; it gets its own back.
        let taken = |made: Result<(), Error>| assert!(matches!(made, Err(Error::Conflict { field: "slug", .. })), "{made:?}");
        let create = async |slug: &str| {
            let change = EnvironmentChange { slug: Some(slug.to_owned()), ..EnvironmentChange::default() };
            environments::create(&app.state, &Principal::OPERATOR, &change).await.map(drop)
        };
        let other = app.environment("other").await;
        for slug in ["first", "second", "third"] {
            taken(create(slug).await);
            taken(rename(&app, &other, slug).await);
        }
        rename(&app, &environment, "first").await.unwrap();
        rename(&app, &environment, "fourth").await.unwrap();
        let document = discovery(&app, "/fourth/system/.well-known/openid-configuration").await;
        assert_eq!(document["issuer"], app.url("/first/system"));
        // Not after its removal either.
        environments::remove(&app.state, &Principal::operator(environment.id), environment.id, None).await.unwrap();
        for slug in ["first", "second", "third", "fourth"] {
            taken(create(slug).await);
            assert_eq!(app.browser().get(&app.url(&format!("/{slug}/system/.well-known/openid-configuration"))).await.status, 404);
        }
        // What looks for a free slug, as the import does, takes another.
        let mut conn = app.state.db.read().await.unwrap();
        for (id, slug, free) in [(other.id, "fourth", false), (other.id, "fifth", true), (environment.id, "fourth", true), (environment.id, "other", false)] {
            let slug = Slug::parse(slug).unwrap();
            assert_eq!(tenants::is_free(&mut conn, id, &slug).await.unwrap(), free, "{slug}");
        }
    }

    async fn nobody_gets_a_slug_while_its_environment_is_being_renamed(app: TestApp) {
        for round in 0..4 {
            let (slug, next) = (format!("from-{round}"), format!("to-{round}"));
            let environment = app.environment(&slug).await;
            let others: Vec<_> = (0..4)
                .map(|_| {
                    let (state, slug) = (app.state.clone(), slug.clone());
                    let change = EnvironmentChange { slug: Some(slug), ..EnvironmentChange::default() };
                    actix_web::rt::spawn(async move { environments::create(&state, &Principal::OPERATOR, &change).await.is_ok() })
                })
                .collect();
            rename(&app, &environment, &next).await.unwrap();
            for other in others {
                assert!(!other.await.unwrap(), "{slug} was given away");
            }
            let document = discovery(&app, &format!("/{slug}/system/.well-known/openid-configuration")).await;
            assert_eq!(document["issuer"], app.url(&format!("/{slug}/system")));
        }
    }

    async fn paths_that_name_no_environment_speak_for_the_only_one(app: TestApp) {
        let answer = app.browser().get(&app.url("/oauth2/token/.well-known/openid-configuration")).await;
        assert_eq!(answer.status, 404, "there is none");
        let environment = app.environment("prod").await;
        let client = app.program(&environment, None, &["a"]).await;
        let token = app.token("/oauth2/token", &client).await;
        assert_eq!(part(&token, 1)["iss"], app.url("/oauth2/token"));
        assert_eq!(part(&token, 1)["tid"], "prod");
        app.environment("staging").await;
        for (path, told) in [
            ("/oauth2/token", "this path names none (put the slug or the id of an environment first, or set default_environment)"),
            ("/t/nowhere/oauth2/token", "nowhere (write the slug or the id of an environment there)"),
            ("/nowhere/system/oauth2/token", "nowhere (write the slug or the id of an environment there)"),
            ("/prod/nowhere/oauth2/token", "the second segment is system, root, or the alias or the id of an organization"),
        ] {
            let answer = app.ask_token(path, &client, None).await;
            assert_eq!(answer.status, 404, "{path}");
            let body = answer.json();
            assert!(body["error_description"].as_str().unwrap().contains(told), "{path}: {body}");
        }
        assert_eq!(app.ask_token("/t/prod/oauth2/token", &client, None).await.status, 200);
    }

    async fn words_of_other_routes_are_no_environments(app: TestApp) {
        for (path, format) in [
            ("/api/system/oauth2/token", "status_code"),
            ("/v1/system/oauth2/token", "code"),
            ("/v1/oauth/oauth2/token", "error"),
            ("/console/system/oauth2/token", "code"),
            ("/healthz/system/oauth2/token", "code"),
            ("/.well-known/system/oauth2/token", "code"),
            ("/docs/system/.well-known/jwks.json", "code"),
        ] {
            for method in [Method::GET, Method::POST] {
                let browser = app.browser();
                let answer = browser.send(browser.request(method, &app.url(path))).await;
                assert_eq!(answer.status, 404, "{path}");
                let body = answer.json();
                assert!(!body[format].is_null(), "{path}: {body}");
            }
        }
        // An address that nobody has is answered as before.
        let page = app.browser().get(&app.url("/nowhere/at/all")).await;
        assert_eq!(page.status, 404);
        assert_eq!(app.browser().get(&app.url("/prod/system/oauth2/token")).await.status, 405);
    }
}

/// A name that nobody has yet is no error: its paths answer 404 until somebody has it.
#[test]
fn the_default_environment_is_looked_up_with_each_request() {
    run_scenario(Backend::Sqlite, |app| async move {
        let app = app.replica_with(|config| config.default_environment = Some("later".to_owned())).await;
        let only = app.environment("prod").await;
        let client = app.program(&only, None, &["a"]).await;
        let answer = app.ask_token("/oauth2/token", &client, None).await;
        assert_eq!(answer.status, 404);
        assert!(
            answer.body.contains("tenant not found: later (which the setting default_environment names)"),
            "{}",
            answer.body
        );
        let later = app.environment("later").await;
        assert_oauth_error(&app.ask_token("/oauth2/token", &client, None).await, 401, "invalid_client");
        let client = app.program(&later, None, &["a"]).await;
        assert_eq!(part(&app.token("/oauth2/token", &client).await, 1)["tid"], "later");
        assert_eq!(app.ask_token("/t/prod/oauth2/token", &client, None).await.status, 401);
    });
}

//! Authorization of every API route, and the errors of malformed calls. Every route is in [`routes`];
//! `every_route_is_tried_here` fails for one that is not.

use std::collections::BTreeSet;

use base::{
    id::{Id, WebhookDeliveryId, WebhookId},
    random::SystemRandom,
};
use model::{
    event::EventKind,
    http_url::HttpUrl,
    oauth_client::IdTokenAlg,
    webhook::{DeliveryState, Webhook, WebhookDelivery},
};
use ostiary::{
    app::{
        audit::{self, AuditFilter},
        directories::request_log::{self, NewScimRequest, ScimRequestQuery},
        environments::api_keys::{self, ApiKeyChange},
        pagination::PageQuery,
        principal::Principal,
        setup::links::{self, NewSetupLink},
    },
    http::ssoready::ROUTES,
    links::path,
    store,
};
use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::{
    both,
    openapi::assert_described,
    support::{Answer, IdentityProvider, Tenant, TestApp},
};

/// A route with a call that has an effect.
pub struct Route {
    pub method: Method,
    pub pattern: &'static str,
    pub url: String,
    /// The value of `{id}`.
    id: Option<String>,
    pub body: Option<Value>,
    management: bool,
}

impl Route {
    /// The same route, of another thing.
    fn url_for(&self, id: &str) -> String {
        self.pattern.replace("{id}", id).replace("{domain}", "acme.example")
    }

    /// An id of the same kind that no resource has.
    fn unknown_id(&self) -> Option<String> {
        let (prefix, _) = self.id.as_deref()?.rsplit_once('_')?;
        Some(format!("{prefix}_0000000000000000000000001"))
    }
}

/// One resource of each kind that routes name.
pub struct Resources {
    tenant: Tenant,
    pub directory: String,
    user: String,
    group: String,
    request: String,
    webhook: String,
    delivery: String,
    setup_link: String,
    flow: String,
    api_key: String,
    client: String,
    application: String,
    change: String,
    openid: String,
}

impl Resources {
    /// The ids of all resources; no other environment may see them.
    fn ids(&self) -> Vec<String> {
        let (tenant, id) = (&self.tenant, |id: &dyn ToString| id.to_string());
        vec![
            id(&tenant.environment.id),
            id(&tenant.organization.id),
            id(&tenant.connection.id),
            id(&self.directory),
            id(&self.user),
            id(&self.group),
            id(&self.request),
            id(&self.webhook),
            id(&self.delivery),
            id(&self.api_key),
            id(&self.client),
            id(&self.application),
            id(&self.change),
            id(&self.setup_link),
            id(&self.flow),
            id(&self.openid),
        ]
    }
}

impl std::ops::Deref for Resources {
    type Target = Tenant;
    fn deref(&self) -> &Tenant {
        &self.tenant
    }
}

pub fn routes(tenant: &Resources) -> Vec<Route> {
    let organization = tenant.organization.id.to_string();
    let connection = tenant.connection.id.to_string();
    let any = |pattern: &'static str, body: Value| Route {
        method: Method::POST,
        pattern,
        url: pattern.to_owned(),
        id: None,
        body: Some(body),
        management: false,
    };
    let read = |pattern: &'static str, value: &str| Route {
        method: Method::GET,
        pattern,
        url: match pattern.contains("{id}") {
            true => pattern.replace("{id}", value),
            false => format!("{pattern}{value}"),
        },
        id: pattern.contains("{id}").then(|| value.to_owned()),
        body: None,
        management: false,
    };
    let management = |method: Method, pattern: &'static str, value: &str, body: Option<Value>| Route {
        method,
        pattern,
        url: match pattern.contains("{id}") {
            true => pattern.replace("{id}", value),
            false => format!("{pattern}{value}"),
        }
        .replace("{domain}", "acme.example"),
        id: pattern.contains("{id}").then(|| value.to_owned()),
        body,
        management: true,
    };
    let environment = tenant.environment.id.to_string();
    let query = format!("?organizationId={organization}");
    let of_directory = format!("?scimDirectoryId={}", tenant.directory);
    let of_webhook = format!("?webhookId={}", tenant.webhook);
    vec![
        any(path::SAML_REDIRECT, json!({ "samlConnectionId": connection, "state": "s" })),
        any(path::SAML_REDEEM, json!({ "samlAccessCode": "saml_access_code_0000000000000000000000000" })),
        management(Method::GET, path::ORGANIZATIONS, "", None),
        management(Method::POST, path::ORGANIZATIONS, "", Some(json!({ "externalId": "new" }))),
        management(Method::GET, path::ORGANIZATION, &organization, None),
        management(Method::PATCH, path::ORGANIZATION, &organization, Some(json!({ "displayName": "new" }))),
        management(Method::GET, path::SAML_CONNECTIONS, &query, None),
        management(Method::POST, path::SAML_CONNECTIONS, "", Some(json!({ "organizationId": organization }))),
        management(Method::GET, path::SAML_CONNECTION, &connection, None),
        management(
            Method::PATCH,
            path::SAML_CONNECTION,
            &connection,
            Some(json!({ "emailAttribute": "new" })),
        ),
        management(Method::POST, path::SAML_CONNECTION_REFRESH, &connection, Some(json!({}))),
        management(Method::GET, path::OIDC_CONNECTIONS, &query, None),
        management(Method::POST, path::OIDC_CONNECTIONS, "", Some(json!({ "organizationId": organization }))),
        management(Method::GET, path::OIDC_CONNECTION, &tenant.openid, None),
        management(
            Method::PATCH,
            path::OIDC_CONNECTION,
            &tenant.openid,
            Some(json!({ "emailClaim": "upn" })),
        ),
        management(Method::DELETE, path::OIDC_CONNECTION, &tenant.openid, None),
        management(Method::GET, path::SAML_FLOWS, "", None),
        management(Method::GET, path::SAML_FLOW, &tenant.flow, None),
        management(Method::POST, path::SAML_FLOW_CHECK, &tenant.flow, None),
        management(Method::DELETE, path::SAML_CONNECTION, &connection, None),
        read(path::SCIM_USERS, &of_directory),
        read(path::SCIM_USER, &tenant.user),
        read(path::SCIM_GROUPS, &of_directory),
        read(path::SCIM_GROUP, &tenant.group),
        management(Method::GET, path::SCIM_REQUESTS, &of_directory, None),
        management(Method::GET, path::SCIM_REQUEST, &tenant.request, None),
        management(Method::GET, path::SCIM_DIRECTORIES, &query, None),
        management(Method::POST, path::SCIM_DIRECTORIES, "", Some(json!({ "organizationId": organization }))),
        management(Method::GET, path::SCIM_DIRECTORY, &tenant.directory, None),
        management(Method::PATCH, path::SCIM_DIRECTORY, &tenant.directory, Some(json!({ "primary": true }))),
        management(Method::POST, path::SCIM_DIRECTORY_ROTATE, &tenant.directory, Some(json!({}))),
        management(Method::POST, path::SCIM_DIRECTORY_END_OVERLAP, &tenant.directory, Some(json!({}))),
        management(Method::DELETE, path::SCIM_DIRECTORY, &tenant.directory, None),
        management(Method::GET, path::EVENTS, "", None),
        management(Method::GET, path::WEBHOOKS, "", None),
        management(Method::POST, path::WEBHOOKS, "", Some(json!({ "url": "https://hooks.example/" }))),
        management(Method::GET, path::WEBHOOK, &tenant.webhook, None),
        management(Method::PATCH, path::WEBHOOK, &tenant.webhook, Some(json!({ "eventTypes": [] }))),
        management(Method::POST, path::WEBHOOK_REPLAY, &tenant.webhook, Some(json!({ "after": 0 }))),
        management(Method::GET, path::WEBHOOK_DELIVERIES, &of_webhook, None),
        management(Method::GET, path::WEBHOOK_DELIVERY, &tenant.delivery, None),
        management(Method::POST, path::WEBHOOK_DELIVERY_REPLAY, &tenant.delivery, Some(json!({}))),
        management(Method::POST, path::WEBHOOK_ROTATE, &tenant.webhook, Some(json!({}))),
        management(Method::DELETE, path::WEBHOOK, &tenant.webhook, None),
        management(Method::GET, path::SETUP_URLS, "", None),
        management(Method::POST, path::SETUP_URLS, "", Some(json!({ "organizationId": organization }))),
        management(Method::GET, path::SETUP_URL, &tenant.setup_link, None),
        management(Method::DELETE, path::SETUP_URL, &tenant.setup_link, None),
        management(Method::GET, path::ORGANIZATION_DOMAINS, &organization, None),
        management(
            Method::POST,
            path::ORGANIZATION_DOMAINS,
            &organization,
            Some(json!({ "domain": "new.example" })),
        ),
        management(Method::POST, path::ORGANIZATION_DOMAIN_APPROVE, &organization, Some(json!({}))),
        management(Method::POST, path::ORGANIZATION_DOMAIN_CHECK, &organization, Some(json!({}))),
        management(Method::GET, path::ORGANIZATION_DOMAIN, &organization, None),
        management(Method::DELETE, path::ORGANIZATION_DOMAIN, &organization, None),
        management(Method::GET, path::ENVIRONMENT_BRANDING, &environment, None),
        management(
            Method::PATCH,
            path::ENVIRONMENT_BRANDING,
            &environment,
            Some(json!({ "applicationName": "new" })),
        ),
        management(
            Method::PUT,
            path::ENVIRONMENT_BRANDING_LOGO,
            &environment,
            Some(json!({ "logo": "R0lGODlhAQABAAAAACw=" })),
        ),
        management(Method::DELETE, path::ENVIRONMENT_BRANDING_LOGO, &environment, None),
        management(Method::DELETE, path::ORGANIZATION, &organization, None),
        management(Method::GET, path::AUDIT_EVENTS, "", None),
        management(Method::GET, path::AUDIT_EVENTS_EXPORT, "", None),
        management(Method::GET, path::AUDIT_EVENT, &tenant.change, None),
        management(Method::GET, path::API_KEYS, "", None),
        management(Method::POST, path::API_KEYS, "", Some(json!({ "displayName": "new" }))),
        management(Method::GET, path::API_KEY, &tenant.api_key, None),
        management(Method::PATCH, path::API_KEY, &tenant.api_key, Some(json!({ "displayName": "new" }))),
        management(Method::DELETE, path::API_KEY, &tenant.api_key, None),
        management(Method::GET, path::OAUTH_CLIENTS, "", None),
        management(Method::POST, path::OAUTH_CLIENTS, "", Some(json!({ "displayName": "new" }))),
        management(Method::GET, path::OAUTH_CLIENT, &tenant.client, None),
        management(Method::PATCH, path::OAUTH_CLIENT, &tenant.client, Some(json!({ "idTokenAlg": "ES256" }))),
        management(Method::POST, path::OAUTH_CLIENT_ROTATE, &tenant.client, Some(json!({}))),
        management(Method::DELETE, path::OAUTH_CLIENT, &tenant.client, None),
        management(Method::GET, path::APPLICATIONS, "", None),
        management(Method::POST, path::APPLICATIONS, "", Some(json!({ "displayName": "new" }))),
        management(Method::GET, path::APPLICATION, &tenant.application, None),
        management(
            Method::PATCH,
            path::APPLICATION,
            &tenant.application,
            Some(json!({ "signingAlg": "RS256" })),
        ),
        management(Method::POST, path::APPLICATION_ROTATE, &tenant.application, Some(json!({}))),
        management(Method::DELETE, path::APPLICATION, &tenant.application, None),
        management(Method::GET, path::ENVIRONMENTS, "", None),
        management(Method::GET, path::ENVIRONMENT, &environment, None),
        management(Method::PATCH, path::ENVIRONMENT, &environment, Some(json!({ "displayName": "new" }))),
        management(Method::DELETE, path::ENVIRONMENT, &environment, None),
    ]
}

/// Sends a call with any headers and any body.
async fn send(
    app: &TestApp,
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    body: Option<Vec<u8>>,
) -> Answer {
    let browser = app.browser();
    let mut request = browser.request(method, &app.url(url));
    for (name, value) in headers {
        request = request.header(*name, header::HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    browser
        .send(match body {
            Some(body) => request.body(body),
            None => request,
        })
        .await
}

/// Asserts the shape of every error.
fn assert_error(answer: &Answer, status: u16, code: u64, context: &str) -> String {
    assert_eq!(answer.status.as_u16(), status, "{context}: {answer:#?}");
    assert_eq!(answer.header("content-type"), "application/json", "{context}");
    let body = answer.json();
    assert_eq!(body["code"], code, "{context}: {body}");
    assert!(body["details"].is_array(), "{context}: {body}");
    assert_eq!(body.as_object().unwrap().len(), 3, "{context}: {body}");
    body["message"].as_str().expect("a message").to_owned()
}

pub async fn acme(app: &TestApp) -> Resources {
    let environment = app.environment("prod").await;
    let tenant = app.tenant(&environment, "acme.example").await;
    let (key, browser) = (app.api_key(&environment, false).await, app.browser());
    let request = app.begin(&browser, &key, &tenant).await;
    let idp = IdentityProvider::get();
    let response = idp.sign(&idp.response(&tenant, Some(&request.id), "dana@acme.example", app.now()));
    request.answer(&browser, &tenant, &response).await;
    let mut conn = app.state.db.read().await.unwrap();
    let flow = store::login_flows::find_by_request(&mut conn, tenant.connection.id.into(), &request.id).await;
    let flow = flow.unwrap().unwrap().id;
    drop(conn);
    let directory = app.directory(&tenant).await;
    let user = app.person(&directory, "dana@acme.example", true, false).await;
    let group = app.group(&directory, "Staff", &[user]).await;
    let directory_id = directory.directory.id;
    let noted = NewScimRequest {
        directory: directory_id,
        at: app.now(),
        method: "GET",
        path: "/Users",
        status: 200,
        duration: std::time::Duration::ZERO,
        request_body: b"",
        response_body: b"",
        error: None,
    };
    request_log::enqueue(&app.state, &noted);
    let (principal, any) = (Principal::operator(environment.id), ScimRequestQuery::default());
    let requests = request_log::list(&app.state, &principal, directory_id, &any, &PageQuery::default()).await;
    let sequence = app.record_event(&directory, EventKind::UserCreated, json!({})).await;
    let (now, webhook_id): (_, WebhookId) = (app.now(), Id::new(app.now(), &SystemRandom));
    let webhook = Webhook {
        id: webhook_id,
        environment_id: environment.id,
        version: 1,
        url: HttpUrl::parse("https://127.0.0.1/").unwrap(), // nothing is ever sent there
        sealed_secret: ostiary::app::webhooks::signature::WebhookSecret::new(&SystemRandom)
            .seal(&app.state, webhook_id),
        previous_secret: None,
        event_types: Vec::new(),
        disabled_at: None,
        next_sequence: sequence + 1,
        failures: 0,
        created_at: now,
        updated_at: now,
    };
    let delivery_id: WebhookDeliveryId = Id::new(now, &SystemRandom);
    let delivery = WebhookDelivery {
        id: delivery_id,
        webhook_id,
        environment_id: environment.id,
        sequence,
        state: DeliveryState::Delivered,
        attempts: 1,
        next_attempt_at: None,
        last_status: Some(200),
        last_error: None,
        created_at: now,
        updated_at: now,
    };
    let wanted = NewSetupLink {
        organization_id: tenant.organization.id,
        can_manage_saml: true,
        can_manage_scim: false,
        can_manage_domains: false,
        lifetime: None,
    };
    let (setup_link, _) = links::create(&app.state, &principal, &wanted).await.unwrap();
    let mut tx = app.state.db.write().await.unwrap();
    store::table::insert(&mut tx, &webhook).await.unwrap();
    store::webhook_deliveries::insert(&mut tx, &delivery).await.unwrap();
    tx.commit().await.unwrap();
    let (client, _) = app.oauth_client(&environment, IdTokenAlg::RS256).await;
    let application = app.service_client(&environment, &["identity"]).await;
    let named = ApiKeyChange { display_name: Some("Backend".to_owned()), ..Default::default() };
    let (api_key, _) = api_keys::create(&app.state, &principal, &named).await.unwrap();
    let openid = crate::support::openid_provider::connection(app, &tenant).await.id;
    let changes = audit::list(&app.state, &principal, &AuditFilter::default(), &PageQuery::default()).await;
    Resources {
        tenant,
        directory: directory_id.to_string(),
        user: user.to_string(),
        group: group.to_string(),
        request: requests.unwrap().items[0].id.to_string(),
        webhook: webhook_id.to_string(),
        delivery: delivery_id.to_string(),
        setup_link: setup_link.id.to_string(),
        flow: flow.to_string(),
        openid: openid.to_string(),
        api_key: api_key.id.to_string(),
        client: client.id.to_string(),
        application: application.id.to_string(),
        change: changes.unwrap().items[0].id.to_string(),
    }
}

/// The fields of the body that an operation takes.
pub fn fields(document: &Value, operation: &Value) -> Vec<String> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let name = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    let Some(name) = name else { return Vec::new() };
    document["components"]["schemas"][name]["properties"].as_object().unwrap().keys().cloned().collect()
}

/// The responses of the GET routes to a key of the same environment. Reading something confidential is an entry of the audit log
/// itself, once a minute, and each export is one.
async fn seen(app: &TestApp, key: &str, resources: &Resources) -> Vec<(String, String)> {
    let mut seen = Vec::new();
    let reads = |route: &Route| route.method == Method::GET && route.pattern != path::AUDIT_EVENTS_EXPORT;
    for route in routes(resources).into_iter().filter(reads) {
        let answer = app.api(key, Method::GET, &route.url, None).await;
        assert_eq!(answer.status, 200, "{}: {answer:#?}", route.url);
        seen.push((route.url, answer.body));
    }
    seen
}

both! {
    async fn every_route_is_tried_here(app: TestApp) {
        let tenant = acme(&app).await;
        let tried: BTreeSet<_> =
            routes(&tenant).iter().map(|route| (route.pattern, route.method.to_string())).collect();
        let registered: BTreeSet<_> = ROUTES
            .iter()
            .flat_map(|(path, methods)| methods.iter().map(|method| (*path, method.to_uppercase())))
            .collect();
        assert_eq!(registered, tried);
    }

    async fn every_route_works_for_a_good_call_and_none_is_above_500(app: TestApp) {
        let tenant = acme(&app).await;
        let key = app.api_key(&tenant.environment, true).await;
        let document = app.browser().get(&app.url(path::OPENAPI)).await.json();
        for route in routes(&tenant) {
            let answer = app.api(&key, route.method.clone(), &route.url, route.body.clone()).await;
            let context = format!("{} {}", route.method, route.url);
            match route.pattern {
                path::SAML_REDEEM => {
                    let message = assert_error(&answer, 404, 5, &context);
                    assert_eq!(message, crate::api_saml::GONE);
                }
                // The organization that was made above is still there.
                path::ENVIRONMENT if route.method == Method::DELETE => {
                    let message = assert_error(&answer, 400, 9, &context);
                    assert!(message.contains("still has organizations"), "{message}");
                }
                path::SAML_CONNECTION_REFRESH => {
                    let message = assert_error(&answer, 400, 9, &context);
                    assert!(message.contains("set idpMetadataUrl first"), "{message}");
                }
                _ => assert_eq!(answer.status, 200, "{context}: {answer:#?}"),
            }
            assert_described(&document, &route.method, route.pattern, &answer);
        }
    }

    async fn an_unauthenticated_call_is_refused_and_its_body_is_not_read(app: TestApp) {
        let tenant = acme(&app).await;
        let good = app.api_key(&tenant.environment, true).await;
        let unknown = "Bearer ssoready_sk_0000000000000000000000000".to_owned();
        let credentials: Vec<Vec<(&str, String)>> = vec![
            vec![],
            vec![("authorization", String::new())],
            vec![("authorization", "Bearer".to_owned())],
            vec![("authorization", "Bearer ".to_owned())],
            vec![("authorization", format!("bearer {good}"))],
            vec![("authorization", format!("Basic {good}"))],
            vec![("authorization", format!("Bearer  {good}"))],
            vec![("authorization", format!("Bearer {good}x"))],
            vec![("authorization", format!("Bearer {}", good.to_uppercase()))],
            vec![("authorization", "Bearer ssoready_sk_zzzzzzzzzzzzzzzzzzzzzzzzz".to_owned())],
            vec![("authorization", "Bearer ssoready_sk_1".to_owned())],
            vec![("authorization", "Bearer \u{e4}".to_owned())],
            vec![("authorization", unknown)],
            vec![("authorization", "Bearer api_key_0000000000000000000000000".to_owned())],
            vec![("authorization", "Bearer x".to_owned()), ("authorization", format!("Bearer {good}"))],
            vec![("x-api-key", good.clone())],
        ];
        for route in routes(&tenant) {
            // Failures at redeem are rate-limited, which is not tested here.
            let few = if route.pattern == path::SAML_REDEEM { 6 } else { credentials.len() };
            for headers in &credentials[..few] {
                let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                for body in [route.body.as_ref().map(|body| body.to_string().into_bytes()), Some(b"{".to_vec())] {
                    let answer = send(&app, route.method.clone(), &route.url, &headers, body).await;
                    let message = assert_error(&answer, 401, 16, &format!("{} {headers:?}", route.url));
                    assert!(!message.is_empty() && !message.contains("ssoready_sk_"), "{message}");
                }
            }
            let answer = send(&app, route.method.clone(), &route.url, &[], None).await;
            assert_eq!(assert_error(&answer, 401, 16, &route.url), "authorization header is required");
        }
        // Nothing was changed.
        let left = app.api(&good, Method::GET, "/v1/organizations", None).await.json();
        assert_eq!(left["organizations"].as_array().unwrap().len(), 1);
        assert_eq!(left["organizations"][0]["displayName"], tenant.organization.display_name);
    }

    async fn a_plain_key_manages_nothing(app: TestApp) {
        let tenant = acme(&app).await;
        let (plain, management) =
            (app.api_key(&tenant.environment, false).await, app.api_key(&tenant.environment, true).await);
        for route in routes(&tenant) {
            let answer = app.api(&plain, route.method.clone(), &route.url, route.body.clone()).await;
            if route.management {
                let message = assert_error(&answer, 401, 16, &route.url);
                assert_eq!(message, "api key is not authorized to access management api");
                let headers = [("authorization", format!("Bearer {plain}"))];
                let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let answer = send(&app, route.method, &route.url, &headers, Some(b"{".to_vec())).await;
                assert_error(&answer, 401, 16, "before the body");
            } else {
                assert_ne!(answer.status, 401, "{}", route.url);
            }
        }
        let answer = app.api(&management, Method::GET, "/v1/organizations", None).await;
        assert_eq!(answer.json()["organizations"].as_array().unwrap().len(), 1);
    }

    async fn a_key_sees_changes_and_deletes_nothing_of_another_environment(app: TestApp) {
        let resources = acme(&app).await;
        let other = app.environment("staging").await;
        let (own, foreign) = (app.api_key(&resources.environment, true).await, app.api_key(&other, true).await);
        seen(&app, &own, &resources).await;
        let before = seen(&app, &own, &resources).await;
        let ids = resources.ids();
        for route in routes(&resources) {
            let context = format!("{} {}", route.method, route.url);
            let answer = app.api(&foreign, route.method.clone(), &route.url, route.body.clone()).await;
            let asked = format!("{} {}", route.url, route.body.clone().unwrap_or_default());
            let named: Vec<_> = ids.iter().filter(|id| asked.contains(id.as_str())).collect();
            match route.pattern {
                path::SAML_REDIRECT => {
                    assert_eq!(assert_error(&answer, 400, 3, &context), "saml connection not found");
                }
                path::SAML_REDEEM => drop(assert_error(&answer, 404, 5, &context)),
                // The resource in the path is not found.
                _ if !named.is_empty() => drop(assert_error(&answer, 404, 5, &context)),
                // Without an id in the path, the call acts on the caller's own environment.
                _ => assert_eq!(answer.status, 200, "{context}: {answer:#?}"),
            }
            // The answer contains no id but the one in the request.
            for id in ids.iter().filter(|id| !named.contains(id)) {
                assert!(!answer.body.contains(id.as_str()), "{context} tells {id}: {}", answer.body);
            }
            // Exactly the answer for an id that does not exist.
            if let (Some(id), Some(unknown_id)) = (&route.id, route.unknown_id()) {
                let url = route.url_for(&unknown_id).replace("{domain}", "acme.example");
                let there = app.api(&own, route.method.clone(), &url, route.body.clone()).await;
                assert_error(&there, 404, 5, &context);
                assert_eq!(there.body.replace(&unknown_id, "ID"), answer.body.replace(id, "ID"), "{context}");
            }
        }
        assert_eq!(before, seen(&app, &own, &resources).await, "nothing was changed");
    }

    async fn what_the_document_says_a_route_takes_it_reads(app: TestApp) {
        let resources = acme(&app).await;
        let key = app.api_key(&resources.environment, true).await;
        let document = app.browser().get(&app.url(path::OPENAPI)).await.json();
        for route in routes(&resources) {
            let operation = &document["paths"][route.pattern][route.method.as_str().to_lowercase()];
            // An object is no valid value of any field that takes a text, a list or a number, nor is a list of one that takes
            // an object.
            for name in fields(&document, operation) {
                let mut body = route.body.clone().unwrap_or_else(|| json!({}));
                body[&name] = match name.as_str() {
                    "metadata" | "metadataSchema" => json!([{ "a": 1 }]),
                    _ => json!({ "a": [] }),
                };
                let answer = app.api(&key, route.method.clone(), &route.url, Some(body)).await;
                let context = format!("{} {} {name}", route.method, route.pattern);
                let message = assert_error(&answer, 400, 3, &context);
                assert!(message.starts_with(&format!("bad {name}: must be ")), "{context}: {message}");
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap();
                let schema = &parameter["schema"];
                let strict = schema["$ref"].is_string() || schema["type"] == "integer" || !schema["oneOf"].is_null();
                if parameter["in"] != "query" || !strict {
                    continue;
                }
                // Beside the field only required ones are sent: of several selectors of a directory the first counts.
                let needed = |other: &str| {
                    operation["parameters"].as_array().unwrap().iter().any(|p| p["name"] == other && p["required"] == true)
                };
                let mut url = url::Url::parse(&app.url(&route.url)).unwrap();
                let others: Vec<_> = url
                    .query_pairs()
                    .into_owned()
                    .filter(|(other, _)| other != name && needed(other))
                    .collect();
                url.query_pairs_mut().clear().extend_pairs(others).append_pair(name, "?");
                let path = format!("{}?{}", url.path(), url.query().unwrap());
                let answer = app.api(&key, route.method.clone(), &path, None).await;
                assert_error(&answer, 400, 3, &format!("{} {path}", route.method));
            }
        }
    }

    async fn ids_that_are_none_are_refused_in_ssoreadys_words(app: TestApp) {
        let tenant = acme(&app).await;
        let key = app.api_key(&tenant.environment, true).await;
        for route in routes(&tenant).iter().filter(|route| route.pattern.contains("{id}")) {
            let unknown_id = route.unknown_id().unwrap();
            let prefix = unknown_id.trim_end_matches(char::is_numeric);
            for (id, reason) in [
                ("xxx".to_owned(), format!("\"xxx\" does not have expected prefix {prefix:?}")),
                (format!("{prefix}1"), format!("\"{prefix}1\" does not have expected length {}", prefix.len() + 25)),
                (
                    format!("{prefix}{}", "Z".repeat(25)),
                    format!("\"{prefix}{}\" contains illegal char at position {}", "Z".repeat(25), prefix.len()),
                ),
                (
                    format!("{prefix}{}", "z".repeat(25)),
                    format!("\"{prefix}{}\" is larger than 128 bits", "z".repeat(25)),
                ),
                ("%00".to_owned(), format!("\"\\0\" does not have expected prefix {prefix:?}")),
                ("%ff".to_owned(), String::new()),
            ] {
                let url = route.url_for(&id);
                let answer = app.api(&key, route.method.clone(), &url, route.body.clone()).await;
                let message = assert_error(&answer, 400, 3, &url);
                if !reason.is_empty() {
                    assert_eq!(message, format!("bad id: {reason}"));
                }
            }
        }
    }

    async fn bodies_that_cannot_be_read_are_refused_and_change_nothing(app: TestApp) {
        let tenant = acme(&app).await;
        let key = app.api_key(&tenant.environment, true).await;
        let bearer = format!("Bearer {key}");
        let deep = format!("{{\"x\":{}{}}}", "[".repeat(1000), "]".repeat(1000));
        let bodies: Vec<&[u8]> = vec![
            b"{", b"[]", b"null", b"1", b"\"x\"", b"\xff\xfe", b"{\"displayName\":1}x", b"{\"a\":\"\\ud800\"}",
            b"a=b", deep.as_bytes(),
        ];
        for route in routes(&tenant).into_iter().filter(|route| route.body.is_some()) {
            for body in &bodies {
                let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
                let answer = send(&app, route.method.clone(), &route.url, &headers, Some(body.to_vec())).await;
                let message = assert_error(&answer, 400, 3, &format!("{} {:?}", route.url, body));
                assert!(message.starts_with("the body "), "{message}");
            }
            for kind in ["text/plain", "application/x-www-form-urlencoded", "application/xml", "multipart/form-data"] {
                let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
                let answer = send(&app, route.method.clone(), &route.url, &headers, Some(b"{}".to_vec())).await;
                assert_error(&answer, 415, 3, kind);
            }
            let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
            let huge = format!("{{\"x\":\"{}\"}}", "y".repeat(1024 * 1024)).into_bytes();
            let answer = send(&app, route.method.clone(), &route.url, &headers, Some(huge)).await;
            assert_error(&answer, 413, 3, &route.url);
        }
        let left = app.api(&key, Method::GET, "/v1/organizations", None).await.json();
        assert_eq!(left["organizations"].as_array().unwrap().len(), 1);
    }

    async fn json_is_taken_under_every_name_that_sdks_use(app: TestApp) {
        let tenant = acme(&app).await;
        let key = app.api_key(&tenant.environment, true).await;
        let bearer = format!("Bearer {key}");
        let url = format!("/v1/organizations/{}", tenant.organization.id);
        for kind in [None, Some("application/json"), Some("application/json; charset=utf-8"), Some("application/json;charset=UTF-8")] {
            let mut headers = vec![("authorization", bearer.as_str())];
            headers.extend(kind.map(|kind| ("content-type", kind)));
            for body in [None, Some(b"".to_vec()), Some(b"{}".to_vec()), Some(b" {\"unknown\":{}} ".to_vec())] {
                let answer = send(&app, Method::PATCH, &url, &headers, body).await;
                assert_eq!(answer.status, 200, "{kind:?}: {answer:#?}");
                assert_eq!(answer.json()["organization"]["domains"], json!(["acme.example"]));
            }
            // PHP's SDK sends a type with GET, Java's with everything.
            assert_eq!(send(&app, Method::GET, &url, &headers, None).await.status, 200);
        }
    }

    async fn what_is_not_there_is_said_in_json(app: TestApp) {
        let tenant = acme(&app).await;
        let key = app.api_key(&tenant.environment, true).await;
        for (pattern, allow) in [
            (path::SAML_REDIRECT, "POST"),
            (path::SAML_REDEEM, "POST"),
            (path::ORGANIZATIONS, "GET, POST, HEAD"),
            (path::ORGANIZATION, "GET, PATCH, DELETE, HEAD"),
            (path::SAML_CONNECTIONS, "GET, POST, HEAD"),
            (path::SAML_CONNECTION, "GET, PATCH, DELETE, HEAD"),
            (path::SCIM_DIRECTORIES, "GET, POST, HEAD"),
            (path::SCIM_DIRECTORY, "GET, PATCH, DELETE, HEAD"),
            (path::SCIM_DIRECTORY_ROTATE, "POST"),
            (path::SCIM_USERS, "GET, HEAD"),
            (path::SCIM_GROUP, "GET, HEAD"),
            (path::SCIM_REQUESTS, "GET, HEAD"),
            (path::EVENTS, "GET, HEAD"),
            (path::WEBHOOK, "GET, PATCH, DELETE, HEAD"),
            (path::WEBHOOK_DELIVERIES, "GET, HEAD"),
            (path::ENVIRONMENT, "GET, PATCH, DELETE, HEAD"),
            (path::API_KEYS, "GET, POST, HEAD"),
            (path::OAUTH_CLIENT, "GET, PATCH, DELETE, HEAD"),
            (path::OAUTH_CLIENT_ROTATE, "POST"),
            (path::AUDIT_EVENTS_EXPORT, "GET, HEAD"),
        ] {
            let answer = app.api(&key, Method::PUT, &pattern.replace("{id}", "org_1"), Some(json!({}))).await;
            assert_error(&answer, 405, 12, pattern);
            assert_eq!(answer.header("allow"), allow);
        }
        for path in ["/v1/organizations/", "/v1/organizations/org_1/x", "/v1/saml-connections/a/b", "/v1/nothing"] {
            assert_error(&app.api(&key, Method::GET, path, None).await, 404, 5, path);
        }
    }
}

//! The sample app against a mock gateway, which can also give answers that the real one never would.

use std::{
    net::TcpListener,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    body::to_bytes,
    cookie::Cookie,
    dev::ServiceResponse,
    http::{StatusCode, header},
    test, web,
};
use base::{
    random::SeededRandom,
    time::{ManualClock, Timestamp},
};
use base64::Engine as _;
use oauth::{algorithm::IdTokenAlg, signing_key::SigningKey};
use serde_json::{Value, json};
use url::Url;

use crate::{
    demo_app::*,
    links::{Links, path},
    web::kit::routing::RouteTable,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const API_KEY: &str = "ssoready_sk_12vqjrnxk9xeov6o4f05pan0g";
const CLIENT: &str = "saml_oauth_client_12vqjrnxk9xeov6o4f05pan0g";
const CLIENT_SECRET: &str = "ssoready_oauth_client_secret_12vqjrnxk9xeov6o4f05pan0g";

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(IdTokenAlg::ES256).unwrap());
static OTHER_KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(IdTokenAlg::ES256).unwrap());

/// The requests that the mock gateway received, and its answers.
#[derive(Default)]
struct MockGateway {
    requests: Vec<(String, Option<String>, String)>,
    redeem: Value,
    claims: Value,
    userinfo: Value,
    refuse: bool,
    other_keys: bool,
}

type MockData = web::Data<Mutex<MockGateway>>;

async fn answer(request: HttpRequest, body: String, mock_data: MockData) -> HttpResponse {
    let mut mock = mock_data.lock().unwrap();
    let bearer = request.headers().get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
    mock.requests.push((request.path().to_owned(), bearer, body.clone()));
    if mock.refuse {
        return HttpResponse::BadRequest()
            .json(json!({ "code": 3, "message": "no such <thing>", "details": [] }));
    }
    HttpResponse::Ok().json(match request.path() {
        path::SAML_REDIRECT => {
            let state = serde_json::from_str::<Value>(&body).unwrap()["state"].clone();
            json!({ "redirectUrl": format!("https://sso.example/init?state={}", state.as_str().unwrap()) })
        }
        path::SAML_REDEEM => mock.redeem.clone(),
        path::OAUTH_TOKEN => {
            let id_token = KEY.sign_jwt(&mock.claims).unwrap();
            json!({ "access_token": "ostiary_at_1234567890123", "id_token": id_token, "token_type": "Bearer" })
        }
        path::OAUTH_JWKS => json!({ "keys": [if mock.other_keys { OTHER_KEY.jwk() } else { KEY.jwk() }] }),
        path::OAUTH_USERINFO => mock.userinfo.clone(),
        other => panic!("unexpected request for {other}"),
    })
}

/// A mock gateway on a port of its own, and the sample app that uses it.
fn start_mock() -> (MockData, Links, web::Data<DemoApp>, Arc<ManualClock>) {
    let mock_data: MockData = web::Data::new(Mutex::default());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let links = Links::new(&format!("http://{}", listener.local_addr().unwrap()).parse().unwrap()).unwrap();
    let data = mock_data.clone();
    let server = HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(answer)))
        .workers(1)
        .disable_signals()
        .listen(listener)
        .unwrap();
    actix_web::rt::spawn(server.run());
    let clock = Arc::new(ManualClock::at(NOW));
    let customer = |name: &str| DemoOrganization {
        name: name.to_owned(),
        domain: format!("{name}.example"),
        external_id: format!("{name}-1"),
    };
    let app = DemoApp::new(DemoSettings {
        links: links.clone(),
        server_side: links.clone(),
        api_key: API_KEY.parse().unwrap(),
        oauth_client_id: CLIENT.parse().unwrap(),
        oauth_client_secret: CLIENT_SECRET.parse().unwrap(),
        letters: Arc::new(Vec::new),
        organizations: vec![customer("acme"), customer("globex")],
        clock: clock.clone(),
        random: Arc::new(SeededRandom::new(7)),
    })
    .unwrap();
    (mock_data, links, web::Data::new(app), clock)
}

/// A response as a browser sees it.
struct PageResponse {
    status: StatusCode,
    location: Option<Url>,
    cookie: Option<Cookie<'static>>,
    html: String,
}

async fn request_page(
    app: &web::Data<DemoApp>,
    request: test::TestRequest,
    cookie: Option<&Cookie<'static>>,
) -> PageResponse {
    let service = test::init_service(
        App::new()
            .app_data(app.clone())
            .configure(|config| RouteTable::default().configure(config, configure)),
    )
    .await;
    let request = match cookie {
        Some(cookie) => request.cookie(cookie.clone()),
        None => request,
    };
    let response: ServiceResponse = test::call_service(&service, request.to_request()).await;
    let location = response
        .headers()
        .get(header::LOCATION)
        .map(|value| Url::parse("http://demo.example").unwrap().join(value.to_str().unwrap()).unwrap());
    PageResponse {
        status: response.status(),
        location,
        cookie: response.response().cookies().next().map(Cookie::into_owned),
        html: String::from_utf8(to_bytes(response.into_body()).await.unwrap().to_vec()).unwrap(),
    }
}

fn submit_form(button: &str, email: &str) -> test::TestRequest {
    test::TestRequest::post().uri(path::DEMO_SIGN_IN).set_form([("email", email), ("way", button)])
}

fn open(path: &str, query: &[(&str, &str)]) -> test::TestRequest {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    test::TestRequest::get().uri(&format!("{path}?{query}"))
}

fn parameter(url: &Url, name: &str) -> String {
    url.query_pairs()
        .find(|(key, _)| key == name)
        .unwrap_or_else(|| panic!("{url} lacks {name}"))
        .1
        .into_owned()
}

#[actix_web::test]
async fn a_person_signs_in_through_the_rest_api() {
    let (mock_data, _, app, _) = start_mock();
    let begun = request_page(&app, submit_form("saml", " dana@ACME.example "), None).await;
    assert_eq!(begun.status, 303);
    let state = parameter(&begun.location.unwrap(), "state");
    let browser = begun.cookie.unwrap();
    assert!(browser.http_only().unwrap());
    mock_data.lock().unwrap().redeem = json!({
        "email": "dana@acme.example", "state": state, "organizationId": "org_x", "organizationExternalId": "acme-1",
        "attributes": { "groups": "a" }, "attributeValues": { "groups": ["a", "b"] }
    });

    let callback =
        || open(path::DEMO_CALLBACK, &[("saml_access_code", "saml_access_code_12vqjrnxk9xeov6o4f05pan0g")]);
    let stranger = request_page(&app, callback(), None).await;
    assert_eq!((stranger.status, stranger.cookie), (StatusCode::FORBIDDEN, None));
    let back = request_page(&app, callback(), Some(&browser)).await;
    assert_eq!(back.status, 303);
    let session = back.cookie.unwrap();
    assert_ne!(session.value(), browser.value(), "a planted session id does not survive the login");

    let home = request_page(&app, open(path::DEMO, &[]), Some(&session)).await;
    for shown in ["dana@acme.example", "<span id=\"organization\">acme</span>", "a, b", "curl -X POST"] {
        assert!(home.html.contains(shown), "{shown} in {}", home.html);
    }
    assert!(!home.html.contains(API_KEY) && !home.html.contains("12vqjrnxk9xeov6o4f05pan0g"));
    let again = request_page(&app, callback(), Some(&browser)).await;
    assert_eq!(again.status, StatusCode::FORBIDDEN, "a login is finished once");

    let requests = &mock_data.lock().unwrap().requests;
    assert_eq!(requests[0].1.as_deref(), Some(format!("Bearer {API_KEY}").as_str()));
    assert!(requests[0].2.contains("\"organizationExternalId\":\"acme-1\""));
}

#[actix_web::test]
async fn signing_out_ends_the_session() {
    let (mock_data, _, app, clock) = start_mock();
    mock_data.lock().unwrap().redeem = json!({ "email": "dana@acme.example", "state": "" });
    let callback = open(path::DEMO_CALLBACK, &[("saml_access_code", "x")]);
    let session = request_page(&app, callback, None).await.cookie.unwrap();
    let signed_in = async || {
        request_page(&app, open(path::DEMO, &[]), Some(&session)).await.html.contains("You are signed in")
    };
    assert!(signed_in().await);
    clock.advance(Duration::from_secs(7 * 3600));
    assert!(signed_in().await);
    let out = request_page(&app, test::TestRequest::post().uri(path::DEMO_SIGN_OUT), Some(&session)).await;
    assert_eq!(out.location.unwrap().path(), path::DEMO);
    assert_eq!(out.cookie.unwrap().value(), "");
    assert!(!signed_in().await);
}

#[actix_web::test]
async fn a_person_signs_in_through_openid_connect() {
    let (mock_data, links, app, _) = start_mock();
    let begun = request_page(&app, submit_form("oidc", "dana@acme.example"), None).await;
    let (url, browser) = (begun.location.unwrap(), begun.cookie.unwrap());
    assert_eq!(url.path(), path::OAUTH_AUTHORIZE);
    assert_eq!(parameter(&url, "organizationExternalId"), "acme-1");
    assert_eq!(parameter(&url, "login_hint"), "dana@acme.example");
    let claims = json!({
        "iss": links.oauth_issuer(), "aud": CLIENT, "nonce": parameter(&url, "nonce"), "exp": NOW.seconds() + 60,
        "sub": "dana@acme.example", "organizationExternalId": "acme-1", "attributes": { "department": "R&D" }
    });
    {
        let mut mock = mock_data.lock().unwrap();
        mock.claims = claims;
        mock.userinfo = json!({ "sub": "dana@acme.example", "email": "dana@acme.example" });
    }
    let state = parameter(&url, "state");
    let callback = open(path::DEMO_OAUTH_CALLBACK, &[("code", "the-code"), ("state", &state)]);
    let back = request_page(&app, callback, Some(&browser)).await;
    assert_eq!(back.status, 303, "{}", back.html);
    let home = request_page(&app, open(path::DEMO, &[]), Some(&back.cookie.unwrap())).await;
    assert!(home.html.contains("R&amp;D") && home.html.contains("ID token, decoded"));

    let requests = &mock_data.lock().unwrap().requests;
    let form: std::collections::HashMap<_, _> =
        url::form_urlencoded::parse(requests[0].2.as_bytes()).into_owned().collect();
    let digest = openssl::sha::sha256(form["code_verifier"].as_bytes());
    let challenge = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest);
    assert_eq!(challenge, parameter(&url, "code_challenge"));
    assert_eq!(form["redirect_uri"], parameter(&url, "redirect_uri"));
    assert_eq!((form["client_secret"].as_str(), form["code"].as_str()), (CLIENT_SECRET, "the-code"));
    assert_eq!(requests[1].0, path::OAUTH_JWKS);
    assert_eq!(requests[2].1.as_deref(), Some("Bearer ostiary_at_1234567890123"));
}

#[actix_web::test]
async fn an_id_token_that_is_not_for_this_login_is_not_accepted() {
    let (mock_data, links, app, _) = start_mock();
    for (claim, value, reason) in [
        ("iss", json!("https://other.example"), "its issuer is another"),
        ("aud", json!("saml_oauth_client_other"), "it is for another audience"),
        ("nonce", json!("other"), "its nonce is not ours"),
        ("nonce", Value::Null, "its nonce is not ours"),
        ("exp", json!(NOW.seconds()), "it has expired"),
        ("sub", json!("dana@acme.example"), "it is signed by no known key"),
    ] {
        mock_data.lock().unwrap().other_keys = claim == "sub";
        let begun = request_page(&app, submit_form("oidc", "dana@acme.example"), None).await;
        let (url, browser) = (begun.location.unwrap(), begun.cookie.unwrap());
        let mut claims = json!({
            "iss": links.oauth_issuer(), "aud": CLIENT, "nonce": parameter(&url, "nonce"),
            "exp": NOW.seconds() + 60, "sub": "dana@acme.example"
        });
        claims[claim] = value;
        mock_data.lock().unwrap().claims = claims;
        let state = parameter(&url, "state");
        let callback = open(path::DEMO_OAUTH_CALLBACK, &[("code", "the-code"), ("state", &state)]);
        let back = request_page(&app, callback, Some(&browser)).await;
        assert_eq!((back.status, back.cookie), (StatusCode::BAD_GATEWAY, None));
        assert!(back.html.contains(reason), "{reason}");
    }
}

#[actix_web::test]
async fn a_refusal_that_comes_back_is_shown_and_escaped() {
    let (_, _, app, _) = start_mock();
    let begun = request_page(&app, submit_form("oidc", "dana@acme.example"), None).await;
    let state = parameter(&begun.location.unwrap(), "state");
    let query = [("error", "access_denied"), ("error_description", "<b>no</b>"), ("state", &state)];
    let planted = request_page(&app, open(path::DEMO_OAUTH_CALLBACK, &query), None).await;
    assert!(!planted.html.contains("access_denied"), "nobody can put words on the page of another's browser");
    let shown = request_page(&app, open(path::DEMO_OAUTH_CALLBACK, &query), begun.cookie.as_ref()).await;
    assert_eq!(shown.status, StatusCode::FORBIDDEN);
    assert!(shown.html.contains("data-reason=\"access_denied\"") && shown.html.contains("&lt;b&gt;no"));
}

#[actix_web::test]
async fn the_third_button_begins_a_login_of_the_first_customer() {
    let (mock_data, _, app, _) = start_mock();
    let begun = request_page(&app, submit_form("refused", ""), None).await;
    assert_eq!(begun.status, 303);
    assert!(mock_data.lock().unwrap().requests[0].2.contains("acme-1"));
}

#[actix_web::test]
async fn what_cannot_go_on_says_why() {
    let (mock_data, _, app, _) = start_mock();
    let unknown = request_page(&app, submit_form("saml", "dana@gmail.com"), None).await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unknown.html.contains("value=\"dana@gmail.com\"") && unknown.html.contains("aria-invalid"));
    for (address, query) in
        [(path::DEMO_CALLBACK, &[][..]), (path::DEMO_OAUTH_CALLBACK, &[("code", "x"), ("state", "y")])]
    {
        assert!(request_page(&app, open(address, query), None).await.status.is_client_error());
    }
    mock_data.lock().unwrap().refuse = true;
    let refused = request_page(&app, submit_form("saml", "dana@acme.example"), None).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.html.contains("answered 400: no such &lt;thing&gt;"));
}

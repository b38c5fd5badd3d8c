//! Signing in with an account at an organization's issuer, from outside: what an OpenID client and a browser see.

mod attacks;
mod company;
mod company_attacks;
mod company_ends;
mod delegated_pages;
mod delegates;
mod delegates_domains;
mod enrolment;
mod flow;
mod joining;
mod killed;
mod led;
mod limits;
mod log;
mod names;
mod openidconnect_crate;
mod other_clients;
mod own_account;
mod pages;
mod passkeys;
mod requests;
mod scripts;
mod self_service;
mod tokens;
mod told;
mod two_pools;
mod vouched;

use base::id::{EnvironmentId, OrganizationId, UserId};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use model::{
    account::CredentialState,
    application::ClientKind,
    environment::Environment,
    user::{IdentifierKind, UserStatus},
};
use ostiary::app::{
    accounts::{
        credentials::{ImportedCredential, NewCredential},
        users::{self, NewAddress, NewIdentifier, NewUser},
    },
    applications::{ApplicationChange, NewApplication},
    principal::Principal,
};
use serde_json::{Map, Value, json};
use url::Url;

use crate::support::{Answer, Browser, TestApp, query, tokens::Client};

const EMAIL: &str = "dana@acme.com";
const PASSWORD: &str = "violet kettle under snow";
const CALLBACK: &str = "https://portal.example/callback";
const SIGNED_OUT: &str = "https://portal.example/signed-out";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// An organization with a user, and the vendor's application.
struct World {
    environment: Environment,
    organization: OrganizationId,
    /// The path of the organization's issuer.
    issuer: String,
    user: UserId,
    client: Client,
}

fn password(text: &str) -> NewCredential {
    NewCredential {
        credential: ImportedCredential::Password(text.into()),
        state: CredentialState::Valid,
        expires_at: None,
    }
}

fn issuer_of(slug: &str, organization: OrganizationId) -> String {
    format!("/{slug}/{:032x}", organization.bits())
}

/// A user of an organization with this address and these credentials.
async fn add_user(
    app: &TestApp,
    environment: EnvironmentId,
    organization: OrganizationId,
    email: &str,
    credentials: Vec<NewCredential>,
) -> UserId {
    let principal = Principal::operator(environment);
    let mut new = NewUser::new(UserStatus::Active);
    new.identifiers.push(NewIdentifier::new(IdentifierKind::Email, email));
    new.addresses.push(NewAddress::email(email, true));
    new.profile.payload = Some(Map::from_iter([
        ("name".to_owned(), json!("Dana Doe")),
        ("given_name".to_owned(), json!("Dana")),
    ]));
    new.credentials = credentials;
    let id = users::create_in_first_pool(&app.state, &principal, Some(organization), &new).await.unwrap().id;
    offered_passkey(app, id).await;
    id
}

/// They were asked whether they want a passkey, and are not asked again.
async fn offered_passkey(app: &TestApp, id: UserId) {
    let mut tx = app.state.db.write().await.unwrap();
    ostiary::store::users::update_passkey_offered(&mut tx, id, app.now()).await.unwrap();
    tx.commit().await.unwrap();
}

/// An application of the vendor that signs people in.
async fn add_application(app: &TestApp, environment: &Environment, kind: ClientKind) -> Client {
    let new = NewApplication { kind, workspace: None, organization_id: None };
    let change = ApplicationChange {
        display_name: Some("Portal".into()),
        redirect_uris: Some(vec![CALLBACK.into()]),
        post_logout_redirect_uris: Some(vec![SIGNED_OUT.into()]),
        ..ApplicationChange::default()
    };
    app.make_client(environment, new, &change).await
}

async fn world(app: &TestApp) -> World {
    let environment = app.environment("prod").await;
    // Its people have addresses for which its connection does not count.
    let tenant = app.tenant(&environment, "acme.example").await;
    let organization = tenant.organization.id;
    let user = add_user(app, environment.id, organization, EMAIL, vec![password(PASSWORD)]).await;
    let client = add_application(app, &environment, ClientKind::Public).await;
    World { issuer: issuer_of("prod", organization), environment, organization, user, client }
}

impl World {
    /// The address of an authorization request with these parameters besides, or instead of, the usual ones.
    fn authorize(&self, app: &TestApp, extra: &[(&str, &str)]) -> String {
        self.authorize_at(app, &self.issuer, extra)
    }

    fn authorize_at(&self, app: &TestApp, issuer: &str, extra: &[(&str, &str)]) -> String {
        // Ids sort by time: the login that begins last is the first in the list.
        app.advance(std::time::Duration::from_millis(1));
        let id = self.client.id.to_string();
        let usual = [
            ("client_id", id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", CALLBACK),
            ("scope", "openid profile email offline_access"),
            ("state", "st&te"),
            ("nonce", "n-1"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let replaced = |name: &str| extra.iter().any(|(other, _)| *other == name);
        let pairs = usual.iter().filter(|(name, _)| !replaced(name)).chain(extra);
        let mut url = Url::parse(&app.url(&format!("{issuer}/oauth2/authorize"))).unwrap();
        url.query_pairs_mut().extend_pairs(pairs.filter(|(_, value)| !value.is_empty()));
        url.into()
    }

    /// Signs in with these, from an authorization request on. The last answer.
    async fn sign_in(&self, app: &TestApp, browser: &Browser, email: &str, password: &str) -> Answer {
        let page = self.password_page(browser, &self.authorize(app, &[]), email).await;
        give(browser, &page, "password", password).await
    }

    /// The page that asks for the password of an address.
    async fn password_page(&self, browser: &Browser, authorize: &str, email: &str) -> Answer {
        let begun = browser.get(authorize).await;
        assert_eq!(begun.status, 303, "{}", begun.body);
        let page = browser.get(begun.location().as_str()).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let page = give(browser, &page, "identifier", email).await;
        assert_eq!(page.status, 200, "{}", page.body);
        page
    }

    /// The code of a whole sign-in in a new browser.
    async fn code(&self, app: &TestApp) -> String {
        code(&self.sign_in(app, &app.browser(), EMAIL, PASSWORD).await)
    }

    /// What the token endpoint answers for a code.
    async fn exchange(&self, app: &TestApp, code: &str, extra: &[(&str, &str)]) -> Answer {
        let id = self.client.id.to_string();
        let usual = [
            ("grant_type", "authorization_code"),
            ("client_id", id.as_str()),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.ask(app, &usual, extra).await
    }

    async fn refresh(&self, app: &TestApp, token: &str, extra: &[(&str, &str)]) -> Answer {
        let id = self.client.id.to_string();
        let usual = [("grant_type", "refresh_token"), ("client_id", id.as_str()), ("refresh_token", token)];
        self.ask(app, &usual, extra).await
    }

    async fn ask(&self, app: &TestApp, usual: &[(&str, &str)], extra: &[(&str, &str)]) -> Answer {
        let replaced = |name: &str| extra.iter().any(|(other, _)| *other == name);
        let pairs = usual.iter().filter(|(name, _)| !replaced(name)).chain(extra);
        let form: Vec<(&str, &str)> = pairs.copied().filter(|(_, value)| !value.is_empty()).collect();
        app.browser().post(&app.url(&format!("{}/oauth2/token", self.issuer)), &form).await
    }

    /// The tokens of a whole sign-in.
    async fn tokens(&self, app: &TestApp) -> Value {
        let answer = self.exchange(app, &self.code(app).await, &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    /// What userinfo answers to a token.
    async fn userinfo(&self, app: &TestApp, token: &str) -> Answer {
        app.call(token, reqwest::Method::GET, &format!("{}/userinfo", self.issuer), None).await
    }
}

/// Fills in one field of the page's form and sends it.
async fn give(browser: &Browser, page: &Answer, field: &str, value: &str) -> Answer {
    let mut form = page.form();
    form.fields.retain(|(name, _)| name != field);
    form.fields.push((field.to_owned(), value.to_owned()));
    browser.submit(page, &form).await
}

/// The code in the redirect to the application.
#[track_caller]
fn code(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.body);
    let location = answer.location();
    assert!(location.as_str().starts_with(CALLBACK), "{location}");
    query(&location, "code").unwrap_or_else(|| panic!("no code in {location}"))
}

/// The claims of a token.
fn claims(token: &str) -> Value {
    serde_json::from_slice(&BASE64.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_else(|| panic!("no {name} in {body}"))
}

/// Asserts an error of the token endpoint.
#[track_caller]
fn assert_error(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), text(&answer.json(), "error")), (status, code), "{}", answer.body);
}

/// A person in a browser: password, passkey, authenticator app.
#[test]
fn a_person_signs_in_with_passkey_and_authenticator_app() {
    crate::support::run_scenario(crate::support::Backend::Sqlite, async |app: TestApp| {
        // The browser's clock is the machine's.
        let world = world(&app).await;
        enrolment::forget_the_offer(&app, world.user).await;
        let organization = app.tenant(&world.environment, "globex.com").await.organization.id;
        let user = add_user(&app, world.environment.id, organization, EMAIL, vec![password(PASSWORD)]).await;
        let strict = World {
            issuer: issuer_of("prod", organization),
            environment: world.environment.clone(),
            organization,
            user,
            client: Client { id: world.client.id, secret: String::new() },
        };
        enrolment::change_pool(&app, &strict, |pool| {
            pool.second_factors.allowed = vec![model::identity_pool::AuthenticationMechanism::Totp];
            pool.second_factor_threshold = Some(1.into());
        })
        .await;
        // The application, which the walk serves.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let callback = format!("http://127.0.0.1:{port}/callback");
        let principal = Principal::operator(world.environment.id);
        let change =
            ApplicationChange { redirect_uris: Some(vec![callback.clone()]), ..ApplicationChange::default() };
        let id = world.client.id;
        ostiary::app::resource::update::<model::application::Application>(
            &app.state, &principal, id, None, &change,
        )
        .await
        .unwrap();
        let asked = [("redirect_uri", callback.as_str())];
        let (authorize, strict) = (world.authorize(&app, &asked), strict.authorize(&app, &asked));
        let port = port.to_string();
        let sign_out = app.url(&format!("{}/oidc/logout", world.issuer));
        let run = tokio::task::spawn_blocking(move || {
            let dir = tempfile::TempDir::new().unwrap();
            let pictures =
                std::env::var("OSTIARY_TEST_PICTURES").unwrap_or_else(|_| dir.path().display().to_string());
            std::fs::create_dir_all(&pictures).unwrap();
            std::process::Command::new(crate::support::python())
                .args([
                    "tests/python/walk_passkeys.py",
                    &authorize,
                    &sign_out,
                    &strict,
                    EMAIL,
                    PASSWORD,
                    &port,
                    &pictures,
                ])
                .output()
                .unwrap()
        });
        let output = run.await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let flow = log::latest(&app, &world).await;
        assert_eq!(flow.protocol, model::login_flow::LoginProtocol::Account);
    });
}

//! What people do for themselves: a new password by a letter, an address confirmed, an account made, a sign-in without an
//! application.

use std::time::Duration;

use base::id::UserId;
use model::{
    application::ClientKind,
    identity_pool::IdentityPool,
    identity_schema::SchemaRef,
    login_flow::FlowStatus,
    organization::Organization,
    user::{IdentifierKind, User, UserStatus},
};
use ostiary::app::{
    accounts::{
        credentials::{ImportedCredential, NewCredential},
        pools::{self, PoolChange},
        schemas::{self, SchemaSettings},
        totp::TotpSecret,
        user_credentials,
        users::{self, NewAddress, NewIdentifier, NewUser},
    },
    authorization_server::sign_in::activation,
    organizations::OrganizationChange,
    principal::Principal,
    resource,
};
use serde_json::{Value, json};
use url::Url;

use super::{EMAIL, PASSWORD, World, add_user, code, give, issuer_of, log::latest, password, world};
use crate::{
    both,
    support::{
        Answer, Browser, TestApp,
        mail::{MailServer, header},
        query,
    },
};

pub(super) const NEW_PASSWORD: &str = "purple kettle under rain";

/// A server with a mail server, and an organization with a user and an application.
pub(super) struct Post {
    pub mail: MailServer,
    pub app: TestApp,
    pub world: World,
}

impl Post {
    pub async fn new(app: &TestApp) -> Self {
        let mail = MailServer::start().await;
        let app = app.sending_by(mail.port).await;
        let world = world(&app).await;
        Self { mail, app, world }
    }

    pub fn url(&self, path: &str) -> String {
        self.app.url(&format!("{}{path}", self.world.issuer))
    }

    pub fn principal(&self) -> Principal {
        Principal::operator(self.world.environment.id)
    }

    pub async fn user(&self, id: UserId) -> User {
        users::find_any(&self.app.state, &self.principal(), id).await.unwrap()
    }

    /// Changes the pool of the organization.
    async fn change_pool(&self, change: &PoolChange) -> IdentityPool {
        let pool = self.user(self.world.user).await.pool_id;
        pools::update(&self.app.state, &self.principal(), pool, None, change).await.unwrap()
    }

    pub async fn allow_registration(&self) {
        let change = PoolChange { public_registration_allowed: Some(true), ..PoolChange::default() };
        self.change_pool(&change).await;
    }

    /// Asks for a letter to an address, on the page.
    pub async fn forget(&self, browser: &Browser, page: &str, address: &str) -> Answer {
        // Ids of one moment have no order.
        self.app.clock.advance(Duration::from_millis(1));
        let page = browser.get(page).await;
        assert_eq!(page.status, 200, "{}", page.body);
        give(browser, &page, "identifier", address).await
    }

    /// The link of a letter, which is below the organization's issuer.
    pub async fn link(&self, address: &str, count: usize) -> String {
        let letter = self.mail.letter_with_code_to(address, count).await;
        link_of(&letter)
    }

    pub async fn statuses(&self) -> Vec<(String, String, Option<String>)> {
        let mut conn = self.app.state.db.read().await.unwrap();
        conn.sql("SELECT kind, state, last_error FROM letters ORDER BY id").all().await.unwrap()
    }

    async fn count(&self, sql: &'static str) -> i64 {
        let mut conn = self.app.state.db.read().await.unwrap();
        let (count,): (i64,) = conn.sql(sql).one().await.unwrap();
        count
    }
}

fn link_of(letter: &Value) -> String {
    let text = letter["text"].as_str().expect("a text");
    text.lines().find(|line| line.starts_with("http")).expect("a link").to_owned()
}

/// Where a link of a page leads.
#[track_caller]
fn href(page: &Answer, text: &str) -> String {
    let (before, _) =
        page.body.split_once(&format!("\">{text}</a>")).unwrap_or_else(|| panic!("no {text}: {}", page.body));
    before.rsplit_once("href=\"").unwrap().1.replace("&amp;", "&")
}

/// The pages of people who are not known and of those who are, without what was typed.
fn alike(answer: &Answer, address: &str) -> String {
    let mut text = answer.body.replace(address, "ADDRESS");
    while let Some(at) = text.find("request_") {
        text.replace_range(at..at + "request_".len() + 25, "REQUEST");
    }
    text
}

both! {
    async fn a_forgotten_password_is_set_by_a_letter_within_the_sign_in(app: TestApp) {
        let post = Post::new(&app).await;
        let (browser, world) = (post.app.browser(), &post.world);
        // Signed in elsewhere.
        let elsewhere = post.app.browser();
        code(&world.sign_in(&post.app, &elsewhere, EMAIL, PASSWORD).await);
        let page = world.password_page(&browser, &world.authorize(&post.app, &[]), EMAIL).await;
        let forgot = href(&page, "Forgot your password?");
        assert!(forgot.contains("request=request_"), "{forgot}");
        let sent = post.forget(&browser, page.url.join(&forgot).unwrap().as_ref(), EMAIL).await;
        assert!(sent.status == 200 && sent.body.contains("a letter is on its way"), "{}", sent.body);
        let link = post.link(EMAIL, 1).await;
        assert!(link.starts_with(&post.url("/sign-in/reset?code=")), "{link}");
        assert_eq!(header(&post.mail.letter_to(EMAIL, 1).await, "Subject"), "Set a new password for Portal");
        // Previews open it, and open it again, in browsers of their own.
        for _ in 0..10 {
            assert_eq!(post.app.browser().get(&link).await.status, 200);
        }
        let page = browser.get(&link).await;
        assert!(page.body.contains("At least 12 characters"), "the rules are told beforehand: {}", page.body);
        for (bad, why) in [("short", "at least 12 characters"), ("dana@acme.com", "your own name or address")] {
            let again = give(&browser, &page, "password", bad).await;
            assert!(again.status == 400 && again.body.contains(why), "{bad}: {}", again.body);
        }
        let done = give(&browser, &page, "password", NEW_PASSWORD).await;
        assert_eq!(done.status, 303, "{}", done.body);
        let back = browser.get(done.location().as_str()).await;
        assert!(back.status == 200 && back.body.contains("Your password is set"), "{}", back.body);
        let page = give(&browser, &back, "identifier", EMAIL).await;
        let signed_in = give(&browser, &page, "password", NEW_PASSWORD).await;
        assert_eq!(query(&signed_in.location(), "state").as_deref(), Some("st&te"), "the sign-in that was under way");
        code(&signed_in);
        // The session elsewhere is over, the former password too, and the link is good once.
        let silent = elsewhere.get(&world.authorize(&post.app, &[("prompt", "none")])).await;
        assert_eq!(query(&silent.location(), "error").as_deref(), Some("login_required"));
        assert_eq!(world.sign_in(&post.app, &post.app.browser(), EMAIL, PASSWORD).await.status, 401);
        assert_eq!(browser.get(&link).await.reason(), Some("link_ended"));
        let form = [("code", &*query(&Url::parse(&link).unwrap(), "code").unwrap()), ("password", "other kettle under hail")]
            .map(|(name, value)| (name, value.to_owned()));
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let twice = browser.post(&post.url("/sign-in/reset"), &form).await;
        assert_eq!((twice.status.as_u16(), twice.reason()), (401, Some("link_ended")));
        assert!(twice.body.contains("Send me another letter"), "{}", twice.body);
    }

    async fn in_another_browser_the_link_leads_to_a_sign_in_of_its_own(app: TestApp) {
        let post = Post::new(&app).await;
        let (browser, world) = (post.app.browser(), &post.world);
        let page = world.password_page(&browser, &world.authorize(&post.app, &[]), EMAIL).await;
        let forgot = page.url.join(&href(&page, "Forgot your password?")).unwrap();
        post.forget(&browser, forgot.as_str(), EMAIL).await;
        let (link, other) = (post.link(EMAIL, 1).await, post.app.browser());
        let page = other.get(&link).await;
        assert!(page.body.contains("<title>Set a new password · Portal</title>"), "{}", page.body);
        let done = give(&other, &page, "password", NEW_PASSWORD).await;
        // The application that the letter names is registered here: that is where they were going.
        assert!(done.status == 200 && done.body.contains("Go to Portal"), "{}", done.body);
        assert!(done.body.contains("href=\"https://portal.example/\""), "{}", done.body);
        // Without it: the sign-in for no application, which ends at the account page.
        let sent = post.forget(&other, &post.url("/sign-in/forgot"), EMAIL).await;
        assert_eq!(sent.status, 200);
        let page = other.get(&post.link(EMAIL, 2).await).await;
        let done = give(&other, &page, "password", "green kettle under hail").await;
        let begun = other.get(done.location().as_str()).await;
        let page = other.get(begun.location().as_str()).await;
        assert!(page.body.contains("Your password is set"), "{}", page.body);
        let page = give(&other, &page, "identifier", EMAIL).await;
        let done = give(&other, &page, "password", "green kettle under hail").await;
        assert!(done.location().path().ends_with("/account"), "{}", done.location());
        let account = other.get(done.location().as_str()).await;
        assert!(account.body.contains("Dana Doe"), "{}", account.body);
        // A sign-in for nobody's application is complete: nobody has to fetch it.
        let login = latest(&post.app, &post.world).await;
        assert_eq!((login.status, login.application_id), (FlowStatus::Succeeded, None));
        // Signed in, the bare page leads there at once.
        assert!(other.get(&post.url("/sign-in")).await.location().path().ends_with("/account"));
    }

    async fn whether_there_is_an_account_shows_nowhere(app: TestApp) {
        let post = Post::new(&app).await;
        let browser = post.app.browser();
        let page = post.url("/sign-in/forgot");
        post.forget(&browser, &page, "first@acme.com").await;
        let mut seen = Vec::new();
        for address in [EMAIL, "nobody@acme.com"] {
            let shown = browser.get(&page).await;
            let before = post.app.state.db.statements();
            let answer = give(&browser, &shown, "identifier", address).await;
            // The job that sends letters runs statements too: only what is the same can be compared, so the least of some.
            let mut least = post.app.state.db.statements() - before;
            for _ in 0..4 {
                let before = post.app.state.db.statements();
                give(&browser, &shown, "identifier", address).await;
                least = least.min(post.app.state.db.statements() - before);
            }
            seen.push((answer.status, alike(&answer, address), least));
        }
        assert_eq!(seen[0], seen[1]);
        post.mail.letter_to(EMAIL, 1).await;
        assert!(post.mail.letters_to("nobody@acme.com").is_empty());
        // Nor of those who may not sign in, or are of another organization.
        let other = post.app.tenant(&post.world.environment, "other.com").await;
        add_user(&post.app, post.world.environment.id, other.organization.id, "eve@other.com", vec![password(PASSWORD)]).await;
        let off = add_user(&post.app, post.world.environment.id, post.world.organization, "off@acme.com", vec![password(PASSWORD)]).await;
        let of = (post.user(off).await.pool_id, off);
        users::set_status(&post.app.state, &post.principal(), of, None, UserStatus::Inactive).await.unwrap();
        for address in ["eve@other.com", "off@acme.com"] {
            let answer = post.forget(&browser, &page, address).await;
            assert_eq!(alike(&answer, address), seen[0].1);
            assert_eq!(post.statuses().await.pop().unwrap().2.as_deref(), Some("no_account"), "{address}");
        }
    }

    async fn asking_again_and_again_keeps_nobody_out(app: TestApp) {
        let post = Post::new(&app).await;
        let page = post.url("/sign-in/forgot");
        // The same for who is there and who is not.
        for address in [EMAIL, "nobody@acme.com"] {
            let mut limited = 0;
            for _ in 0..14 {
                let answer = post.forget(&post.app.browser(), &page, address).await;
                limited += usize::from(answer.status == 429);
            }
            assert!(limited >= 3, "{limited}");
        }
        let link = post.link(EMAIL, 1).await;
        let states = post.statuses().await;
        assert_eq!(states.iter().filter(|(_, state, _)| state != "failed").count(), 1, "{states:?}");
        let browser = post.app.browser();
        let shown = browser.get(&link).await;
        assert_eq!(give(&browser, &shown, "password", NEW_PASSWORD).await.status, 303);
    }

    async fn what_a_reset_proves_is_confirmed_and_a_second_factor_is_still_asked_for(app: TestApp) {
        let post = Post::new(&app).await;
        let secret = TotpSecret::new(crate::support::random()).reveal();
        let totp = NewCredential {
            credential: ImportedCredential::Totp(secret),
            state: model::account::CredentialState::Valid,
            expires_at: None,
        };
        let mut new = NewUser::new(UserStatus::Active);
        new.identifiers.push(NewIdentifier::new(IdentifierKind::Email, "ada@acme.com"));
        new.addresses.push(NewAddress::email("ada@acme.com", false));
        new.credentials = vec![password(PASSWORD), totp];
        let organization = Some(post.world.organization);
        let id = users::create_in_first_pool(&post.app.state, &post.principal(), organization, &new).await.unwrap().id;
        let browser = post.app.browser();
        post.forget(&browser, &post.url("/sign-in/forgot"), "ADA@acme.com").await;
        let shown = browser.get(&post.link("ada@acme.com", 1).await).await;
        let done = give(&browser, &shown, "password", NEW_PASSWORD).await;
        assert_eq!(done.status, 303, "{}", done.body);
        let details = users::describe(&post.app.state, &post.principal(), vec![post.user(id).await]).await.unwrap();
        assert!(details[0].addresses[0].is_verified());
        let next = post.world.sign_in(&post.app, &browser, "ada@acme.com", NEW_PASSWORD).await;
        let page = browser.get(next.location().as_str()).await;
        assert!(page.body.contains("authenticator app"), "{}", page.body);
    }

    async fn a_pool_that_lets_nobody_reset_says_whom_to_ask(app: TestApp) {
        let post = Post::new(&app).await;
        let (browser, world) = (post.app.browser(), &post.world);
        post.forget(&browser, &post.url("/sign-in/forgot"), EMAIL).await;
        let link = post.link(EMAIL, 1).await;
        let page = browser.get(&post.url("/sign-in/forgot")).await;
        post.change_pool(&PoolChange { self_reset_allowed: Some(false), ..PoolChange::default() }).await;
        for answer in [browser.get(&post.url("/sign-in/forgot")).await, give(&browser, &page, "identifier", EMAIL).await] {
            assert_eq!((answer.status.as_u16(), answer.reason()), (404, Some("self_reset_not_allowed")));
        }
        let page = world.password_page(&browser, &world.authorize(&post.app, &[]), EMAIL).await;
        assert!(!page.body.contains("Forgot your password?"), "{}", page.body);
        let ended = browser.get(&link.replace("code=", "code=0")).await;
        assert!(ended.reason() == Some("link_ended") && !ended.body.contains("another letter"), "{}", ended.body);
        // Nor where the organization allows no passwords.
        post.change_pool(&PoolChange { self_reset_allowed: Some(true), ..PoolChange::default() }).await;
        assert_eq!(browser.get(&post.url("/sign-in/forgot")).await.status, 200);
        let change = OrganizationChange { authentication_mechanisms: Some(vec!["webauthn".into()]), ..OrganizationChange::default() };
        resource::update::<Organization>(&post.app.state, &post.principal(), world.organization, None, &change).await.unwrap();
        assert_eq!(browser.get(&post.url("/sign-in/forgot")).await.status, 404);
    }

    async fn without_a_mail_server_nobody_is_told_of_letters(app: TestApp) {
        let world = world(&app).await;
        let browser = app.browser();
        for path in ["forgot", "register"] {
            let answer = browser.get(&app.url(&format!("{}/sign-in/{path}", world.issuer))).await;
            assert_eq!(answer.status, 404, "{path}");
        }
        let page = world.password_page(&browser, &world.authorize(&app, &[]), EMAIL).await;
        assert!(!page.body.contains("Forgot"), "{}", page.body);
    }

    async fn links_of_elsewhere_open_nothing(app: TestApp) {
        let post = Post::new(&app).await;
        let environment = post.world.environment.clone();
        let other = post.app.tenant(&environment, "other.com").await;
        let staging = post.app.environment("staging").await;
        let foreign = post.app.tenant(&staging, "foreign.com").await;
        let browser = post.app.browser();
        post.forget(&browser, &post.url("/sign-in/forgot"), EMAIL).await;
        let link = post.link(EMAIL, 1).await;
        let id = Url::parse(&link).unwrap();
        let own = query(&id, "code").unwrap();
        for issuer in [issuer_of("prod", other.organization.id), issuer_of("staging", foreign.organization.id), "/prod/root".to_owned()] {
            for page in ["reset", "verify", "activate"] {
                let url = post.app.url(&format!("{issuer}/sign-in/{page}"));
                let shown = browser.get(&format!("{url}?code={own}")).await;
                assert_eq!((shown.status.as_u16(), shown.reason()), (404, Some("link_ended")), "{url}");
                let posted = browser.post(&url, &[("code", &own), ("password", NEW_PASSWORD)]).await;
                assert_eq!((posted.status.as_u16(), posted.reason()), (401, Some("link_ended")), "{url}");
            }
        }
        // A code is for one thing.
        for page in ["verify", "activate"] {
            let url = post.url(&format!("/sign-in/{page}"));
            assert_eq!(browser.get(&format!("{url}?code={own}")).await.reason(), Some("link_ended"));
            let posted = browser.post(&url, &[("code", &own), ("password", NEW_PASSWORD)]).await;
            assert_eq!(posted.reason(), Some("link_ended"), "{url}");
        }
        // Nor does another site's form.
        let request = browser.request(reqwest::Method::POST, &post.url("/sign-in/reset"));
        let body = format!("code={own}&password=purple+kettle+under+rain");
        let request = request.header("origin", "https://evil.example").header("content-type", "application/x-www-form-urlencoded");
        assert_eq!(browser.send(request.body(body)).await.status, 403);
        // Five wrong guesses end it.
        let wrong = format!("{}.x", own.split_once('.').unwrap().0);
        for _ in 0..5 {
            let posted = browser.post(&post.url("/sign-in/reset"), &[("code", &wrong), ("password", NEW_PASSWORD)]).await;
            assert_eq!(posted.reason(), Some("link_ended"));
        }
        assert_eq!(browser.get(&link).await.reason(), Some("link_ended"));
        assert_eq!(post.world.sign_in(&post.app, &post.app.browser(), EMAIL, PASSWORD).await.status, 303, "nothing was set");
        // And its time.
        post.forget(&browser, &post.url("/sign-in/forgot"), EMAIL).await;
        let link = post.link(EMAIL, 2).await;
        assert_eq!(browser.get(&link).await.status, 200);
        post.app.advance(Duration::from_secs(16 * 60));
        assert_eq!(browser.get(&link).await.reason(), Some("link_ended"));
    }

    async fn nothing_leads_to_other_sites(app: TestApp) {
        let post = Post::new(&app).await;
        let environment = post.world.environment.clone();
        let browser = post.app.browser();
        // An application of another organization is none of this issuer.
        let other = post.app.tenant(&environment, "other.com").await;
        let new = ostiary::app::applications::NewApplication { kind: ClientKind::Web, workspace: None, organization_id: Some(other.organization.id) };
        let change = ostiary::app::applications::ApplicationChange {
            display_name: Some("Theirs".into()),
            redirect_uris: Some(vec!["https://theirs.example/callback".into()]),
            ..ostiary::app::applications::ApplicationChange::default()
        };
        let theirs = post.app.make_client(&environment, new, &change).await.id.to_string();
        let mut count = 0;
        for extra in [
            "&client_id=https%3A%2F%2Fevil.example",
            "&client_id=//evil.example",
            &format!("&client_id={theirs}"),
            "&request=https%3A%2F%2Fevil.example",
            "&return=https%3A%2F%2Fevil.example&return_to=//evil.example&next=//evil.example&redirect_uri=https://evil.example",
            "&request=request_0000000000000000000000000",
            "&done=%22%3E%3Cscript%3E&request=%0d%0aLocation:%20https://evil.example",
        ] {
            // Each comes with a notice that the password was changed, and there are ten letters an hour.
            post.app.advance(Duration::from_secs(if count % 4 == 3 { 3601 } else { 61 }));
            post.forget(&browser, &post.url("/sign-in/forgot"), EMAIL).await;
            count += 1;
            let page = browser.get(&(post.link(EMAIL, count).await + extra)).await;
            assert!(!page.body.contains("evil.example") && !page.body.contains("<script>"), "{extra}: {}", page.body);
            let done = give(&browser, &page, "password", &format!("{NEW_PASSWORD} {count}")).await;
            assert_eq!(done.status, 303, "{extra}: {}", done.body);
            assert_eq!(done.location().as_str(), post.url("/sign-in?done=password"), "{extra}");
        }
        for path in ["/sign-in?request=&done=//evil.example", "/sign-in?again=1&identifier=%22%3E%3Cscript%3E&return=//evil.example"] {
            let answer = browser.get(&post.url(path)).await;
            assert_eq!(answer.location().host_str(), Url::parse(&post.app.base).unwrap().host_str());
            let page = browser.get(answer.location().as_str()).await;
            assert!(page.status == 200 && !page.body.contains("<script>"), "{}", page.body);
        }
    }

    async fn what_no_address_can_be_is_refused_at_once(app: TestApp) {
        let post = Post::new(&app).await;
        post.allow_registration().await;
        let browser = post.app.browser();
        let long = "x".repeat(10_000);
        let long_address = format!("{long}@acme.com");
        for page in ["forgot", "register"] {
            let shown = browser.get(&post.url(&format!("/sign-in/{page}"))).await;
            for hostile in ["", "  ", "dana@acme.com\r\nBcc: eve@evil.example", "a\0b@acme.com", "\u{1b}[2Jx@acme.com", &long_address] {
                post.app.advance(Duration::from_secs(30));
                let mut form = shown.form();
                form.fields.retain(|(name, _)| name != "identifier" && name != "password");
                form.fields.push(("identifier".into(), hostile.into()));
                form.fields.push(("password".into(), NEW_PASSWORD.into()));
                let answer = browser.submit(&shown, &form).await;
                assert_eq!(answer.status, 400, "{page} {hostile:?}: {}", answer.body);
            }
        }
        assert_eq!(post.statuses().await, Vec::new());
        // Nor do long codes, passwords and names break anything.
        for page in ["reset", "verify", "activate"] {
            let url = post.url(&format!("/sign-in/{page}"));
            assert_eq!(browser.get(&format!("{url}?code={}", &long[..4000])).await.reason(), Some("link_ended"));
            let posted = browser.post(&url, &[("code", &long), ("password", &long)]).await;
            assert_eq!(posted.reason(), Some("link_ended"));
        }
        let shown = browser.get(&post.url("/sign-in/register")).await;
        let mut form = shown.form();
        form.fields.retain(|(name, _)| !["identifier", "payload/name"].contains(&&**name));
        for (name, value) in [("identifier", "new@acme.com"), ("payload/name", &*long)] {
            form.fields.push((name.into(), value.into()));
        }
        assert_eq!(browser.submit(&shown, &form).await.status, 400);
    }

    async fn an_address_is_confirmed_by_a_button_and_not_by_a_preview(app: TestApp) {
        let post = Post::new(&app).await;
        let user = post.user(post.world.user).await;
        let of = (user.pool_id, user.id);
        let home = "dana@home.example";
        users::add_address(&post.app.state, &post.principal(), of, None, &NewAddress::email(home, false)).await.unwrap();
        user_credentials::request_verification(&post.app.state, &post.principal(), of, home).await.unwrap();
        let link = post.link(home, 1).await;
        assert!(link.starts_with(&post.url("/sign-in/verify?code=")), "{link}");
        let is_confirmed = async || {
            let details = users::describe(&post.app.state, &post.principal(), vec![post.user(user.id).await]).await.unwrap();
            details[0].addresses.iter().any(|address| address.address == home && address.is_verified())
        };
        let browser = post.app.browser();
        for _ in 0..3 {
            let shown = browser.get(&link).await;
            assert!(shown.status == 200 && shown.body.contains(home), "{}", shown.body);
        }
        assert!(!is_confirmed().await);
        let shown = browser.get(&link).await;
        let done = browser.submit(&shown, &shown.form()).await;
        assert!(done.status == 200 && done.body.contains("Your address is confirmed"), "{}", done.body);
        assert!(is_confirmed().await);
        let twice = browser.submit(&shown, &shown.form()).await;
        assert_eq!((twice.status.as_u16(), twice.reason()), (401, Some("link_ended")));
        assert_eq!(browser.get(&link).await.status, 404);
    }

    async fn a_new_user_activates_the_account_and_goes_to_the_application_that_the_link_names(app: TestApp) {
        let post = Post::new(&app).await;
        let new = async |email: &str| {
            let id = add_user(&post.app, post.world.environment.id, post.world.organization, email, vec![password("a stranger chose this one")]).await;
            let user = post.user(id).await;
            users::set_status(&post.app.state, &post.principal(), (user.pool_id, id), None, UserStatus::New).await.unwrap();
            post.user(id).await
        };
        let browser = post.app.browser();
        let user = new("new@acme.com").await;
        let link = activation::create_link(&post.app.state, &post.principal(), &user).await.unwrap();
        let page = browser.get(&format!("{link}&client_id={}", post.world.client.id)).await;
        let done = give(&browser, &page, "password", NEW_PASSWORD).await;
        assert!(done.status == 200 && done.body.contains("href=\"https://portal.example/\""), "{}", done.body);
        code(&post.world.sign_in(&post.app, &post.app.browser(), "new@acme.com", NEW_PASSWORD).await);
        assert_eq!(post.world.sign_in(&post.app, &post.app.browser(), "new@acme.com", "a stranger chose this one").await.status, 401);
        // Whose letter came too late gets another one by the page, if they had one.
        let late = new("late@acme.com").await;
        let of = (late.pool_id, late.id);
        let forgot = post.url("/sign-in/forgot");
        post.forget(&browser, &forgot, "late@acme.com").await;
        assert_eq!(post.statuses().await.pop().unwrap().2.as_deref(), Some("no_account"), "nobody has invited them yet");
        user_credentials::send_activation(&post.app.state, &post.principal(), of, None).await.unwrap();
        let first = post.link("late@acme.com", 1).await;
        post.app.advance(Duration::from_secs(24 * 3600));
        assert_eq!(browser.get(&first).await.reason(), Some("link_ended"));
        post.forget(&browser, &forgot, "late@acme.com").await;
        let second = post.link("late@acme.com", 2).await;
        assert!(second.contains("/sign-in/activate?code="), "{second}");
        let page = browser.get(&second).await;
        assert_eq!(give(&browser, &page, "password", NEW_PASSWORD).await.status, 303);
        assert_eq!(post.user(late.id).await.status, UserStatus::Active);
    }

    async fn people_register_where_a_pool_lets_them(app: TestApp) {
        let post = Post::new(&app).await;
        let (browser, world) = (post.app.browser(), &post.world);
        let register = post.url("/sign-in/register");
        let begun = browser.get(&world.authorize(&post.app, &[])).await;
        let page = browser.get(begun.location().as_str()).await;
        assert!(!page.body.contains("Create an account"), "{}", page.body);
        assert_eq!(browser.get(&register).await.reason(), Some("registration_not_allowed"));
        assert_eq!(browser.post(&register, &[("identifier", "x@y.example")]).await.status, 404);
        post.allow_registration().await;
        let page = browser.get(page.url.as_str()).await;
        let shown = browser.get(page.url.join(&href(&page, "Create an account")).unwrap().as_str()).await;
        // The password is set by the letter: whoever only knows the address has none.
        assert!(shown.body.contains("Full name") && !shown.body.contains("type=\"password\""), "{}", shown.body);
        let fill = async |address: &str| {
            post.app.clock.advance(Duration::from_millis(1));
            let mut form = shown.form();
            form.fields.retain(|(name, _)| !["identifier", "payload/name"].contains(&&**name));
            for (name, value) in [("identifier", address), ("password", NEW_PASSWORD), ("payload/name", "Eve Example")] {
                form.fields.push((name.into(), value.into()));
            }
            browser.submit(&shown, &form).await
        };
        let wrong = fill("no address").await;
        assert!(wrong.status == 400 && wrong.body.contains("Eve Example"), "{}", wrong.body);
        let (made, used) = (fill("eve@new.example").await, fill(EMAIL).await);
        assert_eq!((made.status, alike(&made, "eve@new.example")), (used.status, alike(&used, EMAIL)));
        let told = post.mail.letter_to(EMAIL, 1).await;
        assert!(header(&told, "Subject").starts_with("You have an account"), "{told}");
        assert!(link_of(&told).ends_with("/sign-in"), "{told}");
        // Asked again before the letter was used: another one, not "you have an account".
        post.mail.letter_to("eve@new.example", 1).await;
        fill("eve@new.example").await;
        assert_eq!(post.statuses().await.pop().unwrap().2.as_deref(), Some("still_good"), "not within minutes");
        post.app.advance(Duration::from_secs(5 * 60));
        fill("eve@new.example").await;
        let letter = post.mail.letter_with_code_to("eve@new.example", 2).await;
        // The application in whose sign-in they registered, also in another browser.
        assert_eq!(header(&letter, "Subject"), "Activate your account for Portal");
        let link = link_of(&letter);
        assert!(link.contains("/sign-in/activate?code="), "{link}");
        assert_eq!(post.count("SELECT COUNT(*) FROM users").await, 2);
        let refused = post.world.sign_in(&post.app, &post.app.browser(), "eve@new.example", NEW_PASSWORD).await;
        assert_eq!((refused.status.as_u16(), post.count("SELECT COUNT(*) FROM passwords").await), (401, 1));
        // As somebody who was offered a passkey before.
        let mut tx = post.app.state.db.write().await.unwrap();
        tx.sql("UPDATE users SET passkey_offered_at = 0").execute().await.unwrap();
        tx.commit().await.unwrap();
        let elsewhere = post.app.browser().get(&link).await;
        assert!(elsewhere.body.contains("Portal") && elsewhere.body.contains("At least 12 characters"), "{}", elsewhere.body);
        let page = browser.get(&link).await;
        let weak = give(&browser, &page, "password", "short").await;
        assert!(weak.status == 400 && weak.body.contains("at least 12 characters"), "{}", weak.body);
        let done = give(&browser, &page, "password", "green kettle under hail").await;
        let back = browser.get(done.location().as_str()).await;
        assert!(back.body.contains("Your account is ready"), "{}", back.body);
        let page = give(&browser, &back, "identifier", "eve@new.example").await;
        code(&give(&browser, &page, "password", "green kettle under hail").await);
    }

    async fn a_profile_that_must_hold_more_is_asked_for(app: TestApp) {
        let post = Post::new(&app).await;
        post.allow_registration().await;
        let schema = json!({
            "type": "object",
            "required": ["employeeNumber"],
            "properties": { "employeeNumber": { "type": "string", "title": "Employee number", "pattern": "^[0-9]+$" } },
        });
        let schema = schema.as_object().unwrap().clone();
        let settings = SchemaSettings { name: "Employee".into(), description: String::new(), schema };
        let made = schemas::create(&post.app.state, &post.principal(), None, &settings).await.unwrap();
        let change = PoolChange { payload_schema: Some(SchemaRef::Own(made.id)), ..PoolChange::default() };
        post.change_pool(&change).await;
        let browser = post.app.browser();
        let shown = browser.get(&post.url("/sign-in/register")).await;
        assert!(shown.body.contains("Employee number"), "{}", shown.body);
        let fill = async |number: &str| {
            let fields = [("identifier", "eve@new.example"), ("payload/employeeNumber", number)];
            browser.post(&post.url("/sign-in/register"), &fields).await
        };
        for (number, why) in [("", "Is required"), ("seven", "employeeNumber-error")] {
            let answer = fill(number).await;
            assert!(answer.status == 400 && answer.body.contains(why), "{number:?}: {}", answer.body);
        }
        assert_eq!(fill("4711").await.status, 200);
        post.mail.letter_to("eve@new.example", 1).await;
    }

    async fn a_sign_in_without_an_application_gives_a_session_and_no_code(app: TestApp) {
        let world = world(&app).await;
        let browser = app.browser();
        let begun = browser.get(&app.url(&format!("{}/sign-in", world.issuer))).await;
        let page = browser.get(begun.location().as_str()).await;
        assert!(page.status == 200 && page.body.contains("to go on to your account"), "{}", page.body);
        // In another browser it is nobody's.
        assert_eq!(app.browser().get(begun.location().as_str()).await.reason(), Some("sign_in_gone"));
        let page = give(&browser, &page, "identifier", EMAIL).await;
        assert_eq!(give(&browser, &page, "password", "wrong").await.status, 401);
        let done = give(&browser, &page, "password", PASSWORD).await;
        assert!(done.location().as_str().ends_with("/account"), "{}", done.location());
        assert_eq!(give(&browser, &page, "password", PASSWORD).await.reason(), Some("sign_in_gone"), "once");
        let mut conn = app.state.db.read().await.unwrap();
        let (grants,): (i64,) = conn.sql("SELECT COUNT(*) FROM authorization_grants").one().await.unwrap();
        drop(conn);
        assert_eq!(grants, 0);
        // An application that comes now gets its code without a page.
        code(&browser.get(&world.authorize(&app, &[])).await);
        let out = browser.get(&app.url(&format!("{}/oidc/logout", world.issuer))).await;
        let out = browser.submit(&out, &out.form()).await;
        assert!(out.body.contains("Sign in again"), "{}", out.body);
        let account = browser.get(&app.url(&format!("{}/account", world.issuer))).await;
        assert!(account.location().path().ends_with("/sign-in"));
    }
}

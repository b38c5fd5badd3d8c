//! An organization with two pools: who of whom signs in, and with what.

use std::time::Duration;

use base::id::{IdentityPoolId, UserId};
use model::{
    identity_pool::{AuthenticationMechanism, IdentityPool, Mechanisms},
    user::{IdentifierKind, UserStatus},
};
use ostiary::app::{
    accounts::{
        pools::{self, NewPool, PoolChange},
        users::{self, NewAddress, NewIdentifier, NewUser},
    },
    principal::Principal,
};

use super::{
    EMAIL, PASSWORD, World, claims, code, give, offered_passkey,
    passkeys::{add_passkey, answer, options},
    password, text, world,
};
use crate::{
    both,
    support::{TestApp, mail::MailServer},
};

const SECOND_PASSWORD: &str = "green kettle under hail";

fn principal(world: &World) -> Principal {
    Principal::operator(world.environment.id)
}

/// Another pool of the organization, younger than that of its first user.
async fn second_pool(app: &TestApp, world: &World) -> IdentityPoolId {
    app.advance(Duration::from_millis(1));
    let new = NewPool { id: None, organization_id: Some(world.organization) };
    let change = PoolChange {
        name: Some("Guests".into()),
        self_reset_allowed: Some(true),
        first_factors: Some(Mechanisms {
            allowed: vec![AuthenticationMechanism::Password, AuthenticationMechanism::Webauthn],
            preferred: None,
        }),
        ..PoolChange::default()
    };
    pools::create(&app.state, &principal(world), new, &change).await.unwrap().id
}

async fn add_to(app: &TestApp, world: &World, pool: IdentityPoolId, email: &str, secret: &str) -> UserId {
    let mut new = NewUser::new(UserStatus::Active);
    new.identifiers.push(NewIdentifier::new(IdentifierKind::Email, email));
    new.addresses.push(NewAddress::email(email, true));
    new.credentials = vec![password(secret)];
    let id = users::create(&app.state, &principal(world), pool, &new).await.unwrap().id;
    offered_passkey(app, id).await;
    id
}

async fn update(app: &TestApp, world: &World, pool: IdentityPoolId, change: &PoolChange) -> IdentityPool {
    pools::update(&app.state, &principal(world), pool, None, change).await.unwrap()
}

/// Whom a code is for.
async fn subject(app: &TestApp, world: &World, code: &str) -> String {
    let tokens = world.exchange(app, code, &[]).await.json();
    text(&claims(text(&tokens, "id_token")), "sub").to_owned()
}

both! {
    async fn the_oldest_pool_decides_whose_an_address_is(app: TestApp) {
        let world = world(&app).await;
        let guests = second_pool(&app, &world).await;
        let twin = add_to(&app, &world, guests, EMAIL, SECOND_PASSWORD).await;
        let guest = add_to(&app, &world, guests, "guest@acme.com", SECOND_PASSWORD).await;
        // People of either pool sign in at the one issuer.
        let signed_in = code(&world.sign_in(&app, &app.browser(), "guest@acme.com", SECOND_PASSWORD).await);
        assert_eq!(subject(&app, &world, &signed_in).await, guest.to_string());
        // Of two with one address it is the account of the oldest pool, and never the other one with the other's password.
        let signed_in = code(&world.sign_in(&app, &app.browser(), EMAIL, PASSWORD).await);
        assert_eq!(subject(&app, &world, &signed_in).await, world.user.to_string());
        let refused = world.sign_in(&app, &app.browser(), EMAIL, SECOND_PASSWORD).await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (401, Some("not_signed_in")), "{}", refused.body);
        // Also where the account that it names cannot be used: nobody becomes somebody else by that.
        let first = users::find_any(&app.state, &principal(&world), world.user).await.unwrap();
        let of = (first.pool_id, first.id);
        users::set_status(&app.state, &principal(&world), of, None, UserStatus::Inactive).await.unwrap();
        let refused = world.sign_in(&app, &app.browser(), EMAIL, SECOND_PASSWORD).await;
        assert_eq!(refused.status, 401, "{}", refused.body);
        // Once it is gone, the address is the other one's.
        users::remove(&app.state, &principal(&world), of, None).await.unwrap();
        let signed_in = code(&world.sign_in(&app, &app.browser(), EMAIL, SECOND_PASSWORD).await);
        assert_eq!(subject(&app, &world, &signed_in).await, twin.to_string());
    }

    async fn each_pool_lets_its_own_people_in_by_its_own_means(app: TestApp) {
        let world = world(&app).await;
        let guests = second_pool(&app, &world).await;
        let guest = add_to(&app, &world, guests, "guest@acme.com", SECOND_PASSWORD).await;
        let mut theirs = add_passkey(&app, &world, guest).await;
        let mut own = add_passkey(&app, &world, world.user).await;
        let with = async |passkey: &mut crate::support::authenticator::Passkey| {
            let browser = app.browser();
            let page = world.page(&app, &browser).await;
            let said = passkey.answer(&options(&page), &app.state.links.origin());
            answer(&browser, &page, &world.passkey_path(), &said).await
        };
        for (passkey, id) in [(&mut theirs, guest), (&mut own, world.user)] {
            let signed_in = code(&with(passkey).await);
            assert_eq!(subject(&app, &world, &signed_in).await, id.to_string());
        }
        // A pool that allows passkeys does not make them good for the people of one that does not.
        let passwords = Mechanisms { allowed: vec![AuthenticationMechanism::Password], preferred: None };
        let change = PoolChange { first_factors: Some(passwords), ..PoolChange::default() };
        update(&app, &world, guests, &change).await;
        let refused = with(&mut theirs).await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (401, Some("not_signed_in")), "{}", refused.body);
        code(&with(&mut own).await);
        // The same of passwords: the page asks everybody, and those of a pool without are refused.
        let passkeys = Mechanisms { allowed: vec![AuthenticationMechanism::Webauthn], preferred: None };
        let first = users::find_any(&app.state, &principal(&world), world.user).await.unwrap().pool_id;
        update(&app, &world, first, &PoolChange { first_factors: Some(passkeys), ..PoolChange::default() }).await;
        assert_eq!(world.sign_in(&app, &app.browser(), EMAIL, PASSWORD).await.status, 401);
        code(&world.sign_in(&app, &app.browser(), "guest@acme.com", SECOND_PASSWORD).await);
    }

    async fn a_letter_of_one_pool_sets_nothing_in_the_other(app: TestApp) {
        let mail = MailServer::start().await;
        let app = app.sending_by(mail.port).await;
        let world = world(&app).await;
        let guests = second_pool(&app, &world).await;
        add_to(&app, &world, guests, EMAIL, SECOND_PASSWORD).await;
        let browser = app.browser();
        let forgot = app.url(&format!("{}/sign-in/forgot", world.issuer));
        let page = browser.get(&forgot).await;
        give(&browser, &page, "identifier", EMAIL).await;
        let letter = mail.letter_with_code_to(EMAIL, 1).await;
        let body = letter["text"].as_str().unwrap();
        let page = browser.get(body.lines().find(|line| line.starts_with("http")).unwrap()).await;
        assert_eq!(give(&browser, &page, "password", "purple kettle under rain").await.status, 303);
        let signed_in = code(&world.sign_in(&app, &app.browser(), EMAIL, "purple kettle under rain").await);
        assert_eq!(subject(&app, &world, &signed_in).await, world.user.to_string());
        let mut conn = app.state.db.read().await.unwrap();
        let (codes,): (i64,) = conn.sql("SELECT COUNT(*) FROM one_time_codes").one().await.unwrap();
        assert_eq!(codes, 1, "for the account that the address names");
    }
}

//! What an identity provider vouches for, and what it does not: accounts that somebody prepared for somebody else, names that are
//! addresses of others.

use model::{
    account::CredentialState,
    user::{IdentifierKind, UserStatus},
};
use ostiary::{
    app::accounts::{
        credentials::{ImportedCredential, NewCredential},
        totp::TotpSecret,
        users::{self, NewAddress, NewIdentifier, NewUser},
    },
    store::{passkeys, passwords, recovery_codes, user_addresses, user_identifiers},
    test_idp::response::ResponseSpec,
};
use reqwest::Method;
use saml::identifiers::name_id_format;
use serde_json::json;

use super::{
    PASSWORD, add_user, code,
    company::{DANA, Sso},
    enrolment::forget_the_offer,
    give, offered_passkey,
    pages::totp_code,
    passkeys::add_passkey,
    password,
};
use crate::{
    both,
    support::{
        forms::form_to,
        query,
        scim::{id, patch},
    },
};

/// An answer that names the person in two ways.
fn named(name_id: &str, format: &'static str, email: &str) -> impl FnOnce(&mut ResponseSpec) {
    let (name_id, email) = (name_id.to_owned(), email.to_owned());
    move |spec| {
        spec.name_id = Some(name_id);
        spec.name_id_format = Some(format.into());
        spec.attributes = vec![("mail".into(), vec![email])];
    }
}

both! {
    async fn who_prepared_an_account_for_somebody_else_is_out_once_their_company_vouches_for_them(app: TestApp) {
        let sso = Sso::new(&app).await;
        let world = &sso.world;
        // Active, with the victim's address, which nobody has proven, and one of the attacker's own.
        let mut new = NewUser::new(UserStatus::Active);
        for (address, proven) in [(DANA, false), ("mallory@evil.example", true)] {
            new.identifiers.push(NewIdentifier::new(IdentifierKind::Email, address));
            new.addresses.push(NewAddress::email(address, proven));
        }
        new.credentials = vec![password(PASSWORD)];
        let known = users::create_in_first_pool(&app.state, &sso.principal(), Some(world.organization), &new).await.unwrap().id;
        offered_passkey(&app, known).await;
        add_passkey(&app, world, known).await;
        let mut tx = app.state.db.write().await.unwrap();
        ostiary::app::accounts::recovery_codes::generate(&mut tx, &app.state, known.into()).await.unwrap();
        tx.commit().await.unwrap();
        let attacker = app.browser();
        code(&world.sign_in(&app, &attacker, "mallory@evil.example", PASSWORD).await);
        let account = app.url(&format!("{}/account", world.issuer));
        assert_eq!(attacker.get(&account).await.status, 200);

        assert_eq!(sso.claims(DANA).await["sub"], json!(known));
        assert_ne!(attacker.get(&account).await.status, 200, "their session has ended");
        let mut conn = app.state.db.read().await.unwrap();
        assert!(passwords::find(&mut conn, known.into()).await.unwrap().is_none());
        assert!(passkeys::list(&mut conn, known.into(), 9).await.unwrap().is_empty());
        assert!(recovery_codes::count(&mut conn, known.into()).await.unwrap().is_none());
        let identifiers = user_identifiers::list(&mut conn, &[known]).await.unwrap().remove(&known).unwrap();
        assert!(identifiers.iter().all(|one| !one.text.as_str().contains("mallory")), "nothing leads back in");
        let addresses = user_addresses::list(&mut conn, &[known]).await.unwrap().remove(&known).unwrap();
        let proven: Vec<&str> = addresses.iter().filter(|one| one.is_verified()).map(|one| one.address.as_str()).collect();
        assert_eq!(proven, [DANA]);
        drop(conn);
        assert_eq!(world.sign_in(&app, &app.browser(), "mallory@evil.example", PASSWORD).await.status, 401);

        // From then on it is theirs: their session stays when they come again.
        let theirs = app.browser();
        sso.sign_in(&theirs, DANA, |_| {}).await;
        assert_eq!(sso.claims(DANA).await["sub"], json!(known));
        assert_eq!(theirs.get(&account).await.status, 200);
    }

    async fn an_account_whose_address_was_proven_keeps_what_it_has(app: TestApp) {
        let sso = Sso::new(&app).await;
        let known = add_user(&app, sso.world.environment.id, sso.world.organization, DANA, vec![password(PASSWORD)]).await;
        assert_eq!(sso.claims(DANA).await["sub"], json!(known));
        let mut conn = app.state.db.read().await.unwrap();
        assert!(passwords::find(&mut conn, known.into()).await.unwrap().is_some());
    }

    async fn a_name_that_is_somebody_elses_address_leads_to_nobody_else(app: TestApp) {
        let mut sso = Sso::new(&app).await;
        let other = sso.neighbour("globex.example").await;
        let (environment, organization) = (sso.world.environment.id, sso.world.organization);
        let chief = add_user(&app, environment, organization, "chief@acme.example", vec![password(PASSWORD)]).await;
        let stranger = add_user(&app, environment, other.world.organization, "eve@globex.example", vec![password(PASSWORD)]).await;
        assert_eq!(sso.claims("chief@acme.example").await["sub"], json!(chief), "linked by the address");
        assert_eq!(other.claims("eve@globex.example").await["sub"], json!(stranger));
        // The connection names the attribute that counts; the NameID is whatever address the person chose.
        sso.tenant.connection.email_attribute = Some("mail".into());
        app.update_connection(&sso.tenant.connection).await;
        let mut seen = Vec::new();
        for (name, format) in [
            ("chief@acme.example", name_id_format::EMAIL),
            ("eve@globex.example", name_id_format::EMAIL),
            ("CHIEF@acme.example", name_id_format::PERSISTENT),
        ] {
            let done = sso.sign_in(&app.browser(), DANA, named(name, format, DANA)).await;
            if done.status == 303 && query(&done.location(), "code").is_some() {
                seen.push(sso.claims_of(&done).await["sub"].clone());
            } else {
                assert_eq!(done.reason(), Some("user_linked_elsewhere"), "{name}: {}", done.body);
            }
        }
        assert!(!seen.is_empty() && seen.iter().all(|sub| *sub == seen[0]), "{seen:?}");
        assert!(![json!(chief), json!(stranger)].contains(&seen[0]));
        assert_eq!(sso.user(&seen[0]).await.organization_id, organization);
        // An address of a domain that does not count is none, however the NameID reads.
        let request = sso.begin(&app.browser(), DANA).await;
        let browser = app.browser();
        let refused = sso.respond(&browser, &request, DANA, named(DANA, name_id_format::EMAIL, "eve@globex.example")).await;
        assert_ne!(refused.status, 303, "{}", refused.body);
    }

    async fn the_account_page_names_the_company_and_not_its_subjects(app: TestApp) {
        let sso = Sso::new(&app).await;
        let browser = app.browser();
        sso.sign_in(&browser, DANA, named("00u1", name_id_format::PERSISTENT, DANA)).await;
        for path in ["", "/addresses"] {
            let page = browser.get(&app.url(&format!("{}/account{path}", sso.world.issuer))).await;
            assert_eq!(page.status, 200, "{}", page.body);
            assert!(page.body.contains("Company sign-in"), "{}", page.body);
            assert!(!page.body.contains("saml_conn_"), "{}", page.body);
        }
    }

    async fn who_is_switched_off_while_signing_in_does_not_get_in(app: TestApp) {
        let sso = Sso::new(&app).await;
        let world = &sso.world;
        let directory = app.scim_directory(&sso.tenant).await;
        let mut connection = sso.tenant.connection.clone();
        connection.disabled = true;
        app.update_connection(&connection).await;
        let secret = TotpSecret::new(crate::support::random()).reveal();
        let totp = NewCredential {
            credential: ImportedCredential::Totp(secret.clone()),
            state: CredentialState::Valid,
            expires_at: None,
        };
        add_user(&app, world.environment.id, world.organization, "ada@acme.example", vec![password(PASSWORD), totp]).await;
        let bob = add_user(&app, world.environment.id, world.organization, "bob@acme.example", vec![password(PASSWORD)]).await;
        forget_the_offer(&app, bob).await;
        // Both have given their password: one is asked for a code, one is offered a passkey.
        let (adas, bobs) = (app.browser(), app.browser());
        let next = world.sign_in(&app, &adas, "ada@acme.example", PASSWORD).await;
        let code_page = adas.get(next.location().as_str()).await;
        let next = world.sign_in(&app, &bobs, "bob@acme.example", PASSWORD).await;
        let offer = bobs.get(next.location().as_str()).await;
        for email in ["ada@acme.example", "bob@acme.example"] {
            let known = app.scim_user(&directory, email).await;
            let off = json!([{ "op": "Replace", "path": "active", "value": false }]);
            let path = format!("/Users/{}", id(&known));
            assert_eq!(app.scim(&directory, Method::PATCH, &path, patch(off)).await.status, 200);
        }
        let refused = give(&adas, &code_page, "code", &totp_code(&secret, app.now())).await;
        assert_eq!(refused.reason(), Some("account_not_active"), "{}", refused.body);
        let without = format!("{}/sign-in/continue", world.issuer);
        let form = form_to(&offer, &without).unwrap_or_else(|| panic!("{}", offer.body));
        let refused = bobs.submit(&offer, &form).await;
        assert_eq!(refused.reason(), Some("account_not_active"), "{}", refused.body);
        for browser in [&adas, &bobs] {
            let quiet = browser.get(&world.authorize(&app, &[("prompt", "none")])).await;
            assert_eq!(query(&quiet.location(), "error").as_deref(), Some("login_required"));
        }
    }
}

//! Names that somebody chose to mislead others: on pages, in letters and in their headers; and applications where they do not belong.

use std::time::Duration;

use model::{application::ClientKind, environment::Environment, organization::Organization};
use ostiary::app::{
    applications::{ApplicationChange, NewApplication},
    environments::branding::{self, BrandingChange, LogoChange},
    organizations::OrganizationChange,
    resource,
};

use super::{
    CALLBACK, EMAIL, PASSWORD, World, add_user, give, issuer_of, password, self_service::Post, world,
};
use crate::{
    both,
    support::{mail::header, query, tokens::Client},
};

const TURNS: [char; 3] = ['\u{202e}', '\u{2066}', '\u{2028}'];

both! {
    async fn hostile_names_stay_names(app: TestApp) {
        let post = Post::new(&app).await;
        let (app, principal) = (&post.app, post.principal());
        let hostile = format!("</title><script>alert(1)</script>\u{202e}moc.live\u{2066} \u{2028}Bcc: eve@evil.example {}", "x".repeat(400));
        let organization = OrganizationChange { display_name: Some(hostile.clone()), ..OrganizationChange::default() };
        resource::update::<Organization>(&app.state, &principal, post.world.organization, None, &organization).await.unwrap();
        let application = format!("\"Portal\" <evil@evil.example>,\u{202e}x\u{2028}y{}", "z".repeat(60));
        let change = BrandingChange { application_name: Some(application.clone()), ..BrandingChange::default() };
        branding::update(&app.state, &principal, post.world.environment.id, None, &change, LogoChange::Keep).await.unwrap();

        let browser = app.browser();
        let begun = browser.get(&post.world.authorize(app, &[])).await;
        let mut shown = 0;
        for url in [begun.location().to_string(), post.url("/sign-in"), post.url("/sign-in/forgot"), post.url("/sign-in/reset?code=x")] {
            let mut page = browser.get(&url).await;
            if page.status == 303 {
                page = browser.get(page.location().as_str()).await;
            }
            shown += usize::from(page.body.contains("moc.live"));
            assert!(!page.body.contains("<script>alert") && !page.body.contains(TURNS), "{url}: {}", page.body);
        }
        assert!(shown > 0, "the name is shown");
        post.forget(&browser, &post.url("/sign-in/forgot"), EMAIL).await;
        let letter = post.mail.letter_to(EMAIL, 1).await;
        let from = header(&letter, "From");
        assert!(from.ends_with("<no-reply@vendor.example>"), "{from}");
        assert_eq!(letter["sender"], "no-reply@vendor.example");
        assert!(!from.contains(TURNS) && !header(&letter, "Subject").contains(TURNS), "{letter}");
        assert!(!header(&letter, "Subject").contains('\n'));
        let (text, html) = (letter["text"].as_str().unwrap(), letter["html"].as_str().unwrap());
        assert!(!text.contains(TURNS) && !html.contains(TURNS), "{text}");
        assert!(!html.contains("<script>"));
        // A name with an address in it is not shown.
        assert!(text.contains("your organization") && !text.contains("moc"), "{text}");
        assert_eq!(post.mail.all("to").len(), 1, "to nobody else");
        // Whoever gets in sees the same on their account page.
        let page = give(&browser, &browser.get(begun.location().as_str()).await, "identifier", EMAIL).await;
        give(&browser, &page, "password", PASSWORD).await;
        let account = browser.get(&post.url("/account")).await;
        assert!(account.status == 200 && !account.body.contains("<script>alert") && !account.body.contains(TURNS), "{}", account.body);
        app.advance(Duration::from_secs(1));
    }

    async fn an_application_of_one_organization_is_nothing_at_another(app: TestApp) {
        let world = world(&app).await;
        let globex = app.tenant(&world.environment, "globex.example").await.organization.id;
        add_user(&app, world.environment.id, globex, "eve@globex.com", vec![password(PASSWORD)]).await;
        let new = NewApplication { kind: ClientKind::Public, workspace: None, organization_id: Some(globex) };
        let change = ApplicationChange {
            display_name: Some("Globex".into()),
            redirect_uris: Some(vec![CALLBACK.into()]),
            ..ApplicationChange::default()
        };
        let client = app.make_client(&world.environment, new, &change).await;
        let at = |issuer: String, organization, environment: &Environment| World {
            issuer, organization, user: world.user, environment: environment.clone(),
            client: Client { id: client.id, secret: String::new() },
        };
        let theirs = at(issuer_of("prod", globex), globex, &world.environment);
        let done = theirs.sign_in(&app, &app.browser(), "eve@globex.com", PASSWORD).await;
        let code = query(&done.location(), "code").expect("its own people get in");
        // At another organization's issuer, and at the root's, it is not there: for a person, for a code, for signing out.
        let ours = at(world.issuer.clone(), world.organization, &world.environment);
        let root = at("/prod/root".into(), world.organization, &world.environment);
        let other_environment = app.environment("other").await;
        let elsewhere = at(format!("/other/{:032x}", globex.bits()), globex, &other_environment);
        for place in [&ours, &root, &elsewhere] {
            let shown = app.browser().get(&place.authorize(&app, &[])).await;
            assert!(shown.headers.get("location").is_none(), "{}: {:?}", place.issuer, shown.headers);
            assert!(shown.status == 400 || shown.status == 404, "{}", shown.body);
            assert_ne!(place.exchange(&app, &code, &[]).await.status, 200, "{}", place.issuer);
        }
        assert_eq!(theirs.exchange(&app, &code, &[]).await.status, 200, "that was no use of the code");
    }
}

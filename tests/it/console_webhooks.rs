//! Webhooks in the console: created, shown, changed, disabled, replayed and deleted, and who may do so.

use std::time::Duration;

use model::{administrator::Role, event::EventKind};
use serde_json::json;

use crate::{
    both,
    support::{Browser, TestApp, eventually, forms::form_to},
};

/// No server listens there.
const UNREACHABLE: &str = "http://127.0.0.1:1/hook";

async fn page_with(app: &TestApp, browser: &Browser, path: &str, text: &str) -> String {
    eventually(text, async || Some(app.page(browser, path).await.body).filter(|page| page.contains(text)))
        .await
}

both! {
    async fn a_webhook_is_made_changed_switched_replayed_and_deleted(app: TestApp) {
        let app = TestApp::spawn_with(app.backend, |config| config.outgoing_allow_private_targets = true).await;
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.directory(&tenant).await;
        let account = app.account("dana@vendor.example", Role::Admin, Some(&environment)).await;
        let mut admin = app.signed_in(&account).await;
        let base = format!("/console/{}/webhooks", environment.id);
        let new = format!("{base}/new");
        let empty = app.page(&admin, &base).await;
        assert!(empty.body.contains(&format!("href=\"{new}\"")), "{}", empty.body);

        // The error is shown beside the field, and the input is kept.
        let form = app.page(&admin, &new).await;
        let wrong = app.press(&admin, &form, &new, &[("url", "ftp://\"<b>"), ("eventTypes", "scim_user.deleted")]).await;
        assert_eq!(wrong.status, 422);
        assert!(wrong.body.contains("id=\"url-error\"") && wrong.body.contains("value=\"ftp://&quot;&lt;b&gt;\""), "{}", wrong.body);
        assert!(wrong.body.contains("value=\"scim_user.deleted\" checked"), "{}", wrong.body);

        let made = app.press(&admin, &form, &new, &[("url", UNREACHABLE), ("eventTypes", "scim_user.created"), ("eventTypes", "scim_user.deleted")]).await;
        assert_eq!(made.status, 200, "{}", made.body);
        assert_eq!(made.header("cache-control"), "no-store");
        assert!(made.body.contains("whsec_") && made.body.contains("standardwebhooks"), "{}", made.body);
        let (_, rest) = made.body.split_once(&format!("href=\"{base}/webhook_")).expect("a way on");
        let path = format!("{base}/webhook_{}", rest.split_once('"').unwrap().0);

        app.record_event(&directory, EventKind::UserCreated, json!({ "after": {} })).await;
        app.record_event(&directory, EventKind::UserUpdated, json!({ "after": {} })).await;
        // The endpoint's own count is written last.
        let page = page_with(&app, &admin, &path, "Failing: 1 in a row").await;
        assert!(!page.contains("whsec_"), "shown once");
        assert!(page.contains("Waiting to try again") && page.contains("scim_user.deleted"), "{page}");
        let delivery = |page: &str| {
            let (_, rest) = page.split_once("data-copy=\"msg_").unwrap_or_else(|| panic!("no delivery in {page}"));
            format!("msg_{}", rest.split_once('"').unwrap().0)
        };
        let id = delivery(&page);
        assert!(!app.page(&admin, &format!("{path}?state=delivered")).await.body.contains(&id));
        assert!(app.page(&admin, &format!("{path}?state=pending")).await.body.contains(&id));
        assert_eq!(admin.get(&app.url(&format!("{path}?state=lost"))).await.status, 422);
        // All twelve attempts fail; then the delivery can be replayed.
        for attempt in 2..=12 {
            app.advance(Duration::from_secs(30 * 3600));
            // The session has expired.
            admin = app.signed_in(&account).await;
            page_with(&app, &admin, &path, &format!(">{attempt}</div>")).await;
            page_with(&app, &admin, &path, &format!("Failing: {attempt} in a row")).await;
        }
        let given_up = page_with(&app, &admin, &format!("{path}?state=failed"), &id).await;
        assert!(given_up.contains("Given up"), "{given_up}");
        let page = app.page(&admin, &path).await;
        let again = format!("/console/{}/webhook-deliveries/{id}/replay", environment.id);
        let answer = app.press(&admin, &page, &again, &[]).await;
        assert_eq!((answer.status.as_u16(), answer.location().path()), (303, path.as_str()));
        let page = app.page(&admin, &path).await;
        assert!(page.body.contains("Delivery will be sent again."), "{}", page.body);

        let replay = format!("{path}/replay");
        for wrong in ["", "x", "99", "-1"] {
            let answer = app.press(&admin, &page, &replay, &[("after", wrong)]).await;
            assert_eq!(answer.status, 422, "{wrong}");
            assert!(answer.body.contains("id=\"after-error\""), "{}", answer.body);
        }
        assert_eq!(app.press(&admin, &page, &replay, &[("after", "0")]).await.status, 303);

        let edit = app.page(&admin, &format!("{path}/edit")).await;
        assert!(edit.body.contains("value=\"scim_user.created\" checked") && edit.body.contains(UNREACHABLE));
        let saved = app.press(&admin, &edit, &format!("{path}/edit"), &[("url", "http://127.0.0.1:1/other"), ("eventTypes", "")]).await;
        assert_eq!(saved.status, 303);
        let page = app.page(&admin, &path).await;
        assert!(page.body.contains("Webhook saved.") && page.body.contains("All, those of later versions too"), "{}", page.body);

        assert_eq!(app.press(&admin, &page, &format!("{path}/disable"), &[]).await.status, 303);
        let page = app.page(&admin, &path).await;
        assert!(page.body.contains("Webhook disabled.") && form_to(&page, &replay).is_none(), "{}", page.body);
        let token = page.form();
        let token = ("form_token", token.field("form_token").unwrap());
        let refused = admin.post(&app.url(&replay), &[token, ("after", "0")]).await;
        assert_eq!(refused.status, 422);
        assert_eq!(app.press(&admin, &page, &format!("{path}/enable"), &[]).await.status, 303);
        assert!(app.page(&admin, &path).await.body.contains("Webhook enabled."));

        let delete = format!("{path}/delete");
        let page = app.page(&admin, &delete).await;
        assert_eq!(app.press(&admin, &page, &delete, &[("confirm", "yes")]).await.status, 422);
        assert_eq!(app.press(&admin, &page, &delete, &[("confirm", "127.0.0.1")]).await.status, 303);
        assert_eq!(admin.get(&app.url(&path)).await.status, 404);
        let log = app.page(&admin, &format!("/console/{}/audit-events", environment.id)).await.body;
        for said in ["sent a delivery again to", "sent events again to", "webhook.deleted", "webhook.created"] {
            assert!(log.contains(said), "{said}: {log}");
        }
        assert!(!log.contains("whsec_"));
    }

    async fn viewers_see_and_change_nothing_and_strangers_see_nothing(app: TestApp) {
        let (own, other) = (app.environment("prod").await, app.environment("staging").await);
        let admin = app.administrator(Role::Admin, Some(&own)).await;
        let base = format!("/console/{}/webhooks", own.id);
        let new = format!("{base}/new");
        let form = app.page(&admin, &new).await;
        let made = app.press(&admin, &form, &new, &[("url", "https://hook.example/")]).await;
        let (_, rest) = made.body.split_once(&format!("href=\"{base}/webhook_")).expect("a way on");
        let id = format!("webhook_{}", rest.split_once('"').unwrap().0);
        let path = format!("{base}/{id}");

        let viewer = app.administrator(Role::Viewer, Some(&own)).await;
        for page in [&base, &path] {
            let page = app.page(&viewer, page).await;
            assert!(page.body.contains("hook.example"));
            for action in ["/new", "/edit", "/delete", "/replay", "/disable", "/enable"] {
                assert!(!page.body.contains(&format!("{action}\"")), "{action}: {}", page.body);
            }
        }
        for page in [&new, &format!("{path}/edit"), &format!("{path}/delete")] {
            assert_eq!(viewer.get(&app.url(page)).await.status, 403, "{page}");
        }
        // The token of their own session, with an action that their pages do not offer.
        let token = app.page(&viewer, &path).await.form();
        let token = ("form_token", token.field("form_token").unwrap());
        let posts = ["edit", "delete", "replay", "disable", "enable"].map(|verb| format!("{path}/{verb}"));
        for post in posts.iter().chain([&new]) {
            let fields = [token, ("url", "https://evil.example/"), ("confirm", "hook.example"), ("after", "0")];
            assert_eq!(viewer.post(&app.url(post), &fields).await.status, 403, "{post}");
            assert_eq!(viewer.post(&app.url(post), &fields[1..]).await.status, 403, "{post} without a token");
        }
        assert!(app.page(&viewer, &path).await.body.contains("Enabled"));

        let stranger = app.administrator(Role::Owner, Some(&other)).await;
        let foreign = format!("/console/{}/webhooks/{id}", other.id);
        for page in [&path, &foreign, &format!("{foreign}/edit"), &format!("{foreign}/delete")] {
            assert_eq!(stranger.get(&app.url(page)).await.status, 404, "{page}");
        }
        let token = app.page(&stranger, &format!("/console/{}/webhooks", other.id)).await.form();
        let token = ("form_token", token.field("form_token").unwrap());
        for verb in ["edit", "delete", "replay", "disable"] {
            let fields = [token, ("url", "https://evil.example/"), ("confirm", "hook.example"), ("after", "0")];
            assert_eq!(stranger.post(&app.url(&format!("{foreign}/{verb}")), &fields).await.status, 404, "{verb}");
        }
        let nobody = app.browser().get(&app.url(&path)).await;
        assert_eq!((nobody.status.as_u16(), nobody.location().path()), (303, "/console/sign-in"));
    }
}

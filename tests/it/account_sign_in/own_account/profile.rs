//! The first page and the profile: what somebody sees of themselves and may change.

use base::id::Id;
use model::{
    identity_schema::{IdentitySchema, SchemaRef},
    user::User,
};
use ostiary::store::table;
use serde_json::{Map, Value, json};

use super::{Person, assert_did};
use crate::{
    account_sign_in::{enrolment::change_pool, world},
    both,
    support::random,
};

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

both! {
    async fn the_account_is_shown_to_whoever_is_signed_in(app: TestApp) {
        let world = world(&app).await;
        let stranger = Person { app: &app, world: &world, browser: app.browser() };
        for path in ["", "/profile", "/addresses", "/password", "/passkeys", "/second-factor", "/sessions", "/data", "/erase", "/confirm", "/data/account.json"] {
            let answer = stranger.get(path).await;
            assert_eq!((answer.status.as_u16(), answer.location().path()), (303, format!("{}/sign-in", world.issuer).as_str()), "{path}");
        }
        let posted = stranger.post("/password", &[("password", "x")]).await;
        assert_eq!((posted.status.as_u16(), posted.location().path()), (303, format!("{}/sign-in", world.issuer).as_str()));
        let dana = Person::new(&app, &world).await;
        let page = dana.page("").await;
        for text in ["Dana Doe", "dana@acme.com", "confirmed", "Company acme.example", "In this browser only."] {
            assert!(page.body.contains(text), "{text}: {}", page.body);
        }
        assert!(!page.body.contains("Ostiary") && !page.body.contains("<script"), "{}", page.body);
        assert_eq!(page.header("cache-control"), "no-store");
        let gone = dana.send(&page, "/sign-out", &[]).await;
        assert_eq!(gone.location().path(), format!("{}/oidc/logout", world.issuer));
        assert!(dana.browser.get(gone.location().as_str()).await.body.contains("You are signed out"));
        assert!(!dana.is_in().await);
        assert_did(&app, &world, "user.signed_out").await;
    }

    async fn the_profile_is_changed_as_far_as_the_schema_lets_them(app: TestApp) {
        let world = world(&app).await;
        let schema = IdentitySchema {
            id: Id::new(app.now(), random()),
            environment_id: world.environment.id,
            version: 1,
            name: "People".into(),
            description: String::new(),
            schema: object(json!({
                "type": "object",
                "properties": {
                    "name": { "type": "string", "title": "Full name", "minLength": 3 },
                    "email": { "type": "string", "title": "Mail" },
                    "plan": { "type": "string", "title": "Plan", "readOnly": true },
                    "risk": { "type": "number", "title": "Risk", "hidden": true }
                },
                "required": ["name"]
            })),
            created_at: app.now(),
            updated_at: app.now(),
        };
        let mut tx = app.state.db.write().await.unwrap();
        table::insert(&mut tx, &schema).await.unwrap();
        let mut user: User = table::find(&mut tx, world.environment.id, world.user).await.unwrap().unwrap();
        user.payload = object(json!({ "name": "Dana Doe", "email": "dana@acme.com", "plan": "pro", "risk": 7, "own": "x" }));
        user.metadata = object(json!({ "tier": "gold" }));
        assert!(table::update(&mut tx, &mut user, app.now()).await.unwrap());
        tx.commit().await.unwrap();
        change_pool(&app, &world, |pool| pool.payload_schema = SchemaRef::Own(schema.id)).await;

        let dana = Person::new(&app, &world).await;
        let page = dana.page("/profile").await;
        for shown in ["payload/name", "Dana Doe", "pro", "gold"] {
            assert!(page.body.contains(shown), "{shown}: {}", page.body);
        }
        for hidden in ["payload/email", "payload/plan", "payload/risk", "Risk", "payload/own", "name=\"payload\""] {
            assert!(!page.body.contains(hidden), "{hidden}: {}", page.body);
        }
        let refused = dana.send(&page, "/profile", &[("payload/name", "D")]).await;
        assert!(refused.status == 422 && refused.body.contains("payload/name-error"), "{}", refused.body);
        let emptied = dana.send(&page, "/profile", &[("payload/name", "")]).await;
        assert_eq!(emptied.status, 422, "{}", emptied.body);
        // What no field is for is not taken, whoever sends it.
        let forged = [("payload/name", "Dana Roe"), ("payload/risk", "0"), ("payload/email", "eve@evil.example"), ("payload/plan", "max"), ("payload", "{\"own\":\"y\",\"more\":1}"), ("metadata", "{}"), ("metadata/tier", "x")];
        dana.done("/profile", "/profile", &forged, "Your profile is saved.").await;
        let user = dana.user().await;
        let expected = json!({ "name": "Dana Roe", "email": "dana@acme.com", "plan": "pro", "risk": 7, "own": "x" });
        assert_eq!((Value::Object(user.payload), Value::Object(user.metadata)), (expected, json!({ "tier": "gold" })));
        assert_did(&app, &world, "user.updated").await;
        // Somebody else was faster.
        let lost = dana.send(&page, "/profile", &[("payload/name", "Dana Poe")]).await;
        assert!(lost.status == 409 && lost.body.contains("This was changed while you were editing"), "{}", lost.body);
        assert_eq!(dana.user().await.display_name(), "Dana Roe");
    }
}

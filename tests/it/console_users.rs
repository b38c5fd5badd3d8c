//! Users in the console: made, found, changed, helped and deleted; and who may do so.

use std::time::Duration;

use base::id::{Id, IdentityPoolId, UserId};
use model::{
    administrator::Role,
    environment::Environment,
    identity_pool::IdentityPool,
    identity_schema::{IdentitySchema, SchemaRef},
    organization::root_id,
    user::{IdentifierKind, User},
};
use ostiary::{
    app::{
        accounts::{
            recovery_codes, totp,
            totp::TotpSecret,
            user_credentials,
            user_sessions::{self, OperatorSession},
            users::{self, NewIdentifier},
        },
        principal::Principal,
    },
    store::{self, table},
};
use serde_json::{Value, json};

use crate::{
    both,
    support::{TestApp, authenticator, random},
};

const PASSWORD: &str = "violet kettle under snow";

fn operator(environment: &Environment) -> Principal {
    Principal::operator(environment.id)
}

/// A pool of an organization with this schema for profiles.
async fn pool_with_schema(
    app: &TestApp,
    environment: &Environment,
    organization_id: base::id::OrganizationId,
    name: &str,
    schema: Value,
) -> IdentityPoolId {
    let now = app.now();
    let schema = IdentitySchema {
        id: Id::new(now, random()),
        environment_id: environment.id,
        version: 1,
        name: "Own".into(),
        description: String::new(),
        schema: schema.as_object().unwrap().clone(),
        created_at: now,
        updated_at: now,
    };
    let pool = IdentityPool {
        name: name.to_owned(),
        payload_schema: SchemaRef::Own(schema.id),
        ..IdentityPool::new(Id::new(now, random()), environment.id, organization_id, now)
    };
    let mut tx = app.state.db.write().await.unwrap();
    table::insert(&mut tx, &schema).await.unwrap();
    table::insert(&mut tx, &pool).await.unwrap();
    tx.commit().await.unwrap();
    pool.id
}

async fn reload(app: &TestApp, user: &User) -> User {
    users::find_any(&app.state, &Principal::operator(user.environment_id), user.id).await.unwrap()
}

/// How many sessions and access tokens of a user count.
async fn live(app: &TestApp, user: UserId) -> (i64, i64) {
    let mut conn = app.state.db.read().await.unwrap();
    let sessions = "SELECT COUNT(*) FROM sessions WHERE subject_id = $1 AND revoked_at IS NULL";
    let tokens = "SELECT COUNT(*) FROM signed_access_tokens WHERE subject_id = $1 AND revoked_at IS NULL";
    let mut count = async |text| conn.sql(text).bind(user).one::<(i64,)>().await.unwrap().0;
    (count(sessions).await, count(tokens).await)
}

async fn begin_session(app: &TestApp, user: &User) {
    let wanted = OperatorSession { user_id: user.id, authenticated_ago: Duration::ZERO, tenant_admin: false };
    let operator = Principal::operator(user.environment_id);
    user_sessions::create_by_operator(&app.state, &operator, wanted).await.unwrap();
}

both! {
    async fn a_user_is_made_found_changed_and_deleted(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let console = app.console(Role::Admin, &environment).await;
        let of = format!("/organizations/{}", tenant.organization.id);
        console.page(&of).await.says("Users of this organization").says("New user");
        let list = format!("{of}/users");
        console.page(&list).await.says("Users of Company acme.example").says("Nobody has an account here yet.");

        // The organization has no pool: the first one comes with the first user.
        let new = format!("{list}/new");
        let empty = console.post(&new, &[("access", "invitation")]).await;
        assert_eq!(empty.status, 422);
        empty.says("Enter an e-mail address or a user name");
        let fields = [
            ("email", "Dana@Acme.example"), ("emailVerified", "true"), ("userName", "dana"), ("payload/name", "Dana <b>Doe</b>"),
            ("payload/address/locality", "Bonn"), ("metadata", "{ \"plan\": \"pro\" }"), ("password", PASSWORD),
            ("mustBeChanged", "true"), ("access", "password"),
        ];
        let made = console.done(&new, &fields).await;
        made.says("User created.").says("Dana <b>Doe</b>").says("Dana@Acme.example").says("Verified").says("User name")
            .says("Must be changed at the next sign-in").says("Postal address: City Bonn").says("plan pro").says("Active");
        assert!(!made.body.contains("<b>Doe") && !made.body.contains(PASSWORD) && !made.body.contains("argon2"));
        let id = made.id("usr_");
        let user = format!("/users/{id}");
        console.page(&of).await.says("One account is kept here.");
        // Named as long as there is such a user: the entry does not hold the name.
        console.page("/audit-events").await.says("created user").says("Dana <b>Doe</b>");
        let mut conn = app.state.db.read().await.unwrap();
        let (entries,): (i64,) =
            conn.sql("SELECT COUNT(*) FROM audit_events WHERE target_id = $1").bind(id.as_str()).one().await.unwrap();
        let named: Vec<(String,)> =
            conn.sql("SELECT after FROM audit_events WHERE target_id = $1").bind(id.as_str()).all().await.unwrap();
        drop(conn);
        assert!(entries > 0 && named.iter().all(|(values,)| !values.contains("Dana")), "{named:?}");

        for words in ["dana", "DOE", "dana@ACME.example", &id, "do"] {
            console.page(&format!("{list}?q={words}")).await.says("Dana <b>Doe</b>").says("dana");
        }
        console.page(&format!("{list}?q=charles")).await.says("Nothing here matches.").does_not_say("Dana");
        // Who has the id alone need not know where.
        console.page(&format!("/users?q={id}")).await.says("Dana <b>Doe</b>");
        // Nor who has a whole address, in any case, or a user name; of part of a name the root's own are meant.
        for words in ["DANA@acme.example", "dana", "Dana"] {
            console.page(&format!("/users?q={words}")).await.says("Dana <b>Doe</b>").says("Company acme.example");
        }
        for words in ["doe", "acme.example", "eve@acme.example"] {
            console.page(&format!("/users?q={words}")).await.does_not_say("Dana");
        }
        // Another environment has nothing of it.
        let other = app.environment("stage").await;
        let elsewhere = app.console(Role::Admin, &other).await;
        for words in ["dana@acme.example", &id] {
            elsewhere.page(&format!("/users?q={words}")).await.says("Nothing here matches.").does_not_say("Dana");
        }
        // Those of the root are others.
        console.page("/users").await.says("Users of Environment prod").says("Nobody has an account here yet.");

        let edit = format!("{user}/edit");
        let form = console.page(&edit).await;
        assert_eq!(form.input("payload/name").as_deref(), Some("Dana &lt;b&gt;Doe&lt;/b&gt;"));
        let changed = console
            .done(&edit, &[("payload/name", "Dana Roe"), ("payload/address/locality", ""), ("metadata", "")])
            .await;
        changed.says("User saved.").says("Dana Roe").does_not_say("Bonn").does_not_say("Metadata");
        console.page(&format!("{list}?q=roe")).await.says("Dana Roe");

        let delete = format!("{user}/delete");
        console.page(&delete).await.says("Their profile, identifiers, addresses and credentials are erased.");
        let refused = console.post(&delete, &[("confirm", "dana")]).await;
        assert_eq!(refused.status, 422);
        refused.says("Type Dana Roe to confirm.");
        let deleted = console.done(&delete, &[("confirm", "Dana Roe")]).await;
        deleted.says("User deleted.").says("Users of Company acme.example");
        assert_eq!(console.get(&user).await.status, 404);
        console.page("/audit-events").await.says("deleted user").does_not_say("Dana");
    }

    async fn the_root_has_users_of_its_own(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Admin, &environment).await;
        console.page("/settings").await.says("Users of the environment itself");
        let made = console.done("/users/new", &[("userName", "ops"), ("access", "later")]).await;
        made.says("User created.").says("ops").says("This user is new").says("Make an activation code");
        let id: UserId = made.id("usr_").parse().unwrap();
        let user = users::find_any(&app.state, &operator(&environment), id).await.unwrap();
        assert_eq!(user.organization_id, root_id(environment.id));
        console.page("/users").await.says("ops").says("New");
        console.page(&format!("/identity-pools/{}/users", user.pool_id)).await.says("Users of the pool “Users”").says("ops");
        // By hand, where nobody can read a code.
        let status = format!("/users/{id}/status");
        console.done(&status, &[("status", "active")]).await.says("User enabled.").says("Active");
        begin_session(&app, &user).await;
        console.page(&format!("/users/{id}")).await.says("Made by the operator");
        console.done(&status, &[("status", "inactive")]).await.says("User disabled.").says("This user is disabled");
        assert_eq!(live(&app, id).await, (0, 0));
        assert_eq!(console.post(&status, &[("status", "deleted")]).await.status, 422);
    }

    async fn identifiers_and_addresses_come_and_go(app: TestApp) {
        let environment = app.environment("prod").await;
        let user = app.user(&environment, None, "dana@acme.example").await;
        app.user(&environment, None, "other@acme.example").await;
        let console = app.console(Role::Admin, &environment).await;
        let page = format!("/users/{}", user.id);
        let identifiers = format!("{page}/identifiers");
        console.page(&identifiers).await.says("What it is");
        console.done(&identifiers, &[("type", "uid"), ("identifier", " Dana ")]).await.says("Identifier added.").says("User name");
        // What somebody has is refused at its field, with who that is.
        let taken = console.post(&identifiers, &[("type", "email"), ("identifier", "OTHER@acme.example")]).await;
        assert_eq!(taken.status, 422);
        taken.says("Identifier: Other@acme.example has this already: usr_");
        for (kind, text, reason) in [
            ("email", "dana", "Identifier: Must be an e-mail address."),
            ("mobile", "030 1", "Identifier: Must be a telephone number in international form"),
            ("uid", "", "Identifier: Must be between 1 and 320 characters long."),
            ("passport", "x", "What it is: Choose what it is."),
        ] {
            let refused = console.post(&identifiers, &[("type", kind), ("identifier", text)]).await;
            assert_eq!(refused.status, 422, "{kind} {text}");
            refused.says(reason);
        }
        // The same text as two kinds: the one that is asked for goes.
        console.done(&identifiers, &[("type", "external"), ("identifier", "Dana")]).await.says("ID in another system");
        let gone = console.done(&identifiers, &[("type", "external"), ("identifier", "Dana"), ("remove", "1")]).await;
        gone.says("Identifier deleted.").says("User name").does_not_say("ID in another system");
        console.done(&identifiers, &[("type", "uid"), ("identifier", "Dana"), ("remove", "1")]).await.does_not_say("User name");
        let late = console.post(&identifiers, &[("type", "uid"), ("identifier", "Dana"), ("remove", "1")]).await;
        assert_eq!(late.status, 422);
        late.says("That was not done").says("The user does not have this identifier any more.");

        let addresses = format!("{page}/addresses");
        console.done(&addresses, &[("type", "mobile"), ("address", "+49 30 1234567")]).await.says("Address added.").says("Not verified");
        let number = [("address", "+49301234567"), ("setVerified", "true")];
        console.done(&addresses, &number).await.says("Address saved.").does_not_say("Not verified");
        console.done(&addresses, &[("address", "+49 30 1234567"), ("setVerified", "false")]).await.says("Not verified");
        let twice = console.post(&addresses, &[("type", "email"), ("address", "DANA@acme.example"), ("verified", "true")]).await;
        assert_eq!(twice.status, 422);
        twice.says("The user has this address already.");
        console.post(&addresses, &[("type", "email"), ("address", "x")]).await.says("Address: Must be an e-mail address.");
        console.done(&addresses, &[("address", "+49 30 1234567"), ("remove", "1")]).await.does_not_say("Phone number");
        assert_eq!(console.post(&addresses, &[("address", "+49 30 1234567"), ("remove", "1")]).await.status, 422);
        console.page(&format!("/audit-events?targetId={}", user.id)).await
            .says("added an identifier to").says("removed an address of").does_not_say("+49");
    }

    async fn a_profile_is_what_the_schema_of_the_pool_says(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let schema = json!({
            "type": "object",
            "required": ["name", "salesforceId"],
            "additionalProperties": false,
            "properties": {
                "name": { "type": "string", "title": "Full name" },
                "salesforceId": { "type": "string", "title": "Salesforce ID", "description": "15 or 18 characters.", "maxLength": 18 },
                "seats": { "type": "integer", "title": "Seats", "minimum": 1 },
                "vip": { "type": "boolean", "title": "Important" },
                "points": { "type": "array", "title": "Points", "items": { "type": "integer" } },
            },
        });
        let organization = tenant.organization.id;
        let pool = pool_with_schema(&app, &environment, organization, "Employees", schema).await;
        let console = app.console(Role::Admin, &environment).await;
        let new = format!("/organizations/{organization}/users/new");
        console.page(&new).await.says("Salesforce ID").says("15 or 18 characters.").does_not_say("Nickname");
        // Every fault at its own field, at once, and what was typed stays.
        let refused = console
            .post(&new, &[
                ("email", "dana@acme.example"), ("payload/name", ""), ("payload/salesforceId", "0018d00000FhI3qAAF-too-long"),
                ("payload/seats", "0"), ("payload/points", "[1, \"x\"]"), ("access", "none"),
            ])
            .await;
        assert_eq!(refused.status, 422);
        refused
            .says("Full name: Is required.")
            .says("Salesforce ID: Must be at most 18 characters long.")
            .says("Seats: Must be at least 1.")
            .says("Points: /1 must be of type integer.");
        assert!(refused.body.contains("id=\"payload/seats-error\"") && refused.body.contains("0018d00000FhI3qAAF-too-long"));
        let refused = console.post(&new, &[("email", "dana@acme.example"), ("payload/seats", "many"), ("access", "none")]).await;
        refused.says("Seats: Must be a number.");
        let fields = [
            ("email", "dana@acme.example"), ("payload/name", "Dana"), ("payload/salesforceId", "1"), ("payload/seats", "4"),
            ("payload/vip", "true"), ("payload/points", "[1, 2]"), ("access", "none"),
        ];
        // What the pool asks of passwords, and who has the address, too.
        let weak = console.post(&new, &[&[("access", "password"), ("password", "short")], &fields[..]].concat()).await;
        assert_eq!(weak.status, 422);
        weak.says("Password: Must be at least 12 characters long; a few words in a row are good.");
        let made = console.done(&new, &fields).await;
        made.says("Salesforce ID 1").says("Important Yes").says("Employees");
        let taken = console.post(&new, &fields).await;
        assert_eq!(taken.status, 422);
        taken.says("E-mail address: Dana has this already: usr_");
        let id: UserId = made.id("usr_").parse().unwrap();
        let user = users::find(&app.state, &operator(&environment), (pool, id)).await.unwrap();
        let stored = json!({ "name": "Dana", "salesforceId": "1", "seats": 4, "vip": true, "points": [1, 2] });
        assert_eq!(Value::from(user.payload.clone()), stored);
        let edit = format!("/users/{id}/edit");
        let refused = console.post(&edit, &[("payload/salesforceId", "")]).await;
        assert_eq!(refused.status, 422);
        refused.says("Salesforce ID: Is required.");
        assert_eq!(reload(&app, &user).await, user, "nothing is half done");

        // A second pool: which one is asked, and the profile is that of the pool.
        let other = pool_with_schema(&app, &environment, organization, "Guests", json!({ "type": "object" })).await;
        console.page(&new).await.says("New user in Employees").says("New user in Guests");
        let guest = format!("/identity-pools/{other}/users/new");
        console.page(&guest).await.does_not_say("Salesforce ID");
        let bad = console.post(&guest, &[("userName", "g"), ("payload", "[1]"), ("access", "none")]).await;
        assert_eq!(bad.status, 422);
        bad.says("Must be a JSON object");
        console.done(&guest, &[("userName", "g"), ("payload", "{\"name\": \"Gast\"}"), ("access", "none")]).await.says("Gast");
        let list = console.page(&format!("/organizations/{organization}/users")).await;
        list.says("Employees").says("Guests").says("Gast").says("Dana");
        for words in ["gast", "dana"] {
            let found = console.page(&format!("/organizations/{organization}/users?q={words}")).await;
            assert_eq!(found.text().matches("Active").count(), 1, "{}", found.text());
        }
    }

    async fn nobody_is_added_to_what_is_switched_off_or_a_template(app: TestApp) {
        let environment = app.environment("prod").await;
        let (off, template) = (app.tenant(&environment, "off.example").await, app.tenant(&environment, "template.example").await);
        let user = app.user(&environment, Some(off.organization.id), "dana@off.example").await;
        let mut tx = app.state.db.write().await.unwrap();
        tx.sql("UPDATE organizations SET status = 'disabled' WHERE id = $1 AND deleted_at IS NULL")
            .bind(off.organization.id).execute().await.unwrap();
        tx.sql("UPDATE organizations SET is_template = TRUE WHERE id = $1 AND deleted_at IS NULL")
            .bind(template.organization.id).execute().await.unwrap();
        tx.commit().await.unwrap();
        let console = app.console(Role::Admin, &environment).await;
        let fields = [("email", "new@off.example"), ("access", "none")];
        for (organization, reason) in [
            (off.organization.id, "The organization is switched off (disabled); its users cannot be added or changed."),
            (template.organization.id, "The organization is a template; make an organization from it, and add its users there."),
        ] {
            let refused = console.post(&format!("/organizations/{organization}/users/new"), &fields).await;
            assert_eq!(refused.status, 422);
            refused.says(reason);
        }
        console.page(&format!("/organizations/{}/users", off.organization.id)).await
            .says("This organization is switched off").does_not_say("New user");
        console.page(&format!("/organizations/{}/users", template.organization.id)).await
            .says("This organization is a template").does_not_say("New user");
        let at = format!("/users/{}", user.id);
        let refused = console.post(&format!("{at}/addresses"), &[("address", "dana@off.example"), ("setVerified", "false")]).await;
        assert_eq!(refused.status, 422);
        refused.says("That was not done").says("The organization is switched off");
        let refused = console.post(&format!("{at}/password"), &[("password", PASSWORD)]).await;
        assert_eq!(refused.status, 422);
        refused.says("The organization is switched off");
        // Somebody who must go can go.
        console.done(&format!("{at}/status"), &[("status", "inactive")]).await.says("User disabled.");
        console.done(&format!("{at}/delete"), &[("confirm", "dana@off.example")]).await.says("User deleted.");
    }

    async fn support_helps_who_has_lost_a_credential(app: TestApp) {
        let environment = app.environment("prod").await;
        let user = app.user(&environment, None, "dana@acme.example").await;
        let (operator, of) = (operator(&environment), (user.pool_id, user.id));
        let console = app.console(Role::Admin, &environment).await;
        let page = format!("/users/{}", user.id);
        console.page(&page).await.says("They cannot sign in with anything that is kept here.").says("Set a password");

        // A password that the pool would refuse of the user is refused here.
        let password = format!("{page}/password");
        console.page(&password).await.says("At least 12 characters, and not easy to guess.");
        for (typed, reason) in [("", "New password: Is required."), ("dana@acme.example", "New password: Must")] {
            let refused = console.post(&password, &[("password", typed), ("mustBeChanged", "true")]).await;
            assert_eq!(refused.status, 422, "{typed}");
            refused.says(reason);
        }
        begin_session(&app, &user).await;
        let set = console.done(&password, &[("password", PASSWORD), ("mustBeChanged", "true")]).await;
        set.says("Password saved.").says("Must be changed at the next sign-in").says("They are signed in nowhere.");
        assert_eq!(live(&app, user.id).await, (0, 0));
        let credentials = format!("{page}/credentials");
        console.done(&credentials, &[("change", "valid")]).await.says("Valid");
        console.done(&credentials, &[("change", "must_be_changed")]).await.says("Must be changed");

        // A phone that is gone: its passkey, its app, the codes.
        let options = user_credentials::begin_passkey(&app.state, &operator, of).await.unwrap();
        let answer = authenticator::register(&options, &app.state.links.origin());
        let made = user_credentials::complete_passkey(&app.state, &operator, of, &answer, "Phone").await.unwrap();
        let mut tx = app.state.db.write().await.unwrap();
        totp::set(&mut tx, &app.state, user.id.into(), &TotpSecret::new(random())).await.unwrap();
        recovery_codes::generate(&mut tx, &app.state, user.id.into()).await.unwrap();
        tx.commit().await.unwrap();
        begin_session(&app, &user).await;
        let shown = console.page(&page).await;
        shown.says("Passkey “Phone”").says("never used").says("Authenticator app").says("10 left");
        let remove = [("change", "remove_passkey"), ("credential", made.credential_id.as_str())];
        console.done(&credentials, &remove).await.says("Passkey deleted.").does_not_say("Phone");
        let again = console.post(&credentials, &remove).await;
        assert_eq!(again.status, 422);
        again.says("The user does not have this passkey any more.");
        console.done(&credentials, &[("change", "remove_totp")]).await.says("Authenticator app deleted.").says("signed in nowhere");
        assert_eq!(live(&app, user.id).await, (0, 0));
        console.done(&credentials, &[("change", "remove_recovery_codes")]).await.says("Recovery codes deleted.");
        for change in ["remove_totp", "remove_recovery_codes", "explode"] {
            assert_eq!(console.post(&credentials, &[("change", change)]).await.status, 422, "{change}");
        }
        begin_session(&app, &user).await;
        console.done(&format!("{page}/sessions"), &[]).await.says("All sessions ended.").says("signed in nowhere");
        assert_eq!(live(&app, user.id).await, (0, 0));

        // A code that they redeem themselves.
        let codes = format!("{page}/codes");
        console.page(&codes).await.says("A new password").does_not_say("activation");
        assert_eq!(console.post(&codes, &[("purpose", "activation")]).await.status, 422);
        let code = console.post(&codes, &[("purpose", "reset_password")]).await;
        assert_eq!((code.status.as_u16(), code.header("cache-control")), (200, "no-store"));
        let digits = code.secret();
        assert!(digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{digits}");
        let log = console.page(&format!("/audit-events?targetId={}", user.id)).await;
        log.says("set the password of").says("made a one-time code for").says("removed the authenticator app of");
        log.does_not_say(&digits).does_not_say(PASSWORD);
        // Whoever sits at a session that was left open makes no way into an account.
        app.advance(Duration::from_secs(11 * 60));
        console.page(&password).await.says("Confirm first that it is you");
        let stale = console.post(&password, &[("password", PASSWORD)]).await;
        assert_eq!(stale.status, 422);
        stale.says("Confirm on the page of your account that it is you");
        assert_eq!(console.post(&codes, &[("purpose", "reset_password")]).await.status, 422);
    }

    async fn what_somebody_else_changed_meanwhile_is_not_lost(app: TestApp) {
        let environment = app.environment("prod").await;
        let user = app.user(&environment, None, "dana@acme.example").await;
        let console = app.console(Role::Admin, &environment).await;
        let edit = format!("/users/{}/edit", user.id);
        let [early, late] = [console.seen(&edit).await, console.seen(&edit).await];
        let with = |seen: &[(&'static str, String)], name: &str, nickname: &str| -> Vec<(String, String)> {
            let own = [("payload/name", name), ("payload/nickname", nickname)];
            let seen = seen.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
            seen.chain(own.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
        };
        fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
        }
        // An identifier that came meanwhile is not on the form, and no reason to ask.
        let new = NewIdentifier::new(IdentifierKind::Uid, "dana");
        users::add_identifier(&app.state, &operator(&environment), (user.pool_id, user.id), None, &new).await.unwrap();
        let fields = with(&early, "Dana", "");
        assert_eq!(console.post(&edit, &borrowed(&fields)).await.status, 303);
        let fields = with(&late, "", "dd");
        let told = console.post(&edit, &borrowed(&fields)).await;
        assert_eq!(told.status, 409, "{}", told.text());
        told.says("This was changed while you were editing").says("Full name : now “Dana”");
        assert!(told.body.contains("value=\"dd\""), "what was typed stays");
        assert_eq!(reload(&app, &user).await.payload.get("nickname"), None);
    }

    async fn long_lists_have_pages(app: TestApp) {
        let environment = app.environment("prod").await;
        let mut ids = Vec::new();
        for number in 0..30 {
            ids.push(app.user(&environment, None, &format!("u{number:02}@acme.example")).await.id);
        }
        let console = app.console(Role::Viewer, &environment).await;
        let first = console.page("/users").await;
        ids.sort_by_key(|id| std::cmp::Reverse(*id));
        let places: Vec<usize> =
            ids[..25].iter().map(|id| first.body.find(&id.to_string()).expect("the newest come first")).collect();
        assert!(places.is_sorted(), "{places:?}");
        let (_, rest) = first.body.split_once("rel=\"next\" href=\"").expect("a next page");
        let second = console.page(&rest.split_once('"').unwrap().0.replace("&amp;", "&")).await;
        let mut seen = Vec::new();
        for (page, expected) in [(&first, 25), (&second, 5)] {
            let text = page.text();
            let mut found: Vec<String> = (0..30).map(|number| format!("u{number:02}@acme.example")).collect();
            found.retain(|email| text.contains(email.as_str()));
            assert_eq!(found.len(), expected, "{text}");
            seen.extend(found);
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 30);
        assert!(!second.body.contains("rel=\"next\""));
    }

    async fn a_viewer_sees_and_changes_nothing_and_others_are_not_there(app: TestApp) {
        let (environment, foreign) = (app.environment("prod").await, app.environment("other").await);
        let (user, other) = (
            app.user(&environment, None, "dana@acme.example").await,
            app.user(&foreign, None, "secret@foreign.example").await,
        );
        let viewer = app.console(Role::Viewer, &environment).await;
        viewer.page("/users").await.says("dana@acme.example").does_not_say("New user");
        let page = viewer.page(&format!("/users/{}", user.id)).await;
        page.says("dana@acme.example");
        for button in ["Disable", "Delete", "Add identifier", "Set a password", "End all sessions", "Remove"] {
            page.does_not_say(button);
        }
        for end in ["edit", "delete", "identifiers", "addresses", "password", "codes"] {
            assert_eq!(viewer.get(&format!("/users/{}/{end}", user.id)).await.status, 403, "{end}");
        }
        let owner = app.console(Role::Owner, &environment).await;
        for path in [
            format!("/users/{}", other.id),
            format!("/users/{}/password", other.id),
            format!("/identity-pools/{}/users", other.pool_id),
            format!("/identity-pools/{}/users/new", other.pool_id),
            "/users/usr_1".to_owned(),
        ] {
            let answer = owner.get(&path).await;
            assert_eq!(answer.status, 404, "{path}");
            answer.does_not_say("secret@");
        }
        let fields = [("password", PASSWORD), ("status", "inactive"), ("change", "remove_totp"), ("purpose", "reset_password")];
        for end in ["status", "credentials", "sessions", "password", "codes", "delete"] {
            assert_eq!(owner.post(&format!("/users/{}/{end}", other.id), &fields).await.status, 404, "{end}");
        }
        assert_eq!(reload(&app, &other).await, other);
        let mut conn = app.state.db.read().await.unwrap();
        assert!(store::passwords::find(&mut conn, other.id.into()).await.unwrap().is_none());
    }
}

//! Identity pools and schemas in the console: made, looked at, changed and deleted; and who may do so.

use base::id::{IdentityPoolId, IdentitySchemaId};
use model::{
    administrator::Role,
    environment::Environment,
    identity_pool::{AuthenticationMechanism, IdentityPool, OtpSetting},
    identity_schema::{SchemaRef, SystemSchema},
    organization::root_id,
};
use ostiary::app::{
    accounts::{pools, schemas},
    principal::Principal,
};

use crate::{both, support::TestApp};

const SCHEMA: &str = r#"{ "type": "object", "required": ["crm"], "properties": {
    "crm": { "type": "string", "title": "CRM number", "description": "As in <i>the</i> CRM", "maxLength": 18 },
    "plan": { "enum": ["free", "pro"], "title": "Plan" },
    "tags": { "type": "array", "items": { "type": "string" } },
    "billing": { "type": "object", "title": "Billing", "properties": { "country": { "type": "string", "title": "Country" } } }
}, "additionalProperties": false }"#;

async fn pool(app: &TestApp, environment: &Environment, id: &str) -> IdentityPool {
    let id: IdentityPoolId = id.parse().unwrap();
    pools::find(&app.state, &Principal::operator(environment.id), id).await.unwrap()
}

both! {
    async fn a_schema_is_previewed_made_changed_and_deleted(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Admin, &environment).await;
        console.page("/identity-schemas").await.says("User built in").says("user_v0").says("metadata_v0").says("New schema");
        console.page("/identity-schemas/user_v0").await.says("Full name").says("Nobody can change it.").does_not_say("Edit");

        let new = "/identity-schemas/new";
        let begun = console.page(new).await;
        begun.says("Customer number").says("2 fields, 1 required");
        let policy = begun.header("content-security-policy");
        assert!(policy.contains("connect-src 'self'") && begun.body.contains("/assets/preview.js"), "{policy}");
        // The button shows the form again; nothing is made.
        let shown = console.post(new, &[("name", "Customers"), ("schema", SCHEMA), ("preview", "schema")]).await;
        assert_eq!(shown.status, 200);
        shown.says("4 fields, 1 required").says("CRM number").says("At most 18 characters.").says("One a line.").says("Country");
        assert!(!shown.body.contains("<i>the") && shown.body.contains("name=\"example/billing/country\""), "{}", shown.body);
        let tried = [("schema", SCHEMA), ("example/crm", "0123456789012345678"), ("preview", "schema")];
        console.post(new, &tried).await.says("Must be at most 18 characters long.");
        for (bad, said) in [
            ("{ \"properties\": 7 }", "/properties: "),
            ("[1", "this breaks off in line 1"),
            ("{ \"properties\": { \"a\": { \"pattern\": \"(?=x)\" } } }", "/properties/a/pattern: Must be a regular expression"),
            ("{ \"$ref\": \"https://evil.example/schema\" }", "/$ref: "),
        ] {
            let said = said.replace("Must", "must");
            let shown = console.post(new, &[("name", "X"), ("schema", bad), ("preview", "schema")]).await;
            assert_eq!(shown.status, 200);
            shown.says("Not a schema yet");
            let refused = console.post(new, &[("name", "X"), ("schema", bad)]).await;
            assert_eq!(refused.status, 422, "{bad}");
            assert!(refused.text().contains(&said), "{said}: {}", refused.text());
        }
        let unnamed = console.post(new, &[("schema", SCHEMA)]).await;
        assert_eq!(unnamed.status, 422);
        unnamed.says("Name: Is required.");
        console.page("/identity-schemas").await.does_not_say("Customers");

        let made = console.done(new, &[("name", "Customers <b>"), ("description", "Of the shop"), ("schema", SCHEMA)]).await;
        made.says("Schema created.").says("Customers <b>").says("Of the shop").says("no identity pool").says("CRM number");
        assert!(!made.body.contains("Customers <b>"));
        let at = format!("/identity-schemas/{}", made.id("schema_"));
        console.page("/identity-schemas").await.says("Customers <b>");
        console.page("/audit-events").await.says("created identity schema");

        let edit = format!("{at}/edit");
        console.page(&edit).await.says("4 fields, 1 required");
        let shown = console.post(&edit, &[("schema", "{}"), ("preview", "schema")]).await;
        assert_eq!(shown.status, 200);
        shown.says("0 fields");
        let changed = console.done(&edit, &[("schema", "{ \"properties\": { \"vip\": { \"type\": \"boolean\" } } }")]).await;
        changed.says("Schema saved.").says("1 field").says("vip").does_not_say("CRM number");
        // What is not sent stayed.
        changed.says("Of the shop");

        let delete = format!("{at}/delete");
        console.page(&delete).await.says("Type Customers <b> to confirm");
        assert_eq!(console.post(&delete, &[("confirm", "Customers")]).await.status, 422);
        console.done(&delete, &[("confirm", "Customers <b>")]).await.says("Schema deleted.").does_not_say("Customers <b>");
        assert_eq!(console.get(&at).await.status, 404);
    }

    async fn a_schema_that_a_pool_uses_stays_and_the_page_names_the_pool(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Admin, &environment).await;
        let made = console.done("/identity-schemas/new", &[("name", "Customers"), ("schema", SCHEMA)]).await;
        let id = made.id("schema_");
        let fields = [("name", "Shop"), ("payload_schema_id", &*id), ("business_metadata_schema_id", &*id)];
        let pool_page = console.done("/identity-pools/new", &fields).await;
        pool_page.says("Schema of the profile Customers");
        let at = format!("/identity-schemas/{id}");
        console.page(&at).await.says("Used by Shop");
        let delete = format!("{at}/delete");
        console.page(&delete).await.says("This schema is in use").says("Shop").does_not_say("to confirm");
        let refused = console.post(&delete, &[("confirm", "Customers")]).await;
        assert_eq!(refused.status, 409);
        refused.says("Identity pools with it: Shop");
        // The users' form asks for what the schema says.
        let pool_id = pool_page.id("pool_");
        console.page(&format!("/identity-pools/{pool_id}/users/new")).await.says("CRM number");
        let edit = format!("/identity-pools/{pool_id}/edit");
        console.done(&edit, &[("payload_schema_id", "user_v0"), ("business_metadata_schema_id", "")]).await;
        console.done(&delete, &[("confirm", "Customers")]).await.says("Schema deleted.");
        // A form that was open meanwhile names it still.
        let late = console.post(&edit, &[("metadata_schema_id", &id)]).await;
        assert_eq!(late.status, 422);
        late.says("Schema of the metadata: This schema is not there any more");
    }

    async fn a_pool_is_made_and_every_setting_of_its_form_is_kept(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let console = app.console(Role::Admin, &environment).await;
        console.page("/settings").await.says("Identity pools");
        console.page("/identity-pools").await.says("Identity pools of Environment prod").says("The first one comes with the first user.");
        let of = format!("/organizations/{}", tenant.organization.id);
        console.page(&of).await.says("Identity pools");
        let list = format!("{of}/identity-pools");
        console.page(&list).await.says("Identity pools of Company acme.example");
        let new = format!("{list}/new");
        let form = console.page(&new).await;
        assert_eq!(form.input("password_policy.min_length").as_deref(), Some("12"));
        let fields = [
            ("name", "Staff <b>"), ("description", "Their own"), ("badge_color", "#1F4FC4"),
            ("authentication_mechanisms", ""), ("authentication_mechanisms", "webauthn"), ("authentication_mechanisms", "email_otp"),
            ("preferred_authentication_mechanism", "webauthn"),
            ("second_factor_authentication_mechanisms", "totp"), ("second_factor_preferred_authentication_mechanism", ""),
            ("password_policy.min_length", "14"), ("password_policy.strength", "strong"), ("password_policy.digits", "2"),
            ("password_policy.capital_letters", "1"), ("password_policy.lowercase_letters", ""), ("password_policy.special_characters", "0"),
            ("password_policy.not_used_since", "5"), ("password_settings.expires_after", "90 days"),
            ("otp_settings.activation.length", "8"), ("otp_settings.activation.ttl", "2 hours"),
            ("identifier_case_insensitive", ""), ("public_registration_allowed", "true"), ("self_reset_allowed", ""),
            ("payload_schema_id", "user_v0"), ("metadata_schema_id", "metadata_v0"), ("business_metadata_schema_id", "metadata_v0"),
        ];
        let made = console.done(&new, &fields).await;
        made.says("Identity pool created.").says("Staff <b>").says("Passkey").says("not offered yet").says("Authenticator app")
            .says("at least 14 characters").says("at least 1 capital letter and 2 digits").says("the last 5 are refused")
            .says("90 days").says("8 digits, good for 2 hours").says("Dana and dana are two people")
            .says("People may register themselves.").says("you help them").says("Company acme.example").says("0 accounts");
        assert!(!made.body.contains("Staff <b>"));
        let id = made.id("pool_");
        let stored = pool(&app, &environment, &id).await;
        assert_eq!(stored.organization_id, tenant.organization.id);
        assert_eq!(stored.first_factors.allowed, [AuthenticationMechanism::Webauthn, AuthenticationMechanism::EmailOtp]);
        assert_eq!(stored.second_factors.preferred, Some(AuthenticationMechanism::Totp));
        assert_eq!(stored.badge_color.unwrap().to_string(), "#1f4fc4");
        assert_eq!(stored.otp_settings.get(OtpSetting::Activation).unwrap().length(), 8);
        assert_eq!(stored.business_metadata_schema, Some(SchemaRef::System(SystemSchema::Metadata)));
        console.page(&list).await.says("Staff <b>").says("Passkey, One-time code by e-mail");
        console.page("/identity-pools").await.does_not_say("Staff");
        console.page("/audit-events").await.says("created identity pool");

        // The form shows it so, and one field that is changed changes nothing else.
        let edit = format!("/identity-pools/{id}/edit");
        let form = console.page(&edit).await;
        for (field, value) in [
            ("password_settings.expires_after", "90 days"), ("otp_settings.activation.ttl", "2 hours"), ("badge_color", "#1f4fc4"),
            ("password_policy.digits", "2"), ("password_policy.lowercase_letters", ""), ("otp_settings.reset_totp.ttl", ""),
        ] {
            assert_eq!(form.input(field).as_deref(), Some(value), "{field}");
        }
        console.done(&edit, &[("name", "People")]).await.says("Identity pool saved.").says("People");
        let renamed = pool(&app, &environment, &id).await;
        let expected = IdentityPool { name: "People".into(), version: 2, updated_at: renamed.updated_at, ..stored };
        assert_eq!(renamed, expected);
    }

    async fn what_cannot_be_is_told_at_its_field(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Admin, &environment).await;
        let new = "/identity-pools/new";
        for (field, value, said) in [
            ("name", " ", "Name: Is required."),
            ("badge_color", "red", "Colour of its badge: Must be a colour such as #1f4fc4."),
            ("password_policy.min_length", "7", "Minimum length: Must be from 8 to 128."),
            ("password_policy.digits", "many", "Digits at least: Must be a whole number."),
            ("password_policy.capital_letters", "129", "more than the 128 characters of a password"),
            ("password_policy.not_used_since", "25", "Former passwords that are refused: Must be at most 24."),
            ("password_settings.expires_after", "ninety", "Good for: Must be a time such as 90 days"),
            ("password_settings.expires_after", "0 days", "Good for: Must be from a second to a hundred years."),
            ("preferred_authentication_mechanism", "totp", "Offered first: Must be one of the mechanisms that are allowed."),
            ("otp_settings.verify_address.ttl", "31 days", "Must be from a minute to 30 days."),
            ("payload_schema_id", "user_v9", "Schema of the profile: Choose one of the list."),
        ] {
            let mut fields = vec![("name", "Shop")];
            fields.retain(|(name, _)| *name != field);
            fields.push((field, value));
            let refused = console.post(new, &fields).await;
            assert_eq!(refused.status, 422, "{field} {value}");
            refused.says(said);
        }
        console.page("/identity-pools").await.does_not_say("Shop");
        // Where nobody can sign in, the page says so.
        let fields = [("name", "Letters"), ("authentication_mechanisms", ""), ("authentication_mechanisms", "email_otp"), ("preferred_authentication_mechanism", "")];
        console.done(new, &fields).await.says("Nobody can sign in to this pool");
    }

    async fn a_pool_with_users_is_deleted_by_its_name(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let user = app.user(&environment, Some(tenant.organization.id), "dana@acme.example").await;
        let console = app.console(Role::Admin, &environment).await;
        let list = format!("/organizations/{}/identity-pools", tenant.organization.id);
        console.page(&list).await.says("Users");
        // From the user to the rules that hold for them.
        console.page(&format!("/users/{}", user.id)).await.says("Identity pool Users");
        let at = format!("/identity-pools/{}", user.pool_id);
        let page = console.page(&at).await;
        page.says("1 account.").says("Company acme.example");
        assert!(console.page(&format!("/users/{}", user.id)).await.body.contains(&format!("{at}\"")));
        let delete = format!("{at}/delete");
        console.page(&delete).await.says("1 person will no longer be able to sign in");
        let refused = console.post(&delete, &[]).await;
        assert_eq!(refused.status, 422);
        refused.says("Type Users to confirm");
        console.done(&delete, &[("confirm", "Users")]).await.says("Identity pool deleted.");
        assert_eq!(console.get(&at).await.status, 404);
        assert_eq!(console.get(&format!("/users/{}", user.id)).await.status, 404);
        // An empty one needs no name; the last one of the environment itself stays.
        let empty = console.done("/identity-pools/new", &[("name", "First")]).await.id("pool_");
        let delete = format!("/identity-pools/{empty}/delete");
        console.page(&delete).await.says("It has no users").does_not_say("to confirm");
        let refused = console.post(&delete, &[]).await;
        assert_eq!(refused.status, 422);
        refused.says("This is the last identity pool that belongs to no organization");
        console.done("/identity-pools/new", &[("name", "Second")]).await;
        console.done(&delete, &[]).await.says("Second").does_not_say("First");
    }

    async fn what_somebody_else_changed_meanwhile_is_told(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Admin, &environment).await;
        let id = console.done("/identity-pools/new", &[("name", "Shop")]).await.id("pool_");
        let edit = format!("/identity-pools/{id}/edit");
        let open = console.page(&edit).await;
        let (version, seen) = (open.input("version").unwrap(), open.input("seen").unwrap().replace("&quot;", "\""));
        console.done(&edit, &[("password_policy.min_length", "20")]).await;
        let fields = [("version", &*version), ("seen", &*seen), ("name", "Store"), ("password_policy.min_length", "12")];
        let late = console.post(&edit, &fields).await;
        assert_eq!(late.status, 409);
        late.says("This was changed while you were editing").says("Minimum length: now “20”");
        assert_eq!(late.input("name").as_deref(), Some("Store"));
        assert_eq!(late.input("password_policy.min_length").as_deref(), Some("20"));

        let schema = console.done("/identity-schemas/new", &[("name", "Shop"), ("schema", SCHEMA)]).await.id("schema_");
        let edit = format!("/identity-schemas/{schema}/edit");
        console.done(&edit, &[("schema", "{ \"title\": \"theirs\" }")]).await;
        let late = console.post(&edit, &[("version", "1"), ("seen", "[]"), ("name", "Shop"), ("schema", "{ \"title\": \"mine\" }")]).await;
        assert_eq!(late.status, 409);
        late.says("JSON Schema");
        assert!(late.body.contains("{ &quot;title&quot;: &quot;mine&quot; }</textarea>"), "{}", late.body);
        let id: IdentitySchemaId = schema.parse().unwrap();
        let stored = schemas::find(&app.state, &Principal::operator(environment.id), SchemaRef::Own(id)).await.unwrap();
        assert!(matches!(stored, schemas::Schema::Own(own) if own.schema["title"] == "theirs"));
    }

    async fn a_viewer_looks_and_other_environments_are_not_there(app: TestApp) {
        let (own, foreign) = (app.environment("own").await, app.environment("foreign").await);
        let admin = app.console(Role::Admin, &foreign).await;
        let schema = admin.done("/identity-schemas/new", &[("name", "Secret"), ("schema", SCHEMA)]).await.id("schema_");
        let pool_id = admin.done("/identity-pools/new", &[("name", "Theirs"), ("payload_schema_id", &schema)]).await.id("pool_");
        let viewer = app.console(Role::Viewer, &foreign).await;
        viewer.page("/identity-pools").await.says("Theirs").does_not_say("New identity pool");
        viewer.page(&format!("/identity-pools/{pool_id}")).await.says("Theirs").does_not_say("Delete");
        viewer.page(&format!("/identity-schemas/{schema}")).await.says("Secret").does_not_say("Delete");
        for path in ["/identity-pools/new", "/identity-schemas/new"] {
            assert_eq!(viewer.get(path).await.status, 403, "{path}");
            assert_eq!(viewer.post(path, &[("name", "x"), ("schema", "{}"), ("preview", "schema")]).await.status, 403, "{path}");
        }
        let stranger = app.console(Role::Admin, &own).await;
        for path in [format!("/identity-pools/{pool_id}"), format!("/identity-schemas/{schema}")] {
            for page in ["", "/edit", "/delete"] {
                let at = format!("{path}{page}");
                assert_eq!(stranger.get(&at).await.status, 404, "{at}");
            }
            assert_eq!(stranger.post(&format!("{path}/edit"), &[("version", "1"), ("name", "Stolen"), ("schema", "{}"), ("preview", "schema")]).await.status, 404);
            assert_eq!(stranger.post(&format!("{path}/delete"), &[("confirm", "Theirs")]).await.status, 404);
        }
        // A schema of another environment cannot be chosen.
        let refused = stranger.post("/identity-pools/new", &[("name", "Mine"), ("payload_schema_id", &schema)]).await;
        assert_eq!(refused.status, 422);
        refused.says("This schema is not there any more").does_not_say("Secret");
        for system in ["user_v0", "metadata_v0"] {
            assert_eq!(stranger.get(&format!("/identity-schemas/{system}/edit")).await.status, 404);
            assert_eq!(stranger.post(&format!("/identity-schemas/{system}/delete"), &[("confirm", "User")]).await.status, 404);
        }
        assert_eq!(pool(&app, &foreign, &pool_id).await.organization_id, root_id(foreign.id));
    }
}

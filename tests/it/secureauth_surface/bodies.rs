//! What is told of a body that cannot be read: which member, and what belongs there, and never the value.

use serde_json::{Value, json};

use super::*;
use crate::both;

const NOBODY: &str = "00000000000000000000000000000001";

both! {
    async fn a_member_of_a_wrong_type_is_named_and_not_repeated(app: TestApp) {
        let environment = app.environment("prod").await;
        let token = app.system_token(&environment, &["manage_configuration"]).await;
        let (system, identity) = ("/api/system/prod/organizations", "/api/identity/prod/system");
        let users = format!("{identity}/pools/{NOBODY}/users");
        let user = format!("{identity}/pools/{NOBODY}/user");
        let one = format!("{users}/{NOBODY}");
        for (method, path, body, at) in [
            (Method::POST, system.to_owned(), json!({ "name": 771 }), "name"),
            (Method::POST, system.to_owned(), json!({ "name": "a", "domains": "x771" }), "domains"),
            (Method::POST, system.to_owned(), json!({ "name": "a", "domains": ["a.example", 771] }), "domains[1]"),
            (Method::POST, system.to_owned(), json!({ "name": "a", "authentication_mechanisms": "x771" }), "authentication_mechanisms"),
            (Method::POST, system.to_owned(), json!({ "name": "a", "metadata": ["x771"] }), "metadata"),
            (Method::POST, system.to_owned(), json!({ "name": "a", "template": "x771" }), "template"),
            (Method::POST, format!("{identity}/pools"), json!({ "name": "a", "password_policy": { "digits": -771 } }), "password_policy.digits"),
            (Method::POST, format!("{identity}/pools"), json!({ "name": "a", "otp_settings": { "activation": "x771" } }), "otp_settings.activation"),
            (Method::POST, format!("{identity}/schemas"), json!({ "name": ["x771"] }), "name"),
            (Method::POST, users.clone(), json!({ "status": 771 }), "status"),
            (Method::POST, users.clone(), json!({ "status": "new", "credentials": ["Secret771"] }), "credentials[0]"),
            (Method::POST, users.clone(), json!({ "status": "new", "credentials": [{ "password": 771 }] }), "credentials[0].password"),
            (Method::PUT, one.clone(), json!({ "payload": "Secret771" }), "payload"),
            (Method::POST, format!("{one}/change-password"), json!({ "old_password": 771 }), "old_password"),
            (Method::POST, format!("{one}/code/generate"), json!({ "type": "activation", "userID": 771 }), "userID"),
            (Method::POST, format!("{one}/code/generate"), json!({ "type": 771 }), "type"),
            (Method::POST, format!("{user}/password/v2/verify"), json!({ "password": { "a": "Secret771" } }), "password"),
            (Method::POST, format!("{user}/password/reset/complete"), json!({ "code": 771 }), "code"),
            (Method::POST, format!("{user}/password/reset/complete"), json!({ "identifier": 771 }), "identifier"),
        ] {
            let answer = app.call(&token, method, &path, Some(body)).await;
            assert_eq!(error(&answer), (400, "invalid_json".to_owned()), "{path}: {}", answer.body);
            let told = answer.json();
            assert_eq!(told["details"]["errors"][0]["path"], at, "{}", answer.body);
            assert!(told["details"]["errors"][0]["message"].as_str().unwrap().starts_with("must be "), "{}", answer.body);
            assert!(!answer.body.contains("771"), "{}", answer.body);
        }
    }

    async fn a_credential_that_is_refused_is_named_by_its_place(app: TestApp) {
        let environment = app.environment("prod").await;
        let token = app.system_token(&environment, &["identity"]).await;
        let pools = "/api/identity/prod/system/pools";
        let made = app.call(&token, Method::POST, pools, Some(json!({ "name": "Customers" }))).await.json();
        let users = format!("{pools}/{}/users", made["id"].as_str().unwrap());
        let (totp, password) = (
            json!({ "type": "totp", "totp_secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" }),
            json!({ "type": "password", "password": "violet kettle under snow" }),
        );
        let user = app.call(&token, Method::POST, &users, Some(json!({ "status": "active" }))).await.json();
        let user = format!("{users}/{}", user["id"].as_str().unwrap());
        for (credentials, at) in [
            (json!([totp, { "type": "password", "password": "short" }]), "credentials[1].password"),
            (json!([{ "type": "password", "hashed_password": "x" }, totp]), "credentials[0].hashed_password"),
            (json!([password, { "type": "totp", "totp_secret": "1" }]), "credentials[1].totp_secret"),
        ] {
            for (method, path) in [(Method::POST, &users), (Method::PUT, &user)] {
                let body = json!({ "status": "active", "credentials": credentials });
                let answer = app.call(&token, method, path, Some(body)).await;
                assert_eq!(error(&answer), (422, "validation_failed".to_owned()), "{}", answer.body);
                assert_eq!(answer.json()["details"]["errors"][0]["path"], at, "{}", answer.body);
            }
        }
    }

    async fn null_is_a_value_and_absence_is_the_templates(app: TestApp) {
        let environment = app.environment("prod").await;
        let token = app.system_token(&environment, &["manage_organizations"]).await;
        let path = "/api/system/prod/organizations";
        let create = async |body: Value| {
            let made = app.call(&token, Method::POST, path, Some(body)).await;
            assert_eq!(made.status, 201, "{}", made.body);
            made.json()
        };
        create(json!({
            "id": "tpl", "name": "Customers", "template": true, "color": "#112233",
            "authentication_mechanisms": ["password"],
        })).await;
        let inherited = create(json!({ "name": "a", "template_id": "tpl" })).await;
        assert_eq!(inherited["authentication_mechanisms"], json!(["password"]));
        assert_eq!(inherited["color"], "#112233");
        let free = create(json!({
            "name": "b", "template_id": "tpl", "color": null, "authentication_mechanisms": null, "domains": null,
            "metadata": null, "description": null, "displayName": null, "email": null,
        })).await;
        assert_eq!(free["authentication_mechanisms"], Value::Null, "no restriction");
        assert_eq!((&free["color"], &free["domains"], &free["description"]), (&json!(""), &Value::Null, &json!("")));
        assert!(free.get("displayName").is_none() && free.get("email").is_none(), "{free}");
        let none = create(json!({ "name": "c", "template_id": "tpl", "color": "", "authentication_mechanisms": [] })).await;
        assert_eq!((&none["color"], &none["authentication_mechanisms"]), (&json!(""), &json!([])));

        // So it is of one that is there: what is absent stays, what is null goes.
        let id = free["id"].as_str().unwrap();
        let put = async |body: Value| {
            let changed = app.call(&token, Method::PUT, &format!("{path}/{id}"), Some(body)).await;
            assert_eq!(changed.status, 200, "{}", changed.body);
            changed.json()
        };
        let named = put(json!({ "name": "b", "displayName": "Bee", "email": "a@b.example" })).await;
        assert_eq!((&named["displayName"], &named["email"]), (&json!("Bee"), &json!("a@b.example")));
        let kept = put(json!({ "name": "b" })).await;
        assert_eq!((&kept["displayName"], &kept["email"]), (&json!("Bee"), &json!("a@b.example")));
        let gone = put(json!({ "name": "b", "displayName": null, "email": null })).await;
        assert!(gone.get("displayName").is_none() && gone.get("email").is_none(), "{gone}");
    }

    async fn an_envelope_with_a_schema_that_is_none_is_refused(app: TestApp) {
        let environment = app.environment("prod").await;
        let token = app.system_token(&environment, &["manage_organizations"]).await;
        let path = "/api/system/prod/organizations";
        let made = app.call(&token, Method::POST, path, Some(json!({ "id": "acme", "name": "acme" }))).await;
        assert_eq!(made.status, 201);
        for schema in [json!("x"), json!(true), json!([]), json!(1)] {
            let metadata = json!({ "payload": {}, "schema": schema });
            let body = json!({ "name": "other", "metadata": metadata });
            for (method, path, body) in [
                (Method::POST, path.to_owned(), body.clone()),
                (Method::PUT, format!("{path}/acme"), body),
                (Method::PUT, format!("{path}/acme/metadata"), metadata),
            ] {
                let answer = app.call(&token, method, &path, Some(body)).await;
                assert_eq!(error(&answer), (422, "invalid_schema".to_owned()), "{}", answer.body);
            }
        }
        // What has other members is the metadata itself, whatever they are called.
        let flat = json!({ "payload": {}, "schema": "x", "more": 1 });
        let answer = app.call(&token, Method::PUT, &format!("{path}/acme/metadata"), Some(flat.clone())).await;
        assert_eq!(answer.json()["metadata"], json!({ "payload": flat, "schema": {} }));
    }
}

//! SCIM users, with the requests of identity providers.

use reqwest::Method;
use serde_json::json;

use crate::{
    both,
    support::scim::{ENTERPRISE, id, patch},
};

both! {
    async fn a_user_is_made_read_changed_and_removed(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
            "externalId": "00u1",
            "USERNAME": "Dana@Acme.example",
            "name": { "givenName": "Dana", "familyName": "Doe", "middleName": "" },
            "emails": [{ "value": "dana@acme.example", "type": "work", "primary": "True" }],
            "password": "hunter2",
            "groups": [],
            "nickName": null,
            ENTERPRISE: { "department": "Keys", "manager": "someone" },
            "urn:example:custom:2.0:User": { "badge": 7 },
        });
        let made = app.scim(&directory, Method::POST, "/Users", Some(body)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        assert_eq!(made.headers["content-type"], "application/scim+json");
        let user = made.json();
        assert_eq!(made.headers["location"], user["meta"]["location"].as_str().unwrap());
        assert_eq!(made.headers["etag"], "W/\"1\"");
        assert_eq!(user["meta"]["location"], format!("{}/Users/{}", directory.base, id(&user)));
        assert_eq!(user["meta"]["version"], "W/\"1\"");
        assert_eq!(user["meta"]["resourceType"], "User");
        assert_eq!(user["userName"], "Dana@Acme.example");
        assert_eq!(user["active"], true);
        assert_eq!(user["emails"][0]["primary"], true);
        assert_eq!(user[ENTERPRISE]["manager"], json!({ "value": "someone" }));
        assert_eq!(user["urn:example:custom:2.0:User"]["badge"], 7);
        assert!(!made.body.contains("hunter2") && !made.body.contains("null") && !made.body.contains("middleName"));

        let path = format!("/Users/{}", id(&user));
        let read = app.scim(&directory, Method::GET, &path, None).await;
        assert_eq!((read.status.as_u16(), read.json()), (200, user.clone()));

        let operations = json!([{ "op": "Replace", "path": "active", "value": "False" }]);
        let off = app.scim(&directory, Method::PATCH, &path, patch(operations)).await;
        assert_eq!(off.status, 200, "{}", off.body);
        assert_eq!((&off.json()["active"], &off.json()["meta"]["version"]), (&json!(false), &json!("W/\"2\"")));

        let put = json!({ "userName": "dana2@acme.example", "id": "scim_user_other", "meta": {}, "groups": [{"value": "x"}] });
        let replaced = app.scim(&directory, Method::PUT, &path, Some(put)).await;
        assert_eq!(replaced.status, 200, "{}", replaced.body);
        let replaced = replaced.json();
        assert_eq!(replaced["id"], user["id"]);
        assert_eq!(replaced["active"], false, "nobody said otherwise");
        assert_eq!((replaced.get("name"), replaced.get(ENTERPRISE)), (None, None));

        let removed = app.scim(&directory, Method::DELETE, &path, None).await;
        assert_eq!((removed.status.as_u16(), removed.body.as_str()), (204, ""));
        for method in [Method::GET, Method::DELETE] {
            let gone = app.scim(&directory, method, &path, None).await;
            assert_eq!(gone.status, 404);
            assert_eq!(gone.json()["status"], "404");
        }
        let again = app.scim_user(&directory, "DANA2@acme.example").await;
        assert_ne!(again["id"], user["id"]);
    }
}

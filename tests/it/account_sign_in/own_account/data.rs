//! What is kept about somebody: downloaded, and erased.

use serde_json::json;

use super::{Person, assert_did, audited};
use crate::{
    account_sign_in::{EMAIL, PASSWORD, add_user, password, world},
    both,
    support::mail::MailServer,
};

both! {
    async fn what_is_kept_is_downloaded_without_secrets(app: TestApp) {
        let server = MailServer::start().await;
        let app = app.sending_by(server.port).await;
        let world = world(&app).await;
        add_user(&app, world.environment.id, world.organization, "ada@acme.com", vec![password(PASSWORD)]).await;
        let dana = Person::new(&app, &world).await;
        let other = "purple kettle under rain";
        let fields = [("current", PASSWORD), ("password", other), ("repeated", other)];
        dana.done("/password", "/password", &fields, "saved").await;
        server.letter_to(EMAIL, 1).await;
        let answer = dana.get("/data/account.json").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.header("content-disposition"), "attachment; filename=\"account.json\"");
        let data = answer.json();
        assert_eq!(data["account"]["id"], world.user.to_string());
        assert_eq!(data["profile"], json!({ "name": "Dana Doe", "given_name": "Dana" }));
        assert_eq!(data["identifiers"][0]["identifier"], EMAIL);
        assert_eq!(data["addresses"][0]["address"], EMAIL);
        assert_eq!(data["credentials"][0]["type"], "password");
        assert_eq!(data["sessions"].as_array().unwrap().len(), 1);
        assert_eq!(data["applications"].as_array().unwrap().len(), 1);
        assert_eq!((&data["letters"][0]["about"], &data["letters"][0]["to"]), (&json!("password_changed"), &json!(EMAIL)));
        let actions: Vec<&str> = data["log"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
        assert!(actions.contains(&"user.created") && actions.contains(&"user.password_changed"), "{actions:?}");
        for secret in ["argon2", "ada@acme.com", "code_", "session_token"] {
            assert!(!answer.body.contains(secret), "{secret}: {}", answer.body);
        }
        assert_did(&app, &world, "user.data_downloaded").await;
    }

    async fn an_account_is_erased_by_who_types_its_name(app: TestApp) {
        let world = world(&app).await;
        let ada = add_user(&app, world.environment.id, world.organization, "ada@acme.com", vec![password(PASSWORD)]).await;
        let dana = Person::new(&app, &world).await;
        let elsewhere = Person::new(&app, &world).await;
        let page = dana.page("/erase").await;
        for wrong in ["", "erase", "ada@acme.com"] {
            let refused = dana.send(&page, "/erase", &[("confirm", wrong)]).await;
            assert!(refused.status == 422 && refused.body.contains("confirm-error"), "{}", refused.body);
        }
        assert!(elsewhere.is_in().await);
        let done = dana.send(&page, "/erase", &[("confirm", EMAIL)]).await;
        assert!(done.status == 200 && done.body.contains("Your account is erased"), "{}", done.body);
        assert!(!dana.is_in().await && !elsewhere.is_in().await);
        assert_eq!(world.sign_in(&app, &app.browser(), EMAIL, PASSWORD).await.status, 401);
        let mut conn = app.state.db.read().await.unwrap();
        for (sql, of_ada) in [
            ("SELECT COUNT(*) FROM users WHERE id = $1", 1),
            ("SELECT COUNT(*) FROM user_identifiers WHERE user_id = $1", 1),
            ("SELECT COUNT(*) FROM user_addresses WHERE user_id = $1", 1),
            ("SELECT COUNT(*) FROM passwords WHERE account_id = $1", 1),
            ("SELECT COUNT(*) FROM sessions WHERE subject_id = $1", 0),
        ] {
            for (id, expected) in [(world.user, 0), (ada, of_ada)] {
                let (count,): (i64,) = conn.sql(sql).bind(id).one().await.unwrap();
                assert_eq!(count, expected, "{sql}");
            }
        }
        drop(conn);
        assert_did(&app, &world, "user.deleted").await;
        assert_eq!(audited(&app, &world, "user.created").await.len(), 2, "the log keeps that there was one");
    }
}

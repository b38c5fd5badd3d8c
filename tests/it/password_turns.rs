//! The hashing of passwords, where environments take turns.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::{join, join_all};
use model::environment::Environment;
use reqwest::Method;
use serde_json::json;

use crate::{both, support::TestApp};

/// No password's, of a cost that takes a tenth of a second.
const BCRYPT_11: &str = "$2b$11$CCCCCCCCCCCCCCCCCCCCC.xptJVs0wuuOputAC5RtLHgxdZOu5ctW";

/// A program that has users verified in a pool of its environment.
struct Caller<'a> {
    app: &'a TestApp,
    pools: String,
    pool: String,
    token: String,
}

impl<'a> Caller<'a> {
    async fn new(app: &'a TestApp, environment: &Environment) -> Self {
        let token = app.system_token(environment, &["identity"]).await;
        let pools = format!("/api/identity/{}/system/pools", environment.slug);
        let made = app.api(&token, Method::POST, &pools, Some(json!({ "name": "People" }))).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let pool = made.json()["id"].as_str().unwrap().to_owned();
        Self { app, pools, pool, token }
    }

    /// A user who brings this hash along. The status of the answer, and the answer.
    async fn import(&self, name: &str, hash: &str) -> (u16, String) {
        let user = json!({
            "status": "active",
            "identifiers": [{ "type": "email", "identifier": format!("{name}@acme.com") }],
            "credentials": [{ "type": "password", "hashed_password": hash }],
        });
        let path = format!("{}/{}/users", self.pools, self.pool);
        let made = self.app.api(&self.token, Method::POST, &path, Some(user)).await;
        (made.status.as_u16(), made.body)
    }

    /// The status of the verification of a wrong password.
    async fn verify(&self, name: &str) -> u16 {
        let path = format!("{}/{}/user/password/v2/verify", self.pools, self.pool);
        let wrong = json!({ "identifier": format!("{name}@acme.com"), "password": "violet kettle" });
        let answer = self.app.api(&self.token, Method::POST, &path, Some(wrong)).await;
        answer.status.as_u16()
    }
}

both! {
    async fn a_flood_of_expensive_hashes_in_one_environment_delays_no_other(app: TestApp) {
        let (noisy, quiet) = (app.environment("noisy").await, app.environment("quiet").await);
        let (noisy, quiet) = (Caller::new(&app, &noisy).await, Caller::new(&app, &quiet).await);
        for name in ["ada", "bob", "cem"] {
            assert_eq!(noisy.import(name, BCRYPT_11).await.0, 201);
        }
        let hashed = app.state.passwords.hash_count();
        let answered = AtomicUsize::new(0);
        let flood = join_all((0..24).map(|at| {
            let (noisy, answered) = (&noisy, &answered);
            async move {
                let status = noisy.verify(["ada", "bob", "cem"][at % 3]).await;
                answered.fetch_add(1, Ordering::Relaxed);
                status
            }
        }));
        let others = async {
            // All are in the queue.
            while app.state.passwords.hash_count() < hashed + 24 {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
            let mut statuses = Vec::new();
            for name in ["dana", "eve", "finn"] {
                statuses.push(quiet.verify(name).await);
            }
            (statuses, answered.load(Ordering::Relaxed))
        };
        let (flood, (statuses, before)) = join(flood, others).await;
        assert_eq!(statuses, [200; 3]);
        assert!(before < 12, "the other environment was served after {before} of 24");
        assert!(flood.iter().all(|status| [200, 503].contains(status)), "{flood:?}");
    }

    async fn a_hash_that_costs_too_much_is_refused_with_its_bound(app: TestApp) {
        let environment = app.environment("acme").await;
        let caller = Caller::new(&app, &environment).await;
        let of = |name: &str, iterations: u32| {
            format!("pbkdf2_{name}${iterations}$salt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
        };
        for (name, hash) in [
            ("ada", BCRYPT_11.replace("$11$", "$12$")),
            ("bob", of("sha256", 1_000_000)),
            ("cem", of("sha512", 500_000)),
        ] {
            let (status, body) = caller.import(name, &hash).await;
            assert_eq!(status, 201, "{hash}: {body}");
        }
        for (hash, bound) in [
            (BCRYPT_11.replace("$11$", "$13$"), "a cost of at most 12"),
            (of("sha256", 1_000_001), "at most 1,000,000 iterations"),
            (of("sha512", 500_001), "of SHA-512: 500,000"),
            (
                "$argon2id$v=19$m=65537,t=1,p=1$BwcHBwcHBwcHBwcHBwcHBw$5+d+un0FIzNNVSH0d2oqgJeeEDVGHMbQHcf8a139yG4"
                    .to_owned(),
                "at most 64 MiB",
            ),
        ] {
            let (status, body) = caller.import("dana", &hash).await;
            assert_eq!(status, 422, "{hash}: {body}");
            assert!(body.contains(bound) && body.contains("hashed_password"), "{body}");
        }
    }
}

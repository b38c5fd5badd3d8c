//! Replicas whose clocks differ: none deletes the rows that prevent a replay on another.

use std::time::Duration;

use base::{
    secret::Digest,
    time::{Clock as _, SystemClock},
};
use model::environment::IdpInitiated;
use ostiary::store;

use crate::{both, support::IdentityProvider};

const AHEAD: [Duration; 3] =
    [Duration::from_secs(600), Duration::from_secs(3 * 3600), Duration::from_secs(400 * 24 * 3600)];

both! {
    async fn a_replica_whose_clock_is_ahead_does_not_make_an_assertion_good_again(app: TestApp) {
        let environment = app.environment("prod").await;
        let mut tenant = app.tenant(&environment, "acme.example").await;
        tenant.connection.idp_initiated = Some(IdpInitiated::Allow);
        app.update_connection(&tenant.connection).await;
        let idp = IdentityProvider::get();
        let response = idp.sign(&idp.response(&tenant, None, "ada@acme.example", app.now()));
        let post = || async { app.browser().post(tenant.acs_url(), &[("SAMLResponse", &response)]).await };
        assert_eq!(post().await.status, 303);
        assert_eq!(post().await.reason(), Some("assertion_replayed"));
        for ahead in AHEAD {
            let mut tx = app.state.db.write().await.unwrap();
            let gone = store::saml_assertions_seen::remove_expired(&mut tx, app.now() + ahead).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(gone, 0, "{ahead:?}");
            assert_eq!(post().await.reason(), Some("assertion_replayed"), "{ahead:?}");
        }
    }

    async fn an_answered_challenge_is_remembered_whatever_a_replicas_clock_says(app: TestApp) {
        let (challenge, now) = (Digest::of("challenge"), app.now());
        let mut tx = app.state.db.write().await.unwrap();
        assert!(store::authentication_challenges::consume(&mut tx, challenge, now + Duration::from_secs(300)).await.unwrap());
        for ahead in AHEAD {
            assert_eq!(store::authentication_challenges::remove_expired(&mut tx, now + ahead).await.unwrap(), 0);
        }
        assert!(!store::authentication_challenges::consume(&mut tx, challenge, now).await.unwrap());
    }

    async fn what_is_over_everywhere_is_let_go_of(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let now = SystemClock.now();
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let mut tx = app.state.db.write().await.unwrap();
        for (name, expires_at) in [("over", now - hours(2)), ("margin", now - hours(1) / 2), ("good", now + hours(1))] {
            let (connection, digest) = (tenant.connection.id, Digest::of(name));
            assert!(store::saml_assertions_seen::insert(&mut tx, connection, digest, expires_at).await.unwrap());
            assert!(store::authentication_challenges::consume(&mut tx, digest, expires_at).await.unwrap());
        }
        assert_eq!(store::saml_assertions_seen::remove_expired(&mut tx, now).await.unwrap(), 1);
        assert_eq!(store::authentication_challenges::remove_expired(&mut tx, now).await.unwrap(), 1);
        // A replica whose clock is behind uses its own.
        assert_eq!(store::clock::earliest(&mut tx, now - hours(5)).await.unwrap(), now - hours(5));
        let ahead = store::clock::earliest(&mut tx, now + hours(5)).await.unwrap();
        assert!(ahead >= now - hours(1) && ahead < now + hours(1), "the database's clock");
    }
}

//! Signing keys: published before they sign and until their tokens have expired, the same on every replica.

use std::time::Duration;

use ostiary::{
    app::{authorization_server::signing_keys, keys::Rotation, principal::Principal},
    store::{
        self,
        sealed_columns::PRIVATE_KEY,
        signing_keys::{KeyOwner, KeySeries, Purpose},
    },
};

use super::*;
use crate::both;

async fn published(app: &TestApp) -> Vec<String> {
    let answer = app.browser().get(&app.url("/v1/oauth/jwks")).await;
    assert_eq!(answer.header("cache-control"), "public, max-age=900");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let keys = answer.json()["keys"].as_array().unwrap().clone();
    for key in &keys {
        assert_eq!(key["use"], "sig");
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none(), "{private} is published");
        }
    }
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

async fn signs(fixture: &Fixture<'_>) -> String {
    let (header, _) = decode(fixture.tokens().await["id_token"].as_str().unwrap());
    header["kid"].as_str().unwrap().to_owned()
}

both! {
    async fn a_rotation_is_seen_before_it_counts_on_every_replica(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let replica = app.replica().await;
        let old = signs(&fixture).await;
        let before = published(&app).await;
        assert_eq!(before.len(), 3);
        assert_eq!(published(&replica).await, before);

        let (operator, installation) = (Principal::OPERATOR, KeyOwner::Installation);
        signing_keys::rotate(&app.state, &operator, installation, Rotation::Overlapping).await.unwrap();
        app.advance(Duration::from_secs(61));
        let during = published(&replica).await;
        assert_eq!(during.len(), 6);
        assert_eq!(signs(&fixture).await, old, "not before every client can know the new one");

        app.advance(Duration::from_secs(3600));
        let new = signs(&fixture).await;
        assert!(new != old && during.contains(&new));
        assert!(published(&replica).await.contains(&old), "its tokens are still good");

        app.advance(Duration::from_secs(2 * 3600));
        let after = published(&replica).await;
        assert!(after.len() == 3 && after.contains(&new) && !after.contains(&old));
    }

    async fn keys_are_sealed_in_the_database(app: TestApp) {
        let _ = published(&app).await;
        let mut conn = app.state.db.read().await.unwrap();
        let series = KeySeries { owner: KeyOwner::Installation, purpose: Purpose::IdToken };
        for key in store::signing_keys::list(&mut conn, series, app.now()).await.unwrap() {
            let place = PRIVATE_KEY.context(&[&key.id]);
            let der = app.state.master_key.open(&place, &key.private_key).unwrap();
            assert!(openssl::pkey::PKey::private_key_from_pkcs8(&der).is_ok());
            let elsewhere = PRIVATE_KEY.context(&[&"other"]);
            assert!(app.state.master_key.open(&elsewhere, &key.private_key).is_err());
        }
    }
}

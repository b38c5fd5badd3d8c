//! Access tokens of users: they count while their user does, and administer nothing.

use std::time::Duration;

use base::id::{EnvironmentId, OrganizationId, UserId};
use model::application::IdTokenAlg;
use ostiary::{
    app::authorization_server::{
        access_tokens::{self, NewAccessToken, TokenOrganization, TokenSubject},
        issuers::{self, ROOT},
    },
    store::signed_access_tokens::{self, TokensOf},
};
use reqwest::Method;

use super::{api, assert_api_error, part};
use crate::{both, support::TestApp};

/// A row of a user, as far as tokens ask for it.
async fn user(app: &TestApp, environment: EnvironmentId, organization: OrganizationId) -> UserId {
    let id = UserId::new(app.now(), crate::support::random());
    let mut tx = app.state.db.write().await.unwrap();
    tx.sql(
        "INSERT INTO users (id, environment_id, organization_id, pool_id, status, source, user_type, display_name, payload, \
         metadata, business_metadata, created_at, updated_at, status_updated_at) \
         VALUES ($1, $2, $3, 'pool_0000000000000000000000001', 'active', 'standard', '', '', '{}', '{}', '{}', $4, $4, $4)",
    )
    .bind(id)
    .bind(environment)
    .bind(organization)
    .bind(app.now())
    .execute()
    .await
    .unwrap();
    tx.commit().await.unwrap();
    id
}

async fn set_status(app: &TestApp, user: UserId, status: &'static str) {
    let mut tx = app.state.db.write().await.unwrap();
    tx.sql("UPDATE users SET status = $2 WHERE id = $1").bind(user).bind(status).execute().await.unwrap();
    tx.commit().await.unwrap();
}

/// A token of the root's issuer for a user, given by the operator.
async fn token(app: &TestApp, environment: EnvironmentId, user: UserId) -> String {
    let issuer = {
        let mut conn = app.state.db.read().await.unwrap();
        let tenant = issuers::find_tenant(&mut conn, &environment.to_string()).await.unwrap();
        issuers::find_workspace(&mut conn, tenant, ROOT).await.unwrap()
    };
    let root = issuer.organization().unwrap();
    let new = NewAccessToken {
        issuer: &issuer,
        client_id: None,
        subject: TokenSubject::User(user),
        organization: Some(TokenOrganization { id: root.id, alias: None, name: String::new(), handle: None }),
        grant_id: None,
        role: None,
        user_organization: None,
        session: None,
        scope: "openid view_audit_events".to_owned(),
        algorithm: IdTokenAlg::ES256,
        lifetime: Duration::from_secs(600),
    };
    let signed = access_tokens::sign(&app.state, new).await.unwrap();
    let mut tx = app.state.db.write().await.unwrap();
    let token = signed.insert(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    token
}

both! {
    async fn a_users_token_counts_while_the_user_does(app: TestApp) {
        let environment = app.environment("prod").await;
        let root = environment.root_organization_id();
        let id = user(&app, environment.id, root).await;
        let token = token(&app, environment.id, id).await;
        let claims = part(&token, 1);
        assert_eq!((&claims["iss"], &claims["aid"]), (&app.url("/prod/root").into(), &"root".into()));
        assert_eq!((&claims["sub"], &claims["org_id"]), (&id.to_string().into(), &"root".into()));
        assert_eq!(claims["exp"], app.now().seconds() + 600);
        let authenticate = async || access_tokens::authenticate(&app.state, &token, None).await;
        let known = authenticate().await.unwrap();
        assert_eq!((known.subject, known.organization_id), (TokenSubject::User(id), Some(root)));
        assert!(!known.is_of_system());
        for status in ["inactive", "deleted", "new"] {
            set_status(&app, id, status).await;
            assert!(authenticate().await.is_err(), "{status}");
        }
        set_status(&app, id, "active").await;
        assert!(authenticate().await.is_ok());
        // It administers nothing, whatever scope it names.
        assert_api_error(&app.call(&token, Method::GET, &api("prod"), None).await, 401, "unauthorized");
        let mut tx = app.state.db.write().await.unwrap();
        signed_access_tokens::revoke_all(&mut tx, TokensOf::User(id), app.now()).await.unwrap();
        tx.commit().await.unwrap();
        assert!(authenticate().await.is_err());
    }

    async fn a_token_of_nobody_does_not_count(app: TestApp) {
        let (environment, other) = (app.environment("prod").await, app.environment("staging").await);
        // A user of another environment, and none at all.
        let foreign = user(&app, other.id, other.root_organization_id()).await;
        let nobody = UserId::from_bits(7);
        for id in [foreign, nobody] {
            let token = token(&app, environment.id, id).await;
            assert!(access_tokens::authenticate(&app.state, &token, None).await.is_err(), "{id}");
        }
    }
}

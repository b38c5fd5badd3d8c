//! A whole login by an independent client library, and the documents that the provider publishes.

use model::oauth_client::IdTokenAlg;
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AuthType, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EmptyExtraTokenFields, HttpRequest, HttpResponse, IdTokenFields, IssuerUrl, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, RedirectUrl, Scope, StandardErrorResponse,
    StandardTokenResponse, TokenResponse as _,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreErrorResponseType, CoreGenderClaim,
        CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata,
        CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::*;
use crate::both;

/// SSOReady's claims, and ours beside them.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Ours {
    organization_id: String,
    organization_external_id: String,
    attributes: Value,
    attribute_values: Value,
    saml_flow_id: Option<String>,
}
impl AdditionalClaims for Ours {}

type Client<A, D, I, R, T, U> = openidconnect::Client<
    Ours,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<
        IdTokenFields<
            Ours,
            EmptyExtraTokenFields,
            CoreGenderClaim,
            CoreJweContentEncryptionAlgorithm,
            CoreJwsSigningAlgorithm,
        >,
        CoreTokenType,
    >,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    A,
    D,
    I,
    R,
    T,
    U,
>;
type DiscoveredClient = Client<
    openidconnect::EndpointSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointMaybeSet,
    openidconnect::EndpointMaybeSet,
>;

/// The library's HTTP, by ours.
async fn http(request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build()?;
    let response = client.execute(request.try_into()?).await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut answer = HttpResponse::new(response.bytes().await?.to_vec());
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    Ok(answer)
}

async fn whole_login(app: &TestApp, alg: IdTokenAlg, auth_type: AuthType) {
    let fixture = Fixture::with(app, &format!("env-{}", alg.as_str().to_lowercase()), alg).await;
    let issuer = IssuerUrl::new(app.url("/v1/oauth")).unwrap();
    let metadata = CoreProviderMetadata::discover_async(issuer, &http).await.unwrap();
    let signing_alg: CoreJwsSigningAlgorithm = serde_json::from_value(json!(alg)).unwrap();
    assert!(metadata.id_token_signing_alg_values_supported().contains(&signing_alg));
    let client = DiscoveredClient::from_provider_metadata(
        metadata,
        ClientId::new(fixture.client_id.clone()),
        Some(ClientSecret::new(fixture.secret.clone())),
    )
    .set_redirect_uri(RedirectUrl::new(fixture.redirect_uri.clone()).unwrap())
    .set_auth_type(auth_type);

    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .add_scope(Scope::new("email".into()))
        .add_extra_param("organizationExternalId", "customer-acme.example")
        .set_pkce_challenge(challenge)
        .url();
    let callback = fixture.sign_in(&app.browser(), url.as_str(), "Dana@acme.example").await;
    assert!(callback.as_str().starts_with(&fixture.redirect_uri), "{callback}");
    assert_eq!(query(&callback, "state").as_ref(), Some(state.secret()));

    let code = AuthorizationCode::new(query(&callback, "code").unwrap());
    let tokens =
        client.exchange_code(code).unwrap().set_pkce_verifier(verifier).request_async(&http).await.unwrap();
    assert_eq!(tokens.expires_in().unwrap().as_secs(), 3600);
    assert_eq!(tokens.scopes().unwrap().len(), 2);

    let keys = client.id_token_verifier().set_allowed_algs([signing_alg]);
    let id_token = tokens.id_token().unwrap();
    let claims = id_token.claims(&keys, &nonce).unwrap();
    assert_eq!(claims.subject().as_str(), "dana@acme.example");
    assert_eq!(claims.email().unwrap().as_str(), "Dana@acme.example");
    assert_eq!(claims.email_verified(), Some(true));
    assert_eq!(claims.auth_time().unwrap().timestamp(), app.now().seconds());
    assert_eq!((claims.expiration() - claims.issue_time()).num_seconds(), 3600);
    let hash = AccessTokenHash::from_token(
        tokens.access_token(),
        id_token.signing_alg().unwrap(),
        id_token.signing_key(&keys).unwrap(),
    );
    assert_eq!(claims.access_token_hash(), Some(&hash.unwrap()));
    let ours = claims.additional_claims();
    let expected = Ours {
        organization_id: fixture.tenant.organization.id.to_string(),
        organization_external_id: "customer-acme.example".to_owned(),
        attributes: json!({ "displayName": "Dana", "groups": "staff" }),
        attribute_values: json!({ "displayName": ["Dana"], "groups": ["admins", "staff"] }),
        saml_flow_id: ours.saml_flow_id.clone(),
    };
    assert_eq!(*ours, expected);
    assert!(ours.saml_flow_id.as_deref().unwrap().starts_with("saml_flow_"));

    let who: openidconnect::UserInfoClaims<Ours, CoreGenderClaim> = client
        .user_info(tokens.access_token().clone(), Some(claims.subject().clone()))
        .unwrap()
        .request_async(&http)
        .await
        .unwrap();
    assert_eq!(who.email().unwrap().as_str(), "Dana@acme.example");
    assert_eq!(who.email_verified(), Some(true));
    assert_eq!(*who.additional_claims(), Ours { saml_flow_id: None, ..expected });
}

both! {
    async fn a_client_library_signs_people_in_with_every_algorithm(app: TestApp) {
        whole_login(&app, IdTokenAlg::RS256, AuthType::RequestBody).await;
        whole_login(&app, IdTokenAlg::ES256, AuthType::BasicAuth).await;
        whole_login(&app, IdTokenAlg::EdDSA, AuthType::BasicAuth).await;
    }

    async fn the_metadata_stands_where_both_specifications_look_and_any_page_may_read_it(app: TestApp) {
        let browser = app.browser();
        let discovery = browser.get(&app.url("/v1/oauth/.well-known/openid-configuration")).await;
        assert_eq!(discovery.status, 200);
        assert_eq!(discovery.header("content-type"), "application/json");
        assert_eq!(discovery.header("access-control-allow-origin"), "*");
        assert_eq!(discovery.header("cache-control"), "public, max-age=3600");
        let document = discovery.json();
        assert_eq!(document["issuer"], app.url("/v1/oauth"));
        for (name, path) in [
            ("authorization_endpoint", "authorize"),
            ("token_endpoint", "token"),
            ("userinfo_endpoint", "userinfo"),
            ("jwks_uri", "jwks"),
        ] {
            assert_eq!(document[name], app.url(&format!("/v1/oauth/{path}")));
        }
        assert_eq!(document["token_endpoint_auth_methods_supported"][0], "client_secret_post");
        let other = browser.get(&app.url("/.well-known/oauth-authorization-server/v1/oauth")).await;
        assert_eq!(other.json(), document);
    }
}

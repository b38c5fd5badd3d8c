//! The crate `openidconnect`, a client of another hand, at an organization's issuer.

use openidconnect::{
    AccessTokenHash, AdditionalProviderMetadata, AuthType, AuthorizationCode, ClientId, ClientSecret,
    CsrfToken, EndSessionUrl, HttpRequest, HttpResponse, IntrospectionUrl, IssuerUrl, LogoutRequest, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, PostLogoutRedirectUrl, ProviderMetadata, RedirectUrl,
    RequestTokenError, RevocationUrl, Scope, TokenIntrospectionResponse as _, TokenResponse as _,
    core::{
        CoreAuthDisplay, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient,
        CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
        CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType,
        CoreSubjectIdentifierType, CoreUserInfoClaims,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    CALLBACK, EMAIL, PASSWORD, SIGNED_OUT, World, give,
    other_clients::{APPLICATIONS, application},
    world,
};
use crate::{
    both,
    support::{Browser, TestApp, query},
};

/// The endpoints that OpenID Connect Discovery leaves to others.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Endpoints {
    introspection_endpoint: IntrospectionUrl,
    revocation_endpoint: RevocationUrl,
    end_session_endpoint: EndSessionUrl,
}
impl AdditionalProviderMetadata for Endpoints {}

type Metadata = ProviderMetadata<
    Endpoints,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// The library's HTTP, by ours. It revokes over TLS only, which the tests' server does not speak.
async fn http(request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build()?;
    let mut request: reqwest::Request = request.try_into()?;
    request.url_mut().set_scheme("http").expect("a web address");
    let response = client.execute(request).await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut answer = HttpResponse::new(response.bytes().await?.to_vec());
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    Ok(answer)
}

/// Goes to the issuer and back, and signs in if somebody is asked to.
async fn sign_in(world: &World, browser: &Browser, authorize: &str) -> url::Url {
    let begun = browser.get(authorize).await;
    if begun.location().as_str().starts_with(CALLBACK) {
        return begun.location();
    }
    let page = world.password_page(browser, authorize, EMAIL).await;
    give(browser, &page, "password", PASSWORD).await.location()
}

async fn walk(app: &TestApp, world: &World, authentication: &str, alg: &str) {
    let made = application(app, world, authentication, alg).await;
    let issuer = app.url(&world.issuer);
    let metadata = Metadata::discover_async(IssuerUrl::new(issuer.clone()).unwrap(), &http).await.unwrap();
    let signing_alg: CoreJwsSigningAlgorithm = serde_json::from_value(json!(alg)).unwrap();
    assert!(metadata.id_token_signing_alg_values_supported().contains(&signing_alg));
    let endpoints = metadata.additional_metadata().clone();
    let over_tls = endpoints.revocation_endpoint.as_str().replacen("http:", "https:", 1);
    let secret = (!made.secret.is_empty()).then(|| ClientSecret::new(made.secret.clone()));
    let auth_type = if authentication == "post" { AuthType::RequestBody } else { AuthType::BasicAuth };
    let client = CoreClient::from_provider_metadata(metadata, ClientId::new(made.id.to_string()), secret)
        .set_redirect_uri(RedirectUrl::new(CALLBACK.to_owned()).unwrap())
        .set_introspection_url(endpoints.introspection_endpoint)
        .set_revocation_url(RevocationUrl::new(over_tls).unwrap())
        .set_auth_type(auth_type);

    let browser = app.browser();
    let tokens = async |names: &[&str]| {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scopes(names.iter().map(|name| Scope::new((*name).to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        let callback = sign_in(world, &browser, url.as_str()).await;
        assert_eq!(query(&callback, "state").as_ref(), Some(state.secret()));
        assert_eq!(query(&callback, "iss").as_ref(), Some(&issuer));
        let code = AuthorizationCode::new(query(&callback, "code").unwrap());
        let request = client.exchange_code(code).unwrap().set_pkce_verifier(verifier);
        (request.request_async(&http).await.unwrap(), nonce)
    };
    let (given, nonce) = tokens(&["email", "profile", "offline_access"]).await;
    assert_eq!(given.expires_in().unwrap().as_secs(), 3600);
    let keys = client.id_token_verifier().set_allowed_algs([signing_alg]);
    let id_token = given.id_token().unwrap();
    let claims = id_token.claims(&keys, &nonce).unwrap();
    assert_eq!(claims.subject().as_str(), world.user.to_string());
    assert_eq!((claims.email().unwrap().as_str(), claims.email_verified()), (EMAIL, Some(true)));
    assert_eq!(claims.auth_time().unwrap().timestamp(), app.now().seconds());
    let hash = AccessTokenHash::from_token(
        given.access_token(),
        id_token.signing_alg().unwrap(),
        id_token.signing_key(&keys).unwrap(),
    );
    assert_eq!(claims.access_token_hash(), Some(&hash.unwrap()));
    let who: CoreUserInfoClaims = client
        .user_info(given.access_token().clone(), Some(claims.subject().clone()))
        .unwrap()
        .request_async(&http)
        .await
        .unwrap();
    assert_eq!(who.name().unwrap().get(None).unwrap().as_str(), "Dana Doe");

    // Rotation.
    let first = given.refresh_token().unwrap();
    let refresh = async |token| client.exchange_refresh_token(token).unwrap().request_async(&http).await;
    let refreshed = refresh(first).await.unwrap();
    let second = refreshed.refresh_token().unwrap();
    assert_ne!(second.secret(), first.secret());
    let again = refreshed.id_token().unwrap().claims(&keys, |_: Option<&Nonce>| Ok(())).unwrap();
    assert_eq!(again.subject(), claims.subject());
    let introspected = client.introspect(refreshed.access_token()).request_async(&http).await;
    match authentication {
        "none" => assert!(matches!(introspected, Err(RequestTokenError::ServerResponse(_)))),
        _ => assert!(introspected.unwrap().active()),
    }
    for token in [first, second] {
        match refresh(token).await {
            Err(RequestTokenError::ServerResponse(error)) => {
                assert_eq!(error.error().as_ref(), "invalid_grant");
            }
            other => panic!("{other:?}"),
        }
    }

    // Revocation, and the end of the session.
    let (given, _) = tokens(&[]).await;
    let userinfo = async |token: &openidconnect::AccessToken| {
        let asked = client.user_info(token.clone(), None).unwrap();
        asked
            .request_async::<openidconnect::EmptyAdditionalClaims, _, openidconnect::core::CoreGenderClaim>(
                &http,
            )
            .await
    };
    assert!(userinfo(given.access_token()).await.is_ok());
    let token = given.refresh_token().unwrap().clone();
    client.revoke_token(token.into()).unwrap().request_async(&http).await.unwrap();
    assert!(userinfo(given.access_token()).await.is_err());
    let (given, _) = tokens(&[]).await;
    let logout = LogoutRequest::from(endpoints.end_session_endpoint)
        .set_id_token_hint(given.id_token().unwrap())
        .set_post_logout_redirect_uri(PostLogoutRedirectUrl::new(SIGNED_OUT.to_owned()).unwrap())
        .set_state(CsrfToken::new("bye".to_owned()));
    let left = browser.get(logout.http_get_url().as_str()).await.location();
    assert_eq!(left.as_str(), format!("{SIGNED_OUT}?state=bye"));
    assert!(userinfo(given.access_token()).await.is_err());
}

both! {
    async fn the_crate_openidconnect_signs_people_in(app: TestApp) {
        let world = world(&app).await;
        for (authentication, alg) in APPLICATIONS {
            walk(&app, &world, authentication, alg).await;
        }
    }
}

//! How often the console asks its OpenID provider what it is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use ostiary::{
    app::{
        authorization_server::signing_keys,
        keys::{KeyOwner, Rotation},
        principal::Principal,
    },
    config::Redacted,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{
    administrators_sso::console_by_openid,
    both,
    support::{IdentityProvider, Request},
};

/// An OpenID provider that counts the requests for its metadata.
#[derive(Clone)]
struct Provider {
    issuer: String,
    discoveries: Arc<AtomicUsize>,
    fails: Arc<AtomicBool>,
}

impl Provider {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let this = Self { issuer, discoveries: Arc::default(), fails: Arc::default() };
        tokio::spawn(this.clone().serve(listener));
        this
    }

    async fn serve(self, listener: TcpListener) {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let length = stream.read(&mut head).await.unwrap_or(0);
            let is_discovery = head[..length].starts_with(b"GET /.well-known/openid-configuration ");
            self.discoveries.fetch_add(usize::from(is_discovery), Ordering::SeqCst);
            // Whoever asks meanwhile waits for the same answer.
            tokio::time::sleep(Duration::from_millis(50)).await;
            let issuer = &self.issuer;
            let body = match is_discovery {
                true => format!(
                    r#"{{"issuer":"{issuer}","authorization_endpoint":"{issuer}/authorize","token_endpoint":"{issuer}/token",
                    "jwks_uri":"{issuer}/jwks","response_types_supported":["code"],"subject_types_supported":["public"],
                    "id_token_signing_alg_values_supported":["RS256"]}}"#
                ),
                false => r#"{"keys":[]}"#.to_owned(),
            };
            let status = if self.fails.load(Ordering::SeqCst) { "503 Unavailable" } else { "200 OK" };
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    }

    fn discoveries(&self) -> usize {
        self.discoveries.load(Ordering::SeqCst)
    }
}

both! {
    async fn the_provider_is_asked_once_for_all_who_sign_in(app: TestApp) {
        let provider = Provider::start().await;
        let issuer = provider.issuer.clone();
        let console = app.replica_with(|config| {
            config.console_oidc_issuer = Some(issuer);
            config.console_oidc_client_id = Some("console".to_owned());
            config.console_oidc_client_secret = Some(Redacted("secret".to_owned()));
        }).await;
        let browser = app.browser();
        let begin = async || browser.get(&console.url("/console/sign-in/oidc")).await;
        let together = async || join_all((0..20).map(|_| begin())).await;
        for answer in together().await {
            assert!(answer.location().as_str().starts_with(&format!("{}/authorize?", provider.issuer)));
        }
        assert_eq!(provider.discoveries(), 1);
        app.advance(Duration::from_secs(299));
        assert_eq!(begin().await.status, 303);
        assert_eq!(provider.discoveries(), 1);
        app.advance(Duration::from_secs(2));
        together().await;
        assert_eq!(provider.discoveries(), 2, "after five minutes");

        // A provider that fails is not asked by everybody either, and is asked again soon.
        provider.fails.store(true, Ordering::SeqCst);
        app.advance(Duration::from_secs(301));
        for answer in together().await {
            assert_eq!(answer.status, 403, "{}", answer.body);
        }
        assert_eq!(begin().await.status, 403);
        assert_eq!(provider.discoveries(), 3);
        provider.fails.store(false, Ordering::SeqCst);
        app.advance(Duration::from_secs(6));
        assert_eq!(begin().await.status, 303);
        assert_eq!(provider.discoveries(), 4);
    }

    async fn a_key_that_the_provider_changed_meanwhile_is_found(app: TestApp) {
        let (console, tenant) = console_by_openid(&app).await;
        app.with_password("dana@vendor.example").await;
        let sign_in = async || {
            let browser = app.browser();
            let mut authorize = browser.get(&console.url("/console/sign-in/oidc")).await.location();
            authorize.query_pairs_mut().append_pair("organization_id", &tenant.organization.id.to_string());
            let request = Request::read(&browser.get(authorize.as_str()).await);
            let idp = IdentityProvider::get();
            let response = idp.sign(&idp.response(&tenant, Some(&request.id), "dana@vendor.example", app.now()));
            let back = request.answer(&browser, &tenant, &response).await.location();
            browser.get(back.as_str()).await.status.as_u16()
        };
        assert_eq!(sign_in().await, 303);
        signing_keys::rotate(&app.state, &Principal::OPERATOR, KeyOwner::Installation, Rotation::Compromised).await.unwrap();
        app.advance(Duration::from_secs(15));
        assert_eq!(sign_in().await, 303, "with the new key");
    }
}

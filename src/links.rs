//! Every URL that the service builds, and the path of every route that is linked to.
//!
//! A path is written once, as a route pattern in [`path`]. `http/routes.rs` registers that constant and
//! [`Links`] expands the same constant, so a renamed path cannot leave a dead URL behind.
//!
//! The public URL is an origin: scheme, host and port, no path. One origin serves everything, and identity
//! providers, SDKs and OAuth clients are given absolute URLs below it.

pub mod console;
mod issuers;
pub mod path;
pub mod wso2;

use std::fmt;

use base::{
    id::{
        EnvironmentId, LoginFlowId, OidcConnectionId, SamlConnectionId, ScimDirectoryId, ScimGroupId,
        ScimUserId,
    },
    secret::SetupLinkToken,
};
use model::{domain::Domain, http_url::is_loopback};
use url::{Host, Url};

/// Expands the first `{…}` segment of a pattern. Values are our own ids and file names, which need no escaping.
fn fill(pattern: &str, value: &dyn fmt::Display) -> String {
    match (pattern.find('{'), pattern.find('}')) {
        (Some(open), Some(close)) if open < close => {
            format!("{}{value}{}", &pattern[..open], &pattern[close + 1..])
        }
        _ => pattern.to_owned(),
    }
}

/// Expands the `{…}` segments of a pattern, in order. Values are our own ids and names, which need no escaping.
pub fn expand(pattern: &str, values: &[&dyn fmt::Display]) -> String {
    values.iter().fold(pattern.to_owned(), |path, value| fill(&path, *value))
}

/// The page of a step of connecting an identity provider by SAML.
pub fn setup_saml_step(connection: SamlConnectionId, step: &str) -> String {
    expand(path::SETUP_SAML_STEP, &[&connection, &step])
}

/// Our metadata for a connection, to be downloaded in the setup pages.
pub fn setup_saml_metadata(connection: SamlConnectionId) -> String {
    fill(path::SETUP_SAML_METADATA, &connection)
}

/// The page of a step of connecting an identity provider by SCIM.
pub fn setup_scim_step(directory: ScimDirectoryId, step: &str) -> String {
    expand(path::SETUP_SCIM_STEP, &[&directory, &step])
}

/// Where the setup pages check a domain's DNS record.
pub fn setup_domain_check(domain: &Domain) -> String {
    fill(path::SETUP_DOMAIN_CHECK, domain)
}

/// Where the setup pages remove a domain.
pub fn setup_domain_remove(domain: &Domain) -> String {
    fill(path::SETUP_DOMAIN_REMOVE, domain)
}

/// The stylesheet with the vendor's colours; `version` changes with it, so that it may be cached for ever.
pub fn branding_style(environment: EnvironmentId, version: &str) -> String {
    format!("{}?v={version}", fill(path::BRANDING_STYLE, &environment))
}

/// The vendor's logo; `version` changes with it, so that it may be cached for ever.
pub fn branding_logo(environment: EnvironmentId, version: &str) -> String {
    format!("{}?v={version}", fill(path::BRANDING_LOGO, &environment))
}

/// The curl command for a GET request to the API.
pub fn curl(address: &str) -> String {
    format!("curl --header \"Authorization: Bearer $API_KEY\" \\\n  {address}")
}

/// The path of an embedded file; `version` is its content's hash, so that it may be cached for ever.
pub fn asset(name: &str, version: &str) -> String {
    format!("{}?v={version}", fill(path::ASSET, &name))
}

/// The path of console sign-in, which continues at `next`, a path of ours.
pub fn console_sign_in(next: &str) -> String {
    if next == console::HOME { console::SIGN_IN.to_owned() } else { with_next(console::SIGN_IN, next) }
}

/// A path with `next`, a path of ours, as query parameter: where to continue.
pub fn with_next(path: &str, next: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    format!("{path}?{query}")
}

/// The page of one resource in the API reference.
pub fn api_reference(section: &str) -> String {
    fill(path::API_REFERENCE_SECTION, &section)
}

/// Why a URL cannot be the public URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// Another scheme than http or https.
    #[error("must begin with http:// or https://")]
    Scheme,
    /// A user name or password.
    #[error("must not contain a user name or password")]
    Credentials,
    /// A path, query or fragment.
    #[error("must be an origin, without path, query or fragment: https://sso.example.com")]
    Path,
}

/// Builds URLs below one origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    /// Always http(s) with the path `/`.
    base: Url,
}

impl Links {
    /// The links of a service with this public URL, or with an environment's own auth URL.
    pub fn new(public_url: &Url) -> Result<Self, OriginError> {
        if !matches!(public_url.scheme(), "http" | "https") || public_url.host().is_none() {
            return Err(OriginError::Scheme);
        }
        if !public_url.username().is_empty() || public_url.password().is_some() {
            return Err(OriginError::Credentials);
        }
        if public_url.path() != "/" || public_url.query().is_some() || public_url.fragment().is_some() {
            return Err(OriginError::Path);
        }
        Ok(Self { base: public_url.clone() })
    }

    /// The links of an environment: below its own auth URL if it has a valid one, otherwise the same as these.
    pub fn for_auth_url(&self, auth_url: Option<&Url>) -> Self {
        auth_url.and_then(|url| Self::new(url).ok()).unwrap_or_else(|| self.clone())
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }

    /// Scheme, host and port, as browsers write the `Origin` header.
    pub fn origin(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    /// Host and port, as browsers write the `Host` header.
    pub fn authority(&self) -> &str {
        &self.base[url::Position::BeforeHost..url::Position::AfterPort]
    }

    /// Whether browsers treat this origin as secure, so that cookies may be `Secure`: https, or
    /// localhost (W3C Secure Contexts §3.1; IP loopback is not enough for every browser's cookies).
    pub fn is_trustworthy(&self) -> bool {
        self.base.scheme() == "https"
            || matches!(self.base.host(), Some(Host::Domain(host)) if host == "localhost" || host.ends_with(".localhost"))
    }

    /// Whether an entity id or single sign-on URL is that of the bundled test identity provider, under any name
    /// of this machine.
    pub fn is_test_idp(&self, address: &str) -> bool {
        let Ok(url) = Url::parse(address) else { return false };
        let same_machine = || {
            is_loopback(&self.base)
                && is_loopback(&url)
                && self.base.port_or_known_default() == url.port_or_known_default()
        };
        [path::TEST_IDP_METADATA, path::TEST_IDP_SSO].contains(&url.path())
            && (url.origin() == self.base.origin() || same_machine())
    }

    /// Whether this origin is on the machine itself.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.base)
    }

    /// One login, for the management API.
    pub fn saml_flow(&self, id: impl fmt::Display) -> Url {
        self.url(&fill(path::SAML_FLOW, &id))
    }

    /// The letters that the demo shows.
    pub fn demo_mailbox(&self) -> Url {
        self.url(path::DEMO_MAILBOX)
    }

    /// The front page.
    pub fn home(&self) -> Url {
        self.url(path::HOME)
    }

    /// Where an app requests the URL that starts a login.
    pub fn saml_redirect(&self) -> Url {
        self.url(path::SAML_REDIRECT)
    }

    /// Where an app redeems an access code.
    pub fn saml_redeem(&self) -> Url {
        self.url(path::SAML_REDEEM)
    }

    /// Where the browser starts the login that `state` names.
    pub fn saml_init(&self, connection: SamlConnectionId, state: &str) -> Url {
        let mut url = self.url(&fill(path::SAML_INIT, &connection));
        url.query_pairs_mut().append_pair("state", state);
        url
    }

    /// Where the browser starts the login by OpenID Connect that `state` names.
    pub fn oidc_init(&self, connection: OidcConnectionId, state: &str) -> Url {
        let mut url = self.url(&fill(path::OIDC_INIT, &connection));
        url.query_pairs_mut().append_pair("state", state);
        url
    }

    /// The redirect URI of a new OIDC connection, stored with it.
    pub fn oidc_callback(&self, connection: OidcConnectionId) -> String {
        self.url(&fill(path::OIDC_CALLBACK, &connection)).into()
    }

    /// The assertion consumer service of a new connection. It is stored with the connection; the stored value
    /// is authoritative.
    pub fn saml_acs(&self, connection: SamlConnectionId) -> Url {
        self.url(&fill(path::SAML_ACS, &connection))
    }

    /// The service-provider metadata of a connection.
    pub fn saml_metadata(&self, connection: SamlConnectionId) -> Url {
        self.url(&fill(path::SAML_METADATA, &connection))
    }

    /// The service-provider entity id of a new connection, stored with it.
    pub fn sp_entity_id(&self, connection: SamlConnectionId) -> String {
        self.url(&fill(path::SAML_ENTITY, &connection)).into()
    }

    /// The SCIM base URL of a new directory. It is stored with the directory; the stored value is
    /// authoritative.
    pub fn scim_base(&self, directory: ScimDirectoryId) -> String {
        self.url(&fill(path::SCIM_BASE, &directory)).into()
    }

    /// The users of a directory, for apps.
    pub fn scim_users(&self) -> Url {
        self.url(path::SCIM_USERS)
    }

    /// The link that opens the setup pages once.
    pub fn setup(&self, token: &SetupLinkToken) -> Url {
        let mut url = self.url(path::SETUP);
        url.query_pairs_mut().append_pair("one-time-token", &token.reveal());
        url
    }

    /// The result of a test login of the setup pages.
    pub fn setup_saml_test(&self, connection: SamlConnectionId, flow: LoginFlowId) -> Url {
        self.url(&expand(path::SETUP_SAML_TEST, &[&connection, &flow]))
    }

    /// One login in the console.
    pub fn console_flow(&self, environment: EnvironmentId, flow: LoginFlowId) -> Url {
        self.url(&expand(console::FLOW, &[&environment, &flow]))
    }

    /// One user, for apps.
    pub fn scim_user(&self, user: ScimUserId) -> Url {
        self.url(&fill(path::SCIM_USER, &user))
    }

    /// One group, for apps.
    pub fn scim_group(&self, group: ScimGroupId) -> Url {
        self.url(&fill(path::SCIM_GROUP, &group))
    }

    /// The OAuth issuer: `iss` of ID tokens.
    pub fn oauth_issuer(&self) -> String {
        self.url(path::OAUTH_ISSUER).into()
    }

    /// The discovery document.
    pub fn oauth_discovery(&self) -> Url {
        self.url(path::OAUTH_DISCOVERY)
    }

    /// The authorization endpoint.
    pub fn oauth_authorize(&self) -> Url {
        self.url(path::OAUTH_AUTHORIZE)
    }

    /// The token endpoint.
    pub fn oauth_token(&self) -> Url {
        self.url(path::OAUTH_TOKEN)
    }

    /// The key set.
    pub fn oauth_jwks(&self) -> Url {
        self.url(path::OAUTH_JWKS)
    }

    /// The userinfo endpoint.
    pub fn oauth_userinfo(&self) -> Url {
        self.url(path::OAUTH_USERINFO)
    }

    /// Where an administrator accepts an invitation.
    pub fn console_join(&self, token: &str) -> Url {
        let mut url = self.url(console::JOIN);
        url.query_pairs_mut().append_pair("token", token);
        url
    }

    /// Where an administrator's login through one of our own SAML connections ends.
    pub fn console_saml_finish(&self, flow: LoginFlowId) -> Url {
        self.url(&fill(console::SIGN_IN_SAML_FINISH, &flow))
    }

    /// The redirect URI of administrators' OpenID Connect logins.
    pub fn console_oidc_callback(&self) -> Url {
        self.url(console::SIGN_IN_OIDC_CALLBACK)
    }

    /// The console.
    pub fn console(&self) -> Url {
        self.url(path::CONSOLE)
    }

    /// The bundled test identity provider's first page.
    pub fn test_idp(&self) -> Url {
        self.url(path::TEST_IDP)
    }

    /// The test identity provider's SCIM client.
    pub fn test_idp_scim(&self) -> Url {
        self.url(path::TEST_IDP_SCIM)
    }

    /// Its metadata, which is its entity id too.
    pub fn test_idp_metadata(&self) -> Url {
        self.url(path::TEST_IDP_METADATA)
    }

    /// Its single sign-on service.
    pub fn test_idp_sso(&self) -> Url {
        self.url(path::TEST_IDP_SSO)
    }

    /// The sample app.
    pub fn demo(&self) -> Url {
        self.url(path::DEMO)
    }

    /// The sample app's redirect URL for access codes.
    pub fn demo_callback(&self) -> Url {
        self.url(path::DEMO_CALLBACK)
    }

    /// The sample app's OAuth redirect URI.
    pub fn demo_oauth_callback(&self) -> Url {
        self.url(path::DEMO_OAUTH_CALLBACK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(url: &str) -> Result<Links, OriginError> {
        Links::new(&url.parse().unwrap())
    }

    fn connection() -> SamlConnectionId {
        "saml_conn_12vqjrnxk9xeov6o4f05pan0g".parse().unwrap()
    }

    #[test]
    fn urls_are_below_the_origin() {
        let links = links("https://sso.example.com:8443").unwrap();
        assert_eq!(links.origin(), "https://sso.example.com:8443");
        assert_eq!(
            links.saml_init(connection(), "a b&c").as_str(),
            "https://sso.example.com:8443/v1/saml/saml_conn_12vqjrnxk9xeov6o4f05pan0g/init?state=a+b%26c"
        );
        assert_eq!(
            links.saml_acs(connection()).as_str(),
            "https://sso.example.com:8443/v1/saml/saml_conn_12vqjrnxk9xeov6o4f05pan0g/acs"
        );
        assert_eq!(
            links.sp_entity_id(connection()),
            "https://sso.example.com:8443/v1/saml/saml_conn_12vqjrnxk9xeov6o4f05pan0g"
        );
        assert_eq!(links.oauth_issuer(), "https://sso.example.com:8443/v1/oauth");
        // Discovery is the issuer plus the well-known suffix (OpenID Connect Discovery 1.0 §4.1).
        assert_eq!(
            links.oauth_discovery().as_str(),
            links.oauth_issuer() + "/.well-known/openid-configuration"
        );
    }

    #[test]
    fn segments_are_filled_in_order() {
        assert_eq!(
            expand(console::ORGANIZATION, &[&"env_1", &"org_2"]),
            "/console/env_1/organizations/org_2"
        );
        assert_eq!(expand(console::HOME, &[]), "/console");
    }

    #[test]
    fn only_an_origin_can_be_the_public_url() {
        for good in
            ["http://localhost:8080", "https://sso.example.com", "https://sso.example.com/", "http://[::1]"]
        {
            assert!(links(good).is_ok(), "{good}");
        }
        for (bad, error) in [
            ("ftp://example.com", OriginError::Scheme),
            ("javascript:alert(1)", OriginError::Scheme),
            ("https://user@example.com", OriginError::Credentials),
            ("https://:secret@example.com", OriginError::Credentials),
            ("https://example.com/sso", OriginError::Path),
            ("https://example.com/?a", OriginError::Path),
            ("https://example.com/#a", OriginError::Path),
        ] {
            assert_eq!(links(bad), Err(error), "{bad}");
        }
    }

    #[test]
    fn an_environment_may_have_its_own_origin() {
        let links = links("https://sso.example.com").unwrap();
        let own: Url = "https://login.acme.com".parse().unwrap();
        assert_eq!(links.for_auth_url(Some(&own)).origin(), "https://login.acme.com");
        assert_eq!(links.for_auth_url(None), links);
    }

    #[test]
    fn secure_and_loopback_origins_are_known() {
        for (url, trustworthy, loopback) in [
            ("https://sso.example.com", true, false),
            ("http://sso.example.com", false, false),
            ("http://localhost:8080", true, true),
            ("http://127.0.0.1:8080", false, true),
            ("http://[::1]:8080", false, true),
            ("https://localhost.example.com", true, false),
            ("http://localhost.example.com", false, false),
        ] {
            let links = links(url).unwrap();
            assert_eq!((links.is_trustworthy(), links.is_loopback()), (trustworthy, loopback), "{url}");
        }
    }

    #[test]
    fn the_test_identity_provider_is_known_by_its_addresses() {
        let local = links("http://localhost:8080").unwrap();
        for own in [local.test_idp_metadata().as_str(), local.test_idp_sso().as_str()] {
            assert!(local.is_test_idp(own), "{own}");
        }
        for (address, own) in [
            ("http://127.0.0.1:8080/test-idp/sso?x=1#y", true),
            ("http://[::1]:8080/test-idp/metadata", true),
            ("http://localhost:8081/test-idp/sso", false),
            ("http://localhost:8080/test-idp", false),
            ("http://idp.example:8080/test-idp/sso", false),
            ("https://sso.example.com/test-idp/sso", false),
            ("urn:idp", false),
            ("", false),
        ] {
            assert_eq!(local.is_test_idp(address), own, "{address}");
        }
        let public = links("https://sso.example.com").unwrap();
        assert!(public.is_test_idp("https://sso.example.com:443/test-idp/metadata"));
        assert!(!public.is_test_idp("http://localhost:8080/test-idp/metadata"));
    }

    #[test]
    fn an_asset_names_its_version() {
        assert_eq!(asset("ostiary.css", "1a2b"), "/assets/ostiary.css?v=1a2b");
    }
}

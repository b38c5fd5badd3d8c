//! The authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1) and its responses.
//!
//! Parsing has two steps, because an error may be returned to the client only once the client and its
//! redirect URI are known to be valid (RFC 6749 §4.1.2.1): first [`RequestingClient`], whose errors are shown on a
//! page; then [`AuthorizeRequest`], whose errors are sent to the redirect URI.

use base::{connection_id::ConnectionId, id::OauthClientId};

use crate::{
    Error,
    parameters::{self, Parameters},
    pkce::CodeChallenge,
    scope::granted_scope,
};

/// Maximum length of `state` in bytes. It is stored with every login started, finished or not.
pub const MAX_STATE_BYTES: usize = 4096;

/// Maximum length of `nonce` in bytes; it is stored too.
pub const MAX_NONCE_BYTES: usize = 512;

/// The client, and where to send the response.
#[derive(Debug, PartialEq, Eq)]
pub struct RequestingClient<'a> {
    /// The client.
    pub client_id: OauthClientId,
    /// The redirect URI it sent.
    pub redirect_uri: Option<&'a str>,
    /// The `state` to return. `None` also when it is invalid, which [`AuthorizeRequest::parse`] then rejects.
    pub state: Option<&'a str>,
}

impl<'a> RequestingClient<'a> {
    /// Parses the client's part of the request. An error is shown on a page, never redirected.
    pub fn parse(parameters: &'a Parameters) -> Result<Self, Error> {
        let client_id = parameters.require("client_id")?;
        Ok(Self {
            client_id: client_id.parse().map_err(|why| Error::Malformed {
                name: "client_id",
                reason: format!("is malformed: {why}"),
            })?,
            redirect_uri: parameters.get("redirect_uri")?,
            state: state(parameters).ok().flatten(),
        })
    }
}

/// The redirect URI for the response: the one sent if it is registered, compared as an exact string
/// (RFC 9700 §2.1); the only registered one if none was sent (RFC 6749 §3.1.2.3).
pub fn redirect_uri(sent: Option<&str>, registered: &[String]) -> Result<String, Error> {
    match (sent, registered) {
        (Some(sent), _) if registered.iter().any(|uri| uri == sent) => Ok(sent.to_owned()),
        (Some(sent), _) => {
            Err(Error::UnregisteredRedirectUri { sent: sent.to_owned(), registered: registered.to_vec() })
        }
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(Error::AmbiguousRedirectUri { registered: registered.len() }),
    }
}

/// [`redirect_uri`] of a client without a secret, which may be an app on somebody's own machine: a registered address of
/// loopback is also met with another port, which such an app gets when it starts (RFC 8252 §7.3, RFC 9700 §2.1).
pub fn native_redirect_uri(sent: Option<&str>, registered: &[String]) -> Result<String, Error> {
    let parts = sent.and_then(loopback_parts);
    match sent {
        Some(sent) if parts.is_some() && registered.iter().any(|uri| loopback_parts(uri) == parts) => {
            Ok(sent.to_owned())
        }
        _ => redirect_uri(sent, registered),
    }
}

/// What is before and after the port of an http URI of a loopback address. `localhost` is no address: what a name leads to can
/// be changed (RFC 8252 §8.3).
fn loopback_parts(uri: &str) -> Option<(&str, &str)> {
    let host = ["http://127.0.0.1", "http://[::1]"].into_iter().find(|host| uri.starts_with(host))?;
    let rest = &uri[host.len()..];
    let rest = match rest.strip_prefix(':') {
        Some(rest) => {
            let (port, rest) = rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count());
            port.parse::<u16>().ok()?;
            rest
        }
        None => rest,
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
}

/// Selects the connection. The first parameter given wins, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// `saml_connection_id`: a SAML or an OIDC connection.
    Connection(ConnectionId),
    /// `organization_id`: its primary connection. The text is an id in any encoding, or a name that the caller knows.
    Organization(String),
    /// `organization_external_id`: the same by the vendor's own id.
    OrganizationExternalId(String),
    /// `domain_hint`: the organization with this domain.
    Domain(String),
    /// `login_hint`: the organization with this e-mail address's domain.
    Email(String),
}

/// Every parameter that is read, except the selectors.
const FORWARDED_PARAMETERS: [&str; 11] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
];

/// The parameters to repeat when the same request is sent again for a chosen organization: those that are
/// read, without the selectors. Unknown parameters are dropped.
pub fn forwarded_parameters(parameters: &Parameters) -> Vec<(&'static str, String)> {
    let value = |name| parameters.get(name).ok().flatten().map(|value| (name, value.to_owned()));
    FORWARDED_PARAMETERS.into_iter().filter_map(value).collect()
}

/// The `state`, which is returned with the response.
pub(crate) fn state(parameters: &Parameters) -> Result<Option<&str>, Error> {
    parameters.get_within("state", MAX_STATE_BYTES)
}

impl Selector {
    fn parse(parameters: &Parameters) -> Result<Self, Error> {
        fn id<T: std::str::FromStr<Err: std::fmt::Display>>(
            name: &'static str,
            text: &str,
        ) -> Result<T, Error> {
            text.parse().map_err(|why| Error::Malformed { name, reason: format!("is malformed: {why}") })
        }
        if let Some(text) = parameters.either("saml_connection_id", "samlConnectionId")? {
            id("saml_connection_id", text).map(Self::Connection)
        } else if let Some(text) = parameters.either("organization_id", "organizationId")? {
            Ok(Self::Organization(text.to_owned()))
        } else if let Some(text) = parameters.either("organization_external_id", "organizationExternalId")? {
            Ok(Self::OrganizationExternalId(text.to_owned()))
        } else if let Some(text) = parameters.either("domain_hint", "domainHint")? {
            Ok(Self::Domain(text.to_owned()))
        } else if let Some(text) = parameters.either("login_hint", "loginHint")? {
            Ok(Self::Email(text.to_owned()))
        } else {
            Err(Error::NoSelector)
        }
    }

    /// The name of its parameter, for messages.
    pub fn parameter(&self) -> &'static str {
        match self {
            Self::Connection(_) => "saml_connection_id",
            Self::Organization(_) => "organization_id",
            Self::OrganizationExternalId(_) => "organization_external_id",
            Self::Domain(_) => "domain_hint",
            Self::Email(_) => "login_hint",
        }
    }
}

/// A valid authorization request, without what is in its [`RequestingClient`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizeRequest {
    /// Returned unchanged with the response.
    pub state: Option<String>,
    /// Returned in the ID token.
    pub nonce: Option<String>,
    /// The challenge that the token request's `code_verifier` must match.
    pub code_challenge: Option<CodeChallenge>,
    /// Whether the identity provider must re-authenticate the user (`prompt=login`, `max_age`).
    pub force_authn: bool,
    /// The granted scope, returned in the token response.
    pub scope: String,
    /// Selects the connection.
    pub selector: Selector,
}

impl AuthorizeRequest {
    /// Parses the request. An error is sent to the redirect URI.
    pub fn parse(parameters: &Parameters) -> Result<Self, Error> {
        let state = state(parameters)?.map(str::to_owned);
        if parameters.get("request")?.is_some() {
            return Err(Error::RequestNotSupported);
        }
        if parameters.get("request_uri")?.is_some() {
            return Err(Error::RequestUriNotSupported);
        }
        if parameters.get("registration")?.is_some() {
            return Err(Error::RegistrationNotSupported);
        }
        if parameters.require("response_type")? != "code" {
            return Err(Error::UnsupportedResponseType);
        }
        if parameters.get("response_mode")?.is_some_and(|mode| mode != "query") {
            return Err(Error::UnsupportedResponseMode);
        }
        Ok(Self {
            state,
            scope: granted_scope(parameters.get("scope")?),
            nonce: parameters.get_within("nonce", MAX_NONCE_BYTES)?.map(str::to_owned),
            code_challenge: code_challenge(parameters)?,
            force_authn: prompts_login(parameters)? | has_max_age(parameters)?,
            selector: Selector::parse(parameters)?,
        })
    }
}

/// The code challenge (RFC 7636 §4.3). A missing method means `plain`, which is rejected like every method
/// but `S256`. A method without a challenge is an error.
pub(crate) fn code_challenge(parameters: &Parameters) -> Result<Option<CodeChallenge>, Error> {
    let method = parameters.get("code_challenge_method")?;
    match parameters.get("code_challenge")? {
        Some(_) if method != Some("S256") => Err(Error::UnsupportedChallengeMethod),
        Some(text) => CodeChallenge::parse(text).map(Some),
        None if method.is_some() => Err(Error::Missing("code_challenge")),
        None => Ok(None),
    }
}

/// `prompt` (OpenID Connect Core §3.1.2.1): `none` cannot be satisfied, `login` forces authentication.
/// `consent` and `select_account` are ignored: only the identity provider has such screens, and SAML cannot
/// request them.
fn prompts_login(parameters: &Parameters) -> Result<bool, Error> {
    let mut login = false;
    let mut others = false;
    let mut none = false;
    for value in parameters.get("prompt")?.unwrap_or_default().split_ascii_whitespace() {
        match value {
            "none" => none = true,
            "login" => login = true,
            "consent" | "select_account" => others = true,
            _ => return Err(Error::Malformed { name: "prompt", reason: "has an unknown value".to_owned() }),
        }
    }
    match (none, login || others) {
        (true, true) => Err(Error::Malformed {
            name: "prompt",
            reason: "cannot combine none with other values".to_owned(),
        }),
        (true, false) => Err(Error::LoginRequired),
        (false, _) => Ok(login),
    }
}

/// `max_age` (OpenID Connect Core §3.1.2.1). The age of the identity provider's session is not known before
/// the request, so every `max_age` forces authentication; `auth_time` in the ID token says when it happened.
fn has_max_age(parameters: &Parameters) -> Result<bool, Error> {
    Ok(max_age(parameters)?.is_some())
}

/// `max_age`, in seconds.
pub(crate) fn max_age(parameters: &Parameters) -> Result<Option<u64>, Error> {
    let Some(text) = parameters.get("max_age")? else { return Ok(None) };
    match text.parse::<u64>() {
        Ok(seconds) if text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Some(seconds)),
        _ => Err(Error::Malformed { name: "max_age", reason: "must be a number of seconds".to_owned() }),
    }
}

/// The redirect URI with response parameters: `code` and, if it was sent, `state` (RFC 6749 §4.1.2), or
/// `error` (§4.1.2.1).
pub fn response_url(redirect_uri: &str, pairs: &[(&str, &str)]) -> String {
    parameters::append(redirect_uri, pairs)
}

/// The redirect URI with an error response (RFC 6749 §4.1.2.1).
pub fn error_url(redirect_uri: &str, error: &Error, state: Option<&str>) -> String {
    let description = error.description();
    let pairs = [
        ("error", error.code()),
        ("error_description", description.as_str()),
        ("state", state.unwrap_or_default()),
    ];
    response_url(redirect_uri, if state.is_some() { &pairs } else { &pairs[..2] })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: &str = "saml_oauth_client_12vqjrnxk9xeov6o4f05pan0g";
    const CONNECTION: &str = "saml_conn_12vqjrnxk9xeov6o4f05pan0g";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn request(extra: &str) -> Result<AuthorizeRequest, Error> {
        let query = format!("client_id={CLIENT}&response_type=code&organizationExternalId=acme{extra}");
        AuthorizeRequest::parse(&Parameters::parse(&query).unwrap())
    }

    fn code_of(extra: &str) -> &'static str {
        request(extra).map_or_else(|error| error.code(), |_| "accepted")
    }

    #[test]
    fn the_sender_is_read_first_and_alone() {
        let text =
            format!("client_id={CLIENT}&redirect_uri=https%3A%2F%2Fa.example%2Fcb&state=s&nonce=1&nonce=2");
        let parameters = Parameters::parse(&text).unwrap();
        let sender = RequestingClient::parse(&parameters).unwrap();
        assert_eq!(sender.redirect_uri, Some("https://a.example/cb"));
        assert_eq!(sender.state, Some("s"));
        assert_eq!(sender.client_id.to_string(), CLIENT);

        for (query, expected) in [
            (String::new(), "client_id is required"),
            ("client_id=".to_owned(), "client_id is required"),
            (
                "client_id=x".to_owned(),
                "client_id is malformed: 'x' does not have expected prefix 'saml_oauth_client_'",
            ),
            (format!("client_id={CLIENT}&client_id={CLIENT}"), "client_id was sent more than once"),
            (
                format!("client_id={CLIENT}&redirect_uri=a&redirect_uri=b"),
                "redirect_uri was sent more than once",
            ),
        ] {
            assert_eq!(
                RequestingClient::parse(&Parameters::parse(&query).unwrap()).unwrap_err().description(),
                expected
            );
        }
    }

    #[test]
    fn a_redirect_uri_is_an_exact_string() {
        let registered = ["https://a.example/cb".to_owned(), "https://a.example/cb2".to_owned()];
        assert_eq!(redirect_uri(Some("https://a.example/cb2"), &registered).unwrap(), registered[1]);
        for near in [
            "https://a.example/cb/",
            "https://A.example/cb",
            "https://a.example/cb?x",
            "https://a.example:443/cb",
            "http://a.example/cb",
            "https://a.example/cb#",
            "https://a.example/c",
            "https://a.example/cb%20",
        ] {
            let refused = redirect_uri(Some(near), &registered).unwrap_err();
            assert_eq!(
                refused,
                Error::UnregisteredRedirectUri { sent: near.to_owned(), registered: registered.to_vec() }
            );
        }
        assert_eq!(redirect_uri(None, &registered[..1]).unwrap(), registered[0]);
        assert_eq!(redirect_uri(None, &registered), Err(Error::AmbiguousRedirectUri { registered: 2 }));
        assert_eq!(redirect_uri(None, &[]), Err(Error::AmbiguousRedirectUri { registered: 0 }));
    }

    #[test]
    fn only_the_port_of_a_loopback_address_may_differ() {
        let registered = [
            "http://127.0.0.1/cb",
            "http://[::1]:3000/cb?x=1",
            "http://localhost/cb",
            "https://a.example/cb",
        ];
        let registered = registered.map(str::to_owned);
        for good in [
            "http://127.0.0.1/cb",
            "http://127.0.0.1:51004/cb",
            "http://[::1]:1/cb?x=1",
            "http://[::1]/cb?x=1",
        ] {
            assert_eq!(native_redirect_uri(Some(good), &registered).as_deref(), Ok(good));
        }
        for bad in [
            "http://127.0.0.1:51004/cb/",
            "http://127.0.0.1:51004/CB",
            "http://127.0.0.1:51004/cb#x",
            "http://127.0.0.1:51004",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:65536/cb",
            "http://127.0.0.1:+1/cb",
            "http://127.0.0.1:1@a.example/cb",
            "http://127.0.0.1.a.example/cb",
            "http://127.0.0.1@a.example/cb",
            "http://127.0.0.2:1/cb",
            "http://127.1:1/cb",
            "https://127.0.0.1:1/cb",
            "http://[::1]:1/cb",
            "http://[0:0:0:0:0:0:0:1]:1/cb?x=1",
            "http://localhost:51004/cb",
            "https://a.example:444/cb",
        ] {
            assert!(native_redirect_uri(Some(bad), &registered).is_err(), "{bad}");
            // Clients with a secret run on servers.
            assert!(redirect_uri(Some(bad), &registered).is_err(), "{bad}");
        }
        assert!(redirect_uri(Some("http://127.0.0.1:51004/cb"), &registered).is_err());
        assert!(native_redirect_uri(None, &registered).is_err());
    }

    #[test]
    fn a_full_request_is_read_whole() {
        let good = request(&format!(
            "&state=a%20b%26c&nonce=n&code_challenge={CHALLENGE}&code_challenge_method=S256&prompt=login\
             &scope=openid+email+offline_access&response_mode=query&acr_values=x&unknown=1&unknown=2"
        ))
        .unwrap();
        assert_eq!(good.state.as_deref(), Some("a b&c"));
        assert_eq!(good.nonce.as_deref(), Some("n"));
        assert_eq!(good.code_challenge.unwrap().as_str(), CHALLENGE);
        assert!(good.force_authn);
        assert_eq!(good.selector, Selector::OrganizationExternalId("acme".into()));

        assert_eq!(good.scope, "openid email");

        let bare = request("").unwrap();
        assert_eq!(bare.scope, "openid email profile");
        assert_eq!(request("&scope=profile+x").unwrap().scope, "openid profile");
        assert_eq!((bare.state, bare.nonce, bare.force_authn), (None, None, false));
    }

    #[test]
    fn every_refusal_has_its_code() {
        for (extra, code) in [
            ("&response_type=code", "invalid_request"),
            ("&state=1&state=2", "invalid_request"),
            ("&nonce=1&nonce=2", "invalid_request"),
            ("&scope=a&scope=b", "invalid_request"),
            ("&state=%00", "invalid_request"),
            ("&state=%ff", "invalid_request"),
            ("&response_mode=form_post", "invalid_request"),
            ("&response_mode=fragment", "invalid_request"),
            ("&request=eyJ", "request_not_supported"),
            ("&request_uri=https%3A%2F%2Fx", "request_uri_not_supported"),
            ("&registration=%7B%7D", "registration_not_supported"),
            ("&prompt=none", "login_required"),
            ("&prompt=none+login", "invalid_request"),
            ("&prompt=create", "invalid_request"),
            ("&prompt=consent+select_account", "accepted"),
            ("&prompt=", "accepted"),
            ("&max_age=x", "invalid_request"),
            ("&max_age=-1", "invalid_request"),
            ("&max_age=%2B1", "invalid_request"),
            ("&code_challenge=abc&code_challenge_method=S256", "invalid_request"),
            ("&code_challenge_method=S256", "invalid_request"),
        ] {
            assert_eq!(code_of(extra), code, "{extra}");
        }
        for method in ["", "&code_challenge_method=plain", "&code_challenge_method=s256"] {
            assert_eq!(
                request(&format!("&code_challenge={CHALLENGE}{method}")),
                Err(Error::UnsupportedChallengeMethod)
            );
        }
        let of =
            |query: &str| AuthorizeRequest::parse(&Parameters::parse(query).unwrap()).unwrap_err().code();
        assert_eq!(of("organization_external_id=a"), "invalid_request");
        assert_eq!(of("organization_external_id=a&response_type="), "invalid_request");
        assert_eq!(of("organization_external_id=a&response_type=token"), "unsupported_response_type");
        assert_eq!(of("organization_external_id=a&response_type=code+id_token"), "unsupported_response_type");
    }

    #[test]
    fn force_authn_follows_prompt_and_max_age() {
        for (extra, forced) in [
            ("", false),
            ("&prompt=login", true),
            ("&prompt=consent+login", true),
            ("&prompt=consent", false),
            ("&max_age=0", true),
            ("&max_age=3600", true),
            ("&max_age=", false),
        ] {
            assert_eq!(request(extra).unwrap().force_authn, forced, "{extra}");
        }
    }

    #[test]
    fn the_selectors_have_an_order_and_two_spellings() {
        let of = |query: &str| {
            AuthorizeRequest::parse(&Parameters::parse(&format!("response_type=code&{query}")).unwrap())
                .map(|r| r.selector)
        };
        let connection = Selector::Connection(CONNECTION.parse().unwrap());
        for name in ["saml_connection_id", "samlConnectionId"] {
            assert_eq!(
                of(&format!("{name}={CONNECTION}&organization_id=bad&login_hint=x")),
                Ok(connection.clone())
            );
        }
        let organization = "org_12vqjrnxk9xeov6o4f05pan0g";
        for name in ["organization_id", "organizationId"] {
            assert_eq!(
                of(&format!("{name}={organization}&organization_external_id=x&saml_connection_id=")),
                Ok(Selector::Organization(organization.to_owned()))
            );
        }
        for name in ["organization_external_id", "organizationExternalId"] {
            assert_eq!(
                of(&format!("domain_hint=d&{name}=x%2Fy")),
                Ok(Selector::OrganizationExternalId("x/y".into()))
            );
        }
        for name in ["domain_hint", "domainHint"] {
            assert_eq!(of(&format!("login_hint=l&{name}=acme.com")), Ok(Selector::Domain("acme.com".into())));
        }
        for name in ["login_hint", "loginHint"] {
            assert_eq!(of(&format!("{name}=a%40acme.com")), Ok(Selector::Email("a@acme.com".into())));
        }
        assert_eq!(of(""), Err(Error::NoSelector));
        assert_eq!(of("saml_connection_id=x").unwrap_err().code(), "invalid_request");
    }

    #[test]
    fn a_choice_carries_on_what_was_read_and_nothing_else() {
        let sent = format!(
            "client_id={CLIENT}&response_type=code&state=a%20b%26&loginHint=a%40acme.com&organization_id=&x=1&x=2\
             &nonce=n&prompt=login&max_age=0&scope=openid&code_challenge={CHALLENGE}&code_challenge_method=S256\
             &response_mode=query&redirect_uri=https%3A%2F%2Fa.example%2Fcb"
        );
        let parameters = Parameters::parse(&sent).unwrap();
        let asked = AuthorizeRequest::parse(&parameters).unwrap();
        let mut carried = forwarded_parameters(&parameters);
        assert_eq!(carried.iter().map(|(name, _)| *name).collect::<Vec<_>>(), FORWARDED_PARAMETERS);
        let organization = "org_12vqjrnxk9xeov6o4f05pan0g".to_owned();
        carried.push(("organization_id", organization.clone()));
        let pairs: Vec<_> = carried.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let again = Parameters::parse(&parameters::encode_pairs(&pairs)).unwrap();
        assert_eq!(RequestingClient::parse(&again).unwrap(), RequestingClient::parse(&parameters).unwrap());
        let chosen = AuthorizeRequest { selector: Selector::Organization(organization), ..asked };
        assert_eq!(AuthorizeRequest::parse(&again).unwrap(), chosen);
    }

    #[test]
    fn what_is_kept_with_a_login_is_short() {
        for (name, most) in [("state", MAX_STATE_BYTES), ("nonce", MAX_NONCE_BYTES)] {
            assert_eq!(code_of(&format!("&{name}={}", "x".repeat(most))), "accepted");
            let refused = request(&format!("&{name}={}", "x".repeat(most + 1))).unwrap_err();
            assert_eq!(refused.code(), "invalid_request");
            assert_eq!(refused.description(), format!("{name} is longer than {most} bytes"));
        }
    }

    #[test]
    fn answers_go_to_the_redirect_uri() {
        assert_eq!(response_url("https://a.example/cb", &[("code", "c")]), "https://a.example/cb?code=c");
        assert_eq!(
            response_url("https://a.example/cb?x=1", &[("code", "c"), ("state", "a+b")]),
            "https://a.example/cb?x=1&code=c&state=a%2Bb"
        );
        assert_eq!(
            error_url("https://a.example/cb", &Error::UnsupportedResponseType, Some("s")),
            "https://a.example/cb?error=unsupported_response_type&error_description=response_type%20must%20be%20code&state=s"
        );
    }
}

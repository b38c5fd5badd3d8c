//! An OIDC connection as the API and the command line show it, and changes of its settings: validated, and applied to the stored
//! one.

use base::{
    id::{OidcConnectionId, OrganizationId},
    time::Timestamp,
};
use clap::Args;
use model::{
    http_url::HttpUrl,
    idp_kind::IdpKind,
    oidc_connection::{ClaimMapping, DEFAULT_SCOPES, OidcConnection, TokenAuthMethod},
};
use oauth::relying_party::discovery::ProviderMetadata;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::discovery;
use crate::{
    app::{Error, Result, State, input},
    store::sealed_columns::OIDC_CLIENT_SECRET,
};

/// The maximum length of a client id or a client secret.
const MAX_CREDENTIAL_LENGTH: usize = 1000;

/// The maximum number of scopes, and the maximum length of each.
const MAX_SCOPES: (usize, usize) = (30, 200);

/// The maximum length of the name of a claim.
const MAX_CLAIM_NAME: usize = 200;

/// The settings with which an organization's people sign in at its OpenID provider.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OidcConnection)]
pub struct OidcConnectionObject {
    id: OidcConnectionId,
    organization_id: OrganizationId,
    /// Its name, for those who choose among several.
    display_name: String,
    /// Whether logins of its organization use it by default. Then no SAML connection of the organization is primary.
    primary: bool,
    /// The provider's issuer; empty until it is set.
    #[schema(example = "https://acme.okta.com")]
    issuer: String,
    /// The provider's authorization endpoint; empty until it is set.
    authorization_endpoint: String,
    /// The provider's token endpoint; empty until it is set.
    token_endpoint: String,
    /// The provider's UserInfo endpoint; empty for none.
    userinfo_endpoint: String,
    /// Where the provider publishes its keys; empty until it is set.
    jwks_uri: String,
    /// How the client secret is sent: `client_secret_basic` or `client_secret_post`.
    #[schema(value_type = String, example = "client_secret_basic")]
    token_auth_method: TokenAuthMethod,
    /// Your client id at the provider; empty until it is set.
    client_id: String,
    /// Whether there is a client secret. It is never shown.
    client_secret_set: bool,
    /// The scopes that are asked for.
    scopes: Vec<String>,
    /// The claim with the e-mail address.
    email_claim: String,
    /// The claim with the given name.
    given_name_claim: String,
    /// The claim with the family name.
    family_name_claim: String,
    /// The claim with the groups.
    groups_claim: String,
    /// The redirect URI to register at the provider; it never changes.
    redirect_uri: String,
    /// Whether it is switched off: its logins are refused.
    disabled: bool,
    /// The provider's product; `null` if unknown.
    idp_kind: Option<IdpKind>,
    /// When it was created.
    create_time: Timestamp,
    /// When it was last changed.
    update_time: Timestamp,
}

impl From<&OidcConnection> for OidcConnectionObject {
    fn from(connection: &OidcConnection) -> Self {
        let url = |url: &Option<HttpUrl>| url.as_ref().map(ToString::to_string).unwrap_or_default();
        Self {
            id: connection.id,
            organization_id: connection.organization_id,
            display_name: connection.display_name.clone(),
            primary: connection.primary,
            issuer: connection.issuer.clone().unwrap_or_default(),
            authorization_endpoint: url(&connection.authorization_endpoint),
            token_endpoint: url(&connection.token_endpoint),
            userinfo_endpoint: url(&connection.userinfo_endpoint),
            jwks_uri: url(&connection.jwks_uri),
            token_auth_method: connection.token_auth_method,
            client_id: connection.client_id.clone().unwrap_or_default(),
            client_secret_set: connection.client_secret.is_some(),
            scopes: connection.scopes.clone(),
            email_claim: connection.claims.email.clone(),
            given_name_claim: connection.claims.given_name.clone(),
            family_name_claim: connection.claims.family_name.clone(),
            groups_claim: connection.claims.groups.clone(),
            redirect_uri: connection.redirect_uri.clone(),
            disabled: connection.disabled,
            idp_kind: connection.idp_kind,
            create_time: connection.created_at,
            update_time: connection.updated_at,
        }
    }
}

/// The settings of an OIDC connection.
#[derive(Debug, Clone, Default, Deserialize, ToSchema, Args)]
#[schema(as = OidcConnectionInput)]
#[serde(rename_all = "camelCase")]
pub struct OidcConnectionChange {
    /// Its name, for those who choose among several.
    #[arg(long, value_name = "NAME")]
    pub display_name: Option<String>,
    /// Use it for logins that name only the organization, in place of the connection that is primary now.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub primary: Option<bool>,
    /// The provider's issuer, exactly as it publishes it. Without endpoints in the same change, these are what the provider
    /// publishes there.
    #[schema(example = "https://acme.okta.com")]
    #[arg(long, value_name = "URL")]
    pub issuer: Option<String>,
    /// The provider's authorization endpoint.
    #[arg(long, value_name = "URL")]
    pub authorization_endpoint: Option<String>,
    /// The provider's token endpoint.
    #[arg(long, value_name = "URL")]
    pub token_endpoint: Option<String>,
    /// The provider's UserInfo endpoint, which is asked for the e-mail address where the ID token does not have it.
    #[arg(long, value_name = "URL")]
    pub userinfo_endpoint: Option<String>,
    /// Where the provider publishes its keys.
    #[arg(long, value_name = "URL")]
    pub jwks_uri: Option<String>,
    /// How the client secret is sent: client_secret_basic or client_secret_post.
    #[arg(long, value_name = "METHOD", value_parser = ["client_secret_basic", "client_secret_post"])]
    pub token_auth_method: Option<String>,
    /// Your client id at the provider.
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// The client secret. It is stored encrypted and never shown. Where the token endpoint moves to another host, it must be sent
    /// again.
    #[arg(skip)]
    pub client_secret: Option<String>,
    /// The scopes that are asked for; openid is always among them. Empty for openid, profile and email.
    #[schema(example = json!(["openid", "profile", "email"]))]
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Option<Vec<String>>,
    /// The claim with the e-mail address; empty for email.
    #[arg(long, value_name = "CLAIM")]
    pub email_claim: Option<String>,
    /// The claim with the given name; empty for given_name.
    #[arg(long, value_name = "CLAIM")]
    pub given_name_claim: Option<String>,
    /// The claim with the family name; empty for family_name.
    #[arg(long, value_name = "CLAIM")]
    pub family_name_claim: Option<String>,
    /// The claim with the groups; empty for groups.
    #[arg(long, value_name = "CLAIM")]
    pub groups_claim: Option<String>,
    /// Switch it off: its logins are refused, its codes and tokens end, and everything else is kept.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub disabled: Option<bool>,
    /// The provider's product: okta, entra, google, adfs, keycloak, onelogin, jumpcloud, ping or other; empty for unknown.
    #[arg(long, value_name = "KIND", value_parser = input::idp_kinds())]
    pub idp_kind: Option<String>,
}

impl OidcConnectionChange {
    /// What the provider publishes, if the change has a new issuer and no endpoints. Call it outside of transactions.
    pub(super) async fn discover(
        &self,
        state: &State,
        stored: Option<&OidcConnection>,
    ) -> Result<Option<ProviderMetadata>> {
        let endpoints =
            [&self.authorization_endpoint, &self.token_endpoint, &self.userinfo_endpoint, &self.jwks_uri];
        let is_by_hand = endpoints.into_iter().flatten().any(|url| !url.trim().is_empty());
        let issuer = self.issuer.as_deref().map(str::trim).filter(|issuer| !issuer.is_empty());
        let Some(issuer) = issuer.filter(|_| !is_by_hand) else { return Ok(None) };
        if stored.is_some_and(|stored| stored.issuer.as_deref() == Some(issuer)) {
            return Ok(None);
        }
        endpoint(state, "issuer", issuer, &None)?;
        discovery::fetch(state, issuer).await.map(Some)
    }

    /// Validates the change and applies it.
    pub(super) fn apply(
        &self,
        state: &State,
        connection: &mut OidcConnection,
        found: Option<ProviderMetadata>,
    ) -> Result<()> {
        let before = connection.token_endpoint.clone();
        if let Some(name) = &self.display_name {
            connection.display_name = input::line("displayName", name.trim(), 200)?;
        }
        self.apply_provider(state, connection, found)?;
        if let Some(id) = &self.client_id {
            connection.client_id = credential("clientId", id)?;
        }
        match self.client_secret.as_deref().map(|text| credential("clientSecret", text)).transpose()? {
            Some(secret) => {
                connection.client_secret = secret
                    .map(|secret| state.seal(&OIDC_CLIENT_SECRET, &[&connection.id], secret.as_bytes()));
            }
            // Whoever may change the connection, and does not know the secret, does not get it sent elsewhere.
            None if connection.client_secret.is_some()
                && !same_origin(&before, &connection.token_endpoint) =>
            {
                let reason = "must be sent again, because the token endpoint moves to another server";
                return Err(Error::invalid("clientSecret", reason));
            }
            None if connection.token_endpoint.is_none() => connection.client_secret = None,
            None => {}
        }
        if let Some(scopes) = &self.scopes {
            connection.scopes = parse_scopes(scopes)?;
        }
        self.apply_claims(&mut connection.claims)?;
        connection.primary = self.primary.unwrap_or(connection.primary);
        connection.disabled = self.disabled.unwrap_or(connection.disabled);
        if let Some(kind) = &self.idp_kind {
            connection.idp_kind = input::idp_kind(kind)?;
        }
        let is_test = |address: &str| state.links.is_test_idp(address);
        connection.test = connection.issuer.as_deref().is_some_and(is_test)
            || connection.token_endpoint.as_ref().is_some_and(|url| is_test(url.as_str()));
        Ok(())
    }

    fn apply_provider(
        &self,
        state: &State,
        connection: &mut OidcConnection,
        found: Option<ProviderMetadata>,
    ) -> Result<()> {
        let was_found = found.is_some();
        if let Some(found) = found {
            let published = |text: &str| {
                endpoint(state, "issuer", text, &None).map_err(|error| {
                    Error::invalid(
                        "issuer",
                        format!("publishes an endpoint that cannot be used ({text}): {error}"),
                    )
                })
            };
            connection.authorization_endpoint = Some(published(&found.authorization_endpoint)?);
            connection.token_endpoint = Some(published(&found.token_endpoint)?);
            connection.userinfo_endpoint = found.userinfo_endpoint.as_deref().map(published).transpose()?;
            connection.jwks_uri = Some(published(&found.jwks_uri)?);
            connection.response_iss = found.authorization_response_iss_parameter_supported;
            connection.token_auth_method = match found.wants_secret_in_body() {
                true => TokenAuthMethod::ClientSecretPost,
                false => TokenAuthMethod::ClientSecretBasic,
            };
            connection.issuer = Some(found.issuer);
        } else if let Some(issuer) = &self.issuer {
            let issuer = issuer.trim();
            let is_new = connection.issuer.as_deref() != Some(issuer);
            connection.issuer = match issuer {
                "" => None,
                text if is_new => Some(endpoint(state, "issuer", text, &None)?.to_string()),
                text => Some(text.to_owned()),
            };
            connection.response_iss &= !is_new;
        }
        let set = |field: &'static str, stored: &mut Option<HttpUrl>, given: &Option<String>| {
            match given.as_deref().map(str::trim) {
                None => {}
                // A form sends its empty fields along with a new issuer, which has filled them.
                Some("") if was_found => {}
                Some("") => *stored = None,
                Some(text) => *stored = Some(endpoint(state, field, text, stored)?),
            }
            Ok::<_, Error>(())
        };
        set("authorizationEndpoint", &mut connection.authorization_endpoint, &self.authorization_endpoint)?;
        set("tokenEndpoint", &mut connection.token_endpoint, &self.token_endpoint)?;
        set("userinfoEndpoint", &mut connection.userinfo_endpoint, &self.userinfo_endpoint)?;
        set("jwksUri", &mut connection.jwks_uri, &self.jwks_uri)?;
        if let Some(method) = self.token_auth_method.as_deref().filter(|method| !method.is_empty()) {
            connection.token_auth_method = method.parse().map_err(|_| {
                Error::invalid("tokenAuthMethod", "must be client_secret_basic or client_secret_post")
            })?;
        }
        Ok(())
    }

    fn apply_claims(&self, claims: &mut ClaimMapping) -> Result<()> {
        let usual = ClaimMapping::default();
        let fields = [
            ("emailClaim", &self.email_claim, &mut claims.email, usual.email),
            ("givenNameClaim", &self.given_name_claim, &mut claims.given_name, usual.given_name),
            ("familyNameClaim", &self.family_name_claim, &mut claims.family_name, usual.family_name),
            ("groupsClaim", &self.groups_claim, &mut claims.groups, usual.groups),
        ];
        for (field, given, stored, usual) in fields {
            if let Some(name) = given {
                *stored = input::optional_line(field, name.trim(), MAX_CLAIM_NAME)?.unwrap_or(usual);
            }
        }
        Ok(())
    }
}

/// An address that we, or browsers, are to call for a customer: https, except on the machine itself.
fn endpoint(state: &State, field: &'static str, text: &str, stored: &Option<HttpUrl>) -> Result<HttpUrl> {
    let url = input::endpoint_url(state.settings.allow_private_metadata, field, text, stored)?;
    // RFC 6749 §3.1, §3.2; OpenID Connect Discovery 1.0 §3: no fragment, and an issuer has no query.
    if text.contains('#') || (field == "issuer" && text.contains('?')) {
        return Err(Error::invalid(field, "must have no fragment, and an issuer no query"));
    }
    Ok(url)
}

/// Whether two endpoints are on one server. Where there is none, nothing is sent anywhere, and there is no secret.
fn same_origin(before: &Option<HttpUrl>, after: &Option<HttpUrl>) -> bool {
    let origin = |url: &Option<HttpUrl>| url.as_ref().and_then(HttpUrl::to_url).map(|url| url.origin());
    before.is_none() || after.is_none() || origin(before) == origin(after)
}

/// A client id or secret: visible ASCII characters (RFC 6749 appendix A); empty is none.
fn credential(field: &'static str, text: &str) -> Result<Option<String>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > MAX_CREDENTIAL_LENGTH || !text.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) {
        return Err(Error::invalid(field, "must be at most 1000 printable ASCII characters"));
    }
    Ok(Some(text.to_owned()))
}

/// Scopes (RFC 6749 §3.3), each once, `openid` first.
fn parse_scopes(given: &[String]) -> Result<Vec<String>> {
    let (most, longest) = MAX_SCOPES;
    let mut scopes = vec!["openid".to_owned()];
    for scope in given.iter().flat_map(|text| text.split_whitespace()) {
        let is_scope =
            scope.len() <= longest && scope.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
        if !is_scope {
            return Err(Error::invalid("scopes", "must be names of visible characters without quotes"));
        }
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    if scopes.len() > most {
        return Err(Error::invalid("scopes", format!("must be at most {most}")));
    }
    match given.iter().all(|text| text.trim().is_empty()) {
        true => Ok(DEFAULT_SCOPES.map(str::to_owned).to_vec()),
        false => Ok(scopes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openid_is_always_asked_for() {
        let parse = |scopes: &[&str]| {
            parse_scopes(&scopes.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(parse(&["email groups", "openid", "email"]).unwrap(), ["openid", "email", "groups"]);
        assert_eq!(parse(&[]).unwrap(), DEFAULT_SCOPES);
        assert_eq!(parse(&[" "]).unwrap(), DEFAULT_SCOPES);
        assert!(parse(&["a\"b"]).is_err() && parse(&["ä"]).is_err());
    }

    #[test]
    fn a_secret_stays_on_the_server_that_it_was_entered_for() {
        let url = |text: &str| HttpUrl::parse(text);
        let first = url("https://idp.example/token");
        assert!(same_origin(&None, &first) && same_origin(&first, &url("https://idp.example:443/other")));
        for other in [
            "https://idp.example.evil.example/token",
            "http://idp.example/token",
            "https://idp.example:8443/",
        ] {
            assert!(!same_origin(&first, &url(other)), "{other}");
        }
    }
}

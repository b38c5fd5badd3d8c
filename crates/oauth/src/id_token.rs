//! The claims of ID tokens and userinfo (OpenID Connect Core §2, §5.3.2), with SSOReady's own claims.

use std::{collections::BTreeMap, time::Duration};

use base::{
    id::{LoginFlowId, OauthClientId, OrganizationId},
    time::Timestamp,
};
use serde::{Serialize, Serializer, ser::SerializeMap as _};

/// How long an ID token is valid. It cannot be revoked.
pub const ID_TOKEN_LIFETIME: Duration = Duration::from_secs(3600);

/// An identity provider's attributes: each name with all its values.
type Attributes = BTreeMap<String, Vec<String>>;

/// The user's claims, which ID token and userinfo share.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct UserClaims<'a> {
    /// What clients store in their user tables: the e-mail address, as in SSOReady, or what stands for it.
    pub sub: &'a str,
    /// The e-mail address.
    pub email: &'a str,
    /// Always true: the identity provider asserted it, and the domain is the organization's.
    pub email_verified: bool,
    /// The organization.
    #[serde(rename = "organizationId")]
    pub organization_id: OrganizationId,
    /// The vendor's own id of the organization, `""` if there is none.
    #[serde(rename = "organizationExternalId")]
    pub organization_external_id: &'a str,
    /// Name to last value, as in SSOReady.
    #[serde(serialize_with = "last_values")]
    pub attributes: &'a Attributes,
    /// Name to all values.
    #[serde(rename = "attributeValues")]
    pub attribute_values: &'a Attributes,
}

impl<'a> UserClaims<'a> {
    /// The claims of the user with this subject and e-mail address in this organization.
    pub fn new(
        subject: &'a str,
        email: &'a str,
        organization_id: OrganizationId,
        organization_external_id: Option<&'a str>,
        attributes: &'a Attributes,
    ) -> Self {
        Self {
            sub: subject,
            email,
            email_verified: true,
            organization_id,
            organization_external_id: organization_external_id.unwrap_or_default(),
            attributes,
            attribute_values: attributes,
        }
    }
}

/// The claims of an ID token.
#[derive(Debug, Serialize)]
pub struct IdTokenClaims<'a> {
    /// The issuer, as in the provider metadata.
    pub iss: String,
    /// The client, as a plain string.
    pub aud: OauthClientId,
    /// When it was issued.
    pub iat: i64,
    /// When it expires.
    pub exp: i64,
    /// When the identity provider authenticated the user, if it said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// From the authorization request. Absent without one: some clients reject a nonce that they did not
    /// send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<&'a str>,
    /// Binds the access token to this ID token (§3.1.3.6).
    pub at_hash: String,
    /// The user's claims.
    #[serde(flatten)]
    pub person: UserClaims<'a>,
    /// The login flow, for support.
    #[serde(rename = "samlFlowId")]
    pub saml_flow_id: LoginFlowId,
}

impl IdTokenClaims<'_> {
    /// `iat` and `exp` of a token issued at `now`.
    pub fn iat_and_exp(now: Timestamp) -> (i64, i64) {
        (now.seconds(), (now + ID_TOKEN_LIFETIME).seconds())
    }
}

fn last_values<S: Serializer>(attributes: &Attributes, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(attributes.len()))?;
    for (name, values) in attributes {
        map.serialize_entry(name, values.last().map_or("", String::as_str))?;
    }
    map.end()
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::*;

    fn attributes() -> Attributes {
        BTreeMap::from([
            ("groups".into(), vec!["admins".into(), "staff".into()]),
            ("empty".into(), vec![]),
            ("displayName".into(), vec!["Ann".into()]),
        ])
    }

    fn claims<'a>(attributes: &'a Attributes, nonce: Option<&'a str>) -> IdTokenClaims<'a> {
        let (iat, exp) = IdTokenClaims::iat_and_exp(Timestamp::from_seconds(1_800_000_000));
        IdTokenClaims {
            iss: "https://sso.example/v1/oauth".into(),
            aud: OauthClientId::from_bits(1),
            iat,
            exp,
            auth_time: nonce.map(|_| 1_799_999_990),
            nonce,
            at_hash: "h".into(),
            person: UserClaims::new(
                "Ann@acme.com",
                "Ann@acme.com",
                OrganizationId::from_bits(2),
                nonce.map(|_| "acme"),
                attributes,
            ),
            saml_flow_id: LoginFlowId::from_bits(3),
        }
    }

    #[test]
    fn the_claims_are_ssoreadys_and_openids() {
        insta::assert_json_snapshot!(claims(&attributes(), Some("n-1")), @r#"
        {
          "iss": "https://sso.example/v1/oauth",
          "aud": "saml_oauth_client_0000000000000000000000001",
          "iat": 1800000000,
          "exp": 1800003600,
          "auth_time": 1799999990,
          "nonce": "n-1",
          "at_hash": "h",
          "sub": "Ann@acme.com",
          "email": "Ann@acme.com",
          "email_verified": true,
          "organizationId": "org_0000000000000000000000002",
          "organizationExternalId": "acme",
          "attributes": {
            "displayName": "Ann",
            "empty": "",
            "groups": "staff"
          },
          "attributeValues": {
            "displayName": [
              "Ann"
            ],
            "empty": [],
            "groups": [
              "admins",
              "staff"
            ]
          },
          "samlFlowId": "saml_flow_0000000000000000000000003"
        }
        "#);
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        let value = serde_json::to_value(claims(&BTreeMap::new(), None)).unwrap();
        assert!(value.get("nonce").is_none() && value.get("auth_time").is_none());
        assert_eq!(value["organizationExternalId"], "");
        assert_eq!(value["attributes"], serde_json::json!({}));
    }

    #[test]
    fn another_library_accepts_the_token() {
        use openidconnect::{
            AccessToken, AccessTokenHash, ClientId, ClientSecret, IssuerUrl, JsonWebKeySet, Nonce,
            core::{CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet},
        };

        use crate::{algorithm::IdTokenAlg, jwk::JwkSet, signing_key::SigningKey};

        let attributes = attributes();
        for &algorithm in IdTokenAlg::VARIANTS {
            let key = SigningKey::generate(algorithm).unwrap();
            let at_hash = key.at_hash("ostiary_at_x");
            let token = key.sign_jwt(&IdTokenClaims { at_hash, ..claims(&attributes, Some("n-1")) }).unwrap();

            let set = JwkSet { keys: vec![key.jwk().clone()] };
            let set: CoreJsonWebKeySet = serde_json::from_value(serde_json::to_value(set).unwrap()).unwrap();
            let verifier = |client: &str, keys: CoreJsonWebKeySet| {
                CoreIdTokenVerifier::new_confidential_client(
                    ClientId::new(client.into()),
                    ClientSecret::new("s".into()),
                    IssuerUrl::new("https://sso.example/v1/oauth".into()).unwrap(),
                    keys,
                )
                .set_allowed_algs([serde_json::from_value(serde_json::json!(algorithm)).unwrap()])
                .set_time_fn(|| "2027-01-15T08:00:30Z".parse().unwrap())
            };
            let client = OauthClientId::from_bits(1).to_string();
            let token: CoreIdToken = token.parse().unwrap();
            let nonce = Nonce::new("n-1".into());
            let good = verifier(&client, set.clone());
            let read = token.claims(&good, &nonce).unwrap();
            assert_eq!(read.subject().as_str(), "Ann@acme.com");
            assert_eq!(read.email().unwrap().as_str(), "Ann@acme.com");
            assert_eq!(read.auth_time().unwrap().timestamp(), 1_799_999_990);
            let expected = AccessTokenHash::from_token(
                &AccessToken::new("ostiary_at_x".into()),
                token.signing_alg().unwrap(),
                token.signing_key(&good).unwrap(),
            );
            assert_eq!(read.access_token_hash().unwrap(), &expected.unwrap());

            assert!(token.claims(&verifier("other", set.clone()), &nonce).is_err());
            assert!(token.claims(&good, &Nonce::new("n-2".into())).is_err());
            assert!(token.claims(&verifier(&client, JsonWebKeySet::new(vec![])), &nonce).is_err());
        }
    }
}

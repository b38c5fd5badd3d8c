//! A login for an application at an issuer where people sign in with their account: whose account it is, and where the browser
//! goes on. The session begins at the issuer itself, where its cookies are (`authorization_server/sign_in/company.rs`).

use base::{id::LoginFlowId, time::Timestamp};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use model::{email::Email, login_flow::LoginFlow, organization};
use saml::VerifiedAssertion;
use serde_json::{Map, Value, json};

use super::{
    attempt::{LoginAttempt, LoginResult},
    error::Error,
    federated,
};
use crate::{
    app::{
        Result, State,
        accounts::users::{self, AssertedPerson, LastingName, NoAccount},
    },
    store::{
        Transaction, account_logins,
        authorization_requests::{self, AuthorizationRequest, Named, Proven},
    },
};

/// The MAC purpose of the proof that [`is_finish_proof`] verifies.
const PROOF_PURPOSE: &str = "sign-in through a connection";

/// The maximum length of a claim, in characters.
const MAX_CLAIM_LENGTH: usize = 200;

/// Authentication with several factors, as identity providers name it: the REFEDS profile, Microsoft's.
const MULTI_FACTOR_CONTEXTS: [&str; 2] =
    ["https://refeds.org/profile/mfa", "http://schemas.microsoft.com/claims/multipleauthn"];

/// Where Entra ID says how the person authenticated.
const METHODS_ATTRIBUTE: &str = "http://schemas.microsoft.com/claims/authnmethodsreferences";

/// The names of the usual attributes for the claims of a profile, in lower case.
const CLAIM_ATTRIBUTES: [(&str, &[&str]); 3] = [
    (
        "name",
        &[
            "displayname",
            "http://schemas.microsoft.com/identity/claims/displayname",
            "urn:oid:2.16.840.1.113730.3.1.241",
        ],
    ),
    (
        "given_name",
        &[
            "givenname",
            "given_name",
            "firstname",
            "first_name",
            "user.firstname",
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
            "urn:oid:2.5.4.42",
        ],
    ),
    (
        "family_name",
        &[
            "surname",
            "sn",
            "family_name",
            "lastname",
            "last_name",
            "user.lastname",
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
            "urn:oid:2.5.4.4",
        ],
    ),
];

impl LoginAttempt<'_> {
    /// Finds or makes the account of the person, and stores for the sign-in under way whom the identity provider proved. Returns
    /// the address at which the browser goes on.
    pub(super) async fn identify(
        &mut self,
        tx: &mut Transaction,
        flow: &LoginFlow,
        email: &Email,
        assertion: &VerifiedAssertion,
    ) -> LoginResult<String> {
        let (state, now) = (self.state, flow.updated_at);
        let found = authorization_requests::find_by_flow(tx, flow.id, now).await?;
        let Some(Named { name, request, .. }) = found.filter(|found| is_for(&found.request, flow)) else {
            return Err(self.checks.fail(Error::SignInGone, None, None).into());
        };
        if let Some(since) = request.authenticated_since {
            let is_recent = assertion.authn_instant.is_some_and(|at| at + state.settings.clock_skew >= since);
            let found = assertion.authn_instant.map(|at| format!("at {at}"));
            let expected = Some(format!("an authentication since {since}"));
            self.checks.require(Error::AuthenticationTooOld, is_recent, expected, found)?;
        }
        let person = AssertedPerson {
            environment_id: flow.environment_id,
            organization_id: flow.organization_id,
            connection_id: self.connection_id(),
            email,
            name: lasting_name(flow, email, assertion, now),
            claims: claims(assertion),
        };
        let user = match users::find_or_create(tx, state, &person).await? {
            Ok(user) => user,
            Err(NoAccount::NotActive) => {
                return Err(self.checks.fail(Error::AccountNotActive, None, None).into());
            }
            Err(NoAccount::LinkedElsewhere) => {
                return Err(self.checks.fail(Error::UserLinkedElsewhere, None, None).into());
            }
        };
        self.checks.pass(Error::AccountNotActive, None, Some(user.id.to_string()));
        account_logins::update_asserted(tx, flow.id, user.id, &methods(assertion)).await?;
        let proven = Proven {
            user_id: user.id,
            authenticated_at: assertion.authn_instant.unwrap_or(now).min(now),
            amr: methods(assertion),
        };
        if !authorization_requests::update_asserted(tx, name, flow.id, &proven).await? {
            return Err(self.checks.fail(Error::SignInGone, None, None).into());
        }
        let proof = BASE64.encode(state.master_key.compute_tag(PROOF_PURPOSE, &flow.id.to_string()));
        let (environment, organization) = names(&request);
        Ok(state.links.sign_in_company_finish(&environment, &organization, flow.id, &proof).into())
    }
}

/// Whether a proof is the one that the browser got which posted the accepted response of this flow.
pub fn is_finish_proof(state: &State, flow: LoginFlowId, proof: &str) -> bool {
    let Ok(tag) = BASE64.decode(proof) else { return false };
    state.master_key.verify_tag(PROOF_PURPOSE, &flow.to_string(), &tag)
}

/// Our address that takes the browser back to the application, with an error; `None` once the sign-in is over.
pub(super) async fn decline_url(state: &State, flow: &LoginFlow) -> Result<Option<String>> {
    let found = {
        let mut conn = state.db.read().await?;
        authorization_requests::find_by_flow(&mut conn, flow.id, state.now()).await?
    };
    Ok(found.filter(|found| is_for(&found.request, flow)).map(|found| {
        let (environment, organization) = names(&found.request);
        state.links.sign_in_company_decline(&environment, &organization, flow.id).into()
    }))
}

/// Whether a sign-in is one that a login of this organization may end: at its own issuer, or at the root's.
fn is_for(request: &AuthorizationRequest, flow: &LoginFlow) -> bool {
    request.environment_id == flow.environment_id
        && (request.issuer == flow.organization_id
            || request.issuer == organization::root_id(flow.environment_id))
}

/// The segments of the issuer's paths, in the form that is always good.
fn names(request: &AuthorizationRequest) -> (String, String) {
    let organization = match request.issuer == organization::root_id(request.environment_id) {
        true => "root".to_owned(),
        false => format!("{:032x}", request.issuer.bits()),
    };
    (request.environment_id.to_string(), organization)
}

/// How the identity provider names the person for good.
fn lasting_name(
    flow: &LoginFlow,
    email: &Email,
    assertion: &VerifiedAssertion,
    now: Timestamp,
) -> Option<LastingName> {
    let identity = federated::identity_of(flow, email, assertion, now)?;
    Some(match Email::parse(&identity.subject) {
        // Their case does not count, and another address in the NameID is one that was not compared.
        Some(address) if address.key() == email.key() => LastingName::Address(address.key()),
        _ => LastingName::Other(identity.digest()),
    })
}

/// How the person authenticated (RFC 8176), as far as the identity provider says so in a word that is known.
fn methods(assertion: &VerifiedAssertion) -> Vec<String> {
    let context = assertion.authn_context.as_deref().unwrap_or_default();
    let class = context.strip_prefix("urn:oasis:names:tc:SAML:2.0:ac:classes:").unwrap_or_default();
    let factor = match class {
        "Password" | "PasswordProtectedTransport" => Some("pwd"),
        "TimeSyncToken" => Some("otp"),
        "Smartcard" | "SmartcardPKI" => Some("sc"),
        "Kerberos" => Some("wia"),
        "MobileTwoFactorContract" | "MobileTwoFactorUnregistered" => Some("mfa"),
        _ => None,
    };
    let said = assertion.subject.attributes.iter().filter(|(name, _)| name == METHODS_ATTRIBUTE);
    let is_multi = said
        .flat_map(|(_, values)| values.iter().map(String::as_str))
        .chain([context])
        .any(|text| MULTI_FACTOR_CONTEXTS.contains(&text.trim()));
    let mut methods: Vec<String> = factor.into_iter().map(str::to_owned).collect();
    if is_multi && factor != Some("mfa") {
        methods.push("mfa".to_owned());
    }
    methods
}

/// The profile of a new account: what the usual attributes say.
fn claims(assertion: &VerifiedAssertion) -> Map<String, Value> {
    let find = |names: &[&str]| {
        let mut given = assertion.subject.attributes.iter();
        let (_, values) = given.find(|(name, _)| names.contains(&name.to_ascii_lowercase().as_str()))?;
        let text = values.first()?.trim();
        let fits = !text.is_empty()
            && text.chars().count() <= MAX_CLAIM_LENGTH
            && !text.chars().any(char::is_control);
        fits.then(|| json!(text))
    };
    CLAIM_ATTRIBUTES.into_iter().filter_map(|(claim, names)| Some((claim.to_owned(), find(names)?))).collect()
}

#[cfg(test)]
mod tests {
    use saml::{NameIdAttributes, Subject};

    use super::*;

    fn assertion(context: Option<&str>, attributes: &[(&str, &str)]) -> VerifiedAssertion {
        let attributes =
            attributes.iter().map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()]));
        VerifiedAssertion {
            id: "_1".into(),
            issuer: "idp".into(),
            in_response_to: None,
            subject: Subject { name_id: "dana@acme.example".into(), attributes: attributes.collect() },
            name_id: NameIdAttributes::default(),
            not_on_or_after: Timestamp::from_millis(0),
            session_index: None,
            authn_instant: None,
            authn_context: context.map(str::to_owned),
        }
    }

    #[test]
    fn what_is_known_of_the_authentication_is_told() {
        let class = |name: &str| format!("urn:oasis:names:tc:SAML:2.0:ac:classes:{name}");
        let microsoft = [(METHODS_ATTRIBUTE, "http://schemas.microsoft.com/claims/multipleauthn")];
        for (context, attributes, expected) in [
            (Some(class("PasswordProtectedTransport")), &[][..], &["pwd"][..]),
            (Some(class("Password")), &microsoft, &["pwd", "mfa"]),
            (Some("https://refeds.org/profile/mfa".to_owned()), &[], &["mfa"]),
            (Some(class("MobileTwoFactorContract")), &microsoft, &["mfa"]),
            (Some(class("unspecified")), &[], &[]),
            (Some("Password".to_owned()), &[("amr", "mfa")], &[]),
            (None, &[], &[]),
        ] {
            assert_eq!(methods(&assertion(context.as_deref(), attributes)), expected, "{context:?}");
        }
    }

    #[test]
    fn the_profile_is_what_the_usual_attributes_say() {
        let long = "x".repeat(MAX_CLAIM_LENGTH + 1);
        let given =
            [("givenName", " Dana "), ("sn", long.as_str()), ("displayName", "Dana\nDoe"), ("groups", "x")];
        assert_eq!(Value::Object(claims(&assertion(None, &given))), json!({ "given_name": "Dana" }));
    }
}

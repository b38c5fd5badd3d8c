//! `/v1/saml-flows`: the logins of an environment, for support.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use base::{
    connection_id::ConnectionId,
    id::{LoginFlowId, OrganizationId, SamlConnectionId},
    time::Timestamp,
};
use model::login_flow::{Attributes, FlowOrigin, FlowStatus, LoginProtocol, StepKind};
use saml::check::{Check, Fixer};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::{
    call::{ApiCall, ManagementKey},
    fields::id,
    reply::{ApiResult, api, page_query, query},
    schema::PageParams,
};
use crate::{
    app::{
        self, State,
        support::flows::{CheckChange, CheckComparison, FlowDetails, FlowQuery, Recheck},
    },
    links::path,
};

/// One login.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SamlFlow<'a> {
    id: LoginFlowId,
    #[schema(value_type = SamlConnectionId)]
    saml_connection_id: Option<SamlConnectionId>,
    organization_id: OrganizationId,
    /// `SAML_FLOW_STATUS_IN_PROGRESS` until the app has redeemed the access code, `SAML_FLOW_STATUS_SUCCEEDED` after
    /// that, `SAML_FLOW_STATUS_FAILED` when it was refused.
    #[schema(value_type = String, example = "SAML_FLOW_STATUS_FAILED")]
    status: FlowStatus,
    /// How it was started: `api`, `oauth`, `restart` (by this server, in place of an unsolicited response), `idp` (by
    /// the identity provider), `detached` (a refused response that belongs to no login), `setup` or `console` (a test
    /// of the connection).
    #[schema(value_type = String, example = "api")]
    origin: FlowOrigin,
    /// The error code of the last refusal; empty if there is none.
    #[schema(example = "assertion_audience")]
    refusal: &'a str,
    /// The app's `state`.
    state: &'a str,
    /// The e-mail address of the person who signed in; empty until then.
    email: &'a str,
    /// The e-mail address in a refused response whose signature was valid. Nobody was signed in.
    claimed_email: &'a str,
    /// The SAML attributes of the person, one value per name: the last one.
    attributes: BTreeMap<&'a str, &'a str>,
    /// The same with all values.
    #[schema(value_type = BTreeMap<String, Vec<String>>)]
    attribute_values: &'a Attributes,
    /// When it was started.
    create_time: Timestamp,
    /// When it last changed.
    update_time: Timestamp,
    /// When the app redeemed the access code; `null` until then.
    redeem_time: Option<Timestamp>,
}

impl<'a> From<&'a model::login_flow::LoginFlow> for SamlFlow<'a> {
    fn from(flow: &'a model::login_flow::LoginFlow) -> Self {
        let last = |(name, values): (&'a String, &'a Vec<String>)| {
            (name.as_str(), values.last().map(String::as_str).unwrap_or_default())
        };
        Self {
            id: flow.id,
            saml_connection_id: flow.connection_id.and_then(ConnectionId::saml),
            organization_id: flow.organization_id,
            status: flow.status,
            origin: flow.origin,
            refusal: flow.refusal.as_deref().unwrap_or_default(),
            state: flow.state.as_deref().unwrap_or_default(),
            email: flow.email.as_ref().map_or("", |email| email.as_str()),
            claimed_email: flow.claimed_email.as_ref().map_or("", |email| email.as_str()),
            attributes: flow.attributes.iter().map(last).collect(),
            attribute_values: &flow.attributes,
            create_time: flow.created_at,
            update_time: flow.updated_at,
            redeem_time: flow.redeemed_at,
        }
    }
}

/// One condition that was verified.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowCheck<'a> {
    /// Its name, which is the error code when it fails.
    #[schema(example = "assertion_audience")]
    name: &'a str,
    /// Whether it held.
    passed: bool,
    /// The expected value; `null` if there is none.
    expected: Option<&'a str>,
    /// The value that was found; `null` if there is none.
    found: Option<&'a str>,
    /// The clause it implements.
    #[schema(example = "SAML 2.0 Core §2.5.1.4")]
    clause: &'a str,
    /// Who can fix it: `identity_provider` (the customer's IT admin, in the identity provider), `vendor` (you, in the
    /// connection's settings), `user` (the person, by trying again).
    #[schema(value_type = String, example = "identity_provider")]
    fixer: Fixer,
    /// What to do when it fails.
    remedy: &'a str,
}

impl<'a> From<&'a Check> for FlowCheck<'a> {
    fn from(check: &'a Check) -> Self {
        Self {
            name: &check.name,
            passed: check.passed,
            expected: check.expected.as_deref(),
            found: check.found.as_deref(),
            clause: &check.clause,
            fixer: check.fixer,
            remedy: &check.remedy,
        }
    }
}

/// One event in a login's timeline.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowStep<'a> {
    /// When it happened.
    time: Timestamp,
    /// `requested` (the browser was sent to the identity provider), `refused` or `accepted` (a response was received).
    #[schema(value_type = String, example = "refused")]
    kind: StepKind,
    /// Every check that was made, in order.
    checks: Vec<FlowCheck<'a>>,
    /// The AuthnRequest or Response, while it is kept (30 days unless configured otherwise); `null` afterwards.
    document: Option<&'a str>,
}

/// One login with its timeline. The last fields are SSOReady's: the last request, the accepted or last response, and
/// at most one field for the error.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WholeSamlFlow<'a> {
    #[serde(flatten)]
    flow: SamlFlow<'a>,
    /// The timeline, oldest first.
    steps: Vec<FlowStep<'a>>,
    /// The AuthnRequest; empty when there is none.
    initiate_request: &'a str,
    /// When it was created.
    initiate_time: Option<Timestamp>,
    /// The Response; empty when there is none.
    assertion: &'a str,
    /// When it was received.
    receive_assertion_time: Option<Timestamp>,
    #[serde(flatten)]
    error: FlowError,
}

/// SSOReady's `oneof`: at most one field is present. Some error codes have no field; `refusal` has all of them.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowError {
    /// The connection lacked settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    saml_connection_not_configured: Option<Map<String, Value>>,
    /// Nothing was signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    unsigned_assertion: Option<Map<String, Value>>,
    /// The issuer that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    bad_issuer: Option<String>,
    /// The audience that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    bad_audience: Option<String>,
    /// The algorithm that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    bad_signature_algorithm: Option<String>,
    /// The algorithm that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    bad_digest_algorithm: Option<String>,
    /// The certificate that signed, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    bad_certificate: Option<String>,
    /// The value found in place of an e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    bad_subject_id: Option<String>,
    /// The domain of the e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    email_outside_organization_domains: Option<String>,
}

impl FlowError {
    fn of(code: &str, response: Option<&model::login_flow::FlowStep>) -> Self {
        let checks = response.map(|step| step.checks.as_slice()).unwrap_or_default();
        let check = checks.iter().find(|check| !check.passed && check.name == code);
        let found = check.and_then(|check| check.found.clone()).unwrap_or_default();
        let mut error = Self::default();
        match code {
            "connection_not_configured" => error.saml_connection_not_configured = Some(Map::new()),
            "signature_missing" => error.unsigned_assertion = Some(Map::new()),
            "response_issuer" | "assertion_issuer" => error.bad_issuer = Some(found),
            "assertion_audience" | "audience_restriction_missing" => error.bad_audience = Some(found),
            "signature_algorithm_refused" | "sha1_refused" => error.bad_signature_algorithm = Some(found),
            "digest_algorithm_refused" => error.bad_digest_algorithm = Some(found),
            "signature_mismatch" | "signature_key_unsuitable" => error.bad_certificate = Some(found),
            "email_missing" | "email_malformed" | "name_id_missing" => error.bad_subject_id = Some(found),
            "email_outside_organization_domains" => {
                let domain = found.rsplit_once('@').map_or("", |(_, domain)| domain);
                error.email_outside_organization_domains = Some(domain.to_ascii_lowercase());
            }
            _ => {}
        }
        error
    }
}

impl<'a> From<&'a FlowDetails> for WholeSamlFlow<'a> {
    fn from(found: &'a FlowDetails) -> Self {
        let last = |kind: StepKind| found.steps.iter().rev().find(|step| step.kind == kind);
        let request = last(StepKind::Requested);
        let response = last(StepKind::Accepted).or_else(|| last(StepKind::Refused));
        let document = |step: Option<&'a model::login_flow::FlowStep>| {
            step.and_then(|step| step.document.as_deref()).unwrap_or_default()
        };
        let code = found.flow.refusal.as_deref();
        Self {
            flow: (&found.flow).into(),
            steps: found
                .steps
                .iter()
                .map(|step| FlowStep {
                    time: step.at,
                    kind: step.kind,
                    checks: step.checks.iter().map(FlowCheck::from).collect(),
                    document: step.document.as_deref(),
                })
                .collect(),
            initiate_request: document(request),
            initiate_time: request.map(|step| step.at),
            assertion: document(response),
            receive_assertion_time: response.map(|step| step.at),
            error: code.map(|code| FlowError::of(code, response)).unwrap_or_default(),
        }
    }
}

/// One check, in the first run and in the new run.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComparedCheck<'a> {
    /// Its name, which is the error code when it fails.
    name: &'a str,
    /// `mended`, `broken`, `newly_failed`, `newly_passed`, `still_failed`, `still_passed`, or `not_asked`: it
    /// can pass only once, or an earlier check fails now.
    #[schema(value_type = String, example = "mended")]
    change: CheckChange,
    /// The first result; `null` if the check was not reached.
    then: Option<FlowCheck<'a>>,
    /// The new result; `null` if the check was not run.
    now: Option<FlowCheck<'a>>,
}

impl<'a> From<CheckComparison<'a>> for ComparedCheck<'a> {
    fn from(compared: CheckComparison<'a>) -> Self {
        Self {
            name: compared.now.or(compared.then).map(|check| &*check.name).unwrap_or_default(),
            change: compared.change(),
            then: compared.then.map(FlowCheck::from),
            now: compared.now.map(FlowCheck::from),
        }
    }
}

/// A response checked again.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckSamlFlowReply<'a> {
    /// When the response was received. Time conditions are checked as of then.
    response_time: Timestamp,
    /// Whether the login would succeed now.
    passed: bool,
    /// The e-mail address that would be signed in; empty if none.
    email: &'a str,
    /// The error code; empty if there is none.
    refusal: &'a str,
    /// Every check of either run.
    checks: Vec<ComparedCheck<'a>>,
}

impl<'a> From<&'a Recheck> for CheckSamlFlowReply<'a> {
    fn from(recheck: &'a Recheck) -> Self {
        Self {
            response_time: recheck.received_at,
            passed: recheck.outcome.is_ok(),
            email: recheck.outcome.as_ref().map_or("", |email| email.as_str()),
            refusal: recheck.outcome.as_ref().err().copied().unwrap_or_default(),
            checks: recheck.comparisons().into_iter().map(ComparedCheck::from).collect(),
        }
    }
}

/// One login.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SamlFlowReply<'a> {
    saml_flow: WholeSamlFlow<'a>,
}

/// One page of logins.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SamlFlowsReply<'a> {
    saml_flows: Vec<SamlFlow<'a>>,
    /// The token of the next page; empty on the last one.
    next_page_token: String,
}

/// Which logins.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct SamlFlowParams {
    /// Only those of this organization.
    pub organization_id: Option<OrganizationId>,
    /// Only those through this connection.
    pub saml_connection_id: Option<SamlConnectionId>,
    /// Only those with this e-mail address, case-insensitive: of the person who signed in, or in a refused response.
    #[param(example = "dana@acme.com")]
    pub email: Option<String>,
    /// Only those with this status: `in_progress`, `failed` or `succeeded`.
    #[param(example = "failed")]
    pub status: Option<String>,
    /// Only those whose last refusal has this error code.
    #[param(example = "assertion_audience")]
    pub refusal: Option<String>,
    /// Only those started at or after this time: RFC 3339, or a date.
    #[param(example = "2026-11-21")]
    pub since: Option<String>,
    /// Only those started before this time.
    pub until: Option<String>,
}

/// List logins
///
/// Newest first. If few logins match the filters, a page may be short or empty without being the last: continue while
/// there is a `nextPageToken`.
#[utoipa::path(
    get,
    path = path::SAML_FLOWS,
    operation_id = "listSamlFlows",
    tag = "Login flows",
    params(SamlFlowParams, PageParams),
    responses((status = 200, body = SamlFlowsReply<'_>))
)]
pub async fn list(state: web::Data<State>, call: ApiCall<ManagementKey>, request: HttpRequest) -> ApiResult {
    let query = query(&request);
    let text = |name| query.text(name).unwrap_or_default();
    let wanted = FlowQuery {
        organization_id: text("organizationId"),
        saml_connection_id: text("samlConnectionId"),
        user_id: String::new(),
        protocol: LoginProtocol::Saml.as_str().to_owned(),
        email: text("email"),
        status: text("status"),
        refusal: text("refusal"),
        since: text("since"),
        until: text("until"),
    };
    let page = app::support::flows::list(&state, &call.principal, &wanted, &page_query(&query))
        .await
        .map_err(api)?;
    Ok(HttpResponse::Ok().json(SamlFlowsReply {
        saml_flows: page.items.iter().map(SamlFlow::from).collect(),
        next_page_token: page.next_token,
    }))
}

/// Get a login
///
/// With its timeline: every check with the expected and the found value, who can fix it and how, and the SAML
/// messages. They contain personal data.
#[utoipa::path(
    get,
    path = path::SAML_FLOW,
    operation_id = "getSamlFlow",
    tag = "Login flows",
    params(("id" = LoginFlowId, Path)),
    responses((status = 200, body = SamlFlowReply<'_>))
)]
pub async fn find(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let flow = app::support::flows::find(&state, &call.principal, id).await.map_err(api)?;
    if flow.flow.protocol != LoginProtocol::Saml {
        return Err(api(app::Error::not_found("login flow", id)));
    }
    Ok(HttpResponse::Ok().json(SamlFlowReply { saml_flow: (&flow).into() }))
}

/// Check a login again
///
/// Checks the stored response again with the current settings of the connection, to see whether a change fixes a
/// refused login before the customer tries again. Changes nothing.
#[utoipa::path(
    post,
    path = path::SAML_FLOW_CHECK,
    operation_id = "checkSamlFlow",
    tag = "Login flows",
    params(("id" = LoginFlowId, Path)),
    responses((status = 200, body = CheckSamlFlowReply<'_>))
)]
pub async fn check(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let checked = app::support::flows::recheck(&state, &call.principal, id).await.map_err(api)?;
    Ok(HttpResponse::Ok().json(CheckSamlFlowReply::from(&checked)))
}

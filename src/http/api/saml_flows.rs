//! `/v1/saml-flows`: the logins of an environment, for support.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};

use super::{Answer, api, fields::id, page_query, query};
use crate::{
    app::{
        self, State,
        flows::{Flow, FlowQuery, Recheck},
    },
    http::extract::{Call, ManagementKey},
    model::{
        check::Check,
        saml_flow::{FlowStep, SamlFlow, StepKind},
    },
};

/// A login with SSOReady's fields (contracts §1.4) as far as they need no timeline, and ours: where it
/// began, the refusal's code, whom a refused response named.
fn summary(flow: &SamlFlow) -> Map<String, Value> {
    let last =
        |(name, values): (&String, &Vec<String>)| (name.clone(), values.last().cloned().unwrap_or_default());
    let attributes: BTreeMap<String, String> = flow.attributes.iter().map(last).collect();
    let view = json!({
        "id": flow.id,
        "samlConnectionId": flow.saml_connection_id,
        "organizationId": flow.organization_id,
        "status": flow.status,
        "origin": flow.origin,
        "refusal": flow.refusal.as_deref().unwrap_or_default(),
        "state": flow.state.as_deref().unwrap_or_default(),
        "email": flow.email.as_ref().map_or("", |email| email.as_str()),
        "claimedEmail": flow.claimed_email.as_ref().map_or("", |email| email.as_str()),
        "attributes": attributes,
        "attributeValues": flow.attributes,
        "createTime": flow.created_at,
        "updateTime": flow.updated_at,
        "redeemTime": flow.code.as_ref().and_then(|code| code.consumed_at),
    });
    match view {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// The whole login: its timeline, and SSOReady's fields that are read from it. Of several requests and
/// responses those fields tell the last; of responses the accepted one, if there is one.
fn whole(found: &Flow) -> Value {
    let mut view = summary(&found.flow);
    let steps = || found.steps.iter().rev();
    let request = steps().find(|step| step.kind == StepKind::Requested);
    let response = steps()
        .find(|step| step.kind == StepKind::Accepted)
        .or_else(|| steps().find(|step| step.kind == StepKind::Refused));
    let document = |step: Option<&FlowStep>| step.and_then(|step| step.document.clone()).unwrap_or_default();
    let at = |step: Option<&FlowStep>| json!(step.map(|step| step.at));
    view.insert("initiateRequest".to_owned(), document(request).into());
    view.insert("initiateTime".to_owned(), at(request));
    view.insert("assertion".to_owned(), document(response).into());
    view.insert("receiveAssertionTime".to_owned(), at(response));
    if let Some((name, value)) = found.flow.refusal.as_deref().and_then(|code| error(code, response)) {
        view.insert(name.to_owned(), value);
    }
    let steps = found.steps.iter().map(|step| {
        json!({ "time": step.at, "kind": step.kind, "checks": step.checks, "document": step.document })
    });
    view.insert("steps".to_owned(), steps.collect());
    Value::Object(view)
}

/// SSOReady's oneof: the member that says the same as our code. Other codes have none there; `refusal` says
/// them all.
fn error(code: &str, response: Option<&FlowStep>) -> Option<(&'static str, Value)> {
    let found = || {
        let checks = response.map(|step| step.checks.as_slice()).unwrap_or_default();
        let check = checks.iter().find(|check| !check.passed && check.name == code);
        check.and_then(|check| check.found.clone()).unwrap_or_default()
    };
    Some(match code {
        "connection_not_configured" => ("samlConnectionNotConfigured", json!({})),
        "signature_missing" => ("unsignedAssertion", json!({})),
        "response_issuer" | "assertion_issuer" => ("badIssuer", found().into()),
        "assertion_audience" | "audience_restriction_missing" => ("badAudience", found().into()),
        "signature_algorithm_refused" | "sha1_refused" => ("badSignatureAlgorithm", found().into()),
        "digest_algorithm_refused" => ("badDigestAlgorithm", found().into()),
        "signature_mismatch" | "signature_key_unsuitable" => ("badCertificate", found().into()),
        "email_missing" | "email_malformed" | "name_id_missing" => ("badSubjectId", found().into()),
        "email_outside_organization_domains" => {
            let email = found();
            let domain = email.rsplit_once('@').map_or("", |(_, domain)| domain);
            ("emailOutsideOrganizationDomains", domain.to_ascii_lowercase().into())
        }
        _ => return None,
    })
}

/// A response checked again: every check then and now, and what became of it.
fn recheck(recheck: &Recheck) -> Value {
    let checks = recheck.compared().into_iter().map(|compared| {
        let name = compared.now.or(compared.then).map(|check: &Check| check.name.clone());
        json!({ "name": name, "change": compared.change(), "then": compared.then, "now": compared.now })
    });
    json!({
        "responseTime": recheck.received_at,
        "passed": recheck.outcome.is_ok(),
        "email": recheck.outcome.as_ref().map_or("", |email| email.as_str()),
        "refusal": recheck.outcome.as_ref().err().copied().unwrap_or_default(),
        "checks": checks.collect::<Vec<_>>(),
    })
}

/// `GET /v1/saml-flows`, with `organizationId`, `samlConnectionId`, `email`, `status`, `refusal`, `since` and
/// `until` to choose. A page may be short and still not be the last: `nextPageToken` says.
pub async fn list(state: web::Data<State>, call: Call<ManagementKey>, request: HttpRequest) -> Answer {
    let query = query(&request);
    let text = |name| query.text(name).unwrap_or_default();
    let wanted = FlowQuery {
        organization_id: text("organizationId"),
        saml_connection_id: text("samlConnectionId"),
        email: text("email"),
        status: text("status"),
        refusal: text("refusal"),
        since: text("since"),
        until: text("until"),
    };
    let page = app::flows::list(&state, &call.actor, &wanted, &page_query(&query)).await.map_err(api)?;
    let flows: Vec<_> = page.items.iter().map(summary).collect();
    Ok(HttpResponse::Ok().json(json!({ "samlFlows": flows, "nextPageToken": page.next_token })))
}

/// `GET /v1/saml-flows/{id}`
pub async fn find(state: web::Data<State>, call: Call<ManagementKey>, path: web::Path<String>) -> Answer {
    let id = id("id", &path).map_err(api)?;
    let flow = app::flows::find(&state, &call.actor, id).await.map_err(api)?;
    Ok(HttpResponse::Ok().json(json!({ "samlFlow": whole(&flow) })))
}

/// `POST /v1/saml-flows/{id}/check`: the response that is kept, against the connection as it is now.
pub async fn check(state: web::Data<State>, call: Call<ManagementKey>, path: web::Path<String>) -> Answer {
    let id = id("id", &path).map_err(api)?;
    let checked = app::flows::recheck(&state, &call.actor, id).await.map_err(api)?;
    Ok(HttpResponse::Ok().json(recheck(&checked)))
}

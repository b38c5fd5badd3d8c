//! Search for logins by organization, connection, protocol, e-mail address, status, refusal and time.

use base::{
    connection_id::ConnectionId,
    id::{ApplicationId, LoginFlowKind, OrganizationId, UserId},
    time::Timestamp,
};
use model::{
    application::Application,
    email::Email,
    login_flow::{FlowStatus, LoginFlow, LoginProtocol},
};

use crate::{
    app::{
        Error, Result, State,
        login::attributes,
        organizations::reference,
        pagination::{List, Page, PageQuery, PageRequest},
        permissions::Action,
        principal::{On, Principal},
    },
    store::{self, login_flow_search, table},
};

/// Filters for logins, as unparsed text. An empty filter matches every login.
#[derive(Debug, Clone, Default)]
pub struct FlowQuery {
    /// An organization's id.
    pub organization_id: String,
    /// A connection's id.
    pub saml_connection_id: String,
    /// An account's id.
    pub user_id: String,
    /// `saml`, `oidc` or `account`.
    pub protocol: String,
    /// A whole address, in any case: of the person who signed in, or the one in a refused response.
    pub email: String,
    /// `in_progress`, `failed` or `succeeded`, with SSOReady's `SAML_FLOW_STATUS_` before it or without.
    pub status: String,
    /// The code of a refusal.
    pub refusal: String,
    /// Started at this time or later: RFC 3339, or a date.
    pub since: String,
    /// Started before this time.
    pub until: String,
}

/// The maximum number of database searches of one call, while the filters match too few logins.
const MAX_SEARCHES: usize = 2;

/// One page of an environment's logins, newest first. If the filters match few of them, a page may be short without
/// being the last: the next call continues the search.
pub async fn list(
    state: &State,
    principal: &Principal,
    query: &FlowQuery,
    page: &PageQuery,
) -> Result<Page<LoginFlow>> {
    let environment_id = principal.authorize(Action::LoginFlowsView, On::Environment)?;
    let list = List::of(environment_id, "saml_flows");
    let page = PageRequest::<LoginFlowKind>::parse(state, &list, page)?;
    let email = email_key(&query.email)?;
    let mut wanted = login_flow_search::FlowFilter {
        environment_id,
        organization_id: match query.organization_id.as_str() {
            "" => None,
            text => Some(reference::resolve(state, principal, "organization_id", text).await?),
        },
        connection_id: parse_id::<ConnectionId>("saml_connection_id", &query.saml_connection_id)?,
        user_id: parse_id::<UserId>("user_id", &query.user_id)?,
        protocol: parse_protocol(&query.protocol)?,
        email_key: email.as_deref(),
        status: parse_status(&query.status)?,
        refusal: Some(query.refusal.as_str()).filter(|code| !code.is_empty()),
        since: parse_time("since", &query.since)?,
        until: parse_time("until", &query.until)?,
        from: page.from,
        limit: page.limit(),
    };
    if wanted.refusal.is_some_and(|code| code.contains('\0')) {
        return Err(Error::invalid("refusal", "must be the code of a refusal"));
    }
    let mut conn = state.db.read().await?;
    let mut found = login_flow_search::search(&mut conn, &wanted).await?;
    let mut flows = std::mem::take(&mut found.flows);
    for _ in 1..MAX_SEARCHES {
        let missing = page.limit() - i64::try_from(flows.len()).unwrap_or(i64::MAX);
        if missing <= 0 || found.next.is_none() {
            break;
        }
        wanted.from = found.next;
        wanted.limit = missing;
        found = login_flow_search::search(&mut conn, &wanted).await?;
        flows.append(&mut found.flows);
    }
    let flows = flows.into_iter().map(|flow| attributes::opened(state, flow)).collect();
    Ok(page.page_until(state, &list, flows, found.next, |flow| flow.id))
}

/// A login in a list, with the names of its organization and its application.
#[derive(Debug)]
pub struct FlowSummary {
    /// The login.
    pub flow: LoginFlow,
    /// The name of its organization, if that still exists.
    pub organization: Option<String>,
    /// The name of its application, if it has one that still exists.
    pub application: Option<String>,
}

/// A page of logins with the names of their organizations, and the token of the next page.
pub async fn list_with_organizations(
    state: &State,
    principal: &Principal,
    query: &FlowQuery,
    page: &PageQuery,
) -> Result<(Vec<FlowSummary>, String)> {
    let page = list(state, principal, query, page).await?;
    let mut ids: Vec<OrganizationId> = page.items.iter().map(|flow| flow.organization_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut conn = state.db.read().await?;
    let environment_id = principal.authorize(Action::LoginFlowsView, On::Environment)?;
    let names = store::organizations::list_names(&mut conn, environment_id, &ids).await?;
    let mut applications: Vec<(ApplicationId, String)> = Vec::new();
    for id in page.items.iter().filter_map(|flow| flow.application_id) {
        if !applications.iter().any(|(known, _)| *known == id) {
            let found: Option<Application> = table::find(&mut conn, environment_id, id).await?;
            applications.extend(found.map(|application| (id, application.display_name)));
        }
    }
    let listed = page.items.into_iter().map(|flow| FlowSummary {
        application: applications
            .iter()
            .find(|(id, _)| Some(*id) == flow.application_id)
            .map(|(_, name)| name.clone()),
        organization: names.iter().find(|(id, _)| *id == flow.organization_id).map(|(_, name)| name.clone()),
        flow,
    });
    Ok((listed.collect(), page.next_token))
}

fn parse_id<T: std::str::FromStr<Err: std::fmt::Display>>(
    field: &'static str,
    text: &str,
) -> Result<Option<T>> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error: T::Err| Error::invalid(field, error.to_string()))
}

fn email_key(text: &str) -> Result<Option<String>> {
    if text.is_empty() {
        return Ok(None);
    }
    let email = Email::parse(text.trim());
    let refused = || Error::invalid("email", "must be a whole e-mail address, such as dana@acme.com");
    email.map(|email| Some(email.key())).ok_or_else(refused)
}

fn parse_protocol(text: &str) -> Result<Option<LoginProtocol>> {
    match text {
        "" => Ok(None),
        name => {
            name.parse().map(Some).map_err(|_| Error::invalid("protocol", "must be saml, oidc or account"))
        }
    }
}

fn parse_status(text: &str) -> Result<Option<FlowStatus>> {
    if text.is_empty() {
        return Ok(None);
    }
    let name = text.strip_prefix("SAML_FLOW_STATUS_").unwrap_or(text).to_ascii_lowercase();
    let refused = || Error::invalid("status", "must be in_progress, failed or succeeded");
    name.parse().map(Some).map_err(|_| refused())
}

/// Parses a time in RFC 3339, or a date in UTC as HTML forms send it.
fn parse_time(field: &'static str, text: &str) -> Result<Option<Timestamp>> {
    if text.is_empty() {
        return Ok(None);
    }
    let refused = || Error::invalid(field, "must be a time such as 2026-11-21T21:41:37Z, or a day");
    let day = || Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z"));
    Timestamp::parse_rfc3339(text).or_else(day).map(Some).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_two_spellings() {
        for (text, expected) in [
            ("failed", Some(FlowStatus::Failed)),
            ("SAML_FLOW_STATUS_IN_PROGRESS", Some(FlowStatus::InProgress)),
            ("", None),
        ] {
            assert_eq!(parse_status(text).unwrap(), expected);
        }
        assert!(parse_status("SAML_FLOW_STATUS_UNSPECIFIED").is_err() && parse_status("ok").is_err());
    }

    #[test]
    fn a_moment_may_be_a_day() {
        let read = |text: &str| parse_time("since", text).map(|moment| moment.map(|at| at.to_string()));
        assert_eq!(read("2026-11-21").unwrap().as_deref(), Some("2026-11-21T00:00:00.000Z"));
        assert_eq!(read("2026-11-21T01:00:00+01:00").unwrap().as_deref(), Some("2026-11-21T00:00:00.000Z"));
        assert_eq!(read("").unwrap(), None);
        assert!(read("yesterday").is_err() && read("2026-13-01").is_err());
    }

    #[test]
    fn an_address_is_whole_and_its_case_does_not_count() {
        assert_eq!(email_key(" Dana@Acme.example ").unwrap().as_deref(), Some("dana@acme.example"));
        assert!(email_key("dana").is_err() && email_key("@acme.example").is_err());
    }
}

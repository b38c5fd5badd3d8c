//! The search field for logins: an e-mail address, the name of an organization, an id, or the code of a refusal.

use base::connection_id::ConnectionId;
use base::id::{LoginFlowId, OrganizationId, UserId};
use model::organization::Organization;

use super::list::FlowQuery;
use crate::app::{Result, State, organizations, pagination::PageQuery, principal::Principal};

/// A parsed search text.
#[derive(Debug)]
pub enum SearchQuery {
    /// One login, by its id.
    Flow(LoginFlowId),
    /// Logins that these filters find.
    Flows(FlowQuery),
    /// Several organizations match the name: one must be chosen.
    Organizations(Vec<Organization>),
    /// No organization matches the name.
    Nothing,
}

/// The maximum number of organizations to choose from.
const MAX_CHOICES: &str = "10";

/// Parses a search text and looks organizations up by name. It overrides one of `filters`; the others are kept.
pub async fn parse(
    state: &State,
    principal: &Principal,
    typed: &str,
    filters: FlowQuery,
) -> Result<SearchQuery> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(SearchQuery::Flows(filters));
    }
    if let Ok(id) = typed.parse::<LoginFlowId>() {
        return Ok(SearchQuery::Flow(id));
    }
    // In another form it may be somebody's external id: the search below tells.
    if typed.parse::<OrganizationId>().is_ok_and(|id| id.to_string() == typed) {
        return Ok(SearchQuery::Flows(FlowQuery { organization_id: typed.to_owned(), ..filters }));
    }
    if typed.parse::<ConnectionId>().is_ok() {
        return Ok(SearchQuery::Flows(FlowQuery { saml_connection_id: typed.to_owned(), ..filters }));
    }
    if typed.parse::<UserId>().is_ok_and(|id| id.to_string() == typed) {
        return Ok(SearchQuery::Flows(FlowQuery { user_id: typed.to_owned(), ..filters }));
    }
    if typed.contains('@') {
        return Ok(SearchQuery::Flows(FlowQuery { email: typed.to_owned(), ..filters }));
    }
    // Codes have this form, and names of organizations hardly ever do.
    if typed.contains('_') && typed.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    {
        return Ok(SearchQuery::Flows(FlowQuery { refusal: typed.to_owned(), ..filters }));
    }
    let page = PageQuery { token: None, size: Some(MAX_CHOICES.to_owned()) };
    let mut found = organizations::search(state, principal, typed, &page).await?.items;
    Ok(match found.len() {
        0 => SearchQuery::Nothing,
        1 => match found.pop() {
            Some(one) => SearchQuery::Flows(FlowQuery { organization_id: one.id.to_string(), ..filters }),
            None => SearchQuery::Nothing,
        },
        _ => SearchQuery::Organizations(found),
    })
}

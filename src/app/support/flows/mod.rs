//! Login flows for support: search, details with every check, and a recheck with the current settings.

mod details;
mod list;
mod recheck;
mod search_query;
mod view;

pub use details::{FlowDetails, environment_of, find, find_without_documents};
pub use list::{FlowQuery, FlowSummary, list, list_with_organizations};
pub use recheck::{CheckChange, CheckComparison, Recheck, recheck};
pub use search_query::{SearchQuery, parse};
pub use view::{DocumentFacts, FlowView, describe};

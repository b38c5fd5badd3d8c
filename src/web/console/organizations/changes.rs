//! The latest changes of an organization or a template, for its page.

use base::{id::OrganizationId, time::Timestamp};
use maud::{Markup, html};
use model::organization::Organization;

use crate::{
    app::{self, Result, audit::AuditFilter, pagination::PageQuery},
    links::console,
    web::console::{
        audit_events::{self, line::AuditLine},
        kit::{context::EnvironmentContext, labels},
    },
};

/// How many entries are listed.
const RECENT: usize = 5;

/// The latest entries of the audit log about an organization or a template.
pub(in crate::web::console) async fn recent_changes(
    context: &EnvironmentContext,
    id: OrganizationId,
) -> Result<Vec<AuditLine>> {
    let filter = AuditFilter { organization_id: Some(id), ..AuditFilter::default() };
    let recent = PageQuery { token: None, size: Some(RECENT.to_string()) };
    let audit = app::audit::list(&context.state, &context.principal, &filter, &recent).await?;
    audit_events::line::lines(context, audit.items).await
}

/// The latest entries of the audit log.
pub(in crate::web::console) fn latest_changes(
    audit: &[AuditLine],
    organization: &Organization,
    href: labels::Href<'_>,
    now: Timestamp,
) -> Markup {
    let what = if organization.template { "template" } else { "organization" };
    html! {
        section.card aria-labelledby="audit" {
            div.head-row {
                h2 #audit { "Latest changes" }
                a href={ (href(console::AUDIT_EVENTS, &[])) "?organizationId=" (organization.id) } { "Audit log of this " (what) }
            }
            @if audit.is_empty() { p.soft { "Nothing was changed yet." } }
            @else { ul.rows { @for line in audit { li { (line.view(now)) } } } }
        }
    }
}

//! `…/audit-events/export`: the audit log as a file.

use base::time::Timestamp;

use super::list::{FILTERS, filter};
use crate::{
    app::audit::Log,
    web::{
        console::kit::context::{ConsoleContext, EnvironmentContext},
        kit::{audit_export, components::exact, error::PageResult, list::ListUrl},
    },
};

/// `GET …/audit-events/export`
pub async fn export(context: EnvironmentContext) -> PageResult {
    let filter = filter(&context.state, &context.place(&FILTERS)).await?;
    let name = format!("audit-{}-{}.jsonl", context.environment.slug, day_of(context.now()));
    let export = Log::of(&context.principal)?.export(&context.state, &context.principal, filter).await?;
    Ok(audit_export::download(&context.state, export, &name))
}

/// `GET /console/audit-events/export`
pub async fn export_installation(context: ConsoleContext) -> PageResult {
    let principal = context.admin.principal();
    let log = Log::of_installation(&principal)?;
    let place = ListUrl::read(context.request().path(), context.request().query_string(), &FILTERS);
    let filter = filter(&context.state, &place).await?;
    let name = format!("audit-installation-{}.jsonl", day_of(context.now()));
    let export = log.export(&context.state, &principal, filter).await?;
    Ok(audit_export::download(&context.state, export, &name))
}

/// The day as `2026-11-21`, for file names.
fn day_of(now: Timestamp) -> String {
    exact(now).chars().take(10).collect()
}

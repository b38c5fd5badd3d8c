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
    Ok(audit_export::download(&context.state, Log::of(&context.principal)?.export(filter)?, &name))
}

/// `GET /console/audit-events/export`
pub async fn export_installation(context: ConsoleContext) -> PageResult {
    let log = Log::of_installation(&context.admin.principal())?;
    let place = ListUrl::read(context.request().path(), context.request().query_string(), &FILTERS);
    let filter = filter(&context.state, &place).await?;
    let name = format!("audit-installation-{}.jsonl", day_of(context.now()));
    Ok(audit_export::download(&context.state, log.export(filter)?, &name))
}

/// The day as `2026-11-21`, for file names.
fn day_of(now: Timestamp) -> String {
    exact(now).chars().take(10).collect()
}

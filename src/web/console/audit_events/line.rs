//! One entry of the audit log, as the console shows it.

use base::time::Timestamp;
use maud::{Markup, html};
use model::audit::AuditEvent;

use super::sentence::sentence;
use crate::{
    app::{
        self,
        audit::{self, Names},
    },
    web::{console::kit::context::EnvironmentContext, kit::components::time},
};

/// An entry in one line, for other pages.
pub(in crate::web::console) struct AuditLine {
    sentence: Markup,
    at: Timestamp,
}

/// Entries as lines, with the names of the resources in them.
pub(in crate::web::console) async fn lines(
    context: &EnvironmentContext,
    events: Vec<AuditEvent>,
) -> app::Result<Vec<AuditLine>> {
    let names = audit::names(&context.state, &events).await?;
    Ok(events.iter().map(|event| AuditLine::of(event, &names)).collect())
}

impl AuditLine {
    /// An entry as a line, with these names.
    pub fn of(event: &AuditEvent, names: &Names) -> Self {
        Self { sentence: sentence(event, names), at: event.at }
    }

    /// The line and its time.
    pub fn view(&self, now: Timestamp) -> Markup {
        html! { span { (self.sentence) } (time(self.at, now)) }
    }
}

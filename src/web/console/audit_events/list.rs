//! `/console/{environment}/audit-events`: the audit log of an environment; `/console/audit-events`: that of
//! the installation. Both can be exported as JSON lines.

use actix_web::HttpRequest;
use base::time::Timestamp;
use maud::{Markup, html};
use model::audit::AuditEvent;

use super::sentence::{ACTIONS, entry};
use crate::{
    app::{
        self, Error, State,
        audit::{self, AuditFilter, Log, Names},
        pagination::Page,
        permissions,
    },
    links::console,
    web::{
        console::kit::{
            context::{ConsoleContext, EnvironmentContext},
            labels::filter_error_notice,
            shell::Section,
        },
        kit::{
            components::{ButtonStyle, link_button},
            error::PageResult,
            forms::FormErrors,
            list::ListUrl,
        },
    },
};

pub(super) const FILTERS: [&str; 6] = ["actorId", "action", "organizationId", "targetId", "since", "until"];

/// `GET …/audit-events`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let (place, log) = (context.place(&FILTERS), Log::of(&context.principal)?);
    let found = load(&context.state, log, &place).await?;
    let everywhere = permissions::Action::InstallationAuditEventsView;
    let may_see = context.administrator().map(|one| one.principal().authorize_everywhere(everywhere).is_ok());
    let installation = may_see.unwrap_or_default();
    let shown = AuditLogPage {
        page: &found.page,
        names: &found.names,
        place: &place,
        errors: &found.errors,
        export: &with_query(&context.href(console::EXPORT_AUDIT_EVENTS, &[]), context.request()),
        installation: installation.then_some(console::INSTALLATION_AUDIT_EVENTS),
        now: context.now(),
    };
    Ok(context
        .shell(Section::Audit, "Audit log")
        .respond_with(found.errors.status(), view("Audit log", &shown)))
}

/// `GET /console/audit-events`
pub async fn list_installation(context: ConsoleContext) -> PageResult {
    let log = Log::of_installation(&context.admin.principal())?;
    let place = ListUrl::read(context.request().path(), context.request().query_string(), &FILTERS);
    let found = load(&context.state, log, &place).await?;
    let shown = AuditLogPage {
        page: &found.page,
        names: &found.names,
        place: &place,
        errors: &found.errors,
        export: &with_query(console::EXPORT_INSTALLATION_AUDIT_EVENTS, context.request()),
        installation: None,
        now: context.now(),
    };
    let content = view(INSTALLATION, &shown);
    let shell = context.shell(INSTALLATION).crumb("Environments", console::HOME);
    Ok(shell.respond_with(found.errors.status(), content))
}

const INSTALLATION: &str = "Audit log of the installation";

struct AuditResults {
    page: Page<AuditEvent>,
    names: Names,
    errors: FormErrors,
}

async fn load(state: &State, log: Log, place: &ListUrl) -> app::Result<AuditResults> {
    let looked = async {
        let filter = filter(state, place).await?;
        log.list(state, &filter, &place.query()).await
    };
    let (page, errors) = match looked.await {
        Ok(page) => (page, FormErrors::none()),
        Err(error) => {
            let errors = FormErrors::from_error(error).map_err(|failure| failure.0)?;
            (Page { items: Vec::new(), next_token: String::new() }, errors)
        }
    };
    let names = audit::names(state, &page.items).await?;
    Ok(AuditResults { page, names, errors })
}

/// Parses the filters. `since` and `until` are whole days in UTC, both inclusive.
pub(super) async fn filter(state: &State, place: &ListUrl) -> app::Result<AuditFilter> {
    let given = |name: &str| Some(place.filter(name).to_owned()).filter(|text| !text.is_empty());
    let day = |name: &'static str, clock: &str| {
        let Some(day) = given(name) else { return Ok(None) };
        let moment = Timestamp::parse_rfc3339(&format!("{day}T{clock}Z"));
        moment.map(Some).ok_or_else(|| Error::invalid(name, "must be a day such as 2026-11-21"))
    };
    let organization_id = match given("organizationId") {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| {
            Error::invalid("organizationId", "must be an organization’s ID: org_ and 25 letters and digits")
        })?),
    };
    let actor_id = match given("actorId") {
        None => None,
        Some(text) => Some(audit::actor_named(state, &text).await?),
    };
    let until = day("until", "23:59:59.999")?;
    Ok(AuditFilter {
        target_id: given("targetId"),
        organization_id,
        actor_id,
        actions: given("action").into_iter().collect(),
        since: day("since", "00:00:00")?,
        until: until.map(|last| last + std::time::Duration::from_millis(1)),
    })
}

/// The page of an audit log.
pub(in crate::web::console) struct AuditLogPage<'a> {
    pub page: &'a Page<AuditEvent>,
    pub names: &'a Names,
    pub place: &'a ListUrl,
    pub errors: &'a FormErrors,
    /// The path of the export.
    pub export: &'a str,
    /// The path of the installation's log, if the administrator may see it.
    pub installation: Option<&'a str>,
    pub now: Timestamp,
}

/// The page.
pub(in crate::web::console) fn view(title: &str, shown: &AuditLogPage<'_>) -> Markup {
    let place = shown.place;
    html! {
        div.head-row {
            h1 { (title) }
            @if shown.errors.is_empty() {
                div.actions { (link_button(ButtonStyle::Plain, "Export as JSON lines", shown.export)) }
            }
        }
        p {
            "Everything that was changed, by whom and from where. Nobody can change or delete an entry."
            @if let Some(href) = shown.installation {
                " " a href=(href) { "What concerns the whole installation" } " has a log of its own."
            }
        }
        (place.filter_form(&html! {
            (place.filter_input("actorId", "Who", "text", "E-mail or ID"))
            div.field {
                label for="action" { "What" }
                input #action name="action" type="text" list="actions" value=(place.filter("action"))
                    placeholder="organization.updated" autocomplete="off" spellcheck="false";
                datalist #actions { @for action in ACTIONS { option value=(action); } }
            }
            (place.filter_input("organizationId", "Organization", "text", "org_…"))
            (place.filter_input("targetId", "Resource", "text", "ID"))
            (place.filter_input("since", "From (UTC)", "date", ""))
            (place.filter_input("until", "To (UTC)", "date", ""))
        }, &[]))
        @if !shown.errors.is_empty() {
            (filter_error_notice(shown.errors))
        } @else if !shown.page.items.is_empty() {
            section.card {
                ul.entries { @for event in &shown.page.items { (entry(event, shown.names, shown.now)) } }
            }
        } @else if place.is_filtered() {
            div.card.empty { p { "Nothing here matches." } p { a href=(place.unfiltered()) { "Show all" } } }
        } @else {
            div.card.empty { p { "Every change is recorded here. There was none yet." } }
        }
        (place.pagination(&shown.page.next_token))
    }
}

/// `path` with the filters of the request.
fn with_query(path: &str, request: &HttpRequest) -> String {
    let pairs = url::form_urlencoded::parse(request.query_string().as_bytes());
    let kept = pairs.filter(|(name, value)| FILTERS.contains(&name.as_ref()) && !value.is_empty());
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

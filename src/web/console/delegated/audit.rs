//! `/{tenant}/{workspace}/admin/audit-events`: what was changed in an organization, for its own administrator. Values are left out,
//! and of the vendor's people only that it was one of them: an entry may name other organizations, and whoever helped.

use base::{id::UserId, time::Timestamp};
use maud::{Markup, html};
use model::audit::AuditEvent;

use crate::{
    app::{
        Error,
        audit::{self, AuditFilter, Log, Names},
        pagination::Page,
        permissions::Action,
    },
    links::console,
    web::{
        console::{
            audit_events::sentence::{UserHref, happened, person},
            kit::context::EnvironmentContext,
        },
        kit::{
            components::time,
            error::{PageError, PageResult},
            list::{List, ListUrl, column},
        },
    },
};

/// The query parameter with what the entries are about.
const TARGET: &str = "targetId";

/// The audit log of an organization.
pub(in crate::web::console) struct DelegatedAuditPage<'a> {
    pub page: &'a Page<AuditEvent>,
    pub names: &'a Names,
    pub place: &'a ListUrl,
    /// The page of a user, for who may see it.
    pub user: UserHref<'a>,
    pub now: Timestamp,
}

/// `GET …/admin/audit-events`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let Some(current) = context.delegate() else {
        return Err(PageError(Error::internal("a page of an organization's own administrators")));
    };
    let place = context.place(&[TARGET]);
    let target = Some(place.filter(TARGET).to_owned()).filter(|target| !target.is_empty());
    let log = Log::of_organization(&context.principal, current.delegate.organization.id)?;
    let page = log
        .list(&context.state, &AuditFilter { target_id: target, ..AuditFilter::default() }, &place.query())
        .await?;
    let names = audit::names_in(&context.state, current.delegate.organization.id, &page.items).await?;
    let may_see = context.may(Action::UsersView);
    let content = view(&DelegatedAuditPage {
        page: &page,
        names: &names,
        place: &place,
        user: &|id| may_see.then(|| context.href(console::USER, &[&id])),
        now: context.now(),
    });
    Ok(context.plain_shell("Audit log").respond(content))
}

/// The page.
pub(in crate::web::console) fn view(page: &DelegatedAuditPage<'_>) -> Markup {
    let rows = page.page.items.iter().map(|event| {
        vec![time(event.at, page.now), who(event, page), html! { (happened(event, page.names, page.user)) }]
    });
    let list = List {
        caption: "Audit log",
        columns: &[column("When"), column("Who"), column("What")],
        rows: rows.collect(),
        next_token: &page.page.next_token,
        empty: html! { p { "Every change is recorded here. There was none yet." } },
    };
    html! {
        h1 { "Audit log" }
        p { "What was changed in your organization, and by whom. Nobody can change or delete an entry." }
        (list.view(page.place))
    }
}

fn who(event: &AuditEvent, page: &DelegatedAuditPage<'_>) -> Markup {
    let id: Option<UserId> = event.actor.id.parse().ok();
    match (event.actor.kind.as_str(), id) {
        ("user", Some(id)) => person(id, page.names, page.user),
        ("scim_directory", _) => html! { "A directory of yours" },
        ("setup_link", _) => html! { "Somebody with a setup link" },
        ("service", _) => html! { "The service" },
        ("application" | "api_key", _) => html! { "A program of the vendor" },
        _ => html! { "The vendor" },
    }
}

//! `/console/{environment}/applications/{application}/sharing`: with which organizations an application is shared.

use base::id::OrganizationId;
use maud::{Markup, html};
use model::application::{Application, RoleSharing, Sharing};

use crate::{
    app::{
        Error, Result,
        applications::{
            self,
            share::{self, SelectedShare},
            shared_organizations::{self, Excluded, Shown},
        },
        pagination::Page,
        permissions, resource,
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            labels::Href,
            resource::ConsoleResource as _,
            shell::Section,
        },
        kit::{
            error::PageResult,
            forms::{Choice, Form, FormErrors, FormValues, FormView},
            list::{List, ListUrl, column},
        },
    },
};

const POLICIES: [Choice<'static>; 4] = [
    Choice::new("all", "All organizations", "Those of the future, too."),
    Choice::new("existing", "All that there are now", "Organizations that are made later do not have it."),
    Choice::new("selected", "Chosen organizations", "Those that you add below."),
    Choice::new("none", "No organization", "It is your own only."),
];

/// What sharing with an application is called for people.
pub(super) fn words(sharing: Sharing) -> &'static str {
    match sharing {
        Sharing::All => "all organizations, those of the future too",
        Sharing::Existing => "all organizations that there were when it was shared",
        Sharing::Selected => "chosen organizations",
        Sharing::None => "no organization",
    }
}

/// Why one organization is not taken from all.
const WITH_ALL: &str = "it is shared with all organizations, those of the future too, and cannot be taken from a single one; choose \
                        “All that there are now” or “Chosen organizations” first";

/// The page.
pub(in crate::web::console) struct SharingPage<'a> {
    pub application: &'a Application,
    pub organizations: &'a Page<Shown>,
    /// Those that do not have it, though it is shared with all.
    pub excluded: &'a [Excluded],
    pub place: &'a ListUrl,
    pub may_manage: bool,
    pub typed: &'a FormValues,
    pub errors: &'a FormErrors,
    pub href: Href<'a>,
    pub csrf: Markup,
}

async fn load(context: &EnvironmentContext) -> Result<Application> {
    let id = context.id("application").map_err(|error| error.0)?;
    let application: Application = resource::find(&context.state, &context.principal, id).await?;
    match application.is_of_system() {
        false => Ok(application),
        true => Err(Error::not_found("application", id)),
    }
}

/// `GET …/applications/{application}/sharing`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let application = load(&context).await?;
    respond(&context, &application, &FormValues::new(), &FormErrors::none()).await
}

async fn respond(
    context: &EnvironmentContext,
    application: &Application,
    typed: &FormValues,
    errors: &FormErrors,
) -> PageResult {
    let url = context.place(&[]);
    let found =
        shared_organizations::page(&context.state, &context.principal, application, &url.query()).await?;
    let excluded = shared_organizations::excluded(&context.state, &context.principal, application).await?;
    let content = view(&SharingPage {
        application,
        organizations: &found,
        excluded: &excluded,
        place: &url,
        may_manage: context.may(permissions::Action::ApplicationsManage),
        typed,
        errors,
        href: &|pattern, segments| context.href(pattern, segments),
        csrf: context.csrf(),
    });
    let back = context.href(console::APPLICATION, &[&application.id]);
    let shell = context.shell(Section::Applications, "Sharing").crumb(application.name(), &back);
    Ok(shell.respond_with(errors.status(), content))
}

/// `POST …/applications/{application}/sharing`: says with how many it is shared, adds an organization, or with `remove` takes one out.
pub async fn change(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::ApplicationsManage)?;
    let application = load(&context).await?;
    match apply(&context, &application, &form).await {
        Ok(action) => {
            let own = context.href(console::APPLICATION_SHARING, &[&application.id]);
            Ok(see_other(&own, Flash(ResourceKind::Sharing, action)))
        }
        Err(error) => {
            let errors = FormErrors::from_error(error)?;
            respond(&context, &application, &FormValues::from(&*form), &errors).await
        }
    }
}

async fn apply(
    context: &EnvironmentContext,
    application: &Application,
    form: &ConsoleForm,
) -> Result<Action> {
    let (state, principal, id) = (&context.state, &context.principal, application.id);
    if let Ok(organization_id) = form.text("remove").parse::<OrganizationId>() {
        let application: Application = resource::find(state, principal, id).await?;
        if application.shared == Sharing::All {
            // As at WSO2's API: the next one who is shared with all would not be what the page says.
            return Err(Error::invalid("", WITH_ALL));
        }
        share::unshare(state, principal, id, &[organization_id], true).await?;
        return Ok(Action::Ended);
    }
    match form.text("shared") {
        "" => {
            let named = form.text("organization").trim().to_owned();
            if named.is_empty() {
                return Err(Error::invalid("organization", "is required"));
            }
            let unknown = |error| match error {
                Error::NotFound { kind: "organization", .. } => {
                    Error::invalid("organization", "is no organization of this environment")
                }
                error => error,
            };
            let application: Application = resource::find(state, principal, id).await?;
            if !chooses(&application) {
                return Err(Error::invalid("organization", "choose “Chosen organizations” first"));
            }
            let organization_id = applications::owner(state, principal, &named).await.map_err(unknown)?;
            let with_children = form.flag("withChildren");
            let share = SelectedShare { organization_id, with_children, roles: RoleSharing::ALL };
            share::share_with_selected(state, principal, id, &[share]).await.map_err(unknown)?;
            Ok(Action::Added)
        }
        "selected" => {
            share::share_with_selected(state, principal, id, &[]).await?;
            Ok(Action::Saved)
        }
        text => {
            let unknown = |_| Error::invalid("shared", "must be one of those");
            let with: Sharing = text.parse().map_err(unknown)?;
            share::share_with_all(state, principal, id, with, &RoleSharing::ALL).await?;
            Ok(Action::Saved)
        }
    }
}

/// The page.
pub(in crate::web::console) fn view(page: &SharingPage<'_>) -> Markup {
    let application = page.application;
    let action = (page.href)(console::APPLICATION_SHARING, &[&application.id]);
    let can_be_shared = application.can_be_shared();
    html! {
        h1 { "Sharing of " (application.name()) }
        p.soft { "It is shared with " (words(application.shared)) ". Organizations that have it can be switched to with its tokens, have its roles, and let their people sign in to it." }
        @if !can_be_shared {
            p { "Only your own applications are shared: those that people sign in to, and programs with the grant organization_switch." }
        }
        @if page.may_manage && can_be_shared {
            section.card {
                h2 { "With which organizations" }
                (policy(page, &action))
            }
            section.card {
                h2 { "Add an organization" }
                @if chooses(application) {
                    (add(page, &action))
                } @else {
                    p.soft { "Choose “Chosen organizations” above first: those that have it now would lose it with the first that is added." }
                }
            }
        }
        (excluded(page))
        h2 { "Organizations that have it" }
        (organizations(page, &action))
    }
}

/// Those that do not have it, where all others do.
fn excluded(page: &SharingPage<'_>) -> Markup {
    html! {
        @if !page.excluded.is_empty() {
            section.card aria-labelledby="excluded" {
                h2 #excluded { "Organizations that do not have it" }
                p.soft { "A program took it from these. Save what it is shared with above once more to share it with them, too." }
                ul.rows {
                    @for one in page.excluded {
                        li {
                            a href=((page.href)(console::ORGANIZATION, &[&one.id])) {
                                @if one.name.trim().is_empty() { (one.id) } @else { (one.name) }
                            }
                            @if one.with_children { span { "with all below it" } }
                        }
                    }
                }
            }
        }
    }
}

/// Whether organizations are chosen one by one: else the first of them would end it for all others.
fn chooses(application: &Application) -> bool {
    matches!(application.shared, Sharing::Selected | Sharing::None)
}

fn policy(page: &SharingPage<'_>, action: &str) -> Markup {
    let values = FormValues::new().with("shared", page.application.shared.as_str());
    let view = FormView::new(&values, page.errors);
    let form = Form::new(action, "Save", page.csrf.clone()).plain();
    view.render(
        &form,
        html! {
            (view.radios("shared", "Shared with", &POLICIES)
                .hint("Takes effect at once. Where it is not shared any more its tokens end, for good."))
        },
    )
}

fn add(page: &SharingPage<'_>, action: &str) -> Markup {
    let view = FormView::new(page.typed, page.errors);
    let form = Form::new(action, "Add organization", page.csrf.clone()).plain();
    view.render(
        &form,
        html! {
            (view.text("organization", "Organization").hint("Its ID or its alias."))
            (view.checkbox("withChildren", "With all organizations below it, those of the future too"))
        },
    )
}

fn organizations(page: &SharingPage<'_>, action: &str) -> Markup {
    // With all means with all.
    let may_end = page.may_manage && page.application.shared != Sharing::All;
    let rows = page.organizations.items.iter().map(|shown| {
        let organization = &shown.organization;
        let id = organization.id.to_string();
        let name = organization.shown_name().unwrap_or(&id);
        let mut row = vec![
            html! { a href=((page.href)(console::ORGANIZATION, &[&organization.id])) { (name) } },
            html! { @if shown.selected_with_children.is_some() { "with all below it" } },
        ];
        if may_end {
            row.push(html! {
                form.inline method="post" action=(action) {
                    (page.csrf)
                    input type="hidden" name="remove" value=(id);
                    button.button.small type="submit" { "End" span.visually-hidden { " for " (name) } }
                }
            });
        }
        row
    });
    let mut columns = vec![column("Organization"), column("How far")];
    if may_end {
        columns.push(column("Sharing"));
    }
    let list = List {
        caption: "Organizations that have it",
        columns: &columns,
        rows: rows.collect(),
        next_token: &page.organizations.next_token,
        empty: html! { p { "No organization has it." } },
    };
    list.view(page.place)
}

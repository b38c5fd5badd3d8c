//! Creates and edits an organization.

use actix_web::HttpResponse;
use maud::{Markup, html};
use model::organization::Organization;

use crate::{
    app::{
        self,
        organizations::{OrganizationChange, domains::sharing},
    },
    links::console,
    web::{
        console::{
            domains,
            kit::{
                context::EnvironmentContext,
                flash::{Action, Flash, ResourceKind, see_other},
                form::ConsoleForm,
                labels,
                shell::Section,
            },
        },
        kit::{
            error::PageResult,
            forms::{self, FormErrors, FormValues, FormView, lines},
            posted::PostedForm,
        },
    },
};

/// `GET …/organizations/new`
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require_manage()?;
    Ok(page(&context, None, &FormValues::new(), &FormErrors::none()))
}

/// `POST …/organizations/new`
pub async fn create(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    match app::organizations::create(&context.state, &context.actor, &change(&form)).await {
        Ok(organization) => Ok(see_other(
            &context.href(console::ORGANIZATION, &[&organization.id]),
            Flash(ResourceKind::Organization, Action::Created),
        )),
        Err(error) => Ok(page(&context, None, &FormValues::from(&*form), &FormErrors::from_error(error)?)),
    }
}

/// `GET …/organizations/{organization}/edit`
pub async fn edit(context: EnvironmentContext) -> PageResult {
    context.require_manage()?;
    let organization =
        app::organizations::find(&context.state, &context.actor, context.id("organization")?).await?;
    Ok(page(&context, Some(&organization), &typed(&organization), &FormErrors::none()))
}

/// `POST …/organizations/{organization}/edit`
pub async fn update(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let id = context.id("organization")?;
    match app::organizations::update(&context.state, &context.actor, id, &change(&form)).await {
        Ok(_) => {
            let back = context.href(console::ORGANIZATION, &[&id]);
            Ok(see_other(&back, Flash(ResourceKind::Organization, Action::Saved)))
        }
        Err(error) => {
            let errors = FormErrors::from_error(error)?;
            let organization = app::organizations::find(&context.state, &context.actor, id).await?;
            Ok(page(&context, Some(&organization), &FormValues::from(&*form), &errors))
        }
    }
}

fn change(form: &PostedForm) -> OrganizationChange {
    OrganizationChange {
        display_name: Some(form.text("displayName").trim().to_owned()),
        external_id: Some(form.text("externalId").trim().to_owned()),
        domains: Some(lines(form.text("domains"))),
        allow_free_mail: form.flag("allowFreeMail"),
        share_domain: form.flag(sharing::FIELD),
    }
}

fn typed(organization: &Organization) -> FormValues {
    let domains: Vec<&str> = organization.accepted_domains().map(|domain| domain.as_str()).collect();
    FormValues::new()
        .with("displayName", &organization.display_name)
        .with("externalId", organization.external_id.as_deref().unwrap_or_default())
        .with("domains", domains.join("\n"))
}

fn page(
    context: &EnvironmentContext,
    of: Option<&Organization>,
    typed: &FormValues,
    errors: &FormErrors,
) -> HttpResponse {
    match of {
        None => {
            let action = context.href(console::NEW_ORGANIZATION, &[]);
            let back = context.href(console::ORGANIZATIONS, &[]);
            let form = forms::Form::new(&action, "Create organization", context.csrf()).cancel(&back);
            context
                .shell(Section::Organizations, "New organization")
                .respond_with(errors.status(), view("New organization", &form, typed, errors))
        }
        Some(organization) => {
            let name = labels::organization(organization);
            let title = format!("Edit {name}");
            let action = context.href(console::EDIT_ORGANIZATION, &[&organization.id]);
            let back = context.href(console::ORGANIZATION, &[&organization.id]);
            let form = forms::Form::new(&action, "Save", context.csrf()).cancel(&back);
            context
                .shell(Section::Organizations, &title)
                .crumb(name, &back)
                .respond_with(errors.status(), view(&title, &form, typed, errors))
        }
    }
}

/// The form.
pub(in crate::web::console) fn view(
    title: &str,
    form: &forms::Form<'_>,
    typed: &FormValues,
    errors: &FormErrors,
) -> Markup {
    let view = FormView::new(typed, errors);
    let fields = html! {
        (view.text("displayName", "Name").hint("What your own people call this customer."))
        (view.text("externalId", "External ID").code().optional()
            .hint("Your own id for it, so that your app can begin a login without ours. Unique in the environment."))
        (view.textarea("domains", "Domains", 4).optional()
            .hint("Whose addresses may sign in, one domain a line: acme.com. They count at once; what the customer asked for itself and still waits is not in this list."))
        (view.checkbox("allowFreeMail", "Allow free-mail providers among the domains")
            .hint("gmail.com and the like belong to everybody: whoever has an address there could sign in to this organization."))
        // Offered only after the error that names the other organization.
        @if errors.of(sharing::FIELD).is_some() || typed.flag(sharing::FIELD) {
            (domains::form::share_field(&view))
        }
    };
    html! {
        h1 { (title) }
        section.card { (view.render(form, fields)) }
    }
}

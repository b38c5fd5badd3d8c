//! `/console/{environment}/templates/new`: a new template.

use maud::{Markup, html};

use crate::{
    app::{organizations::template_change, permissions},
    links::console,
    web::{
        console::{
            kit::{
                context::EnvironmentContext,
                flash::{Action, Flash, ResourceKind, see_other},
                form::ConsoleForm,
                resource::href,
                shell::Section,
            },
            organizations::form::template_fields,
        },
        kit::{
            error::PageResult,
            forms::{Form, FormErrors, FormValues, FormView},
        },
    },
};

/// `GET …/templates/new`
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::OrganizationsManage)?;
    Ok(page(&context, &FormValues::new(), &FormErrors::none()))
}

/// `POST …/templates/new`
pub async fn create(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::OrganizationsManage)?;
    let made = match form.change() {
        Ok(change) => template_change::create(&context.state, &context.principal, &change).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(template) => {
            Ok(see_other(&href(&context, &template), Flash(ResourceKind::Template, Action::Created)))
        }
        Err(error) => Ok(page(&context, &FormValues::from(&*form), &FormErrors::from_error(error)?)),
    }
}

fn page(context: &EnvironmentContext, typed: &FormValues, errors: &FormErrors) -> actix_web::HttpResponse {
    let (action, back) = (context.href(console::NEW_TEMPLATE, &[]), context.href(console::TEMPLATES, &[]));
    let form = Form::new(&action, "Create template", context.csrf()).cancel(&back);
    let content = view(&form, typed, errors);
    context.shell(Section::Templates, "New template").respond_with(errors.status(), content)
}

/// The form.
pub(in crate::web::console) fn view(form: &Form<'_>, typed: &FormValues, errors: &FormErrors) -> Markup {
    let view = FormView::new(typed, errors);
    html! {
        h1 { "New template" }
        p { "What you set here is copied into every organization that is made from the template. Its metadata schema comes next." }
        section.card { (view.render(form, template_fields(&view))) }
    }
}

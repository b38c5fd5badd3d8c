//! The field for the organization above one: a choice where there are few organizations, else a name or an id.

use base::id::OrganizationId;
use maud::{Markup, html};
use model::organization::Organization;

use crate::{
    app::{Result, organizations::by_name},
    web::{
        console::kit::{context::EnvironmentContext, labels},
        kit::forms::FormView,
    },
};

/// What the field offers: all organizations but `except`, if they are few. `current` is offered whatever it is.
pub(in crate::web::console) async fn offers(
    context: &EnvironmentContext,
    except: Option<OrganizationId>,
    current: Option<OrganizationId>,
) -> Result<Option<Vec<(String, String)>>> {
    let Some(found) = by_name::list_choices(&context.state, &context.principal).await? else {
        return Ok(None);
    };
    let mut choices = vec![(String::new(), "None: at the top".to_owned())];
    let others = found.iter().filter(|organization| Some(organization.id) != except);
    choices.extend(others.map(|organization| (organization.id.to_string(), choice(organization))));
    if let Some(id) = current.filter(|id| found.iter().all(|organization| organization.id != *id)) {
        choices.push((id.to_string(), format!("{id}, which is gone")));
    }
    Ok(Some(choices))
}

fn choice(organization: &Organization) -> String {
    match organization.is_disabled() {
        true => format!("{} (switched off)", labels::organization(organization)),
        false => labels::organization(organization),
    }
}

/// The field.
pub(in crate::web::console) fn field<'a>(
    view: &FormView<'a>,
    name: &'a str,
    label: &'a str,
    hint: &str,
) -> Markup {
    let how = if view.offers(name) { "" } else { " Enter its name or its ID." };
    let hint = format!("{hint}{how}");
    html! { (view.offered(name, label).optional().hint(&hint)) }
}

/// What was entered as an id. An error names `field`: nobody, or several, are called so.
pub(in crate::web::console) async fn resolve(
    context: &EnvironmentContext,
    field: &'static str,
    entered: Option<&str>,
    current: Option<OrganizationId>,
) -> Result<Option<String>> {
    match entered {
        None => Ok(None),
        // What stays need not be there any more.
        Some(text) if text.is_empty() || current.is_some_and(|id| id.to_string() == text) => {
            Ok(Some(text.to_owned()))
        }
        Some(text) => {
            let id = by_name::find_named(&context.state, &context.principal, field, text).await?;
            Ok(Some(id.to_string()))
        }
    }
}

//! `/console/{environment}/organizations/new`: a new organization, from a template and below another one where that is wanted.

use base::id::OrganizationId;
use maud::{Markup, html};
use model::organization::Organization;

use super::{
    form::{at_field, domain_fields, identity_fields, parent_field},
    inherited::Inherited,
    parent,
};
use crate::{
    app::{
        Result,
        organizations::{self, OrganizationChange, templates},
        permissions,
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            labels,
            resource::href,
            shell::Section,
        },
        kit::{
            error::PageResult,
            forms::{Choice, Form, FormErrors, FormValues, FormView, Offers},
        },
    },
};

/// The parameters of the address: what is chosen at first.
const TEMPLATE: &str = "template";
const PARENT: &str = "parent";

/// How many templates the form offers.
const MAX_OFFERED: usize = 20;

/// What the form of a new organization offers.
#[derive(Debug, Default)]
pub(in crate::web::console) struct NewOrganizationForm {
    /// The templates, with what each gives.
    pub templates: Vec<Inherited>,
    /// The default one.
    pub default_template: Option<OrganizationId>,
    /// Whether there are more templates than it offers.
    pub more: bool,
    /// The organizations to choose a parent from.
    pub offers: Offers,
}

impl NewOrganizationForm {
    /// `chosen` is offered wherever it stands among the templates.
    async fn load(context: &EnvironmentContext, chosen: &str) -> Result<Self> {
        let all = templates::list(&context.state, &context.principal).await?;
        let default_template = context.environment.default_template_id;
        let wanted = |template: &Organization| {
            template.id.to_string() == chosen || Some(template.id) == default_template
        };
        let (mut offered, others): (Vec<_>, Vec<_>) = all.into_iter().partition(wanted);
        // The default one first: it is what most customers are made from.
        offered.sort_by_key(|template| Some(template.id) != default_template);
        let more = offered.len() + others.len() > MAX_OFFERED;
        offered.extend(others);
        let mut templates = Vec::new();
        for template in offered.into_iter().take(MAX_OFFERED) {
            templates.push(Inherited::of(context, template).await?);
        }
        let parents = parent::offers(context, None, None).await?;
        let offers = Offers::default().with("parentId", parents);
        Ok(Self { templates, default_template, more, offers })
    }

    fn template(&self, id: OrganizationId) -> Option<&Inherited> {
        self.templates.iter().find(|one| one.template.id == id)
    }

    /// The page. `new_template` is the path of the form that makes the first template.
    pub fn view(
        &self,
        form: &Form<'_>,
        typed: &FormValues,
        errors: &FormErrors,
        new_template: &str,
        all_templates: &str,
    ) -> Markup {
        let view = FormView::new(typed, errors).offering(&self.offers);
        let labels: Vec<(String, String, String)> = self
            .templates
            .iter()
            .map(|one| {
                let name = labels::organization(&one.template);
                let is_default = Some(one.template.id) == self.default_template;
                let name = if is_default { format!("{name} (the default)") } else { name };
                let gives = match one.template.description.trim() {
                    "" => format!("Gives {}.", one.words()),
                    description => format!("{}. Gives {}.", description.trim_end_matches('.'), one.words()),
                };
                (one.template.id.to_string(), name, gives)
            })
            .collect();
        let choices = labels.iter().map(|(id, name, gives)| Choice::new(id, name, gives));
        let choices: Vec<Choice<'_>> = choices
            .chain([Choice::new(
                "",
                "No template",
                "It begins without settings, and gets an identity pool when it has its first user.",
            )])
            .collect();
        let fields = html! {
            (identity_fields(&view))
            @if self.templates.is_empty() {
                p.soft {
                    "Do your customers have settings in common? " a href=(new_template) { "Make a template" }
                    " first: each new customer then begins with a copy."
                }
            } @else {
                (view.radios("templateId", "Template", &choices)
                    .hint("The organization gets a copy of its settings now. Later changes of the template do not reach it."))
                @if self.more {
                    p.soft { "These are the first " (MAX_OFFERED) ". To use another one, open it among the " a href=(all_templates) { "templates" } "." }
                }
            }
            (parent_field(&view))
            (domain_fields(&view))
        };
        html! {
            h1 { "New organization" }
            section.card { (view.render(form, fields)) }
        }
    }
}

/// `GET …/organizations/new`
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::OrganizationsManage)?;
    let place = context.place(&[TEMPLATE, PARENT]);
    let form = NewOrganizationForm::load(&context, place.filter(TEMPLATE)).await?;
    let named = place.filter(TEMPLATE).parse().ok().filter(|id| form.template(*id).is_some());
    let default = form.default_template.filter(|id| form.template(*id).is_some());
    let chosen = named.or(default).map(|id| id.to_string()).unwrap_or_default();
    let parent = match (place.filter(PARENT), context.environment.default_parent_id) {
        ("", Some(id)) => id.to_string(),
        (given, _) => given.to_owned(),
    };
    let typed = FormValues::new().with("templateId", chosen).with("parentId", parent);
    Ok(page(&context, &form, &typed, &FormErrors::none()))
}

/// `POST …/organizations/new`
pub async fn create(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::OrganizationsManage)?;
    match make(&context, &form).await {
        Ok(organization) => {
            let flash = Flash(ResourceKind::Organization, Action::Created);
            Ok(see_other(&href(&context, &organization), flash))
        }
        Err(error) => {
            let (typed, errors) = (FormValues::from(&*form), FormErrors::from_error(at_field(error))?);
            let offered = NewOrganizationForm::load(&context, form.text("templateId")).await?;
            Ok(page(&context, &offered, &typed, &errors))
        }
    }
}

async fn make(context: &EnvironmentContext, form: &ConsoleForm) -> Result<Organization> {
    let change: OrganizationChange = form.change()?;
    let parent_id = parent::resolve(context, "parentId", change.parent_id.as_deref(), None).await?;
    // What the form does not ask for is what the template gives.
    let change = OrganizationChange { parent_id, template: None, ..change };
    organizations::create(&context.state, &context.principal, &change).await
}

fn page(
    context: &EnvironmentContext,
    offered: &NewOrganizationForm,
    typed: &FormValues,
    errors: &FormErrors,
) -> actix_web::HttpResponse {
    let (action, back) =
        (context.href(console::NEW_ORGANIZATION, &[]), context.href(console::ORGANIZATIONS, &[]));
    let form = Form::new(&action, "Create organization", context.csrf()).cancel(&back);
    let (new_template, all) =
        (context.href(console::NEW_TEMPLATE, &[]), context.href(console::TEMPLATES, &[]));
    let content = offered.view(&form, typed, errors, &new_template, &all);
    context.shell(Section::Organizations, "New organization").respond_with(errors.status(), content)
}

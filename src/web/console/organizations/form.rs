//! An organization in the console's forms: `…/organizations/new`, `…/{organization}/edit` and `…/{organization}/delete`.

use base::id::OrganizationId;
use maud::{Markup, html};
use model::{entity_tag::EntityTags, organization::Organization};

use crate::{
    app::{
        self, Result,
        organizations::{OrganizationChange, domains::sharing},
        pagination::PageQuery,
        permissions,
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
                resource::{ConsoleResource, href, new_form},
                shell::Section,
            },
        },
        kit::{
            error::PageResult,
            forms::{FormErrors, FormValues, FormView},
        },
    },
};

/// The field that shows which domains wait. It cannot be edited.
const WAITING: &str = "waitingDomains";

impl ConsoleResource for Organization {
    const SECTION: Section = Section::Organizations;
    const FLASH: ResourceKind = ResourceKind::Organization;
    const SEGMENT: &'static str = "organization";
    const LIST_PATH: &'static str = console::ORGANIZATIONS;
    const PATH: &'static str = console::ORGANIZATION;
    const EDIT_PATH: &'static str = console::EDIT_ORGANIZATION;
    const DELETE_PATH: &'static str = console::DELETE_ORGANIZATION;

    fn name(&self) -> String {
        labels::organization(self)
    }

    fn values(&self) -> FormValues {
        let domains: Vec<&str> = self.accepted_domains().map(|domain| domain.as_str()).collect();
        FormValues::new()
            .with("displayName", &self.display_name)
            .with("externalId", self.external_id.as_deref().unwrap_or_default())
            .with("domains", domains.join("\n"))
            .with_flag("disabled", self.is_disabled())
            .with(WAITING, waiting(self))
    }

    fn fields(view: &FormView<'_>, of: Option<&Self>) -> Markup {
        html! {
            (view.text("displayName", "Name").hint("What your own people call this customer."))
            (view.text("externalId", "External ID").code().optional()
                .hint("Your own id for it, so that your app can begin a login without ours. Unique in the environment."))
            (view.textarea("domains", "Domains", 4).optional()
                .hint("Whose addresses may sign in, one domain a line: acme.com. They count at once; what the customer asked for itself and still waits is not in this list."))
            @if let Some(organization) = of {
                (view.fact(WAITING, "Waiting for approval or proof", &waiting(organization)))
            }
            (view.checkbox("allowFreeMail", "Allow free-mail providers among the domains")
                .hint("gmail.com and the like belong to everybody: whoever has an address there could sign in to this organization."))
            @if of.is_some() {
                (view.checkbox("disabled", "Switched off")
                    .hint("Takes effect at once: its people cannot sign in, its directories refuse requests, and its codes and tokens end. Everything else is kept."))
            }
            // Offered only after the error that names the other organization.
            @if view.concerns(sharing::FIELD) { (domains::form::share_field(view)) }
        }
    }

    async fn effects(&self, context: &EnvironmentContext) -> Result<Vec<String>> {
        let whole = PageQuery { token: None, size: Some("100".to_owned()) };
        let connections =
            app::connections::saml::list(&context.state, &context.principal, self.id, &whole).await?;
        let directories = app::directories::list(&context.state, &context.principal, self.id, &whole).await?;
        let tied = [
            labels::at_least(
                connections.items.len(),
                !connections.next_token.is_empty(),
                "SAML connection",
                "SAML connections",
            ),
            labels::at_least(
                directories.items.len(),
                !directories.next_token.is_empty(),
                "SCIM directory",
                "SCIM directories",
            ),
            labels::count(self.domains.len(), "domain", "domains"),
        ];
        Ok(vec![
            "Nobody of this customer can sign in any more, at once.".to_owned(),
            format!(
                "{}, {} and {} go with it, with everybody in the directories.",
                tied[0], tied[1], tied[2]
            ),
            "Its logins and audit log stay as history.".to_owned(),
        ])
    }

    async fn change(
        context: &EnvironmentContext,
        id: OrganizationId,
        expected: &EntityTags,
        change: &OrganizationChange,
    ) -> Result<Self> {
        app::organizations::update(&context.state, &context.principal, id, Some(expected), change).await
    }
}

fn waiting(organization: &Organization) -> String {
    let waiting: Vec<&str> = organization.waiting_domains().map(|domain| domain.as_str()).collect();
    waiting.join(", ")
}

/// `GET …/organizations/new`
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::OrganizationsManage)?;
    let action = context.href(console::NEW_ORGANIZATION, &[]);
    Ok(new_form::<Organization>(&context, &action, &FormValues::new(), &FormErrors::none(), None))
}

/// `POST …/organizations/new`
pub async fn create(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::OrganizationsManage)?;
    let created = match form.change() {
        Ok(change) => app::organizations::create(&context.state, &context.principal, &change).await,
        Err(error) => Err(error),
    };
    match created {
        Ok(organization) => {
            let flash = Flash(ResourceKind::Organization, Action::Created);
            Ok(see_other(&href(&context, &organization), flash))
        }
        Err(error) => {
            let action = context.href(console::NEW_ORGANIZATION, &[]);
            let (typed, errors) = (FormValues::from(&*form), FormErrors::from_error(error)?);
            Ok(new_form::<Organization>(&context, &action, &typed, &errors, None))
        }
    }
}

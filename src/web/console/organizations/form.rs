//! An organization or a template in the console's forms: `…/{organization}/edit` and `…/{organization}/delete`, and the fields of
//! new ones.

use base::id::{IdKind as _, OrganizationId, OrganizationKind};
use maud::{Markup, html};
use model::{email::Email, entity_tag::EntityTags, organization::Organization};

use super::{mechanisms, parent};
use crate::{
    app::{
        self, Error, Result,
        organizations::{OrganizationChange, domains::sharing, template_change},
        pagination::PageQuery,
    },
    links::console,
    web::{
        console::{
            domains,
            kit::{
                context::EnvironmentContext, flash::ResourceKind, labels, resource::ConsoleResource,
                shell::Section,
            },
        },
        kit::forms::{FormValues, FormView, Offers},
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
        let attributes: Vec<String> =
            self.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let values = FormValues::new()
            .with("displayName", &self.display_name)
            .with("description", &self.description)
            .with("color", &self.color)
            .with("attributes", attributes.join("\n"));
        let values = mechanisms::values(self.authentication_mechanisms.as_deref(), values);
        if self.template {
            return values;
        }
        let domains: Vec<&str> = self.accepted_domains().map(|domain| domain.as_str()).collect();
        values
            .with("externalId", self.external_id.as_deref().unwrap_or_default())
            .with("domains", domains.join("\n"))
            .with("parentId", self.parent().map(|id| id.to_string()).unwrap_or_default())
            .with("contactEmail", self.contact_email.as_ref().map(Email::as_str).unwrap_or_default())
            .with_flag("disabled", self.is_disabled())
            .with(WAITING, waiting(self))
    }

    fn section(&self) -> Section {
        if self.template { Section::Templates } else { Self::SECTION }
    }

    fn noun(&self) -> &'static str {
        if self.template { "template" } else { OrganizationKind::NOUN }
    }

    fn flash(&self) -> ResourceKind {
        if self.template { ResourceKind::Template } else { Self::FLASH }
    }

    fn list_path(&self) -> &'static str {
        if self.template { console::TEMPLATES } else { Self::LIST_PATH }
    }

    async fn offers(&self, context: &EnvironmentContext) -> Result<Offers> {
        match self.template {
            true => Ok(Offers::default()),
            false => {
                let parents = parent::offers(context, Some(self.id), self.parent()).await?;
                Ok(Offers::default().with("parentId", parents))
            }
        }
    }

    fn fields(view: &FormView<'_>, of: Option<&Self>) -> Markup {
        if of.is_some_and(|organization| organization.template) {
            return template_fields(view);
        }
        html! {
            (identity_fields(view))
            @if let Some(organization) = of {
                (view.fact(WAITING, "Waiting for approval or proof", &waiting(organization)))
            }
            (domain_fields(view))
            (parent_field(view))
            (view.textarea("description", "Description", 2).optional().hint("For your own people."))
            (view.email("contactEmail", "Contact").optional().hint("Whom to write to at this customer."))
            (shared_fields(view))
            @if of.is_some() {
                (view.checkbox("disabled", "Switched off")
                    .hint("Takes effect at once: its people cannot sign in, its directories refuse requests, and its codes and tokens end. Everything else is kept."))
            }
        }
    }

    async fn effects(&self, context: &EnvironmentContext) -> Result<Vec<String>> {
        if self.template {
            return Ok(template_effects(self, context));
        }
        let whole = PageQuery { token: None, size: Some("100".to_owned()) };
        let connections =
            app::connections::saml::list(&context.state, &context.principal, self.id, &whole).await?;
        let oidc_connections =
            app::connections::oidc::list(&context.state, &context.principal, self.id, &whole).await?;
        let directories = app::directories::list(&context.state, &context.principal, self.id, &whole).await?;
        let tied = [
            labels::at_least(
                connections.items.len(),
                !connections.next_token.is_empty(),
                "SAML connection",
                "SAML connections",
            ),
            labels::at_least(
                oidc_connections.items.len(),
                !oidc_connections.next_token.is_empty(),
                "OIDC connection",
                "OIDC connections",
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
                "{}, {}, {} and {} go with it, with everybody in the directories.",
                tied[0], tied[1], tied[2], tied[3]
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
        let (state, principal) = (&context.state, &context.principal);
        let row: Self = app::resource::find(state, principal, id).await?;
        if row.template {
            return template_change::update(state, principal, id, Some(expected), change).await;
        }
        let entered = change.parent_id.as_deref();
        let parent_id = parent::resolve(context, "parentId", entered, row.parent()).await?;
        let change = OrganizationChange { parent_id, ..change.clone() };
        app::organizations::update(state, principal, id, Some(expected), &change).await.map_err(at_field)
    }
}

/// Puts what is gone by now at its field.
pub(super) fn at_field(error: Error) -> Error {
    const GONE: &str = "is gone in the meantime: choose another one";
    match error {
        Error::NotFound { kind: "parent", .. } => Error::invalid("parentId", GONE),
        Error::NotFound { kind: "template", .. } => Error::invalid("templateId", GONE),
        error => error,
    }
}

/// What an organization is found by.
pub(super) fn identity_fields(view: &FormView<'_>) -> Markup {
    html! {
        (view.text("displayName", "Name").hint("What your own people call this customer."))
        (view.text("externalId", "External ID").code().optional()
            .hint("Your own id for it, so that your app can begin a login without ours. Unique in the environment."))
        (view.textarea("domains", "Domains", 4).optional()
            .hint("Whose addresses may sign in, one domain a line: acme.com. They count at once; what the customer asked for itself and still waits is not in this list."))
    }
}

/// What is confirmed of domains.
pub(super) fn domain_fields(view: &FormView<'_>) -> Markup {
    html! {
        (view.checkbox("allowFreeMail", "Allow free-mail providers among the domains")
            .hint("gmail.com and the like belong to everybody: whoever has an address there could sign in to this organization."))
        // Offered only after the error that names the other organization.
        @if view.concerns(sharing::FIELD) { (domains::form::share_field(view)) }
    }
}

/// The organization above it.
pub(super) fn parent_field(view: &FormView<'_>) -> Markup {
    parent::field(
        view,
        "parentId",
        "Parent",
        "The organization above it, such as the group that a company belongs to.",
    )
}

/// What a template gives to the organizations that are made from it.
fn shared_fields(view: &FormView<'_>) -> Markup {
    html! {
        (mechanisms::field(view))
        (view.text("color", "Colour").code().optional().hint("Such as #1f6f54. Your programs and pages may show it."))
        (view.textarea("attributes", "Attributes", 3).code().optional()
            .hint("What your programs read, one key=value a line: plan=enterprise."))
    }
}

/// The fields of a template.
pub(in crate::web::console) fn template_fields(view: &FormView<'_>) -> Markup {
    html! {
        (view.text("displayName", "Name").hint("What these customers have in common. Programs name the template by it."))
        (view.textarea("description", "Description", 2).optional().hint("For your own people: whom it is for."))
        (shared_fields(view))
    }
}

fn template_effects(template: &Organization, context: &EnvironmentContext) -> Vec<String> {
    let mut effects = vec![
        "No organization can be made from it any more. Its identity pools go with it.".to_owned(),
        "Organizations that were made from it keep everything that they got.".to_owned(),
    ];
    if context.environment.default_template_id == Some(template.id) {
        effects.push(
            "It is the default template: organizations that are made without naming one get no settings then."
                .to_owned(),
        );
    }
    effects
}

fn waiting(organization: &Organization) -> String {
    let waiting: Vec<&str> = organization.waiting_domains().map(|domain| domain.as_str()).collect();
    waiting.join(", ")
}

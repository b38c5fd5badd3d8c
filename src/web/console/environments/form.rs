//! An environment in the console's forms: `/console/environments/new`, `…/settings/edit` and `…/delete`.

use actix_web::HttpResponse;
use base::id::{EnvironmentId, OrganizationId};
use maud::{Markup, html};
use model::{entity_tag::EntityTags, environment::Environment, http_url::HttpUrl};

use crate::{
    app::{
        Result,
        environments::{self, EnvironmentChange},
        organizations::templates,
        permissions, resource,
    },
    links::{self, console},
    web::{
        console::{
            kit::{
                context::{ConsoleContext, EnvironmentContext, environment_name},
                flash::{Action, Flash, ResourceKind, see_other},
                form::ConsoleForm,
                labels,
                resource::ConsoleResource,
                shell::Section,
            },
            organizations::parent,
        },
        kit::{
            error::PageResult,
            forms::{Choice, Form, FormErrors, FormValues, FormView, Offers},
        },
    },
};

/// What happens to IdP-initiated logins.
pub(in crate::web::console) const IDP_INITIATED: [Choice<'static>; 3] = [
    Choice::new(
        "RESTART",
        "Begin them again from here (recommended)",
        "The tile in the customer’s portal works, and nobody can be signed in with somebody else’s response.",
    ),
    Choice::new("ALLOW", "Accept them", "For identity providers that can do nothing else. Less safe."),
    Choice::new("REFUSE", "Refuse them", "People must begin in your app."),
];

/// What the subject is for OAuth clients.
pub(in crate::web::console) const OAUTH_SUBJECTS: [Choice<'static>; 2] = [
    Choice::new(
        "EMAIL",
        "The e-mail address in lower case (recommended)",
        "If two organizations sign one address in, the first one’s person has it, and the other’s gets a subject of their own.",
    ),
    Choice::new(
        "EMAIL_AS_SENT",
        "The e-mail address as it was sent",
        "As SSOReady does it; for apps that have stored such subjects.",
    ),
];

/// The paths of its pages have no segment of their own: an environment's are those of everything in it.
impl ConsoleResource for Environment {
    const SECTION: Section = Section::Environment;
    const FLASH: ResourceKind = ResourceKind::Environment;
    const SEGMENT: &'static str = "environment";
    const LIST_PATH: &'static str = console::HOME;
    const PATH: &'static str = console::ENVIRONMENT;
    const EDIT_PATH: &'static str = console::EDIT_ENVIRONMENT;
    const DELETE_PATH: &'static str = console::DELETE_ENVIRONMENT;

    fn name(&self) -> String {
        environment_name(self).to_owned()
    }

    fn values(&self) -> FormValues {
        let url = |url: &Option<HttpUrl>| url.as_ref().map(ToString::to_string).unwrap_or_default();
        let uris: Vec<&str> = self.oauth_redirect_uris.iter().map(HttpUrl::as_str).collect();
        FormValues::new()
            .with("displayName", &self.display_name)
            .with("slug", &self.slug)
            .with("redirectUrl", url(&self.redirect_url))
            .with("oauthRedirectUris", uris.join("\n"))
            .with("authUrl", url(&self.auth_url))
            .with("idpInitiated", self.idp_initiated.as_str())
            .with("oauthSubject", self.oauth_subject.as_str())
            .with_flag("sharedDomainSubjects", self.shared_domain_subjects)
            .with_flag("passwordSessions", self.password_sessions)
            .with_flag("userOrganizations", self.user_organizations)
            .with("defaultTemplateId", text_of(self.default_template_id))
            .with("defaultParentId", text_of(self.default_parent_id))
    }

    async fn offers(&self, context: &EnvironmentContext) -> Result<Offers> {
        let templates = templates::list(&context.state, &context.principal).await?;
        let mut choices = vec![(String::new(), "None".to_owned())];
        choices.extend(templates.iter().map(|one| (one.id.to_string(), labels::organization(one))));
        let gone = self.default_template_id.filter(|id| templates.iter().all(|one| one.id != *id));
        choices.extend(gone.map(|id| (id.to_string(), format!("{id}, which is not among the templates"))));
        let parents = parent::offers(context, None, self.default_parent_id).await?;
        Ok(Offers::default().with("defaultTemplateId", Some(choices)).with("defaultParentId", parents))
    }

    fn fields(view: &FormView<'_>, of: Option<&Self>) -> Markup {
        html! {
            (view.text("displayName", "Name").hint("What your own people call it: Production, Staging."))
            (view.text("slug", "Slug").code()
                .hint("A short name for the command line and addresses: lower-case letters, digits and hyphens."))
            (view.url("redirectUrl", "Redirect URL").code().optional()
                .hint("For SSOReady’s SDKs and the REST API: the page of your app that redeems the access code after a login."))
            (view.textarea("oauthRedirectUris", "OAuth redirect URIs", 4).optional()
                .hint("For OpenID Connect clients: where they may ask to be sent, one a line, compared letter by letter."))
            (view.url("authUrl", "Address for customers").code().optional()
                .hint("An origin such as https://sso.example.com that also leads here. New connections and directories tell it to identity providers. Empty: this server’s own."))
            (view.radios("idpInitiated", "IdP-initiated logins", &IDP_INITIATED)
                .hint("Logins that begin in the customer’s portal. A connection may have a rule of its own."))
            (view.radios("oauthSubject", "Subject of ID tokens", &OAUTH_SUBJECTS)
                .hint("What OpenID Connect clients get as sub, and store. A change makes known people strangers to apps that stored the other form."))
            (view.checkbox("sharedDomainSubjects", "One subject for an address in all organizations")
                .hint("For a domain that several organizations share: whoever one of them signs in is the same person to your app."))
            // A new environment has no organizations.
            @if of.is_some() {
                (view.checkbox("passwordSessions", "Sessions by password over the API")
                    .hint("Users of the root’s pools sign in by POST /api/v1/sessions, besides the sign-in page."))
                (view.checkbox("userOrganizations", "Users make organizations")
                    .hint("Users of the root’s pools make organizations of their own by POST /api/v1/organizations."))
                (view.offered("defaultTemplateId", "Default template").optional()
                    .hint("What organizations are made from when nobody names a template: over SecureAuth’s API, and in the form for a new one."))
                (parent::field(view, "defaultParentId", "Default parent", "The organization above those that are made without naming one."))
            }
        }
    }

    async fn effects(&self, _: &EnvironmentContext) -> Result<Vec<String>> {
        Ok(vec![
            "Its API keys and OAuth clients stop working at once, and its webhooks get nothing more."
                .to_owned(),
            "Nobody keeps a role in it. Its audit log stays.".to_owned(),
            "An environment that still has organizations cannot be deleted; delete those first.".to_owned(),
        ])
    }

    async fn change(
        context: &EnvironmentContext,
        id: EnvironmentId,
        expected: &EntityTags,
        change: &EnvironmentChange,
    ) -> Result<Self> {
        let (entered, current) = (change.default_parent_id.as_deref(), context.environment.default_parent_id);
        let default_parent_id = parent::resolve(context, "defaultParentId", entered, current).await?;
        let change = EnvironmentChange { default_parent_id, ..change.clone() };
        resource::update(&context.state, &context.principal, id, Some(expected), &change).await
    }

    async fn remove(context: &EnvironmentContext, id: EnvironmentId) -> Result<()> {
        environments::remove(&context.state, &context.principal, id, None).await
    }
}

fn text_of(id: Option<OrganizationId>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

/// `GET /console/environments/new`
pub async fn new(context: ConsoleContext) -> PageResult {
    context.admin.principal().authorize_everywhere(permissions::Action::EnvironmentsCreate)?;
    let typed = FormValues::new().with("idpInitiated", "RESTART").with("oauthSubject", "EMAIL");
    Ok(new_page(&context, &typed, &FormErrors::none()))
}

/// `POST /console/environments/new`
pub async fn create(context: ConsoleContext, form: ConsoleForm) -> PageResult {
    let principal = context.admin.principal();
    let created = match form.change() {
        Ok(change) => environments::create(&context.state, &principal, &change).await,
        Err(error) => principal.authorize_everywhere(permissions::Action::EnvironmentsCreate).and(Err(error)),
    };
    match created {
        Ok(environment) => Ok(see_other(
            &links::expand(console::ENVIRONMENT, &[&environment.id]),
            Flash(ResourceKind::Environment, Action::Created),
        )),
        Err(error) => Ok(new_page(&context, &FormValues::from(&*form), &FormErrors::from_error(error)?)),
    }
}

fn new_page(context: &ConsoleContext, typed: &FormValues, errors: &FormErrors) -> HttpResponse {
    let content = new_view(typed, errors, context.csrf());
    context
        .shell("New environment")
        .crumb("Environments", console::HOME)
        .respond_with(errors.status(), content)
}

/// The form of a new environment.
pub(in crate::web::console) fn new_view(typed: &FormValues, errors: &FormErrors, csrf: Markup) -> Markup {
    let view = FormView::new(typed, errors);
    let form = Form::new(console::NEW_ENVIRONMENT, "Create environment", csrf).cancel(console::HOME);
    html! {
        h1 { "New environment" }
        p { "An environment keeps one stage of your app apart: its customers, keys and logins are nobody else’s." }
        section.card { (view.render(&form, Environment::fields(&view, None))) }
    }
}

//! An OAuth client in the console's forms: `…/oauth-clients/new`, `…/{client}/edit` and `…/{client}/delete`.

use maud::{Markup, html};
use model::{http_url::HttpUrl, oauth_client::OauthClient};

use super::secret::secret_page;
use crate::{
    app::{Result, authorization_server::clients, permissions},
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::ResourceKind,
            form::ConsoleForm,
            resource::{ConsoleResource, new_form},
            shell::Section,
        },
        kit::{
            error::PageResult,
            forms::{FormErrors, FormValues, FormView},
        },
    },
};

const ALGORITHMS: [(&str, &str); 3] = [
    ("RS256", "RS256: every library reads it"),
    ("ES256", "ES256: shorter and faster"),
    ("EdDSA", "EdDSA (Ed25519)"),
];

impl ConsoleResource for OauthClient {
    const SECTION: Section = Section::OauthClients;
    const FLASH: ResourceKind = ResourceKind::OauthClient;
    const SEGMENT: &'static str = "client";
    const LIST_PATH: &'static str = console::OAUTH_CLIENTS;
    const PATH: &'static str = console::OAUTH_CLIENT;
    const EDIT_PATH: &'static str = console::EDIT_OAUTH_CLIENT;
    const DELETE_PATH: &'static str = console::DELETE_OAUTH_CLIENT;

    fn name(&self) -> String {
        match self.display_name.trim() {
            "" => self.id.to_string(),
            name => name.to_owned(),
        }
    }

    fn values(&self) -> FormValues {
        FormValues::new()
            .with("displayName", &self.display_name)
            .with("idTokenAlg", self.id_token_alg.as_str())
            .with("initiateLoginUri", self.initiate_login_uri.as_ref().map_or("", |uri| uri.as_str()))
            .with(
                "redirectUris",
                self.redirect_uris.iter().map(HttpUrl::as_str).collect::<Vec<_>>().join("\n"),
            )
            .with_flag("disabled", self.disabled)
    }

    fn fields(view: &FormView<'_>, of: Option<&Self>) -> Markup {
        html! {
            (view.text("displayName", "Name").optional().hint("The app that signs people in."))
            (view.select("idTokenAlg", "Signature of its ID tokens", &ALGORITHMS))
            (view.textarea("redirectUris", "Redirect URIs", 3).code().optional()
                .hint("Where it may ask to be sent, one a line, compared letter by letter. None: those of the environment."))
            (view.url("initiateLoginUri", "Initiate login URI").code().optional()
                .hint("Where the app begins a login when it is called with an issuer (OpenID Connect Core §4). Without it, IdP-initiated logins end on the environment’s redirect URL."))
            @if of.is_some() {
                (view.checkbox("disabled", "Switched off")
                    .hint("Takes effect at once: nobody signs in through it, and its codes and tokens end. Everything else is kept."))
            }
        }
    }

    async fn effects(&self, _: &EnvironmentContext) -> Result<Vec<String>> {
        Ok(vec![
            "The app can sign nobody in any more, at once.".to_owned(),
            "The access tokens that it holds end with it.".to_owned(),
            "To stop it for a while only, edit it and switch it off.".to_owned(),
        ])
    }
}

/// `GET …/oauth-clients/new`
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::OauthClientsManage)?;
    let action = context.href(console::NEW_OAUTH_CLIENT, &[]);
    let typed = FormValues::new().with("idTokenAlg", "RS256");
    Ok(new_form::<OauthClient>(&context, &action, &typed, &FormErrors::none(), None))
}

/// `POST …/oauth-clients/new`
pub async fn create(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::OauthClientsManage)?;
    let created = match form.change() {
        Ok(change) => clients::create(&context.state, &context.principal, &change).await,
        Err(error) => Err(error),
    };
    match created {
        Ok(created) => Ok(secret_page(&context, &created)),
        Err(error) => {
            let action = context.href(console::NEW_OAUTH_CLIENT, &[]);
            let (typed, errors) = (FormValues::from(&*form), FormErrors::from_error(error)?);
            Ok(new_form::<OauthClient>(&context, &action, &typed, &errors, None))
        }
    }
}

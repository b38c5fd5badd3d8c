//! The addresses of an organization: where its people and administrators sign in, and what applications are configured with.

use maud::{Markup, html};
use model::organization::Organization;

use crate::{
    app::{Result, authorization_server::issuers},
    web::{
        console::kit::context::EnvironmentContext,
        kit::components::{copyable, facts},
    },
};

/// The addresses.
pub(in crate::web::console) struct Addresses {
    /// Where its people look after their accounts; they sign in on the way.
    pub account: String,
    /// Where its own administrators begin.
    pub administration: String,
    /// Its issuer.
    pub issuer: String,
    /// What describes that to applications.
    pub discovery: String,
}

impl Addresses {
    /// Those of an organization.
    pub async fn of(context: &EnvironmentContext, organization: &Organization) -> Result<Self> {
        let (state, environment_id) = (&context.state, organization.environment_id);
        let tenant = issuers::tenant_of(state, environment_id).await?.name;
        let alias = organization.public_alias.as_ref().map(|alias| alias.as_str());
        let segment = issuers::organization_segment(environment_id, organization.id, alias);
        Ok(Self {
            account: state.links.account(&tenant, &segment).into(),
            administration: state.links.administration(&tenant, &segment).into(),
            issuer: state.links.workspace_issuer(&tenant, &segment),
            discovery: state.links.workspace_discovery(&tenant, &segment),
        })
    }

    /// The part of the page that shows them.
    pub fn view(&self) -> Markup {
        html! {
            section.card aria-labelledby="addresses" {
                h2 #addresses { "Addresses" }
                p.soft { "For its people: where they sign in and look after their accounts, and where those of them begin who administer it by a role. For applications: its issuer." }
                (facts(&[
                    ("Sign-in and accounts", copyable(&self.account, "address of sign-in")),
                    ("Administration", copyable(&self.administration, "address of administration")),
                    ("Issuer", copyable(&self.issuer, "issuer")),
                    ("Discovery", copyable(&self.discovery, "discovery document")),
                ]))
            }
        }
    }
}

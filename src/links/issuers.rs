//! The links of an environment's issuers: their endpoints, and the pages of an organization's people.

use base::id::{LoginFlowId, OrganizationId};
use url::Url;

use super::{Links, console, expand, fill, path};

impl Links {
    /// The issuer of a workspace of an environment: `system`, or an organization.
    pub fn workspace_issuer(&self, tenant: &str, workspace: &str) -> String {
        self.url(&expand(path::WORKSPACE_ISSUER, &[&tenant, &workspace])).into()
    }

    /// An endpoint of such an issuer.
    pub fn workspace_endpoint(&self, tenant: &str, workspace: &str, endpoint: &str) -> String {
        self.url(&format!("/{tenant}/{workspace}/{endpoint}")).into()
    }

    /// What describes such an issuer to clients (OpenID Connect Discovery 1.0 §4).
    pub fn workspace_discovery(&self, tenant: &str, workspace: &str) -> String {
        self.url(&expand(path::WORKSPACE_DISCOVERY, &[&tenant, &workspace])).into()
    }

    /// Where people sign in to an organization, which a letter names without a code.
    pub fn sign_in(&self, tenant: &str, workspace: &str) -> Url {
        self.url(&expand(path::WORKSPACE_SIGN_IN, &[&tenant, &workspace]))
    }

    /// Where a user looks after their own account.
    pub fn account(&self, tenant: &str, workspace: &str) -> Url {
        self.url(&expand(path::WORKSPACE_ACCOUNT, &[&tenant, &workspace]))
    }

    /// Where an organization's own administrators begin.
    pub fn administration(&self, tenant: &str, workspace: &str) -> Url {
        self.url(&expand(console::DELEGATED, &[&tenant, &workspace]))
    }

    /// A domain of an organization, for its own administrators.
    pub fn administered_domain(
        &self,
        tenant: &str,
        workspace: &str,
        organization: OrganizationId,
        domain: &str,
    ) -> Url {
        let pattern = console::delegated_route(console::DOMAIN);
        self.url(&expand(pattern, &[&tenant, &workspace, &organization, &domain]))
    }

    /// Where a new account is activated, by the code of a letter in its extended form.
    pub fn sign_in_activate(&self, tenant: &str, workspace: &str, code: &str) -> Url {
        self.with_code(path::WORKSPACE_ACTIVATE, tenant, workspace, code)
    }

    /// Where a credential is set by the code of a letter.
    pub fn sign_in_reset(&self, tenant: &str, workspace: &str, code: &str) -> Url {
        self.with_code(path::WORKSPACE_RESET, tenant, workspace, code)
    }

    /// Where an address is proven by the code of a letter.
    pub fn sign_in_verify(&self, tenant: &str, workspace: &str, code: &str) -> Url {
        self.with_code(path::WORKSPACE_VERIFY, tenant, workspace, code)
    }

    /// Where a sign-in through a connection ends: the page that sets the issuer's cookie.
    pub fn sign_in_company_finish(
        &self,
        tenant: &str,
        workspace: &str,
        login: LoginFlowId,
        proof: &str,
    ) -> Url {
        let mut url = self.url(&expand(path::WORKSPACE_COMPANY_FINISH, &[&tenant, &workspace]));
        url.query_pairs_mut().append_pair("login", &login.to_string()).append_pair("proof", proof);
        url
    }

    /// Where somebody whose company's sign-in failed goes back to the application.
    pub fn sign_in_company_decline(&self, tenant: &str, workspace: &str, login: LoginFlowId) -> Url {
        let mut url = self.url(&expand(path::WORKSPACE_COMPANY_DECLINE, &[&tenant, &workspace]));
        url.query_pairs_mut().append_pair("login", &login.to_string());
        url
    }

    /// Where a user of the organization above looks at an invitation, by its confirmation code.
    pub fn guest_invitation(&self, tenant: &str, workspace: &str, code: &str) -> Url {
        self.with_code(path::WORKSPACE_ACCOUNT_OPEN_GUEST_INVITATION, tenant, workspace, code)
    }

    /// The page of an invitation to an organization, by what stands for it.
    pub fn invitation(&self, tenant: &str, workspace: &str, token: &str) -> Url {
        let mut url = self.url(&expand(path::WORKSPACE_INVITATION, &[&tenant, &workspace]));
        url.query_pairs_mut().append_pair("token", token);
        url
    }

    fn with_code(&self, pattern: &str, tenant: &str, workspace: &str, code: &str) -> Url {
        let mut url = self.url(&expand(pattern, &[&tenant, &workspace]));
        url.query_pairs_mut().append_pair("code", code);
        url
    }

    /// An endpoint of an environment by WSO2's name.
    pub fn tenant_endpoint(&self, tenant: &str, endpoint: &str) -> String {
        self.url(&format!("/t/{tenant}/{endpoint}")).into()
    }

    /// An endpoint of the default environment by WSO2's name.
    pub fn default_tenant_endpoint(&self, endpoint: &str) -> String {
        self.url(&format!("/{endpoint}")).into()
    }

    /// The issuer of an environment by WSO2's name.
    pub fn tenant_issuer(&self, tenant: &str) -> String {
        self.url(&fill(path::TENANT_TOKEN, &tenant)).into()
    }

    /// The issuer of the default environment by WSO2's name.
    pub fn default_tenant_issuer(&self) -> String {
        self.url(path::DEFAULT_TENANT_TOKEN).into()
    }
}

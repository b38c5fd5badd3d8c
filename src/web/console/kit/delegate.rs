//! An organization's own administrator on the pages of the console that they may use: below `/{tenant}/{workspace}/admin`, with
//! the session of their account.

use actix_web::{HttpMessage as _, HttpRequest, http::Method};
use base::id::{OrganizationId, UserId};
use maud::{Markup, html};
use model::organization::root_id;

use super::{
    error::ExtractError,
    session::{FORM_TOKEN, application_state},
    shell::{DelegatedFrame, DelegatedSection, Section},
};
use crate::{
    app::{
        Error, State,
        accounts::self_service::{self, SignedIn},
        administrators::sessions,
        authorization_server::{
            issuers::{self, Issuer},
            sign_in::appearance::Appearance,
        },
        delegates::{self, Delegate, Standing},
        permissions::Action,
        principal::{On, Subject},
    },
    links::{console, expand, path},
    web::{account::wanted::Wanted, sign_in::visitor::visitor},
};

/// An organization's own administrator.
#[derive(Clone)]
pub struct CurrentDelegate {
    /// Who it is, and what they may do.
    pub delegate: Delegate,
    /// The issuer of the organization.
    pub issuer: Issuer,
    /// What stands in paths for where they are signed in: the organization, or the root.
    at: String,
    form_token: String,
}

impl CurrentDelegate {
    /// Whether a request is to one of their pages.
    pub(super) fn is_called(request: &HttpRequest) -> bool {
        request.match_info().get("workspace").is_some()
    }

    /// The administrator of this request. Cached in the request's extensions: one lookup a request.
    pub(super) async fn of(request: &HttpRequest) -> Result<Self, ExtractError> {
        if let Some(known) = request.extensions().get::<Self>() {
            return Ok(known.clone());
        }
        let state = application_state(request)?;
        let issuer = called(state, request).await?;
        let organization = issuer.organization().map(|organization| organization.id);
        let organization = organization.ok_or_else(|| Error::not_found("workspace", issuer.workspace()))?;
        let Some((signed_in, at)) = signed_in(state, request, &issuer, organization).await? else {
            let names: [&dyn std::fmt::Display; 2] = [&issuer.tenant.name, &issuer.workspace()];
            let sign_in = expand(path::WORKSPACE_SIGN_IN, &names);
            return Err(match *request.method() {
                Method::GET | Method::HEAD => ExtractError::NotSignedInThere {
                    path: format!("{sign_in}?next={}", wanted(request).name()),
                },
                _ => ExtractError::SessionEnded { sign_in },
            });
        };
        let form_token = sessions::csrf_token(state, signed_in.session.id);
        match delegates::standing(state, organization, signed_in).await? {
            Standing::Nothing => {
                let account = expand(path::WORKSPACE_ACCOUNT, &[&issuer.tenant.name, &at]);
                Err(ExtractError::NoDelegate { account })
            }
            Standing::Administers(delegate) => {
                let current = Self { delegate: *delegate, issuer, at, form_token };
                request.extensions_mut().insert(current.clone());
                // For the record of a refusal.
                request.extensions_mut().insert(current.delegate.principal);
                Ok(current)
            }
        }
    }

    /// The hidden field with the CSRF token, for every form.
    pub fn csrf_field(&self) -> Markup {
        html! { input type="hidden" name=(FORM_TOKEN) value=(self.form_token); }
    }

    /// Whether `token` is the CSRF token of the session.
    pub(super) fn is_csrf_token(&self, state: &State, token: &str) -> bool {
        sessions::is_csrf_token(state, self.delegate.signed_in.session.id, token)
    }

    /// Whether this is the user as whom they administer the organization.
    pub fn is(&self, user: UserId) -> bool {
        self.delegate.principal.subject == Subject::User(user)
    }

    /// A path of theirs: a pattern of `links::console` and its segments after the environment.
    pub fn href(&self, pattern: &str, segments: &[&dyn std::fmt::Display]) -> String {
        let workspace = self.issuer.workspace();
        let mut all: Vec<&dyn std::fmt::Display> = vec![&self.issuer.tenant.name, &workspace];
        all.extend(segments);
        expand(&console::delegated(pattern), &all)
    }

    /// What the shell shows around their page at this path.
    pub(super) fn frame(&self, appearance: Appearance, at: &str) -> DelegatedFrame {
        let (principal, organization) = (&self.delegate.principal, &self.delegate.organization.id);
        let may = |action| principal.authorize(action, On::Organization(*organization)).is_ok();
        let home = self.href(console::OVERVIEW, &[]);
        let mut sections = vec![DelegatedSection {
            label: "Overview",
            is_current: at == home,
            href: home.clone(),
            icon: Section::Organizations,
        }];
        for (label, pattern, segments, icon, action) in [
            (
                "Users",
                console::ORGANIZATION_USERS,
                &[organization as &dyn std::fmt::Display][..],
                Section::Users,
                Action::UsersView,
            ),
            (
                "Roles",
                console::ORGANIZATION_ROLES,
                &[organization as &dyn std::fmt::Display][..],
                Section::Roles,
                Action::RolesView,
            ),
            (
                "Members",
                console::ORGANIZATION_MEMBERS,
                &[organization as &dyn std::fmt::Display][..],
                Section::Users,
                Action::MembersView,
            ),
            (
                "Invitations",
                console::ORGANIZATION_INVITATIONS,
                &[organization as &dyn std::fmt::Display][..],
                Section::Users,
                Action::MembersManage,
            ),
            (
                "Checklist",
                console::ORGANIZATION_CHECKLIST,
                &[organization as &dyn std::fmt::Display][..],
                Section::Organizations,
                Action::MembersManage,
            ),
            ("Audit log", console::AUDIT_EVENTS, &[], Section::Audit, Action::AuditEventsView),
        ] {
            if may(action) {
                let href = self.href(pattern, segments);
                sections.push(DelegatedSection { label, is_current: at.starts_with(&href), href, icon });
            }
        }
        let account = (self.own(path::WORKSPACE_ACCOUNT), self.own(path::WORKSPACE_ACCOUNT_SIGN_OUT));
        DelegatedFrame { appearance, home, account, sections }
    }

    /// A path of their account or of its sign-in.
    pub fn own(&self, pattern: &str) -> String {
        expand(pattern, &[&self.issuer.tenant.name, &self.at])
    }

    /// Where they prove once more who they are, and come back to the page of a request.
    pub fn confirm(&self, request: &HttpRequest) -> String {
        format!("{}?next={}", self.own(path::WORKSPACE_ACCOUNT_CONFIRM), wanted(request).name())
    }
}

/// Whoever is signed in at an organization in this browser; else whoever is at the root, and may have an image there. With what stands
/// in paths for where that is.
async fn signed_in(
    state: &State,
    request: &HttpRequest,
    issuer: &Issuer,
    organization: OrganizationId,
) -> Result<Option<(SignedIn, String)>, Error> {
    let own = visitor(state, request, organization);
    if let Some(found) = self_service::find(state, issuer, &own).await? {
        return Ok(Some((found, issuer.workspace())));
    }
    let environment_id = issuer.tenant.environment_id;
    let root = root_id(environment_id);
    let at_root = visitor(state, request, root);
    if at_root.cookies.is_empty() {
        return Ok(None);
    }
    let root_issuer = {
        let mut conn = state.db.read().await?;
        issuers::of_organization(&mut conn, environment_id, root).await?
    };
    let found = self_service::find(state, &root_issuer, &at_root).await?;
    Ok(found.map(|found| (found, root_issuer.workspace())))
}

/// The page of the administration that a request is to.
fn wanted(request: &HttpRequest) -> Wanted {
    let segment = |name| request.match_info().get(name).unwrap_or_default();
    Wanted::admin_page(segment("tenant"), segment("workspace"), request.path())
}

/// The issuer that the path names.
async fn called(state: &State, request: &HttpRequest) -> Result<Issuer, Error> {
    let segment = |name| request.match_info().get(name).unwrap_or_default();
    let mut conn = state.db.read().await?;
    let tenant = issuers::find_tenant(&mut conn, segment("tenant")).await?;
    issuers::find_workspace(&mut conn, tenant, segment("workspace")).await
}

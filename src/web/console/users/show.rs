//! `/console/{environment}/users/{user}`: a user with everything that support needs to see, and can do.

use base::{id::UserId, time::Timestamp};
use maud::{Markup, html};
use model::{
    account::{AuthenticationMethod, CredentialSummary, UserSession},
    login_flow::FlowStatus,
    user::{UserAddress, UserIdentifier, UserSource, UserStatus},
    user_group::UserGroup,
};

use super::{
    held_roles::{self, UserRoles},
    labels,
    place::Place,
    profile::ProfileForm,
};
use crate::{
    app::{
        Error,
        accounts::{
            groups, user_credentials, user_sessions,
            users::{self, UserDetails},
        },
        mail::{self, letters::LetterView},
        pagination::PageQuery,
        permissions,
        support::flows::{self, FlowQuery, FlowSummary},
    },
    links::console,
    web::{
        console::{
            flows::list as flows_list,
            kit::{context::EnvironmentContext, labels::Href},
            letters,
        },
        kit::{
            browser_name::browser_name,
            components::{ButtonStyle, Icon, button, copyable, facts, link_button, mark, notice, time},
            error::{PageError, PageResult},
            forms::FormErrors,
        },
    },
};

/// How many groups are shown.
pub(super) const MAX_GROUPS: usize = 50;

/// How many logins are shown.
const MAX_LOGINS: usize = 5;

/// The page of a user.
pub(in crate::web::console) struct UserPage<'a> {
    pub details: &'a UserDetails,
    /// Whose user it is, "Acme", and the path of the list.
    pub of: (&'a str, &'a str),
    /// The name of the pool, and the path of its page.
    pub pool: (&'a str, &'a str),
    pub credentials: &'a [CredentialSummary],
    pub sessions: &'a [UserSession],
    /// Their latest logins; `None` for whom they are none of their business.
    pub logins: Option<&'a [FlowSummary]>,
    /// The latest letters to them.
    pub letters: &'a [LetterView],
    /// The groups that they are in; one more than are shown, where there are more.
    pub groups: &'a [UserGroup],
    /// The roles that they have; `None` for whom they are none of their business.
    pub roles: Option<&'a UserRoles>,
    pub profile: &'a ProfileForm,
    /// Whether the administrator may change it.
    pub may_manage: bool,
    /// Whether they may delete it.
    pub may_delete: bool,
    /// Whether they may say in which groups it is.
    pub may_group: bool,
    /// Whether they may read the audit log.
    pub may_audit: bool,
    /// Until when their invitation is good, if they have one.
    pub invited_until: Option<Timestamp>,
    /// Whether letters are sent.
    pub sends_letters: bool,
    /// Whether it is an organization's own administrator, who has fewer pages, and is no witness for addresses.
    pub is_delegate: bool,
    /// Why what was asked for was not done.
    pub errors: &'a FormErrors,
    pub href: Href<'a>,
    pub csrf: Markup,
    pub now: Timestamp,
}

/// The user that a path names, with identifiers and addresses.
pub(in crate::web::console) async fn load(context: &EnvironmentContext) -> Result<UserDetails, PageError> {
    let (state, principal, id) = (&context.state, &context.principal, context.id("user")?);
    let user = users::find_any(state, principal, id).await?;
    let found = users::describe(state, principal, vec![user]).await?.into_iter().next();
    found.ok_or_else(|| PageError(Error::not_found("user", id)))
}

/// `GET …/users/{user}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    respond(&context, &FormErrors::none()).await
}

/// The page again, with why an action was refused.
pub(in crate::web::console) async fn refused(context: &EnvironmentContext, error: Error) -> PageResult {
    let errors = match error {
        // Somebody else was faster, or the page was open for long.
        Error::NotFound { kind, .. }
            if ["identifier", "address", "passkey", "password", "credential"].contains(&kind) =>
        {
            FormErrors::one("", &format!("the user does not have this {kind} any more"))
        }
        error => FormErrors::from_error(error)?,
    };
    respond(context, &errors).await
}

async fn respond(context: &EnvironmentContext, errors: &FormErrors) -> PageResult {
    let (state, principal) = (&context.state, &context.principal);
    let details = load(context).await?;
    let user = &details.user;
    let place = Place::of_user(context, user).await?;
    let pool = users::find_pool(state, principal, user.pool_id).await?;
    let name = labels::name(&details);
    let logins = match context.may(permissions::Action::LoginFlowsView) {
        true => Some(logins_of(context, user.id).await?),
        false => None,
    };
    let roles = held_roles::load(context, user).await?;
    let content = view(&UserPage {
        details: &details,
        of: (&place.name(context), &place.list(context)),
        pool: (&labels::pool(&pool), &context.href(console::IDENTITY_POOL, &[&pool.id])),
        credentials: &users::credentials(state, principal, user).await?,
        sessions: &user_sessions::list(state, principal, user).await?,
        logins: logins.as_deref(),
        letters: &mail::letters::list_to(state, principal, user).await?,
        roles: roles.as_ref(),
        groups: &groups::list_of_user(state, principal, user, MAX_GROUPS + 1).await?,
        profile: &ProfileForm::of_pool(context, &pool, Some(user)).await?,
        may_manage: context.may(permissions::Action::UsersManage),
        may_delete: context.may(permissions::Action::UsersDelete),
        may_group: context.may(permissions::Action::UserGroupsManage),
        may_audit: context.may(permissions::Action::AuditEventsView),
        invited_until: user_credentials::open_invitations(state, principal, &[user]).await?.remove(&user.id),
        sends_letters: state.settings.mail.is_some(),
        is_delegate: context.delegate().is_some(),
        errors,
        href: &|pattern, segments| context.href(pattern, segments),
        csrf: context.csrf(),
        now: context.now(),
    });
    Ok(place.shell(context, &name).respond_with(errors.status(), content))
}

/// The latest logins of a user.
async fn logins_of(context: &EnvironmentContext, id: UserId) -> Result<Vec<FlowSummary>, PageError> {
    let query = FlowQuery { user_id: id.to_string(), ..FlowQuery::default() };
    let latest = PageQuery { token: None, size: Some(MAX_LOGINS.to_string()) };
    let (state, principal) = (&context.state, &context.principal);
    Ok(flows::list_with_organizations(state, principal, &query, &latest).await?.0)
}

/// The page.
pub(in crate::web::console) fn view(page: &UserPage<'_>) -> Markup {
    let user = &page.details.user;
    html! {
        div.head-row {
            h1 { (labels::name(page.details)) }
            @if page.may_manage || page.may_delete {
                div.actions {
                    @if page.may_manage {
                        (link_button(ButtonStyle::Plain, "Edit", &page.at(console::EDIT_USER)))
                        (page.switch())
                    }
                    @if page.may_delete { (link_button(ButtonStyle::Danger, "Delete", &page.at(console::DELETE_USER))) }
                }
            }
        }
        @if !page.errors.is_empty() {
            div role="alert" {
                (notice(Icon::Bad, "That was not done", html! { @for (_, reason) in page.errors.all() { p { (reason) } } }))
            }
        }
        (page.status_notice())
        section.card {
            (facts(&[
                ("ID", copyable(&user.id.to_string(), "user id")),
                ("Status", html! { (labels::status(user, page.invited_until.is_some())) " since " (time(user.status_updated_at, page.now)) }),
                ("User of", html! { a href=(page.of.1) { (page.of.0) } }),
                ("Identity pool", html! { @if page.is_delegate { (page.pool.0) } @else { a href=(page.pool.1) { (page.pool.0) } } }),
                ("Created", html! {
                    (time(user.created_at, page.now))
                    @if user.source == UserSource::Jit { ", at the first sign-in through an identity provider" }
                }),
                ("Last changed", time(user.updated_at, page.now)),
            ]))
            @if !user.user_type.is_empty() { (facts(&[("Kind", html! { (user.user_type) })])) }
            @if page.may_audit {
                p { a href={ ((page.href)(console::AUDIT_EVENTS, &[])) "?targetId=" (user.id) } { "Audit log of this user" } }
            }
        }
        (page.identifiers())
        (page.addresses())
        (page.roles())
        (page.groups())
        (page.credentials())
        (page.sessions())
        (page.logins())
        (page.letters())
        (page.profile())
    }
}

impl UserPage<'_> {
    fn id(&self) -> &UserId {
        &self.details.user.id
    }

    /// A path below the user.
    pub(super) fn at(&self, pattern: &str) -> String {
        (self.href)(pattern, &[self.id()])
    }

    /// The button that disables or enables the user.
    fn switch(&self) -> Markup {
        let (status, label) = match self.details.user.status {
            UserStatus::Active => ("inactive", "Disable"),
            UserStatus::New => ("active", "Activate"),
            UserStatus::Inactive => ("active", "Enable"),
            UserStatus::Deleted => ("active", "Restore"),
        };
        html! {
            form.inline method="post" action=(self.at(console::USER_STATUS)) {
                (self.csrf)
                input type="hidden" name="status" value=(status);
                (button(ButtonStyle::Plain, label))
            }
        }
    }

    fn status_notice(&self) -> Markup {
        let (title, text) = match self.details.user.status {
            UserStatus::Active => return html! {},
            UserStatus::New => return self.new_user_notice(),
            UserStatus::Inactive => ("This user is disabled", "They cannot sign in. Everything is kept."),
            UserStatus::Deleted => (
                "This user counts as deleted",
                "A program said so. They cannot sign in. Everything is kept until the account is deleted here or by the program.",
            ),
        };
        notice(Icon::Attention, title, html! { p { (text) } })
    }

    fn identifiers(&self) -> Markup {
        let identifiers = &self.details.identifiers;
        html! {
            section.card aria-labelledby="identifiers" {
                div.head-row {
                    h2 #identifiers { "Identifiers" }
                    @if self.may_manage {
                        div.actions { a.button.small href=(self.at(console::USER_IDENTIFIERS)) { "Add identifier" } }
                    }
                }
                @if identifiers.is_empty() {
                    p { (mark(Icon::Attention, "None")) " There is nothing that they could sign in with." }
                } @else {
                    p.soft { "What they sign in with, and what programs find them by." }
                    ul.entries { @for identifier in identifiers { (self.identifier(identifier)) } }
                }
            }
        }
    }

    fn identifier(&self, identifier: &UserIdentifier) -> Markup {
        let (kind, text) = (identifier.text.kind(), identifier.text.as_str());
        html! {
            li.entry {
                div {
                    strong { (text) }
                    p.small.soft { (labels::identifier_kind(kind)) ", added " (time(identifier.created_at, self.now)) }
                }
                @if self.may_manage {
                    details {
                        summary { "Remove" span.visually-hidden { " " (text) } }
                        p {
                            "They can no longer sign in with it."
                            @if self.details.identifiers.len() == 1 { " It is the only one they have." }
                        }
                        form.form method="post" action=(self.at(console::USER_IDENTIFIERS)) {
                            (self.csrf)
                            input type="hidden" name="type" value=(kind.as_str());
                            input type="hidden" name="identifier" value=(text);
                            div.actions { button.button.danger type="submit" name="remove" value="1" { "Remove this identifier" } }
                        }
                    }
                }
            }
        }
    }

    fn addresses(&self) -> Markup {
        let addresses = &self.details.addresses;
        html! {
            section.card aria-labelledby="addresses" {
                div.head-row {
                    h2 #addresses { "Addresses" }
                    @if self.may_manage {
                        div.actions { a.button.small href=(self.at(console::USER_ADDRESSES)) { "Add address" } }
                    }
                }
                @if addresses.is_empty() {
                    p.soft { "None: there is nowhere to reach them." }
                } @else {
                    ul.entries { @for address in addresses { (self.address(address)) } }
                }
            }
        }
    }

    fn address(&self, address: &UserAddress) -> Markup {
        let (label, value) = if address.is_verified() {
            ("Mark as not verified", "false")
        } else {
            ("Mark as verified", "true")
        };
        html! {
            li.entry {
                div {
                    strong { (address.address) } " "
                    @match address.verified_at {
                        Some(_) => (mark(Icon::Good, "Verified")),
                        None => (mark(Icon::Attention, "Not verified")),
                    }
                    p.small.soft {
                        (labels::address_kind(address.kind))
                        @if let Some(at) = address.verified_at { ", verified " (time(at, self.now)) }
                        @if address.status == model::user::AddressStatus::Inactive { ", nothing is sent there" }
                    }
                }
                @if self.may_manage {
                    details {
                        summary { "Change or remove" span.visually-hidden { " " (address.address) } }
                        form.form method="post" action=(self.at(console::USER_ADDRESSES)) {
                            (self.csrf)
                            input type="hidden" name="address" value=(address.address);
                            div.actions {
                                @if !self.is_delegate || address.is_verified() {
                                    button.button type="submit" name="setVerified" value=(value) { (label) }
                                }
                                button.button.danger type="submit" name="remove" value="1" { "Remove this address" }
                            }
                        }
                    }
                }
            }
        }
    }

    fn sessions(&self) -> Markup {
        html! {
            section.card aria-labelledby="sessions" {
                div.head-row {
                    h2 #sessions { "Sessions" }
                    @if self.may_manage {
                        div.actions {
                            form.inline method="post" action=(self.at(console::USER_SESSIONS)) {
                                (self.csrf)
                                button.button.small type="submit" { "End all sessions" }
                            }
                        }
                    }
                }
                @if self.sessions.is_empty() {
                    p.soft {
                        "They are signed in nowhere."
                        @if self.may_manage { " “End all sessions” also ends access tokens that are still good." }
                    }
                } @else {
                    ul.entries { @for session in self.sessions { (self.session(session)) } }
                }
            }
        }
    }

    fn session(&self, session: &UserSession) -> Markup {
        html! {
            li.entry {
                div {
                    strong { (browser_name(&session.user_agent)) }
                    @if session.context.tenant_admin { " " span.tag { "tenant administrator" } }
                    p.small.soft {
                        (by(session.method))
                        @if let Some(address) = session.address { ", from " (address) }
                        ", since " (time(session.created_at, self.now))
                        ", last seen " (time(session.last_seen_at, self.now))
                        ", ends " (time(session.expires_at, self.now))
                    }
                }
            }
        }
    }

    /// The latest logins, and where the others are.
    fn logins(&self) -> Markup {
        let Some(logins) = self.logins else { return html! {} };
        let all = format!("{}?q={}", (self.href)(console::FLOWS, &[]), self.id());
        html! {
            section.card aria-labelledby="logins" {
                div.head-row {
                    h2 #logins { "Logins" }
                    div.actions { a.button.small href=(all) { "All logins" span.visually-hidden { " of this user" } } }
                }
                @if logins.is_empty() {
                    p.soft { "None is known. What somebody typed for this account, and got wrong, is here too." }
                } @else {
                    ul.entries { @for login in logins { (self.login(login)) } }
                }
            }
        }
    }

    fn login(&self, FlowSummary { flow, application, .. }: &FlowSummary) -> Markup {
        let application = application.as_deref().unwrap_or_default().trim();
        html! {
            li.entry {
                div {
                    a href=((self.href)(console::FLOW, &[&flow.reference()])) { (time(flow.created_at, self.now)) } " "
                    (flows_list::outcome(flow))
                    p.small.soft {
                        (flows_list::how(flow))
                        @if !application.is_empty() { ", for " (application) }
                        @if let (FlowStatus::Failed, Some(code)) = (flow.status, &flow.refusal) { ": " code { (code) } }
                    }
                }
            }
        }
    }

    /// The latest letters; nothing if there are none.
    fn letters(&self) -> Markup {
        html! {
            @if !self.letters.is_empty() {
                section.card aria-labelledby="letters" {
                    div.head-row {
                        h2 #letters { "Letters" }
                        @if !self.is_delegate {
                            div.actions { a.button.small href=((self.href)(console::LETTERS, &[])) { "All letters" } }
                        }
                    }
                    ul.entries {
                        @for LetterView { letter, recipient } in self.letters {
                            li.entry {
                                div {
                                    strong { (letters::list::kind(letter.kind)) } " " (letters::list::state(letter, self.now))
                                    p.small.soft {
                                        "to " (recipient.as_deref().unwrap_or("no address")) ", written " (time(letter.created_at, self.now))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn profile(&self) -> Markup {
        html! {
            section.card aria-labelledby="profile" {
                div.head-row {
                    h2 #profile { "Profile" }
                    @if self.may_manage { div.actions { a.button.small href=(self.at(console::EDIT_USER)) { "Edit" span.visually-hidden { " the profile" } } } }
                }
                @match self.profile.profile_facts() {
                    Some(facts) => (facts),
                    None => p.soft { "Empty." },
                }
            }
            @for (title, facts) in self.profile.other_facts() {
                section.card { h2 { (title) } (facts) }
            }
        }
    }
}

const fn by(method: AuthenticationMethod) -> &'static str {
    match method {
        AuthenticationMethod::Password => "By password",
        AuthenticationMethod::Passkey => "By passkey",
        AuthenticationMethod::Saml => "Through SAML",
        AuthenticationMethod::Oidc => "Through OpenID Connect",
        AuthenticationMethod::Invitation => "By invitation",
        AuthenticationMethod::SetupLink => "By a setup link",
        AuthenticationMethod::Operator => "Made by the operator",
    }
}

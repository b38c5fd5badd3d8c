//! `…/organizations/{organization}/members/{user}`: one member, what they are, and how that is changed.

use actix_web::HttpResponse;
use base::{id::UserId, time::Timestamp};
use maud::{Markup, html};
use model::{
    membership::{MembershipStatus, Tier},
    organization::Organization,
};

use super::{
    list::{name, role, source, state},
    shell, standing,
};
use crate::{
    app::{
        Error,
        members::{
            Standing,
            list::{self, Member},
            manage::{self, MemberChange},
        },
        permissions,
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            labels::{self, Href},
        },
        kit::{
            components::{ButtonStyle, Icon, button, facts, link_button, mark, notice, time},
            error::{PageError, PageResult},
            forms::{FormErrors, FormValues, FormView, sentence},
        },
    },
};

/// The field that says what is changed.
const CHANGE: &str = "change";
/// The field with the role.
const ROLE: &str = "role";

const ROLES: [(&str, &str); 2] = [("member", "Member"), ("admin", "Administrator")];

/// The page of a member.
pub(in crate::web::console) struct MemberPage<'a> {
    pub organization: &'a Organization,
    pub member: &'a Member,
    /// Whether the membership may be changed.
    pub may_manage: bool,
    /// Whether what only an owner may do may be done.
    pub may_own: bool,
    /// The path of the user's own page, if it may be seen.
    pub user: Option<&'a str>,
    pub errors: &'a FormErrors,
    pub href: Href<'a>,
    pub csrf: Markup,
    pub now: Timestamp,
}

/// `GET …/members/{user}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let standing = standing(&context).await?;
    render(&context, &standing, &FormErrors::none()).await
}

async fn render(context: &EnvironmentContext, standing: &Standing, errors: &FormErrors) -> PageResult {
    let id: UserId = context.id("user")?;
    let member = list::find(&context.state, standing, id).await?;
    let is_vendor = context.delegate().is_none();
    let user = context.href(console::USER, &[&id]);
    let content = view(&MemberPage {
        organization: &standing.organization,
        member: &member,
        may_manage: context.may(permissions::Action::MembersManage),
        may_own: context.may(permissions::Action::OrganizationsOwn),
        user: Some(user.as_str()).filter(|_| is_vendor && context.may(permissions::Action::UsersView)),
        errors,
        href: &|pattern, segments| context.href(pattern, segments),
        csrf: context.csrf(),
        now: context.now(),
    });
    let title = name(&member);
    let members = context.href(console::ORGANIZATION_MEMBERS, &[&standing.organization.id]);
    Ok(shell(context, &standing.organization, &title)
        .crumb("Members", members)
        .respond_with(errors.status(), content))
}

/// The page.
pub(in crate::web::console) fn view(page: &MemberPage<'_>) -> Markup {
    let (member, membership) = (page.member, &page.member.membership);
    let (id, user) = (&page.organization.id, &membership.user_id);
    let action = (page.href)(console::ORGANIZATION_MEMBER, &[id, user]);
    let is_owner = membership.tier == Tier::Owner;
    let change = |label: &str, value: &str, style| {
        html! {
            form.inline method="post" action=(action) {
                (page.csrf)
                input type="hidden" name=(CHANGE) value=(value);
                (button(style, label))
            }
        }
    };
    html! {
        h1 { (name(member)) }
        @if let Some((_, reason)) = page.errors.all().next() {
            div role="alert" { (notice(Icon::Bad, "That did not work", html! { p { (sentence(reason)) } })) }
        }
        section.card {
            (facts(&[
                ("Organization", html! { (labels::organization(page.organization)) }),
                ("Address", html! { (member.email) }),
                ("Role", html! { (role(membership.tier)) }),
                ("State", state(member)),
                ("How", html! { (source(membership.source)) }),
                ("Since", time(membership.joined_at, page.now)),
                ("Second factor", html! { @if member.has_second_factor { (mark(Icon::Good, "set up")) } @else { (mark(Icon::Attention, "none")) } }),
            ]))
            @if let Some(href) = page.user { p { a href=(href) { "The user’s account" } } }
            @if membership.is_directory_managed() {
                p.soft { "A directory manages this membership: change it there." }
            }
        }
        @if page.may_manage {
            @if is_owner {
                section.card {
                    h2 { "Owner" }
                    p { "The organization is theirs. They hand it over at their account before they are anything else here." }
                }
            } @else {
                section.card aria-labelledby="role-of" {
                    h2 #role-of { "Role" }
                    @let values = FormValues::new().with(ROLE, membership.tier.as_str());
                    @let none = FormErrors::none();
                    @let fields = FormView::new(&values, &none);
                    form.form method="post" action=(action) {
                        (page.csrf)
                        input type="hidden" name=(CHANGE) value="role";
                        (fields.select(ROLE, "What they are", &ROLES))
                        div.actions { (button(ButtonStyle::Plain, "Save the role")) }
                    }
                }
            }
            @if page.may_own && membership.tier.administers() {
                section.card aria-labelledby="break-glass" {
                    h2 #break-glass { "Break-glass" }
                    p { "Whoever is kept outside of enforced single sign-on can sign in with a password and a second factor if the identity provider fails." }
                    @if membership.break_glass { (change("Take them out of it", "break-glass-off", ButtonStyle::Plain)) }
                    @else { (change("Keep them outside of it", "break-glass-on", ButtonStyle::Plain)) }
                }
            }
            section.card aria-labelledby="access" {
                h2 #access { "Access" }
                div.actions {
                    @if membership.is_active() {
                        @if !is_owner { (change("Suspend", "suspend", ButtonStyle::Plain)) }
                    } @else {
                        (change("Reactivate", "reactivate", ButtonStyle::Plain))
                    }
                    @if !is_owner {
                        (link_button(ButtonStyle::Danger, "Remove from the organization", &(page.href)(console::REMOVE_ORGANIZATION_MEMBER, &[id, user])))
                    }
                }
                p.small.soft { "Suspended or removed, they are signed out of the organization at once. Their account stays." }
            }
        }
    }
}

/// `POST …/members/{user}`: one change.
pub async fn change(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::MembersManage)?;
    let standing = standing(&context).await?;
    let id: UserId = context.id("user")?;
    let state = &context.state;
    let status = |status| MemberChange { status: Some(status), ..MemberChange::default() };
    let break_glass = |on| MemberChange { break_glass: Some(on), ..MemberChange::default() };
    let done = match form.text(CHANGE) {
        "role" => match manage::parse_role(form.text(ROLE)) {
            Ok(role) => manage::change_role(state, &standing, id, role).await,
            Err(error) => Err(error),
        },
        "suspend" => {
            manage::change_member(state, &standing, id, status(MembershipStatus::Suspended), false).await
        }
        "reactivate" => {
            manage::change_member(state, &standing, id, status(MembershipStatus::Active), false).await
        }
        "break-glass-on" => manage::change_member(state, &standing, id, break_glass(true), false).await,
        "break-glass-off" => manage::change_member(state, &standing, id, break_glass(false), false).await,
        _ => Err(Error::invalid(CHANGE, "is none that there is")),
    };
    match done {
        Ok(_) => {
            let back = context.href(console::ORGANIZATION_MEMBER, &[&standing.organization.id, &id]);
            Ok(see_other(&back, Flash(ResourceKind::Membership, Action::Saved)))
        }
        Err(error) => render(&context, &standing, &said(error)?).await,
    }
}

/// What went wrong, where the page says it.
fn said(error: Error) -> Result<FormErrors, PageError> {
    match error {
        Error::Rule(rule) => Ok(FormErrors::one("", &rule.text)),
        error => FormErrors::from_error(error),
    }
}

/// `GET …/members/{user}/remove`
pub async fn confirm_removal(context: EnvironmentContext) -> PageResult {
    let standing = standing(&context).await?;
    context.require(permissions::Action::MembersManage)?;
    render_removal(&context, &standing, &FormErrors::none()).await
}

async fn render_removal(
    context: &EnvironmentContext,
    standing: &Standing,
    errors: &FormErrors,
) -> Result<HttpResponse, PageError> {
    let id: UserId = context.id("user")?;
    let member = list::find(&context.state, standing, id).await?;
    let place: [&dyn std::fmt::Display; 2] = [&standing.organization.id, &id];
    let action = context.href(console::REMOVE_ORGANIZATION_MEMBER, &place);
    let back = context.href(console::ORGANIZATION_MEMBER, &place);
    let content = removal(&standing.organization, &member, &action, &back, context.csrf(), errors);
    let members = context.href(console::ORGANIZATION_MEMBERS, &[&standing.organization.id]);
    Ok(shell(context, &standing.organization, "Remove a member")
        .crumb("Members", members)
        .respond_with(errors.status(), content))
}

/// The page that asks for a confirmation.
pub(in crate::web::console) fn removal(
    organization: &Organization,
    member: &Member,
    action: &str,
    back: &str,
    csrf: Markup,
    errors: &FormErrors,
) -> Markup {
    html! {
        h1 { "Remove " (name(member)) }
        @if let Some((_, reason)) = errors.all().next() {
            div role="alert" { (notice(Icon::Bad, "That did not work", html! { p { (sentence(reason)) } })) }
        }
        section.card {
            p {
                strong { (name(member)) } " is no member of " (labels::organization(organization))
                " any more, and is signed out there at once. The account and the audit log stay; only an invitation brings them back."
            }
            form method="post" action=(action) {
                (csrf)
                div.actions { (button(ButtonStyle::Danger, "Remove the member")) a.quiet href=(back) { "Cancel" } }
            }
        }
    }
}

/// `POST …/members/{user}/remove`
pub async fn remove(context: EnvironmentContext, _form: ConsoleForm) -> PageResult {
    let standing = standing(&context).await?;
    let id: UserId = context.id("user")?;
    match manage::remove(&context.state, &standing, id, false).await {
        Ok(()) => {
            let members = context.href(console::ORGANIZATION_MEMBERS, &[&standing.organization.id]);
            Ok(see_other(&members, Flash(ResourceKind::Membership, Action::Ended)))
        }
        Err(error) => render_removal(&context, &standing, &said(error)?).await,
    }
}

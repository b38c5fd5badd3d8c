//! `…/organizations/{organization}/members`: who belongs to an organization, with a search and filters.

use base::time::Timestamp;
use maud::{Markup, html};
use model::{
    membership::{MembershipSource, Tier},
    organization::Organization,
};

use super::{shell, standing};
use crate::{
    app::{
        members::list::{self, Member, MembersQuery},
        pagination::Page,
        permissions,
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            labels::{self, Href},
        },
        kit::{
            components::{ButtonStyle, Icon, link_button, mark, time},
            error::PageResult,
            list::{List, ListUrl, column},
        },
    },
};

const SEARCH: &str = "q";
const ROLE: &str = "role";
const STATUS: &str = "status";
const SOURCE: &str = "source";

/// How many a page shows.
const PAGE_SIZE: i64 = 25;

/// A list of members.
pub(in crate::web::console) struct MembersPage<'a> {
    pub organization: &'a Organization,
    pub members: &'a Page<Member>,
    /// Whether they may be invited and changed.
    pub may_manage: bool,
    pub place: &'a ListUrl,
    pub href: Href<'a>,
    pub now: Timestamp,
}

/// `GET …/members`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let standing = standing(&context).await?;
    let place = context.place(&[SEARCH, ROLE, STATUS, SOURCE]);
    let given = |name: &str| Some(place.filter(name).to_owned()).filter(|text| !text.is_empty());
    let query = MembersQuery {
        role: given(ROLE),
        status: given(STATUS),
        source: given(SOURCE),
        search: given(SEARCH),
        cursor: place.query().token,
        limit: PAGE_SIZE,
    };
    let members = list::list(&context.state, &standing, &query).await?;
    let content = view(&MembersPage {
        organization: &standing.organization,
        members: &members,
        may_manage: context.may(permissions::Action::MembersManage),
        place: &place,
        href: &|pattern, segments| context.href(pattern, segments),
        now: context.now(),
    });
    Ok(shell(&context, &standing.organization, "Members").respond(content))
}

/// What somebody is in an organization, in a word.
pub(in crate::web::console) const fn role(tier: Tier) -> &'static str {
    match tier {
        Tier::Owner => "Owner",
        Tier::Admin => "Administrator",
        Tier::Member => "Member",
    }
}

/// How somebody became a member, in a few words.
pub(in crate::web::console) const fn source(source: MembershipSource) -> &'static str {
    match source {
        MembershipSource::Creator => "made the organization",
        MembershipSource::Manual => "added",
        MembershipSource::Invitation => "invited",
        MembershipSource::AutoJoin => "by the domain of their address",
        MembershipSource::SsoJit => "by single sign-on",
        MembershipSource::Scim => "by a directory",
        MembershipSource::Shared => "shared from another organization",
    }
}

/// What a member is called: their name, else their address, else their id.
pub(in crate::web::console) fn name(member: &Member) -> String {
    match (member.display_name.trim(), member.email.as_str()) {
        ("", "") => member.membership.user_id.to_string(),
        ("", email) => email.to_owned(),
        (name, _) => name.to_owned(),
    }
}

/// The state of a membership as marks.
pub(in crate::web::console) fn state(member: &Member) -> Markup {
    html! {
        @if member.membership.is_active() { (mark(Icon::Good, "active")) } @else { (mark(Icon::Attention, "suspended")) }
        @if member.membership.break_glass { " " (mark(Icon::Note, "break-glass")) }
    }
}

/// The list.
pub(in crate::web::console) fn view(page: &MembersPage<'_>) -> Markup {
    let id = &page.organization.id;
    let invite = (page.href)(console::NEW_ORGANIZATION_INVITATION, &[id]);
    let rows = page.members.items.iter().map(|member| {
        let membership = &member.membership;
        vec![
            html! { a href=((page.href)(console::ORGANIZATION_MEMBER, &[id, &membership.user_id])) { (name(member)) } },
            html! { (member.email) },
            html! { (role(membership.tier)) },
            state(member),
            html! { (source(membership.source)) },
            time(membership.joined_at, page.now),
            html! { @match membership.last_login_at { Some(at) => (time(at, page.now)), None => span.soft { "never" } } },
        ]
    });
    let columns = [
        column("Name"),
        column("Address"),
        column("Role"),
        column("State"),
        column("How"),
        column("Since"),
        column("Last signed in"),
    ];
    let list = List {
        caption: "Members",
        columns: &columns,
        rows: rows.collect(),
        next_token: &page.members.next_token,
        empty: html! {
            p { "Nobody is a member yet." }
            @if page.may_manage { p { (link_button(ButtonStyle::Primary, "Invite somebody", &invite)) } }
        },
    };
    let roles = [("owner", "Owner"), ("admin", "Administrator"), ("member", "Member")];
    let states = [("active", "Active"), ("suspended", "Suspended")];
    let sources = [
        ("creator", "Made the organization"),
        ("manual", "Added"),
        ("invitation", "Invited"),
        ("auto_join", "By domain"),
        ("sso_jit", "By single sign-on"),
        ("scim", "By a directory"),
        ("shared", "Shared"),
    ];
    html! {
        div.head-row {
            h1 { "Members of " (labels::organization(page.organization)) }
            @if page.may_manage { div.actions { (link_button(ButtonStyle::Primary, "Invite people", &invite)) } }
        }
        @if page.may_manage {
            p {
                a href=((page.href)(console::ORGANIZATION_INVITATIONS, &[id])) { "Invitations" } " · "
                a href=((page.href)(console::ORGANIZATION_CHECKLIST, &[id])) { "Checklist" }
            }
        }
        (page.place.search_form(SEARCH, "Search members", "Name or whole e-mail address"))
        (page.place.filter_form(&html! {
            (page.place.filter_select(ROLE, "Role", "All", &roles))
            (page.place.filter_select(STATUS, "State", "All", &states))
            (page.place.filter_select(SOURCE, "How", "All", &sources))
        }, &[SEARCH]))
        (list.view(page.place))
    }
}

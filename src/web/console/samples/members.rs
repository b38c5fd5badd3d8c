//! The pages of members and invitations.

use std::fmt;

use base::{id::Id, time::Timestamp};
use maud::{Markup, html};
use model::{
    email::Email,
    membership::{Membership, MembershipSource, MembershipStatus, Tier},
    organization::Organization,
    organization_invitation::OrganizationInvitation,
};

use super::frame;
use crate::{
    app::{
        invitations::{Invited, error::InvitationError},
        members::{checklist::Step, list::Member},
        pagination::Page,
    },
    links,
    web::{
        console::{
            invitations::{
                form::{self, ADDRESSES, HOURS, ROLE},
                list::{self as invitation_list, InvitationsPage},
            },
            kit::shell::{Section, Shell},
            members::{
                checklist,
                list::{self, MembersPage},
                show::{self, MemberPage},
            },
        },
        kit::{
            forms::{FormErrors, FormValues},
            list::ListUrl,
        },
        samples::page,
    },
};

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-21T12:00:00Z").unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn href(pattern: &str, segments: &[&dyn fmt::Display]) -> String {
    let environment: &dyn fmt::Display = &"x";
    links::expand(pattern, &[&[environment], segments].concat())
}

fn sample(name: &str, title: &str, content: Markup) {
    page(name, Shell::new(&frame(), Section::Organizations, title).render(content));
}

fn csrf() -> Markup {
    html! { input type="hidden" name="csrf" value="TOKEN"; }
}

fn organization() -> Organization {
    let mut organization = Organization::new(Id::from_bits(37), Id::from_bits(1), now());
    organization.display_name = "Acme <Corporation>".to_owned();
    organization
}

fn member(bits: u128, name: &str, tier: Tier, source: MembershipSource) -> Member {
    let joined_at = at("2026-10-01T09:00:00Z");
    let place = (Id::from_bits(1), Id::from_bits(37));
    Member {
        membership: Membership::new(place, Id::from_bits(bits), tier, source, joined_at),
        email: format!("u{bits}@acme.com"),
        display_name: name.to_owned(),
        has_second_factor: tier.administers(),
    }
}

fn members() -> Vec<Member> {
    let mut admin = member(72, "Grace <Hopper>", Tier::Admin, MembershipSource::Invitation);
    admin.membership.break_glass = true;
    admin.membership.last_login_at = Some(at("2026-11-20T08:00:00Z"));
    let mut suspended = member(73, "", Tier::Member, MembershipSource::Scim);
    suspended.membership.status = MembershipStatus::Suspended;
    suspended.membership.directory_id = Some(Id::from_bits(5));
    vec![member(71, "Ada Lovelace", Tier::Owner, MembershipSource::Creator), admin, suspended]
}

#[test]
fn member_samples() {
    let (organization, none) = (organization(), FormErrors::none());
    let members = members();
    let listed = Page { items: members.clone(), next_token: "more".to_owned() };
    let place = ListUrl::read("/console/x/organizations/o/members", "role=admin", &["role"]);
    let shown = MembersPage {
        organization: &organization,
        members: &listed,
        may_manage: true,
        place: &place,
        href: &href,
        now: now(),
    };
    sample("console-members", "Members", list::view(&shown));
    let nobody = Page { items: Vec::new(), next_token: String::new() };
    sample("console-members-empty", "Members", list::view(&MembersPage { members: &nobody, ..shown }));

    let of = |member, errors| MemberPage {
        organization: &organization,
        member,
        may_manage: true,
        may_own: true,
        user: Some("/console/x/users/u"),
        errors,
        href: &href,
        csrf: csrf(),
        now: now(),
    };
    let [owner, admin, suspended] = members.as_slice() else { unreachable!() };
    sample("console-member-owner", "Ada Lovelace", show::view(&of(owner, &none)));
    sample("console-member-admin", "Grace <Hopper>", show::view(&of(admin, &none)));
    let refused = FormErrors::one("", "the membership is managed by a directory");
    sample("console-member-suspended", "u73@acme.com", show::view(&of(suspended, &refused)));
    let removal = show::removal(&organization, admin, "/remove", "/back", csrf(), &none);
    sample("console-member-removal", "Remove a member", removal);
}

fn invitation(bits: u128, email: &str, role: Tier) -> OrganizationInvitation {
    OrganizationInvitation {
        id: Id::from_bits(bits),
        environment_id: Id::from_bits(1),
        organization_id: Id::from_bits(37),
        email: Email::parse(email).unwrap(),
        role,
        invited_by: String::new(),
        vouched: true,
        expires_at: at("2026-11-27T12:00:00Z"),
        lifetime_ms: 0,
        accepted_at: None,
        accepted_user_id: None,
        revoked_at: None,
        send_count: 1,
        last_sent_at: at("2026-11-20T12:00:00Z"),
        renewed: (at("2026-11-20T12:00:00Z"), 0),
        created_at: at("2026-11-20T12:00:00Z"),
    }
}

#[test]
fn invitation_samples() {
    let (organization, none) = (organization(), FormErrors::none());
    let pending = invitation(1, "dana.with.a.very.long.address@subsidiary.of.acme.example", Tier::Admin);
    let items = vec![
        OrganizationInvitation { send_count: 3, ..pending },
        OrganizationInvitation {
            accepted_at: Some(at("2026-11-20T13:00:00Z")),
            ..invitation(2, "eve@acme.com", Tier::Member)
        },
        OrganizationInvitation {
            revoked_at: Some(at("2026-11-20T13:00:00Z")),
            ..invitation(3, "frank@acme.com", Tier::Member)
        },
        OrganizationInvitation {
            expires_at: at("2026-11-20T13:00:00Z"),
            ..invitation(4, "greta@acme.com", Tier::Member)
        },
    ];
    let listed = Page { items, next_token: String::new() };
    let place = ListUrl::read("/console/x/organizations/o/invitations", "", &["status"]);
    let shown = InvitationsPage {
        organization: &organization,
        invitations: &listed,
        place: &place,
        href: &href,
        csrf: csrf(),
        now: now(),
    };
    sample("console-invitations", "Invitations", invitation_list::view(&shown));
    let nobody = Page { items: Vec::new(), next_token: String::new() };
    let empty = InvitationsPage { invitations: &nobody, csrf: csrf(), ..shown };
    sample("console-invitations-empty", "Invitations", invitation_list::view(&empty));

    let typed = FormValues::new().with(ROLE, "member").with(HOURS, 168);
    let new = |typed: &FormValues, errors: &FormErrors| {
        form::view(&organization, "/new", "/back", csrf(), typed, errors)
    };
    sample("console-invitation-new", "Invite people", new(&typed, &none));
    let wrong = FormErrors::one(ADDRESSES, "a request holds at most 50 invitations");
    sample(
        "console-invitation-refused",
        "Invite people",
        new(&typed.with(ADDRESSES, "a@x.example\nb@x.example"), &wrong),
    );
    let accept_url =
        "https://sso.example/prod/root/sign-in/invitation?token=invitation_12vqjrnxk9xeov6o4f05pan0g";
    let made = [
        (
            "eve@acme.com".to_owned(),
            Ok(Invited {
                invitation: invitation(2, "eve@acme.com", Tier::Member),
                accept_url: accept_url.parse().unwrap(),
                renewed: false,
            }),
        ),
        ("ada@acme.com".to_owned(), Err(InvitationError::AlreadyMember.into())),
    ];
    sample("console-invitation-links", "Invitation links", form::links(&organization, "/back", false, &made));
    sample(
        "console-invitation-letters",
        "Invitation links",
        form::links(&organization, "/back", true, &made),
    );
}

#[test]
fn checklist_samples() {
    let organization = organization();
    let all = [
        Step::Owner,
        Step::SecondAdministrator,
        Step::SecondFactor,
        Step::Domain,
        Step::SingleSignOn,
        Step::Tested,
        Step::BreakGlass,
        Step::Directory,
    ];
    let some: Vec<(Step, bool)> = all.iter().enumerate().map(|(at, step)| (*step, at % 3 == 0)).collect();
    sample("console-checklist", "Checklist", checklist::view(&organization, &some, true, &href));
    let done: Vec<(Step, bool)> = all.iter().map(|step| (*step, true)).collect();
    sample("console-checklist-done", "Checklist", checklist::view(&organization, &done, false, &href));
}

//! Snapshot tests of the shell, forms, sign-in, invitation and account pages.

#[cfg(test)]
pub(in crate::web::console) mod applications;
#[cfg(test)]
mod delegated;
#[cfg(test)]
pub(in crate::web::console) mod directories;
#[cfg(test)]
mod letters;
#[cfg(test)]
pub(in crate::web::console) mod logins;
#[cfg(test)]
pub(in crate::web::console) mod logs;
#[cfg(test)]
mod members;
#[cfg(test)]
pub(in crate::web::console) mod pools;
#[cfg(test)]
pub(in crate::web::console) mod resources;
#[cfg(test)]
mod roles;
#[cfg(test)]
pub(in crate::web::console) mod templates;
#[cfg(test)]
pub(in crate::web::console) mod users;

use std::time::Duration;

use base::{id::Id, time::Timestamp};
use maud::{Markup, html};
use model::{
    account::{
        AdminInvitation, AdminSession, AuthenticationMethod, InvitationPurpose, Passkey, SessionContext,
    },
    administrator::{Administrator, Role, RoleGrant, RoleGrants},
    email::Email,
};

use super::{
    account::show::{self, AccountPage, ConfirmMethods},
    administrators::invite::invitation_created,
    kit::{
        flash::{Action, Flash, ResourceKind},
        shell::{EnvironmentLink, PageFrame, Section, Shell},
    },
    sign_in::{form::SignInPage, invitation::JoinPage},
};
use crate::{
    app::administrators::{SignedIn, passkeys::Challenge},
    web::{
        kit::{
            components::{ButtonStyle, copyable, link_button},
            confirm::DeleteConfirmation,
            forms::{Choice, Form, FormErrors, FormValues, FormView},
            layout,
            list::{List, ListUrl, column, number},
        },
        samples::{document, page},
    },
};

/// The frame of an owner in one of three environments.
pub(super) fn frame() -> PageFrame {
    let named = |bits, name: &str| EnvironmentLink { id: Id::from_bits(bits), name: name.to_owned() };
    PageFrame {
        email: "dana@ledgerline.example".into(),
        csrf: html! { input type="hidden" name="csrf" value="TOKEN"; },
        environment: Some((named(1, "Production"), "owner")),
        others: vec![
            named(1, "Production"),
            named(2, "Staging"),
            named(3, "Ledgerline Accounting, environment for customers in Europe <EU>"),
        ],
        flash: None,
        banner: None,
        delegated: None,
    }
}

#[test]
fn shell_sample() {
    let frame = PageFrame { banner: Some(layout::TEST_SETUP_BANNER), ..frame() };
    let shell = Shell::new(&frame, Section::ApiKeys, "A key").crumb("Step", "/console/step");
    document("shell-console", shell.render(html! { p { "Content" } }));
}

fn components(typed: &FormValues, errors: &FormErrors) -> Markup {
    let view = FormView::new(typed, errors);
    let fields = html! {
        (view.text("displayName", "Name").hint("What your own people call this customer."))
        (view.text("externalId", "External ID").hint("Your own id for it. Unique in the environment.").optional().code())
        (view.textarea("domains", "Domains", 4).hint("One a line.").optional())
        (view.select("idTokenAlg", "Signature of ID tokens", &[("RS256", "RS256 (RSA)"), ("ES256", "ES256 (ECDSA)")]))
        (view.radios("idpInitiated", "Logins that begin in the customer’s portal", &[
            Choice::new("RESTART", "Begin them again here", "Safe, and the tile in the portal works."),
            Choice::new("ALLOW", "Accept them", "For identity providers that can do nothing else."),
        ]))
        (view.checkbox("primary", "Primary").hint("Used when a login names the organization only."))
        (view.file("logo", "Logo", "image/png").hint("PNG of at most 256 kB.").optional())
    };
    view.render(&Form::new("/console/x", "Save changes", html! {}).cancel("/console"), fields)
}

#[test]
fn shell_samples() {
    let frame = PageFrame { flash: Some(Flash(ResourceKind::Organization, Action::Created)), ..frame() };
    let columns = [column("Organization"), column("Domains"), number("Logins"), column("Id")];
    let row = |name: &str| {
        vec![
            html! { a href="#" { (name) } },
            html! { "acme.example, acme.co.uk" },
            html! { "12" },
            copyable("org_12vqjrnxk9xeov6o4f05pan0g", "id"),
        ]
    };
    let list = List {
        caption: "Organizations",
        columns: &columns,
        rows: vec![
            row("Acme"),
            row("Rheinisch-Westfälische Elektrizitätsversorgungsgesellschaft mbH & Co. KG"),
        ],
        next_token: "T3",
        empty: html! {},
    };
    let place = ListUrl::read("/console/x/organizations", "q=acme&page_token=T2", &["q"]);
    page(
        "console-shell",
        Shell::new(&frame, Section::Organizations, "Organizations").render(html! {
            div.head-row { h1 { "Organizations" } div.actions { (link_button(ButtonStyle::Primary, "New organization", "#")) } }
            (place.search_form("q", "Search organizations", "Company, domain, external ID or ID"))
            (list.view(&place))
        }),
    );
    let empty = List {
        rows: vec![],
        next_token: "",
        empty: html! { p { "No customer yet." } p { (link_button(ButtonStyle::Primary, "New organization", "#")) } },
        ..list
    };
    page(
        "console-shell-empty",
        Shell::new(&self::frame(), Section::Organizations, "Organizations").render(html! {
            h1 { "Organizations" }
            (empty.view(&ListUrl::read("/console/x/organizations", "", &[])))
        }),
    );
}

#[test]
fn form_samples() {
    let typed = FormValues::new()
        .with("displayName", "Acme <Holding>")
        .with("externalId", "customer-1")
        .with("domains", "acme.example\nnot a domain")
        .with("idpInitiated", "RESTART");
    let errors = FormErrors::one("domains", "\"not a domain\" is not a domain name such as example.com")
        .and("idpInitiated", "must be ALLOW or RESTART");
    page(
        "console-form",
        Shell::new(&frame(), Section::Organizations, "Edit Acme")
            .crumb("Acme", "/console/x/organizations/y")
            .render(html! { h1 { "Edit Acme" } section.card { (components(&typed, &errors)) } }),
    );
    let effects = [
        "214 people who signed in lately will no longer be able to.".to_owned(),
        "3 connections and 1 directory go with it.".to_owned(),
    ];
    let deletion = DeleteConfirmation {
        kind: "organization",
        name: "Acme",
        effects: &effects,
        action: "/console/x/organizations/y/delete",
        cancel: "/console/x/organizations/y",
    };
    page(
        "console-delete",
        Shell::new(&frame(), Section::Organizations, "Delete Acme")
            .crumb("Acme", "/console/x/organizations/y")
            .render(deletion.view(
                &FormValues::new(),
                &FormErrors::one("confirm", "type Acme to confirm"),
                html! {},
            )),
    );
}

fn dana() -> SignedIn {
    let at = Timestamp::parse_rfc3339("2026-11-21T12:00:00Z").unwrap();
    let administrator = Administrator {
        id: Id::from_bits(7),
        version: 1,
        email: Email::parse("dana@ledgerline.example").unwrap(),
        display_name: "Dana <Smith>".into(),
        created_at: at,
        updated_at: at,
        disabled_at: None,
    };
    let session = AdminSession {
        id: Id::from_bits(8),
        subject: administrator.id,
        environment_id: None,
        method: AuthenticationMethod::Password,
        address: Some([198, 51, 100, 7].into()),
        user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0".into(),
        created_at: at,
        authenticated_at: at,
        last_seen_at: at,
        expires_at: at + Duration::from_secs(86_400),
        revoked_at: None,
        context: SessionContext::default(),
    };
    let grants = RoleGrants(vec![RoleGrant { environment_id: None, role: Role::Owner }]);
    SignedIn { administrator, grants, session, recently_authenticated: true }
}

fn challenge() -> Challenge {
    let options =
        serde_json::json!({ "publicKey": { "challenge": "AAAA", "rpId": "sso.ledgerline.example" } });
    Challenge { options, sealed: "SEALED".into() }
}

#[test]
fn sign_in_samples() {
    page("console-sign-in-first", SignInPage { no_administrator: true, ..SignInPage::default() }.view());
    let all = SignInPage {
        passwords: true,
        passkey: Some(challenge()),
        saml: true,
        oidc: true,
        ..SignInPage::default()
    };
    page(
        "console-sign-in",
        SignInPage { passwords: true, passkey: Some(challenge()), ..SignInPage::default() }.view(),
    );
    page(
        "console-sign-in-passkey",
        SignInPage { passkey: Some(challenge()), ..SignInPage::default() }.view(),
    );
    page("console-sign-in-sso", SignInPage { saml: true, ..SignInPage::default() }.view());
    page(
        "console-sign-in-refused",
        SignInPage {
            next: "/console/env_1/flows?q=a\"b".into(),
            email: "dana@ledgerline.example\"><b>".into(),
            error: Some("This address and this password do not go together.".into()),
            banner: Some(layout::TEST_SETUP_BANNER),
            ..all
        }
        .view(),
    );
}

#[test]
fn join_samples() {
    let join = || JoinPage {
        token: "ostiary_invite_0000000000000000000000001".into(),
        purpose: InvitationPurpose::Join,
        role: Role::Admin,
        environment: Some("Production <EU>".into()),
        email: "dana@ledgerline.example".into(),
        email_is_fixed: true,
        display_name: "Dana".into(),
        errors: FormErrors::none(),
        passwords: true,
        sso_only: false,
        passkey: Some(challenge()),
    };
    page("console-join", join().view());
    page("console-join-passkey", JoinPage { passwords: false, ..join() }.view());
    page("console-join-sso", JoinPage { passwords: false, sso_only: true, passkey: None, ..join() }.view());
    page(
        "console-join-unnamed",
        JoinPage {
            email: String::new(),
            email_is_fixed: false,
            environment: None,
            role: Role::Owner,
            errors: FormErrors::one("email", "must be an e-mail address: dana@example.com"),
            passkey: None,
            ..join()
        }
        .view(),
    );
    page(
        "console-join-reset",
        JoinPage {
            purpose: InvitationPurpose::Reset,
            errors: FormErrors::one("newPassword", "must be at least 12 characters long"),
            ..join()
        }
        .view(),
    );
}

#[test]
fn account_samples() {
    let (admin, challenge, typed) =
        (dana(), challenge(), FormValues::new().with("displayName", "Dana <Smith>"));
    let now = admin.session.created_at + Duration::from_secs(3 * 3600);
    let passkey = |bits: u128, name: &str, used: bool| Passkey {
        id: Id::from_bits(bits),
        account_id: admin.administrator.id.into(),
        display_name: name.into(),
        created_at: admin.session.created_at,
        last_used_at: used.then_some(admin.session.created_at),
    };
    let passkeys =
        [passkey(1, "Work laptop", true), passkey(2, "Security key in the safe, spare <1>", false)];
    let other = AdminSession {
        id: Id::from_bits(9),
        method: AuthenticationMethod::Passkey,
        user_agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1".into(),
        ..admin.session.clone()
    };
    let sessions = [admin.session.clone(), other];
    let frame = PageFrame { environment: None, others: vec![], ..frame() };
    let errors = FormErrors::one("currentPassword", "is not your password");
    let seen = show::seen(&admin.administrator);
    let account = AccountPage {
        admin: &admin,
        passkeys: &passkeys,
        sessions: &sessions,
        challenge: Some(&challenge),
        passwords: true,
        has_password: true,
        confirm: None,
        next: "/console/account",
        seen: &seen,
        typed: &typed,
        errors: &errors,
        csrf: html! { input type="hidden" name="form_token" value="TOKEN"; },
        now,
    };
    page("console-account", Shell::without_environment(&frame, "Your account").render(account.view()));
    let confirm = ConfirmMethods { password: true, passkey: Some(&challenge), saml: true, oidc: true };
    let stale = AccountPage {
        passkeys: &passkeys,
        sessions: &sessions,
        challenge: None,
        confirm: Some(confirm),
        errors: &FormErrors::one("confirmPassword", "is not your password"),
        csrf: html! { input type="hidden" name="form_token" value="TOKEN"; },
        typed: &typed,
        admin: &admin,
        ..account
    };
    page("console-account-confirm", Shell::without_environment(&frame, "Your account").render(stale.view()));
    let bare = AccountPage {
        passkeys: &[],
        sessions: &sessions[..1],
        challenge: None,
        errors: &FormErrors::none(),
        ..account
    };
    page("console-account-bare", Shell::without_environment(&frame, "Your account").render(bare.view()));
}

#[test]
fn invitation_samples() {
    let at = Timestamp::parse_rfc3339("2026-11-21T12:00:00Z").unwrap();
    let invitation = AdminInvitation {
        id: Id::from_bits(1),
        purpose: InvitationPurpose::Join,
        email: Some(Email::parse("grace@ledgerline.example").unwrap()),
        grant: RoleGrant { environment_id: Some(Id::from_bits(1)), role: Role::Viewer },
        invited_by: None,
        created_at: at,
        expires_at: at + Duration::from_secs(72 * 3600),
        consumed_at: None,
    };
    let link = "https://sso.ledgerline.example/console/join?token=ostiary_invite_0000000000000000000000001";
    for (name, is_sent) in [("console-invited", false), ("console-invited-by-mail", true)] {
        let content = invitation_created(&invitation, link, "/console/x/administrators", at, is_sent);
        page(name, Shell::new(&frame(), Section::Administrators, "Invited").render(content));
    }
}

//! An organization's own administrators: what they see of the console, and that it is of their organization alone.

use std::collections::BTreeSet;

use base::id::OrganizationId;
use ostiary::app::{
    accounts::associations,
    permissions::Scope,
    principal::Principal,
    roles::{self, NewRole, RoleOperation, SetChange},
};

use super::{EMAIL, PASSWORD, World, add_user, code, password, world};
use crate::{
    both,
    support::{Answer, Browser, TestApp, forms::form_to, tokens::Client},
};

pub(super) const COLLEAGUE: &str = "colleague@acme.com";

/// Gives the user of the world a role in their organization with these permissions.
pub(super) async fn give_role(app: &TestApp, world: &World, permissions: &[&str]) {
    let principal = Principal::operator(world.environment.id);
    let new = NewRole {
        name: "Administrators".to_owned(),
        audience: None,
        permissions: permissions.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(),
    };
    let role = roles::create(&app.state, &principal, world.organization, &new).await.unwrap();
    let mut tx = app.state.db.write().await.unwrap();
    let place = (world.environment.id, world.organization);
    roles::assign_user(&mut tx, &app.state, &principal, place, world.user, role.id).await.unwrap();
    tx.commit().await.unwrap();
}

pub(super) struct Delegate<'a> {
    app: &'a TestApp,
    world: &'a World,
    pub browser: Browser,
}

impl<'a> Delegate<'a> {
    pub async fn signed_in(app: &'a TestApp, world: &'a World, email: &str) -> Self {
        let browser = app.browser();
        code(&world.sign_in(app, &browser, email, PASSWORD).await);
        Self { app, world, browser }
    }

    pub fn path(&self, rest: &str) -> String {
        format!("{}/admin{rest}", self.world.issuer)
    }

    pub fn users(&self) -> String {
        format!("/organizations/{}/users", self.world.organization)
    }

    pub async fn get(&self, rest: &str) -> Answer {
        self.browser.get(&self.app.url(&self.path(rest))).await
    }

    pub async fn page(&self, rest: &str) -> Answer {
        let answer = self.get(rest).await;
        assert_eq!(answer.status, 200, "{rest}: {}", answer.body);
        answer
    }

    pub async fn send(&self, page: &Answer, rest: &str, fields: &[(&str, &str)]) -> Answer {
        let to = self.path(rest);
        let mut form = form_to(page, &to).unwrap_or_else(|| panic!("no form to {to} in {}", page.body));
        form.fields.retain(|(name, _)| fields.iter().all(|(given, _)| given != name));
        form.fields.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.browser.submit(page, &form).await
    }
}

/// The same world.
pub(super) fn world_of(world: &World) -> World {
    World {
        issuer: world.issuer.clone(),
        environment: world.environment.clone(),
        organization: world.organization,
        user: world.user,
        client: Client { id: world.client.id, secret: String::new() },
    }
}

pub(super) const MANAGES_USERS: [&str; 5] = [
    "internal_org_user_mgt_list",
    "internal_org_user_mgt_create",
    "internal_org_user_mgt_update",
    "internal_org_user_mgt_delete",
    "internal_org_audit_event_view",
];

both! {
    async fn an_administrator_of_an_organization_adds_a_user_there(app: TestApp) {
        let world = world(&app).await;
        give_role(&app, &world, &MANAGES_USERS).await;
        let delegate = Delegate::signed_in(&app, &world, EMAIL).await;
        let home = delegate.page("").await;
        assert!(home.body.contains("You administer this organization"), "{}", home.body);
        assert!(!home.body.contains("Ostiary") && !home.body.contains("/console"), "{}", home.body);
        assert!(!home.body.contains("Single sign-on") && !home.body.contains("Open the set-up"), "{}", home.body);
        let list = delegate.page(&delegate.users()).await;
        assert!(list.body.contains(EMAIL), "{}", list.body);
        let new = format!("{}/new", delegate.users());
        let form = delegate.page(&new).await;
        let fields = [("email", COLLEAGUE), ("access", "password"), ("password", "another kettle in snow")];
        let made = delegate.send(&form, &new, &fields).await;
        assert_eq!(made.status, 303, "{}", made.body);
        let shown = delegate.browser.get(made.location().as_str()).await;
        assert_eq!(shown.status, 200, "{}", shown.body);
        assert!(shown.body.contains(COLLEAGUE) && !shown.body.contains("\"/console"), "{}", shown.body);
        // They stand in the organization's audit log, by whom it was.
        let log = delegate.page("/audit-events").await;
        assert!(log.text().contains("created the user") && log.body.contains(&format!("/users/{}\"", world.user)), "{}", log.body);
    }

    async fn who_has_no_role_that_counts_here_is_refused(app: TestApp) {
        let world = world(&app).await;
        let stranger = app.browser().get(&app.url(&format!("{}/admin", world.issuer))).await;
        assert_eq!(stranger.status, 303);
        assert!(stranger.location().path().ends_with("/sign-in"), "{}", stranger.location());
        let nobody = Delegate::signed_in(&app, &world, EMAIL).await;
        assert_eq!(nobody.get("").await.status, 403);
        assert_eq!(nobody.get(&nobody.users()).await.status, 403);
        // A role that is for something else: at the root, or in an application.
        give_role(&app, &world, &["internal_user_mgt_list", "internal_role_mgt_view"]).await;
        assert_eq!(nobody.get("").await.status, 403);
    }

    async fn what_the_role_does_not_permit_is_refused(app: TestApp) {
        let world = world(&app).await;
        give_role(&app, &world, &["internal_org_user_mgt_list"]).await;
        let delegate = Delegate::signed_in(&app, &world, EMAIL).await;
        delegate.page(&delegate.users()).await;
        for rest in [format!("{}/new", delegate.users()), "/audit-events".to_owned(), format!("/users/{}/edit", world.user)] {
            assert_eq!(delegate.get(&rest).await.status, 403, "{rest}");
        }
        // Pages that are the vendor's alone are not there.
        for rest in ["/api-keys", "/settings", "/organizations", "/applications", "/identity-pools", "/webhooks", "/users"] {
            assert_eq!(delegate.get(rest).await.status, 404, "{rest}");
        }
        assert_eq!(delegate.browser.get(&app.url("/console")).await.status, 303, "their session is none of the console");
    }

    async fn an_administrator_of_an_organization_makes_roles_and_gives_them(app: TestApp) {
        let world = world(&app).await;
        let permissions = ["view", "create", "update", "delete"].map(|verb| format!("internal_org_role_mgt_{verb}"));
        let mut permissions: Vec<&str> = permissions.iter().map(String::as_str).collect();
        permissions.push("internal_org_user_mgt_list");
        give_role(&app, &world, &permissions).await;
        let delegate = Delegate::signed_in(&app, &world, EMAIL).await;
        let list = format!("/organizations/{}/roles", world.organization);
        let home = delegate.page("").await;
        assert!(home.body.contains(&delegate.path(&list)), "{}", home.body);
        let shown = delegate.page(&list).await;
        assert!(shown.body.contains("Administrators") && !shown.body.contains("\"/console"), "{}", shown.body);
        let new = format!("{list}/new");
        let form = delegate.page(&new).await;
        let fields = [("displayName", "Readers"), ("permissions", "internal_org_user_mgt_list")];
        let made = delegate.send(&form, &new, &fields).await;
        assert_eq!(made.status, 303, "{}", made.body);
        let role = delegate.browser.get(made.location().as_str()).await;
        assert!(role.body.contains("Readers"), "{}", role.body);
        let members = format!("{list}/{}/members", role.id("role_"));
        let given = delegate.send(&role, &members, &[("user", EMAIL)]).await;
        assert_eq!(given.status, 303, "{}", given.body);
        let role = delegate.browser.get(given.location().as_str()).await;
        assert!(role.body.contains(&world.user.to_string()), "{}", role.body);
        let other = app.tenant(&world.environment, "globex.com").await.organization.id;
        for rest in [format!("/organizations/{other}/roles"), format!("/organizations/{other}/roles/new"), "/roles".to_owned()] {
            assert_eq!(delegate.get(&rest).await.status, 404, "{rest}");
        }
    }

    async fn what_a_role_permits_is_what_it_says_and_no_more(app: TestApp) {
        let world = world(&app).await;
        give_role(&app, &world, &["internal_org_user_mgt_list", "internal_org_user_mgt_create"]).await;
        let other = add_user(&app, world.environment.id, world.organization, COLLEAGUE, vec![password(PASSWORD)]).await;
        let delegate = Delegate::signed_in(&app, &world, EMAIL).await;
        delegate.page(&format!("{}/new", delegate.users())).await;
        let page = delegate.page(&format!("/users/{other}")).await;
        assert!(!page.body.contains("/delete") && !page.body.contains("/edit"), "{}", page.body);
        for rest in ["edit", "delete", "password", "identifiers", "addresses", "groups"] {
            assert_eq!(delegate.get(&format!("/users/{other}/{rest}")).await.status, 403, "{rest}");
        }
        // Invitations and groups are other rights than users.
        let other = app.tenant(&world.environment, "globex.com").await.organization.id;
        let user = add_user(&app, world.environment.id, other, "x@post.example", vec![password(PASSWORD)]).await;
        let guests = World { issuer: crate::account_sign_in::issuer_of("prod", other), organization: other, user, ..world_of(&world) };
        give_role(&app, &guests, &["internal_org_guest_mgt_invite_add", "internal_org_group_mgt_create"]).await;
        let delegate = Delegate::signed_in(&app, &guests, "x@post.example").await;
        delegate.page("").await;
        assert_eq!(delegate.get(&delegate.users()).await.status, 403);
    }

    async fn nobody_gives_what_they_do_not_have(app: TestApp) {
        let world = world(&app).await;
        give_role(&app, &world, &["internal_org_role_mgt_view", "internal_org_role_mgt_update", "internal_org_role_mgt_create"]).await;
        let principal = Principal::operator(world.environment.id);
        let more = NewRole {
            name: "More".to_owned(),
            audience: None,
            permissions: BTreeSet::from(["internal_org_user_mgt_delete".to_owned()]),
        };
        let more = roles::create(&app.state, &principal, world.organization, &more).await.unwrap();
        let user = ostiary::app::accounts::users::find_any(&app.state, &principal, world.user).await.unwrap();
        let scopes = [Scope::RolesView, Scope::RolesCreate, Scope::RolesUpdate].into_iter().collect();
        let own = Principal::user(user.id, user.environment_id).with_token(scopes, Some(world.organization));
        let change = |operation| [operation];
        let give = change(RoleOperation::Users(SetChange::Add(BTreeSet::from([user.id]))));
        let refused = roles::apply(&app.state, &own, world.organization, more.id, None, &give).await.unwrap_err();
        assert!(refused.to_string().contains("internal_org_user_mgt_delete"), "{refused}");
        let all = roles::list(&app.state, &own, world.organization, &roles::RoleFilter::default()).await.unwrap();
        let held = all.iter().find(|role| role.name() == "Administrators").unwrap().id;
        let widen = change(RoleOperation::Permissions(SetChange::Add(BTreeSet::from(["internal_org_idp_update".to_owned()]))));
        roles::apply(&app.state, &own, world.organization, held, None, &widen).await.unwrap_err();
        let new = NewRole {
            name: "New".to_owned(),
            audience: None,
            permissions: BTreeSet::from(["internal_org_user_mgt_create".to_owned()]),
        };
        roles::create(&app.state, &own, world.organization, &new).await.unwrap_err();
        // What they have they may give.
        let give = change(RoleOperation::Users(SetChange::Add(BTreeSet::from([user.id]))));
        roles::apply(&app.state, &own, world.organization, held, None, &give).await.unwrap();
    }

    async fn nobody_changes_somebody_there_who_may_do_more(app: TestApp) {
        let world = world(&app).await;
        give_role(&app, &world, &MANAGES_USERS).await;
        let boss = add_user(&app, world.environment.id, world.organization, COLLEAGUE, vec![password(PASSWORD)]).await;
        let principal = Principal::operator(world.environment.id);
        let more = NewRole {
            name: "More".to_owned(),
            audience: None,
            permissions: BTreeSet::from(["internal_org_role_mgt_update".to_owned()]),
        };
        let more = roles::create(&app.state, &principal, world.organization, &more).await.unwrap();
        let delegate = Delegate::signed_in(&app, &world, EMAIL).await;
        let at = |rest: &str| format!("/users/{boss}{rest}");
        let (password_page, deletion) = (delegate.page(&at("/password")).await, delegate.page(&at("/delete")).await);
        let (shown, address) = (delegate.page(&at("")).await, delegate.page(&at("/addresses")).await);
        let give = [RoleOperation::Users(SetChange::Add(BTreeSet::from([boss])))];
        roles::apply(&app.state, &principal, world.organization, more.id, None, &give).await.unwrap();
        let sent = [
            delegate.send(&password_page, &at("/password"), &[("password", "another kettle in snow")]).await,
            delegate.send(&deletion, &at("/delete"), &[("confirm", "Dana Doe")]).await,
            delegate.send(&shown, &at("/status"), &[("status", "inactive")]).await,
            delegate.send(&address, &at("/addresses"), &[("type", "email"), ("address", "mine@acme.com")]).await,
        ];
        for answer in sent {
            assert_eq!(answer.status, 403, "{}", answer.body);
            assert!(answer.body.contains("may do what you may not do yourself"), "{}", answer.body);
        }
        code(&world.sign_in(&app, &app.browser(), COLLEAGUE, PASSWORD).await);
    }

    async fn nothing_of_another_organization_is_there(app: TestApp) {
        let world = world(&app).await;
        give_role(&app, &world, &MANAGES_USERS).await;
        let other = app.tenant(&world.environment, "globex.com").await.organization.id;
        let theirs = add_user(&app, world.environment.id, other, "x@globex.com", vec![password(PASSWORD)]).await;
        let delegate = Delegate::signed_in(&app, &world, EMAIL).await;
        for rest in [
            format!("/organizations/{other}"),
            format!("/organizations/{other}/users"),
            format!("/organizations/{other}/users/new"),
            format!("/users/{theirs}"),
            format!("/users/{theirs}/edit"),
            format!("/users/{theirs}/delete"),
            format!("/users/{theirs}/password"),
            format!("/organizations/{}/users", OrganizationId::from_bits(world.environment.id.bits())),
        ] {
            assert_eq!(delegate.get(&rest).await.status, 404, "{rest}");
        }
        // With a form of their own that goes elsewhere.
        let own = delegate.page(&format!("/users/{}", world.user)).await;
        let mut form = form_to(&own, &delegate.path(&format!("/users/{}/status", world.user))).unwrap();
        form.action = form.action.replace(&world.user.to_string(), &theirs.to_string());
        let answer = delegate.browser.submit(&own, &form).await;
        assert_eq!(answer.status, 404, "{}", answer.body);
        // At the other organization's address they are nobody.
        let elsewhere = format!("{}/admin", crate::account_sign_in::issuer_of("prod", other));
        assert_eq!(delegate.browser.get(&app.url(&elsewhere)).await.status, 303);
        let log = delegate.page(&format!("/audit-events?organizationId={other}")).await;
        assert!(!log.body.contains(&theirs.to_string()), "{}", log.body);
    }

    async fn an_administrator_of_an_organization_is_no_witness_for_an_address(app: TestApp) {
        let world = world(&app).await;
        give_role(&app, &world, &MANAGES_USERS).await;
        let delegate = Delegate::signed_in(&app, &world, EMAIL).await;
        let new = format!("{}/new", delegate.users());
        let form = delegate.page(&new).await;
        let fields = [("email", "ceo@globex.com"), ("access", "none"), ("emailVerified", "true")];
        let refused = delegate.send(&form, &new, &fields).await;
        assert_eq!(refused.status, 422, "{}", refused.body);
        assert!(refused.body.contains("by the vendor only"), "{}", refused.body);
        let made = delegate.send(&form, &new, &[("email", "ceo@globex.com"), ("access", "none"), ("emailVerified", "")]).await;
        assert_eq!(made.status, 303, "{}", made.body);
        let page = delegate.browser.get(made.location().as_str()).await;
        assert!(page.body.contains("Not verified") && !page.body.contains("Mark as verified"), "{}", page.body);
        let id = made.location().path().rsplit('/').next().unwrap().to_owned();
        let addresses = format!("/users/{id}/addresses");
        let sent = delegate.send(&page, &addresses, &[("address", "ceo@globex.com"), ("setVerified", "true")]).await;
        assert_eq!(sent.status, 422, "{}", sent.body);
        assert_eq!(delegate.get(&format!("/users/{id}/codes")).await.status, 404);
    }

    async fn a_role_that_is_taken_away_ends_it_at_once(app: TestApp) {
        let world = world(&app).await;
        give_role(&app, &world, &MANAGES_USERS).await;
        let delegate = Delegate::signed_in(&app, &world, EMAIL).await;
        delegate.page("").await;
        let principal = Principal::operator(world.environment.id);
        let role = roles::list(&app.state, &principal, world.organization, &roles::RoleFilter::default()).await.unwrap().remove(0);
        roles::remove(&app.state, &principal, world.organization, role.id).await.unwrap();
        assert_eq!(delegate.get("").await.status, 403);
    }

    async fn forms_of_other_sites_are_refused(app: TestApp) {
        let world = world(&app).await;
        give_role(&app, &world, &MANAGES_USERS).await;
        let delegate = Delegate::signed_in(&app, &world, EMAIL).await;
        let new = delegate.path(&format!("{}/new", delegate.users()));
        let fields = [("email", COLLEAGUE), ("access", "none")];
        let answer = delegate.browser.post(&app.url(&new), &fields).await;
        assert_eq!(answer.status, 403, "{}", answer.body);
    }

    async fn the_set_up_opens_for_what_the_role_permits(app: TestApp) {
        let world = world(&app).await;
        give_role(&app, &world, &["internal_org_idp_update", "internal_org_domain_mgt_view"]).await;
        let delegate = Delegate::signed_in(&app, &world, EMAIL).await;
        let home = delegate.page("").await;
        let on = delegate.send(&home, "/setup", &[]).await;
        assert_eq!(on.status, 303, "{}", on.body);
        let opened = delegate.browser.get(on.location().as_str()).await;
        assert!(opened.status.is_success() || opened.status.is_redirection(), "{}", opened.body);
    }

    async fn somebody_of_the_root_administers_an_organization_by_their_image_there(app: TestApp) {
        let world = world(&app).await;
        let root = model::organization::root_id(world.environment.id);
        let user = add_user(&app, world.environment.id, root, "owner@vendor.example", vec![password(PASSWORD)]).await;
        let principal = Principal::operator(world.environment.id);
        let owner = ostiary::app::accounts::users::find_any(&app.state, &principal, user).await.unwrap();
        let mut tx = app.state.db.write().await.unwrap();
        let kind = model::user::AssociationKind::Shared;
        let image = associations::create(&mut tx, &app.state, &principal, &owner, world.organization, kind).await.unwrap();
        tx.commit().await.unwrap();
        let at_root = World { issuer: "/prod/root".to_owned(), organization: root, user, ..world_of(&world) };
        let browser = app.browser();
        code(&at_root.sign_in(&app, &browser, "owner@vendor.example", PASSWORD).await);
        let admin = app.url(&format!("{}/admin", world.issuer));
        let account = app.url("/prod/root/account");
        assert_eq!(browser.get(&admin).await.status, 403, "the image alone is no role");
        assert!(!browser.get(&account).await.body.contains("What you administer"));
        give_role(&app, &World { user: image.user_id, ..world_of(&world) }, &MANAGES_USERS).await;
        let page = browser.get(&admin).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let account = browser.get(&account).await;
        assert!(account.body.contains(&format!("{}/admin", world.issuer)), "{}", account.body);
        // The image is one of the organization's users; whoever it is at home is not.
        let users = browser.get(&app.url(&format!("{}/admin/users/{}", world.issuer, image.user_id))).await;
        assert_eq!(users.status, 200, "{}", users.body);
        let home = browser.get(&app.url(&format!("{}/admin/users/{user}", world.issuer))).await;
        assert_eq!(home.status, 404, "{}", home.body);
        // Without the association they are nobody there.
        associations::remove(&app.state, &principal, world.organization, image.user_id).await.unwrap();
        assert_eq!(browser.get(&admin).await.status, 403);
    }

    async fn the_set_up_ends_with_the_role(app: TestApp) {
        let world = world(&app).await;
        give_role(&app, &world, &["internal_org_idp_update"]).await;
        let delegate = Delegate::signed_in(&app, &world, EMAIL).await;
        let home = delegate.page("").await;
        let link = delegate.send(&home, "/setup", &[]).await.location().to_string();
        let page = delegate.browser.get(&link).await;
        let opened = delegate.browser.submit(&page, &page.form()).await;
        assert_eq!(opened.status, 303, "{}", opened.body);
        let opened = opened.location().to_string();
        assert_eq!(delegate.browser.get(&opened).await.status, 200);
        // In another browser the set-up is opened anew.
        let elsewhere = Delegate::signed_in(&app, &world, EMAIL).await;
        let home = elsewhere.page("").await;
        let unused = elsewhere.send(&home, "/setup", &[]).await.location().to_string();
        assert!(unused.contains("one-time-token"), "{unused}");
        let principal = Principal::operator(world.environment.id);
        let role = roles::list(&app.state, &principal, world.organization, &roles::RoleFilter::default()).await.unwrap().remove(0);
        roles::remove(&app.state, &principal, world.organization, role.id).await.unwrap();
        assert_ne!(delegate.browser.get(&opened).await.status, 200);
        let page = app.browser().get(&unused).await;
        assert_ne!(page.status, 200, "{}", page.body);
    }
}

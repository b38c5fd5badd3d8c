//! What an organization's own administrators are told, asked and led to on their pages.

use std::{collections::BTreeSet, time::Duration};

use model::user_group::UserGroup;
use ostiary::app::{
    accounts::{associations, groups},
    principal::Principal,
    roles::{self, NewRole, RoleFilter, RoleOperation, SetChange},
};

use super::{
    EMAIL, PASSWORD, World, add_user,
    delegates::{COLLEAGUE, Delegate, MANAGES_USERS, give_role, world_of},
    give, password, world,
};
use crate::{
    both,
    support::{
        Answer, Browser, TestApp,
        forms::form_to,
        mail::{MailServer, code_of},
        query,
    },
};

const OWN: &str = "another kettle in snow";

const MANAGES_ROLES: [&str; 4] = [
    "internal_org_role_mgt_view",
    "internal_org_role_mgt_create",
    "internal_org_role_mgt_update",
    "internal_org_role_mgt_delete",
];

/// Follows redirects, up to the first page.
async fn follow(browser: &Browser, mut answer: Answer) -> (Answer, String) {
    let mut path = String::new();
    for _ in 0..6 {
        if answer.status != 303 {
            break;
        }
        path = answer.location().path().to_owned();
        answer = browser.get(answer.location().as_str()).await;
    }
    (answer, path)
}

/// Signs in from the page that somebody was sent to; the last page and its path.
async fn sign_in_here(browser: &Browser, answer: Answer, email: &str, password: &str) -> (Answer, String) {
    let (page, _) = follow(browser, answer).await;
    let page = give(browser, &page, "identifier", email).await;
    let done = give(browser, &page, "password", password).await;
    follow(browser, done).await
}

/// The link that a page shows once.
fn link_of(page: &Answer) -> String {
    let start =
        page.body.find("<code>http").unwrap_or_else(|| panic!("no link in {}", page.body)) + "<code>".len();
    page.body[start..].split('<').next().unwrap().replace("&amp;", "&")
}

/// Sets the first password by the link of an invitation.
async fn accept(app: &TestApp, link: &str, password: &str) -> Answer {
    let browser = app.browser();
    let page = browser.get(link).await;
    if page.status != 200 {
        return page;
    }
    let mut form = page.form();
    form.fields.retain(|(name, _)| !["password", "repeated"].contains(&name.as_str()));
    for name in ["password", "repeated"] {
        form.fields.push((name.to_owned(), password.to_owned()));
    }
    browser.submit(&page, &form).await
}

fn operator(world: &World) -> Principal {
    Principal::operator(world.environment.id)
}

/// The role that the user of the world was given first.
async fn own_role(app: &TestApp, world: &World) -> base::id::RoleId {
    roles::list(&app.state, &operator(world), world.organization, &RoleFilter::ALL)
        .await
        .unwrap()
        .remove(0)
        .id
}

/// How many setup links the organization has.
async fn setup_links(app: &TestApp, world: &World) -> i64 {
    let mut conn = app.state.db.read().await.unwrap();
    let text = "SELECT COUNT(*) FROM setup_links WHERE organization_id = $1";
    conn.sql(text).bind(world.organization).one::<(i64,)>().await.unwrap().0
}

both! {
    async fn somebody_is_invited_by_a_letter_again_and_the_last_letter_counts(app: TestApp) {
        let server = MailServer::start().await;
        let app = app.sending_by(server.port).await;
        let world = world(&app).await;
        give_role(&app, &world, &MANAGES_USERS).await;
        let delegate = Delegate::signed_in(&app, &world, EMAIL).await;
        let new = format!("{}/new", delegate.users());
        let form = delegate.page(&new).await;
        form.says("An invitation by letter").does_not_say("The address is theirs");
        let nowhere = delegate.send(&form, &new, &[("userName", "hal"), ("access", "invitation")]).await;
        assert_eq!(nowhere.status, 422);
        nowhere.says("E-mail address: Is required");
        let made = delegate.send(&form, &new, &[("email", COLLEAGUE), ("access", "invitation")]).await;
        assert_eq!(made.status, 303, "{}", made.body);
        let shown = delegate.browser.get(made.location().as_str()).await;
        shown.says("Invitation sent.").says("They are invited").says("Send it again").does_not_say("activation code");
        delegate.page(&delegate.users()).await.says("Invited");
        let first = code_of(&server.letter_with_code_to(COLLEAGUE, 1).await);
        let invitation = format!("{}/invitation", made.location().path().split("/admin").nth(1).unwrap());
        let again = delegate.send(&shown, &invitation, &[]).await;
        assert_eq!(again.status, 303, "{}", again.body);
        let second = code_of(&server.letter_with_code_to(COLLEAGUE, 2).await);
        let link = |code: &str| app.url(&format!("{}/sign-in/activate?code={code}", world.issuer));
        let opened = app.browser().get(&link(&first)).await;
        assert!(!opened.body.contains("name=\"password\""), "{}", opened.body);
        let accepted = accept(&app, &link(&second), OWN).await;
        assert_eq!(accepted.status, 303, "{}", accepted.body);
        let page = delegate.browser.get(made.location().as_str()).await;
        page.says("Active").says("Verified").does_not_say("They are invited");
        // There is nobody to invite any more.
        let late = delegate.send(&shown, &invitation, &[]).await;
        assert_eq!(late.status, 422);
        late.says("not new any more");
        delegate.page("/audit-events").await.says("made a one-time code for the user");
    }

    async fn without_a_mail_server_the_link_is_shown_once_and_can_be_withdrawn(app: TestApp) {
        let world = world(&app).await;
        give_role(&app, &world, &MANAGES_USERS).await;
        let delegate = Delegate::signed_in(&app, &world, EMAIL).await;
        let new = format!("{}/new", delegate.users());
        let form = delegate.page(&new).await;
        form.says("An invitation by a link");
        let made = delegate.send(&form, &new, &[("email", COLLEAGUE), ("access", "invitation")]).await;
        made.says("Copy it now: it is not shown again");
        let (link, id) = (link_of(&made), made.first_id("usr_"));
        let at = format!("/users/{id}");
        let page = delegate.page(&at).await;
        page.says("They are invited").says("Make another link");
        assert!(!page.body.contains("code="), "{}", page.body);
        let invitation = format!("{at}/invitation");
        let withdrawn = delegate.send(&page, &invitation, &[("withdraw", "1")]).await;
        assert_eq!(withdrawn.status, 303, "{}", withdrawn.body);
        let page = delegate.browser.get(withdrawn.location().as_str()).await;
        page.says("Invitation withdrawn.").says("This user is new");
        delegate.page(&delegate.users()).await.says("New").does_not_say("Invited");
        assert!(!app.browser().get(&link).await.body.contains("name=\"password\""));
        delegate.page("/audit-events").await.says("withdrew the invitation of the user");
        // What shows a way into somebody's account wants a recent proof.
        app.advance(Duration::from_secs(11 * 60));
        let stale = delegate.send(&page, &invitation, &[]).await;
        assert_eq!(stale.status, 422, "{}", stale.body);
        assert!(!stale.body.contains("code="), "{}", stale.body);
        let delegate = Delegate::signed_in(&app, &world, EMAIL).await;
        let page = delegate.page(&at).await;
        let again = delegate.send(&page, &invitation, &[]).await;
        let accepted = accept(&app, &link_of(&again), OWN).await;
        assert_eq!(accepted.status, 303, "{}", accepted.body);
        // The administrator saw the link: it proves no address.
        delegate.page(&at).await.says("Active").says("Not verified");
    }

    async fn who_signs_in_comes_back_to_the_page_of_the_administration(app: TestApp) {
        let world = world(&app).await;
        give_role(&app, &world, &MANAGES_USERS).await;
        let wanted = format!("{}/admin/users/{}/password", world.issuer, world.user);
        for path in [format!("{}/admin", world.issuer), wanted.clone()] {
            let browser = app.browser();
            let asked = browser.get(&app.url(&path)).await;
            assert_eq!(asked.status, 303);
            let (page, arrived) = sign_in_here(&browser, asked, EMAIL, PASSWORD).await;
            assert_eq!((page.status.as_u16(), arrived), (200, path));
        }
        // Who proves once more who they are, too.
        let delegate = Delegate::signed_in(&app, &world, EMAIL).await;
        app.advance(Duration::from_secs(11 * 60));
        let page = delegate.browser.get(&app.url(&wanted)).await;
        let confirm = page.body.split("href=\"").find(|text| text.contains("/account/confirm?next=")).unwrap();
        let confirm = delegate.browser.get(&app.url(confirm.split('"').next().unwrap())).await;
        let mut form = form_to(&confirm, &format!("{}/account/confirm", world.issuer)).unwrap();
        form.fields.retain(|(name, _)| name != "password");
        form.fields.push(("password".to_owned(), PASSWORD.to_owned()));
        let done = delegate.browser.submit(&confirm, &form).await;
        assert_eq!(done.location().path(), wanted, "{}", done.body);
        // The image of somebody of the root is where they are signed in: at the root.
        let elsewhere = app.browser().get(&app.url(&format!("{}/sign-in?next=admin//evil.example", world.issuer))).await;
        assert!(!elsewhere.location().as_str().contains("evil"));
    }

    async fn who_is_signed_in_at_the_root_proves_it_there(app: TestApp) {
        let world = world(&app).await;
        let root = model::organization::root_id(world.environment.id);
        let user = add_user(&app, world.environment.id, root, "owner@vendor.example", vec![password(PASSWORD)]).await;
        let owner = ostiary::app::accounts::users::find_any(&app.state, &operator(&world), user).await.unwrap();
        let mut tx = app.state.db.write().await.unwrap();
        let kind = model::user::AssociationKind::Owner;
        let image = associations::create(&mut tx, &app.state, &operator(&world), &owner, world.organization, kind).await.unwrap();
        tx.commit().await.unwrap();
        give_role(&app, &World { user: image.user_id, ..world_of(&world) }, &MANAGES_USERS).await;
        let browser = app.browser();
        let account = browser.get(&app.url("/prod/root/account")).await;
        let (account, _) = sign_in_here(&browser, account, "owner@vendor.example", PASSWORD).await;
        account.says("What you administer");
        app.advance(Duration::from_secs(11 * 60));
        let path = format!("{}/admin/users/{}/password", world.issuer, world.user);
        let page = browser.get(&app.url(&path)).await;
        assert!(page.body.contains("/prod/root/account/confirm?next=admin/"), "{}", page.body);
        let confirm = page.body.split("href=\"").find(|text| text.contains("/account/confirm?next=")).unwrap();
        let confirm = browser.get(&app.url(confirm.split('"').next().unwrap())).await;
        let mut form = form_to(&confirm, "/prod/root/account/confirm").unwrap();
        form.fields.retain(|(name, _)| name != "password");
        form.fields.push(("password".to_owned(), PASSWORD.to_owned()));
        let done = browser.submit(&confirm, &form).await;
        assert_eq!(done.location().path(), path, "{}", done.body);
    }

    async fn errors_speak_to_the_administrator_of_an_organization(app: TestApp) {
        let world = world(&app).await;
        give_role(&app, &world, &["internal_org_user_mgt_list"]).await;
        let delegate = Delegate::signed_in(&app, &world, EMAIL).await;
        let home = format!("href=\"{}\"", delegate.path(""));
        let missing = format!("/users/{}", base::id::UserId::from_bits(7));
        for (rest, status, words) in [
            ("/audit-events", 403, "somebody else who administers your organization"),
            ("/api-keys", 404, "Begin again at your start page"),
            (&missing, 404, "Begin again at your start page"),
        ] {
            let page = delegate.browser.send(delegate.browser.request(reqwest::Method::GET, &app.url(&delegate.path(rest))).header("accept", "text/html")).await;
            assert_eq!(page.status, status, "{rest}");
            page.says(words).does_not_say("owner of the environment").does_not_say("your environments");
            assert!(page.body.contains(&home) && !page.body.contains("/console"), "{}", page.body);
        }
        let nobody = add_user(&app, world.environment.id, world.organization, COLLEAGUE, vec![password(PASSWORD)]).await;
        let stranger = Delegate::signed_in(&app, &World { user: nobody, ..world_of(&world) }, COLLEAGUE).await.get("").await;
        assert_eq!(stranger.status, 403);
        assert!(stranger.body.contains(&format!("{}/account\"", world.issuer)), "{}", stranger.body);
    }

    async fn who_may_little_is_told_what_and_whom_to_ask(app: TestApp) {
        let world = world(&app).await;
        give_role(&app, &world, &["internal_org_application_mgt_view"]).await;
        let delegate = Delegate::signed_in(&app, &world, EMAIL).await;
        delegate.page("").await.says("What your roles permit").says("See applications").says("ask somebody else who administers");
        let user = format!("/users/{}", world.user);
        assert_eq!(delegate.get(&user).await.status, 403);
        give_more(&app, &world, "Readers", &["internal_org_user_mgt_list"]).await;
        // Only what works is linked.
        delegate.page(&user).await.does_not_say("Audit log of this user").does_not_say("Add to a group").does_not_say("Roles");
        give_more(&app, &world, "Groupers", &["internal_org_user_mgt_update"]).await;
        let groups = delegate.page(&format!("{user}/groups")).await;
        groups.says("has no group yet");
        assert!(!groups.body.contains("/groups/new") && !groups.body.contains("identity-pools"), "{}", groups.body);
        delegate.page(&format!("{user}/addresses")).await.says("prove it themselves").does_not_say("The address is theirs");
    }

    async fn roles_are_given_and_taken_on_the_page_of_a_user(app: TestApp) {
        let world = world(&app).await;
        give_role(&app, &world, &[&MANAGES_ROLES[..], &["internal_org_user_mgt_list"]].concat()).await;
        let more = NewRole {
            name: "Deleters".to_owned(),
            audience: None,
            permissions: BTreeSet::from(["internal_org_user_mgt_delete".to_owned()]),
        };
        let more = roles::create(&app.state, &operator(&world), world.organization, &more).await.unwrap();
        let other = add_user(&app, world.environment.id, world.organization, COLLEAGUE, vec![password(PASSWORD)]).await;
        let delegate = Delegate::signed_in(&app, &world, EMAIL).await;
        let at = format!("/users/{other}");
        let page = delegate.page(&at).await;
        // What they do not have themselves they are not offered.
        page.says("They have no role.").says("Administrators").does_not_say("Deleters");
        let own = own_role(&app, &world).await;
        let given = delegate.send(&page, &format!("{at}/roles"), &[("role", &own.to_string())]).await;
        assert_eq!(given.status, 303, "{}", given.body);
        let page = delegate.browser.get(given.location().as_str()).await;
        page.says("Role added.").says("Administrators");
        let forced = delegate.send(&page, &format!("{at}/roles"), &[("role", &more.id.to_string()), ("remove", "")]).await;
        assert_eq!(forced.status, 422);
        forced.says("which you do not have yourself");
        let taken = delegate.send(&page, &format!("{at}/roles"), &[("remove", &own.to_string())]).await;
        assert_eq!(taken.status, 303, "{}", taken.body);
        delegate.browser.get(taken.location().as_str()).await.says("They have no role.");
        give_more(&app, &world, "Auditors", &["internal_org_audit_event_view"]).await;
        delegate.page("/audit-events").await.says("gave Dana Doe the role Administrators").says("took from Dana Doe the role Administrators");
    }

    async fn nobody_takes_their_own_rights_without_being_asked(app: TestApp) {
        let world = world(&app).await;
        give_role(&app, &world, &[&MANAGES_ROLES[..], &MANAGES_USERS[..]].concat()).await;
        let delegate = Delegate::signed_in(&app, &world, EMAIL).await;
        let (role, me) = (own_role(&app, &world).await.to_string(), format!("/users/{}", world.user));
        let place = format!("/organizations/{}/roles/{role}", world.organization);
        let own_page = delegate.page(&me).await;
        let role_page = delegate.page(&place).await;
        let edit = delegate.page(&format!("{place}/edit")).await;
        let delete = delegate.page(&format!("{place}/delete")).await;
        let id = world.user.to_string();
        let attempts = [
            (&own_page, format!("{me}/roles"), vec![("remove", role.as_str())], "administer this organization any more"),
            (&role_page, format!("{place}/members"), vec![("remove", id.as_str())], "administer this organization any more"),
            (&edit, format!("{place}/edit"), vec![("permissions", "internal_org_role_mgt_view")], "Add and invite users"),
            (&delete, format!("{place}/delete"), vec![("confirm", "Administrators")], "administer this organization any more"),
            (&own_page, format!("{me}/status"), vec![("status", "inactive")], "your own account"),
        ];
        for (page, path, fields, words) in &attempts {
            let asked = delegate.send(page, path, fields).await;
            assert_eq!(asked.status, 200, "{path}: {}", asked.body);
            asked.says("You take this from yourself").says(words);
        }
        delegate.page(&format!("{me}/delete")).await.says("This is your own account");
        // Nothing was done yet; what was asked is done all the same once it was read.
        delegate.page(&me).await.says("Administrators").says("Active");
        // Through a group they keep it.
        let user = ostiary::app::accounts::users::find_any(&app.state, &operator(&world), world.user).await.unwrap();
        let settings = groups::GroupSettings { name: "Staff".to_owned(), ..groups::GroupSettings::default() };
        let group: UserGroup = groups::create(&app.state, &operator(&world), user.pool_id, None, &settings).await.unwrap();
        groups::add_member(&app.state, &operator(&world), (user.pool_id, group.id, user.id), None).await.unwrap();
        let role_id = role.parse().unwrap();
        let give = [RoleOperation::Groups(SetChange::Add(BTreeSet::from([group.id])))];
        roles::apply(&app.state, &operator(&world), world.organization, role_id, None, &give).await.unwrap();
        let kept = delegate.send(&own_page, &format!("{me}/roles"), &[("remove", &role)]).await;
        assert_eq!(kept.status, 303, "{}", kept.body);
        // Then they leave the group.
        let page = delegate.page(&me).await;
        page.says("through the group Staff");
        let asked = delegate.send(&page, &format!("{me}/groups"), &[("remove", &group.id.to_string())]).await;
        asked.says("administer this organization any more");
        let left = delegate.send(&asked, &format!("{me}/groups"), &[("confirmLoss", "true")]).await;
        assert_eq!(left.status, 303, "{}", left.body);
        assert_eq!(delegate.get("").await.status, 403);
    }

    async fn the_set_up_is_opened_again_and_leads_back(app: TestApp) {
        let world = world(&app).await;
        give_role(&app, &world, &["internal_org_idp_update"]).await;
        let delegate = Delegate::signed_in(&app, &world, EMAIL).await;
        let home = delegate.page("").await;
        let first = delegate.send(&home, "/setup", &[]).await.location().to_string();
        let second = delegate.send(&home, "/setup", &[]).await.location().to_string();
        assert_ne!(first, second);
        assert_eq!(setup_links(&app, &world).await, 1, "one link is renewed");
        assert_ne!(delegate.browser.get(&first).await.status, 200);
        let page = delegate.browser.get(&second).await;
        let opened = delegate.browser.submit(&page, &page.form()).await;
        let setup = delegate.browser.get(opened.location().as_str()).await;
        setup.says("Back to the administration of your organization");
        assert!(setup.body.contains(&app.url(&delegate.path(""))), "{}", setup.body);
        // It runs on in this browser.
        let again = delegate.send(&home, "/setup", &[]).await;
        assert_eq!(again.location().path(), "/setup/home");
        assert_eq!(setup_links(&app, &world).await, 1);
        assert!(query(&again.location(), "one-time-token").is_none());
        // A wider role opens a wider set-up.
        give_more(&app, &world, "Directories", &["internal_org_directory_mgt_update"]).await;
        let wider = delegate.send(&home, "/setup", &[]).await;
        assert!(query(&wider.location(), "one-time-token").is_some(), "{}", wider.location());
        assert_eq!(setup_links(&app, &world).await, 1);
    }
}

/// Gives the user of the world one more role.
async fn give_more(app: &TestApp, world: &World, name: &str, permissions: &[&str]) {
    let new = NewRole {
        name: name.to_owned(),
        audience: None,
        permissions: permissions.iter().map(|name| (*name).to_owned()).collect(),
    };
    let role = roles::create(&app.state, &operator(world), world.organization, &new).await.unwrap();
    let give = [RoleOperation::Users(SetChange::Add(BTreeSet::from([world.user])))];
    roles::apply(&app.state, &operator(world), world.organization, role.id, None, &give).await.unwrap();
}

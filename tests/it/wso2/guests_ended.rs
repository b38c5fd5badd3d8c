//! What ends invitations of guests, what whoever invites may give, and where the console shows them.

use std::{collections::BTreeSet, time::Duration};

use base::id::UserId;
use model::{
    administrator,
    organization::Organization,
    user::{AssociationKind, User, UserStatus},
};
use ostiary::{
    app::{
        Error,
        accounts::{associations, groups, users},
        guests::{self, GuestError, NewInvitations},
        organizations::{self, OrganizationChange},
        permissions::Scope,
        principal::Principal,
        resource,
        roles::{self, RoleOperation, SetChange},
    },
    store::table,
};
use serde_json::json;

use super::{
    guests::{Host, accept, add_user, refused, uuid},
    organization,
};
use crate::both;

const USERS: &str = "internal_org_user_mgt_list";

impl Host<'_> {
    async fn user(&self, id: UserId) -> User {
        let mut conn = self.app.state.db.read().await.unwrap();
        table::find(&mut conn, self.environment.id, id).await.unwrap().expect("a user")
    }

    async fn switch_organization(&self, disabled: bool) {
        let change = OrganizationChange { disabled: Some(disabled), ..OrganizationChange::default() };
        organizations::update(&self.app.state, &self.operator(), self.organization, None, &change)
            .await
            .unwrap();
    }

    /// Makes a user of the root one of the organization's, with a role; the image.
    async fn let_in(&self, user: UserId, role: base::id::RoleId) -> UserId {
        let user = self.user(user).await;
        let mut tx = self.app.state.db.write().await.unwrap();
        let (state, operator) = (&self.app.state, self.operator());
        let made =
            associations::create(&mut tx, state, &operator, &user, self.organization, AssociationKind::Owner)
                .await
                .unwrap();
        let place = (self.environment.id, self.organization);
        roles::assign_user(&mut tx, state, &operator, place, made.user_id, role).await.unwrap();
        tx.commit().await.unwrap();
        made.user_id
    }

    /// What a user of the root gets who invites with these roles.
    async fn invite_as(
        &self,
        user: UserId,
        name: &str,
        roles: &[base::id::RoleId],
    ) -> Result<String, GuestError> {
        let principal = Principal::user(user, self.environment.id)
            .with_token([Scope::GuestsManage].into_iter().collect(), Some(self.organization));
        let new = NewInvitations {
            user_names: vec![name.to_owned()],
            roles: roles.iter().copied().collect(),
            hand_over: true,
            ..NewInvitations::default()
        };
        let mut made = guests::invite(&self.app.state, &principal, self.organization, &new).await?;
        made.remove(0).result.map(|code| code.expect("a code").reveal())
    }
}

both! {
    async fn it_ends_after_three_days_and_can_be_made_again(app: TestApp) {
        let host = Host::new(&app).await;
        let ann = add_user(&app, &host.environment, "ann").await;
        let code = host.by_hand("ann", &[]).await;
        let new = NewInvitations { user_names: vec!["ann".into()], hand_over: true, ..NewInvitations::default() };
        let list = async |expired| guests::list(&app.state, &host.operator(), host.organization, Some(expired)).await.unwrap().len();
        app.advance(Duration::from_secs(72 * 3600 - 60));
        assert_eq!((list(true).await, list(false).await), (0, 1));
        app.advance(Duration::from_secs(60));
        assert_eq!((list(true).await, list(false).await), (1, 0));
        refused(&accept(&app, &code).await, "OUI-10019");
        let made = guests::invite(&app.state, &host.operator(), host.organization, &new).await.unwrap().remove(0);
        let again = made.result.unwrap().unwrap().reveal();
        assert_ne!(code, again);
        refused(&accept(&app, &code).await, "OUI-10013");
        assert_eq!(accept(&app, &again).await.status, 204);
        assert!(host.association(ann).await.is_some());
    }

    async fn what_ends_the_user_or_the_organization_ends_it(app: TestApp) {
        let host = Host::new(&app).await;
        let operator = host.operator();
        let (ann, ben) = (add_user(&app, &host.environment, "ann").await, add_user(&app, &host.environment, "ben").await);
        let code = host.by_hand("ann", &[]).await;
        let pool = host.user(ann).await.pool_id;
        // Switched off: not now.
        users::set_status(&app.state, &operator, (pool, ann), None, UserStatus::Inactive).await.unwrap();
        refused(&accept(&app, &code).await, "OUI-10028");
        assert_eq!(host.try_by_hand("ann", json!({})).await["result"]["errorCode"], "OUI-10011");
        users::set_status(&app.state, &operator, (pool, ann), None, UserStatus::Active).await.unwrap();
        host.switch_organization(true).await;
        refused(&accept(&app, &code).await, "OUI-10024");
        host.switch_organization(false).await;
        // Removed: never.
        users::remove(&app.state, &operator, (pool, ann), None).await.unwrap();
        refused(&accept(&app, &code).await, "OUI-10013");
        assert_eq!(guests::list(&app.state, &operator, host.organization, None).await.unwrap().len(), 0);
        let new = NewInvitations { user_names: vec!["ben".into()], hand_over: true, ..NewInvitations::default() };
        let made = guests::invite(&app.state, &operator, host.organization, &new).await.unwrap().remove(0);
        let code = made.result.unwrap().unwrap().reveal();
        resource::remove::<Organization>(&app.state, &operator, host.organization, None).await.unwrap();
        refused(&accept(&app, &code).await, "OUI-10013");
        assert!(host.association(ben).await.is_none());
        let mut conn = app.state.db.read().await.unwrap();
        let (left,): (i64,) = conn.sql("SELECT COUNT(*) FROM guest_invitations").one().await.unwrap();
        assert_eq!(left, 0);
    }

    async fn a_user_gives_what_they_have_when_it_is_accepted(app: TestApp) {
        let host = Host::new(&app).await;
        let (ann, ben) = (add_user(&app, &host.environment, "ann").await, add_user(&app, &host.environment, "ben").await);
        let kim = add_user(&app, &host.environment, "kim").await;
        let own = host.role("Inviters", &["internal_org_guest_mgt_invite_add", USERS]).await;
        let same = host.role("Lookers", &[USERS]).await;
        let more = host.role("Administrators", &[USERS, "internal_org_user_mgt_delete"]).await;
        let image = host.let_in(ann, own).await;
        assert!(matches!(host.invite_as(ann, "ben", &[more]).await, Err(GuestError::Role(_))));
        assert!(matches!(host.invite_as(ann, "ben", &[same, more]).await, Err(GuestError::Role(_))));
        let code = host.invite_as(ann, "ben", &[same]).await.expect("a code");
        assert_eq!(accept(&app, &code).await.status, 204);
        let joined = host.association(ben).await.unwrap().user_id;
        assert_eq!(host.permissions(joined).await, BTreeSet::from([USERS.to_owned()]));
        // What they have lost meanwhile they do not give; the invited join all the same.
        let code = host.invite_as(ann, "kim", &[same]).await.expect("a code");
        associations::remove(&app.state, &host.operator(), host.organization, image).await.unwrap();
        assert_eq!(accept(&app, &code).await.status, 204);
        let joined = host.association(kim).await.unwrap().user_id;
        assert_eq!(host.permissions(joined).await, BTreeSet::new());
    }

    async fn a_user_brings_nobody_into_a_group_that_has_more_than_they_have(app: TestApp) {
        let host = Host::new(&app).await;
        let (ann, ben) = (add_user(&app, &host.environment, "ann").await, add_user(&app, &host.environment, "ben").await);
        let own = host.role("Inviters", &["internal_org_guest_mgt_invite_add", "internal_org_user_mgt_update"]).await;
        let more = host.role("Administrators", &["internal_org_user_mgt_delete"]).await;
        let image = host.let_in(ann, own).await;
        let member = host.user(image).await;
        let (free, group) = (app.group_of(&member, "Free").await, app.group_of(&member, "Admins").await);
        let operation = RoleOperation::Groups(SetChange::Add(BTreeSet::from([group])));
        let (state, operator) = (&app.state, host.operator());
        roles::apply(state, &operator, host.organization, more, None, &[operation]).await.unwrap();
        // By an invitation.
        let principal = Principal::user(ann, host.environment.id).with_token([Scope::GuestsManage].into_iter().collect(), Some(host.organization));
        let new = |group| NewInvitations { user_names: vec!["ben".into()], groups: [group].into(), hand_over: true, ..NewInvitations::default() };
        assert!(matches!(guests::invite(state, &principal, host.organization, &new(group)).await, Err(GuestError::Group(_))));
        let code = guests::invite(state, &principal, host.organization, &new(free)).await.unwrap().remove(0).result.unwrap().unwrap();
        assert_eq!(accept(&app, &code.reveal()).await.status, 204);
        let joined = host.association(ben).await.unwrap().user_id;
        let is_in = async |group| groups::is_member(state, &operator, (member.pool_id, group, joined)).await.unwrap();
        assert!(is_in(free).await);
        // By a change of the group, too.
        let principal = Principal::user(ann, host.environment.id).with_token([Scope::UsersUpdate].into_iter().collect(), Some(host.organization));
        let refused = groups::add_member(state, &principal, (member.pool_id, group, joined), None).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
        let changes = [groups::MemberChange::Add(vec![joined])];
        let refused = groups::change_with_members(state, &principal, (member.pool_id, group), None, &changes).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
        assert!(!is_in(group).await);
        groups::add_member(state, &operator, (member.pool_id, group, joined), None).await.unwrap();
        assert!(is_in(group).await);
    }

    async fn a_role_that_is_gone_is_not_given(app: TestApp) {
        let host = Host::new(&app).await;
        let ann = add_user(&app, &host.environment, "ann").await;
        let (stays, goes) = (host.role("Stays", &[USERS]).await, host.role("Goes", &["internal_org_role_mgt_view"]).await);
        let code = host.by_hand("ann", &[stays, goes]).await;
        roles::remove(&app.state, &host.operator(), host.organization, goes).await.unwrap();
        let listed = host.invitations("").await;
        assert_eq!(listed[0]["roles"].as_array().unwrap().len(), 1, "{listed}");
        assert_eq!(accept(&app, &code).await.status, 204);
        let image = host.association(ann).await.unwrap().user_id;
        assert_eq!(host.permissions(image).await, BTreeSet::from([USERS.to_owned()]));
    }

    async fn the_console_shows_open_invitations_and_takes_them_back(app: TestApp) {
        let host = Host::new(&app).await;
        add_user(&app, &host.environment, "ann").await;
        let code = host.by_hand("ann", &[host.role("Buyers", &[]).await]).await;
        let path = format!("/organizations/{}", host.organization);
        let viewer = app.console(administrator::Role::Viewer, &host.environment).await;
        let page = viewer.page(&path).await;
        page.says("ann (ann@vendor.example)").says("Buyers").does_not_say("Take back");
        let owner = app.console(administrator::Role::Owner, &host.environment).await;
        let page = owner.page(&path).await;
        page.says("Take back");
        let id = guests::list(&app.state, &host.operator(), host.organization, Some(false)).await.unwrap()[0].invitation.id;
        // Not by another organization's page.
        let other = organization(&app, &host.environment).await.id;
        let wrong = owner.post(&format!("/organizations/{other}/guest-invitations"), &[("remove", &id.to_string())]).await;
        assert_eq!(wrong.status, 404);
        let done = owner.post(&format!("{path}/guest-invitations"), &[("remove", &id.to_string())]).await;
        assert_eq!(done.status, 303, "{}", done.body);
        owner.page(&path).await.does_not_say("ann (ann@vendor.example)");
        refused(&accept(&app, &code).await, "OUI-10013");
        assert!(!uuid(id.bits()).is_empty());
    }
}

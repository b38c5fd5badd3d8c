//! Administrators: roles and accounts that are changed and removed at once, and the form of one's own name.

use futures_util::future::{join, join_all};
use model::{
    account::AuthenticationMethod,
    administrator::{Administrator, Role},
};
use ostiary::{
    app::{
        Error,
        accounts::{Device, passwords::PasswordRealm},
        administrators::{
            SignedIn, account,
            invitations::{self, InvitationForm, InviteOutcome},
            roles::{self, RoleScope},
            sessions,
        },
        principal::Principal,
    },
    store,
};

use crate::{
    both,
    support::{TestApp, administrators::PASSWORD, console::seen_in},
};

const OPERATOR: RoleScope = RoleScope::Global(Principal::OPERATOR);

/// An owner of everything as the one who changes roles.
fn owner(administrator: &Administrator) -> RoleScope {
    RoleScope::Global(Principal::administrator(administrator.id, Role::Owner, true))
}

/// An administrator in a session of their own.
async fn session_of(app: &TestApp, administrator: &Administrator) -> SignedIn {
    let device = Device::default();
    let mut tx = app.state.db.write().await.unwrap();
    let begun =
        sessions::create(&mut tx, &app.state, administrator.id, AuthenticationMethod::Passkey, &device);
    let token = begun.await.unwrap().token.reveal();
    tx.commit().await.unwrap();
    sessions::find(&app.state, &token, &device).await.unwrap().unwrap()
}

/// The account as it is stored.
async fn stored(app: &TestApp, administrator: &Administrator) -> Administrator {
    let mut conn = app.state.db.read().await.unwrap();
    store::table::find(&mut conn, administrator.id, administrator.id).await.unwrap().unwrap()
}

async fn invited(app: &TestApp, email: &str) -> String {
    match invitations::create(&app.state, &OPERATOR, email, Role::Viewer).await.unwrap() {
        InviteOutcome::Link(_, token) => token.reveal(),
        InviteOutcome::Added(_) => panic!("an administrator already"),
    }
}

both! {
    async fn two_owners_who_remove_each_other_leave_one(app: TestApp) {
        let mut one = app.account("owner@ops.example", Role::Owner, None).await;
        for round in 0..20 {
            let other = app.account(&format!("owner{round}@ops.example"), Role::Owner, None).await;
            let (by_one, by_other) = (owner(&one), owner(&other));
            let (first, second) = match round % 2 {
                0 => join(
                    roles::remove(&app.state, &by_one, other.id),
                    roles::remove(&app.state, &by_other, one.id),
                )
                .await,
                _ => join(
                    roles::set_role(&app.state, &by_one, other.id, Role::Viewer),
                    roles::remove(&app.state, &by_other, one.id),
                )
                .await,
            };
            let left = store::administrators::count_owners(&mut app.state.db.read().await.unwrap()).await.unwrap();
            assert_eq!(left, 1, "round {round}: {first:?} {second:?}");
            assert!(first.is_ok() != second.is_ok(), "round {round}: {first:?} {second:?}");
            let refused = first.as_ref().err().or(second.as_ref().err());
            assert!(matches!(refused, Some(Error::FailedPrecondition(_))), "round {round}: {refused:?}");
            if second.is_ok() {
                one = other;
            }
        }
    }

    async fn a_change_of_ones_own_does_not_bring_a_removed_account_back(app: TestApp) {
        app.account("owner@ops.example", Role::Owner, None).await;
        for round in 0..20 {
            let dana = app.with_password(&format!("dana{round}@ops.example")).await;
            let session = session_of(&app, &dana).await;
            let device = Device::default();
            let renamed = account::rename(&app.state, &session, None, "Renamed", &device);
            let (removed, renamed) = join(roles::remove(&app.state, &OPERATOR, dana.id), renamed).await;
            removed.unwrap();
            assert!(matches!(renamed, Ok(()) | Err(Error::FailedPrecondition(_))), "round {round}: {renamed:?}");
            let left = stored(&app, &dana).await;
            assert!(left.disabled_at.is_some() && app.password_of(dana.id).await.is_none(), "round {round}: {left:?}");
            assert_eq!(left.display_name == "Renamed", renamed.is_ok(), "round {round}");
        }
    }

    async fn a_name_and_a_password_set_at_once_are_both_there(app: TestApp) {
        for round in 0..5 {
            let dana = app.with_password(&format!("dana{round}@ops.example")).await;
            let session = session_of(&app, &dana).await;
            let (device, new) = (Device::default(), "another violet kettle");
            let rename = async || {
                for number in 0..40 {
                    account::rename(&app.state, &session, None, &format!("Dana {number}"), &device).await.unwrap();
                }
            };
            let set = account::set_password(&app.state, &session, PASSWORD, new, &device);
            join(rename(), async { set.await.unwrap() }).await;
            let now = stored(&app, &dana).await;
            assert_eq!((now.display_name.as_str(), now.version), ("Dana 39", dana.version + 40), "round {round}");
            assert!(app.state.passwords.verify(PasswordRealm::Console(None), new, app.password_of(dana.id).await.as_ref()).await.unwrap(), "round {round}");
        }
    }

    async fn a_reset_link_does_not_outlive_a_removal(app: TestApp) {
        app.account("owner@ops.example", Role::Owner, None).await;
        for round in 0..20 {
            let dana = app.account(&format!("dana{round}@ops.example"), Role::Viewer, None).await;
            let made = invitations::create_reset(&app.state, &Principal::OPERATOR, dana.id);
            let (made, removed) = join(made, roles::remove(&app.state, &OPERATOR, dana.id)).await;
            removed.unwrap();
            assert!(matches!(made, Ok(_) | Err(Error::NotFound { .. })), "round {round}: {made:?}");
            let open = invitations::list(&app.state, &OPERATOR).await.unwrap();
            assert!(open.is_empty(), "round {round}: {open:?}");
        }
    }

    async fn a_reset_link_that_is_used_during_a_removal_does_not_work(app: TestApp) {
        app.account("owner@ops.example", Role::Owner, None).await;
        let dana = app.account("dana@ops.example", Role::Viewer, None).await;
        let (_, token) = invitations::create_reset(&app.state, &Principal::OPERATOR, dana.id).await.unwrap();
        let token = token.reveal();
        // Somebody else has the account locked: first the removal waits for it, then whoever uses the link.
        let mut tx = app.state.db.write().await.unwrap();
        assert!(store::table::lock::<Administrator>(&mut tx, dana.id, dana.id).await.unwrap());
        let (state, id, writes) = (app.state.clone(), dana.id, app.state.db.requested_writes());
        let removal = actix_web::rt::spawn(async move { roles::remove(&state, &OPERATOR, id).await });
        app.write_blocked(writes).await;
        let (state, writes) = (app.state.clone(), app.state.db.requested_writes());
        let used = actix_web::rt::spawn(async move {
            let form = InvitationForm::default();
            let (new, device) = ("another violet kettle", Device::default());
            invitations::accept_with_password(&state, &token, &form, new, &device).await
        });
        app.write_blocked(writes).await;
        drop(tx);
        removal.await.unwrap().unwrap();
        let used = used.await.unwrap();
        assert!(matches!(used, Err(Error::NotFound { .. })), "{used:?}");
        let left = stored(&app, &dana).await;
        assert!(left.disabled_at.is_some() && app.password_of(dana.id).await.is_none(), "{left:?}");
    }

    async fn two_invitations_of_a_removed_administrator_are_not_both_taken(app: TestApp) {
        app.account("owner@ops.example", Role::Owner, None).await;
        for round in 0..5 {
            let email = format!("dana{round}@ops.example");
            let dana = app.account(&email, Role::Viewer, None).await;
            roles::remove(&app.state, &OPERATOR, dana.id).await.unwrap();
            let tokens = [invited(&app, &email).await, invited(&app, &email).await];
            let (form, device) = (InvitationForm::default(), Device::default());
            let accept =
                |token| invitations::accept_with_password(&app.state, token, &form, PASSWORD, &device);
            let taken = join_all(tokens.iter().map(|token| accept(token))).await;
            let good = taken.iter().filter(|one| one.is_ok()).count();
            assert_eq!(good, 1, "round {round}: {taken:?}");
            let now = stored(&app, &dana).await;
            assert!(now.disabled_at.is_none(), "round {round}: {now:?}");
        }
    }

    async fn the_form_of_ones_name_tells_what_was_changed_elsewhere(app: TestApp) {
        let dana = app.with_password("dana@ops.example").await;
        let browser = app.signed_in(&dana).await;
        let url = app.url("/console/account/name");
        let page = browser.get(&app.url("/console/account")).await;
        let token = page.form().field("form_token").unwrap().to_owned();
        let post = async |seen: &[(&'static str, String)], name: &str| {
            let mut fields = vec![("form_token", token.as_str()), ("displayName", name)];
            fields.extend(seen.iter().map(|(name, value)| (*name, value.as_str())));
            browser.post(&url, &fields).await
        };
        let seen = seen_in(&page, "/account/name");

        // Another session is no new version of the account; another name is.
        let session = session_of(&app, &dana).await;
        assert_eq!(stored(&app, &dana).await.version, session.administrator.version);
        assert_eq!(post(&seen, "Dana").await.status, 303);
        account::rename(&app.state, &session, None, "Elsewhere", &Device::default()).await.unwrap();
        let seen = seen_in(&browser.get(&app.url("/console/account")).await, "/account/name");
        account::rename(&app.state, &session, None, "Dana V.", &Device::default()).await.unwrap();
        let told = post(&seen, "Dana Vendor").await;
        assert_eq!(told.status, 409, "{}", told.body);
        told.says("This was changed while you were editing").says("now “Dana V.”");
        assert_eq!(told.input("displayName").as_deref(), Some("Dana Vendor"));
        assert_eq!(stored(&app, &dana).await.display_name, "Dana V.");
        assert_eq!(post(&[], "Blind").await.status, 409);
        assert_eq!(post(&seen_in(&told, "/account/name"), "Dana Vendor").await.status, 303);
        assert_eq!(stored(&app, &dana).await.display_name, "Dana Vendor");
    }
}

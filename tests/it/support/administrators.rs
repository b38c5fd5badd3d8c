//! Administrators, and browsers in which they are signed in to the console.

use base::{
    id::{AdministratorId, Id},
    random::{Random as _, SystemRandom},
};
use model::{
    account::{AuthenticationMethod, PasswordHash},
    administrator::{Administrator, Role, RoleGrant},
    email::Email,
    environment::Environment,
};
use ostiary::{
    app::{
        accounts::{Device, passwords::PasswordRealm},
        administrators::sessions,
    },
    store::{self, passwords::StoredPassword},
};

use super::{Browser, TestApp};

/// The console's cookie on the plain http of tests.
pub const CONSOLE_COOKIE: &str = "ostiary_console";

/// The password of those who have one.
pub const PASSWORD: &str = "violet kettle under snow";

impl TestApp {
    /// A browser in which a new administrator is signed in: with this role in one environment, or in every
    /// one.
    pub async fn administrator(&self, role: Role, environment: Option<&Environment>) -> Browser {
        let email = format!("{}-{:016x}@vendor.example", role.as_str(), SystemRandom.bits() as u64);
        let administrator = self.account(&email, role, environment).await;
        self.signed_in(&administrator).await
    }

    /// A new administrator, without password and passkeys.
    pub async fn account(&self, email: &str, role: Role, environment: Option<&Environment>) -> Administrator {
        let administrator = Administrator {
            id: Id::new(self.now(), &SystemRandom),
            version: 1,
            email: Email::parse(email).expect("an address"),
            display_name: "Dana Vendor".to_owned(),
            created_at: self.now(),
            updated_at: self.now(),
            disabled_at: None,
        };
        let grant = RoleGrant { environment_id: environment.map(|environment| environment.id), role };
        let mut tx = self.state.db.write().await.expect("a transaction");
        store::table::insert(&mut tx, &administrator).await.expect("an administrator stored");
        store::administrators::upsert_grant(&mut tx, administrator.id, grant).await.expect("a role stored");
        tx.commit().await.expect("a commit");
        administrator
    }

    /// A new owner of all environments with [`PASSWORD`].
    pub async fn with_password(&self, email: &str) -> Administrator {
        let administrator = self.account(email, Role::Owner, None).await;
        let hash = self
            .state
            .passwords
            .hash(PasswordRealm::Console(None), PASSWORD, &SystemRandom)
            .await
            .expect("a hash");
        let mut tx = self.state.db.write().await.expect("a transaction");
        let password = StoredPassword::valid(hash, self.now());
        store::passwords::upsert(&mut tx, administrator.id.into(), &password).await.expect("a password");
        tx.commit().await.expect("a commit");
        administrator
    }

    /// Removes an account, within the caller's transaction.
    pub async fn disable(&self, tx: &mut store::Transaction, id: AdministratorId) {
        let found = store::table::find_for_update::<Administrator>(tx, id, id).await.expect("a query");
        let mut account = found.expect("an administrator");
        account.disabled_at = Some(self.now());
        assert!(store::table::update(tx, &mut account, self.now()).await.expect("an account stored"));
        store::passwords::remove(tx, id.into()).await.expect("no password");
    }

    /// The hash of an administrator's password, if they have one.
    pub async fn password_of(&self, id: AdministratorId) -> Option<PasswordHash> {
        let mut conn = self.state.db.read().await.expect("a connection");
        store::passwords::find(&mut conn, id.into()).await.expect("a query").map(|stored| stored.hash)
    }

    /// A browser in which this administrator is signed in.
    pub async fn signed_in(&self, administrator: &Administrator) -> Browser {
        let mut tx = self.state.db.write().await.expect("a transaction");
        let device = Device { address: None, user_agent: "a test's browser".to_owned() };
        let begun =
            sessions::create(&mut tx, &self.state, administrator.id, AuthenticationMethod::Passkey, &device)
                .await
                .expect("a session");
        tx.commit().await.expect("a commit");
        let browser = self.browser();
        browser.set_cookie(&self.base, CONSOLE_COOKIE, &begun.token.reveal());
        browser
    }
}

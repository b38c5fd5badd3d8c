//! The credentials of accounts: former passwords, imported hashes, authenticator apps, recovery codes and one-time codes.

use std::{collections::BTreeSet, time::Duration};

use base::id::{EnvironmentId, Id, UserId};
use model::{
    account::{
        AccountId, CredentialState, CredentialSummary, OneTimeCodePurpose, OneTimeCodeSettings, PasswordHash,
        PasswordPolicy, PasswordRules,
    },
    identity_pool::IdentityPool,
};
use ostiary::{
    app::{
        Error,
        accounts::{
            credentials::{self, ImportedCredential, NewCredential},
            one_time_codes::{self, CodeRequest, GivenCode, NewCode},
            password_check,
            passwords::PasswordRealm,
            recovery_codes,
            totp::{self, TotpSecret},
        },
    },
    store,
};

use crate::{
    both,
    support::{TestApp, random},
};

/// The number of attempts at once.
const RACERS: usize = 32;

const PASSWORD: &str = "violet kettle under snow";
/// A hash of [`PASSWORD`] by `crypt(3)`.
const BCRYPT: &str = "$2b$04$abcdefghijklmnopqrstuuJcwyQWIUcN20V5YG0pP99tDc.AuGBh6";

fn new_user(app: &TestApp) -> UserId {
    Id::new(app.now(), random())
}

/// Sets a credential by the rules of a pool.
async fn set(
    app: &TestApp,
    rules: &PasswordRules,
    account: AccountId,
    credential: ImportedCredential,
) -> Result<(), Error> {
    let new = NewCredential { credential, state: CredentialState::Valid, expires_at: None };
    let mut pool = IdentityPool::new(Id::from_bits(1), Id::from_bits(2), Id::from_bits(3), app.now());
    pool.password_rules = *rules;
    let prepared = credentials::prepare(&app.state, &pool, Some(account), &new, &[]).await?;
    let mut tx = app.state.db.write().await?;
    credentials::store(&mut tx, &app.state, account, prepared).await?;
    Ok(tx.commit().await?)
}

async fn verified(app: &TestApp, account: AccountId, password: &str) -> bool {
    let realm = PasswordRealm::Users(Id::from_bits(2), Id::from_bits(3));
    password_check::verify(&app.state, realm, Some(account), password).await.unwrap().is_some()
}

async fn stored_hash(app: &TestApp, account: AccountId) -> PasswordHash {
    let mut conn = app.state.db.read().await.unwrap();
    store::passwords::find(&mut conn, account).await.unwrap().unwrap().hash
}

/// A new code of this user.
async fn new_code(
    app: &TestApp,
    user_id: UserId,
    purpose: OneTimeCodePurpose,
    address: Option<&str>,
) -> NewCode {
    let request = CodeRequest {
        user_id,
        environment_id: EnvironmentId::from_bits(1),
        purpose,
        address_key: address.map(str::to_owned),
        settings: OneTimeCodeSettings::DEFAULT,
        keeps_earlier: false,
    };
    let mut tx = app.state.db.write().await.unwrap();
    let code = one_time_codes::create(&mut tx, &app.state, request).await.unwrap();
    tx.commit().await.unwrap();
    code
}

/// Whether these digits are the code of this user.
async fn consume(
    app: &TestApp,
    user: UserId,
    purpose: OneTimeCodePurpose,
    address: Option<&str>,
    digits: &str,
) -> bool {
    let mut tx = app.state.db.write().await.unwrap();
    let found =
        one_time_codes::consume(&mut tx, &app.state, user, purpose, address, &GivenCode::parse(digits))
            .await
            .unwrap();
    tx.commit().await.unwrap();
    found.is_some()
}

/// Other digits than these.
fn other_than(digits: &str) -> String {
    let first = if digits.starts_with('1') { '2' } else { '1' };
    format!("{first}{}", &digits[1..])
}

/// Runs as many attempts at once, and counts those that succeed.
async fn race<F: Future<Output = bool> + 'static>(attempt: impl Fn() -> F) -> usize {
    let running: Vec<_> = (0..RACERS).map(|_| actix_web::rt::spawn(attempt())).collect();
    let mut successes = 0;
    for attempt in running {
        successes += usize::from(attempt.await.unwrap());
    }
    successes
}

/// The code that an app with this secret shows now.
fn code_at(secret: &TotpSecret, app: &TestApp) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret.reveal()).unwrap();
    let app_of_another_hand = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    app_of_another_hand.generate(app.now().seconds().try_into().unwrap()).to_string()
}

both! {
    async fn an_imported_hash_is_verified_and_made_anew(app: TestApp) {
        let account = AccountId::User(new_user(&app));
        set(&app, &PasswordRules::DEFAULT, account, ImportedCredential::PasswordHash(BCRYPT.to_owned())).await.unwrap();
        assert!(!verified(&app, account, "violet kettle under rain").await);
        assert_eq!(stored_hash(&app, account).await.0, BCRYPT, "a wrong password changes nothing");
        assert!(verified(&app, account, PASSWORD).await);
        assert!(stored_hash(&app, account).await.0.starts_with("$argon2id$"));
        assert!(verified(&app, account, PASSWORD).await && !verified(&app, account, "violet kettle").await);
    }

    async fn what_is_no_hash_or_costs_too_much_is_not_imported(app: TestApp) {
        let account = AccountId::User(new_user(&app));
        for hash in [PASSWORD.to_owned(), BCRYPT.replace("$04$", "$15$"), "x".repeat(10_000)] {
            let refused = set(&app, &PasswordRules::DEFAULT, account, ImportedCredential::PasswordHash(hash)).await;
            assert!(matches!(refused, Err(Error::Invalid { field, .. }) if field == "hashed_password"));
        }
        let mut conn = app.state.db.read().await.unwrap();
        assert!(credentials::summaries(&mut conn, account).await.unwrap().is_empty());
    }

    async fn former_passwords_are_forbidden_as_long_as_the_policy_says(app: TestApp) {
        let account = AccountId::User(new_user(&app));
        let policy = PasswordPolicy::DEFAULT.with_former_passwords(3).unwrap();
        let rules = PasswordRules { policy, ..PasswordRules::DEFAULT };
        let passwords: Vec<String> = (1..=4).map(|number| format!("{number} violet kettle under snow")).collect();
        let set = async |password: &String| {
            app.advance(Duration::from_secs(1));
            set(&app, &rules, account, ImportedCredential::Password(password.clone())).await
        };
        for password in &passwords[..3] {
            set(password).await.unwrap();
        }
        for password in &passwords[..3] {
            let refused = set(password).await;
            assert!(matches!(refused, Err(Error::Invalid { .. })), "{password}");
        }
        set(&passwords[3]).await.unwrap();
        set(&passwords[0]).await.expect("the fourth last is forgotten");
        let mut conn = app.state.db.read().await.unwrap();
        assert_eq!(store::former_passwords::list(&mut conn, account, 100).await.unwrap().len(), 2);
    }

    async fn a_password_expires_after_what_its_pool_says(app: TestApp) {
        let account = AccountId::User(new_user(&app));
        let rules = PasswordRules { expires_after: Some(Duration::from_secs(60)), ..PasswordRules::DEFAULT };
        set(&app, &rules, account, ImportedCredential::Password(PASSWORD.to_owned())).await.unwrap();
        let mut conn = app.state.db.read().await.unwrap();
        let found = credentials::summaries(&mut conn, account).await.unwrap();
        let expires_at = Some(app.now() + Duration::from_secs(60));
        let expected = CredentialSummary::Password { state: CredentialState::Valid, changed_at: app.now(), expires_at };
        assert_eq!(found, [expected]);
    }

    async fn each_code_of_an_app_is_good_once(app: TestApp) {
        let account = AccountId::User(new_user(&app));
        let secret = TotpSecret::parse("secret", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        let mut tx = app.state.db.write().await.unwrap();
        totp::set(&mut tx, &app.state, account, &secret).await.unwrap();
        tx.commit().await.unwrap();
        let code = code_at(&secret, &app);
        let verify = |app: &TestApp, code: &str| {
            let (state, code) = (app.state.clone(), code.to_owned());
            async move {
                let mut tx = state.db.write().await.unwrap();
                let good = totp::verify(&mut tx, &state, account, &code).await.unwrap();
                tx.commit().await.unwrap();
                good
            }
        };
        assert!(!verify(&app, &other_than(&code)).await);
        assert_eq!(race(|| verify(&app, &code)).await, 1);
        assert!(!verify(&app, &code).await, "used");
        app.advance(Duration::from_secs(30));
        assert!(!verify(&app, &code).await, "used, though its step is one before this one");
        let next = code_at(&secret, &app);
        app.advance(Duration::from_secs(30));
        let after = code_at(&secret, &app);
        assert!(verify(&app, &after).await);
        assert!(!verify(&app, &next).await, "earlier than one that was used");

        // Another secret begins anew, and the one before is no more.
        let mut tx = app.state.db.write().await.unwrap();
        let other = TotpSecret::new(random());
        totp::set(&mut tx, &app.state, account, &other).await.unwrap();
        tx.commit().await.unwrap();
        let code = code_at(&other, &app);
        assert!(verify(&app, &code).await && !verify(&app, &after).await);
        let nobody = AccountId::User(new_user(&app));
        let mut tx = app.state.db.write().await.unwrap();
        assert!(!totp::verify(&mut tx, &app.state, nobody, &code).await.unwrap());
    }

    async fn each_recovery_code_is_good_once(app: TestApp) {
        let account = AccountId::User(new_user(&app));
        let generate = async || {
            let mut tx = app.state.db.write().await.unwrap();
            let codes = recovery_codes::generate(&mut tx, &app.state, account).await.unwrap();
            tx.commit().await.unwrap();
            codes
        };
        let consume = |account: AccountId, code: &str| {
            let (state, code) = (app.state.clone(), code.to_owned());
            async move {
                let mut tx = state.db.write().await.unwrap();
                let good = recovery_codes::consume(&mut tx, &state, account, &code).await.unwrap();
                tx.commit().await.unwrap();
                good
            }
        };
        let codes = generate().await;
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), recovery_codes::COUNT);
        assert_eq!(race(|| consume(account, &codes[0])).await, 1);
        assert!(!consume(account, &codes[0]).await, "used");
        assert!(!consume(AccountId::User(new_user(&app)), &codes[1]).await, "another account's");
        assert!(!consume(account, "").await && !consume(account, &"a".repeat(10_000)).await);
        assert!(consume(account, &codes[1].to_uppercase()).await);
        let mut conn = app.state.db.read().await.unwrap();
        let left = store::recovery_codes::count(&mut conn, account).await.unwrap();
        assert_eq!(left, Some((8, app.now())));
        drop(conn);
        let new = generate().await;
        assert!(!consume(account, &codes[2]).await, "replaced");
        assert!(consume(account, &new[0]).await);
    }

    async fn a_one_time_code_is_good_once(app: TestApp) {
        let (user, purpose) = (new_user(&app), OneTimeCodePurpose::ResetPassword);
        let code = new_code(&app, user, purpose, None).await;
        let digits = code.reveal().to_owned();
        assert!(!consume(&app, user, OneTimeCodePurpose::Activation, None, &digits).await, "another purpose");
        assert!(!consume(&app, new_user(&app), purpose, None, &digits).await, "another user");
        let successes = race(|| {
            let (state, digits) = (app.state.clone(), digits.clone());
            async move {
                let mut tx = state.db.write().await.unwrap();
                let found = one_time_codes::consume(&mut tx, &state, user, purpose, None, &GivenCode::parse(&digits)).await.unwrap();
                tx.commit().await.unwrap();
                found.is_some()
            }
        });
        assert_eq!(successes.await, 1);
        assert!(!consume(&app, user, purpose, None, &digits).await, "used");
    }

    async fn five_wrong_codes_end_one_however_many_come_at_once(app: TestApp) {
        let (user, purpose) = (new_user(&app), OneTimeCodePurpose::ResetPassword);
        let code = new_code(&app, user, purpose, None).await;
        for _ in 0..4 {
            assert!(!consume(&app, user, purpose, None, &other_than(code.reveal())).await);
        }
        assert!(consume(&app, user, purpose, None, code.reveal()).await, "the fifth attempt");

        let code = new_code(&app, user, purpose, None).await;
        let wrong = other_than(code.reveal());
        let successes = race(|| {
            let (state, wrong) = (app.state.clone(), wrong.clone());
            async move {
                let mut tx = state.db.write().await.unwrap();
                let found = one_time_codes::consume(&mut tx, &state, user, purpose, None, &GivenCode::parse(&wrong)).await.unwrap();
                tx.commit().await.unwrap();
                found.is_some()
            }
        });
        assert_eq!(successes.await, 0);
        assert!(!consume(&app, user, purpose, None, code.reveal()).await, "ended");
    }

    async fn a_new_code_ends_the_earlier_ones_and_time_ends_all(app: TestApp) {
        let (user, purpose) = (new_user(&app), OneTimeCodePurpose::VerifyAddress);
        let (one, other) = (Some("dana@acme.com"), Some("doe@acme.com"));
        let first = new_code(&app, user, purpose, one).await;
        let elsewhere = new_code(&app, user, purpose, other).await;
        let second = new_code(&app, user, purpose, one).await;
        if first.reveal() != second.reveal() {
            assert!(!consume(&app, user, purpose, one, first.reveal()).await, "ended by the second");
        }
        let extended = first.reveal_extended();
        let mut conn = app.state.db.read().await.unwrap();
        let (named, digits) = one_time_codes::find_extended(&mut conn, &extended).await.unwrap().unwrap();
        assert_eq!((named.user_id, digits), (user, first.reveal()));
        for nothing in ["", ".", "123456", "x.1", &format!("{:032x}.{}", 7, first.reveal()), &"é".repeat(17)] {
            assert!(one_time_codes::find_extended(&mut conn, nothing).await.unwrap().is_none(), "{nothing}");
        }
        drop(conn);
        assert!(consume(&app, user, purpose, one, second.reveal()).await);
        app.advance(OneTimeCodeSettings::DEFAULT.lifetime());
        assert!(!consume(&app, user, purpose, other, elsewhere.reveal()).await, "expired");
    }

    async fn of_many_new_codes_at_once_one_counts(app: TestApp) {
        let (user, purpose) = (new_user(&app), OneTimeCodePurpose::ResetTotp);
        let made: Vec<_> = (0..RACERS)
            .map(|_| {
                let state = app.state.clone();
                actix_web::rt::spawn(async move {
                    let request = CodeRequest {
                        user_id: user,
                        environment_id: EnvironmentId::from_bits(1),
                        purpose,
                        address_key: None,
                        settings: OneTimeCodeSettings::new(32, Duration::from_secs(600)).unwrap(),
                        keeps_earlier: false,
                    };
                    let mut tx = state.db.write().await.unwrap();
                    let code = one_time_codes::create(&mut tx, &state, request).await.unwrap();
                    tx.commit().await.unwrap();
                    code
                })
            })
            .collect();
        let mut codes = Vec::new();
        for code in made {
            codes.push(code.await.unwrap());
        }
        let mut good = 0;
        for code in codes {
            let mut tx = app.state.db.write().await.unwrap();
            let digits = code.reveal();
            let found = one_time_codes::consume(&mut tx, &app.state, user, purpose, None, &GivenCode::parse(digits)).await.unwrap();
            match found {
                Some(_) => {
                    good += 1;
                    tx.commit().await.unwrap();
                }
                // Not counted: five would end the good one.
                None => drop(tx),
            }
        }
        assert_eq!(good, 1);
    }

    async fn nothing_is_left_of_removed_credentials(app: TestApp) {
        let user = new_user(&app);
        let account = AccountId::User(user);
        let rules = PasswordRules {
            policy: PasswordPolicy::DEFAULT.with_former_passwords(5).unwrap(),
            ..PasswordRules::DEFAULT
        };
        for password in [PASSWORD, "a green kettle on ice"] {
            set(&app, &rules, account, ImportedCredential::Password(password.to_owned())).await.unwrap();
        }
        let secret = ImportedCredential::Totp("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".to_owned());
        set(&app, &rules, account, secret).await.unwrap();
        let code = new_code(&app, user, OneTimeCodePurpose::Activation, None).await;
        let mut tx = app.state.db.write().await.unwrap();
        recovery_codes::generate(&mut tx, &app.state, account).await.unwrap();
        assert_eq!(credentials::summaries(&mut tx, account).await.unwrap().len(), 3);
        credentials::remove_all(&mut tx, account).await.unwrap();
        assert!(credentials::summaries(&mut tx, account).await.unwrap().is_empty());
        assert!(store::former_passwords::list(&mut tx, account, 10).await.unwrap().is_empty());
        tx.commit().await.unwrap();
        assert!(!consume(&app, user, OneTimeCodePurpose::Activation, None, code.reveal()).await);
    }
}

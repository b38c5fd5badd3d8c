//! The pages of an account with realistic data.

use base::{id::Id, time::Timestamp};
use maud::Markup;
use model::{
    account::{
        AuthenticationMethod, CredentialState, CredentialSummary, Passkey, PasswordPolicy, SessionContext,
        UserSession,
    },
    branding::Branding,
    email::Email,
    membership::{Membership, MembershipSource, MembershipStatus, Tier},
    organization_invitation::OrganizationInvitation,
    user::{
        AddressKind, AddressStatus, IdentifierKind, IdentifierText, User, UserAddress, UserIdentifier,
        UserSource, UserStatus,
    },
};
use serde_json::{Map, Value, json};

use super::{
    addresses::{ADDRESS, AddressesPage},
    confirm::{ConfirmPage, PASSWORD},
    data,
    frame::{AccountFrame, Done, Section},
    guest_invitation::InvitationPage,
    organizations as pages,
    organizations::{ADDRESS as NEXT_OWNER, OrganizationsPage},
    overview::OverviewPage,
    passkeys::PasskeysPage,
    password::{CURRENT, PasswordPage},
    profile::ProfileForm,
    second_factor::{AppPage, CODE, SecondFactorPage, recovery_codes},
    sessions::SessionsPage,
    wanted::Wanted,
};
use crate::{
    app::guests::Offer,
    app::{
        accounts::self_service::{
            addresses::{OwnAddresses, join},
            confirmation::Methods,
            organizations::OwnOrganization,
            overview::Overview,
            profile::OwnProfile,
        },
        invitations::PendingInvitation,
    },
    web::{
        kit::forms::{FormErrors, FormValues},
        samples::{document, page},
        sign_in::layout::SignInLayout,
    },
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn ago(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 - seconds)
}

/// A page in a frame: `recent` as the user has authenticated recently.
fn framed(recent: bool, done: Option<Done>, view: impl Fn(&AccountFrame<'_>) -> Markup) -> Markup {
    let branding = Branding {
        support_contact: Some("support@northwind.example".into()),
        ..Branding::empty(Id::from_bits(1))
    };
    let layout = SignInLayout {
        branding: &branding,
        application: "Portal <b>",
        organization: "Acme Corporation",
        banner: None,
    };
    view(&AccountFrame { layout, tenant: "prod", workspace: "acme", done, recent, now: NOW })
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn user(payload: Value) -> User {
    User {
        id: Id::from_bits(1),
        environment_id: Id::from_bits(2),
        organization_id: Id::from_bits(3),
        pool_id: Id::from_bits(4),
        version: 7,
        status: UserStatus::Active,
        source: UserSource::Standard,
        shadow_of: None,
        user_type: String::new(),
        payload: object(payload),
        metadata: Map::new(),
        business_metadata: Map::new(),
        created_at: ago(90_000_000),
        updated_at: ago(5000),
        status_updated_at: ago(90_000_000),
    }
}

fn passkey(bits: u128, name: &str, used: Option<i64>) -> Passkey {
    Passkey {
        id: Id::from_bits(bits),
        account_id: base::id::UserId::from_bits(1).into(),
        display_name: name.into(),
        created_at: ago(9_000_000),
        last_used_at: used.map(ago),
    }
}

fn full() -> Overview {
    let address = |text: &str, verified: bool| UserAddress {
        kind: AddressKind::Email,
        address: text.into(),
        verified_at: verified.then(|| ago(80_000_000)),
        status: AddressStatus::Active,
        preferred_contact_method: None,
        created_at: ago(80_000_000),
    };
    let identifier = |kind, text: &str| UserIdentifier {
        text: IdentifierText::stored(kind, text.into()),
        metadata: Map::new(),
        created_at: ago(80_000_000),
    };
    let credentials = vec![
        CredentialSummary::Password {
            state: CredentialState::Valid,
            changed_at: ago(7_000_000),
            expires_at: None,
        },
        CredentialSummary::Passkey {
            passkey: passkey(1, "work <laptop>", Some(3000)),
            credential_id: "x".into(),
        },
        CredentialSummary::Totp { created_at: ago(600_000) },
        CredentialSummary::RecoveryCodes { left: 8, created_at: ago(600_000) },
    ];
    Overview {
        identifiers: vec![
            identifier(IdentifierKind::Email, "dana@acme.com"),
            identifier(IdentifierKind::Uid, "dana.doe"),
        ],
        companies: vec!["Microsoft Entra ID".to_owned()],
        addresses: vec![
            address("dana@acme.com", true),
            address("dana.doe.with.a.long.name@subsidiary.of.acme-corporation.example", false),
        ],
        credentials,
        sessions: 3,
    }
}

#[test]
fn account_overview_samples() {
    let (full, empty) = (full(), Overview { sessions: 1, ..Overview { credentials: Vec::new(), ..full() } });
    let named = user(json!({ "name": "Dana <Doe>" }));
    let nameless = user(json!({}));
    let (own, invited) = (organizations(), invitations());
    let of = |user: &User, overview: &Overview, done| {
        framed(true, done, |frame| {
            OverviewPage {
                frame,
                user,
                overview,
                administered: &[],
                organizations: if done.is_some() { &own } else { &[] },
                invitations: if done.is_some() { &invited } else { &[] },
                passwords: true,
                passkeys: true,
                apps: true,
            }
            .view()
        })
    };
    document("account-overview", of(&named, &full, Some(Done::Password)));
    let empty = Overview { identifiers: Vec::new(), companies: Vec::new(), addresses: Vec::new(), ..empty };
    page("account-overview-empty", of(&nameless, &empty, None));
}

fn organizations() -> [OwnOrganization; 4] {
    let own = |bits, name: &str, tier| OwnOrganization {
        id: Id::from_bits(bits),
        name: name.to_owned(),
        segment: format!("{bits:032x}"),
        disabled: false,
        membership: Membership::new(
            (Id::from_bits(2), Id::from_bits(bits)),
            Id::from_bits(1),
            tier,
            MembershipSource::Invitation,
            ago(9_000_000),
        ),
    };
    let mut suspended = own(13, "Umbrella <b>", Tier::Member);
    suspended.membership.status = MembershipStatus::Suspended;
    [
        own(11, "Acme Corporation", Tier::Owner),
        own(12, "Globex and its many subsidiaries in the whole of Central Europe", Tier::Admin),
        suspended,
        OwnOrganization { disabled: true, ..own(14, "Initech", Tier::Member) },
    ]
}

fn invitations() -> [PendingInvitation; 1] {
    let email = Email::parse("dana@acme.com").unwrap();
    let invitation = OrganizationInvitation {
        id: Id::from_bits(21),
        environment_id: Id::from_bits(2),
        organization_id: Id::from_bits(15),
        email,
        role: Tier::Admin,
        invited_by: String::new(),
        vouched: false,
        expires_at: Timestamp::from_seconds(1_800_500_000),
        lifetime_ms: 0,
        accepted_at: None,
        accepted_user_id: None,
        revoked_at: None,
        send_count: 1,
        last_sent_at: ago(5000),
        renewed: (ago(5000), 0),
        created_at: ago(5000),
    };
    [PendingInvitation { invitation, organization: "Hooli <i>".to_owned() }]
}

#[test]
fn account_organization_samples() {
    let none = FormErrors::none();
    let (own, invited) = (organizations(), invitations());
    let list = |organizations: &[OwnOrganization], invitations: &[PendingInvitation], done| {
        framed(true, done, |frame| {
            OrganizationsPage { frame, organizations, invitations, errors: &none }.view()
        })
    };
    page("account-organizations", list(&own, &invited, Some(Done::Joined)));
    page("account-organizations-empty", list(&[], &[], None));
    let [owned, administered, ..] = &own;
    let leave = |own, errors: &FormErrors| framed(true, None, |frame| pages::leave(frame, own, errors));
    page("account-organization-leave", leave(administered, &none));
    page("account-organization-leave-owner", leave(owned, &none));
    let refused = FormErrors::one("", "the organization has no owner, and nobody else administers it");
    page("account-organization-leave-refused", leave(administered, &refused));
    let typed = FormValues::new().with(NEXT_OWNER, "eve@acme.com");
    let transfer = |recent, values: &FormValues, errors: &FormErrors| {
        framed(recent, None, |frame| pages::transfer(frame, owned, values, errors))
    };
    page("account-organization-transfer", transfer(true, &FormValues::new(), &none));
    page("account-organization-transfer-not-recent", transfer(false, &FormValues::new(), &none));
    let unknown = FormErrors::one(NEXT_OWNER, "nobody with this address is a member of the organization");
    page("account-organization-transfer-refused", transfer(true, &typed, &unknown));
}

#[test]
fn account_profile_samples() {
    let editable = object(json!({ "properties": {
        "name": { "type": "string", "title": "Full name", "maxLength": 80 },
        "zoneinfo": { "type": "string", "title": "Time zone" }
    }, "required": ["name"], "additionalProperties": false }));
    let shown = object(json!({ "properties": { "plan": { "type": "string", "title": "Plan" } } }));
    let own = OwnProfile { editable, read_only: vec![(shown, object(json!({ "plan": "pro <i>" })))] };
    let dana = user(json!({ "name": "Dana \"D\" Doe", "zoneinfo": "Europe/Berlin" }));
    let form = ProfileForm::new(&own, &dana);
    let of = |errors: &FormErrors| {
        framed(true, None, |frame| form.view(frame, &form.seen(), &form.values(), errors))
    };
    page("account-profile", of(&FormErrors::none()));
    page(
        "account-profile-refused",
        of(&FormErrors::one("payload/name", "must be at least 3 characters long")),
    );
}

#[test]
fn account_address_samples() {
    let full = full();
    let addresses = |can_send| OwnAddresses {
        all: join(&full.addresses, &full.identifiers),
        has_one_identifier: full.identifiers.len() == 1,
        companies: full.companies.clone(),
        can_send,
    };
    let of = |recent, addresses: &OwnAddresses, typed: &FormValues, errors: &FormErrors| {
        framed(recent, None, |frame| AddressesPage { frame, addresses, typed, errors }.view())
    };
    let (typed, none) = (FormValues::new().with(ADDRESS, "dana@"), FormErrors::none());
    page("account-addresses", of(true, &addresses(true), &FormValues::new(), &none));
    let wrong = FormErrors::one(ADDRESS, "must be an e-mail address, such as dana@example.com");
    page("account-addresses-refused", of(true, &addresses(true), &typed, &wrong));
    page("account-addresses-not-recent", of(false, &addresses(true), &FormValues::new(), &none));
    page("account-addresses-no-letters", of(true, &addresses(false), &FormValues::new(), &none));
}

#[test]
fn account_credential_samples() {
    let none = FormErrors::none();
    let password = |recent, allowed, has_one, errors: &FormErrors| {
        framed(recent, None, |frame| {
            PasswordPage { frame, allowed, has_one, policy: PasswordPolicy::DEFAULT, errors }.view()
        })
    };
    page("account-password", password(false, true, true, &FormErrors::one(CURRENT, "is not your password")));
    page("account-password-first", password(false, true, false, &none));
    page("account-password-not-allowed", password(true, false, true, &none));
    let own = [passkey(1, "work <laptop>", Some(3000)), passkey(2, "phone", None)];
    let options = json!({ "publicKey": { "challenge": "AAAA" } });
    let passkeys = |recent, passkeys: &[Passkey], offered, options: Option<&Value>, errors: &FormErrors| {
        framed(recent, None, |frame| PasskeysPage { frame, passkeys, offered, options, errors }.view())
    };
    page("account-passkeys", passkeys(true, &own, true, Some(&options), &none));
    let last = FormErrors::one("", "this is your only way to sign in; add another passkey first");
    page("account-passkeys-refused", passkeys(true, &own[..1], false, None, &last));
    page("account-passkeys-not-recent", passkeys(false, &[], true, None, &none));
    let methods = Methods { password: true, code: true, passkey: None };
    let confirm = |methods: &Methods, errors: &FormErrors| {
        framed(false, None, |frame| {
            ConfirmPage {
                frame,
                next: &Wanted::Account(Section::Passkeys),
                methods,
                name: "dana@acme.com",
                errors,
            }
            .view()
        })
    };
    page("account-confirm", confirm(&methods, &FormErrors::one(PASSWORD, "is not your password")));
    let methods = Methods { password: false, code: false, passkey: None };
    page("account-confirm-again", confirm(&methods, &none));
}

#[test]
fn account_second_factor_samples() {
    let none = FormErrors::none();
    let of = |recent, app: Option<Timestamp>| {
        framed(recent, None, |frame| {
            SecondFactorPage { frame, offered: true, app, codes_left: 8, errors: &none }.view()
        })
    };
    page("account-second-factor", of(true, Some(ago(600_000))));
    page("account-second-factor-none", of(true, None));
    page("account-second-factor-not-recent", of(false, Some(ago(600_000))));
    let wrong = FormErrors::one(CODE, "is not what the app shows now");
    let app = framed(true, None, |frame| {
        AppPage {
            frame,
            secret: "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ",
            uri: "otpauth://totp/Portal:dana%40acme.com?secret=GEZDGNBVGY3TQOJQ&issuer=Portal",
            sealed: "sealed",
            errors: &wrong,
        }
        .view()
    });
    page("account-app", app);
    let codes: Vec<String> = (0..10).map(|n| format!("abcd-efgh-ijkl-mno{n}")).collect();
    page(
        "account-recovery-codes",
        framed(true, None, |frame| recovery_codes(frame, &codes, "New recovery codes")),
    );
}

#[test]
fn account_invitation_samples() {
    let of =
        |offer: &Offer, name: &str| framed(true, None, |frame| InvitationPage { frame, offer, name }.view());
    let theirs =
        |organization: &str| Offer::Theirs { organization: organization.into(), expires_at: ago(-200_000) };
    page("account-invitation", of(&theirs("Globex <b> & Sons"), "Dana Doe"));
    page("account-invitation-unnamed", of(&theirs(" "), ""));
    page("account-invitation-other", of(&Offer::SomebodyElses, "Dana Doe"));
    page("account-invitation-closed", of(&Offer::Closed, "Dana Doe"));
}

#[test]
fn account_session_and_data_samples() {
    let session = |bits: u128, agent: &str, method| UserSession {
        id: Id::from_bits(bits),
        subject: Id::from_bits(1),
        environment_id: Some(Id::from_bits(2)),
        method,
        address: "203.0.113.7".parse().ok(),
        user_agent: agent.into(),
        created_at: ago(90_000),
        authenticated_at: ago(90_000),
        last_seen_at: ago(400),
        expires_at: ago(-900_000),
        revoked_at: None,
        context: SessionContext::default(),
    };
    let sessions = [
        session(1, "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Firefox/143.0", AuthenticationMethod::Password),
        session(2, "", AuthenticationMethod::Operator),
    ];
    let own = sessions[0].id;
    page(
        "account-sessions",
        framed(true, None, |frame| SessionsPage { frame, sessions: &sessions, own }.view()),
    );
    page("account-data", framed(true, None, data::data));
    page("account-data-not-recent", framed(false, None, data::data));
    let wrong = FormErrors::one("confirm", "type dana@acme.com to confirm");
    let typed = FormValues::new().with("confirm", "dana");
    page("account-erase", framed(true, None, |frame| data::erase(frame, "dana@acme.com", &typed, &wrong)));
    page("account-erased", framed(true, None, |frame| data::erased(None).view(&frame.layout)));
}

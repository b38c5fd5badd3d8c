//! The names of every enum that is stored or on the wire, byte for byte: rows and clients have them.

use oauth::algorithm::IdTokenAlg;
use ostiary_model::{
    account::{
        AuthenticationMethod, CredentialState, InvitationPurpose, OneTimeCodePurpose, PasswordStrength,
    },
    administrator::Role,
    authorization_grant::CodeKind,
    domain::DomainState,
    event::EventKind,
    idp_initiated::IdpInitiated,
    idp_kind::IdpKind,
    login_flow::{FlowOrigin, FlowStatus, LoginProtocol, StepKind},
    logo::LogoType,
    oauth_subject::OauthSubject,
    organization::OrganizationStatus,
    saml_connection::IdpBinding,
    setup_link::SetupLinkStatus,
    user::{AddressKind, AddressStatus, ContactMethod, IdentifierKind, UserSource, UserStatus},
    webhook::DeliveryState,
};

/// Compares the names of every variant of an enum; a variant that is left out does not compile.
macro_rules! names {
    ($type:ident: $($variant:ident $name:literal),+) => {
        names!(@written $type: $($variant $name),+);
        $(assert_eq!($name.parse(), Ok($type::$variant));)+
        for other in ["", "unknown", $(concat!($name, " "), concat!(" ", $name)),+] {
            assert!(other.parse::<$type>().is_err(), "{} reads {other:?}", stringify!($type));
        }
        $(for other in [$name.to_uppercase(), $name.to_lowercase()] {
            assert!(other == $name || other.parse::<$type>().is_err(), "{} reads {other:?}", stringify!($type));
        })+
    };
    (@written $type:ident: $($variant:ident $name:literal),+) => {
        $(assert_eq!($type::$variant.as_str(), $name);)+
        let _every_variant = |value: $type| match value { $($type::$variant => ()),+ };
    };
}

/// Compares what an enum serializes as.
macro_rules! json {
    ($type:ident: $($variant:ident $name:literal),+) => {
        $(assert_eq!(serde_json::to_value($type::$variant).unwrap(), $name);)+
    };
}

#[test]
fn stored_names_stay_as_they_are() {
    names!(UserStatus: New "new", Active "active", Inactive "inactive", Deleted "deleted");
    names!(UserSource: Standard "standard", Jit "jit");
    names!(IdentifierKind: Email "email", Mobile "mobile", Uid "uid", External "external", Federated "federated");
    names!(AddressKind: Email "email", Mobile "mobile");
    names!(AddressStatus: Active "active", Inactive "inactive");
    names!(ContactMethod: Sms "sms", Voice "voice");
    names!(AuthenticationMethod: Password "password", Passkey "passkey", Saml "saml", Oidc "oidc",
        Invitation "invitation", SetupLink "setup_link", Operator "operator");
    names!(CredentialState: Valid "valid", MustBeChanged "must_be_changed", MustBeReset "must_be_reset");
    names!(OneTimeCodePurpose: Activation "activation", ResetPassword "reset_password", ResetTotp "reset_totp",
        EnrollWebauthn "enroll_webauthn", VerifyAddress "verify_address");
    names!(CodeKind: Access "access", Authorization "authorization", Administrator "administrator");
    names!(DeliveryState: Pending "pending", Delivered "delivered", Failed "failed");
    names!(DomainState: Whitelisted "whitelisted", Verified "verified", Pending "pending", Failed "failed");
    names!(EventKind: UserCreated "scim_user.created", UserUpdated "scim_user.updated",
        UserDeactivated "scim_user.deactivated", UserReactivated "scim_user.reactivated",
        UserDeleted "scim_user.deleted", GroupCreated "scim_group.created", GroupUpdated "scim_group.updated",
        GroupDeleted "scim_group.deleted", GroupMembershipChanged "scim_group.membership_changed",
        MetadataChanged "saml_connection.metadata_changed",
        CertificateExpiring "saml_connection.certificate_expiring", DomainShared "organization.domain_shared",
        DomainRecordLost "organization.domain_record_lost", DomainLapsed "organization.domain_lapsed",
        DomainRestored "organization.domain_restored");
    names!(FlowOrigin: Api "api", Oauth "oauth", Restart "restart", Idp "idp", Detached "detached",
        Setup "setup", Console "console", Administrator "administrator", Issuer "issuer");
    names!(FlowStatus: InProgress "in_progress", Failed "failed", Succeeded "succeeded");
    names!(IdTokenAlg: RS256 "RS256", ES256 "ES256", EdDSA "EdDSA");
    names!(IdpBinding: Post "POST", Redirect "REDIRECT");
    names!(IdpInitiated: Allow "ALLOW", Restart "RESTART", Refuse "REFUSE");
    names!(IdpKind: Okta "okta", Entra "entra", Google "google", Adfs "adfs", Keycloak "keycloak",
        Onelogin "onelogin", Jumpcloud "jumpcloud", Ping "ping", Other "other");
    names!(InvitationPurpose: Join "join", Reset "reset");
    names!(LoginProtocol: Saml "saml", Oidc "oidc", Account "account");
    names!(OauthSubject: Email "EMAIL", EmailAsSent "EMAIL_AS_SENT");
    names!(OrganizationStatus: Active "active", Disabled "disabled");
    names!(PasswordStrength: Any "any", Weak "weak", Fair "fair", Strong "strong", VeryStrong "very_strong");
    names!(Role: Viewer "viewer", Admin "admin", Owner "owner");
    names!(StepKind: Requested "requested", Proven "proven", Refused "refused", Accepted "accepted");
    names!(@written SetupLinkStatus: Open "open", Redeemed "redeemed", Expired "expired", Revoked "revoked");

    for (format, name) in [
        (LogoType::Png, "image/png"),
        (LogoType::Jpeg, "image/jpeg"),
        (LogoType::Gif, "image/gif"),
        (LogoType::Webp, "image/webp"),
    ] {
        assert_eq!(format.media_type(), name);
        assert_eq!(name.parse(), Ok(format));
    }
}

#[test]
fn serialized_names_stay_as_they_are() {
    json!(DomainState: Whitelisted "whitelisted", Verified "verified", Pending "pending", Failed "failed");
    json!(FlowOrigin: Api "api", Oauth "oauth", Restart "restart", Idp "idp", Detached "detached",
        Setup "setup", Console "console", Administrator "administrator", Issuer "issuer");
    json!(FlowStatus: InProgress "SAML_FLOW_STATUS_IN_PROGRESS", Failed "SAML_FLOW_STATUS_FAILED",
        Succeeded "SAML_FLOW_STATUS_SUCCEEDED");
    json!(IdTokenAlg: RS256 "RS256", ES256 "ES256", EdDSA "EdDSA");
    json!(IdpBinding: Post "POST", Redirect "REDIRECT");
    json!(IdpInitiated: Allow "ALLOW", Restart "RESTART", Refuse "REFUSE");
    json!(IdpKind: Okta "okta", Entra "entra", Google "google", Adfs "adfs", Keycloak "keycloak",
        Onelogin "onelogin", Jumpcloud "jumpcloud", Ping "ping", Other "other");
    json!(LoginProtocol: Saml "saml", Oidc "oidc", Account "account");
    json!(OauthSubject: Email "EMAIL", EmailAsSent "EMAIL_AS_SENT");
    json!(SetupLinkStatus: Open "open", Redeemed "redeemed", Expired "expired", Revoked "revoked");
    json!(StepKind: Requested "requested", Proven "proven", Refused "refused", Accepted "accepted");
}

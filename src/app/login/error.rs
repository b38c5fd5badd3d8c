//! The errors of a login: those of the SAML response (from `saml`) and those of the login itself.

use std::borrow::Cow;

use saml::check::{Check, Fixer};

macro_rules! refusals {
    ($($(#[doc = $doc:literal])+ $variant:ident, $code:literal, $clause:literal, $fixer:ident, $remedy:literal;)*) => {
        /// The reason why a login is refused. Its [`code`](Error::code) is stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Error {
            /// The response itself is invalid.
            Response(saml::Error),
            $($(#[doc = $doc])+ $variant,)*
        }

        impl Error {
            /// All variants but `Response`.
            pub const OWN: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name in logs, pages and metrics.
            pub const fn code(self) -> &'static str {
                match self {
                    Self::Response(rejection) => rejection.code(),
                    $(Self::$variant => $code,)*
                }
            }

            /// The clause of the standard or rule that it enforces.
            pub const fn clause(self) -> &'static str {
                match self {
                    Self::Response(rejection) => rejection.clause(),
                    $(Self::$variant => $clause,)*
                }
            }

            /// Who can fix it.
            pub const fn fixer(self) -> Fixer {
                match self {
                    Self::Response(rejection) => rejection.fixer(),
                    $(Self::$variant => Fixer::$fixer,)*
                }
            }

            /// What happened, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self {
                    Self::Response(rejection) => rejection.meaning(),
                    $(Self::$variant => concat!($($doc),+).trim_ascii(),)*
                }
            }

            /// What the fixer has to do.
            pub const fn remedy(self) -> &'static str {
                match self {
                    Self::Response(rejection) => rejection.remedy(),
                    $(Self::$variant => $remedy,)*
                }
            }
        }
    };
}

refusals! {
    /// The connection lacks settings of the identity provider.
    ConnectionNotConfigured, "connection_not_configured", "SSOReady: SAML connection not configured", Vendor,
        "Enter what is missing in the connection: by SAML the identity provider's entity ID, sign-on URL and certificate; by OpenID Connect its issuer and endpoints, the client ID and the client secret.";
    /// The connection is switched off.
    ConnectionDisabled, "connection_disabled", "Ostiary: what is switched off refuses logins", Vendor,
        "Switch the connection on again, or use another connection of the organization.";
    /// The organization is switched off.
    OrganizationDisabled, "organization_disabled", "Ostiary: what is switched off refuses logins", Vendor,
        "Switch the organization on again if its people are to sign in.";
    /// The organization is a template, from which others are made: nobody signs in to it.
    OrganizationIsTemplate, "organization_is_template", "Ostiary: templates have no people", Vendor,
        "Make an organization from the template and give that one the connection, or make this one no template any more.";
    /// The OAuth client of the app was switched off or removed while the login was under way.
    OauthClientDisabled, "oauth_client_disabled", "Ostiary: what is switched off refuses logins", Vendor,
        "Switch the OAuth client on again, or let the app use another one.";
    /// The connection belongs to the test identity provider, which is switched off here.
    TestConnectionDisabled, "test_connection_disabled", "Ostiary: test connections", Vendor,
        "Use a connection to a real identity provider, or switch the test identity provider on (never in production).";
    /// The form has no single SAMLResponse.
    SamlResponseMissing, "saml_response_missing", "SAML 2.0 Bindings §3.5.4", IdentityProvider,
        "Post a form with exactly one SAMLResponse field to the Reply URL (Assertion Consumer Service URL).";
    /// The link that begins the login is not one of ours, or it is too old.
    LinkExpired, "link_expired", "Ostiary: login links are valid for one hour", User,
        "Go back to the application and sign in again.";
    /// No request of this connection has the ID that the response answers to.
    InResponseToUnknown, "in_response_to_unknown", "SAML 2.0 Profiles §4.1.4.3", User,
        "Go back to the application and sign in again.";
    /// The response came after the login's time was over.
    RequestExpired, "request_expired", "SAML 2.0 Profiles §4.1.4.3", User,
        "Go back to the application and sign in again; a login must be finished within its time.";
    /// The login was already finished.
    RequestAlreadyUsed, "request_already_used", "SAML 2.0 Profiles §4.1.4.3", User,
        "Go back to the application; if you are not signed in there, sign in again.";
    /// The response came from another browser than the one that began the login.
    BrowserMismatch, "browser_mismatch", "Ostiary: browser binding; SAML 2.0 Profiles §4.1.4.3", User,
        "Sign in again in one browser, with cookies allowed for this site.";
    /// The RelayState that came back names another login.
    RelayStateMismatch, "relay_state_mismatch", "SAML 2.0 Bindings §3.5.3", IdentityProvider,
        "Send the RelayState back unchanged, or not at all.";
    /// The assertion was already used.
    AssertionReplayed, "assertion_replayed", "SAML 2.0 Profiles §4.1.4.5", User,
        "Go back to the application and sign in again.";
    /// The identity provider began the login, and the policy refuses that.
    IdpInitiatedRefused, "idp_initiated_refused", "SAML 2.0 Profiles §4.1.5", User,
        "Begin at the application instead of the portal; or the vendor sets idpInitiated to RESTART.";
    /// The identity provider answers every request of ours with an unsolicited response.
    RestartLoop, "restart_loop", "SAML 2.0 Profiles §4.1.4.2", IdentityProvider,
        "Send the request's ID back as InResponseTo. If the provider cannot, the vendor may set idpInitiated to ALLOW.";
    /// The environment does not say where people go after a login.
    NoRedirectUrl, "no_redirect_url", "SSOReady: environment redirect URL", Vendor,
        "Set the environment's redirect URL, or an initiateLoginUri on the OAuth client.";
    /// The response holds no e-mail address.
    EmailMissing, "email_missing", "Ostiary: e-mail of the person", IdentityProvider,
        "Send the person's e-mail address: by SAML as NameID or as an attribute named email, by OpenID Connect as the claim email.";
    /// What should be the e-mail address is not one.
    EmailMalformed, "email_malformed", "Ostiary: e-mail of the person; RFC 5321 §4.1.2", IdentityProvider,
        "Send one plain e-mail address, without quotes or spaces, and with ASCII letters only before the @.";
    /// The response holds e-mail addresses that contradict each other.
    EmailAmbiguous, "email_ambiguous", "Ostiary: e-mail of the person", Vendor,
        "Name the attribute that counts in the connection's emailAttribute, or make the identity provider send one address.";
    /// The address is not of a domain of the organization.
    EmailOutsideOrganizationDomains, "email_outside_organization_domains", "Ostiary: tenant boundary", IdentityProvider,
        "Send the person's work address, of a domain of the organization; or have the vendor add the domain to it.";
    /// A directory of the organization knows the person as inactive or deleted, and none as active.
    DirectoryUserInactive, "directory_user_inactive", "Ostiary: directory status at login; RFC 7643 §4.1.1 active", IdentityProvider,
        "Assign the app to the person again, so that the identity provider provisions them as active; or the vendor sets refuseInactiveLogins of the directory to false.";
    /// The organization admits only people whom a directory knows as active, and none knows this one.
    DirectoryUserUnknown, "directory_user_unknown", "Ostiary: only provisioned people (requireProvisionedLogins)", IdentityProvider,
        "Assign the app to the person, so that the identity provider provisions them; or the vendor sets requireProvisionedLogins of the directory to false.";
    /// The sign-in that the login was for is over, or went on another way.
    SignInGone, "sign_in_gone", "Ostiary: a sign-in is answered once", User,
        "Go back to the application and sign in again.";
    /// The application asked for an authentication that is more recent than the one that the identity provider reports.
    AuthenticationTooOld, "authentication_too_old", "SAML 2.0 Core §3.4.1 ForceAuthn; OpenID Connect Core §3.1.2.1", IdentityProvider,
        "Make the person authenticate again where the request has ForceAuthn, and send the time as AuthnInstant.";
    /// The account with the person's address is linked to another person of the identity provider.
    UserLinkedElsewhere, "user_linked_elsewhere", "Ostiary: an address links an account once", Vendor,
        "If it is the same person, remove the federated identifier from the user; their next sign-in links them anew. If not, give the earlier account another address, or delete it.";

    // By OpenID Connect.
    /// The state is of no login that waits for an answer.
    StateUnknown, "invalid_state", "RFC 6749 §10.12; OpenID Connect Core §3.1.2.5", User,
        "Go back to the application and sign in again.";
    /// The answer names another issuer than that of the connection, or none although the provider always names it.
    ResponseIssuerMismatch, "response_issuer_mismatch", "RFC 9207 §2.4", Vendor,
        "Compare the connection's issuer with the one that the provider publishes. If it is right, the answer is another provider's: somebody may be mixing them up.";
    /// The identity provider answered with an error.
    IdpError, "idp_error", "OpenID Connect Core §3.1.2.6", IdentityProvider,
        "Look the error up at the identity provider. access_denied: assign the application to the person. invalid_scope, unauthorized_client: compare scopes and redirect URI with the application there.";
    /// The answer has neither a code nor an error.
    AuthorizationResponseMalformed, "authorization_response_malformed", "RFC 6749 §4.1.2", IdentityProvider,
        "Allow the authorization code flow for the application at the identity provider.";
    /// The token endpoint of the identity provider did not answer.
    IdpUnreachable, "idp_unreachable", "OpenID Connect Core §3.1.3", IdentityProvider,
        "Look whether the token endpoint can be reached from here, and whether it is the one that the provider publishes.";
    /// The identity provider did not give a token for the code.
    CodeRefused, "code_refused", "RFC 6749 §5.2", Vendor,
        "invalid_client: enter the client ID and a client secret that has not expired, and let the provider allow the way in which the secret is sent. invalid_grant: register the connection's redirect URI at the provider exactly as it is.";
    /// The token endpoint answered something else than tokens.
    TokenResponseMalformed, "token_response_malformed", "OpenID Connect Core §3.1.3.3", Vendor,
        "Compare the connection's token endpoint with the one that the provider publishes, and ask for the scope openid.";
    /// The identity provider's keys cannot be read.
    KeysUnreadable, "keys_unreadable", "OpenID Connect Core §10.1.1; RFC 7517 §5", IdentityProvider,
        "Publish the signing keys at the connection's JWKS URI, or correct that address.";
    /// The ID token is not a signed JSON Web Token that can be read.
    IdTokenMalformed, "id_token_malformed", "OpenID Connect Core §2; RFC 7515 §3.1", IdentityProvider,
        "Send ID tokens that are signed and not encrypted.";
    /// The ID token is signed in a way that is not accepted.
    IdTokenAlgorithm, "id_token_algorithm", "RFC 8725 §3.1", IdentityProvider,
        "Sign ID tokens with RS256, or another algorithm with a key pair; never with none, or with the client secret.";
    /// The identity provider publishes no key for the ID token.
    IdTokenKeyUnknown, "id_token_key_unknown", "OpenID Connect Core §10.1.1", IdentityProvider,
        "Publish the key that signs at the connection's JWKS URI before it signs. If the address is another tenant's, correct it.";
    /// The signature of the ID token is wrong.
    IdTokenSignature, "invalid_signature", "OpenID Connect Core §3.1.3.7, rule 6", IdentityProvider,
        "Compare the connection's JWKS URI with the one that the provider publishes.";
    /// The ID token is of another issuer.
    IdTokenIssuer, "issuer_mismatch", "OpenID Connect Core §3.1.3.7, rule 2", Vendor,
        "Enter the issuer exactly as the provider publishes it, with or without the slash at its end.";
    /// The ID token is for another client.
    IdTokenAudience, "audience_mismatch", "OpenID Connect Core §3.1.3.7, rule 3", Vendor,
        "Enter the client ID of the application at the provider.";
    /// The ID token was given to another client.
    IdTokenParty, "authorized_party_mismatch", "OpenID Connect Core §3.1.3.7, rules 4 and 5", IdentityProvider,
        "Send ID tokens whose azp is the client ID, or that have one audience.";
    /// The ID token has expired.
    IdTokenExpired, "id_token_expired", "OpenID Connect Core §3.1.3.7, rule 9", IdentityProvider,
        "Set the clock of the identity provider, and of this server, by a time server.";
    /// The ID token is from the future.
    IdTokenNotYetValid, "id_token_not_yet_valid", "OpenID Connect Core §3.1.3.7, rule 10", IdentityProvider,
        "Set the clock of the identity provider, and of this server, by a time server.";
    /// The ID token answers another request.
    NonceMismatch, "nonce_mismatch", "OpenID Connect Core §3.1.3.7, rule 11", User,
        "Go back to the application and sign in again. If it happens each time, the provider must send back the nonce unchanged.";
    /// The ID token belongs to another access token.
    AccessTokenHashMismatch, "access_token_hash_mismatch", "OpenID Connect Core §3.1.3.8", IdentityProvider,
        "Send the at_hash of the access token that comes along, or none.";
    /// The ID token does not say whom it is about.
    SubjectMissing, "subject_missing", "OpenID Connect Core §2 (sub)", IdentityProvider,
        "Send a sub of 1 to 255 bytes that stays the same for the person.";
    /// The UserInfo endpoint did not say who the person is.
    UserinfoRefused, "userinfo_refused", "OpenID Connect Core §5.3", IdentityProvider,
        "Send the e-mail address in the ID token, or let the UserInfo endpoint answer with JSON.";
    /// The UserInfo endpoint speaks of another person.
    UserinfoSubjectMismatch, "userinfo_subject_mismatch", "OpenID Connect Core §5.3.2", IdentityProvider,
        "Answer at the UserInfo endpoint with the sub of the ID token.";
    /// The identity provider says that the e-mail address was not verified.
    EmailUnverified, "email_unverified", "OpenID Connect Core §5.1 (email_verified)", IdentityProvider,
        "Have the person verify their address at the identity provider, or leave email_verified out where addresses are the company's own.";

    // With an account of the organization.
    /// Nobody in the organization's identity pools signs in with what was typed.
    AccountUnknown, "account_unknown", "Ostiary: accounts of the organization", User,
        "Look for a typing mistake in the address. If it is right, make an account with this identifier in one of the organization's pools.";
    /// The password is not the account's.
    PasswordWrong, "password_wrong", "NIST SP 800-63B §5.1.1.2", User,
        "Type the password again, or reset it.";
    /// The account has no password.
    PasswordMissing, "password_missing", "Ostiary: credentials of the account", Vendor,
        "Send the person a code with which they set one, or have them sign in with a passkey.";
    /// The pool of the account, or the organization, does not let people sign in by password.
    PasswordNotAllowed, "password_not_allowed", "Ostiary: mechanisms of pool and organization", Vendor,
        "Allow passwords in the identity pool and in the organization, or have the person sign in another way.";
    /// The password has expired: it is good only for choosing another one.
    PasswordExpired, "password_expired", "Ostiary: rules for passwords of the pool", User,
        "Choose another password on the page that follows.";
    /// Somebody asked that the password be changed: it is good only for that.
    PasswordMustBeChanged, "password_must_be_changed", "Ostiary: state of the password", User,
        "Choose another password on the page that follows.";
    /// Somebody asked that the password be reset: it is good for nothing.
    PasswordMustBeReset, "password_must_be_reset", "Ostiary: state of the password", Vendor,
        "Send the person a code with which they reset it, or set the state of the password back.";
    /// The account is not activated yet, or it is switched off or deleted.
    AccountNotActive, "account_not_active", "Ostiary: what is switched off refuses logins", Vendor,
        "Send a new user their activation again; switch an inactive one on if they are to sign in.";
    /// The code is none that the account's authenticator app shows, and none of its recovery codes.
    SecondFactorWrong, "second_factor_wrong", "RFC 6238 §5.2", User,
        "Type the code that the app shows now. The clock of the phone must be right to half a minute. If the app is lost, use a recovery code.";
    /// The code was right, and was used before.
    SecondFactorUsed, "second_factor_used", "RFC 6238 §5.2", User,
        "Wait for the next code of the app; of recovery codes take one that was not used.";
    /// The application expects another person.
    AnotherPerson, "another_person", "OpenID Connect Core §3.1.2.1 (id_token_hint)", User,
        "Sign in as the person whom the application knows, or sign out there first.";
    /// Too many attempts failed for this account from this network.
    TooManyAttempts, "too_many_attempts", "NIST SP 800-63B §5.2.2", User,
        "Wait half a minute for one more attempt, or five minutes for ten. From another network the person can sign in meanwhile.";
    /// The passkey belongs to no account of the organization: to nobody here, or to another pool, organization or environment.
    PasskeyUnknown, "passkey_unknown", "WebAuthn Level 3 §7.2, step 6", User,
        "Take the passkey that was made for this organization, or sign in another way and add one.";
    /// The pool of the account, or the organization, does not let people sign in by passkey.
    PasskeyNotAllowed, "passkey_not_allowed", "Ostiary: mechanisms of pool and organization", Vendor,
        "Allow passkeys in the identity pool and in the organization, or have the person sign in another way.";
    /// The answer of the authenticator is to no challenge of this sign-in, or to one that was answered or has expired.
    PasskeyChallenge, "passkey_challenge", "WebAuthn Level 3 §7.2, step 12", User,
        "Begin the sign-in again and use the passkey within ten minutes.";
    /// The passkey was used on a page of another site.
    PasskeyOrigin, "passkey_origin", "WebAuthn Level 3 §7.2, steps 13 to 15", Vendor,
        "People must see the sign-in pages at the public URL; look at what is between them and this server. If there is nothing, somebody imitates the page.";
    /// The authenticator did not verify its user by PIN, fingerprint or face.
    PasskeyUserNotVerified, "passkey_user_not_verified", "WebAuthn Level 3 §7.2, step 17", User,
        "Set a PIN, a fingerprint or a face up on the device or the security key.";
    /// The signature is not one of this passkey.
    PasskeySignature, "passkey_signature", "WebAuthn Level 3 §7.2, step 21", User,
        "Sign in another way, remove the passkey and make a new one.";
    /// The counter of the passkey went back: there may be a copy of it.
    PasskeyCounter, "passkey_counter", "WebAuthn Level 3 §7.2, step 22", Vendor,
        "Ask the person whether they have copied or restored the authenticator. Remove the passkey, and have them make a new one.";
}

/// The description of a code, in one sentence, for support.
pub fn description(code: &str) -> Option<&'static str> {
    let own = Error::OWN.iter().find(|refusal| refusal.code() == code).map(|refusal| refusal.meaning());
    own.or_else(|| saml::Error::ALL.iter().find(|one| one.code() == code).map(|one| one.meaning()))
}

impl Error {
    /// The failed check of this error.
    pub fn failed(self, expected: Option<String>, found: Option<String>) -> Check {
        self.check(false, expected, found)
    }

    /// The same check, passed.
    pub fn passed(self, expected: Option<String>, found: Option<String>) -> Check {
        self.check(true, expected, found)
    }

    fn check(self, passed: bool, expected: Option<String>, found: Option<String>) -> Check {
        Check {
            name: Cow::Borrowed(self.code()),
            passed,
            expected,
            found,
            clause: Cow::Borrowed(self.clause()),
            fixer: self.fixer(),
            remedy: Cow::Borrowed(if passed { "" } else { self.remedy() }),
            certificate_sha256: None,
        }
    }
}

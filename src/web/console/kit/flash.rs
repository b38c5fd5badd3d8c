//! The flash message: after a redirect it says what was done. It is kept in a cookie that is read once and
//! holds codes from the lists below, never text.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration},
    http::header,
};

use crate::{links::Links, web::kit::cookie_names::CookieNames};

/// The cookie of the flash message.
const COOKIE: CookieNames = CookieNames::new("__Host-ostiary_done", "ostiary_done");

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident $code:literal $word:literal;)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$each])* $variant,)* }

        impl $name {
            /// All variants.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its code in the cookie.
            const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// Its text in the message.
            const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            fn parse(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.code() == code)
            }
        }
    )*};
}

words! {
    /// The kind of resource that was changed.
    ResourceKind {
        /// An environment.
        Environment "environment" "Environment";
        /// An API key.
        ApiKey "api_key" "API key";
        /// An OAuth client.
        OauthClient "oauth_client" "OAuth client";
        /// An application or a service client.
        Application "application" "Application";
        /// With which organizations an application is shared.
        Sharing "sharing" "Sharing";
        /// An organization.
        Organization "organization" "Organization";
        /// A template of organizations.
        Template "template" "Template";
        /// The default template of an environment.
        DefaultTemplate "default_template" "Default template";
        /// The metadata of an organization.
        OrganizationMetadata "organization_metadata" "Metadata";
        /// The schema of an organization's metadata.
        MetadataSchema "metadata_schema" "Metadata schema";
        /// An identity pool.
        IdentityPool "identity_pool" "Identity pool";
        /// A schema of the objects of users.
        IdentitySchema "identity_schema" "Schema";
        /// A user of an identity pool.
        User "user" "User";
        /// A group of users.
        UserGroup "user_group" "Group";
        /// That a user is in a group.
        Membership "membership" "Membership";
        /// An identifier of a user.
        Identifier "identifier" "Identifier";
        /// An address of a user.
        Address "address" "Address";
        /// The authenticator app of a user.
        AuthenticatorApp "authenticator_app" "Authenticator app";
        /// The recovery codes of a user.
        RecoveryCodes "recovery_codes" "Recovery codes";
        /// All sessions of a user.
        AllSessions "all_sessions" "All sessions";
        /// A domain of an organization.
        Domain "domain" "Domain";
        /// A SAML connection.
        SamlConnection "saml_connection" "SAML connection";
        /// An OIDC connection.
        OidcConnection "oidc_connection" "OIDC connection";
        /// The metadata of an identity provider.
        Metadata "metadata" "Metadata";
        /// A SCIM directory.
        ScimDirectory "scim_directory" "SCIM directory";
        /// Bearer tokens that were replaced by rotation.
        OldTokens "old_tokens" "Replaced tokens";
        /// A setup link.
        SetupLink "setup_link" "Setup link";
        /// A webhook.
        Webhook "webhook" "Webhook";
        /// Events of a webhook.
        Events "events" "Events";
        /// A letter.
        Letter "letter" "Letter";
        /// A delivery to a webhook.
        Delivery "delivery" "Delivery";
        /// The branding of an environment.
        Branding "branding" "Branding";
        /// An administrator.
        Administrator "administrator" "Administrator";
        /// An administrator's role.
        Role "role" "Role";
        /// An invitation.
        Invitation "invitation" "Invitation";
        /// A password.
        Password "password" "Password";
        /// A passkey.
        Passkey "passkey" "Passkey";
        /// The administrator's own identity, authenticated again.
        Identity "identity" "Your identity";
        /// A session.
        Session "session" "Session";
        /// All sessions except the current one.
        OtherSessions "other_sessions" "All other sessions";
    }
    /// What was done.
    Action {
        /// Created.
        Created "created" "created";
        /// Added.
        Added "added" "added";
        /// Changed.
        Saved "saved" "saved";
        /// Enabled.
        Enabled "enabled" "enabled";
        /// Disabled.
        Disabled "disabled" "disabled";
        /// Deleted.
        Deleted "deleted" "deleted";
        /// Revoked.
        Revoked "revoked" "revoked";
        /// Authenticated again.
        Confirmed "confirmed" "confirmed";
        /// Approved.
        Approved "approved" "approved";
        /// Verified.
        Verified "verified" "verified by DNS";
        /// Checked without success.
        Checked "checked" "checked: see below what was found";
        /// Refreshed.
        Refreshed "refreshed" "refreshed";
        /// Queued for another delivery.
        Queued "queued" "will be sent again";
        /// Ended.
        Ended "ended" "ended";
    }
}

/// A flash message: a kind of resource and what was done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flash(pub ResourceKind, pub Action);

impl Flash {
    /// The message as a sentence.
    pub fn sentence(self) -> String {
        format!("{} {}.", self.0.word(), self.1.word())
    }

    /// Reads the message that the previous request left.
    pub fn read(links: &Links, request: &HttpRequest) -> Option<Self> {
        let cookie = COOKIE.read(links, request).next()?;
        let (kind, action) = cookie.value().split_once('.')?;
        Some(Self(ResourceKind::parse(kind)?, Action::parse(action)?))
    }

    /// The cookie under both names, because the caller has no [`Links`]: over plain http browsers drop the
    /// `__Host-` name, and over https the plain name is ignored.
    fn cookies(value: &str, lifetime: Duration) -> [Cookie<'static>; 2] {
        COOKIE.all().map(|name| {
            Cookie::build(name, value.to_owned())
                .path("/")
                .max_age(lifetime)
                .http_only(true)
                .secure(name == COOKIE.secure())
                .same_site(SameSite::Lax)
                .finish()
        })
    }
}

/// Redirects to `location` with a flash message.
pub fn see_other(location: &str, done: Flash) -> HttpResponse {
    let value = format!("{}.{}", done.0.code(), done.1.code());
    let mut response = HttpResponse::SeeOther();
    response.insert_header((header::LOCATION, location));
    for cookie in Flash::cookies(&value, Duration::seconds(60)) {
        response.cookie(cookie);
    }
    response.finish()
}

/// Deletes the flash message.
pub(in crate::web::console) fn clear(response: &mut HttpResponse) {
    for cookie in Flash::cookies("", Duration::ZERO) {
        // These cookies are always valid header values.
        drop(response.add_cookie(&cookie));
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use url::Url;

    use super::*;

    #[test]
    fn only_words_of_ours_are_said() {
        let [secure, plain] = COOKIE.all();
        let links = |origin| Links::new(&Url::parse(origin).unwrap()).unwrap();
        let (https, http) = (links("https://sso.example.com"), links("http://10.0.0.1"));
        let read = |value: &'static str| {
            Flash::read(&http, &TestRequest::default().cookie(Cookie::new(plain, value)).to_http_request())
        };
        for kind in ResourceKind::ALL {
            for action in Action::ALL {
                let value = format!("{}.{}", kind.code(), action.code());
                let request =
                    |name| TestRequest::default().cookie(Cookie::new(name, value.clone())).to_http_request();
                assert_eq!(Flash::read(&https, &request(secure)), Some(Flash(*kind, *action)));
                assert_eq!(Flash::read(&http, &request(plain)), Some(Flash(*kind, *action)));
                assert_eq!(Flash::read(&https, &request(plain)), None, "any neighbouring host can set it");
            }
        }
        assert_eq!(read("organization.created").unwrap().sentence(), "Organization created.");
        for other in ["", "organization", "organization.exploded", "<b>.created", "created.organization"] {
            assert_eq!(read(other), None, "{other}");
        }
        assert_eq!(Flash::read(&https, &TestRequest::default().to_http_request()), None);
    }
}

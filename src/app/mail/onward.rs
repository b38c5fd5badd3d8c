//! Where the link of a letter leads on, once what the letter is for is done.

use std::fmt;

use base::{id::ApplicationId, secret::SignInRequest};
use url::Url;

/// For what somebody asked for a letter: the sign-in that they were in the middle of, and its application. Both are only names:
/// whoever follows the link is taken there if that sign-in is of their browser, and that application of the issuer.
#[derive(Clone, Default)]
pub struct Onward {
    request: Option<String>,
    client_id: Option<ApplicationId>,
    /// The name of the application; empty where it is not known. It is not carried: whoever follows the link looks it up.
    application: String,
}

/// Shows nothing: what names a sign-in is a secret.
impl fmt::Debug for Onward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Onward(…)")
    }
}

impl Onward {
    /// What a link or a form names; what is no such name is left out.
    pub fn parse(request: &str, client_id: &str) -> Self {
        let request = request.parse::<SignInRequest>().ok();
        let request = request.map(|request| request.reveal());
        Self { request, client_id: client_id.parse().ok(), application: String::new() }
    }

    /// The name of the sign-in under way; empty without one.
    pub fn request(&self) -> &str {
        self.request.as_deref().unwrap_or_default()
    }

    /// The application.
    pub fn client_id(&self) -> Option<ApplicationId> {
        self.client_id
    }

    /// The name of the application; empty where it is not known.
    pub fn application(&self) -> &str {
        &self.application
    }

    /// This, for the application of the sign-in, with its name.
    pub fn to(self, client_id: Option<ApplicationId>, application: &str) -> Self {
        Self { client_id: client_id.or(self.client_id), application: application.to_owned(), ..self }
    }

    /// The parameters of a link.
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let request = self.request.clone().map(|request| ("request", request));
        let client = self.client_id.map(|id| ("client_id", id.to_string()));
        request.into_iter().chain(client).collect()
    }

    /// Adds the parameters to a link.
    pub(super) fn add_to(&self, url: &mut Url) {
        for (name, value) in self.parameters() {
            url.query_pairs_mut().append_pair(name, &value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_are_carried() {
        let mut url: Url = "https://sso.example/prod/acme/sign-in/reset?code=1".parse().unwrap();
        Onward::parse("https://evil.example/", "//evil.example").add_to(&mut url);
        assert_eq!(url.as_str(), "https://sso.example/prod/acme/sign-in/reset?code=1");
        let request = SignInRequest::new(&base::random::SeededRandom::new(1)).reveal();
        let client = ApplicationId::from_bits(7).to_string();
        Onward::parse(&request, &client).add_to(&mut url);
        assert!(url.as_str().ends_with(&format!("?code=1&request={request}&client_id={client}")), "{url}");
    }
}

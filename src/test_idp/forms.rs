//! The forms of the test identity provider's pages. Hidden fields keep the request, because the server keeps
//! no state between two pages.

use test_idp_protocol::{
    authn_request::is_xml_id, build_response::ResponseOptions, flaw::Flaw, parties::TestUser,
    response::Signing,
};

use super::provider::TestIdp;

/// The maximum length of a single-line field in bytes.
const MAX_LINE: usize = 2000;
/// The maximum number of lines in a field of attributes or groups.
const MAX_LINES: usize = 100;

/// The names and values of a posted form or a query, in order.
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `application/x-www-form-urlencoded` text.
    pub fn parse(text: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(text).into_owned().collect())
    }

    /// The field's value, if present. A repeated field is an error, because it is ambiguous.
    pub fn get(&self, name: &str) -> Result<Option<&str>, FormError> {
        let mut values = self.0.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str());
        let first = values.next();
        if values.next().is_some() { Err(FormError::Repeated(name.to_owned())) } else { Ok(first) }
    }

    /// The field's value, empty when it is absent.
    fn text(&self, name: &str) -> Result<&str, FormError> {
        self.get(name).map(Option::unwrap_or_default)
    }

    fn line(&self, name: &str) -> Result<String, FormError> {
        let text = self.text(name)?.trim();
        if text.len() > MAX_LINE { Err(FormError::TooLong(name.to_owned())) } else { Ok(text.to_owned()) }
    }
}

/// Why a form cannot be answered, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A field is repeated.
    #[error("The form has the field {0} more than once.")]
    Repeated(String),
    /// A value is too long.
    #[error("The field {0} is longer than {MAX_LINE} characters, or has more than {MAX_LINES} lines.")]
    TooLong(String),
    /// A field has a value that no page offers.
    #[error("The field {0} has a value that this page does not offer.")]
    Unknown(&'static str),
}

/// The login that is to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginRequest {
    /// The ID of the request; none for an IdP-initiated login.
    pub request_id: Option<String>,
    /// The Assertion Consumer Service URL that the response goes to.
    pub acs_url: String,
    /// The service provider's entity ID.
    pub audience: String,
    /// The RelayState to return.
    pub relay_state: Option<String>,
}

impl LoginRequest {
    /// As hidden fields.
    pub fn fields(&self) -> Vec<(&'static str, &str)> {
        let mut fields = vec![("acs_url", self.acs_url.as_str()), ("audience", &self.audience)];
        fields.extend(self.request_id.as_deref().map(|id| ("request_id", id)));
        fields.extend(self.relay_state.as_deref().map(|state| ("relay_state", state)));
        fields
    }

    /// Parses the hidden fields.
    pub fn read(fields: &Fields) -> Result<Self, FormError> {
        let request_id = fields.get("request_id")?.map(str::to_owned);
        if request_id.as_deref().is_some_and(|id| !is_xml_id(id)) {
            return Err(FormError::Unknown("request_id"));
        }
        Ok(Self {
            request_id,
            acs_url: fields.line("acs_url")?,
            audience: fields.line("audience")?,
            relay_state: relay_state(fields, "relay_state")?,
        })
    }
}

/// Reads a RelayState: opaque, so not trimmed; two kilobytes are tolerated where 80 bytes are allowed
/// (SAML Bindings §3.4.3).
pub fn relay_state(fields: &Fields, name: &str) -> Result<Option<String>, FormError> {
    match fields.get(name)? {
        Some(value) if value.len() > MAX_LINE => Err(FormError::TooLong(name.to_owned())),
        value => Ok(value.map(str::to_owned)),
    }
}

/// The form in which the response can be edited, as it was submitted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResponseForm {
    /// The NameID.
    pub name_id: String,
    /// The attribute `email`.
    pub email: String,
    /// The attribute `firstName`.
    pub first_name: String,
    /// The attribute `lastName`.
    pub last_name: String,
    /// The attribute `groups`, one value a line.
    pub groups: String,
    /// Other attributes, one `name = value` a line.
    pub attributes: String,
    /// What is signed.
    pub signing: String,
    /// The name of the deliberate flaw.
    pub flaw: String,
    /// Whether the document is shown before it is sent.
    pub show: bool,
}

impl ResponseForm {
    /// The form filled in for a user of the list.
    pub fn for_user(user: &TestUser) -> Self {
        Self {
            name_id: user.email.clone(),
            email: user.email.clone(),
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
            groups: user.groups.join("\n"),
            ..Self::default()
        }
    }

    fn read(fields: &Fields) -> Result<Self, FormError> {
        Ok(Self {
            name_id: fields.line("name_id")?,
            email: fields.line("email")?,
            first_name: fields.line("first_name")?,
            last_name: fields.line("last_name")?,
            groups: fields.text("groups")?.to_owned(),
            attributes: fields.text("attributes")?.to_owned(),
            signing: fields.line("signing")?,
            flaw: fields.line("flaw")?,
            show: fields.get("show")?.is_some(),
        })
    }

    /// The contents of the response that the form describes.
    pub fn options(&self) -> Result<ResponseOptions, FormError> {
        let mut attributes: Vec<(String, Vec<String>)> = Vec::new();
        let mut add = |name: &str, value: &str| match attributes.iter_mut().find(|(own, _)| own == name) {
            Some((_, values)) => values.push(value.to_owned()),
            None => attributes.push((name.to_owned(), vec![value.to_owned()])),
        };
        for (name, value) in
            [("email", &self.email), ("firstName", &self.first_name), ("lastName", &self.last_name)]
        {
            if !value.is_empty() {
                add(name, value);
            }
        }
        for group in lines(&self.groups, "groups")? {
            add("groups", group);
        }
        for line in lines(&self.attributes, "attributes")? {
            let (name, value) = line.split_once('=').unwrap_or((line, ""));
            if name.trim().is_empty() {
                return Err(FormError::Unknown("attributes"));
            }
            add(name.trim(), value.trim());
        }
        let signing = match self.signing.as_str() {
            "" | "assertion" => Signing::Assertion,
            "response" => Signing::Response,
            "both" => Signing::Both,
            _ => return Err(FormError::Unknown("signing")),
        };
        let flaw = match self.flaw.as_str() {
            "" => None,
            name => Some(Flaw::from_name(name).ok_or(FormError::Unknown("flaw"))?),
        };
        Ok(ResponseOptions { name_id: self.name_id.clone(), attributes, signing, flaw })
    }
}

fn lines<'a>(text: &'a str, name: &str) -> Result<Vec<&'a str>, FormError> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.len() > MAX_LINES || lines.iter().any(|line| line.len() > MAX_LINE) {
        return Err(FormError::TooLong(name.to_owned()));
    }
    Ok(lines)
}

/// The action of the submitted form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormAction {
    /// Sign in as a user of the list.
    SignIn(ResponseOptions),
    /// Edit the response, starting from a user of the list.
    Edit(ResponseForm),
    /// Send the edited response.
    Send(ResponseForm),
}

impl FormAction {
    /// Parses the submitted form.
    pub fn read(fields: &Fields, idp: &TestIdp) -> Result<Self, FormError> {
        let user = |email: &str, field: &'static str| {
            idp.users.iter().find(|user| user.email == email).ok_or(FormError::Unknown(field))
        };
        if let Some(email) = fields.get("person")? {
            return user(email, "person").map(|user| Self::SignIn(ResponseOptions::for_user(user)));
        }
        if let Some(email) = fields.get("edit")? {
            return user(email, "edit").map(|user| Self::Edit(ResponseForm::for_user(user)));
        }
        ResponseForm::read(fields).map(Self::Send)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields(text: &str) -> Fields {
        Fields::parse(text.as_bytes())
    }

    #[test]
    fn what_was_asked_survives_its_hidden_fields() {
        let login = LoginRequest {
            request_id: Some("_1".into()),
            acs_url: "https://sp.example/acs?a=1&b=2".into(),
            audience: "https://sp.example/".into(),
            relay_state: Some(" r\"&\n".into()),
        };
        let text: String =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(login.fields()).finish();
        assert_eq!(LoginRequest::read(&fields(&text)), Ok(login));
        assert_eq!(LoginRequest::read(&fields("request_id=1")), Err(FormError::Unknown("request_id")));
        assert_eq!(
            LoginRequest::read(&fields("acs_url=a&acs_url=b")),
            Err(FormError::Repeated("acs_url".into()))
        );
        let long = format!("relay_state={}", "x".repeat(MAX_LINE + 1));
        assert_eq!(LoginRequest::read(&fields(&long)), Err(FormError::TooLong("relay_state".into())));
    }

    #[test]
    fn a_draft_becomes_a_statement() {
        let text = "name_id=u1&email=d%40a.example&groups=a%0D%0A%0D%0A+b+%0D%0A&attributes=team%3Dx%0D%0Ateam+%3D+y%3Dz%0D%0Agroups%3Dc&signing=both&flaw=expired&show=1";
        let response_form = ResponseForm::read(&fields(text)).unwrap();
        assert!(response_form.show);
        let owned =
            |name: &str, values: &[&str]| (name.to_owned(), values.iter().map(|v| (*v).to_owned()).collect());
        assert_eq!(
            response_form.options().unwrap(),
            ResponseOptions {
                name_id: "u1".into(),
                attributes: vec![
                    owned("email", &["d@a.example"]),
                    owned("groups", &["a", "b", "c"]),
                    owned("team", &["x", "y=z"]),
                ],
                signing: Signing::Both,
                flaw: Some(Flaw::Expired),
            }
        );
    }

    #[test]
    fn what_no_page_offers_is_refused() {
        for (text, error) in [
            ("signing=none", FormError::Unknown("signing")),
            ("flaw=x", FormError::Unknown("flaw")),
            ("attributes=%3Dx", FormError::Unknown("attributes")),
        ] {
            assert_eq!(ResponseForm::read(&fields(text)).unwrap().options(), Err(error));
        }
        let many = format!("groups={}", "a%0A".repeat(MAX_LINES + 1));
        let response_form = ResponseForm::read(&fields(&many)).unwrap();
        assert_eq!(response_form.options(), Err(FormError::TooLong("groups".into())));
    }

    proptest! {
        #[test]
        fn no_form_panics(bytes: Vec<u8>) {
            let fields = Fields::parse(&bytes);
            let _ = LoginRequest::read(&fields);
            if let Ok(response_form) = ResponseForm::read(&fields) {
                let _ = response_form.options();
            }
        }
    }
}

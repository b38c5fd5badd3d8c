//! Forms as browsers post them: fields and files, with limits, and the check that one of our own pages sent them.

use std::{
    collections::HashMap,
    fmt,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    task::Poll,
};

use actix_multipart::{
    Field, MultipartError,
    form::{Limits, MultipartCollect, MultipartForm, State as Collected},
};
use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest, HttpResponse, ResponseError,
    dev::Payload,
    error::PayloadError,
    http::{
        StatusCode,
        header::{self, HeaderMap},
    },
    web,
};
use serde::de::DeserializeOwned;
use url::Url;

use super::{
    message::Message,
    response::{PagePolicy, page},
};
use crate::app::{
    self,
    field_values::{self, FieldSource, FieldValue},
    limits::body_allowance::{BodyAllowance, MAX_BODY},
};

/// The maximum size of a form in bytes, its files included.
pub const MAX_FORM_BYTES: usize = MAX_BODY;

/// The maximum number of fields and files of a form.
pub const MAX_FORM_FIELDS: usize = 1000;

/// Lifts a request's limit for bodies of unauthenticated callers. Call it once the caller is authenticated.
pub fn allow_large_body(request: &HttpRequest) {
    if let Some(allowance) = request.extensions().get::<BodyAllowance>() {
        allowance.authenticated();
    }
}

/// An uploaded file. Its name and type are set by the browser and are not trusted.
#[derive(Clone)]
pub struct UploadedFile {
    /// The file name that the browser sent.
    pub name: String,
    /// The media type that the browser sent.
    pub content_type: Option<String>,
    /// Its content.
    pub bytes: web::Bytes,
}

impl fmt::Debug for UploadedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a file of {} bytes", self.bytes.len())
    }
}

/// The fields and files of a posted form.
#[derive(Debug, Clone, Default)]
pub struct PostedForm {
    fields: Vec<(String, String)>,
    files: Vec<(String, UploadedFile)>,
}

/// Why a form is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostedFormError {
    /// It exceeds the maximum size or the maximum number of fields.
    TooLarge,
    /// Its media type is not a form's.
    UnsupportedMediaType,
    /// It is incomplete or malformed.
    Malformed,
    /// Another site sent it, or its CSRF token does not match.
    CsrfCheckFailed,
}

impl fmt::Display for PostedFormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the form is too large",
            Self::UnsupportedMediaType => "the form has an unsupported media type",
            Self::Malformed => "the form cannot be read",
            Self::CsrfCheckFailed => "the form was not sent by one of our pages",
        })
    }
}

impl ResponseError for PostedFormError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::CsrfCheckFailed => StatusCode::FORBIDDEN,
        }
    }

    fn error_response(&self) -> HttpResponse {
        const BACK: &str = "Go back, reload the page and try again.";
        let (reason, message) = match self {
            Self::TooLarge => (
                "too_large",
                Message::new(
                    "That is too large",
                    "What you sent is larger than this page takes; none takes more than one megabyte.",
                    "Go back and choose a smaller file.",
                ),
            ),
            Self::UnsupportedMediaType | Self::Malformed => (
                "bad_request",
                Message::new("This form cannot be read", "It did not arrive in one piece.", BACK),
            ),
            Self::CsrfCheckFailed => (
                "foreign_form",
                Message::new(
                    "This form was not taken",
                    "It does not come from a page that we made for you: the page may be from before you signed in, or \
                     another site sent it. Nothing was changed.",
                    BACK,
                ),
            ),
        };
        page(
            self.status_code(),
            PagePolicy::SameOriginForms,
            Message { reason: Some(reason), ..message }.view(),
        )
    }
}

impl PostedForm {
    /// Reads a form that one of our own pages sent. `origin` is that of the public URL.
    pub async fn read(
        request: &HttpRequest,
        payload: &mut Payload,
        origin: &str,
    ) -> Result<Self, PostedFormError> {
        if !is_same_origin(request.headers(), origin) {
            return Err(PostedFormError::CsrfCheckFailed);
        }
        let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        if announced
            .and_then(|text| text.parse::<u64>().ok())
            .is_some_and(|length| length > MAX_FORM_BYTES as u64)
        {
            return Err(PostedFormError::TooLarge);
        }
        let kind = request.content_type().to_ascii_lowercase();
        if !matches!(kind.as_str(), "application/x-www-form-urlencoded" | "multipart/form-data") {
            return Err(PostedFormError::UnsupportedMediaType);
        }
        let bytes = web::Bytes::from_request(request, payload).await.map_err(|error| {
            match error.as_error::<PayloadError>() {
                Some(PayloadError::Overflow) => PostedFormError::TooLarge,
                _ => PostedFormError::Malformed,
            }
        })?;
        match kind.as_str() {
            "application/x-www-form-urlencoded" => {
                let fields = parse_urlencoded(&bytes, MAX_FORM_FIELDS).ok_or(PostedFormError::TooLarge)?;
                Ok(Self { fields, files: Vec::new() })
            }
            _ => Self::read_multipart(request, bytes).await,
        }
    }

    /// Parses a multipart form whose body was read completely. The library stays pending on a body that ends inside
    /// a delimiter, and panics on a line shorter than two bytes in place of the boundary; both become `Malformed`
    /// here.
    async fn read_multipart(request: &HttpRequest, bytes: web::Bytes) -> Result<Self, PostedFormError> {
        let mut payload = Payload::from(bytes);
        let mut reading = pin!(MultipartForm::<Self>::from_request(request, &mut payload));
        let read = poll_fn(|context| {
            // The library is polled again for each field; it never needs more polls than this.
            for _ in 0..4 * MAX_FORM_FIELDS {
                match catch_unwind(AssertUnwindSafe(|| reading.as_mut().poll(context))) {
                    Ok(Poll::Pending) => {}
                    Ok(Poll::Ready(read)) => return Poll::Ready(Some(read)),
                    Err(_) => break,
                }
            }
            Poll::Ready(None)
        });
        match read.await {
            Some(Ok(form)) => Ok(form.into_inner()),
            Some(Err(error)) => Err(match error.as_error::<MultipartError>() {
                Some(MultipartError::Payload(PayloadError::Overflow)) => PostedFormError::TooLarge,
                _ => PostedFormError::Malformed,
            }),
            None => Err(PostedFormError::Malformed),
        }
    }

    /// Reads the change of a resource; see [`field_values`].
    pub fn change<T: DeserializeOwned>(&self) -> app::Result<T> {
        field_values::read(&mut PostedFields(self))
    }

    /// A field's first value, as entered; empty when the field is missing.
    pub fn text(&self, name: &str) -> &str {
        let field = self.fields.iter().find(|(field, _)| field == name);
        field.map_or("", |(_, value)| value.as_str())
    }

    /// Every value of a field that is not empty, in the order of the page.
    pub fn texts<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let values = self.fields.iter().filter(move |(field, _)| field == name);
        values.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Whether a field was sent, empty or not: by the button that was pressed, or by the form that has it.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(field, _)| field == name)
    }

    /// Whether a checkbox was ticked.
    pub fn flag(&self, name: &str) -> bool {
        self.texts(name).next().is_some()
    }

    /// The file of a field, if one was chosen.
    pub fn file(&self, name: &str) -> Option<&UploadedFile> {
        self.files.iter().find(|(field, _)| field == name).map(|(_, file)| file)
    }

    /// All fields, in the order of the page.
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }
}

/// The fields of a form as the source of a change.
struct PostedFields<'a>(&'a PostedForm);

impl FieldSource for PostedFields<'_> {
    fn take(&mut self, name: &'static str) -> Option<FieldValue> {
        let sent = self.0.fields.iter().filter(|(field, _)| field == name);
        let values: Vec<String> = sent.map(|(_, value)| value.clone()).collect();
        (!values.is_empty()).then_some(FieldValue::Form(values))
    }
}

/// The fields of an `application/x-www-form-urlencoded` form, in their order (URL Standard §5.1); `None` when there
/// are more than `max`; they are counted before any is decoded.
pub fn parse_urlencoded(form: &[u8], max: usize) -> Option<Vec<(String, String)>> {
    let fields = form.split(|&byte| byte == b'&').filter(|field| !field.is_empty());
    (fields.take(max + 1).count() <= max).then(|| url::form_urlencoded::parse(form).into_owned().collect())
}

/// Whether one of our pages sent the request, by its `Sec-Fetch-Site` and `Origin` headers (Fetch Metadata §2,
/// Fetch §3.2). Only browsers send them reliably; requests without them are left to the CSRF token.
fn is_same_origin(headers: &HeaderMap, origin: &str) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site") {
        // `none`: the user reloaded the response.
        if !matches!(site, "same-origin" | "none") {
            return false;
        }
    }
    match text("origin") {
        None => true,
        // A sandboxed page, or another opaque origin.
        Some("null") => false,
        Some(said) => said == origin || host_of(said).is_some_and(|host| text("host") == Some(host.as_str())),
    }
}

/// Host and port in the form of a `Host` header.
fn host_of(origin: &str) -> Option<String> {
    let url = Url::parse(origin).ok()?;
    let host = url.host_str()?;
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// The key under which the library's state holds the parts collected so far, whatever the fields are called.
const PARTS: &str = "";

impl MultipartCollect for PostedForm {
    fn limit(_: &str) -> Option<usize> {
        None
    }

    fn handle_field<'t>(
        _: &'t HttpRequest,
        mut field: Field,
        _: &'t mut Limits,
        state: &'t mut Collected,
    ) -> Pin<Box<dyn Future<Output = Result<(), MultipartError>> + 't>> {
        Box::pin(async move {
            let overflow = || MultipartError::Payload(PayloadError::Overflow);
            let mut posted = match state.0.remove(PARTS).map(|parts| parts.downcast::<Self>()) {
                Some(Ok(posted)) => *posted,
                _ => Self::default(),
            };
            let room = MAX_FORM_BYTES.saturating_sub(posted.size());
            if posted.fields.len() + posted.files.len() >= MAX_FORM_FIELDS {
                return Err(overflow());
            }
            let bytes = match field.bytes(room).await {
                Ok(Ok(bytes)) => bytes,
                Ok(Err(_)) => return Err(MultipartError::Incomplete),
                Err(_) => return Err(overflow()),
            };
            let name = field.name().unwrap_or_default().to_owned();
            let file = field.content_disposition().and_then(|said| said.get_filename()).map(str::to_owned);
            match file {
                None => posted.fields.push((name, String::from_utf8_lossy(&bytes).into_owned())),
                // A browser sends a file without name and content where none was chosen.
                Some(file) if file.is_empty() && bytes.is_empty() => {}
                Some(file) => {
                    let content_type = field.content_type().map(ToString::to_string);
                    posted.files.push((name, UploadedFile { name: file, content_type, bytes }));
                }
            }
            state.0.insert(PARTS.to_owned(), Box::new(posted));
            Ok(())
        })
    }

    fn from_state(state: Collected) -> Result<Self, MultipartError> {
        let mut parts: HashMap<_, _> = state.0;
        Ok(match parts.remove(PARTS).map(|parts| parts.downcast::<Self>()) {
            Some(Ok(posted)) => *posted,
            _ => Self::default(),
        })
    }
}

impl PostedForm {
    fn size(&self) -> usize {
        let fields: usize = self.fields.iter().map(|(name, value)| name.len() + value.len()).sum();
        let files: usize = self.files.iter().map(|(_, file)| file.bytes.len()).sum();
        fields + files
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const ORIGIN: &str = "https://sso.example.com";

    async fn read(kind: &str, body: impl Into<web::Bytes>) -> Result<PostedForm, PostedFormError> {
        let request = TestRequest::post().insert_header((header::CONTENT_TYPE, kind)).set_payload(body);
        let (request, mut payload) = request.to_http_parts();
        PostedForm::read(&request, &mut payload, ORIGIN).await
    }

    #[actix_web::test]
    async fn a_form_is_read_in_either_shape() {
        let plain =
            read("application/x-www-form-urlencoded; charset=utf-8", "a=1&b=x+y&a=2&on=").await.unwrap();
        let parts = "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\
                     --X\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\nx y\r\n\
                     --X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n2\r\n\
                     --X\r\nContent-Disposition: form-data; name=\"on\"\r\n\r\n\r\n\
                     --X\r\nContent-Disposition: form-data; name=\"f\"; filename=\"idp.xml\"\r\n\
                     Content-Type: text/xml\r\n\r\n<x/>\r\n\
                     --X\r\nContent-Disposition: form-data; name=\"none\"; filename=\"\"\r\n\
                     Content-Type: application/octet-stream\r\n\r\n\r\n--X--\r\n";
        let multi = read("multipart/form-data; boundary=X", parts).await.unwrap();
        for form in [&plain, &multi] {
            assert_eq!((form.text("a"), form.text("b"), form.text("c")), ("1", "x y", ""));
            assert_eq!(form.texts("a").collect::<Vec<_>>(), ["1", "2"]);
            assert!(form.has("on") && !form.flag("on") && !form.has("off"));
            assert!(form.file("a").is_none() && form.file("none").is_none());
        }
        let file = multi.file("f").unwrap();
        assert_eq!((file.name.as_str(), &file.bytes[..]), ("idp.xml", &b"<x/>"[..]));
        assert_eq!(file.content_type.as_deref(), Some("text/xml"));
        assert_eq!(format!("{file:?}"), "a file of 4 bytes");
    }

    #[actix_web::test]
    async fn what_is_too_large_or_no_form_is_refused() {
        let field = "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n";
        let large = format!("{field}{}\r\n--X--\r\n", "x".repeat(MAX_FORM_BYTES + 1));
        let many = format!("{}--X--\r\n", format!("{field}1\r\n").repeat(MAX_FORM_FIELDS + 1));
        let multi = "multipart/form-data; boundary=X";
        for (kind, body, expected) in [
            (multi, large, PostedFormError::TooLarge),
            (multi, many, PostedFormError::TooLarge),
            (multi, field.to_owned(), PostedFormError::Malformed),
            ("multipart/form-data", field.to_owned(), PostedFormError::Malformed),
            // Bodies on which the library stays pending, and on which it panics.
            (
                "multipart/form-data; boundary=Y",
                field.replace("--X", "--Y") + "1\r\n--X--\r\n",
                PostedFormError::Malformed,
            ),
            (multi, "\n".to_owned(), PostedFormError::Malformed),
            ("multipart/form-data; boundary=\"\"", "\n".to_owned(), PostedFormError::Malformed),
            (
                "application/x-www-form-urlencoded",
                "a&".repeat(MAX_FORM_FIELDS + 1),
                PostedFormError::TooLarge,
            ),
            ("text/plain", "a=1".to_owned(), PostedFormError::UnsupportedMediaType),
            ("application/json", "{}".to_owned(), PostedFormError::UnsupportedMediaType),
            ("", "a=1".to_owned(), PostedFormError::UnsupportedMediaType),
        ] {
            assert_eq!(read(kind, body).await.unwrap_err(), expected, "{kind}");
        }
        let request = TestRequest::post()
            .insert_header((header::CONTENT_TYPE, "application/x-www-form-urlencoded"))
            .insert_header((header::CONTENT_LENGTH, MAX_FORM_BYTES + 1));
        let (request, mut payload) = request.to_http_parts();
        assert_eq!(
            PostedForm::read(&request, &mut payload, ORIGIN).await.unwrap_err(),
            PostedFormError::TooLarge
        );
    }

    #[test]
    fn only_pages_of_ours_post() {
        for (headers, own) in [
            (&[][..], true),
            (&[("origin", ORIGIN)], true),
            (&[("origin", ORIGIN), ("sec-fetch-site", "same-origin")], true),
            (&[("origin", "http://other.host:8080"), ("host", "other.host:8080")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("origin", "null")], false),
            (&[("origin", "https://evil.example"), ("host", "sso.example.com")], false),
            (&[("origin", "https://sso.example.com.evil.example")], false),
            (&[("origin", ORIGIN), ("sec-fetch-site", "cross-site")], false),
            (&[("origin", "https://app.example.com"), ("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
        ] {
            let request =
                headers.iter().fold(TestRequest::post(), |request, header| request.insert_header(*header));
            assert_eq!(is_same_origin(request.to_http_request().headers(), ORIGIN), own, "{headers:?}");
        }
    }
}

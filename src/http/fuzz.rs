//! The fuzz target for forms: invariants for arbitrary bytes. `fuzz/` runs it with a fuzzer, `tests/it/fuzz.rs` on a
//! corpus and its mutations with a stable toolchain.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use actix_web::{http::header, test::TestRequest, web::Bytes};
use oauth::parameters::Parameters;

use crate::web::kit::posted::{self, MAX_FORM_BYTES, MAX_FORM_FIELDS, PostedForm};

/// Parameters that OAuth's endpoints read.
const NAMES: [&str; 5] = ["state", "code", "client_id", "redirect_uri", "a"];

/// Decodes a posted form with each decoder: that of the pages and the Assertion Consumer Service, that of OAuth, and
/// the multipart decoder. All keep their limits; the first two agree.
pub fn form(bytes: &[u8]) {
    let fields = posted::parse_urlencoded(bytes, MAX_FORM_FIELDS);
    match &fields {
        Some(fields) => {
            assert!(fields.len() <= MAX_FORM_FIELDS);
            let written = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            assert_eq!(
                posted::parse_urlencoded(written.as_bytes(), MAX_FORM_FIELDS).as_ref(),
                Some(fields),
                "{written}"
            );
        }
        None => assert!(bytes.iter().filter(|&&byte| byte == b'&').count() >= MAX_FORM_FIELDS),
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        match (Parameters::parse(text), &fields) {
            (Ok(parameters), Some(fields)) => {
                assert!(fields.len() <= oauth::limits::MAX_PARAMETERS);
                NAMES.iter().for_each(|name| assert_read_alike(name, &parameters, fields));
            }
            (Ok(_), None) => panic!("OAuth accepts more fields than pages do"),
            (Err(error), _) => assert_eq!(error, oauth::Error::RequestTooLarge),
        }
    }
    let first = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(0);
    let boundary: String = bytes[..first].iter().map(|&byte| char::from(byte)).collect();
    for boundary in ["X", boundary.trim_start_matches("--").trim_end()] {
        multipart(boundary, bytes);
    }
}

fn assert_read_alike(name: &'static str, parameters: &Parameters, fields: &[(String, String)]) {
    let values: Vec<_> = fields.iter().filter(|(field, _)| field == name).map(|(_, value)| value).collect();
    match parameters.get(name) {
        Ok(Some(value)) => assert!(matches!(*values, [only] if only == value), "{name}: {values:?}"),
        Ok(None) => {
            assert!(values.iter().all(|value| value.is_empty()) && values.len() < 2, "{name}: {values:?}")
        }
        Err(oauth::Error::Repeated(_)) => assert!(values.len() > 1, "{name}: {values:?}"),
        Err(error) => {
            let bad = |value: &str| {
                value.len() > oauth::limits::MAX_VALUE_BYTES
                    || value.contains(['\0', char::REPLACEMENT_CHARACTER])
            };
            assert!(matches!(*values, [only] if bad(only)), "{name}: {error}: {values:?}");
        }
    }
}

fn multipart(boundary: &str, bytes: &[u8]) {
    let content_type = format!("multipart/form-data; boundary={boundary}");
    let Ok(content_type) = header::HeaderValue::from_str(&content_type) else { return };
    let request = TestRequest::post().insert_header((header::CONTENT_TYPE, content_type));
    let (request, mut payload) = request.set_payload(Bytes::copy_from_slice(bytes)).to_http_parts();
    let mut reading = pin!(PostedForm::read(&request, &mut payload, "https://sso.example.com"));
    let read = reading.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    match read {
        Poll::Pending => panic!("a complete body is waited for"),
        Poll::Ready(Err(_)) => {}
        Poll::Ready(Ok(posted)) => {
            let size: usize = posted.fields().iter().map(|(name, value)| name.len() + value.len()).sum();
            assert!(posted.fields().len() <= MAX_FORM_FIELDS);
            // Bytes that are not UTF-8 are replaced by longer sequences.
            assert!(size <= 3 * MAX_FORM_BYTES);
        }
    }
}

//! What the parts of a SCIM request tell each other, among the extensions of the request and of its response.

use actix_web::{HttpMessage as _, HttpRequest, web};
use base::{id::ScimDirectoryId, time::Timestamp};

use crate::app::directories::limits::DirectoryPermit;

/// When a request arrived.
#[derive(Clone, Copy)]
pub(super) struct ReceivedAt(pub Timestamp);

/// When a request to a directory arrived.
pub(super) fn received_at(request: &HttpRequest) -> Option<Timestamp> {
    request.extensions().get::<ReceivedAt>().map(|arrived| arrived.0)
}

/// The directory of an authenticated request, for the request log: unauthenticated requests are not logged.
#[derive(Clone, Copy)]
pub(super) struct AuthenticatedDirectory(pub ScimDirectoryId);

/// The body of a request, for the request log.
#[derive(Clone)]
pub(super) struct LoggedBody(pub web::Bytes);

/// The directory's permit for one of its concurrent requests, until the response is sent.
pub(super) struct RequestPermit(
    #[expect(dead_code, reason = "held, and given back when it is dropped")] pub DirectoryPermit,
);

/// The stable error code of a response, for the request log.
#[derive(Clone, Copy)]
pub(super) struct ErrorCode(pub &'static str);

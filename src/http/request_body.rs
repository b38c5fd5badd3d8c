//! How a route of a surface reads the body, once the caller is authenticated.

use std::future::Future;

use actix_web::{HttpRequest, dev::Payload, web};

/// How a route reads the body.
pub trait Body: Sized + 'static {
    /// Reads the body.
    fn read(request: &HttpRequest, payload: Payload) -> impl Future<Output = Result<Self, actix_web::Error>>;
}

/// The body of a request, if a middleware has already read it.
pub(in crate::http) struct BufferedBody(pub web::Bytes);

/// The route takes no body; a body that is sent is ignored.
pub struct NoBody;

impl Body for NoBody {
    async fn read(_: &HttpRequest, _: Payload) -> Result<Self, actix_web::Error> {
        Ok(Self)
    }
}

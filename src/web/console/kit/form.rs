//! The console's posted forms: with a session and its CSRF token, and without.

use std::{future::Future, ops::Deref, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload};

use super::{
    caller::Caller,
    error::ExtractError,
    session::{FORM_TOKEN, application_state},
};
use crate::{
    app::Result,
    web::kit::posted::{PostedForm, PostedFormError, allow_large_body},
};

/// The body of a POST by a signed-in administrator, of the vendor or of an organization. Its CSRF token is checked against their session.
#[derive(Debug)]
pub struct ConsoleForm(PostedForm);

impl Deref for ConsoleForm {
    type Target = PostedForm;

    fn deref(&self) -> &PostedForm {
        &self.0
    }
}

impl FromRequest for ConsoleForm {
    type Error = ExtractError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ExtractError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            // Authenticate first: the body of an unauthenticated request is not read.
            let caller = Caller::of(&request).await?;
            allow_large_body(&request);
            let state = application_state(&request)?;
            let posted = PostedForm::read(&request, &mut payload, &state.links.origin()).await?;
            if !caller.is_csrf_token(state, posted.text(FORM_TOKEN)) {
                return Err(PostedFormError::CsrfCheckFailed.into());
            }
            Ok(Self(posted))
        })
    }
}

/// The body of a POST before sign-in. `Origin` is checked; there is no session for a CSRF token.
#[derive(Debug)]
pub struct AnonymousForm(PostedForm);

impl Deref for AnonymousForm {
    type Target = PostedForm;

    fn deref(&self) -> &PostedForm {
        &self.0
    }
}

impl FromRequest for AnonymousForm {
    type Error = ExtractError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ExtractError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let state = application_state(&request)?;
            Ok(Self(PostedForm::read(&request, &mut payload, &state.links.origin()).await?))
        })
    }
}

//! The setup's posted forms: with a session and its token, and without.

use std::{future::Future, ops::Deref, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload};

use super::{
    error::ExtractError,
    session::{FORM_TOKEN, SetupContext, application_state},
};
use crate::web::kit::posted::{PostedForm, PostedFormError, allow_large_body};

/// A posted form whose CSRF token belongs to this session.
pub struct SetupForm {
    /// The session.
    pub context: SetupContext,
    form: PostedForm,
}

impl Deref for SetupForm {
    type Target = PostedForm;

    fn deref(&self) -> &PostedForm {
        &self.form
    }
}

impl FromRequest for SetupForm {
    type Error = ExtractError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ExtractError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            // Authentication comes first: the body of an unauthenticated request is never read.
            let context = SetupContext::of(&request).await?;
            allow_large_body(&request);
            let form = PostedForm::read(&request, &mut payload, &context.state.links.origin()).await?;
            if form.text(FORM_TOKEN) != context.form_token {
                return Err(PostedFormError::CsrfCheckFailed.into());
            }
            Ok(Self { context, form })
        })
    }
}

/// The posted form of a link's page, where there is no session yet.
pub struct AnonymousForm(pub PostedForm);

impl FromRequest for AnonymousForm {
    type Error = ExtractError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ExtractError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let origin = application_state(&request)?.links.origin();
            Ok(Self(PostedForm::read(&request, &mut payload, &origin).await?))
        })
    }
}

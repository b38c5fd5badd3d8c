//! Who uses a page of the console: an administrator of the vendor, or an organization's own.

use actix_web::HttpRequest;
use maud::Markup;

use super::{delegate::CurrentDelegate, error::ExtractError, session::CurrentAdministrator};
use crate::app::{State, administrators::sessions};

/// Who uses a page of an environment.
#[derive(Clone)]
pub enum Caller {
    /// An administrator of the vendor.
    Administrator(Box<CurrentAdministrator>),
    /// An organization's own, on the pages below its own address.
    Delegate(Box<CurrentDelegate>),
}

impl Caller {
    /// The caller of a request: by its path, an administrator's session or that of a user.
    pub(super) async fn of(request: &HttpRequest) -> Result<Self, ExtractError> {
        match CurrentDelegate::is_called(request) {
            true => Ok(Self::Delegate(Box::new(CurrentDelegate::of(request).await?))),
            false => Ok(Self::Administrator(Box::new(CurrentAdministrator::of(request).await?))),
        }
    }

    /// The hidden field with the CSRF token, for every form.
    pub(super) fn csrf_field(&self) -> Markup {
        match self {
            Self::Administrator(administrator) => administrator.csrf_field(),
            Self::Delegate(delegate) => delegate.csrf_field(),
        }
    }

    /// Whether `token` is the CSRF token of the session.
    pub(super) fn is_csrf_token(&self, state: &State, token: &str) -> bool {
        match self {
            Self::Administrator(administrator) => {
                sessions::is_csrf_token(state, administrator.session.id, token)
            }
            Self::Delegate(delegate) => delegate.is_csrf_token(state, token),
        }
    }
}

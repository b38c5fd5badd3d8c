//! The pages on which a password is set by the link of a letter: the first one of a new account, or another one. Opening one uses
//! nothing up.

use actix_web::{http::StatusCode, web};

use super::{
    letters::{Ended, LetterQuery, ended, go_on, of_form},
    pages::Done,
    place::{Place, PlaceError, Reply, SignInForm},
};
use crate::{
    app::{
        Error,
        authorization_server::sign_in::{activation, forgotten, letter_links::Opened},
        mail::Onward,
    },
    links::path,
    web::{
        kit::{
            forms::FormErrors,
            password_hint::password_hint,
            response::{PagePolicy, page},
        },
        sign_in::{
            pages::PASSWORD,
            self_service::{NewPasswordFor, NewPasswordPage},
        },
    },
};

/// `GET …/sign-in/activate`
pub(super) async fn show_activation(place: Place, query: web::Query<LetterQuery>) -> Reply {
    show(&place, &query, NewPasswordFor::Activation).await
}

/// `POST …/sign-in/activate`
pub(super) async fn activate(place: Place, form: SignInForm) -> Reply {
    set(&place, &form, NewPasswordFor::Activation).await
}

/// `GET …/sign-in/reset`
pub(super) async fn show_reset(place: Place, query: web::Query<LetterQuery>) -> Reply {
    show(&place, &query, NewPasswordFor::Reset).await
}

/// `POST …/sign-in/reset`
pub(super) async fn reset(place: Place, form: SignInForm) -> Reply {
    set(&place, &form, NewPasswordFor::Reset).await
}

async fn show(place: &Place, query: &LetterQuery, purpose: NewPasswordFor) -> Reply {
    let onward = query.onward();
    match open(place, &query.code, purpose).await? {
        Some(opened) => {
            let page = Page { place, purpose, opened: &opened, code: &query.code, onward: &onward };
            page.render(&FormErrors::none(), StatusCode::OK).await
        }
        None => ended(place, Ended::Password, &onward, StatusCode::NOT_FOUND).await,
    }
}

async fn set(place: &Place, form: &SignInForm, purpose: NewPasswordFor) -> Reply {
    let (code, onward) = of_form(&form.0);
    let password = form.0.text(PASSWORD);
    let Some(opened) = open(place, code, purpose).await? else {
        return ended(place, Ended::Password, &onward, StatusCode::UNAUTHORIZED).await;
    };
    let (state, issuer, visitor) = (&place.state, &place.issuer, place.visitor());
    let (done, said) = match purpose {
        NewPasswordFor::Activation => {
            (activation::activate(state, issuer, &opened, code, password, &visitor).await, Done::Activated)
        }
        NewPasswordFor::Reset => {
            (forgotten::complete(state, issuer, &opened, code, password, &visitor).await, Done::PasswordSet)
        }
    };
    match done {
        Ok(()) => go_on(place, &onward, said).await,
        Err(Error::Unauthenticated(_)) => {
            ended(place, Ended::Password, &onward, StatusCode::UNAUTHORIZED).await
        }
        Err(Error::Invalid { reason, .. } | Error::FailedPrecondition(reason)) => {
            let page = Page { place, purpose, opened: &opened, code, onward: &onward };
            page.render(&FormErrors::one(PASSWORD, &reason), StatusCode::BAD_REQUEST).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn open(place: &Place, code: &str, purpose: NewPasswordFor) -> Result<Option<Opened>, PlaceError> {
    Ok(match purpose {
        NewPasswordFor::Activation => activation::open(&place.state, &place.issuer, code).await?,
        NewPasswordFor::Reset => forgotten::open(&place.state, &place.issuer, code).await?,
    })
}

/// The page for a link that can be used.
struct Page<'a> {
    place: &'a Place,
    purpose: NewPasswordFor,
    opened: &'a Opened,
    code: &'a str,
    onward: &'a Onward,
}

impl Page<'_> {
    async fn render(&self, errors: &FormErrors, status: StatusCode) -> Reply {
        let appearance = self.place.appearance_for(self.onward).await?;
        let action = self.place.path(match self.purpose {
            NewPasswordFor::Activation => path::WORKSPACE_ACTIVATE,
            NewPasswordFor::Reset => path::WORKSPACE_RESET,
        });
        let view = NewPasswordPage {
            layout: self.place.layout(&appearance),
            action: &action,
            purpose: self.purpose,
            code: self.code,
            onward: &self.onward.parameters(),
            rules: &password_hint(self.opened.pool.password_policy()),
            errors,
        };
        Ok(page(status, PagePolicy::SameOriginForms, view.view()))
    }
}

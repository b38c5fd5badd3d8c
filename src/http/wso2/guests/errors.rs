//! The errors of invitations, with their codes. All are 400: what a code is wrong for is the caller's.

use std::fmt::Display;

use actix_web::http::StatusCode;

use crate::{app::guests::GuestError, http::wso2::error::Wso2Error};

/// A refusal: its code, what it is called, and what is wrong, with `%s` for what it is about.
pub(super) struct Refusal(&'static str, &'static str, &'static str);

macro_rules! refusals {
    ($($name:ident = $code:literal, $message:literal, $description:literal;)*) => {
        $(pub(super) const $name: Refusal = Refusal(concat!("OUI-", $code), $message, $description);)*
    };
}

refusals! {
    UNKNOWN_USER = "10011", "Unknown user.", "The organization above has no user with the name %s who may sign in.";
    NO_ROOM = "10012", "No room for an invitation.", "%s cannot be invited now: too many invitations of the organization are open, or too many letters went to them within an hour.";
    CODE = "10013", "Invalid confirmation code.", "No invitation has this confirmation code: it is wrong, or the invitation was accepted or taken back.";
    FILTER_VALUE = "10016", "Unsupported value in the filter.", "status is PENDING or EXPIRED, not %s.";
    FILTER_ATTRIBUTE = "10017", "Unsupported attribute in the filter.", "Invitations are filtered by status, not by %s.";
    INVITED = "10018", "There is an invitation already.", "%s has an invitation that is not accepted yet.";
    EXPIRED = "10019", "The invitation has expired.", "The invitation has expired; ask for another one.";
    FILTER = "10022", "Invalid filter.", "The filter must be: status eq PENDING, or status eq EXPIRED. It is: %s";
    JOINED = "10023", "The user is in the organization already.", "The user has access to the organization already, or somebody there has their name.";
    UNAVAILABLE = "10024", "The invitation cannot be accepted.", "The organization is switched off at the moment.";
    NOT_ENTITLED = "10028", "Not entitled to the invitation.", "The invitation is for somebody else, or they may not sign in any more.";
    ROLE = "10029", "Invalid role.", "%s";
    NO_ADDRESS = "10030", "No e-mail address.", "The user %s has no confirmed e-mail address that an invitation could be sent to.";
    MEMBER = "10032", "The user is in the organization already.", "%s has access to the organization already.";
    GROUP = "10034", "Invalid group.", "%s";
}

/// The error of a refusal, about what the caller named: as much of it as anybody reads.
pub(super) fn refuse(refusal: &Refusal, about: impl Display) -> Wso2Error {
    let Refusal(code, message, _) = refusal;
    Wso2Error::new(StatusCode::BAD_REQUEST, *code, *message, describe(refusal, about))
}

fn describe(Refusal(_, _, description): &Refusal, about: impl Display) -> String {
    let about: String = about.to_string().chars().filter(|c| !c.is_control()).take(255).collect();
    description.replace("%s", &about)
}

/// The refusal of an error, and what it is about; `None` for one of another kind.
fn refusal_of(error: &GuestError, name: &str) -> Option<(&'static Refusal, String)> {
    let refusal = match error {
        GuestError::UnknownUser => &UNKNOWN_USER,
        GuestError::IsInvited => &INVITED,
        GuestError::IsMember if name.is_empty() => &JOINED,
        GuestError::IsMember => &MEMBER,
        GuestError::NoRoom => &NO_ROOM,
        GuestError::NoAddress => &NO_ADDRESS,
        GuestError::Role(why) => return Some((&ROLE, why.clone())),
        GuestError::Group(why) => return Some((&GROUP, why.clone())),
        GuestError::Code => &CODE,
        GuestError::Expired => &EXPIRED,
        GuestError::NotEntitled => &NOT_ENTITLED,
        GuestError::Unavailable => &UNAVAILABLE,
        GuestError::Other(_) => return None,
    };
    Some((refusal, name.to_owned()))
}

/// The error of a whole call. `name`: of whom it is.
pub(super) fn error_of(error: GuestError, name: &str) -> Wso2Error {
    match (refusal_of(&error, name), error) {
        (Some((refusal, about)), _) => refuse(refusal, about),
        (None, GuestError::Other(error)) => error.into(),
        (None, _) => refuse(&CODE, ""),
    }
}

/// Code, message and description of what became of one of many, with this name.
pub(super) fn told(error: GuestError, name: &str) -> (String, &'static str, String) {
    let (refusal, about) = refusal_of(&error, name).unwrap_or((&UNKNOWN_USER, name.to_owned()));
    let Refusal(code, message, _) = refusal;
    ((*code).to_owned(), message, describe(refusal, about))
}

//! The pages of a sign-in: who somebody is, their password, the second factor, another password.

use actix_web::{HttpResponse, http::StatusCode, web};
use oauth::parameters::encode_pairs;
use serde::Deserialize;

use super::{
    company,
    place::{Place, PlaceError, Reply, SignInForm},
    replies::{not_active, signed_in, told_quoted},
};
use crate::{
    app::{
        Error,
        authorization_server::sign_in::{
            Progress, Refusal, Refused, Visitor,
            appearance::Appearance,
            bare,
            discovery::{self, Offer, Route},
            enrolment, forgotten, passkey, password, password_change, second_factor,
            under_way::{self, Step, UnderWay},
        },
    },
    links::path,
    web::{
        account::wanted::Wanted,
        kit::{
            forms::{FormErrors, FormValues},
            response::{PagePolicy, page},
        },
        login::idp_redirect::see_other,
        sign_in::{
            cookies::{self, Purpose},
            enrolment::SECRET,
            pages::{CODE, DONE, IDENTIFIER, PASSWORD, REQUEST, SignInPage, Told, WaysIn},
            passkey::PasskeyForm,
        },
    },
};

pub(super) use super::replies::gone;

/// What a link to the sign-in page says.
#[derive(Deserialize)]
pub(super) struct SignInQuery {
    #[serde(default)]
    request: String,
    #[serde(default)]
    identifier: String,
    /// Whether somebody wants to begin anew.
    #[serde(default)]
    again: String,
    /// What was done before.
    #[serde(default)]
    done: String,
    /// The page of their account that somebody wants, by its name.
    #[serde(default)]
    next: String,
}

/// What somebody has done before they sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// They have set another password.
    PasswordSet,
    /// They have activated their account.
    Activated,
}

impl Done {
    const ALL: [Self; 2] = [Self::PasswordSet, Self::Activated];

    /// The word in an address.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::PasswordSet => "password",
            Self::Activated => "account",
        }
    }

    /// The same in a sentence.
    pub(super) const fn sentence(self) -> &'static str {
        match self {
            Self::PasswordSet => "Your password is set. Sign in with it.",
            Self::Activated => "Your account is ready. Sign in with your address and your password.",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|done| done.as_str() == word)
    }
}

/// Which page is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Identifier,
    Password,
    Code,
    ChangePassword,
    Authenticator,
    OfferPasskey,
    Finish,
}

/// `GET` of the issuer's own address, which people see in tokens and settings: to the account, or to signing in.
pub(super) async fn root(place: Place) -> Reply {
    Ok(see_other(&place.path(path::WORKSPACE_ACCOUNT)))
}

/// `GET …/sign-in`
pub(super) async fn show(place: Place, query: web::Query<SignInQuery>) -> Reply {
    let visitor = place.visitor();
    if query.request.is_empty() {
        return bare(&place, &query, &visitor).await;
    }
    let Some(under_way) = under_way::find(&place.state, &place.issuer, &query.request, &visitor).await?
    else {
        return gone(&place).await;
    };
    let shown = match under_way.step {
        _ if !query.again.is_empty() => Shown::Identifier,
        Step::Password => Shown::Identifier,
        Step::SecondFactor => Shown::Code,
        Step::ChangePassword => Shown::ChangePassword,
        Step::EnrolTotp => Shown::Authenticator,
        Step::OfferPasskey => Shown::OfferPasskey,
        Step::Finish => Shown::Finish,
    };
    let values = FormValues::new().with(IDENTIFIER, &query.identifier);
    let done = Done::parse(&query.done);
    let (ok, none) = (StatusCode::OK, FormErrors::none());
    render_with(&place, &under_way, shown, (&values, &none), ok, (None, done)).await
}

/// A sign-in for no application: begun, unless somebody is signed in.
async fn bare(place: &Place, query: &SignInQuery, visitor: &Visitor) -> Reply {
    let done = Done::parse(&query.done);
    let anew = !query.again.is_empty() || done.is_some();
    let wanted = Wanted::of(&query.next);
    let (name, browser) = match bare::begin(&place.state, &place.issuer, visitor, anew).await? {
        bare::Outcome::SignedIn => return Ok(see_other(&place.path_of(&wanted))),
        bare::Outcome::SignIn { name, browser } => (name.reveal(), browser),
    };
    let carried = [
        (REQUEST, name.as_str()),
        (IDENTIFIER, query.identifier.as_str()),
        (DONE, done.map_or("", Done::as_str)),
    ];
    let carried: Vec<_> = carried.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let location = format!("{}?{}", place.path(path::WORKSPACE_SIGN_IN), encode_pairs(&carried));
    let mut response = see_other(&location);
    let (links, organization) = (&place.state.links, place.organization);
    cookies::set(links, &mut response, organization, Purpose::Browser, browser.reveal());
    match wanted.is_first() {
        // Of an earlier sign-in that came to no end.
        true => cookies::clear(links, &mut response, organization, Purpose::Next),
        false => cookies::set(links, &mut response, organization, Purpose::Next, &wanted.name()),
    }
    Ok(response)
}

/// The address of the sign-in that somebody comes from; of one for no application, if they come from none.
pub(in crate::http) fn sign_in_again(place: &Place, request: &str) -> String {
    let page = place.path(path::WORKSPACE_SIGN_IN);
    match request {
        "" => format!("{page}?again=yes"),
        request => format!("{page}?{}", encode_pairs(&[(REQUEST, request)])),
    }
}

/// The links to other ways in, with what they carry on.
pub(super) async fn ways_in(
    place: &Place,
    carried: &[(&'static str, String)],
    identifier: &str,
) -> Result<WaysIn, PlaceError> {
    let offered = forgotten::self_service(&place.state, &place.issuer).await?;
    let link = |pattern, identifier| {
        let carried = carried.iter().map(|(name, value)| (*name, value.as_str()));
        let pairs: Vec<_> =
            carried.chain([(IDENTIFIER, identifier)]).filter(|(_, value)| !value.is_empty()).collect();
        let mark = if pairs.is_empty() { "" } else { "?" };
        format!("{}{mark}{}", place.path(pattern), encode_pairs(&pairs))
    };
    Ok(WaysIn {
        forgotten: (!offered.resets.is_empty()).then(|| link(path::WORKSPACE_FORGOTTEN, identifier)),
        register: offered.registration.is_some().then(|| link(path::WORKSPACE_REGISTER, "")),
    })
}

/// `POST …/sign-in`: who somebody is, or that with their password.
pub(super) async fn with_password(place: Place, form: SignInForm) -> Reply {
    let form = form.0;
    let visitor = place.visitor();
    let Some(under_way) = under_way::find(&place.state, &place.issuer, form.text(REQUEST), &visitor).await?
    else {
        return gone(&place).await;
    };
    let identifier = form.text(IDENTIFIER).trim();
    let values = FormValues::new().with(IDENTIFIER, identifier);
    let shown = if form.has(PASSWORD) { Shown::Password } else { Shown::Identifier };
    if identifier.is_empty() {
        let errors = FormErrors::one(IDENTIFIER, "Enter your e-mail address.");
        return render(&place, &under_way, shown, &values, &errors, StatusCode::BAD_REQUEST).await;
    }
    if shown == Shown::Identifier {
        match discovery::route(&place.state, &place.issuer, Some(identifier)).await? {
            Route::Own => {}
            Route::Company(target) => return company::go(&place, &under_way, &target, &visitor).await,
            Route::Choose(choices) => return company::choose(&place, &under_way, identifier, &choices).await,
        }
        // The same page for everybody: whether there is such an account is not looked at.
        return render(&place, &under_way, Shown::Password, &values, &FormErrors::none(), StatusCode::OK)
            .await;
    }
    let typed = form.text(PASSWORD);
    if typed.is_empty() {
        let errors = FormErrors::one(PASSWORD, "Enter your password.");
        return render(&place, &under_way, shown, &values, &errors, StatusCode::BAD_REQUEST).await;
    }
    let progress =
        password::with_password(&place.state, &place.issuer, &under_way, identifier, typed, &visitor).await?;
    go_on(&place, &visitor, &under_way, shown, &values, progress).await
}

/// `POST …/sign-in/code`
pub(super) async fn with_code(place: Place, form: SignInForm) -> Reply {
    let form = form.0;
    let visitor = place.visitor();
    let Some(under_way) = under_way::find(&place.state, &place.issuer, form.text(REQUEST), &visitor).await?
    else {
        return gone(&place).await;
    };
    let code = form.text(CODE).trim();
    let progress = second_factor::with_code(&place.state, &place.issuer, &under_way, code, &visitor).await?;
    go_on(&place, &visitor, &under_way, Shown::Code, &FormValues::new(), progress).await
}

/// `POST …/sign-in/password`
pub(super) async fn change_password(place: Place, form: SignInForm) -> Reply {
    let form = form.0;
    let visitor = place.visitor();
    let Some(under_way) = under_way::find(&place.state, &place.issuer, form.text(REQUEST), &visitor).await?
    else {
        return gone(&place).await;
    };
    let new = form.text(PASSWORD);
    let shown = Shown::ChangePassword;
    match password_change::change(&place.state, &place.issuer, &under_way, new, &visitor).await {
        Ok(progress) => go_on(&place, &visitor, &under_way, shown, &FormValues::new(), progress).await,
        Err(Error::Invalid { reason, .. }) => {
            let errors = FormErrors::one(PASSWORD, &reason);
            render(&place, &under_way, shown, &FormValues::new(), &errors, StatusCode::BAD_REQUEST).await
        }
        Err(error) => Err(error.into()),
    }
}

/// What follows a step.
pub(super) async fn go_on(
    place: &Place,
    visitor: &Visitor,
    under_way: &UnderWay,
    shown: Shown,
    values: &FormValues,
    progress: Result<Progress, Refused>,
) -> Reply {
    let Refused { why, reference } = match progress {
        Ok(Progress::Next(_)) => return Ok(see_other(&here(place, under_way))),
        Ok(Progress::Finished(finished)) => return Ok(signed_in(place, visitor, &finished)),
        Err(refused) => refused,
    };
    let quoted = reference.as_deref();
    let again = |field, text| FormErrors::one(field, text);
    match why {
        Refusal::Wrong => {
            let errors = again("", "This address and this password do not belong together.");
            render_quoted(place, under_way, shown, (values, &errors), StatusCode::UNAUTHORIZED, quoted).await
        }
        Refusal::WrongPasskey => {
            let errors =
                again("", "This passkey is not accepted here. Take another one, or sign in another way.");
            render_quoted(place, under_way, shown, (values, &errors), StatusCode::UNAUTHORIZED, quoted).await
        }
        Refusal::WrongCode => {
            let errors = again(CODE, "This code is wrong, was used, or has expired.");
            render_quoted(place, under_way, shown, (values, &errors), StatusCode::UNAUTHORIZED, quoted).await
        }
        Refusal::NotActive => not_active(place, quoted).await,
        Refusal::MustBeReset => {
            let ways = ways_in(place, &[(REQUEST, under_way.name.reveal())], values.text(IDENTIFIER)).await?;
            let next = ways.forgotten.as_deref();
            told_quoted(
                place,
                quoted,
                &Told {
                    title: "Your password must be reset first",
                    happened: "Somebody who manages the accounts of your organization asked for it. Your present password is good for nothing else.",
                    remedy: match next {
                        Some(_) => "Get a letter with a link by which you set another one.",
                        None => "Ask them for a link with which you set another one.",
                    },
                    reason: Some("password_must_be_reset"),
                    next: next.map(|href| ("Get a new password", href)),
                },
            )
            .await
        }
        Refusal::Gone => gone(place).await,
    }
}

/// The address of a sign-in under way.
fn here(place: &Place, under_way: &UnderWay) -> String {
    format!("{}?{REQUEST}={}", place.path(path::WORKSPACE_SIGN_IN), under_way.name.reveal())
}

/// The recovery codes of a new authenticator app.
pub(super) async fn recovery_codes(place: &Place, under_way: &UnderWay, codes: &[String]) -> Reply {
    let appearance = appearance(place, under_way).await?;
    let (action, request) = (place.path(path::WORKSPACE_SIGN_IN_CONTINUE), under_way.name.reveal());
    let (values, errors) = (FormValues::new(), FormErrors::none());
    let view = SignInPage {
        layout: place.layout(&appearance),
        action: &action,
        company: None,
        restart: "",
        request: &request,
        values: &values,
        errors: &errors,
        bare: false,
        done: None,
        ways_in: &WaysIn::default(),
        passkey: None,
        reference: None,
    };
    Ok(page(StatusCode::OK, PagePolicy::AnyFormTarget, view.recovery_codes(codes)))
}

/// What the pages of a sign-in show: the application for which it is.
async fn appearance(place: &Place, under_way: &UnderWay) -> Result<Appearance, PlaceError> {
    let mut appearance = place.appearance().await?;
    if !under_way.application.is_empty() {
        appearance.application.clone_from(&under_way.application);
    }
    Ok(appearance)
}

pub(super) async fn render(
    place: &Place,
    under_way: &UnderWay,
    shown: Shown,
    values: &FormValues,
    errors: &FormErrors,
    status: StatusCode,
) -> Result<HttpResponse, PlaceError> {
    render_with(place, under_way, shown, (values, errors), status, (None, None)).await
}

async fn render_quoted(
    place: &Place,
    under_way: &UnderWay,
    shown: Shown,
    typed: (&FormValues, &FormErrors),
    status: StatusCode,
    quoted: Option<&str>,
) -> Result<HttpResponse, PlaceError> {
    render_with(place, under_way, shown, typed, status, (quoted, None)).await
}

/// The page, with how what went wrong is quoted, and what was done before.
async fn render_with(
    place: &Place,
    under_way: &UnderWay,
    shown: Shown,
    (values, errors): (&FormValues, &FormErrors),
    status: StatusCode,
    (quoted, done): (Option<&str>, Option<Done>),
) -> Result<HttpResponse, PlaceError> {
    let appearance = appearance(place, under_way).await?;
    let action = place.path(match shown {
        Shown::Identifier | Shown::Password => path::WORKSPACE_SIGN_IN,
        Shown::Code => path::WORKSPACE_SIGN_IN_CODE,
        Shown::ChangePassword => path::WORKSPACE_SIGN_IN_PASSWORD,
        Shown::Authenticator => path::WORKSPACE_SIGN_IN_AUTHENTICATOR,
        Shown::OfferPasskey | Shown::Finish => path::WORKSPACE_SIGN_IN_CONTINUE,
    });
    let (request, restart) = (under_way.name.reveal(), format!("{}&again=yes", here(place, under_way)));
    let ways = match shown {
        Shown::Identifier | Shown::Password => {
            let carried = [(REQUEST, under_way.name.reveal())];
            ways_in(place, &carried, values.text(IDENTIFIER)).await?
        }
        _ => WaysIn::default(),
    };
    let (state, issuer) = (&place.state, &place.issuer);
    let application = appearance.application.as_str();
    let challenge = match shown {
        Shown::Identifier | Shown::Password => passkey::challenge(state, issuer, under_way).await?,
        Shown::OfferPasskey => enrolment::new_passkey(state, issuer, under_way, application).await?,
        _ => None,
    };
    let asked = place.path(match shown {
        Shown::OfferPasskey => path::WORKSPACE_SIGN_IN_NEW_PASSKEY,
        _ => path::WORKSPACE_SIGN_IN_PASSKEY,
    });
    let form =
        challenge.as_ref().map(|challenge| PasskeyForm { action: &asked, request: &request, challenge });
    let offer = match shown {
        Shown::Identifier => discovery::offer(state, issuer).await?,
        _ => Offer::OWN,
    };
    let company = place.path(path::WORKSPACE_COMPANY);
    let view = SignInPage {
        layout: match shown {
            Shown::Identifier => place.layout_before_company(&appearance),
            _ => place.layout(&appearance),
        },
        action: &action,
        company: offer.company.is_some().then_some(&*company),
        restart: &restart,
        request: &request,
        values,
        errors,
        bare: under_way.request.client_id.is_none(),
        done: done.map(Done::sentence),
        ways_in: &ways,
        passkey: form,
        reference: quoted,
    };
    let markup = match shown {
        Shown::Authenticator => {
            let given = values.is_given(SECRET).then(|| values.text(SECRET));
            match enrolment::new_app(state, issuer, under_way, given, application).await? {
                Some(app) => view.authenticator(&app),
                None => return gone(place).await,
            }
        }
        Shown::OfferPasskey => match &form {
            Some(form) => view.offer_passkey(form),
            None => return gone(place).await,
        },
        Shown::Finish => view.go_on(),
        Shown::Identifier if !offer.own => view.company_only(),
        Shown::Identifier => view.identifier(),
        Shown::Password => view.password(),
        Shown::Code => view.code(),
        Shown::ChangePassword => view.change_password(),
    };
    // The chain of redirects after the form ends at the application.
    Ok(page(status, PagePolicy::AnyFormTarget, markup))
}

//! Identifiers and addresses of users, added, changed and removed.

use base::id::UserId;
use maud::html;
use model::user::{AddressKind, IdentifierKind, User, UserIdentifier};

use super::{
    form::{own_path, taken_by, user_page},
    labels,
    place::Place,
    show,
};
use crate::{
    app::{
        Error, Result,
        accounts::users::{self, AddressChange, NewAddress, NewIdentifier, UserChange, UserDetails},
        permissions,
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
        },
        kit::{
            error::{PageError, PageResult},
            forms::{Form, FormErrors, FormValues, FormView},
        },
    },
};

const IDENTIFIER_KINDS: [(&str, &str); 5] = [
    ("email", labels::identifier_kind(IdentifierKind::Email)),
    ("uid", labels::identifier_kind(IdentifierKind::Uid)),
    ("mobile", labels::identifier_kind(IdentifierKind::Mobile)),
    ("external", labels::identifier_kind(IdentifierKind::External)),
    ("federated", labels::identifier_kind(IdentifierKind::Federated)),
];

const ADDRESS_KINDS: [(&str, &str); 2] = [
    ("email", labels::address_kind(AddressKind::Email)),
    ("mobile", labels::address_kind(AddressKind::Mobile)),
];

/// `GET …/users/{user}/identifiers`
pub async fn new_identifier(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::UsersManage)?;
    let details = show::load(&context).await?;
    identifier_page(&context, &details, &FormValues::new().with("type", "email"), &FormErrors::none()).await
}

/// `POST …/users/{user}/identifiers`
pub async fn change_identifiers(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::UsersManage)?;
    let details = show::load(&context).await?;
    let (user, text) = (&details.user, form.text("identifier"));
    let kind = form.text("type").parse().map_err(|_| Error::invalid("type", "choose what it is"));
    if form.has("remove") {
        let removed = match kind {
            Ok(kind) => remove_identifier(&context, &details, kind, text).await,
            Err(error) => Err(error),
        };
        return match removed {
            Ok(()) => Ok(done(&context, user.id, ResourceKind::Identifier, Action::Deleted)),
            Err(error) => show::refused(&context, error).await,
        };
    }
    let of = (user.pool_id, user.id);
    let added = match kind {
        Ok(kind) => {
            let new = NewIdentifier::new(kind, text);
            users::add_identifier(&context.state, &context.principal, of, None, &new).await.map(drop)
        }
        Err(error) => Err(error),
    };
    match added {
        Ok(()) => Ok(done(&context, user.id, ResourceKind::Identifier, Action::Added)),
        Err(error) => {
            let errors = identifier_errors(&context, user, text, error).await?;
            identifier_page(&context, &details, &FormValues::from(&*form), &errors).await
        }
    }
}

/// The errors of an identifier; of one that somebody has, with who that is.
async fn identifier_errors(
    context: &EnvironmentContext,
    user: &User,
    text: &str,
    error: Error,
) -> Result<FormErrors, PageError> {
    if matches!(error, Error::Conflict { field: "identifier", .. }) {
        let pool = users::find_pool(&context.state, &context.principal, user.pool_id).await?;
        if let Some(reason) = taken_by(context, &pool, text).await? {
            return Ok(FormErrors::one("identifier", &reason));
        }
    }
    FormErrors::from_error(error)
}

/// Removes one identifier. Its text alone may name several: a user name, and the same id in another system.
async fn remove_identifier(
    context: &EnvironmentContext,
    details: &UserDetails,
    kind: IdentifierKind,
    text: &str,
) -> Result<()> {
    let (state, principal, user) = (&context.state, &context.principal, &details.user);
    let is_it = |one: &&UserIdentifier| one.text.kind() == kind && one.text.as_str() == text;
    if !details.identifiers.iter().any(|one| is_it(&one)) {
        return Err(Error::not_found("identifier", ""));
    }
    let of = (user.pool_id, user.id);
    if details.identifiers.iter().filter(|one| one.text.as_str() == text).count() == 1 {
        return users::remove_identifier(state, principal, of, None, text).await.map(drop);
    }
    let others = details.identifiers.iter().filter(|one| !is_it(one)).map(|one| NewIdentifier {
        kind: one.text.kind(),
        identifier: one.text.as_str().to_owned(),
        metadata: one.metadata.clone(),
    });
    let change = UserChange { identifiers: Some(others.collect()), ..UserChange::default() };
    users::update(state, principal, of, None, &change).await.map(drop)
}

async fn identifier_page(
    context: &EnvironmentContext,
    details: &UserDetails,
    typed: &FormValues,
    errors: &FormErrors,
) -> PageResult {
    let (name, back) = (labels::name(details), own_path(context, details.user.id));
    let action = context.href(console::USER_IDENTIFIERS, &[&details.user.id]);
    let form = Form::new(&action, "Add identifier", context.csrf()).cancel(&back);
    let view = FormView::new(typed, errors);
    let fields = html! {
        (view.select("type", "What it is", &IDENTIFIER_KINDS)
            .hint("People sign in with e-mail addresses, user names and phone numbers. The other two are for programs."))
        (view.text("identifier", "Identifier").hint("Unique in the pool. A phone number begins with + and the country."))
    };
    let place = Place::of_user(context, &details.user).await?;
    let content = html! { section.card { (view.render(&form, fields)) } };
    Ok(user_page(context, &place, &format!("New identifier of {name}"), (&name, &back), errors, content))
}

/// `GET …/users/{user}/addresses`
pub async fn new_address(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::UsersManage)?;
    let details = show::load(&context).await?;
    address_page(&context, &details, &FormValues::new().with("type", "email"), &FormErrors::none()).await
}

/// `POST …/users/{user}/addresses`
pub async fn change_addresses(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::UsersManage)?;
    let details = show::load(&context).await?;
    let (state, principal, user) = (&context.state, &context.principal, &details.user);
    let (of, text) = ((user.pool_id, user.id), form.text("address"));
    if form.has("remove") {
        return match users::remove_address(state, principal, of, None, text).await {
            Ok(user) => Ok(done(&context, user.id, ResourceKind::Address, Action::Deleted)),
            Err(error) => show::refused(&context, error).await,
        };
    }
    if form.has("setVerified") {
        let verified = Some(form.text("setVerified") == "true");
        let change = AddressChange { verified, ..AddressChange::default() };
        return match users::update_address(state, principal, of, None, text, change).await {
            Ok((user, _)) => Ok(done(&context, user.id, ResourceKind::Address, Action::Saved)),
            Err(error) => show::refused(&context, error).await,
        };
    }
    let added = match form.text("type").parse() {
        Ok(kind) => {
            let verified = Some(form.flag("verified"));
            let new = NewAddress {
                kind,
                address: text.to_owned(),
                verified,
                status: None,
                preferred_contact_method: None,
            };
            users::add_address(state, principal, of, None, &new).await.map(drop)
        }
        Err(_) => Err(Error::invalid("type", "choose what it is")),
    };
    match added {
        Ok(()) => Ok(done(&context, user.id, ResourceKind::Address, Action::Added)),
        Err(error) => {
            let errors = match error {
                Error::Conflict { field: "address", .. } => {
                    FormErrors::one("address", "the user has this address already")
                }
                error => FormErrors::from_error(error)?,
            };
            address_page(&context, &details, &FormValues::from(&*form), &errors).await
        }
    }
}

async fn address_page(
    context: &EnvironmentContext,
    details: &UserDetails,
    typed: &FormValues,
    errors: &FormErrors,
) -> PageResult {
    let (name, back) = (labels::name(details), own_path(context, details.user.id));
    let action = context.href(console::USER_ADDRESSES, &[&details.user.id]);
    let form = Form::new(&action, "Add address", context.csrf()).cancel(&back);
    let view = FormView::new(typed, errors);
    let fields = html! {
        (view.select("type", "What it is", &ADDRESS_KINDS))
        (view.text("address", "Address")
            .hint("Where the user is reached. To sign in with it, add it as an identifier too."))
        @if context.delegate().is_none() {
            (view.checkbox("verified", "The address is theirs: you know it, or they proved it to you"))
        } @else {
            p.soft { "They prove it themselves, on the page of their account, by a code that is sent there." }
        }
    };
    let place = Place::of_user(context, &details.user).await?;
    let content = html! { section.card { (view.render(&form, fields)) } };
    Ok(user_page(context, &place, &format!("New address of {name}"), (&name, &back), errors, content))
}

/// Back to the user, with what was done.
pub(super) fn done(
    context: &EnvironmentContext,
    id: UserId,
    kind: ResourceKind,
    action: Action,
) -> actix_web::HttpResponse {
    see_other(&own_path(context, id), Flash(kind, action))
}

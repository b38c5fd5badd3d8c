//! A user in the console's forms: `…/users/new` and `…/users/{user}/edit`.

use actix_web::HttpResponse;
use base::id::{Id, UserId};
use maud::{Markup, html};
use model::{
    account::CredentialState,
    identity_pool::IdentityPool,
    user::{IdentifierKind, User, UserStatus},
};

use super::{labels, place::Place, profile::ProfileForm, show};
use crate::{
    app::{
        Error, Result,
        accounts::{
            credentials::{ImportedCredential, NewCredential},
            users::{self, NewAddress, NewIdentifier, NewUser, UserChange, UserKey},
        },
        organizations::error::OrganizationError,
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
            components::{ButtonStyle, link_button},
            error::{PageError, PageResult},
            forms::{Choice, Form, FormErrors, FormValues, FormView},
            password_hint::password_hint,
            seen::{FormAgain, Seen},
        },
    },
};

const STATUSES: [Choice<'static>; 2] = [
    Choice::new("active", "Active", "They may sign in at once."),
    Choice::new(
        "new",
        "New",
        "They activate the account first, by a one-time code that you or your app give them.",
    ),
];

/// What is said of a template that has no pool.
const TEMPLATE: &str =
    "the organization is a template; make an organization from it, and add its users there";

/// Where a new user goes.
enum Target {
    /// Into this pool.
    Pool(IdentityPool),
    /// Into the first pool of the organization, which is made along with them; as it will be.
    First(IdentityPool),
    /// The organization has several pools.
    Several(Vec<IdentityPool>),
}

impl Target {
    async fn of(context: &EnvironmentContext, place: &Place) -> Result<Self> {
        if let Some(pool) = &place.pool {
            return Ok(Self::Pool(pool.clone()));
        }
        let mut pools = users::list_pools(&context.state, &context.principal, place.organization_id).await?;
        Ok(match (pools.pop(), pools.is_empty()) {
            (None, _) => {
                let environment_id = context.environment.id;
                let (id, now) = (Id::from_bits(0), context.now());
                Self::First(IdentityPool::new(id, environment_id, place.organization_id, now))
            }
            (Some(only), true) => Self::Pool(only),
            (Some(last), false) => {
                pools.push(last);
                Self::Several(pools)
            }
        })
    }

    fn pool(&self) -> Option<&IdentityPool> {
        match self {
            Self::Pool(pool) | Self::First(pool) => Some(pool),
            Self::Several(_) => None,
        }
    }
}

/// `GET …/users/new`
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::UsersCreate)?;
    let place = Place::of_page(&context).await?;
    let target = Target::of(&context, &place).await?;
    if let Target::Several(pools) = &target {
        return Ok(place
            .shell(&context, "New user")
            .respond(choose_pool(pools, &|pool| context.href(console::NEW_POOL_USER, &[&pool.id]))));
    }
    let typed = FormValues::new().with("status", "active").with_flag("emailVerified", false);
    new_page(&context, &place, &target, &typed, &FormErrors::none()).await
}

/// `POST …/users/new`
pub async fn create(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::UsersCreate)?;
    let place = Place::of_page(&context).await?;
    let (target, typed) = (Target::of(&context, &place).await?, FormValues::from(&*form));
    let Some(pool) = target.pool() else {
        return Err(PageError(Error::FailedPrecondition("choose the identity pool first".into())));
    };
    let profile = ProfileForm::of_pool(&context, pool, None).await?;
    let (profile, errors) = profile.read(&context, pool, &typed).await?;
    let (new, errors) = match read_new(&typed) {
        Ok(new) => (NewUser { profile, ..new }, errors),
        Err(error) => {
            let own = FormErrors::from_error(error)?;
            let all = errors.all().fold(own, |all, (field, reason)| all.and(field, reason));
            return new_page(&context, &place, &target, &typed, &all).await;
        }
    };
    if !errors.is_empty() {
        return new_page(&context, &place, &target, &typed, &errors).await;
    }
    let (state, principal) = (&context.state, &context.principal);
    let created = match &target {
        Target::Pool(pool) => users::create(state, principal, pool.id, &new).await,
        _ => users::create_in_first_pool(state, principal, Some(place.organization_id), &new).await,
    };
    match created {
        Ok(user) => {
            let own = context.href(console::USER, &[&user.id]);
            Ok(see_other(&own, Flash(ResourceKind::User, Action::Created)))
        }
        Err(error) => {
            let errors = creation_errors(&context, pool, &typed, error).await?;
            new_page(&context, &place, &target, &typed, &errors).await
        }
    }
}

/// What was typed but the profile.
fn read_new(typed: &FormValues) -> Result<NewUser> {
    let status = match typed.text("status") {
        "active" => UserStatus::Active,
        "new" => UserStatus::New,
        _ => return Err(Error::invalid("status", "must be active or new")),
    };
    let mut new = NewUser::new(status);
    let (email, user_name) = (typed.text("email").trim(), typed.text("userName").trim());
    if email.is_empty() && user_name.is_empty() {
        return Err(Error::invalid(
            "email",
            "enter an e-mail address or a user name: what they sign in with",
        ));
    }
    if !email.is_empty() {
        new.identifiers.push(NewIdentifier::new(IdentifierKind::Email, email));
        new.addresses.push(NewAddress::email(email, typed.flag("emailVerified")));
    }
    if !user_name.is_empty() {
        new.identifiers.push(NewIdentifier::new(IdentifierKind::Uid, user_name));
    }
    let password = typed.text("password");
    if !password.is_empty() {
        let state = match typed.flag("mustBeChanged") {
            true => CredentialState::MustBeChanged,
            false => CredentialState::Valid,
        };
        let credential = ImportedCredential::Password(password.to_owned());
        new.credentials.push(NewCredential { credential, state, expires_at: None });
    }
    Ok(new)
}

/// The errors of a creation at the fields of this form; of an identifier that somebody has, with who that is.
async fn creation_errors(
    context: &EnvironmentContext,
    pool: &IdentityPool,
    typed: &FormValues,
    error: Error,
) -> Result<FormErrors, PageError> {
    let identifiers = ["email", "userName"].map(|field| (field, typed.text(field).trim()));
    let given: Vec<(&str, &str)> = identifiers.into_iter().filter(|(_, text)| !text.is_empty()).collect();
    match &error {
        Error::Invalid { field, reason } => {
            let at = match field.as_ref() {
                "verifiable_addresses[0].address" => Some(0),
                field => (0..given.len()).find(|at| field == format!("identifiers[{at}].identifier")),
            };
            if let Some((field, _)) = at.and_then(|at| given.get(at)) {
                return Ok(FormErrors::one(field, reason));
            }
        }
        Error::Conflict { field: "identifier", .. } => {
            let mut errors = FormErrors::none();
            for (field, text) in given {
                if let Some(reason) = taken_by(context, pool, text).await? {
                    errors = errors.and(field, &reason);
                }
            }
            if !errors.is_empty() {
                return Ok(errors);
            }
        }
        Error::Organization(OrganizationError::IsTemplate(_)) => return Ok(FormErrors::one("", TEMPLATE)),
        _ => {}
    }
    FormErrors::from_error(error)
}

/// Who has an identifier, in words.
pub(super) async fn taken_by(
    context: &EnvironmentContext,
    pool: &IdentityPool,
    text: &str,
) -> Result<Option<String>> {
    let (state, principal) = (&context.state, &context.principal);
    let key = UserKey::Identifier(text.to_owned());
    match users::find_by_key(state, principal, pool.id, &key).await {
        Ok(other) => {
            let described = users::describe(state, principal, vec![other]).await?;
            Ok(described
                .first()
                .map(|other| format!("{} has this already: {}", labels::name(other), other.user.id)))
        }
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn new_page(
    context: &EnvironmentContext,
    place: &Place,
    target: &Target,
    typed: &FormValues,
    errors: &FormErrors,
) -> PageResult {
    let Some(pool) = target.pool() else {
        return Err(PageError(Error::FailedPrecondition("choose the identity pool first".into())));
    };
    let profile = ProfileForm::of_pool(context, pool, None).await?;
    let (action, back) = (place.new_user(context), place.list(context));
    let form = Form::new(&action, "Create user", context.csrf()).cancel(&back);
    let content =
        new_view(pool, &profile, &place.name(context), &form, typed, errors, context.delegate().is_none());
    Ok(place.shell(context, "New user").respond_with(errors.status(), content))
}

/// The form of a new user. `vouches`: whether whoever fills it can say that the address is the user's.
pub(in crate::web::console) fn new_view(
    pool: &IdentityPool,
    profile: &ProfileForm,
    of: &str,
    form: &Form<'_>,
    typed: &FormValues,
    errors: &FormErrors,
    vouches: bool,
) -> Markup {
    let view = FormView::new(typed, errors);
    let hint = password_hint(pool.password_policy());
    let hint = format!("Leave it empty to create them without one. {hint}");
    let fields = html! {
        (view.email("email", "E-mail address").optional()
            .hint("What they sign in with, and where they are reached."))
        @if vouches {
            (view.checkbox("emailVerified", "The address is theirs: you know it, or they proved it to you"))
        }
        (view.text("userName", "User name").optional().hint("Another thing to sign in with. Unique in the pool."))
        (profile.view(&view))
        (view.password("password", "Password").optional().autocomplete("new-password").hint(&hint))
        (view.checkbox("mustBeChanged", "They must change this password when they first sign in"))
        (view.radios("status", "Status", &STATUSES))
    };
    html! {
        h1 { "New user of " (of) }
        section.card { (view.render(form, fields)) }
    }
}

/// The pools of an organization that has several, to choose where the user goes.
fn choose_pool(pools: &[IdentityPool], href: &dyn Fn(&IdentityPool) -> String) -> Markup {
    html! {
        h1 { "New user" }
        section.card {
            h2 { "In which identity pool?" }
            p.soft { "Each pool has rules of its own for profiles and passwords. A user stays in theirs for good." }
            ul.rows {
                @for pool in pools {
                    li {
                        span { strong { (labels::pool(pool)) } @if !pool.description.is_empty() { " " span.soft { (pool.description) } } }
                        (link_button(ButtonStyle::Plain, &format!("New user in {}", labels::pool(pool)), &href(pool)))
                    }
                }
            }
        }
    }
}

/// What the form of a user edits.
struct Edited {
    user: User,
    name: String,
    pool: IdentityPool,
    profile: ProfileForm,
    values: FormValues,
}

impl Edited {
    async fn load(context: &EnvironmentContext) -> Result<Self, PageError> {
        let (state, principal) = (&context.state, &context.principal);
        let details = show::load(context).await?;
        let name = labels::name(&details);
        let pool = users::find_pool(state, principal, details.user.pool_id).await?;
        let profile = ProfileForm::of_pool(context, &pool, Some(&details.user)).await?;
        let values = profile.values(FormValues::new());
        Ok(Self { user: details.user, name, pool, profile, values })
    }
}

/// `GET …/users/{user}/edit`
pub async fn edit(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::UsersManage)?;
    let edited = Edited::load(&context).await?;
    let seen = Seen::of(edited.user.version, &edited.values);
    edit_page(&context, &edited, &seen, &edited.values, &FormErrors::none()).await
}

/// `POST …/users/{user}/edit`
pub async fn update(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::UsersManage)?;
    let (seen, typed) = (Seen::posted(&form), FormValues::from(&*form));
    let edited = Edited::load(&context).await?;
    // What somebody else changed meanwhile may not be on the form: an address, say.
    let expected = match seen.still_holds(&edited.values) {
        true => Seen::of(edited.user.version, seen.values()).expected(),
        false => seen.expected(),
    };
    if !expected.matches(edited.user.version) {
        return shown_again(&context, Error::Outdated { version: edited.user.version }, seen, &typed).await;
    }
    let (profile, errors) = edited.profile.read(&context, &edited.pool, &typed).await?;
    if !errors.is_empty() {
        return edit_page(&context, &edited, &seen, &typed, &errors).await;
    }
    let (of, change) = ((edited.pool.id, edited.user.id), UserChange { profile, ..UserChange::default() });
    match users::update(&context.state, &context.principal, of, Some(&expected), &change).await {
        Ok(user) => Ok(see_other(&own_path(&context, user.id), Flash(ResourceKind::User, Action::Saved))),
        Err(error) => shown_again(&context, error, seen, &typed).await,
    }
}

async fn shown_again(
    context: &EnvironmentContext,
    error: Error,
    seen: Seen,
    typed: &FormValues,
) -> PageResult {
    let edited = Edited::load(context).await?;
    let again = FormAgain::new(error, seen, typed, edited.user.version, &edited.values)?;
    edit_page(context, &edited, &again.seen, &again.typed, &again.errors).await
}

pub(in crate::web::console) fn own_path(context: &EnvironmentContext, id: UserId) -> String {
    context.href(console::USER, &[&id])
}

async fn edit_page(
    context: &EnvironmentContext,
    edited: &Edited,
    seen: &Seen,
    typed: &FormValues,
    errors: &FormErrors,
) -> PageResult {
    let back = own_path(context, edited.user.id);
    let action = context.href(console::EDIT_USER, &[&edited.user.id]);
    let form = Form::new(&action, "Save", context.csrf()).cancel(&back).seen(seen.fields());
    let title = format!("Edit {}", edited.name);
    let place = Place::of_user(context, &edited.user).await?;
    Ok(user_page(context, &place, &title, (&edited.name, &back), errors, {
        let view = FormView::new(typed, errors);
        let fields = edited.profile.view(&view);
        html! { section.card { (view.render(&form, fields)) } }
    }))
}

/// A page below that of a user, with its title as the heading.
pub(in crate::web::console) fn user_page(
    context: &EnvironmentContext,
    place: &Place,
    title: &str,
    (name, back): (&str, &str),
    errors: &FormErrors,
    content: Markup,
) -> HttpResponse {
    let shell = place.shell(context, title).crumb(name, back);
    shell.respond_with(errors.status(), html! { h1 { (title) } (content) })
}

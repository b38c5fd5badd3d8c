//! A new user in the console's forms: `…/users/new`, with how they get in.

use base::id::Id;
use maud::{Markup, html};
use model::{
    account::CredentialState,
    identity_pool::IdentityPool,
    user::{IdentifierKind, User, UserStatus},
};

use super::{
    form::{own_path, taken_by, user_page},
    labels,
    place::Place,
    profile::ProfileForm,
};
use crate::{
    app::{
        Error, Result,
        accounts::{
            credentials::{ImportedCredential, NewCredential},
            users::{self, NewAddress, NewIdentifier, NewUser},
        },
        authorization_server::sign_in::invitations::{self, Invited},
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
            secret::SecretPanel,
        },
    },
};

/// How a new user gets in, where letters are sent.
const WITH_LETTERS: [Choice<'static>; 4] = [
    Choice::new(
        "invitation",
        "An invitation by letter",
        "A letter to the e-mail address has a link by which they set their own password. It is good for a day.",
    ),
    TEMPORARY,
    WITHOUT,
    LATER,
];

/// How a new user gets in, where none are.
const WITHOUT_LETTERS: [Choice<'static>; 4] = [
    Choice::new(
        "invitation",
        "An invitation by a link",
        "The next page shows a link once, for you to hand over: by it they set their own password. It is good for a day. \
         No mail server is set up here, so nothing is sent.",
    ),
    TEMPORARY,
    WITHOUT,
    LATER,
];

const TEMPORARY: Choice<'static> =
    Choice::new("password", "A password that you set", "Below. You tell it to them yourself.");
const WITHOUT: Choice<'static> =
    Choice::new("none", "Without a password", "They sign in through their company’s own identity provider.");
const LATER: Choice<'static> = Choice::new(
    "later",
    "Not yet",
    "The account is new, and nobody gets in, until you invite them on their page.",
);

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
    let typed = FormValues::new()
        .with("access", "invitation")
        .with_flag("mustBeChanged", true)
        .with_flag("emailVerified", false);
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
    let access = typed.text("access");
    match make(&context, &place, &target, &new, (access, typed.text("email").trim())).await {
        Ok((user, Some(Invited::ByLink(link)))) => link_page(&context, &user, &link).await,
        Ok((user, invited)) => {
            let done = match invited {
                Some(_) => Flash(ResourceKind::Invitation, Action::Sent),
                None => Flash(ResourceKind::User, Action::Created),
            };
            Ok(see_other(&own_path(&context, user.id), done))
        }
        Err(error) => {
            let errors = creation_errors(&context, pool, &typed, error).await?;
            new_page(&context, &place, &target, &typed, &errors).await
        }
    }
}

/// Makes the user, and invites them if that is their way in.
async fn make(
    context: &EnvironmentContext,
    place: &Place,
    target: &Target,
    new: &NewUser,
    (access, email): (&str, &str),
) -> Result<(User, Option<Invited>)> {
    let (state, principal) = (&context.state, &context.principal);
    let pool_id = match target {
        Target::Pool(pool) => pool.id,
        _ => users::first_pool(state, principal, place.organization_id).await?.id,
    };
    if access != "invitation" {
        return Ok((users::create(state, principal, pool_id, new).await?, None));
    }
    let address = Some(email).filter(|email| !email.is_empty());
    let (user, invited) = invitations::create(state, principal, pool_id, new, address).await?;
    Ok((user, Some(invited)))
}

/// The page that shows the link of an invitation, once.
pub(super) async fn link_page(context: &EnvironmentContext, user: &User, link: &str) -> PageResult {
    let described = users::describe(&context.state, &context.principal, vec![user.clone()]).await?;
    let name = described.first().map_or_else(|| user.id.to_string(), labels::name);
    let (back, place) = (own_path(context, user.id), Place::of_user(context, user).await?);
    let about = format!(
        "Give it to {name} by a way that you trust: whoever has it sets the password of this account. It is good for a day, and once."
    );
    let content = html! {
        section.card.stack {
            (SecretPanel { name: "link", value: link, about: &about, next_url: &back }.view())
        }
    };
    let title = format!("Invitation of {name}");
    Ok(user_page(context, &place, &title, (&name, &back), &FormErrors::none(), content))
}

/// What was typed but the profile.
fn read_new(typed: &FormValues) -> Result<NewUser> {
    let access = typed.text("access");
    let status = match access {
        "password" | "none" => UserStatus::Active,
        "invitation" | "later" => UserStatus::New,
        _ => return Err(Error::invalid("access", "choose how they get in")),
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
    if password.is_empty() && access == "password" {
        return Err(Error::invalid("password", "is required"));
    }
    // One that a browser filled in counts only where it was meant.
    if access == "password" {
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
        Error::Invalid { field, .. } if field == "emails" => {
            return Ok(FormErrors::one("email", "is required: the letter with the invitation goes there"));
        }
        Error::Conflict { field: "address", .. } => {
            return Ok(FormErrors::one("email", "another user has proven this address, or signs in with it"));
        }
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
    let content = new_view(&NewUserPage {
        pool,
        profile: &profile,
        of: &place.name(context),
        form: &form,
        typed,
        errors,
        vouches: context.delegate().is_none(),
        sends_letters: context.state.settings.mail.is_some(),
    });
    Ok(place.shell(context, "New user").respond_with(errors.status(), content))
}

/// The form of a new user.
pub(in crate::web::console) struct NewUserPage<'a> {
    /// The pool that they go into.
    pub pool: &'a IdentityPool,
    pub profile: &'a ProfileForm,
    /// Whose user it will be: "Acme".
    pub of: &'a str,
    pub form: &'a Form<'a>,
    pub typed: &'a FormValues,
    pub errors: &'a FormErrors,
    /// Whether whoever fills it can say that the address is the user's.
    pub vouches: bool,
    /// Whether letters are sent.
    pub sends_letters: bool,
}

/// The page with the form.
pub(in crate::web::console) fn new_view(page: &NewUserPage<'_>) -> Markup {
    let view = FormView::new(page.typed, page.errors);
    let hint = password_hint(page.pool.password_policy());
    let hint = format!("Only where you set it yourself. {hint}");
    let ways = if page.sends_letters { &WITH_LETTERS } else { &WITHOUT_LETTERS };
    let fields = html! {
        (view.email("email", "E-mail address").optional()
            .hint("What they sign in with, and where they are reached."))
        @if page.vouches {
            (view.checkbox("emailVerified", "The address is theirs: you know it, or they proved it to you"))
        }
        (view.text("userName", "User name").optional().hint("Another thing to sign in with. Unique in the pool."))
        (view.radios("access", "How they get in", ways))
        (view.password("password", "Password").optional().autocomplete("new-password").hint(&hint))
        (view.checkbox("mustBeChanged", "They must change this password when they first sign in")
            .hint("So that nobody but them knows it."))
        (page.profile.view(&view))
    };
    html! {
        h1 { "New user of " (page.of) }
        section.card { (view.render(page.form, fields)) }
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

//! `ostiary user`.

use std::io::{BufRead as _, Read as _};

use base::id::{OrganizationId, UserId, UserKind};
use clap::{Args, Subcommand};
use model::{
    account::CredentialState,
    user::{AddressKind, IdentifierKind, User as Account, UserStatus},
};
use serde::Serialize;
use serde_json::{Map, json};

use super::{field_flags, ids, installation, output, settings_args::SettingsArgs};
use crate::app::{
    Error, State,
    accounts::{
        credentials::{ImportedCredential, NewCredential},
        totp::TotpSecret,
        users::{self, NewAddress, NewIdentifier, NewUser, UserChange, UserDetails},
    },
    authorization_server::sign_in::activation,
    environments,
    organizations::reference,
    pagination::PageQuery,
    principal::Principal,
};

/// The maximum size of what is read as a password, in bytes.
const MAX_PASSWORD_BYTES: u64 = 4096;

/// Users: the accounts of identity pools
#[derive(Debug, Subcommand)]
pub(super) enum User {
    Create(Create),
    List(List),
    Disable(Disable),
    Enable(Enable),
    Delete(Delete),
    SetPassword(SetPassword),
}

/// Create a user
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary user create --environment prod --email dana@acme.com \\
      --display-name \"Dana Doe\" --password-stdin --json
  ostiary user create --environment prod --organization org_… \\
      --email dana@acme.com --display-name \"Dana Doe\" --totp

The user is added to the first identity pool of the organization; without
--organization to that of the vendor's own. A pool that is missing is made.

Without a password it prints a link, by which the user sets one and is
activated. It is good once, and for as long as the pool says.")]
pub(super) struct Create {
    /// The environment: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    environment: String,
    /// The organization: its id or the alias that a client chose for it
    #[arg(long, value_name = "ORG")]
    organization: Option<String>,
    /// The e-mail address: what the user signs in with, and where they are reached
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// The name for people
    #[arg(long, value_name = "NAME", value_parser = ids::name)]
    display_name: String,
    #[command(flatten)]
    password: Password,
    /// Give the user an authenticator app, and print its secret: it is shown only once
    #[arg(long)]
    totp: bool,
    /// Do not vouch that the address is the user's
    #[arg(long)]
    unverified: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// A password, if one is given.
#[derive(Debug, Args)]
struct Password {
    /// The password; other programs of this machine can see it while the command runs
    #[arg(long, value_name = "PASSWORD", conflicts_with = "password_stdin")]
    password: Option<String>,
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
}

impl Password {
    fn read(&self) -> anyhow::Result<Option<String>> {
        match self.password_stdin {
            false => Ok(self.password.clone()),
            true => {
                let mut line = String::new();
                std::io::BufReader::new(std::io::stdin().take(MAX_PASSWORD_BYTES)).read_line(&mut line)?;
                Ok(Some(line.trim_end_matches(['\n', '\r']).to_owned()))
            }
        }
    }
}

fn password(password: String) -> NewCredential {
    NewCredential {
        credential: ImportedCredential::Password(password),
        state: CredentialState::Valid,
        expires_at: None,
    }
}

/// List users
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary user list --environment prod
  ostiary user list --environment prod --organization org_… --json
      one JSON object a line")]
pub(super) struct List {
    /// The environment: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    environment: String,
    /// The organization whose pools they are in; the vendor's own if it is not given
    #[arg(long, value_name = "ORG")]
    organization: Option<String>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

macro_rules! one {
    ($name:ident, $about:literal, $example:literal) => {
        #[doc = $about]
        #[derive(Debug, Args)]
        #[command(after_help = $example)]
        pub(super) struct $name {
            /// The environment: its id or its slug
            #[arg(long, value_name = "ID|SLUG")]
            environment: String,
            /// The user's id
            #[arg(value_parser = ids::parse::<UserKind>)]
            id: UserId,
            /// Print one JSON object
            #[arg(long)]
            json: bool,
        }
    };
}

one!(
    Disable,
    "Switch a user off: their sessions and tokens end at once",
    "Examples:\n  ostiary user disable --environment prod usr_…"
);
one!(Enable, "Switch a user on again", "Examples:\n  ostiary user enable --environment prod usr_…");

/// Delete a user, with everything that is kept of them but the audit log
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary user delete --environment prod usr_…")]
pub(super) struct Delete {
    /// The environment: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    environment: String,
    /// The user's id
    #[arg(value_parser = ids::parse::<UserKind>)]
    id: UserId,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Set the password of a user; their sessions and tokens end
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary user set-password --environment prod usr_… --password-stdin")]
pub(super) struct SetPassword {
    /// The environment: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    environment: String,
    /// The user's id
    #[arg(value_parser = ids::parse::<UserKind>)]
    id: UserId,
    #[command(flatten)]
    password: Password,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What `user create` prints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    id: UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    totp_secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    activation_url: Option<String>,
}

/// What the other commands print of a user.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    id: UserId,
    organization_id: OrganizationId,
    identity_pool_id: base::id::IdentityPoolId,
    display_name: String,
    /// The first address; `None` without any.
    email: Option<String>,
    status: &'static str,
}

impl Shown {
    /// With what belongs to them.
    async fn all(state: &State, principal: &Principal, users: Vec<Account>) -> anyhow::Result<Vec<Self>> {
        let described = users::describe(state, principal, users).await.map_err(field_flags::cli_error)?;
        Ok(described.iter().map(Self::from).collect())
    }
}

impl From<&UserDetails> for Shown {
    fn from(UserDetails { user, identifiers, addresses }: &UserDetails) -> Self {
        let address = addresses.iter().find(|address| address.kind == AddressKind::Email);
        let identifier =
            identifiers.iter().find(|identifier| identifier.text.kind() == IdentifierKind::Email);
        let email = address.map(|address| address.address.as_str());
        let email = email.or_else(|| identifier.map(|identifier| identifier.text.as_str()));
        Self {
            id: user.id,
            email: email.map(str::to_owned),
            organization_id: user.organization_id,
            identity_pool_id: user.pool_id,
            display_name: user.display_name(),
            status: user.status.as_str(),
        }
    }
}

impl User {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let state = installation::open(settings).await?;
        match self {
            Self::Create(create) => create.run(&state).await,
            Self::List(list) => list.run(&state).await,
            Self::Disable(Disable { environment, id, json }) => {
                switch(&state, &environment, id, UserStatus::Inactive, json).await
            }
            Self::Enable(Enable { environment, id, json }) => {
                switch(&state, &environment, id, UserStatus::Active, json).await
            }
            Self::Delete(delete) => {
                let (principal, user) = find(&state, &delete.environment, delete.id).await?;
                let removed = users::remove(&state, &principal, (user.pool_id, user.id), None).await;
                removed.map_err(field_flags::cli_error)?;
                output::done(delete.json, user.id, &format!("{} was deleted", user.id))
            }
            Self::SetPassword(set) => {
                let (principal, user) = find(&state, &set.environment, set.id).await?;
                let Some(new) = set.password.read()? else {
                    anyhow::bail!("give --password-stdin, or --password");
                };
                let change = UserChange { credentials: vec![password(new)], ..UserChange::default() };
                let of = (user.pool_id, user.id);
                users::update(&state, &principal, of, None, &change).await.map_err(field_flags::cli_error)?;
                output::done(set.json, user.id, &format!("the password of {} was set", user.id))
            }
        }
    }
}

/// A user of an environment, and the operator there.
async fn find(state: &State, environment: &str, id: UserId) -> anyhow::Result<(Principal, Account)> {
    let environment = environments::find(state, environment).await?;
    let principal = Principal::operator(environment.id);
    let user = users::find_any(state, &principal, id).await.map_err(field_flags::cli_error)?;
    Ok((principal, user))
}

async fn switch(
    state: &State,
    environment: &str,
    id: UserId,
    status: UserStatus,
    json: bool,
) -> anyhow::Result<()> {
    let (principal, user) = find(state, environment, id).await?;
    let changed = users::set_status(state, &principal, (user.pool_id, user.id), None, status).await;
    let title = if status.is_active() { "Switched on:" } else { "Switched off:" };
    let changed = changed.map_err(field_flags::cli_error)?;
    for shown in Shown::all(state, &principal, vec![changed]).await? {
        output::resource(json, &shown, title)?;
    }
    Ok(())
}

/// The organization that a text names.
async fn organization(
    state: &State,
    principal: &Principal,
    text: Option<&str>,
) -> anyhow::Result<Option<OrganizationId>> {
    let Some(text) = text else { return Ok(None) };
    let found = reference::resolve_existing(state, principal.environment()?, text).await?;
    Ok(Some(found.ok_or_else(|| Error::not_found("organization", text))?))
}

impl Create {
    async fn run(self, state: &State) -> anyhow::Result<()> {
        let environment = environments::find(state, &self.environment).await?;
        let principal = Principal::operator(environment.id);
        let organization_id = organization(state, &principal, self.organization.as_deref()).await?;
        let totp = self.totp.then(|| TotpSecret::new(&*state.random));
        let totp_secret = totp.as_ref().map(TotpSecret::reveal);
        let password_given = self.password.read()?.map(password);
        // Who has no password sets one by the link, and is activated by that.
        let is_new = password_given.is_none();
        let mut new = NewUser::new(if is_new { UserStatus::New } else { UserStatus::Active });
        new.identifiers.push(NewIdentifier::new(IdentifierKind::Email, self.email.as_str()));
        new.addresses.push(NewAddress::email(self.email.as_str(), !self.unverified));
        new.profile.payload = Some(Map::from_iter([("name".to_owned(), json!(self.display_name))]));
        new.credentials.extend(password_given);
        new.credentials.extend(totp_secret.clone().map(|secret| NewCredential {
            credential: ImportedCredential::Totp(secret),
            state: CredentialState::Valid,
            expires_at: None,
        }));
        let made = users::create_in_first_pool(state, &principal, organization_id, &new).await;
        let user = made.map_err(field_flags::cli_error)?;
        let activation_url = match is_new {
            true => Some(
                activation::create_link(state, &principal, &user).await.map_err(field_flags::cli_error)?,
            ),
            false => None,
        };
        output::resource(self.json, &Created { id: user.id, totp_secret, activation_url }, "User created:")
    }
}

impl List {
    async fn run(self, state: &State) -> anyhow::Result<()> {
        let environment = environments::find(state, &self.environment).await?;
        let principal = Principal::operator(environment.id);
        let organization_id = organization(state, &principal, self.organization.as_deref()).await?;
        let organization_id = organization_id.unwrap_or_else(|| model::organization::root_id(environment.id));
        let mut query = PageQuery { token: None, size: Some("100".to_owned()) };
        loop {
            let page = users::list_in_organization(state, &principal, organization_id, &query).await?;
            for user in Shown::all(state, &principal, page.items).await? {
                output::line(&match self.json {
                    true => serde_json::to_string(&user)?,
                    false => {
                        let email = user.email.as_deref().unwrap_or("-");
                        format!("{}  {:8}  {email:32}  {}", user.id, user.status, user.display_name)
                    }
                });
            }
            if page.next_token.is_empty() {
                return Ok(());
            }
            query.token = Some(page.next_token);
        }
    }
}

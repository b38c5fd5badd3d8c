//! What the owner and the administrators of an organization are told by mail about its domains.

use base::id::UserId;
use model::{
    account::AccountId,
    email::Email,
    environment::Environment,
    letter::LetterKind,
    organization::Organization,
    organization_domain::OrganizationDomain,
    user::{AddressKind, User},
};

use crate::{
    app::{
        Result, State,
        authorization_server::issuers::organization_segment,
        mail::outbox::{self, Link, NewLetter},
    },
    store::{self, Transaction, table},
};

/// How many of those who administer an organization get a letter.
const MAX_RECIPIENTS: i64 = 50;

/// Writes to those who administer an organization that a domain has lost its record: to each at the first e-mail address that they
/// have proved.
pub(super) async fn record_lost(
    tx: &mut Transaction,
    state: &State,
    organization: &Organization,
    listed: &OrganizationDomain,
) -> Result<()> {
    if !outbox::is_set_up(state) {
        return Ok(());
    }
    let (environment_id, organization_id) = (listed.environment_id, listed.organization_id);
    let ids: Vec<UserId> =
        store::memberships::list_administrators(tx, organization_id, MAX_RECIPIENTS).await?;
    let addresses = store::user_addresses::list(tx, &ids).await?;
    let alias = organization.public_alias.as_ref().map(|alias| alias.as_str());
    let segment = organization_segment(environment_id, organization_id, alias);
    let environment: Option<Environment> = table::find(tx, environment_id, environment_id).await?;
    let Some(environment) = environment else { return Ok(()) };
    let (slug, domain) = (environment.slug.as_str(), listed.domain.as_str());
    let url = state.links.administered_domain(slug, &segment, organization_id, domain);
    for id in ids {
        let user: Option<User> = table::find(tx, environment_id, id).await?;
        let Some(user) = user.filter(User::may_sign_in) else { continue };
        let proven = addresses.get(&id).into_iter().flatten();
        let proven = proven.filter(|one| one.is_verified() && one.kind == AddressKind::Email);
        let Some(recipient) = proven.filter_map(|one| Email::parse(&one.address)).next() else { continue };
        let letter = NewLetter {
            environment_id,
            organization_id,
            account: Some(AccountId::User(user.id)),
            kind: LetterKind::DomainRecordLost,
            asked_by: None,
            not_sent: None,
            recipient: Some(&recipient),
            code: None,
            link: Link::To(&url),
        };
        outbox::put(tx, state, &letter).await?;
    }
    Ok(())
}

//! With which organizations an application is shared, and what it is there: a fragment with an id of its own.

use base::id::{Id, IdKind, OrganizationId};
use model::application::{Application, RoleSharing, RoleSharingMode, Sharing};
use openssl::{
    hash::MessageDigest,
    symm::{Cipher, Crypter, Mode},
};

use crate::{
    app::{Error, Result},
    store::{Conn, Transaction, application_shares},
};

/// Whether an application of the vendor is shared with an organization.
pub async fn is_shared(
    conn: &mut Conn,
    application: &Application,
    organization_id: OrganizationId,
) -> Result<bool> {
    if application.organization_id.is_some()
        || application.is_of_system()
        || application.shared == Sharing::None
    {
        return Ok(false);
    }
    Ok(application_shares::is_shared(conn, application.id, organization_id).await?)
}

/// Whether an application is shared with an organization, until the transaction ends: what ends the sharing waits, and then ends
/// what this transaction made too.
pub async fn hold(
    tx: &mut Transaction,
    application: &Application,
    organization_id: OrganizationId,
) -> Result<bool> {
    Ok(application_shares::lock(tx, application.id).await?
        && application_shares::is_shared(tx, application.id, organization_id).await?)
}

/// Which roles of an application an organization has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SharedRoles {
    /// All that there are.
    All,
    /// None.
    None,
    /// Those with these ids, which are the roles' own at the root.
    Ids(Vec<String>),
}

impl From<RoleSharing> for SharedRoles {
    fn from(roles: RoleSharing) -> Self {
        match roles.mode {
            RoleSharingMode::All => Self::All,
            RoleSharingMode::Selected => Self::Ids(roles.roles),
            RoleSharingMode::None => Self::None,
        }
    }
}

/// Which roles an application brings along to an organization: none where it is not shared.
pub async fn shared_roles(
    conn: &mut Conn,
    application: &Application,
    organization_id: OrganizationId,
) -> Result<SharedRoles> {
    if !is_shared(conn, application, organization_id).await? {
        return Ok(SharedRoles::None);
    }
    let closest = application_shares::find_closest(conn, application.id, organization_id).await?;
    Ok(closest.map_or_else(|| application.shared_roles.clone(), |share| share.roles).into())
}

/// The id that something of the root has in an organization, with which it is shared. It is computed, not stored, in both
/// directions ([`original_id`]): sharing with ten thousand organizations writes nothing for any of them. It is no secret; that
/// it differs from organization to organization keeps the ids of one meaningless in another.
pub fn fragment_id<K: IdKind>(organization_id: OrganizationId, id: Id<K>) -> Result<Id<K>> {
    permute(Mode::Encrypt, organization_id, id)
}

/// The id at the root of what has this one in an organization. Whether there is such a thing is not known by that.
pub fn original_id<K: IdKind>(organization_id: OrganizationId, id: Id<K>) -> Result<Id<K>> {
    permute(Mode::Decrypt, organization_id, id)
}

/// One block of AES-128: a permutation of all ids, a different one for each organization.
fn permute<K: IdKind>(mode: Mode, organization_id: OrganizationId, id: Id<K>) -> Result<Id<K>> {
    let label = format!("fragments of {organization_id}");
    let key = openssl::hash::hash(MessageDigest::sha256(), label.as_bytes()).map_err(Error::internal)?;
    let mut crypter = Crypter::new(Cipher::aes_128_ecb(), mode, &key[..16], None).map_err(Error::internal)?;
    crypter.pad(false);
    let mut out = [0; 32];
    let written = crypter.update(&id.bits().to_be_bytes(), &mut out).map_err(Error::internal)?;
    crypter.finalize(&mut out[written..]).map_err(Error::internal)?;
    let block: [u8; 16] = out[..16].try_into().map_err(Error::internal)?;
    Ok(Id::from_bits(u128::from_be_bytes(block)))
}

#[cfg(test)]
mod tests {
    use base::id::{ApplicationId, OrganizationId};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_in_an_organization_never_changes() {
        let (organization, id) = (OrganizationId::from_bits(1), ApplicationId::from_bits(2));
        let shown = fragment_id(organization, id).unwrap();
        assert_eq!(format!("{:032x}", shown.bits()), "d8c26e96b52f794326193cedc8848d81");
    }

    proptest! {
        #[test]
        fn the_original_is_found_from_the_organization_s_own_id_only(organization: u128, other: u128, id: u128) {
            let (own, other) = (OrganizationId::from_bits(organization), OrganizationId::from_bits(other));
            let id = ApplicationId::from_bits(id);
            let shown = fragment_id(own, id).unwrap();
            prop_assert_eq!(original_id(own, shown).unwrap(), id);
            if own != other {
                prop_assert_ne!(original_id(other, shown).unwrap(), id);
                prop_assert_ne!(fragment_id(other, id).unwrap(), shown);
            }
        }
    }
}

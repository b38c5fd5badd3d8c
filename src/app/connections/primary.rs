//! The primary connection of an organization: one at most, whatever its protocol.

use base::id::{EnvironmentId, OrganizationId};

use crate::{
    app::Result,
    store::{Transaction, oidc_connections, saml_connections},
};

/// Makes the organization's connections not primary, as a change of each. The caller has locked the organization.
pub(super) async fn unset_primary(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<()> {
    saml_connections::unset_primary(tx, environment_id, organization_id).await?;
    Ok(oidc_connections::unset_primary(tx, environment_id, organization_id).await?)
}

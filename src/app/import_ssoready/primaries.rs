//! The primary connection and directory of each organization: an organization has one of each.

use std::collections::HashMap;

use base::{
    id::{EnvironmentId, Id, IdKind, OrganizationId, SamlConnectionKind, ScimDirectoryKind},
    time::Timestamp,
};
use model::{saml_connection::SamlConnection, scim_directory::ScimDirectory};

use super::{importer::Importer, report::ResourceKind};
use crate::{
    app::Result,
    store::{self, Transaction, import_lookups::PrimaryOf},
};

const NOT_PRIMARY: &str = "it was imported as not primary: another one is primary here";

/// The primary connection or directory of each organization of a page, while the page is written.
pub(super) struct Primaries {
    of: PrimaryOf,
    environment: EnvironmentId,
    current: HashMap<OrganizationId, (String, Timestamp)>,
    imported_at: HashMap<String, Timestamp>,
    now: Timestamp,
}

impl Primaries {
    pub(super) async fn load(
        tx: &mut Transaction,
        of: PrimaryOf,
        environment: EnvironmentId,
        organizations: &[OrganizationId],
        now: Timestamp,
    ) -> Result<Self> {
        let current = store::import_lookups::list_primaries(tx, of, organizations).await?;
        let ids: Vec<String> = current.values().map(|(id, _)| id.clone()).collect();
        let imported_at = store::import_records::list(tx, &ids).await?;
        let imported_at = imported_at.into_iter().map(|(id, imported)| (id, imported.written_at)).collect();
        Ok(Self { of, environment, current, imported_at, now })
    }

    /// Makes `id` the primary one, if there is none or it was imported by an earlier run and is unchanged here
    /// since; that one is unset. Returns whether `id` is the primary one.
    async fn claim<K: IdKind>(
        &mut self,
        tx: &mut Transaction,
        organization: OrganizationId,
        id: Id<K>,
    ) -> Result<bool> {
        let id = id.to_string();
        if let Some((holder, updated_at)) = self.current.get(&organization)
            && *holder != id
        {
            let is_unchanged = self.imported_at.get(holder) == Some(updated_at) && *updated_at < self.now;
            if !is_unchanged {
                return Ok(false);
            }
            match self.of {
                PrimaryOf::Connections => {
                    store::saml_connections::unset_primary(tx, self.environment, organization).await?;
                }
                PrimaryOf::Directories => {
                    store::scim_directories::unset_primary(tx, self.environment, organization).await?;
                }
            }
        }
        self.current.insert(organization, (id, self.now));
        Ok(true)
    }

    /// Forgets `id` as the primary one.
    fn release<K: IdKind>(&mut self, organization: OrganizationId, id: Id<K>) {
        if self.current.get(&organization).is_some_and(|(holder, _)| *holder == id.to_string()) {
            self.current.remove(&organization);
        }
    }
}

impl Importer<'_> {
    /// Makes `ours` the primary one of its organization where SSOReady says so, or forgets it. Returns whether it is.
    pub(super) async fn claim_primary(
        &mut self,
        tx: &mut Transaction,
        primaries: &mut Primaries,
        kind: ResourceKind,
        wanted: bool,
        ours: &impl OrganizationResource,
    ) -> Result<bool> {
        let (organization, id) = ours.organization_and_id();
        if !wanted {
            primaries.release(organization, id);
            return Ok(false);
        }
        let taken = primaries.claim(tx, organization, id).await?;
        if !taken {
            self.report.remark(kind, id, NOT_PRIMARY);
        }
        Ok(taken)
    }
}

/// A resource of which an organization has one primary one.
pub(super) trait OrganizationResource {
    /// The kind of its id.
    type Kind: IdKind;
    /// The id of the organization, and its own id.
    fn organization_and_id(&self) -> (OrganizationId, Id<Self::Kind>);
}

impl OrganizationResource for SamlConnection {
    type Kind = SamlConnectionKind;
    fn organization_and_id(&self) -> (OrganizationId, Id<Self::Kind>) {
        (self.organization_id, self.id)
    }
}

impl OrganizationResource for ScimDirectory {
    type Kind = ScimDirectoryKind;
    fn organization_and_id(&self) -> (OrganizationId, Id<Self::Kind>) {
        (self.organization_id, self.id)
    }
}

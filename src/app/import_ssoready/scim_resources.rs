//! What the imports of SCIM users, groups and memberships share: their directories and their stored attributes.

use std::collections::HashMap;

use base::id::{EnvironmentId, ScimDirectoryId};
use model::{organization::Organization, scim_directory::ScimDirectory};
use serde_json::{Map, Value};

use super::{importer::Importer, report::ResourceKind};
use crate::{
    app::{
        Error, Result,
        directories::{ProvisioningTarget, provisioning, quota::Allowance},
        input,
    },
    store::{Transaction, table},
};

pub(super) const NO_DIRECTORY: &str = "its directory is not here";

/// A cache of the directories of a page.
#[derive(Default)]
pub(super) struct Directories(HashMap<ScimDirectoryId, Option<ProvisioningTarget>>);

impl Directories {
    pub(super) async fn find(
        &mut self,
        tx: &mut Transaction,
        environment: EnvironmentId,
        id: ScimDirectoryId,
    ) -> Result<Option<ProvisioningTarget>> {
        if let Some(known) = self.0.get(&id) {
            return Ok(known.clone());
        }
        let mut found = None;
        if let Some(directory) = table::find::<ScimDirectory>(tx, environment, id).await? {
            let organization =
                table::find::<Organization>(tx, environment, directory.organization_id).await?;
            found = organization.map(|organization| ProvisioningTarget {
                directory,
                organization,
                allowance: Allowance::unlimited(),
            });
        }
        self.0.insert(id, found.clone());
        Ok(found)
    }
}

/// The stored attributes of a resource. Empty if they are no JSON object.
pub(super) fn attributes(json: Option<&str>) -> Map<String, Value> {
    match json.map(serde_json::from_str) {
        Some(Ok(Value::Object(attributes))) => attributes,
        _ => Map::new(),
    }
}

/// The error for a resource that the import itself made wrong.
pub(super) fn internal(error: provisioning::Error) -> Error {
    match error {
        provisioning::Error::App(error) => error,
        provisioning::Error::Scim(error) => Error::internal(error.to_string()),
    }
}

impl Importer<'_> {
    /// Adds a remark on what of a resource was left out. It is not processed again until it changes in SSOReady.
    pub(super) fn remark_left_out(&mut self, kind: ResourceKind, id: impl ToString, left_out: &[String]) {
        if !left_out.is_empty() {
            let names: Vec<String> = left_out.iter().take(10).map(|name| input::quoted(name)).collect();
            self.report.remark(kind, id, format!("came without {}", names.join(", ")));
        }
    }
}

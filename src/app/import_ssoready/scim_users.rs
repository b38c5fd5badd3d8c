//! Import of SCIM users.

use std::collections::HashMap;

use base::id::{EnvironmentId, ScimDirectoryId, ScimUserId};
use model::{email::Email, scim_user::ScimUser};
use serde_json::{Map, Value};

use super::{
    importer::Importer,
    records::{CHANGED_HERE, ID_TAKEN, ImportRecords, ImportStatus, REMOVED_HERE, digest_of},
    report::ResourceKind,
    scim_resources::{Directories, NO_DIRECTORY, attributes, internal},
};
use crate::{
    app::{
        Error, Result,
        directories::provisioning::{
            self,
            import::{self, AccountStatus},
        },
    },
    store::{
        self, Transaction,
        import_lookups::{Table, user_name_key},
        ssoready::SourceUser,
    },
};

/// The status of a user. SSOReady has one flag for deactivated and deleted users. A user whose attributes still
/// say `active` was deleted; any other was deactivated. Neither can log in, and an identity provider can continue
/// with a deactivated user under the id that it knows.
fn status(theirs: &SourceUser, attributes: &Map<String, Value>) -> AccountStatus {
    let active = attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case("active")).map(|(_, v)| v);
    let says_active = match active {
        Some(Value::Bool(active)) => *active,
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        _ => false,
    };
    match (theirs.deleted, says_active) {
        (false, _) => AccountStatus::Active,
        (true, true) => AccountStatus::Deleted,
        (true, false) => AccountStatus::Inactive,
    }
}

/// Why a user is skipped, without their address.
fn skip_reason(user_name: &str, error: provisioning::Error) -> Result<String> {
    let address = Email::parse(user_name);
    match (error, address) {
        (provisioning::Error::App(Error::Internal(source)), _) => Err(Error::Internal(source)),
        _ if user_name.is_empty() => Ok("it has no e-mail address".to_owned()),
        (_, None) => Ok("its e-mail address is malformed".to_owned()),
        (provisioning::Error::Scim(scim::Error::InvalidValue(_)), Some(address)) => Ok(format!(
            "its address is at {}, which is not among the imported domains of the organization",
            address.domain()
        )),
        (error, Some(_)) => Ok(error.to_string()),
    }
}

impl Importer<'_> {
    pub(super) async fn import_users(&mut self, environment: EnvironmentId, with_events: bool) -> Result<()> {
        let mut after: Option<(ScimDirectoryId, String)> = None;
        loop {
            let from = after.as_ref().map(|(directory, email)| (*directory, email.as_str()));
            let page = self.source.list_users(environment, from).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some((last.directory_id, last.email.clone()));
            let ids: Vec<ScimUserId> = page.iter().map(|user| user.id).collect();
            let memberships = self.source.list_memberships(&ids).await?;
            let mut tx = self.begin_page().await?;
            self.write_users(&mut tx, environment, &page, with_events).await?;
            self.write_memberships(&mut tx, environment, &ids, &memberships, with_events).await?;
            self.commit_page(tx, ResourceKind::ScimUser).await?;
        }
    }

    async fn write_users(
        &mut self,
        tx: &mut Transaction,
        environment: EnvironmentId,
        page: &[SourceUser],
        with_events: bool,
    ) -> Result<()> {
        const KIND: ResourceKind = ResourceKind::ScimUser;
        let mut records =
            ImportRecords::load(tx, Table::ScimUsers, page.iter().map(|it| it.id), self.now).await?;
        let mut directories = Directories::default();
        let mut names = HashMap::new();
        for in_directory in page.chunk_by(|a, b| a.directory_id == b.directory_id) {
            let Some(first) = in_directory.first() else { continue };
            let keys: Vec<String> = in_directory.iter().map(|it| user_name_key(&it.email)).collect();
            let taken = store::import_lookups::list_user_names(tx, first.directory_id, &keys).await?;
            names.extend(taken.into_iter().map(|(key, id)| ((first.directory_id, key), id)));
        }
        for theirs in page {
            let id = theirs.id;
            let source = digest_of(&(&theirs.email, theirs.deleted, &theirs.attributes));
            let before = match records.status(id, source) {
                ImportStatus::Unchanged => {
                    self.report.counts_of(KIND).unchanged += 1;
                    continue;
                }
                ImportStatus::IdTaken => {
                    self.report.skip(KIND, id, ID_TAKEN);
                    continue;
                }
                ImportStatus::New => None,
                ImportStatus::Changed(written_at) => {
                    match store::scim_users::find_including_deleted(tx, theirs.directory_id, id).await? {
                        None => {
                            self.report.keep(KIND, id, REMOVED_HERE);
                            continue;
                        }
                        Some(ours) if ours.updated_at != written_at => {
                            self.report.keep(KIND, id, CHANGED_HERE);
                            continue;
                        }
                        Some(ours) => Some(ours),
                    }
                }
            };
            let Some(directory) = directories.find(tx, environment, theirs.directory_id).await? else {
                self.report.skip(KIND, id, NO_DIRECTORY);
                continue;
            };
            let mut ours = before.clone().unwrap_or(ScimUser {
                id,
                directory_id: theirs.directory_id,
                user_name: String::new(),
                external_id: None,
                active: true,
                email: None,
                document: Map::new(),
                version: 0,
                created_at: self.now,
                updated_at: self.now,
                deleted_at: None,
            });
            let stored = attributes(theirs.attributes.as_deref());
            let status = status(theirs, &stored);
            let left_out = match import::apply_user(&directory, &mut ours, &theirs.email, status, &stored) {
                Ok(left_out) => left_out,
                Err(error) => {
                    let reason = skip_reason(&theirs.email, error)?;
                    self.report.skip(KIND, id, reason);
                    continue;
                }
            };
            let deleted = status == AccountStatus::Deleted;
            ours.deleted_at = deleted.then(|| ours.deleted_at.unwrap_or(self.now));
            if !deleted {
                let key = (theirs.directory_id, user_name_key(&ours.user_name));
                if names.get(&key).is_some_and(|holder| *holder != id) {
                    let reason =
                        "another user of its directory has its address, in another case or by a push to here";
                    self.report.skip(KIND, id, reason);
                    continue;
                }
                names.insert(key, id);
            }
            self.remark_left_out(KIND, id, &left_out);
            match &before {
                Some(before) if *before == ours => {
                    records.mark_imported_at(id, source, before.updated_at);
                    self.report.counts_of(KIND).unchanged += 1;
                }
                _ => {
                    ours.version += 1;
                    ours.updated_at = self.now;
                    import::write_user(tx, &directory, before.as_ref(), &ours, self.now, with_events)
                        .await
                        .map_err(internal)?;
                    records.mark_imported(id, source);
                    match before {
                        None => self.report.counts_of(KIND).imported += 1,
                        Some(_) => self.report.counts_of(KIND).updated += 1,
                    }
                }
            }
        }
        records.store(tx).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use base::id::Id;

    #[test]
    fn one_flag_of_theirs_is_two_states_of_ours() {
        for (deleted, attributes, expected) in [
            (false, json!({"active": false}), AccountStatus::Active),
            (false, json!({}), AccountStatus::Active),
            (true, json!({"active": true}), AccountStatus::Deleted),
            (true, json!({"Active": "True"}), AccountStatus::Deleted),
            (true, json!({"active": "False"}), AccountStatus::Inactive),
            (true, json!({}), AccountStatus::Inactive),
            (true, json!([1]), AccountStatus::Inactive),
        ] {
            let theirs = SourceUser {
                id: Id::from_bits(1),
                directory_id: Id::from_bits(2),
                email: "a@acme.example".into(),
                deleted,
                attributes: Some(attributes.to_string()),
            };
            let stored = super::attributes(theirs.attributes.as_deref());
            assert_eq!(status(&theirs, &stored), expected, "{attributes}");
        }
    }
}

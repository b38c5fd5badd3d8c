//! Administrators who cannot sign in.

use std::collections::{BTreeMap, btree_map::Entry};

use base::id::EnvironmentId;

use super::paging::{PAGE, next_page};
use crate::{
    cli::doctor::findings::Findings,
    store::{self, Db},
};

/// Reports administrators without a passkey, who cannot sign in when `console.require_passkey` is on.
pub(super) async fn administrators(db: &Db, findings: &mut Findings) -> store::Result<()> {
    const SUBJECT: &str = "administrators";
    let mut conn = db.read().await?;
    let mut holders = BTreeMap::new();
    collect_administrators(&mut conn, None, &mut holders).await?;
    let mut from = None;
    loop {
        let page = store::environments::list(&mut conn, from, PAGE).await?;
        for environment in &page {
            collect_administrators(&mut conn, Some(environment.id), &mut holders).await?;
        }
        from = next_page(&page, |environment| environment.id);
        if from.is_none() {
            break;
        }
    }
    for email in holders.iter().filter(|(_, has_passkey)| !**has_passkey).map(|(email, _)| email) {
        let seen = format!("{email} has no passkey and cannot sign in: console.require_passkey is on");
        let mend =
            format!("`ostiary admin reset --email {email}` prints a link with which they can create one");
        findings.attention(SUBJECT, seen, mend);
    }
    if holders.is_empty() {
        findings.ok(SUBJECT, "none yet; `ostiary admin invite` invites the first");
    } else if holders.values().all(|has_passkey| *has_passkey) {
        findings.ok(SUBJECT, format!("{}, each with a passkey", holders.len()));
    }
    Ok(())
}

/// Collects the administrators with a role in one environment (`None`: in every environment), and whether each has a
/// passkey.
async fn collect_administrators(
    conn: &mut store::Conn,
    environment_id: Option<EnvironmentId>,
    holders: &mut BTreeMap<String, bool>,
) -> store::Result<()> {
    let mut from = None;
    loop {
        let page = store::administrators::list(conn, environment_id, from, PAGE).await?;
        for (administrator, _) in &page {
            if let Entry::Vacant(holder) = holders.entry(administrator.email.to_string()) {
                let passkeys = store::passkeys::list(conn, administrator.id.into(), 1).await?;
                holder.insert(!passkeys.is_empty());
            }
        }
        from = next_page(&page, |(administrator, _)| administrator.id);
        if from.is_none() {
            return Ok(());
        }
    }
}

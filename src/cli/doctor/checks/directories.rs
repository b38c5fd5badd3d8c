//! Directories that have nearly used up their quotas.

use base::time::{Clock as _, SystemClock};

use crate::{app::directories::usage, cli::doctor::findings::Findings, config::Config, server, store::Db};

/// Reports directories that have nearly used up their quotas.
pub(super) async fn directories(config: &Config, db: &Db, findings: &mut Findings) {
    const SUBJECT: &str = "directories";
    let quota = server::settings(config).scim_quotas.directory;
    let fullest = match db.read().await {
        Ok(mut conn) => usage::near_quota(&mut conn, SystemClock.now(), &quota).await,
        Err(error) => Err(error.into()),
    };
    match fullest {
        Ok(fullest) if fullest.is_empty() => findings.ok(SUBJECT, "none has nearly used up a quota"),
        Ok(fullest) => {
            for (id, usage) in fullest {
                findings.attention(
                    SUBJECT,
                    format!("{id} has nearly or wholly used up its {}", quota.near(&usage).join(", ")),
                    "raise the scim.directory_… settings, or find out what the identity provider pushes",
                );
            }
        }
        Err(error) => findings.bad(SUBJECT, error.to_string(), "see what the database's own log says"),
    }
}

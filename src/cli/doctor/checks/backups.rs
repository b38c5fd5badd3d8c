//! The age of the last backup.

use std::time::Duration;

use base::time::{Clock as _, SystemClock, Timestamp};

use crate::{
    cli::doctor::findings::Findings,
    store::{self, Db, Dialect, settings},
};

const SUBJECT: &str = "backup";

/// An older backup is reported.
const MAX_AGE: Duration = Duration::from_secs(2 * 24 * 3600);

pub(super) async fn backups(db: &Db, findings: &mut Findings) -> store::Result<()> {
    let noted = settings::find_if_migrated(&mut db.read().await?, settings::LAST_BACKUP).await?;
    let last = noted.and_then(|at| at.parse().ok()).map(Timestamp::from_millis);
    judge(last, SystemClock.now(), db.dialect(), findings);
    Ok(())
}

fn judge(last: Option<Timestamp>, now: Timestamp, dialect: Dialect, findings: &mut Findings) {
    let mend = match dialect {
        Dialect::Sqlite => {
            "run `ostiary backup {folder}` every night, and keep the files and the master key elsewhere"
        }
        Dialect::Postgres => {
            "run pg_dump every night and after it `ostiary backup verify {dump} --record`; whoever backs up in another way \
             may ignore this"
        }
    };
    match last {
        None => findings.attention(SUBJECT, "none is known of", mend),
        Some(last) => {
            let hours = now.since(last).as_secs() / 3600;
            let seen = format!("the last one is {} days and {} hours old", hours / 24, hours % 24);
            match now.since(last) > MAX_AGE {
                true => findings.attention(SUBJECT, seen, mend),
                false => findings.ok(SUBJECT, seen),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::findings::Level;

    #[test]
    fn an_old_backup_is_reported_and_none_at_all_too() {
        let now = Timestamp::from_seconds(1_800_000_000);
        for (age, level) in [
            (None, Level::Attention),
            (Some(Duration::ZERO), Level::Ok),
            (Some(MAX_AGE), Level::Ok),
            (Some(MAX_AGE + Duration::from_secs(1)), Level::Attention),
        ] {
            for dialect in [Dialect::Sqlite, Dialect::Postgres] {
                let mut findings = Findings::default();
                judge(age.map(|age| now - age), now, dialect, &mut findings);
                assert_eq!(findings.worst(), level, "{age:?}");
            }
        }
    }
}

//! Domains that DNS proved and whose record is gone.

use super::paging::{PAGE, next_page};
use crate::{
    cli::doctor::findings::Findings,
    config::Config,
    store::{self, Db},
};

/// How many domains of an environment are named.
const MAX_NAMED: i64 = 20;

/// Reports domains that count as proved although their record is gone: people of them can soon no longer sign in.
pub(super) async fn domains(config: &Config, db: &Db, findings: &mut Findings) -> store::Result<()> {
    const SUBJECT: &str = "domains";
    let mut conn = db.read().await?;
    let mut from = None;
    let mut any = false;
    loop {
        let page = store::environments::list(&mut conn, from, PAGE).await?;
        for environment in &page {
            for lost in store::domain_rechecks::list_lost(&mut conn, environment.id, MAX_NAMED).await? {
                any = true;
                findings.attention(
                    SUBJECT,
                    format!(
                        "the DNS record that proved {} of {} is gone since {}; it counts as proved until {}",
                        lost.domain,
                        lost.organization_id,
                        lost.record_lost_at,
                        lost.record_lost_at + config.domains_lost_record_grace
                    ),
                    "ask the customer to publish it again, or approve the domain on its page in the console",
                );
            }
        }
        from = next_page(&page, |environment| environment.id);
        if from.is_none() {
            break;
        }
    }
    if !any {
        findings.ok(SUBJECT, "none has lost its DNS record");
    }
    Ok(())
}

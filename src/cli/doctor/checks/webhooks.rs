//! Webhooks whose endpoints do not take what is sent to them.

use model::webhook::Webhook;

use super::paging::{PAGE, next_page};
use crate::{
    cli::doctor::findings::Findings,
    store::{self, Db},
};

/// After how many failures in a row an endpoint is reported.
const MIN_FAILURES: u32 = 3;

/// Reports endpoints that failed repeatedly, and how many events wait.
pub(super) async fn webhooks(db: &Db, findings: &mut Findings) -> store::Result<()> {
    const SUBJECT: &str = "webhooks";
    let mut conn = db.read().await?;
    let mut from = None;
    let mut failing = 0_usize;
    loop {
        let page = store::environments::list(&mut conn, from, PAGE).await?;
        for environment in &page {
            for webhook in store::table::list::<Webhook>(&mut conn, environment.id, None, PAGE).await? {
                if webhook.disabled_at.is_none() && webhook.failures >= MIN_FAILURES {
                    failing += 1;
                    findings.attention(
                        &webhook.id.to_string(),
                        format!("{} failed {} times in a row", webhook.url, webhook.failures),
                        "see the deliveries on its page in the console, and mend the receiver; deliveries are attempted \
                         again for two and a half days",
                    );
                }
            }
        }
        from = next_page(&page, |environment| environment.id);
        if from.is_none() {
            break;
        }
    }
    if failing == 0 {
        let waiting = store::webhooks::count_waiting(&mut conn).await?;
        findings.ok(SUBJECT, format!("none fails repeatedly; {waiting} deliveries wait"));
    }
    Ok(())
}

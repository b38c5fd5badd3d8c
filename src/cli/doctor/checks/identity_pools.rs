//! Identity pools whose users have nothing to authenticate with.

use base::id::IdentityPoolId;

use super::paging::{PAGE, next_page};
use crate::{
    cli::doctor::findings::Findings,
    store::{self, Db, identity_pools::FirstFactors},
};

/// Reports pools that allow nothing but codes by e-mail or text message, which are kept for other programs and never offered.
pub(super) async fn identity_pools(db: &Db, findings: &mut Findings) -> store::Result<()> {
    const SUBJECT: &str = "identity pools";
    let mut conn = db.read().await?;
    let (mut from, mut any) = (IdentityPoolId::from_bits(0), false);
    loop {
        let page = store::identity_pools::list_first_factors(&mut conn, from, PAGE).await?;
        for pool in page.iter().filter(|pool| !pool.are_offered()) {
            any = true;
            findings.attention(
                SUBJECT,
                format!(
                    "{} of {} allows only codes by e-mail or text message, which are not offered: nobody signs in with it",
                    pool.pool_id, pool.organization_id
                ),
                "allow passwords or passkeys on its page in the console",
            );
        }
        match next_page(&page, |pool: &FirstFactors| pool.pool_id) {
            Some(next) => from = next,
            None => break,
        }
    }
    if !any {
        findings.ok(SUBJECT, "each has something that its users can authenticate with");
    }
    Ok(())
}

//! Slugs of environments that were taken before their word was reserved for a path.

use super::paging::{PAGE, next_page};
use crate::{
    cli::doctor::findings::Findings,
    store::{self, Db},
};

/// Reports environments that are reached by their id only.
pub(super) async fn slugs(db: &Db, findings: &mut Findings) -> store::Result<()> {
    const SUBJECT: &str = "slugs";
    let mut conn = db.read().await?;
    let (mut from, mut any) = (None, false);
    loop {
        let page = store::environments::list(&mut conn, from, PAGE).await?;
        for environment in page.iter().filter(|environment| environment.slug.is_reserved()) {
            any = true;
            findings.attention(
                SUBJECT,
                format!(
                    "a path of the service begins with /{slug}, the slug of {id}: its issuers and pages are reached below \
                     /{id} only",
                    slug = environment.slug,
                    id = environment.id
                ),
                format!("give it another slug: `ostiary environment update {} --slug {{slug}}`", environment.id),
            );
        }
        from = next_page(&page, |environment| environment.id);
        if from.is_none() {
            break;
        }
    }
    if !any {
        findings.ok(SUBJECT, "none is a path of the service");
    }
    Ok(())
}

//! The environment for which addresses speak that name none.

use base::id::EnvironmentId;
use model::slug::Slug;

use crate::{
    cli::doctor::findings::Findings,
    config::Config,
    store::{self, Db, tenants},
};

pub(super) async fn default_environment(
    config: &Config,
    db: &Db,
    findings: &mut Findings,
) -> store::Result<()> {
    let Some(reference) = &config.default_environment else { return Ok(()) };
    let mut conn = db.read().await?;
    let found = match (reference.parse::<EnvironmentId>(), Slug::parse(reference)) {
        (Ok(id), _) => tenants::find(&mut conn, id).await?,
        (Err(_), Ok(slug)) => tenants::find_by_slug(&mut conn, &slug).await?,
        (Err(_), Err(_)) => None,
    };
    match found {
        Some(tenant) => findings.ok("default environment", format!("{reference} is {}", tenant.environment_id)),
        None => findings.attention(
            "default environment",
            format!("default_environment is {reference}, and there is no such environment: /oauth2/token answers 404"),
            "create it with `ostiary environment create --slug {slug}`, or change the setting",
        ),
    }
    Ok(())
}

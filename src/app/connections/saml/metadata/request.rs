//! A refresh that a refused login requests.

use std::time::Duration;

use model::saml_connection::SamlConnection;
use saml::check::Check;

use crate::{
    app::{Result, State},
    store,
};

/// The minimum interval between two refreshes that refused logins request.
const MIN_REQUEST_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// Called when no certificate of the connection verified a signature: requests a refresh now, rate-limited, so
/// that the next login works if the provider changed its key. Adds this to the remedy of the failed check.
pub(in crate::app) async fn request_refresh(
    state: &State,
    connection: &SamlConnection,
    rejection: saml::Error,
    checks: &mut [Check],
) -> Result<()> {
    let of_the_key =
        matches!(rejection, saml::Error::SignatureMismatch | saml::Error::SignatureKeyUnsuitable);
    if !of_the_key || connection.idp_metadata_url.is_none() {
        return Ok(());
    }
    let now = state.now();
    let may_request =
        connection.metadata.refresh_requested_at.is_none_or(|at| now.since(at) >= MIN_REQUEST_INTERVAL);
    let requested = may_request && {
        let mut tx = state.db.write().await?;
        let before = now - MIN_REQUEST_INTERVAL;
        let requested = store::metadata_refreshes::request(&mut tx, connection.id, now, before).await?;
        tx.commit().await?;
        requested
    };
    let words = if requested {
        "The identity provider's metadata is being fetched again right now: try again in a minute. If it \
         fails again, the metadata does not list the key that signed this."
            .to_owned()
    } else {
        match (connection.metadata.fetched_at, &connection.metadata.error) {
            (_, Some(error)) => format!("Its metadata cannot be refreshed: {error}."),
            (Some(at), None) => {
                format!("Its metadata was last fetched at {at} and does not list the key that signed this.")
            }
            (None, None) => "Its metadata is being fetched.".to_owned(),
        }
    };
    for check in checks.iter_mut().filter(|check| !check.passed && check.name == rejection.code()) {
        check.remedy = format!("{words} {}", check.remedy).into();
    }
    Ok(())
}

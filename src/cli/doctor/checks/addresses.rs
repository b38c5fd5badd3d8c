//! Addresses with plain http.

use model::{branding::Branding, http_url::HttpUrl, oauth_client::OauthClient, webhook::Webhook};

use super::paging::{PAGE, next_page};
use crate::{
    cli::doctor::findings::Findings,
    store::{self, Db},
};

/// Reports URLs with plain http: those stored before it was refused, and imported ones, still work.
pub(super) async fn addresses(db: &Db, findings: &mut Findings) -> store::Result<()> {
    let mut conn = db.read().await?;
    let mut from = None;
    let mut exposed = 0_usize;
    loop {
        let page = store::environments::list(&mut conn, from, PAGE).await?;
        for environment in &page {
            let mut report = |subject: String, what: &str, url: &HttpUrl, mend: String| {
                if url.is_insecure() {
                    exposed += 1;
                    let seen = format!(
                        "its {what} {url} is plain http: anybody on the network path can read and change what is sent there"
                    );
                    findings.attention(&subject, seen, mend);
                }
            };
            let id = environment.id;
            let own = || format!("change it to https: `ostiary environment update {id}`, or the console");
            for (what, url) in
                [("redirect URL", &environment.redirect_url), ("auth URL", &environment.auth_url)]
            {
                if let Some(url) = url {
                    report(id.to_string(), what, url, own());
                }
            }
            for uri in &environment.oauth_redirect_uris {
                report(id.to_string(), "OAuth redirect URI", uri, own());
            }
            if let Some(branding) = store::table::find::<Branding>(&mut conn, id, id).await?
                && let Some(url) = &branding.return_url
            {
                report(
                    id.to_string(),
                    "return URL of the setup pages",
                    url,
                    "change it to https in the console".into(),
                );
            }
            for client in store::table::list::<OauthClient>(&mut conn, id, None, PAGE).await? {
                if let Some(uri) = &client.initiate_login_uri {
                    let mend = "change it to https in the console";
                    report(client.id.to_string(), "initiateLoginUri", uri, mend.into());
                }
            }
            for webhook in store::table::list::<Webhook>(&mut conn, id, None, PAGE).await? {
                let mend = "change it to https in the console, once its receiver supports it";
                report(webhook.id.to_string(), "address", &webhook.url, mend.into());
            }
        }
        from = next_page(&page, |environment| environment.id);
        if from.is_none() {
            break;
        }
    }
    if exposed == 0 {
        findings.ok("addresses", "none is plain http");
    }
    Ok(())
}

//! SAML connections: what they lack, where they lead, and when their certificates expire.

use base::time::{Clock as _, SystemClock};
use model::saml_connection::SamlConnection;
use openssl::x509::X509;
use url::Url;

use super::{
    network::check_reachability,
    paging::{PAGE, next_page},
};
use crate::{
    cli::doctor::findings::Findings,
    config::Config,
    links::Links,
    store::{self, Db},
};

/// How many days before its expiry a certificate is reported.
const CERTIFICATE_NOTICE_DAYS: u32 = 30;

pub(super) async fn connections(config: &Config, db: &Db, offline: bool, findings: &mut Findings) {
    let mut seen = 0_usize;
    let mut unknown = config.console_saml_connection.clone();
    let mut targets: Vec<Url> = Vec::new();
    let mut from = None;
    loop {
        let page = match db.read().await {
            Ok(mut conn) => store::saml_connections::list_all(&mut conn, from, PAGE).await,
            Err(error) => Err(error),
        };
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                return findings.bad(
                    "connections",
                    error.to_string(),
                    "see what the database's own log says",
                );
            }
        };
        for connection in &page {
            seen += 1;
            unknown.take_if(|id| *id == connection.id.to_string());
            check_connection(config, connection, findings);
            let target = connection.idp_redirect_url.as_ref().and_then(|url| Url::parse(url.as_str()).ok());
            if let Some(target) = target.filter(|_| !connection.test)
                && !targets.iter().any(|known| known.origin() == target.origin())
            {
                targets.push(target);
            }
        }
        from = next_page(&page, |connection| connection.id);
        if from.is_none() {
            break;
        }
    }
    if let Some(id) = unknown {
        findings.bad(
            "console.saml_connection",
            format!("there is no connection {id}: administrators cannot sign in through it"),
            "name a connection that exists, or take the setting away",
        );
    }
    findings.ok("connections", format!("{seen} checked"));
    if !offline {
        check_reachability(&targets, findings).await;
    }
}

fn check_connection(config: &Config, connection: &SamlConnection, findings: &mut Findings) {
    let subject = connection.id.to_string();
    let missing = connection.missing_settings();
    if !missing.is_empty() {
        findings.attention(
            &subject,
            format!("is incomplete: {} missing", missing.join(", ")),
            format!(
                "import the identity provider's metadata: `ostiary saml-connection update {subject} --idp-metadata \
                 FILE|URL`; until then nobody signs in through it"
            ),
        );
    }
    let remove = format!("remove it: `ostiary saml-connection delete {subject}`");
    if connection.test {
        let local = config.listen.ip().is_loopback();
        match (config.test_idp, local) {
            (false, _) => findings.attention(
                &subject,
                "belongs to the bundled test identity provider, which is off",
                format!("{remove}; logins through it are refused"),
            ),
            (true, true) => findings.attention(
                &subject,
                "belongs to the bundled test identity provider, which signs in anybody as anybody",
                format!("fine for a trial; before real people come, {remove}"),
            ),
            (true, false) => findings.bad(
                &subject,
                "belongs to the bundled test identity provider, which is served to the network and signs in anybody \
                 as anybody",
                format!("set test_idp to off, and {remove}"),
            ),
        }
    }
    let expected =
        Links::new(&config.public_url_at(config.listen)).map(|links| links.saml_acs(connection.id));
    if let Ok(expected) = expected
        && !connection.sp_acs_urls.iter().any(|url| url == expected.as_str())
        && config.public_url.is_some()
    {
        findings.attention(
            &subject,
            format!(
                "its ACS URL {} is not below the public URL",
                connection.sp_acs_urls.first().map_or("nowhere", String::as_str)
            ),
            format!("fine if that address also reaches this server; otherwise create a new connection and {remove}"),
        );
    }
    for (what, url) in
        [("sign-on URL", &connection.idp_redirect_url), ("metadata URL", &connection.idp_metadata_url)]
    {
        if let Some(url) = url.as_ref().filter(|url| url.is_insecure()) {
            findings.attention(
                &subject,
                format!(
                    "its {what} {url} is plain http: anybody on the network path can read and change what is sent there"
                ),
                "ask the customer for the https address of their identity provider",
            );
        }
    }
    if let (Some(url), Some(error)) = (&connection.idp_metadata_url, &connection.metadata.error) {
        findings.attention(
            &subject,
            format!("its metadata at {url} could not be refreshed {} times: {error}", connection.metadata.failures),
            format!("ask the customer, then `ostiary saml-connection refresh {subject}`; the previous settings stay in force"),
        );
    }
    for reason in &connection.metadata.left_out {
        findings.attention(
            &subject,
            format!("of the certificates that were given for it one was left out: {reason}"),
            "ask the customer whether their identity provider signs with it; logins that it signs are refused",
        );
    }
    if config.console_saml_connection.as_deref() == Some(subject.as_str()) {
        if connection.test {
            findings.bad(
                &subject,
                "is console.saml_connection, but belongs to the bundled test identity provider: administrators are \
                 refused",
                "name a connection to an identity provider of your own",
            );
        }
        let acs = connection.sp_acs_urls.first().and_then(|url| Url::parse(url).ok());
        let public = config.public_url_at(config.listen);
        if acs.as_ref().is_none_or(|acs| acs.host() != public.host()) {
            findings.bad(
                &subject,
                format!(
                    "is console.saml_connection, but responses come to {}, and the console is at {}",
                    acs.as_ref().and_then(Url::host_str).unwrap_or("nowhere"),
                    public.host_str().unwrap_or_default()
                ),
                "create a connection below the public URL, and name that one",
            );
        }
    }
    certificates(&subject, connection, findings);
}

fn certificates(subject: &str, connection: &SamlConnection, findings: &mut Findings) {
    let read: Vec<X509> =
        connection.idp_certificates.iter().filter_map(|pem| X509::from_pem(pem.as_bytes()).ok()).collect();
    let days_left: Vec<i32> = read
        .iter()
        .filter_map(|certificate| {
            let now = openssl::asn1::Asn1Time::from_unix(SystemClock.now().seconds()).ok()?;
            let left = now.diff(certificate.not_after()).ok()?;
            Some(if left.days < 0 || left.secs < 0 { -1 } else { left.days })
        })
        .collect();
    // Certificates overlap while a provider changes its key: the latest expiry counts.
    let Some(latest) = days_left.iter().max() else { return };
    if *latest < 0 {
        findings.attention(
            subject,
            "every certificate of its identity provider has expired",
            "ask the customer for the new one; many providers keep signing with the old key, and it is still accepted",
        );
    } else if u32::try_from(*latest).unwrap_or(0) < CERTIFICATE_NOTICE_DAYS {
        findings.attention(
            subject,
            format!("its identity provider's certificate expires in {latest} days"),
            format!(
                "ask the customer for the next one and add it to the current one: `ostiary saml-connection update \
                 {subject} --idp-certificate FILE --idp-certificate FILE`"
            ),
        );
    }
}

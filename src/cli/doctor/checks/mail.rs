//! Whether letters are sent.

use std::time::Duration;

use base::time::{Clock as _, SystemClock};
use model::letter::{LetterError, LetterState};

use crate::{
    app::mail::mailer::Mailer,
    cli::doctor::findings::Findings,
    config::Config,
    links::Links,
    server,
    store::{self, Db},
};

/// How far back letters are looked at.
const PERIOD: Duration = Duration::from_secs(24 * 3600);

/// The settings of mail, and whether the mail server can be reached.
pub(super) async fn mail(config: &Config, offline: bool, findings: &mut Findings) {
    let Some(settings) = server::settings(config).mail else {
        findings.attention(
            "mail",
            "mail.smtp_url is not set: nobody gets mail; codes reach people only where your app hands them over",
            "set mail.smtp_url and mail.from (docs/mail.md)",
        );
        return;
    };
    let Ok(links) = Links::new(&config.public_url_at(config.listen)) else { return };
    if offline {
        return;
    }
    let made = tokio::task::spawn_blocking(move || Mailer::new(&settings, &links)).await;
    let mailer = match made {
        Ok(Ok(mailer)) => mailer,
        Ok(Err(error)) => {
            findings.bad("mail", error.to_string(), "correct the host in mail.smtp_url");
            return;
        }
        Err(error) => {
            findings.bad("mail", error.to_string(), "report this");
            return;
        }
    };
    match mailer.check().await {
        Ok(server) => findings.ok("mail", format!("{} takes letters", server.unwrap_or_default())),
        Err(failure) => {
            let reply = failure.reply.map(|reply| format!(" (it replied {reply})")).unwrap_or_default();
            findings.bad("mail", format!("{}{reply}", sentence(failure.error)), mend(failure.error));
        }
    }
}

fn sentence(error: LetterError) -> &'static str {
    match error {
        LetterError::NotAuthenticated => "the mail server does not accept the user name and password",
        LetterError::PasswordFile => "the file mail.smtp_password_file cannot be read",
        LetterError::Tls => "there is no trusted TLS connection to the mail server",
        LetterError::Timeout => "the mail server does not answer in time",
        LetterError::Protocol => "the mail server answers something that is not SMTP",
        LetterError::Refused | LetterError::TryAgainLater => "the mail server takes no connection",
        _ => "the mail server cannot be reached",
    }
}

fn mend(error: LetterError) -> &'static str {
    match error {
        LetterError::NotAuthenticated => {
            "correct the user in mail.smtp_url and the file of mail.smtp_password_file"
        }
        LetterError::PasswordFile => "let the gateway's user read it",
        LetterError::Tls => {
            "name the host that is in the server's certificate in mail.smtp_url, with smtps for TLS from the beginning and \
             smtp for STARTTLS"
        }
        _ => "correct mail.smtp_url, or let this machine connect to that host and port",
    }
}

/// What became of the letters of the last day.
pub(super) async fn letters(db: &Db, findings: &mut Findings) -> store::Result<()> {
    let since = SystemClock.now() - PERIOD;
    let counts = store::letters::count_by_outcome(&mut db.read().await?, since).await?;
    let mut total = 0;
    let mut lost: Vec<(String, i64)> = Vec::new();
    for (state, error, count) in counts {
        total += count;
        let state = state.parse::<LetterState>().ok();
        let error = error.unwrap_or_default();
        // What is nobody's fault: strangers' addresses, and codes that were used or replaced.
        let is_usual = matches!(
            error.parse(),
            Ok(LetterError::NoAccount | LetterError::CodeEnded | LetterError::TooMany)
        );
        let has_failed = matches!(state, Some(LetterState::Failed | LetterState::Refused));
        let waits = state == Some(LetterState::Queued) && !error.is_empty();
        if (has_failed && !is_usual) || waits {
            lost.push((error, count));
        }
    }
    if lost.is_empty() {
        if total > 0 {
            findings.ok("letters", format!("{total} in the last day"));
        }
        return Ok(());
    }
    let number: i64 = lost.iter().map(|(_, count)| count).sum();
    let why: Vec<String> = lost.iter().map(|(error, count)| format!("{count} {error}")).collect();
    findings.attention(
        "letters",
        format!("{number} of {total} letters of the last day were not sent: {}", why.join(", ")),
        "the page Letters of each environment in the console says which, and what to do",
    );
    Ok(())
}

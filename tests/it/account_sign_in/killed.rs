//! A process that is killed between the claim of a letter and its sending.

use std::time::Duration;

use reqwest::Method;
use tokio::net::TcpListener;

use super::{EMAIL, world};
use crate::{
    both,
    support::{
        mail::{MailServer, header},
        process::{ServerProcess, command},
    },
};

both! {
    async fn a_letter_that_a_killed_process_had_claimed_is_sent_once_after_the_restart(app: TestApp) {
        let world = world(&app).await;
        let (browser, base) = (app.browser(), app.base.clone());
        let database = app.stop().await;
        // It takes the connection and says nothing: the letter is claimed, and not sent.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = silent.local_addr().unwrap().port();
        let smtp = format!("mail.smtp_url=smtp+plain://127.0.0.1:{port}");
        let arguments = [
            "serve", "--listen", "127.0.0.1:0", "--public-url", &base, "--set", "shutdown_grace=0s", "--set", &smtp,
            "--set", "mail.from=no-reply@vendor.example",
        ];
        let mut first = ServerProcess::start(&mut command(&database, &arguments));
        let url = first.url(&format!("{}/sign-in/forgot", world.issuer));
        let request = browser.request(Method::POST, &url).header("origin", &base);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let asked = browser.send(request.body("identifier=dana%40acme.com")).await;
        assert_eq!(asked.status, 200, "{}", asked.body);
        let connected = tokio::time::timeout(Duration::from_secs(60), silent.accept()).await;
        let (connection, _) = connected.expect("the process connects").unwrap();
        first.signal("KILL");
        assert!(!first.wait(Duration::from_secs(20)).success());
        drop((connection, silent));
        let server = MailServer::start_with(port, &[]).await;
        let second = ServerProcess::start(&mut command(&database, &arguments));
        // The claim of the killed one ends by itself.
        let letter = server.letter_to(EMAIL, 1).await;
        assert!(header(&letter, "Subject").starts_with("Set a new password"));
        let link = letter["text"].as_str().unwrap().lines().find(|line| line.starts_with("http")).unwrap().to_owned();
        let page = browser.get(&link.replace(&base, &second.url(""))).await;
        assert!(page.status == 200 && page.body.contains("Set a new password"), "its code is good: {}", page.body);
        // Whoever stops has sent what was under way.
        second.stop();
        assert_eq!(server.letters_to(EMAIL).len(), 1);
    }
}

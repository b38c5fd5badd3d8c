//! Strangers who send half of a large body and no more.

#![expect(clippy::print_stdout, reason = "a test prints what it measured")]

use std::time::Duration;

use base::time::{Clock as _, SystemClock};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpSocket, TcpStream},
};

use crate::{
    both,
    support::{
        IdentityProvider,
        process::{ServerProcess, replica},
        query,
    },
};

const STRANGERS: usize = 1000;
const BODY: usize = 500 * 1024;

/// Sends half of a SAML response from an address of its own.
async fn half_sent(port: u16, acs: &str, number: usize) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    let from = [127, 1, u8::try_from(number / 250).unwrap(), u8::try_from(number % 250 + 1).unwrap()];
    socket.bind((from, 0).into()).unwrap();
    let mut stream = socket.connect(([127, 0, 0, 1], port).into()).await.unwrap();
    let head = format!(
        "POST {acs} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {BODY}\r\n\r\n"
    );
    // Who is refused may find the connection closed before everything is written.
    if stream.write_all(head.as_bytes()).await.is_ok() {
        let _ = stream.write_all(&vec![b'a'; BODY - 1]).await;
    }
    stream
}

/// The memory of a process, in MiB.
fn memory(server: &ServerProcess) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() / 1024
}

both! {
    async fn a_thousand_half_sent_responses_keep_nobody_from_signing_in(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let key = app.api_key(&environment, true).await;
        let mut command = replica(&app, &["shutdown_grace=0s"]);
        let server = tokio::task::spawn_blocking(move || ServerProcess::start(&mut command)).await.unwrap();
        let before = memory(&server);
        let path = tenant.acs_url().split_once("/v1/").map(|(_, path)| format!("/v1/{path}")).unwrap();
        let mut strangers = Vec::new();
        for first in (0..STRANGERS).step_by(50) {
            let some = (first..first + 50).map(|number| half_sent(server.address.port(), &path, number));
            strangers.extend(futures_util::future::join_all(some).await);
        }
        let during = memory(&server);
        println!("memory with {STRANGERS} half-sent bodies: {before} MiB, then {during} MiB");
        assert!(during < before + 250, "{before} MiB, then {during} MiB");
        // They hold what there is; by now some have held it for long.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let there = |url: &str| url.replacen(&app.base, &format!("http://localhost:{}", server.address.port()), 1);
        let (idp, browser) = (IdentityProvider::get(), app.browser());
        let link = app.login_link(&key, &tenant, "").await;
        let request = crate::support::Request::read(&browser.get(&there(&link)).await);
        let mut response = idp.response(&tenant, Some(&request.id), "ada@acme.example", SystemClock.now());
        // As long as those of people in many groups.
        response.attributes.push(("groups".to_owned(), (0..200).map(|number| format!("{number:0>100}")).collect()));
        let response = idp.sign(&response);
        let fields = [("SAMLResponse", response.as_str()), ("RelayState", request.relay_state.as_deref().unwrap())];
        let answer = browser.post(&there(tenant.acs_url()), &fields).await;
        assert_eq!(answer.status, 303, "{} bytes: {answer:?}", response.len());
        assert!(query(&answer.location(), "saml_access_code").is_some());
        drop(strangers);
    }
}

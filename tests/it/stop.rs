//! How a server stops: what signals do, and what others see of it meanwhile.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::process::ExitStatusExt as _,
    time::{Duration, Instant},
};

use crate::support::{
    Backend, TestApp,
    process::{ServerProcess, replica},
};

/// A server beside that of a test.
fn with_server(settings: &[&str], scenario: impl FnOnce(ServerProcess)) {
    actix_web::rt::System::new().block_on(async {
        let app = TestApp::spawn(Backend::Sqlite).await;
        scenario(ServerProcess::start(&mut replica(&app, settings)));
        app.stop().await;
    });
}

/// Asks over a connection that both may go on using. Returns the answer in lower case.
fn ask(stream: &mut TcpStream, path: &str) -> String {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut answer = [0; 4096];
    let length = stream.read(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[..length]).to_lowercase()
}

fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let began = Instant::now();
    while !happened() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_stop_is_told_before_it_comes_and_another_signal_ends_at_once() {
    with_server(&["shutdown_grace=5m", "shutdown_timeout=5m"], |mut server| {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let before = ask(&mut stream, "/healthz");
        assert!(before.starts_with("http/1.1 200") && !before.contains("connection: close"), "{before}");
        assert_eq!(server.ask("GET", "/readyz", "", "").0, 200);
        server.terminate();
        until("it is not ready any more", || server.ask("GET", "/readyz", "", "").0 == 503);
        assert_eq!(server.ask("GET", "/readyz", "", "").1, r#"{"status":"stopping"}"#);
        // It serves on, and sends everybody elsewhere.
        let during = ask(&mut stream, "/healthz");
        assert!(during.starts_with("http/1.1 200") && during.contains("connection: close"), "{during}");
        assert_eq!(server.ask("GET", "/healthz", "", "").0, 200);
        server.terminate();
        assert_eq!(server.wait(Duration::from_secs(10)).code(), Some(128 + 15));
    });
}

#[test]
fn another_signal_does_not_wait_for_the_requests_in_flight() {
    for (first, second, code) in [("TERM", "INT", 128 + 2), ("INT", "TERM", 128 + 15)] {
        with_server(&["shutdown_grace=0s", "shutdown_timeout=5m"], |mut server| {
            let mut stream = TcpStream::connect(server.address).unwrap();
            let head = "POST /v1/oauth/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n";
            write!(stream, "{head}expect: 100-continue\r\ncontent-length: 100\r\n\r\n").unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            // The handler waits for the body.
            stream.read_exact(&mut [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()]).unwrap();
            server.signal(first);
            until("it lets nobody in", || TcpStream::connect(server.address).is_err());
            assert!(server.child.try_wait().unwrap().is_none(), "it waits for the request");
            server.signal(second);
            assert_eq!(server.wait(Duration::from_secs(10)).code(), Some(code));
        });
    }
}

#[test]
fn sighup_changes_nothing() {
    with_server(&["shutdown_grace=0s"], |mut server| {
        server.signal("HUP");
        server.signal("HUP");
        assert_eq!(server.ask("GET", "/readyz", "", "").0, 200);
        server.terminate();
        let status = server.wait(Duration::from_secs(20));
        assert_eq!((status.code(), status.signal()), (Some(0), None));
        assert!(server.whole_log().iter().any(|line| line.contains("SIGHUP changes nothing")));
    });
}

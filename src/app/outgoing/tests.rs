//! Tests of the outgoing HTTP client and its address rules.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
};

use super::targets::is_forbidden;
use crate::app::outgoing::*;

/// A server on loopback with a fixed response for each path; `/silent` gets none.
fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = String::new();
            BufReader::new(&stream).read_line(&mut request).unwrap();
            let path = request.split(' ').nth(1).unwrap_or_default();
            let redirect = |to: &str| {
                format!(
                    "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
            };
            let body = |text: &str| {
                format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
                    text.len()
                )
            };
            let answer = match path {
                "/ok" => body("hello"),
                "/large" => body(&"x".repeat(2000)),
                "/large-unannounced" => {
                    format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", "x".repeat(2000))
                }
                "/once" => redirect("/ok"),
                "/for-ever" => redirect("/for-ever"),
                "/to-private" => redirect("http://10.0.0.1/"),
                "/to-cloud" => redirect("http://169.254.169.254/latest/meta-data"),
                "/to-mapped" => redirect("http://[::ffff:10.0.0.1]/"),
                "/to-file" => redirect("file:///etc/passwd"),
                "/nowhere" => {
                    "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned()
                }
                "/silent" => {
                    silent.push(stream);
                    continue;
                }
                _ => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
            };
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

fn limits() -> HttpClientLimits {
    HttpClientLimits { bytes: 1000, ..HttpClientLimits::default() }
}

async fn code(client: &HttpClient, url: &str) -> &'static str {
    match client.get(&Url::parse(url).unwrap()).await {
        Ok(_) => "ok",
        Err(error) => error.code(),
    }
}

#[tokio::test]
async fn loopback_is_refused_unless_allowed() {
    let address = serve();
    let port = address.port();
    let guarded = HttpClient::new(false, limits()).unwrap();
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0"] {
        let url = format!("http://{host}:{port}/ok");
        assert_eq!(code(&guarded, &url).await, "outgoing_private_target", "{host}");
    }
    assert_eq!(code(&guarded, &format!("http://localhost:{port}/ok")).await, "outgoing_unreachable");
    let open = HttpClient::new(true, limits()).unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let url = Url::parse(&format!("http://{host}:{port}/ok")).unwrap();
        assert_eq!(open.get(&url).await.unwrap(), b"hello", "{host}");
    }
}

#[tokio::test]
async fn a_stranger_does_not_learn_which_internal_names_exist() {
    let (served, free) =
        (serve().port(), TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port());
    // No address; a refused one, with something there and with nothing; an allowed one with nothing there.
    for (allowed, host, port) in [
        (false, "nowhere.invalid", served),
        (false, "localhost", served),
        (false, "localhost", free),
        (true, "nowhere.invalid", served),
        (true, "localhost", free),
        (true, "127.0.0.1", free),
    ] {
        let client = HttpClient::new(allowed, limits()).unwrap();
        let url = Url::parse(&format!("http://{host}:{port}/ok")).unwrap();
        let get = client.get(&url).await.unwrap_err();
        let post = client.post(&url, &[], Vec::new()).await.unwrap_err();
        let told = "cannot be reached: it has no address, none that Ostiary may call, or nothing answers there; the \
                    server's log has the cause";
        for error in [get, post] {
            assert_eq!((error.code(), error.to_string()), ("outgoing_unreachable", format!("{host} {told}")));
        }
    }
}

#[tokio::test]
async fn every_redirect_is_checked_anew() {
    let base = format!("http://{}", serve());
    let client = HttpClient::with_exceptions(vec!["127.0.0.1/32".parse().unwrap()], limits()).unwrap();
    for (path, expected) in [
        ("/once", "ok"),
        ("/to-private", "outgoing_private_target"),
        ("/to-cloud", "outgoing_forbidden_target"),
        ("/to-mapped", "outgoing_private_target"),
        ("/to-file", "outgoing_not_web"),
        ("/for-ever", "outgoing_too_many_redirects"),
        ("/nowhere", "outgoing_status"),
        ("/missing", "outgoing_status"),
    ] {
        assert_eq!(code(&client, &format!("{base}{path}")).await, expected, "{path}");
    }
}

#[tokio::test]
async fn size_and_time_are_bounded() {
    let base = format!("http://{}", serve());
    let hasty = HttpClientLimits { time: Duration::from_millis(200), ..limits() };
    let client = HttpClient::new(true, limits()).unwrap();
    assert_eq!(code(&client, &format!("{base}/large")).await, "outgoing_too_large");
    assert_eq!(code(&client, &format!("{base}/large-unannounced")).await, "outgoing_too_large");
    let client = HttpClient::new(true, hasty).unwrap();
    assert_eq!(code(&client, &format!("{base}/silent")).await, "outgoing_timed_out");
}

#[tokio::test]
async fn only_the_web_is_fetched() {
    let client = HttpClient::new(true, limits()).unwrap();
    for url in ["file:///etc/passwd", "ftp://a.example/", "http://u:p@127.0.0.1/", "data:,x"] {
        assert_eq!(code(&client, url).await, "outgoing_not_web", "{url}");
    }
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(code(&client, &format!("http://{free}/")).await, "outgoing_unreachable");
}

#[tokio::test]
async fn link_local_and_cloud_addresses_are_never_called() {
    let open = HttpClient::new(true, limits()).unwrap();
    for host in [
        "169.254.169.254",
        "169.254.0.1",
        "0xa9fea9fe",
        "2852039166",
        "0251.0376.0251.0376",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[::169.254.169.254]",
        "[::ffff:0:169.254.169.254]",
        "[64:ff9b::169.254.169.254]",
        "[64:ff9b:1::169.254.169.254]",
        "[64:ff9b:1:a9fe:a9:fe00::]",
        "[2002:a9fe:a9fe::1]",
        "[2001:0:4136:e378:8000:63bf:5601:5601]",
        "[2001:db8::5efe:169.254.169.254]",
        "[fe80::1]",
        "[febf::1]",
        "[fd00:ec2::254]",
        "[fd20:ce::254]",
    ] {
        assert_eq!(code(&open, &format!("http://{host}/")).await, "outgoing_forbidden_target", "{host}");
    }
    for allowed in ["10.0.0.1", "127.0.0.1", "::1", "fd12::1", "::ffff:10.0.0.1", "2606:4700::1", "1.1.1.1"] {
        assert!(!is_forbidden(allowed.parse().unwrap()), "{allowed}");
    }
}

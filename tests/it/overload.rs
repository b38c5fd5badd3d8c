//! Resource limits of one client, and what is left for the others.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

use crate::{
    both,
    support::{Backend, TestApp, run_scenario},
};

const ACS: &str = "/v1/saml/saml_conn_0000000000000000000000000/acs";
const BODY: usize = 500 * 1024;
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A connection from an address of the loopback network.
async fn connect(app: &TestApp, from: &str) -> std::io::Result<TcpStream> {
    let port = app.url("").rsplit(':').next().unwrap().parse().unwrap();
    let socket = TcpSocket::new_v4()?;
    socket.bind(format!("{from}:0").parse().unwrap())?;
    socket.connect(([127, 0, 0, 1], port).into()).await
}

/// Reads one answer: its head and the body that it announces.
async fn answer(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    loop {
        let mut part = [0; 4096];
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => break,
            Ok(count) => text.extend(&part[..count]),
        }
        let seen = String::from_utf8_lossy(&text).to_lowercase();
        let Some((head, body)) = seen.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            break;
        }
    }
    String::from_utf8(text).unwrap()
}

/// Posts a SAML response of 500 KiB without its last byte. Returns the answer, which may be empty.
async fn unfinished_post(app: &TestApp, from: &str, forwarded: &str) -> (TcpStream, String) {
    let mut stream = connect(app, from).await.unwrap();
    let head = format!(
        "POST {ACS} HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nX-Forwarded-For: {forwarded}\r\nContent-Length: {BODY}\r\n\r\n",
        FORM.1
    );
    // A refused client may find the connection closed before everything is written.
    if stream.write_all(head.as_bytes()).await.is_ok() {
        let _ = stream.write_all(&vec![b'a'; BODY - 1]).await;
    }
    let answer = answer(&mut stream).await;
    (stream, answer)
}

/// Posts until at least this many were answered; the others are kept open.
async fn flood<'a>(
    app: &'a TestApp,
    posts: impl IntoIterator<Item = (&'a str, &'a str)>,
    answered: usize,
) -> (Vec<String>, impl Sized + 'a) {
    let mut waiting: Vec<_> =
        posts.into_iter().map(|(from, forwarded)| Box::pin(unfinished_post(app, from, forwarded))).collect();
    let mut answers = Vec::new();
    std::future::poll_fn(|context| {
        waiting.retain_mut(|post| match post.as_mut().poll(context) {
            std::task::Poll::Ready((_, answer)) => {
                answers.push(answer);
                false
            }
            std::task::Poll::Pending => true,
        });
        if answers.len() >= answered { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    (answers, waiting)
}

/// A small post to the ACS, and the status of its answer.
async fn small_post(app: &TestApp, from: &str, forwarded: &str) -> u16 {
    let mut stream = connect(app, from).await.unwrap();
    let request = format!(
        "POST {ACS} HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nX-Forwarded-For: {forwarded}\r\nContent-Length: 17\r\n\r\nSAMLResponse=AAAA",
        FORM.1
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    status(&answer(&mut stream).await)
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{answer:?}"))
}

/// Requests `/healthz` over an open connection.
async fn ask(stream: &mut TcpStream) -> String {
    if stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.is_err() {
        return String::new();
    }
    answer(stream).await
}

both! {
    async fn one_address_cannot_fill_the_memory_with_unfinished_posts(app: TestApp) {
        // 64 MiB: one address may hold 8 MiB without having authenticated, which is sixteen of these.
        let (answers, held) = flood(&app, [("127.0.0.1", ""); 24], 8).await;
        for answer in &answers {
            assert_eq!(status(answer), 429, "{answer}");
            assert!(answer.to_lowercase().contains("\r\nretry-after: 2\r\n"), "{answer}");
            assert!(answer.contains("Too many requests are being read"), "{answer}");
        }
        assert_eq!(small_post(&app, "127.0.0.2", "").await, 404, "another address is served as ever");
        drop(held);
        // As soon as the server sees that they are closed, their memory is free. None of it counts as a failure of
        // the address.
        while small_post(&app, "127.0.0.1", "").await != 404 {}
    }

    async fn all_strangers_together_leave_room_for_those_who_authenticate(app: TestApp) {
        let key = app.api_key(&app.environment("prod").await, true).await;
        // Half of 64 MiB are 65 of these: four addresses with sixteen each, and one of the fifth's.
        let addresses = ["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.6"];
        let posts = addresses.iter().flat_map(|from| [(*from, ""); 16]);
        let (answers, _held) = flood(&app, posts, 15).await;
        assert!(answers.iter().all(|answer| status(answer) == 503), "{answers:?}");
        let answer = app
            .api(&key, Method::POST, "/v1/organizations", Some(json!({ "displayName": "x", "externalId": "y".repeat(200) })))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    async fn a_body_that_arrives_too_slowly_is_refused(app: TestApp) {
        let mut stream = connect(&app, "127.0.0.1").await.unwrap();
        let head = format!(
            "POST {ACS} HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n",
            FORM.1
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // The handler waits for the body from now on.
        let mut go_on = [0; 25];
        stream.read_exact(&mut go_on).await.unwrap();
        assert!(go_on.starts_with(b"HTTP/1.1 100 Continue"));
        app.advance(Duration::from_secs(11));
        stream.write_all(b"a").await.unwrap();
        let answer = answer(&mut stream).await;
        assert_eq!(status(&answer), 408, "{answer}");
        assert!(answer.contains("The request took too long to arrive"), "{answer}");
    }

    async fn bodies_are_small_until_something_is_proved(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.scim_directory(&tenant).await;
        let key = app.api_key(&environment, true).await;
        let browser = app.browser();
        let post = async |path: &str, kind: &str, token: &str, size: usize| {
            let request = browser.request(Method::POST, &app.url(path)).header("content-type", kind);
            let request = request.bearer_auth(token).body(format!("x={}", "a".repeat(size - 2)));
            browser.send(request).await.status.as_u16()
        };
        const KIB: usize = 1024;
        let (form, json) = (FORM.1, "application/json");
        for path in ["/v1/oauth/token", "/v1/oauth/authorize", "/v1/oauth/userinfo", "/console/sign-in", "/console/join", "/setup"] {
            assert_eq!(post(path, form, "", 64 * KIB + 1).await, 413, "{path}");
            assert_ne!(post(path, form, "", 64 * KIB).await, 413, "{path}");
        }
        assert_ne!(post(ACS, form, "", 640 * KIB).await, 413);
        assert_eq!(post(ACS, form, "", 640 * KIB + 1).await, 413);
        // An authenticated client may send more; another one is refused before its body is read.
        for (path, good) in [("/v1/organizations".to_owned(), &key), (format!("/v1/scim/{}/Users", directory.id), &directory.token)] {
            assert_eq!(post(&path, json, "wrong", 200 * KIB).await, 401, "{path}");
            assert_eq!(post(&path, json, good, 200 * KIB).await, 400, "{path}: it is no JSON");
            assert_eq!(post(&path, json, good, KIB * KIB + 1).await, 413, "{path}");
        }
    }

    async fn a_body_in_small_chunks_arrives(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        for (size, chunk) in [(20_000, 1), (100_000, 8), (200_000, 16), (900_000, 128), (900_000, 16_384)] {
            let body = json!({ "displayName": format!("{size} {chunk}"), "note": "x".repeat(size) }).to_string();
            let mut request = format!(
                "POST /v1/scim/{}/Groups HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
                 Content-Type: application/scim+json\r\nTransfer-Encoding: chunked\r\n\r\n",
                directory.id, directory.token,
            ).into_bytes();
            for piece in body.as_bytes().chunks(chunk) {
                request.extend(format!("{:x}\r\n", piece.len()).into_bytes());
                request.extend(piece);
                request.extend(b"\r\n");
            }
            request.extend(b"0\r\n\r\n");
            let mut stream = connect(&app, "127.0.0.1").await.unwrap();
            stream.write_all(&request).await.unwrap();
            // It arrived whole; a resource that is too large to be stored is a SCIM error.
            let status = status(&answer(&mut stream).await);
            assert!(status == 201 || size > 60_000 && status == 413, "{size} bytes by {chunk}: {status}");
        }
    }

    async fn a_post_for_which_there_was_no_room_is_nobodys_failure(app: TestApp) {
        let app = app.replica_with(|config| config.request_memory_mib = 8).await;
        // Four addresses hold what unauthenticated clients may hold; a fifth is refused, however often it tries.
        let from = ["127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.6"];
        let posts = from.iter().flat_map(|from| [(*from, "-"); 3]).collect::<Vec<_>>();
        let (_, held) = flood(&app, posts, 4).await;
        let mut refused = 0;
        for _ in 0..320 {
            let mut stream = connect(&app, "127.0.0.7").await.unwrap();
            let length = 400 * 1024;
            let head = format!(
                "POST {ACS} HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nContent-Length: {length}\r\n\r\n", FORM.1
            );
            if stream.write_all(head.as_bytes()).await.is_ok() {
                let _ = stream.write_all(&vec![b'a'; length]).await;
            }
            refused += usize::from(answer(&mut stream).await.starts_with("HTTP/1.1 503"));
        }
        assert!(refused >= 310, "{refused}");
        drop(held);
        assert_eq!(small_post(&app, "127.0.0.7", "-").await, 404, "there is no such connection, and no limit yet");
    }

    async fn other_spellings_of_a_path_share_its_limit(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.scim_directory(&tenant).await;
        let browser = app.browser();
        let post = async |path: &str| {
            let request = browser.request(Method::POST, &app.url(path)).bearer_auth("wrong");
            let answer = browser.send(request.header(FORM.0, FORM.1).body("grant_type=authorization_code")).await;
            answer.status.as_u16()
        };
        let id = tenant.connection.id.to_string();
        let (acs, scim) = (format!("/v1/saml/{id}/acs"), format!("/v1/scim/{}/Users", directory.id));
        for (plain, spellings) in [
            ("/console/sign-in", ["/%63onsole/sign-in", "/console/sign%2Din"]),
            ("/v1/oauth/token", ["/v1/oauth/%74oken", "/%76%31/oauth/token"]),
            (&acs, [&*format!("/v1/saml/%73{}/acs", &id[1..]), &*format!("/v1/s%61ml/{id}/%61cs")]),
            (&scim, [&*scim.replace("scim_d", "scim%5Fd"), &*scim.replace("/Users", "/%55sers")]),
        ] {
            let mut refused = 0;
            while post(plain).await != 429 {
                refused += 1;
                assert!(refused < 1000, "{plain}: nobody stops the guessing");
            }
            for spelling in spellings {
                assert_eq!(post(spelling).await, 429, "{spelling}");
            }
        }
        // An invalid id names no connection, and has no limit of its own.
        assert_eq!(post("/v1/saml/nothing/acs").await, 404);
        // The format of the error depends on the path, however it is encoded.
        let html = browser.request(Method::GET, &app.url("/v1/%6Frganizations/x/y/z")).header("accept", "text/html");
        assert_eq!(browser.send(html).await.header("content-type"), "application/json");
    }

    async fn tokens_cannot_be_guessed_at_unknown_addresses_of_a_directory(app: TestApp) {
        let environment = app.environment("prod").await;
        let mut stranger = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        stranger.token = "wrong".to_owned();
        for path in ["/nowhere", "", "/Users/x/y/z"] {
            let mut refused = 0;
            while app.scim(&stranger, Method::GET, path, None).await.status != 429 {
                refused += 1;
                assert!(refused < 1000, "{path}: nobody stops the guessing");
            }
            let answer = app.scim(&stranger, Method::GET, path, None).await;
            assert_eq!(answer.header("content-type"), "application/scim+json", "{path}");
        }
        assert_eq!(app.scim(&stranger, Method::GET, "/Users", None).await.status, 429);
    }

    async fn strangers_do_not_write_a_directorys_log(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.scim_directory(&tenant).await;
        let key = app.api_key(&environment, true).await;
        let logged = async || {
            let path = format!("/v1/scim-requests?scimDirectoryId={}", directory.id);
            let answer = app.api(&key, Method::GET, &path, None).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            let all = answer.json()["scimRequests"].as_array().unwrap().clone();
            all.iter().map(|request| request["status"].as_u64().unwrap()).collect::<Vec<_>>()
        };
        let mut stranger = directory.clone();
        for token in ["wrong", ""] {
            stranger.token = token.to_owned();
            assert_eq!(app.scim(&stranger, Method::GET, "/Users", None).await.status, 401);
            assert_eq!(app.scim(&stranger, Method::POST, "/Users", Some(json!({}))).await.status, 401);
        }
        assert_eq!(logged().await, [0; 0]);
        assert_eq!(app.scim(&directory, Method::GET, "/Users", None).await.status, 200);
        app.advance(Duration::from_secs(1));
        assert_eq!(app.scim(&directory, Method::POST, "/Users", Some(json!({}))).await.status, 400);
        assert_eq!(logged().await, [400, 200]);
    }
}

#[test]
fn connections_of_one_address_are_capped_and_other_addresses_are_served() {
    actix_web::rt::System::new().block_on(async {
        let app = TestApp::spawn_with(Backend::Sqlite, |config| config.connections_per_client = 16).await;
        let mut open = Vec::new();
        for _ in 0..16 {
            let mut stream = connect(&app, "127.0.0.1").await.unwrap();
            assert_eq!(status(&ask(&mut stream).await), 200);
            // Half of a head keeps the connection open.
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHost").await.unwrap();
            open.push(stream);
        }
        let refused = join_all((0..8).map(async |_| match connect(&app, "127.0.0.1").await {
            Ok(mut stream) => ask(&mut stream).await,
            Err(_) => String::new(),
        }))
        .await;
        assert_eq!(refused, [""; 8], "closed without a word");
        let mut other = connect(&app, "127.0.0.2").await.unwrap();
        assert_eq!(status(&ask(&mut other).await), 200);
        drop(open.pop());
        // As soon as the server sees that it is gone, there is room for another.
        while ask(&mut connect(&app, "127.0.0.1").await.unwrap()).await.is_empty() {}
        // An unfinished request continues.
        open[0].write_all(b": x\r\n\r\n").await.unwrap();
        assert_eq!(status(&answer(&mut open[0]).await), 200);
    });
}

#[test]
fn a_trusted_proxy_is_not_capped_and_its_bodies_count_for_whom_it_forwards() {
    actix_web::rt::System::new().block_on(async {
        let app = TestApp::spawn_with(Backend::Sqlite, |config| {
            config.connections_per_client = 16;
            config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        })
        .await;
        let mut open = Vec::new();
        for _ in 0..40 {
            let mut stream = connect(&app, "127.0.0.1").await.unwrap();
            assert_eq!(status(&ask(&mut stream).await), 200);
            open.push(stream);
        }
        let (answers, _held) = flood(&app, [("127.0.0.1", "198.51.100.1"); 24], 8).await;
        assert!(answers.iter().all(|answer| status(answer) == 429), "{answers:?}");
        assert_eq!(small_post(&app, "127.0.0.1", "198.51.100.2").await, 404);
        // A client that is no trusted proxy cannot set its address.
        assert_eq!(small_post(&app, "127.0.0.2", "198.51.100.1").await, 404);
    });
}

#[test]
fn without_rate_limits_one_address_may_take_what_there_is() {
    run_scenario(Backend::Sqlite, async |_| {
        let app = TestApp::spawn_with(Backend::Sqlite, |config| {
            config.connections_per_client = 16;
            config.rate_limits = false;
        })
        .await;
        let mut open = Vec::new();
        for _ in 0..40 {
            let mut stream = connect(&app, "127.0.0.1").await.unwrap();
            assert_eq!(status(&ask(&mut stream).await), 200);
            open.push(stream);
        }
    });
}

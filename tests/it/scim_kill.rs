//! Durability: the built server is killed with SIGKILL while eight clients write, and every acknowledged write
//! is there after the restart.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use reqwest::{Client, Method, Response, StatusCode, header};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Backend, TestDatabase,
    scim::{id, patch},
};

const CLIENTS: usize = 8;

/// How many acknowledged writes there are when the server is killed.
const ACKNOWLEDGED_AT_KILL: usize = 200;

/// The program with a database, and the directory that the clients write to.
struct Installation {
    home: TempDir,
    database: TestDatabase,
    directory: String,
    token: String,
}

impl Installation {
    async fn new(backend: Backend) -> Self {
        let database = TestDatabase::new(backend).await;
        let home = TempDir::new().unwrap();
        let mut this = Self { home, database, directory: String::new(), token: String::new() };
        this.json(&[
            "environment",
            "create",
            "--slug",
            "prod",
            "--display-name",
            "Production",
            "--redirect-url",
            "https://app.example/",
        ]);
        let organization = this.json(&[
            "organization",
            "create",
            "--environment",
            "prod",
            "--display-name",
            "Acme",
            "--domain",
            "acme.example",
        ]);
        let directory = this.json(&["scim-directory", "create", "--organization", id(&organization)]);
        this.token = directory["bearerToken"].as_str().unwrap().to_owned();
        this.directory = id(&directory).to_owned();
        this
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ostiary"));
        command.args(arguments).current_dir(self.home.path()).env_clear().stdin(Stdio::null());
        command.env("OSTIARY_DATABASE_URL", &self.database.url).env("OSTIARY_MASTER_KEY", "07".repeat(32));
        command.env("OSTIARY_RATE_LIMITS", "off").env("OSTIARY_DATABASE_SQLITE_SYNCHRONOUS", "normal");
        command
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.command(&[arguments, &["--json"]].concat()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn serve(&self) -> Server {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0", "--set", "log.format=json"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("the server says where it listens").unwrap();
            let event: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
            if event["message"] == "listening" {
                break event["address"].as_str().unwrap().to_owned();
            }
        };
        // The rest of its output must not fill the pipe.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Server {
            child: Mutex::new(child),
            base: format!("http://{address}/v1/scim/{}", self.directory),
            token: self.token.clone(),
        }
    }
}

/// A running server. It is killed on drop.
struct Server {
    child: Mutex<Child>,
    base: String,
    token: String,
}

impl Server {
    /// Kills it with SIGKILL: no shutdown code runs.
    fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "{status}");
    }

    async fn send(
        &self,
        http: &Client,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<Response> {
        let mut request = http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.header(header::CONTENT_TYPE, "application/scim+json").body(body.to_string());
        }
        request.send().await
    }

    async fn get(&self, http: &Client, path: &str) -> (StatusCode, Value) {
        let answer = self.send(http, Method::GET, path, None).await.unwrap();
        (answer.status(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap();
        drop(child.kill());
        drop(child.wait());
    }
}

/// The acknowledged writes.
#[derive(Clone, Default)]
struct Acknowledged {
    /// Ids by user names.
    users: BTreeMap<String, String>,
    members: Vec<String>,
}

/// A client's writes until its connection breaks.
async fn write(
    client: usize,
    round: usize,
    server: &Server,
    group: &str,
    acknowledged: &Mutex<Acknowledged>,
    count: &AtomicUsize,
) {
    let http = http();
    let acknowledge = || {
        // The client with the last acknowledgement kills the server, while the others' writes are in flight.
        if count.fetch_add(1, Ordering::SeqCst) + 1 == ACKNOWLEDGED_AT_KILL {
            server.kill();
        }
    };
    for number in 0.. {
        let name = format!("user-{round}-{client}-{number}@acme.example");
        let body =
            json!({ "userName": name, "externalId": name, "emails": [{ "value": name, "primary": true }] });
        let Ok(answer) = server.send(&http, Method::POST, "/Users", Some(body)).await else { return };
        let status = answer.status();
        let Ok(text) = answer.text().await else { return };
        assert_eq!(status, 201, "{text}");
        let user = id(&serde_json::from_str(&text).unwrap()).to_owned();
        acknowledged.lock().unwrap().users.insert(name, user.clone());
        acknowledge();

        let body = patch(json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }]));
        let Ok(answer) = server.send(&http, Method::PATCH, &format!("/Groups/{group}"), body).await else {
            return;
        };
        assert_eq!(answer.status(), 204);
        acknowledged.lock().unwrap().members.push(user);
        acknowledge();
    }
}

fn http() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

fn whatever_was_acknowledged_is_there_after_a_kill(backend: Backend) {
    actix_web::rt::System::new().block_on(async {
        let installation = Installation::new(backend).await;
        let http = http();
        let mut server = Arc::new(installation.serve());
        let body = json!({ "displayName": "Keyholders" });
        let group = server.send(&http, Method::POST, "/Groups", Some(body)).await.unwrap();
        let group: Value = serde_json::from_str(&group.text().await.unwrap()).unwrap();
        let group = id(&group).to_owned();
        let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
        for round in 0..2 {
            let count = Arc::new(AtomicUsize::new(0));
            let clients: Vec<_> = (0..CLIENTS)
                .map(|client| {
                    let (server, group) = (Arc::clone(&server), group.clone());
                    let (acknowledged, count) = (Arc::clone(&acknowledged), Arc::clone(&count));
                    actix_web::rt::spawn(async move {
                        write(client, round, &server, &group, &acknowledged, &count).await;
                    })
                })
                .collect();
            for client in clients {
                client.await.unwrap();
            }
            assert!(count.load(Ordering::SeqCst) >= ACKNOWLEDGED_AT_KILL);
            server = Arc::new(installation.serve());
            let acknowledged = acknowledged.lock().unwrap().clone();
            check(&server, &http, &group, &acknowledged, (round + 1) * CLIENTS).await;
        }
    });
}

/// Every acknowledged write is there, none is partial, and no more than `under_way` others
/// came beside it.
async fn check(server: &Server, http: &Client, group: &str, acknowledged: &Acknowledged, under_way: usize) {
    for (name, id) in &acknowledged.users {
        let (status, user) = server.get(http, &format!("/Users/{id}")).await;
        assert_eq!((status.as_u16(), user["userName"].as_str()), (200, Some(&**name)), "{user}");
        for attribute in ["userName", "externalId", "emails.value"] {
            let filter: String =
                url::form_urlencoded::byte_serialize(format!("{attribute} eq \"{name}\"").as_bytes())
                    .collect();
            let (_, found) = server.get(http, &format!("/Users?filter={filter}")).await;
            assert_eq!(
                (found["totalResults"].as_u64(), &found["Resources"][0]["id"]),
                (Some(1), &json!(id)),
                "{found}"
            );
        }
    }
    let (_, counted) = server.get(http, "/Users?count=0").await;
    let (_, users) = server.get(http, "/Users?count=1000").await;
    let users = users["Resources"].as_array().unwrap().len();
    assert_eq!(counted["totalResults"], users, "the number that is kept is the number there is");
    let known = acknowledged.users.len();
    assert!((known..=known + under_way).contains(&users), "{users} users, {known} acknowledged");

    let (_, group) = server.get(http, &format!("/Groups/{group}")).await;
    let members: Vec<&str> =
        group["members"].as_array().unwrap().iter().map(|member| member["value"].as_str().unwrap()).collect();
    for member in &acknowledged.members {
        assert!(members.contains(&&**member), "{member} is not in {group}");
    }
    let known = acknowledged.members.len();
    assert!(
        (known..=known + under_way).contains(&members.len()),
        "{} members, {known} acknowledged",
        members.len()
    );
    // Each added member increased the version of the group.
    assert_eq!(group["meta"]["version"], format!("W/\"{}\"", 1 + members.len()));
}

#[test]
fn whatever_was_acknowledged_is_there_after_a_kill_on_sqlite() {
    whatever_was_acknowledged_is_there_after_a_kill(Backend::Sqlite);
}

#[test]
fn whatever_was_acknowledged_is_there_after_a_kill_on_postgres() {
    whatever_was_acknowledged_is_there_after_a_kill(Backend::Postgres);
}

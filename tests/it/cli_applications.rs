//! Service clients and applications at the command line, as scripts use it: while a server runs.

use serde_json::Value;

use crate::support::{
    Backend, TestDatabase,
    process::{ServerProcess, command, run, server, told},
};

/// What a command with `--json` prints, one object a line.
fn lines(database: &TestDatabase, arguments: &[&str]) -> Vec<Value> {
    let output = command(database, &[arguments, &["--json"]].concat()).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", told(&output).1);
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn json(database: &TestDatabase, arguments: &[&str]) -> Value {
    lines(database, arguments).remove(0)
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// The status and body of a token request.
fn token(server: &ServerProcess, path: &str, client: &Value) -> (u16, Value) {
    let text = |name: &str| client[name].as_str().unwrap();
    let proof = {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        BASE64_STANDARD.encode(format!("{}:{}", text("clientId"), text("clientSecret")))
    };
    let (status, body) = post_form(server, path, &format!("Basic {proof}"), "grant_type=client_credentials");
    (status, serde_json::from_str(&body).unwrap_or_default())
}

fn post_form(server: &ServerProcess, path: &str, authorization: &str, form: &str) -> (u16, String) {
    use std::io::Write as _;
    let address = server.url("").trim_start_matches("http://").replace("localhost", "127.0.0.1");
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: {authorization}\r\ncontent-type: \
         application/x-www-form-urlencoded\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{form}",
        form.len()
    )
    .unwrap();
    crate::support::process::read_answer(&mut stream)
}

fn walk(backend: Backend) {
    let database = actix_web::rt::System::new().block_on(TestDatabase::new(backend));
    let running = ServerProcess::start(&mut server(&database));
    json(&database, &["environment", "create", "--slug", "acme-tenant"]);
    let of = ["--environment", "acme-tenant"];
    let with = |arguments: &[&'static str], rest: &[&'static str]| -> Vec<&'static str> {
        [arguments, &of, rest].concat()
    };
    // A service client.
    let create = ["service-client", "create"];
    let named = [
        "--workspace",
        "system",
        "--name",
        "guide",
        "--scope",
        "manage_organizations",
        "--scope",
        "organizations:read",
    ];
    let client = json(&database, &with(&create, &named));
    assert_eq!(keys(&client), ["clientId", "clientSecret"]);
    let system = "/acme-tenant/system/oauth2/token";
    let (status, body) = token(&running, system, &client);
    assert_eq!((status, &body["scope"]), (200, &"manage_organizations organizations:read".into()), "{body}");
    // WSO2's guide: an application that is shared, with a role of its own.
    let guide = json(
        &database,
        &with(
            &["application", "create"],
            &[
                "--name",
                "B2B App",
                "--grant",
                "client_credentials",
                "--grant",
                "organization_switch",
                "--audience",
                "application",
                "--role",
                "App Admin",
                "--role-permission",
                "internal_org_user_mgt_list",
                "--share",
                "all-existing-and-future",
                "--scope",
                "internal_organization_create",
                "--scope",
                "internal_org_user_mgt_list",
            ],
        ),
    );
    assert_eq!(keys(&guide), ["clientId", "clientSecret", "id"]);
    let (status, body) = token(&running, "/oauth2/token", &guide);
    assert_eq!((status, &body["token_type"]), (200, &"Bearer".into()), "{body}");
    // `api` is another name for the workspace; a scope that there is not is refused.
    let other =
        json(&database, &with(&create, &["--workspace", "api", "--name", "b", "--scope", "identity"]));
    assert_eq!(token(&running, system, &other).0, 200);
    let (code, said) = run(&database, &with(&create, &["--name", "c", "--scope", "nonsense"]));
    assert_eq!(code, Some(1));
    assert!(said.contains("--scope: nonsense is none of the system workspace"), "{said}");
    assert_eq!(run(&database, &with(&create, &["--name", "c"])).0, Some(2), "no scope");
    assert_eq!(
        run(&database, &with(&create, &["--workspace", "x", "--name", "c", "--scope", "identity"])).0,
        Some(2)
    );

    // Applications of other kinds, and the OAuth clients of before.
    let create = ["application", "create"];
    let program = json(&database, &with(&create, &["--name", "billing", "--scope", "invoices.read"]));
    assert_eq!(keys(&program), ["clientId", "clientSecret", "id"]);
    let web =
        json(&database, &with(&create, &["--name", "portal", "--redirect-uri", "https://a.example/cb"]));
    assert_eq!(keys(&web), ["clientId", "clientSecret", "id"]);
    let public = json(
        &database,
        &with(&create, &["--name", "spa", "--kind", "public", "--origin", "https://a.example"]),
    );
    assert_eq!(keys(&public), ["clientId", "id"]);
    assert_eq!(
        run(&database, &with(&create, &["--name", "x", "--grant", "client_credentials", "--kind", "public"]))
            .0,
        Some(1)
    );
    for name in [&[][..], &["--name", ""], &["--name", "  "]] {
        let (code, said) = run(&database, &with(&create, name));
        assert_eq!(code, Some(1));
        assert!(said.contains("needs a name for people: give one with --name"), "{said}");
    }
    let old = json(&database, &with(&["oauth-client", "create"], &["--display-name", "old"]));
    let listed = lines(&database, &with(&["application", "list"], &[]));
    let kinds: Vec<_> =
        listed.iter().map(|one| (one["id"].clone(), one["kind"].as_str().unwrap().to_owned())).collect();
    assert_eq!(
        kinds,
        [
            (guide["id"].clone(), "service".to_owned()),
            (program["id"].clone(), "service".to_owned()),
            (web["id"].clone(), "web".to_owned()),
            (public["id"].clone(), "public".to_owned()),
            (old["id"].clone(), "saml".to_owned()),
        ]
    );
    let clients = lines(&database, &with(&["service-client", "list"], &[]));
    assert_eq!(
        clients.iter().map(|one| one["clientId"].clone()).collect::<Vec<_>>(),
        [client["clientId"].clone(), other["clientId"].clone()]
    );
    assert!(!listed.iter().chain(&clients).any(|one| one.to_string().contains("ecret\"")));
    // The root's issuer is the vendor's programs'; the unprefixed path speaks for the only environment.
    for path in ["/acme-tenant/root/oauth2/token", "/oauth2/token", "/t/acme-tenant/oauth2/token"] {
        assert_eq!(token(&running, path, &program).0, 200, "{path}");
    }
    assert_eq!(token(&running, "/oauth2/token", &web).0, 400, "it may not use the grant");

    // Off, on, another secret, and away. The command of one kind does not know the other.
    let id = client["clientId"].as_str().unwrap();
    let about = |command: &str, verb: &str, id: &str, rest: &[&str]| {
        run(&database, &[&[command, verb, "--environment", "acme-tenant", id], rest].concat())
    };
    assert_eq!(about("application", "disable", id, &[]).0, Some(1));
    assert_eq!(about("service-client", "disable", program["id"].as_str().unwrap(), &[]).0, Some(1));
    assert_eq!(about("service-client", "disable", id, &[]).0, Some(0));
    assert_eq!(token(&running, system, &client).0, 400);
    assert_eq!(about("service-client", "enable", id, &[]).0, Some(0));
    assert_eq!(token(&running, system, &client).0, 200);
    let rotate = ["service-client", "rotate-secret", "--environment", "acme-tenant", id];
    let newer = json(&database, &rotate);
    assert!(newer["clientSecret"].is_string() && newer["previousSecretExpiresAt"].is_string(), "{newer}");
    assert_eq!((token(&running, system, &client).0, token(&running, system, &newer).0), (200, 200));
    let newest = json(&database, &[&rotate[..], &["--overlap", "0"]].concat());
    assert_eq!((token(&running, system, &newer).0, token(&running, system, &newest).0), (401, 200));
    assert_eq!(about("service-client", "delete", id, &[]).0, Some(0));
    assert_eq!(token(&running, system, &newest).0, 401);
    assert_eq!(about("service-client", "delete", id, &[]).0, Some(1));

    for (command, text) in [("application", "app_1"), ("service-client", id.trim_start_matches("app_"))] {
        let (code, said) = about(command, "delete", text, &[]);
        assert_eq!(code, Some(2));
        assert!(
            said.contains("that is no id of an application: one is app_ and 25 letters and digits"),
            "{said}"
        );
    }

    // The keys of the tokens, and a default environment that nobody has yet.
    let issued = json(&database, &["keys", "list", "--issuer", "acme-tenant"]);
    assert_eq!(issued.as_array().unwrap().len(), 3);
    let rotated = json(&database, &["keys", "rotate", "--issuer", "acme-tenant"]);
    assert_eq!(rotated.as_array().unwrap().len(), 6);
    let doctor = |name: &str| {
        let mut command = command(&database, &["doctor", "--offline"]);
        told(&command.env("OSTIARY_DEFAULT_ENVIRONMENT", name).output().unwrap()).1
    };
    assert!(doctor("later").contains("there is no such environment: /oauth2/token answers 404"));
    assert!(doctor("acme-tenant").contains("acme-tenant is env_"));
}

#[test]
fn service_clients_and_applications_are_made_and_managed_while_a_server_runs_on_sqlite() {
    walk(Backend::Sqlite);
}

#[test]
fn service_clients_and_applications_are_made_and_managed_while_a_server_runs_on_postgres() {
    walk(Backend::Postgres);
}

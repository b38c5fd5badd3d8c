//! The program as scripts use it: commands, flags, output and exit codes.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    process::{Command, Output},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Backend, IdentityProvider, TestDatabase,
    process::{ServerProcess, isolated, read_answer},
};

/// The program with a database and without this machine's environment variables.
struct Installation {
    directory: TempDir,
    database: TestDatabase,
}

impl Installation {
    fn new(backend: Backend) -> Self {
        let database = actix_web::rt::System::new().block_on(TestDatabase::new(backend));
        Self { directory: TempDir::new().unwrap(), database }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = isolated(self.directory.path(), arguments);
        command.env("OSTIARY_DATABASE_URL", &self.database.url).env("OSTIARY_MASTER_KEY", "07".repeat(32));
        command.env("OSTIARY_DATABASE_SQLITE_SYNCHRONOUS", "normal");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a command with `--json` prints.
    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", text_of(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn serve(&self, arguments: &[&str]) -> ServerProcess {
        self.serve_at("127.0.0.1:0", arguments)
    }

    fn serve_at(&self, listen: &str, arguments: &[&str]) -> ServerProcess {
        let all = [&["serve", "--listen", listen, "--set", "shutdown_grace=0s"], arguments].concat();
        ServerProcess::start(&mut self.command(&all))
    }
}

fn text_of(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn strangers_write_no_errors_into_the_log() {
    let installation = Installation::new(Backend::Sqlite);
    let mut server = installation.serve(&[]);
    for nonsense in [
        "\u{1}\u{2}\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nhost\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1, 2\r\n\r\n",
        "POST /v1/saml/x/acs HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(nonsense.as_bytes()).unwrap();
        // It is answered, or the connection is closed or reset: the server has read it.
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let answer = stream.read(&mut [0; 1024]).map_err(|error| error.kind());
        assert!(
            matches!(answer, Ok(_) | Err(std::io::ErrorKind::ConnectionReset)),
            "{nonsense:?}: {answer:?}"
        );
    }
    assert_eq!(server.ask("GET", "/healthz", "x", "").0, 200);
    server.terminate();
    assert!(server.wait(Duration::from_secs(30)).success());
    let log = server.whole_log();
    assert!(log.iter().any(|line| line.contains("/healthz")), "{log:#?}");
    for line in log {
        let event: Value = serde_json::from_str(&line).unwrap();
        assert_ne!(event["level"], "ERROR", "{line}");
    }
}

fn a_script_sets_everything_up(backend: Backend) {
    let installation = Installation::new(backend);
    let environment = installation.json(&[
        "environment",
        "create",
        "--slug",
        "prod",
        "--display-name",
        "Production",
        "--redirect-url",
        "https://app.example.com/callback",
        "--oauth-redirect-uri",
        "https://app.example.com/oauth/a",
        "--oauth-redirect-uri",
        "https://app.example.com/oauth/b",
    ]);
    assert!(environment["id"].as_str().unwrap().starts_with("env_"));
    assert_eq!(
        environment["oauthRedirectUris"],
        json!(["https://app.example.com/oauth/a", "https://app.example.com/oauth/b"])
    );

    let key = installation.json(&["api-key", "create", "--environment", "prod", "--management"]);
    assert!(key["id"].as_str().unwrap().starts_with("api_key_"));
    let secret = key["secretToken"].as_str().unwrap();
    assert!(secret.starts_with("ssoready_sk_"));

    let id = environment["id"].as_str().unwrap();
    let client =
        installation.json(&["oauth-client", "create", "--environment", id, "--id-token-alg", "EdDSA"]);
    assert!(client["id"].as_str().unwrap().starts_with("saml_oauth_client_"));
    assert!(client["clientSecret"].as_str().unwrap().starts_with("ssoready_oauth_client_secret_"));
    assert_eq!(client["idTokenAlg"], "EdDSA");

    let organization = installation.json(&[
        "organization",
        "create",
        "--environment",
        "prod",
        "--display-name",
        "Acme",
        "--external-id",
        "42",
        "--domain",
        "ACME.com",
        "--domain",
        "acme.co.uk",
    ]);
    assert_eq!(organization["domains"], json!(["acme.co.uk", "acme.com"]));
    let organization_id = organization["id"].as_str().unwrap();

    let certificate = installation.directory.path().join("idp.pem");
    std::fs::write(&certificate, IdentityProvider::get().keys.certificate_pem().unwrap()).unwrap();
    let connection = installation.json(&[
        "saml-connection",
        "create",
        "--organization",
        organization_id,
        "--idp-entity-id",
        "https://idp.acme.com",
        "--idp-redirect-url",
        "https://idp.acme.com/sso",
        "--idp-certificate",
        "idp.pem",
        "--idp-initiated",
        "REFUSE",
        "--force-authn",
        "--public-url",
        "https://sso.example.com",
    ]);
    let connection_id = connection["id"].as_str().unwrap();
    assert_eq!(
        connection["spAcsUrl"],
        format!("https://sso.example.com/v1/saml/{connection_id}/acs").as_str()
    );
    assert_eq!(
        (&connection["primary"], &connection["forceAuthn"], &connection["idpInitiated"]),
        (&json!(true), &json!(true), &json!("REFUSE"))
    );
    assert_eq!(connection["idpCertificates"].as_array().unwrap().len(), 1);

    // A server that other flags started, and the API that the key opens.
    let served = installation.serve(&["--public-url", "https://sso.example.com"]);
    let body = json!({ "organizationExternalId": "42" }).to_string();
    let (status, answer) = served.ask("POST", "/v1/saml/redirect", &format!("Bearer {secret}"), &body);
    assert_eq!(status, 200, "{answer}");
    let prefix = format!("https://sso.example.com/v1/saml/{connection_id}/init?state=");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert!(answer["redirectUrl"].as_str().unwrap().starts_with(&prefix), "{answer}");

    // Without a public URL, links lead to the server's address.
    let later = installation.json(&["saml-connection", "create", "--organization", organization_id]);
    assert!(later["spAcsUrl"].as_str().unwrap().starts_with("https://sso.example.com/"), "{later}");
    assert_eq!(later["primary"], false, "the first one stays primary");

    let metadata = installation.directory.path().join("metadata.xml");
    std::fs::write(&metadata, idp_metadata()).unwrap();
    let id = later["id"].as_str().unwrap();
    let imported = installation.json(&["saml-connection", "update", id, "--idp-metadata", "metadata.xml"]);
    assert_eq!(imported["idpEntityId"], IdentityProvider::get().entity_id.as_str());
}

fn idp_metadata() -> String {
    let idp = IdentityProvider::get();
    ostiary::test_idp::metadata::idp_metadata(&idp.entity_id, &idp.sso_url, &idp.keys.certificate).unwrap()
}

mod a_script_can_set_everything_up {
    use super::*;

    #[test]
    fn sqlite() {
        a_script_sets_everything_up(Backend::Sqlite);
    }

    #[test]
    fn postgres() {
        a_script_sets_everything_up(Backend::Postgres);
    }
}

#[test]
fn wrong_commands_end_with_two_and_failures_with_one() {
    let installation = Installation::new(Backend::Sqlite);
    for (arguments, code, words) in [
        (&["nonsense"][..], 2, "unrecognized subcommand"),
        (&["environment", "create"], 2, "--slug"),
        (&["serve", "--listen", "8080"], 2, "--listen: \"8080\" must be an address and a port"),
        (&["serve", "--set", "saml.clock_skew=1h"], 2, "saml.clock_skew"),
        (&["environment", "create", "--slug", "v1"], 1, "--slug: is reserved"),
        (
            &["environment", "create", "--slug", "a", "--redirect-url", "ftp://x"],
            1,
            "--redirect-url: must be",
        ),
        (&["api-key", "create", "--environment", "nowhere"], 1, "environment not found"),
        (&["organization", "create", "--environment", "nowhere"], 1, "environment not found"),
        (
            &["saml-connection", "create", "--organization", "org_0000000000000000000000000"],
            1,
            "organization not found",
        ),
    ] {
        let output = installation.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text_of(&output));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(words), "{arguments:?}: {stderr}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_webhook_of_the_command_line_goes_by_the_setting() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let installation = Installation::new(backend);
        installation.json(&["environment", "create", "--slug", "prod"]);
        for url in ["http://localhost:9/", "https://127.0.0.1/", "https://10.0.0.1/hook"] {
            let create = ["webhook", "create", "--environment", "prod", "--url", url];
            let refused = installation.run(&create);
            assert_eq!(refused.status.code(), Some(1), "{url}: {}", text_of(&refused));
            assert!(text_of(&refused).contains("--url: "), "{url}: {}", text_of(&refused));
            installation.json(&[&create[..], &["--set", "outgoing.allow_private_targets=on"]].concat());
        }
    }
}

#[test]
fn a_misspelt_variable_and_a_wrong_file_are_refused_by_name() {
    let directory = TempDir::new().unwrap();
    std::fs::write(directory.path().join("o.toml"), "[saml]\ncross_chekc = \"off\"\n").unwrap();
    let output = isolated(directory.path(), &["serve", "--config", "o.toml"])
        .env("OSTIARY_TRUSTED_PROXYS", "10.0.0.0/8")
        .env("OSTIARY_MASTER_KEY", "too short")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr);
    for words in [
        "`saml.cross_chekc` in o.toml: there is no such setting; did you mean `saml.cross_check`?",
        "OSTIARY_TRUSTED_PROXYS: there is no such setting; did you mean OSTIARY_TRUSTED_PROXIES?",
        "OSTIARY_MASTER_KEY: must be 32 bytes",
    ] {
        assert!(stderr.contains(words), "{words:?} is not in\n{stderr}");
    }
    assert!(!stderr.contains("too short"), "a secret is not shown");
}

#[test]
fn postgresql_is_migrated_when_told_so() {
    let installation = Installation::new(Backend::Postgres);
    // A database of the same cluster without migrations.
    let url = installation.database.url.clone();
    let fresh = TestDatabase::unmigrated(Backend::Postgres);
    let with = |arguments: &[&str]| installation.run(&[arguments, &["--database-url", &fresh.url]].concat());
    assert_ne!(url, fresh.url);
    let refused = with(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text_of(&refused).contains("0001_create_foundation"), "{}", text_of(&refused));
    assert!(text_of(&refused).contains("ostiary migrate"), "{}", text_of(&refused));
    assert_eq!(with(&["migrate", "--check"]).status.code(), Some(1));
    assert!(text_of(&with(&["migrate"])).contains("applied 0001_create_foundation"));
    assert_eq!(with(&["migrate", "--check"]).status.code(), Some(0));
    assert!(text_of(&with(&["migrate"])).contains("is up to date"));
}

#[test]
fn a_stop_finishes_the_request_in_flight() {
    let installation = Installation::new(Backend::Sqlite);
    installation.json(&["environment", "create", "--slug", "prod"]);
    let key = installation.json(&["api-key", "create", "--environment", "prod", "--management"]);
    // At an address of its own: on 127.0.0.1 the server of another test may get the port that this one gives up, and
    // would take the connections that this test expects to be refused.
    let mut served = installation.serve_at("127.0.0.2:0", &["--set", "shutdown_timeout=60s"]);
    let body = r#"{"displayName":"Acme"}"#;
    let mut stream = TcpStream::connect(served.address).unwrap();
    write!(
        stream,
        "POST /v1/organizations HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        key["secretToken"].as_str().unwrap(),
        body.len()
    )
    .unwrap();
    // It asks for the body: the request is in flight.
    let mut asked = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.read_exact(&mut asked).unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(&body.as_bytes()[..5]).unwrap();
    served.terminate();
    let began = Instant::now();
    while TcpStream::connect(served.address).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(20), "it lets nobody in any more");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(served.child.try_wait().unwrap().is_none(), "it waits for the request");
    stream.write_all(&body.as_bytes()[5..]).unwrap();
    let (status, answer) = read_answer(&mut stream);
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains("Acme"), "{answer}");
    assert!(served.wait(Duration::from_secs(10)).success());
    assert!(TcpStream::connect(served.address).is_err(), "it is gone");
}

#[test]
fn a_healthcheck_asks_the_running_server() {
    let installation = Installation::new(Backend::Sqlite);
    let mut served = installation.serve(&[]);
    let listen = format!("listen={}", served.address);
    let ask = || installation.run(&["healthcheck", "--set", &listen]).status.code();
    assert_eq!(ask(), Some(0));
    served.terminate();
    served.wait(Duration::from_secs(10));
    assert_eq!(ask(), Some(1));
}

#[test]
fn the_doctor_says_what_to_fix() {
    let installation = Installation::new(Backend::Sqlite);
    installation.json(&["environment", "create", "--slug", "prod"]);
    let organization = installation.json(&["organization", "create", "--environment", "prod"]);
    let id = organization["id"].as_str().unwrap();
    installation.json(&["saml-connection", "create", "--organization", id]);
    let findings = installation.json(&["doctor", "--offline"]);
    let connection = findings
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["subject"].as_str().unwrap().starts_with("saml_conn_"))
        .unwrap();
    assert_eq!(connection["level"], "attention");
    assert!(connection["mend"].as_str().unwrap().contains("metadata"));

    let output =
        installation.command(&["doctor", "--offline"]).env("OSTIARY_MASTER_KEY", "08".repeat(32)).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text_of(&output).contains("is not the one this database was sealed with"),
        "{}",
        text_of(&output)
    );
}

#[test]
fn completions_and_the_man_page_come_from_the_definitions() {
    let directory = TempDir::new().unwrap();
    let output = |arguments: &[&str]| {
        let output = isolated(directory.path(), arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", text_of(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(output(&["completions", shell]).contains("saml-connection"), "{shell}");
    }
    assert!(output(&["man"]).contains("ostiary\\-serve"));
    output(&["man", "--directory", "."]);
    let page = std::fs::read_to_string(directory.path().join("ostiary-saml-connection-create.1")).unwrap();
    assert!(page.contains("idp\\-metadata"), "{page}");
    let example = output(&["config"]);
    std::fs::write(directory.path().join("o.toml"), example).unwrap();
    output(&["config", "--config", "o.toml"]);
}

/// The commands under a title of the README, each on one line.
fn commands_of_the_readme(title: &str) -> Vec<String> {
    let readme = include_str!("../../README.md");
    let (_, section) = readme.split_once(&format!("\n## {title}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap().replace("\\\n", " ");
    section.lines().filter_map(|line| line.strip_prefix("$ ").map(str::to_owned)).collect()
}

#[test]
fn what_the_readme_says_works() {
    let installation = Installation::new(Backend::Sqlite);
    std::fs::write(installation.directory.path().join("metadata.xml"), idp_metadata()).unwrap();
    let commands = commands_of_the_readme("For real");
    let (mut organization, mut key) = (String::new(), String::new());
    for command in commands.iter().filter(|command| command.contains(" create ")) {
        let command = command
            .replace("https://idp.acme.com/metadata", "metadata.xml")
            .replace("org_…", &organization)
            .replace("ostiary ", "");
        let made = installation.json(&command.split_whitespace().collect::<Vec<_>>());
        match command.split(' ').next() {
            Some("organization") => organization = made["id"].as_str().unwrap().to_owned(),
            Some("api-key") => key = made["secretToken"].as_str().unwrap().to_owned(),
            _ => {}
        }
    }
    let served = installation.serve(&["--public-url", "https://sso.example.com"]);
    let asks = commands.iter().find(|command| command.contains("/v1/saml/redirect")).unwrap();
    let body = asks.split('\'').nth(1).unwrap();
    let (status, answer) = served.ask("POST", "/v1/saml/redirect", &format!("Bearer {key}"), body);
    assert_eq!(status, 200, "{answer}");
}

#[test]
fn what_was_made_can_be_changed_and_taken_away() {
    let installation = Installation::new(Backend::Sqlite);
    installation.json(&["environment", "create", "--slug", "prod"]);
    let made = installation.json(&[
        "organization",
        "create",
        "--environment",
        "prod",
        "--display-name",
        "Acme",
        "--domain",
        "acme.com",
    ]);
    let id = made["id"].as_str().unwrap();
    let update = |arguments: &[&str]| {
        let now = installation.json(&[&["organization", "update", id], arguments].concat());
        json!([now["displayName"], now["externalId"], now["domains"]])
    };
    assert_eq!(
        update(&["--domain", "acme.co.uk", "--domain", "acme.org"]),
        json!(["Acme", "", ["acme.co.uk", "acme.org"]])
    );
    assert_eq!(update(&["--external-id", "42"]), json!(["Acme", "42", ["acme.co.uk", "acme.org"]]));
    assert_eq!(update(&["--external-id", "", "--domain", ""]), json!(["Acme", "", []]));

    let refused = installation.run(&["organization", "update", id, "--domain", "gmail.com"]);
    let words = text_of(&refused);
    assert!(words.contains("--allow-free-mail") && !words.contains("allowFreeMail"), "{words}");
    update(&["--domain", "gmail.com", "--allow-free-mail"]);

    // One domain in two organizations needs a confirmation, and is shown.
    let second =
        ["organization", "create", "--environment", "prod", "--domain", "gmail.com", "--allow-free-mail"];
    let refused = installation.run(&second);
    let words = text_of(&refused);
    assert!(
        !refused.status.success() && words.contains("--share-domain") && words.contains("Acme"),
        "{words}"
    );
    let shared = installation.json(&[&second[..], &["--share-domain"]].concat());
    assert_eq!(shared["sharedDomains"], json!(["gmail.com"]));
    let list = installation.run(&["organization", "list", "--environment", "prod"]);
    assert_eq!(text_of(&list).matches("gmail.com (shared)").count(), 2, "{}", text_of(&list));
    let output = installation.run(&["organization", "delete", shared["id"].as_str().unwrap()]);
    assert!(output.status.success(), "{}", text_of(&output));

    let connection = |arguments: &[&str]| {
        let made =
            installation.json(&[&["saml-connection", "create", "--organization", id], arguments].concat());
        made["id"].as_str().unwrap().to_owned()
    };
    let (first, second) = (connection(&[]), connection(&[]));
    let delete = |thing: &str, id: &str| installation.run(&[thing, "delete", id]).status.code();
    let connections = || {
        let list = installation.run(&["saml-connection", "list", "--organization", id]);
        String::from_utf8(list.stdout).unwrap()
    };
    let off = installation.json(&["saml-connection", "update", &second, "--disabled"]);
    assert_eq!(off["disabled"], true);
    assert_eq!(connections().matches("(switched off)").count(), 1, "{}", connections());
    // The command that the doctor suggests works.
    let doctor = installation.json(&["doctor", "--offline", "--public-url", "https://elsewhere.example"]);
    let remedy = format!("ostiary saml-connection delete {first}");
    assert!(doctor.to_string().contains(&remedy), "{doctor}");
    assert_eq!(delete("saml-connection", &first), Some(0));
    assert_eq!(delete("saml-connection", &first), Some(1), "it is gone");
    assert!(!connections().contains(&first) && connections().contains(&second));
    assert_eq!(delete("organization", id), Some(0));
    assert_eq!(delete("organization", id), Some(1));
    let list = installation.run(&["organization", "list", "--environment", "prod"]);
    assert!(list.status.success() && list.stdout.is_empty(), "{}", text_of(&list));
}

#[test]
fn our_saml_key_pair_is_rotated_for_one_environment() {
    let installation = Installation::new(Backend::Sqlite);
    installation.json(&["environment", "create", "--slug", "prod"]);
    let stages =
        |keys: &Value| keys.as_array().unwrap().iter().map(|key| key["stage"].clone()).collect::<Vec<_>>();
    let before = installation.json(&["keys", "list", "--sp", "prod"]);
    assert_eq!(stages(&before), ["active"]);
    let after = installation.json(&["keys", "rotate", "--sp", "prod"]);
    assert_eq!(stages(&after), ["active", "next"]);
    assert_eq!(after[0]["id"], before[0]["id"], "the old one signs for now");

    // The metadata has both certificates, and assertions encrypted to either are decrypted.
    let organization = installation.json(&["organization", "create", "--environment", "prod"]);
    let connection = installation.json(&[
        "saml-connection",
        "create",
        "--organization",
        organization["id"].as_str().unwrap(),
        "--assertion-encryption",
        "--sign-authn-requests",
    ]);
    assert_eq!(connection["spEncryptionCertificate"], after[1]["certificate"]);
    let served = installation.serve(&[]);
    let path = format!("/v1/saml/{}/metadata", connection["id"].as_str().unwrap());
    let (status, metadata) = served.ask("GET", &path, "", "");
    assert_eq!(status, 200, "{metadata}");
    for key in after.as_array().unwrap() {
        let pem: String =
            key["certificate"].as_str().unwrap().lines().filter(|line| !line.starts_with("--")).collect();
        let metadata: String = metadata.split_whitespace().collect();
        assert_eq!(metadata.matches(&pem).count(), 2, "to sign and to encrypt: {metadata}");
    }

    let compromised = installation.json(&["keys", "rotate", "--sp", "prod", "--compromised"]);
    assert_eq!(stages(&compromised), ["active"]);
    let refused = installation.run(&["keys", "rotate", "--sp", "nowhere"]);
    assert!(text_of(&refused).contains("environment not found"), "{}", text_of(&refused));
    let listed = installation.run(&["keys", "list", "--sp", "prod"]);
    assert!(
        text_of(&listed).contains(compromised[0]["certificateSha256"].as_str().unwrap()),
        "{}",
        text_of(&listed)
    );
}

#[test]
fn a_taken_address_and_a_database_that_is_down_are_told_once() {
    let installation = Installation::new(Backend::Sqlite);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = text_of(&installation.run(&["serve", "--listen", &address]));
    assert_eq!(refused.matches("os error").count(), 1, "{refused}");

    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("postgres://x@{free}/x");
    let doctor = text_of(&installation.run(&["doctor", "--offline", "--database-url", &url]));
    assert!(doctor.contains("Connection refused") && !doctor.contains("timed out"), "{doctor}");
    assert_eq!(doctor.matches("os error").count(), 1, "{doctor}");
}

#[test]
fn a_certificate_is_shown_to_people_once() {
    let installation = Installation::new(Backend::Sqlite);
    installation.json(&["environment", "create", "--slug", "prod"]);
    let organization = installation.json(&["organization", "create", "--environment", "prod"]);
    std::fs::write(installation.directory.path().join("metadata.xml"), idp_metadata()).unwrap();
    let id = organization["id"].as_str().unwrap();
    let made = installation.run(&[
        "saml-connection",
        "create",
        "--organization",
        id,
        "--idp-metadata",
        "metadata.xml",
    ]);
    assert_eq!(text_of(&made).matches("BEGIN CERTIFICATE").count(), 1, "{}", text_of(&made));
}

#[test]
fn what_must_be_known_of_a_proxy_and_of_the_file_is_said() {
    let installation = Installation::new(Backend::Sqlite);
    let public = ["doctor", "--offline", "--public-url", "https://sso.example.com"];
    let warned = text_of(&installation.run(&public));
    assert!(warned.contains("OSTIARY_TRUSTED_PROXIES"), "{warned}");
    let named = [&public[..], &["--set", "trusted_proxies=10.0.0.0/8"]].concat();
    assert!(!text_of(&installation.run(&named)).contains("OSTIARY_TRUSTED_PROXIES"));

    // The copy that this test works on was made by hand, for all to read.
    let file = installation.database.url.strip_prefix("sqlite://").unwrap();
    let mode = |mode: u32| {
        std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        text_of(&installation.run(&["doctor", "--offline"]))
    };
    assert!(mode(0o644).contains("chmod 600"));
    assert!(!mode(0o600).contains("chmod"));
}

fn an_ssoready_database_comes_by_one_command(backend: Backend) {
    let installation = Installation::new(backend);
    let source = crate::import_ssoready::ssoready();
    let import = ["import", "ssoready", "--from", source.url.as_str()];
    let trial = installation.run(&[&import[..], &["--dry-run"]].concat());
    assert!(trial.status.success(), "{}", text_of(&trial));
    let told = String::from_utf8(trial.stdout.clone()).unwrap();
    assert!(told.starts_with("A trial: nothing was written."), "{told}");
    assert!(installation.run(&["environment", "list"]).stdout.is_empty(), "the trial wrote something");

    let report = installation.json(&import);
    assert_eq!(report["counts"]["organization"]["imported"], 3, "{report}");
    assert_eq!(report["counts"]["scim_user"]["skipped"], 3, "{report}");
    let listed = installation.run(&["organization", "list", "--environment", "production"]);
    assert!(text_of(&listed).contains("acme.example"), "{}", text_of(&listed));

    let again = installation.run(&import);
    let told = String::from_utf8(again.stdout.clone()).unwrap();
    let users: Vec<&str> =
        told.lines().find(|line| line.starts_with("SCIM users")).unwrap().split_whitespace().collect();
    assert_eq!(users, ["SCIM", "users", "0", "0", "4", "0", "3"], "{told}");
    assert!(told.contains("emails of foreign domains") || told.contains("without its certificate"), "{told}");
    assert!(String::from_utf8_lossy(&again.stderr).contains("done in"), "{}", text_of(&again));

    let unknown =
        installation.run(&[&import[..], &["--environment", "env_12vqjrnxk9xeov6o4f05pan0g"]].concat());
    assert_eq!(unknown.status.code(), Some(1), "{}", text_of(&unknown));
    assert!(text_of(&unknown).contains("--environment: there is no environment"), "{}", text_of(&unknown));
    let nothing = installation.run(&["import", "ssoready", "--from", "mysql://x/y"]);
    assert_eq!(nothing.status.code(), Some(1), "{}", text_of(&nothing));
    assert!(text_of(&nothing).contains("--from: "), "{}", text_of(&nothing));
}

#[test]
fn an_ssoready_database_comes_by_one_command_on_sqlite() {
    an_ssoready_database_comes_by_one_command(Backend::Sqlite);
}

#[test]
fn an_ssoready_database_comes_by_one_command_on_postgres() {
    an_ssoready_database_comes_by_one_command(Backend::Postgres);
}

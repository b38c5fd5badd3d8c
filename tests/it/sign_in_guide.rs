//! `docs/sign-in-guide.md`, followed as it stands, in a browser: its commands, and the app whose code stands in it.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::symlink,
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::support::{Demo, node, process};

const GUIDE: &str = include_str!("../../docs/sign-in-guide.md");

/// The blocks of the guide in this language.
fn blocks(language: &str) -> impl Iterator<Item = &'static str> {
    let begin = format!("\n```{language}\n");
    GUIDE.split("\n```\n").filter_map(move |part| part.split_once(begin.as_str()).map(|(_, block)| block))
}

/// The commands of the guide, but those that download something, or run until they are stopped.
fn commands() -> Vec<&'static str> {
    let commands =
        blocks("console").flat_map(|block| block.split("$ ").filter(|command| !command.is_empty()));
    commands
        .filter(|command| {
            !["git clone", "make run", "npm install", "ISSUER="]
                .iter()
                .any(|other| command.starts_with(other))
                || command.starts_with("ISSUER=$URL")
        })
        .collect()
}

/// The guide's app. It is killed on drop.
struct App(Child);

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn somebody_new_follows_the_guide() {
    let demo = Demo::start();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let home = format!("http://localhost:{port}");
    let here = |text: &str| {
        text.replace("http://localhost:8080", &demo.address).replace("http://localhost:3000", &home)
    };

    // What is typed in the second terminal.
    let program = Path::new(env!("CARGO_BIN_EXE_ostiary")).parent().unwrap();
    let script = format!(
        "set -euo pipefail\n{}\necho\necho \"$ISSUER $CLIENT_ID\"\n",
        here(&commands().join("\n")).replace("$PWD/target/debug", program.to_str().unwrap())
    );
    let typed = Command::new("bash").arg("-c").arg(&script).current_dir(demo.directory()).output().unwrap();
    assert!(typed.status.success(), "{script}\n{}", process::told(&typed).1);
    let printed = String::from_utf8(typed.stdout).unwrap();
    let (issuer, client_id) = printed.lines().last().unwrap().split_once(' ').unwrap();

    let directory = demo.directory().join("my-app");
    symlink(node::packages(), directory.join("node_modules")).unwrap();
    fs::write(directory.join("app.mjs"), here(blocks("js").next().unwrap())).unwrap();
    let mut command = node::command(&directory, "app.mjs");
    command.env("ISSUER", issuer).env("CLIENT_ID", client_id).stdout(Stdio::null()).stderr(Stdio::inherit());
    let _app = App(command.spawn().unwrap());
    demo.walk("tests/python/walk_guide.py", &[&home, issuer]);
}

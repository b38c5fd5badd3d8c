//! The built program as processes of their own, without this machine's environment variables.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
};

use serde_json::Value;

use super::TestDatabase;

/// A command on a database, with a master key.
pub fn command(database: &TestDatabase, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ostiary"));
    command.args(arguments).env_clear().current_dir(std::env::temp_dir()).stdin(Stdio::null());
    command.env("OSTIARY_DATABASE_URL", &database.url).env("OSTIARY_MASTER_KEY", "07".repeat(32));
    command.env("OSTIARY_DATABASE_SQLITE_SYNCHRONOUS", "normal");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The exit code of a command, and all that it printed.
pub fn run(database: &TestDatabase, arguments: &[&str]) -> (Option<i32>, String) {
    told(&command(database, arguments).output().expect("the program"))
}

/// The exit code of a command that has ended, and all that it printed.
pub fn told(output: &Output) -> (Option<i32>, String) {
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat();
    (output.status.code(), text)
}

/// A running server. It is killed on drop.
pub struct ServerProcess {
    child: Child,
    /// Its origin.
    pub base: String,
    /// What it logged: one JSON object a line.
    log: Arc<Mutex<String>>,
}

impl ServerProcess {
    pub fn start(database: &TestDatabase) -> Self {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--set", "log.format=json"];
        let mut child = command(database, &arguments).stdout(Stdio::null()).spawn().expect("the program");
        let mut lines = BufReader::new(child.stderr.take().expect("its log")).lines();
        let mut before = String::new();
        let address = loop {
            let line =
                lines.next().unwrap_or_else(|| panic!("the server does not start: {before}")).expect("text");
            before.push_str(&line);
            before.push('\n');
            let event: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
            if event["message"] == "listening" {
                break event["address"].as_str().expect("an address").to_owned();
            }
        };
        let log = Arc::new(Mutex::new(before));
        let written = Arc::clone(&log);
        // The rest of its output must not fill the pipe.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut log = written.lock().expect("the log");
                log.push_str(&line);
                log.push('\n');
            }
        });
        Self { child, base: format!("http://{address}"), log }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        self.log.lock().expect("the log").clone()
    }

    /// Asks it to stop, and waits until it has. It must have answered a request: it heeds signals from then on.
    pub fn stop(mut self) {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status().expect("kill");
        assert!(asked.success());
        assert!(self.child.wait().expect("its end").success(), "{}", self.log());
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

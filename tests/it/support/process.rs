//! The built program as processes of their own, without this machine's environment variables.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{TestApp, TestDatabase};

/// The program in a directory, with no setting.
pub fn isolated(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ostiary"));
    command.args(arguments).current_dir(directory).env_clear().stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A command on a database, with a master key.
pub fn command(database: &TestDatabase, arguments: &[&str]) -> Command {
    let mut command = isolated(&std::env::temp_dir(), arguments);
    command.env("OSTIARY_DATABASE_URL", &database.url).env("OSTIARY_MASTER_KEY", "07".repeat(32));
    command.env("OSTIARY_DATABASE_SQLITE_SYNCHRONOUS", "normal");
    command
}

/// The exit code of a command, and all that it printed.
pub fn run(database: &TestDatabase, arguments: &[&str]) -> (Option<i32>, String) {
    told(&command(database, arguments).output().unwrap())
}

/// The exit code of a command that has ended, and all that it printed.
pub fn told(output: &Output) -> (Option<i32>, String) {
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat();
    (output.status.code(), text)
}

/// `ostiary serve` on a database, which stops without a grace time.
pub fn server(database: &TestDatabase) -> Command {
    command(database, &["serve", "--listen", "127.0.0.1:0", "--set", "shutdown_grace=0s"])
}

/// `ostiary serve` as another replica of `app`: on its database, with its public URL and master key.
pub fn replica(app: &TestApp, settings: &[&str]) -> Command {
    let mut command = isolated(&std::env::temp_dir(), &["serve", "--listen", "127.0.0.1:0"]);
    command.args(["--database-url", &app.database.url, "--public-url", &app.base]);
    command.env("OSTIARY_MASTER_KEY", "07".repeat(32));
    for setting in settings {
        command.args(["--set", setting]);
    }
    command
}

/// A running server. It is killed on drop.
pub struct ServerProcess {
    pub child: Child,
    pub address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl ServerProcess {
    /// Starts `ostiary serve` and waits until it listens.
    pub fn start(command: &mut Command) -> Self {
        command.env("OSTIARY_LOG_FORMAT", "json");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut first = Vec::new();
        let address = loop {
            let Some(line) = lines.next() else {
                panic!("the server does not say where it listens: {first:?}")
            };
            let line = line.unwrap();
            let event: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
            first.push(line);
            if event["message"] == "listening" {
                break event["address"].as_str().unwrap().parse().unwrap();
            }
        };
        let log = Arc::new(Mutex::new(first));
        let written = Arc::clone(&log);
        // The rest of its output must not fill the pipe.
        let reader = std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| written.lock().unwrap().push(line));
        });
        Self { child, address, log, reader: Some(reader) }
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) {
        self.terminate();
        assert!(self.wait(Duration::from_secs(20)).success(), "{}", self.log());
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let kill = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
    }

    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// What it logged, once it has ended.
    pub fn whole_log(&mut self) -> Vec<String> {
        self.reader.take().unwrap().join().unwrap();
        std::mem::take(&mut *self.log.lock().unwrap())
    }

    pub fn wait(&mut self, timeout: Duration) -> std::process::ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < timeout, "the server does not stop");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends a raw request. Returns the status and the body.
    pub fn ask(&self, method: &str, path: &str, authorization: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: {authorization}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        read_answer(&mut stream)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Reads the status and the body of an answer to a connection that is closed then.
pub fn read_answer(stream: &mut TcpStream) -> (u16, String) {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    (status.unwrap_or_else(|| panic!("no status in {text:?}")), body.unwrap_or_default())
}

//! A name server that is not ours (dnslib), which answers from a zone file.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Mutex,
};

use serde_json::{Value, json};

use super::python;

/// A running name server. It stops when it is dropped.
pub struct ZoneServer {
    process: Child,
    talk: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    port: u16,
}

impl ZoneServer {
    /// Starts one without records.
    pub fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/name_server.py");
        let mut command = Command::new(python());
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("a name server");
        let mut output = BufReader::new(process.stdout.take().expect("its output"));
        let port = read(&mut output)["port"].as_u64().and_then(|port| u16::try_from(port).ok());
        let input = process.stdin.take().expect("its input");
        Self { process, talk: Mutex::new((input, output)), port: port.expect("a port") }
    }

    /// Where it listens: for `Config::dns_servers`.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// From now on it answers from this zone file, and fails for what is named. Returns the names that it was asked for before.
    pub fn serve(&self, zone: &str, broken: &[(&str, &str)]) -> Vec<String> {
        let mut told = json!({ "zone": zone, "fail": [], "refuse": [], "ignore": [] });
        for (how, name) in broken {
            told[how].as_array_mut().expect("a list").push(json!(name));
        }
        let mut talk = self.talk.lock().expect("nobody failed");
        writeln!(talk.0, "{told}").expect("it reads");
        let said = read(&mut talk.1);
        serde_json::from_value(said["asked"].clone()).expect("names")
    }
}

fn read(output: &mut BufReader<ChildStdout>) -> Value {
    let mut line = String::new();
    output.read_line(&mut line).expect("a line");
    serde_json::from_str(&line).expect("JSON")
}

impl Drop for ZoneServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

//! What the benchmarks of the built server share: an installation that the command line set up, and the
//! server's process, whose own CPU time and memory are what is measured.

#![allow(dead_code, reason = "each benchmark uses what it needs")]

pub mod login;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use reqwest::Client;
use serde_json::Value;

const OSTIARY: &str = env!("CARGO_BIN_EXE_ostiary");

/// The master key of every installation here.
pub const MASTER_KEY: [u8; 32] = [7; 32];

/// A number from the environment, or the usual one.
pub fn number(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// The databases to measure: SQLite in this directory, and the PostgreSQL that the environment names.
pub fn databases(directory: &Path) -> Vec<(&'static str, String)> {
    let postgres = std::env::var("OSTIARY_BENCH_POSTGRES_URL").ok().map(|url| ("PostgreSQL", url));
    [("SQLite", format!("sqlite://{}/bench.db", directory.display()))].into_iter().chain(postgres).collect()
}

/// CPU time that a process has used so far, user and system.
pub fn cpu_of(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("its figures");
    let fields: Vec<&str> = stat.rsplit_once(')').expect("its name").1.split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().expect("ticks")).sum();
    Duration::from_millis(ticks * 10)
}

/// A migrated database, and an address to serve it on.
pub struct Installation {
    pub database_url: String,
    pub address: String,
}

impl Installation {
    pub fn new(database_url: &str) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let this =
            Self { database_url: database_url.to_owned(), address: free.expect("a free port").to_string() };
        this.cli(&["migrate"]);
        this
    }

    /// The program with the installation's settings.
    pub fn command(&self) -> Command {
        let mut command = Command::new(OSTIARY);
        command
            .env("OSTIARY_DATABASE_URL", &self.database_url)
            .env("OSTIARY_MASTER_KEY", BASE64.encode(MASTER_KEY))
            .env("OSTIARY_PUBLIC_URL", format!("http://{}", self.address))
            .env("OSTIARY_LOG_LEVEL", "warn")
            .env("OSTIARY_RATE_LIMITS", "off");
        command
    }

    /// Runs a command that must succeed.
    pub fn cli(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output().expect("the command line");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Runs a command that makes something.
    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.cli(&[arguments, &["--json"]].concat())).expect("JSON")
    }
}

/// A running server process.
pub struct Server {
    process: Child,
    /// `http://127.0.0.1:PORT`.
    pub base: String,
    /// How long it took until it was ready.
    pub ready: Duration,
}

impl Server {
    /// Starts it with further settings.
    pub async fn start(installation: &Installation, settings: &[(&str, &str)]) -> Self {
        let begun = Instant::now();
        let mut process = installation
            .command()
            .envs(settings.iter().copied())
            .args(["serve", "--listen", &installation.address])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server");
        drain(process.stdout.take().expect("its output"));
        drain(process.stderr.take().expect("its log"));
        let base = format!("http://{}", installation.address);
        let client = Client::builder().no_proxy().build().expect("a client");
        while !client.get(format!("{base}/readyz")).send().await.is_ok_and(|answer| answer.status() == 200) {
            assert!(begun.elapsed() < Duration::from_secs(20), "the server did not get ready");
            tokio::task::yield_now().await;
        }
        Self { process, base, ready: begun.elapsed() }
    }

    /// CPU time used so far, user and system.
    pub fn cpu(&self) -> Duration {
        cpu_of(self.process.id())
    }

    /// Memory in MiB.
    pub fn memory(&self, what: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("its figures");
        let line = status.lines().find(|line| line.starts_with(what)).expect("the figure");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).expect("a number") / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn drain(pipe: impl std::io::Read + Send + 'static) {
    std::thread::spawn(move || BufReader::new(pipe).lines().for_each(drop));
}

//! `ostiary demo`, the built program, as a process of its own.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::python;

/// A running demo.
pub struct Demo {
    process: Child,
    /// Its origin.
    pub address: String,
    /// What it printed.
    pub said: String,
    dir: TempDir,
}

impl Demo {
    pub fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_ostiary"))
            .args(["demo", "--listen", "127.0.0.1:0"])
            .current_dir(dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = String::new();
        for line in BufReader::new(process.stdout.take().unwrap()).lines() {
            said.push_str(&line.unwrap());
            said.push('\n');
            if said.contains("Stop with Ctrl-C") {
                break;
            }
        }
        let begin = said.find("http://localhost:").unwrap_or_else(|| panic!("no address in: {said}"));
        let address = said[begin..].split("/demo").next().unwrap().to_owned();
        Self { process, address, said, dir }
    }

    /// Where it runs, with its database.
    pub fn directory(&self) -> &Path {
        self.dir.path()
    }

    /// What another command of the program prints, run beside the demo on its database.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_ostiary"))
            .args(arguments)
            .args(["--database-url", "sqlite://ostiary-demo.db", "--public-url", &self.address])
            .current_dir(self.dir.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a browser script against it. The script gets the demo's address, `arguments` and where to put pictures:
    /// `OSTIARY_TEST_PICTURES`, to look at them afterwards.
    pub fn walk(&self, script: &str, arguments: &[&str]) {
        let pictures =
            std::env::var("OSTIARY_TEST_PICTURES").unwrap_or_else(|_| self.dir.path().display().to_string());
        fs::create_dir_all(&pictures).unwrap();
        let output = Command::new(python())
            .args([script, &self.address])
            .args(arguments)
            .arg(&pictures)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

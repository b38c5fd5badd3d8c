//! A mail server that is not ours (aiosmtpd), and servers of ours that send by it.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use ostiary::config::Config;
use serde_json::Value;

use super::{TestApp, eventually, python};

/// A running mail server.
pub struct MailServer {
    process: Child,
    said: Arc<Mutex<Vec<Value>>>,
    pub port: u16,
}

impl MailServer {
    /// Starts one at any port.
    pub async fn start() -> Self {
        Self::start_with(0, &[]).await
    }

    /// Starts one at a port, with the arguments of `smtp_server.py`.
    pub async fn start_with(port: u16, arguments: &[&str]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/smtp_server.py");
        let mut command = Command::new(python());
        command.arg(script).arg(port.to_string()).args(arguments).stdout(Stdio::piped());
        let mut process = command.spawn().expect("a mail server");
        let output = BufReader::new(process.stdout.take().expect("its output"));
        let said = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                written.lock().unwrap().push(serde_json::from_str(&line).expect("JSON"));
            }
        });
        let heard = Arc::clone(&said);
        let port = eventually("the mail server's port", async || {
            heard.lock().unwrap().first().and_then(|said: &Value| said["port"].as_u64())
        })
        .await;
        Self { process, said, port: port.try_into().expect("a port") }
    }

    /// What it said that has this field, in order.
    pub fn all(&self, field: &str) -> Vec<Value> {
        let said = self.said.lock().unwrap();
        said.iter().filter(|said| said.get(field).is_some()).cloned().collect()
    }

    /// The letters that it took to an address.
    pub fn letters_to(&self, address: &str) -> Vec<Value> {
        self.all("to").into_iter().filter(|letter| letter["to"][0] == address).collect()
    }

    /// Waits for so many letters to an address, and returns the last one.
    pub async fn letter_to(&self, address: &str, count: usize) -> Value {
        eventually(&format!("letter {count} to {address}"), async || {
            self.letters_to(address).get(count - 1).cloned()
        })
        .await
    }

    /// The same of the letters that have a code.
    pub async fn letter_with_code_to(&self, address: &str, count: usize) -> Value {
        let has_code = |letter: &Value| letter["text"].as_str().is_some_and(|text| text.contains("code="));
        eventually(&format!("letter {count} with a code to {address}"), async || {
            self.letters_to(address).into_iter().filter(has_code).nth(count - 1)
        })
        .await
    }

    /// Waits for a letter to an address with a subject that begins so.
    pub async fn letter_about(&self, address: &str, subject: &str) -> Value {
        eventually(&format!("a letter about {subject} to {address}"), async || {
            self.letters_to(address).into_iter().find(|letter| header(letter, "Subject").starts_with(subject))
        })
        .await
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The value of a header of a letter.
pub fn header(letter: &Value, name: &str) -> String {
    let headers = letter["headers"].as_array().expect("headers");
    let found: Vec<&str> =
        headers.iter().filter(|header| header[0] == name).filter_map(|header| header[1].as_str()).collect();
    assert_eq!(found.len(), 1, "{name}: {headers:?}");
    found[0].to_owned()
}

/// The code in the link of a letter, in its extended form.
pub fn code_of(letter: &Value) -> String {
    let text = letter["text"].as_str().expect("a text");
    let link = text.lines().find(|line| line.starts_with("http")).expect("a link");
    link.split_once("code=").expect("a code").1.to_owned()
}

/// Lets a server send by a mail server at this port.
pub fn send_by(config: &mut Config, port: u16) {
    config.mail_smtp_url = Some(format!("smtp+plain://127.0.0.1:{port}").parse().expect("a URL"));
    config.mail_from = Some("no-reply@vendor.example".parse().expect("a sender"));
}

impl TestApp {
    /// A replica that sends by a mail server at this port.
    pub async fn sending_by(&self, port: u16) -> Self {
        self.replica_with(|config| send_by(config, port)).await
    }
}

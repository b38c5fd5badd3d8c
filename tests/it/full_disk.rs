//! SQLite on a small file system that becomes full, and has room again.
//!
//! The file system is a tmpfs of a process of its own. Where nothing may be mounted this test fails, and says what it needs:
//! passed over in silence it would hold nothing.

use std::{
    fs,
    io::{BufRead as _, BufReader, Lines, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::support::{
    Browser,
    browser::{Answer, query},
    forms::form_to,
};

/// Mounts the file system, runs the demo on it, and does what it is told: a word a line, each answered by a line `done`.
const SCRIPT: &str = r#"
set -e
mount -t tmpfs -o size=48m none "$FOLDER"
cd "$FOLDER"
"$PROGRAM" demo --listen 127.0.0.1:0 >"$OUTSIDE/said" 2>"$OUTSIDE/log" &
server=$!
trap 'kill $server' EXIT
echo done
while read -r word; do
    case $word in
        fill) cat /dev/zero >filler 2>/dev/null || true ;;
        free) rm filler ;;
        backup) "$PROGRAM" backup copy.db --database-url sqlite://ostiary-demo.db >"$OUTSIDE/backup" 2>&1 || echo failed
                ls >"$OUTSIDE/files" ;;
        doctor) "$PROGRAM" doctor --offline --database-url sqlite://ostiary-demo.db >"$OUTSIDE/doctor" 2>&1 || echo failed ;;
    esac
    echo done
done
"#;

/// A demo on a file system of its own.
struct SmallDisk {
    shell: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    outside: TempDir,
    _folder: TempDir,
    /// Its origin.
    base: String,
}

/// How a process gets a mount namespace in which it may mount.
fn unshare(folder: &TempDir) -> Vec<&'static str> {
    let ways = [vec!["--mount"], vec!["--map-root-user", "--mount"]];
    let mut said = String::new();
    for way in ways {
        let mut mount = Command::new("unshare");
        mount.args(&way).args(["mount", "-t", "tmpfs", "-o", "size=48m", "none"]).arg(folder.path());
        let output = mount.output().expect("unshare, of the package util-linux");
        if output.status.success() {
            return way;
        }
        said.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    panic!(
        "this test mounts a small tmpfs: run it as root with CAP_SYS_ADMIN, or where user namespaces are allowed\n{said}"
    );
}

impl SmallDisk {
    fn start() -> Self {
        let (folder, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let mut shell = Command::new("unshare")
            .args(unshare(&folder))
            .args(["sh", "-c", SCRIPT])
            .env("FOLDER", folder.path())
            .env("OUTSIDE", outside.path())
            .env("PROGRAM", env!("CARGO_BIN_EXE_ostiary"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = shell.stdin.take();
        let output = BufReader::new(shell.stdout.take().unwrap()).lines();
        let mut this = Self { shell, input, output, outside, _folder: folder, base: String::new() };
        assert_eq!(this.answer(), "");
        let begun = Instant::now();
        let said = loop {
            let said = this.read("said");
            if said.contains("Stop with Ctrl-C") {
                break said;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{said}{}", this.read("log"));
            std::thread::sleep(Duration::from_millis(20));
        };
        let at = said.find("http://localhost:").unwrap_or_else(|| panic!("no address in: {said}"));
        this.base = said[at..].split("/demo").next().unwrap().to_owned();
        this
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.outside.path().join(name)).unwrap_or_default()
    }

    /// What the shell says before `done`.
    fn answer(&mut self) -> String {
        let mut said = String::new();
        loop {
            let line = self.output.next().expect("the shell lives").unwrap();
            if line == "done" {
                return said;
            }
            said.push_str(&line);
        }
    }

    fn tell(&mut self, word: &str) -> String {
        writeln!(self.input.as_mut().unwrap(), "{word}").unwrap();
        self.answer()
    }

    /// A login in the sample app, up to its page for those who are signed in. `Err`: the first answer that goes no further.
    async fn login(&self) -> Result<(), Box<Answer>> {
        let browser = Browser::new();
        let going_on = |answer: Answer| match answer.status.as_u16() {
            200 | 303 | 302 => Ok(answer),
            _ => Err(Box::new(answer)),
        };
        let fields = [("email", "ada@acme.example"), ("way", "saml")];
        let begun = going_on(browser.post(&format!("{}/demo/sign-in", self.base), &fields).await)?;
        if begun.status == 200 {
            // The app's own page about an answer of the gateway.
            return Err(Box::new(begun));
        }
        let mut page = going_on(browser.get(begun.location().as_str()).await)?;
        for _ in 0..10 {
            if page.status != 200 {
                let to = page.location();
                if query(&to, "saml_access_code").is_some() {
                    let signed_in = going_on(browser.get(to.as_str()).await)?;
                    let home = browser.get(&format!("{}/demo", self.base)).await;
                    return if home.body.contains("You are signed in") {
                        Ok(())
                    } else {
                        Err(Box::new(signed_in))
                    };
                }
                page = going_on(browser.get(to.as_str()).await)?;
            } else if let Some(mut people) = form_to(&page, "/test-idp/respond")
                && page.body.contains("name=\"person\"")
            {
                people.fields.push(("person".to_owned(), "ada@acme.example".to_owned()));
                page = going_on(browser.submit(&page, &people).await)?;
            } else {
                page = going_on(browser.submit(&page, &page.form()).await)?;
            }
        }
        Err(Box::new(page))
    }

    async fn readiness(&self) -> u16 {
        Browser::new().get(&format!("{}/readyz", self.base)).await.status.as_u16()
    }

    /// An answer about readiness holds for a second.
    async fn until_readiness_is(&self, wanted: u16) {
        let begun = Instant::now();
        while self.readiness().await != wanted {
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "readiness is never {wanted}: {}",
                self.read("log")
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The shell ends with its input, and the server and the mount with the shell.
        drop(self.input.take());
        let _ = self.shell.wait();
    }
}

#[test]
fn a_disk_that_was_full_and_has_room_again_is_logged_into_without_a_restart() {
    actix_web::rt::System::new().block_on(async {
        let mut disk = SmallDisk::start();
        assert_eq!(disk.readiness().await, 200);
        disk.login().await.unwrap();
        for _ in 0..3 {
            disk.tell("fill");
            let stopped = disk.login().await.unwrap_err();
            assert!(!stopped.body.contains("You are signed in"));
            assert_ne!(stopped.status, 500, "{stopped:#?}");
            disk.until_readiness_is(503).await;
            assert_eq!(disk.tell("doctor"), "failed");
            let said = disk.read("doctor");
            for words in ["nothing can be written to", "0 MB are free in ", "make room on this file system"] {
                assert!(said.contains(words), "{words:?} is not in {said}");
            }
            disk.tell("free");
            disk.until_readiness_is(200).await;
            disk.login().await.unwrap();
        }
        disk.tell("doctor");
        assert!(!disk.read("doctor").contains("nothing can be written"), "{}", disk.read("doctor"));
    });
}

#[test]
fn a_backup_for_which_there_is_no_room_leaves_nothing_behind() {
    actix_web::rt::System::new().block_on(async {
        let mut disk = SmallDisk::start();
        disk.login().await.unwrap();
        disk.tell("fill");
        assert_eq!(disk.tell("backup"), "failed");
        let said = disk.read("backup");
        assert!(said.contains("copy.db: ") && said.contains("full"), "{said}");
        assert!(!disk.read("files").contains("copy.db"), "{}", disk.read("files"));
        disk.tell("free");
        assert_eq!(disk.tell("backup"), "", "{}", disk.read("backup"));
        let files = disk.read("files");
        assert!(files.contains("copy.db") && !files.contains("copy.db."), "{files}");
    });
}

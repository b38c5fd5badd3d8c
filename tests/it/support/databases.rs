//! A database of its own for every test: a copy of a template that was migrated once.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use ostiary::store::Db;
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// A database that is dropped with the test.
pub struct TestDatabase {
    pub url: String,
    _dir: Option<TempDir>,
}

impl TestDatabase {
    pub async fn new(backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => {
                static TEMPLATE: OnceCell<Vec<u8>> = OnceCell::const_new();
                let template = TEMPLATE.get_or_init(sqlite_template).await;
                let dir = TempDir::new().expect("a temporary directory");
                let file = dir.path().join("ostiary.db");
                fs::write(&file, template).expect("a copy of the template");
                Self { url: format!("sqlite://{}", file.display()), _dir: Some(dir) }
            }
            Backend::Postgres => {
                static NEXT: AtomicU32 = AtomicU32::new(0);
                static TEMPLATE: OnceCell<()> = OnceCell::const_new();
                let cluster = Cluster::get();
                TEMPLATE.get_or_init(async || cluster.make_template().await).await;
                let name = format!("test_{}", NEXT.fetch_add(1, Ordering::SeqCst));
                cluster
                    .psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE migrated STRATEGY wal_log"));
                Self { url: cluster.url(&name), _dir: None }
            }
        }
    }

    /// An empty database, as a new installation finds it.
    pub fn unmigrated(backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => {
                let dir = TempDir::new().expect("a temporary directory");
                Self { url: format!("sqlite://{}", dir.path().join("ostiary.db").display()), _dir: Some(dir) }
            }
            Backend::Postgres => {
                static NEXT: AtomicU32 = AtomicU32::new(0);
                let cluster = Cluster::get();
                let name = format!("empty_{}", NEXT.fetch_add(1, Ordering::SeqCst));
                cluster.psql("postgres", &format!("CREATE DATABASE {name}"));
                Self { url: cluster.url(&name), _dir: None }
            }
        }
    }

    /// The folder of the PostgreSQL server's socket.
    pub fn socket_folder(&self) -> PathBuf {
        Cluster::get().dir.clone()
    }

    /// The address of this database of PostgreSQL at the socket in another folder.
    pub fn url_through(&self, folder: &Path) -> String {
        let name = self.postgres_name();
        format!("postgres://postgres@localhost/{name}?host={}", Cluster::encoded(folder))
    }

    /// The name of this database of PostgreSQL.
    pub fn postgres_name(&self) -> &str {
        self.url.split(['/', '?']).nth(3).expect("a name of PostgreSQL")
    }

    /// Lets new sessions of this database of PostgreSQL write, or not.
    pub fn read_only(&self, on: bool) {
        let name = self.postgres_name();
        let statement = format!("ALTER DATABASE {name} SET default_transaction_read_only = {on}");
        Cluster::get().psql("postgres", &statement);
    }

    /// Writes this database of PostgreSQL into a file, as an operator does.
    pub fn pg_dump(&self, options: &[&str], file: &Path) {
        let mut dump = Command::new(binaries().join("pg_dump"));
        dump.args(options)
            .args(["-U", "postgres", "-d", self.postgres_name(), "-h"])
            .arg(&Cluster::get().dir);
        run(dump.arg("--file").arg(file));
    }

    /// Runs a command of PostgreSQL's that names this database by its URL, without a password to show.
    pub fn run_shown(&self, command: &str, shown: &str) {
        let real = command.trim().replace(&format!("'{shown}'"), &format!("'{}'", self.url));
        run(Command::new("sh").args(["-ec", &real]));
    }

    /// Ends the sessions of this database of PostgreSQL.
    pub fn end_sessions(&self) {
        let name = self.postgres_name();
        let statement =
            format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        Cluster::get().psql("postgres", &statement);
    }

    /// What the processes of this database's sessions on PostgreSQL get: `STOP` freezes them, `CONT` lets them go on.
    pub fn signal_sessions(&self, signal: &str) {
        let name = self.postgres_name();
        let pids = Cluster::get().ask(&format!("SELECT pid FROM pg_stat_activity WHERE datname = '{name}'"));
        let mut kill = Command::new("kill");
        run(kill.args(["-s", signal]).args(pids.split_whitespace()));
    }

    /// The database that an earlier version left, from `fixtures/databases/{version}`.
    pub fn of_version(backend: Backend, version: &Path) -> Self {
        let this = Self::unmigrated(backend);
        match backend {
            Backend::Sqlite => {
                let packed = fs::read(version.join("sqlite.db.gz")).expect("the database");
                let mut file = Vec::new();
                GzDecoder::new(packed.as_slice()).read_to_end(&mut file).expect("gzip");
                fs::write(this.file(), file).expect("a copy of the database");
                fs::copy(version.join("sqlite.key"), this.key_file()).expect("a copy of the key");
            }
            Backend::Postgres => {
                let script = fs::read_to_string(version.join("postgres.sql")).expect("the script");
                Cluster::get().psql(this.name(), &script);
            }
        }
        this
    }

    /// Writes the database into a folder from which [`Self::of_version`] reads. No server may be running.
    pub fn dump(&self, backend: Backend, to: &Path) {
        fs::create_dir_all(to).expect("a folder");
        match backend {
            Backend::Sqlite => {
                let mut packed = GzEncoder::new(Vec::new(), Compression::best());
                packed.write_all(&fs::read(self.file()).expect("the database")).expect("gzip");
                fs::write(to.join("sqlite.db.gz"), packed.finish().expect("gzip")).expect("a file");
                fs::copy(self.key_file(), to.join("sqlite.key")).expect("the key");
            }
            Backend::Postgres => {
                let mut dump = Command::new(binaries().join("pg_dump"));
                dump.args(["--no-owner", "--no-privileges", "-U", "postgres", "-d", self.name(), "-h"]);
                let output = dump.arg(&Cluster::get().dir).output().expect("pg_dump");
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                let script = String::from_utf8(output.stdout).expect("UTF-8");
                // Newer versions begin and end with commands that older ones do not know.
                let lines = script.lines().filter(|line| !line.starts_with('\\') || *line == "\\.");
                let script: String = lines.flat_map(|line| [line, "\n"]).collect();
                fs::write(to.join("postgres.sql"), script).expect("a file");
            }
        }
    }

    /// The file of an SQLite database.
    fn file(&self) -> &Path {
        Path::new(self.url.strip_prefix("sqlite://").expect("an SQLite database"))
    }

    /// The master key file of an SQLite database.
    fn key_file(&self) -> PathBuf {
        self.file().with_file_name("ostiary.db.key")
    }

    /// The name of a PostgreSQL database.
    fn name(&self) -> &str {
        let path = self.url.split_once("localhost/").expect("a database of the cluster").1;
        path.split_once('?').expect("its host").0
    }
}

/// A PostgreSQL database with another program's schema.
pub struct ForeignDatabase {
    pub url: String,
    name: String,
}

impl ForeignDatabase {
    /// A new one, in which these statements were run.
    pub fn new(statements: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let cluster = Cluster::get();
        let name = format!("foreign_{}", NEXT.fetch_add(1, Ordering::SeqCst));
        cluster.psql("postgres", &format!("CREATE DATABASE {name}"));
        let foreign = Self { url: cluster.url(&name), name };
        foreign.run(statements);
        foreign
    }

    /// Runs statements in it.
    pub fn run(&self, statements: &str) {
        Cluster::get().psql(&self.name, statements);
    }
}

async fn sqlite_template() -> Vec<u8> {
    let dir = TempDir::new().expect("a temporary directory");
    let file = dir.path().join("template.db");
    let db = Db::connect(&format!("sqlite://{}", file.display()), 1).await.expect("a new SQLite file");
    db.migrate().await.expect("the migrations run on SQLite");
    db.close().await;
    fs::read(&file).expect("the template")
}

/// A PostgreSQL server for one test, which can stop it. It is reached over TCP.
pub struct OwnServer {
    cluster: Cluster,
    port: u16,
    options: String,
}

impl OwnServer {
    /// Starts one with more options of the program.
    pub fn start(options: &str) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let options = format!("-c listen_addresses=127.0.0.1 -p {port} {options}");
        Self { cluster: Cluster::start_with(&options, port), port, options }
    }

    /// A migrated database.
    pub async fn database(&self) -> TestDatabase {
        let url = format!("postgres://postgres@127.0.0.1:{}/postgres", self.port);
        let db = Db::connect(&url, 2).await.expect("a database");
        db.migrate().await.expect("the migrations run on PostgreSQL");
        db.close().await;
        TestDatabase { url, _dir: None }
    }

    /// Stops it at once, as a crash does.
    pub fn stop(&mut self) {
        let mut stdin = self.cluster.watch.stdin.take().expect("its input");
        stdin.write_all(b"keep\n").expect("a word to the shell");
        self.cluster.watch.wait().expect("its end");
    }

    /// Starts it again on its data.
    pub fn start_again(&mut self) {
        self.cluster.watch = Cluster::launch(&self.cluster.dir, &self.options);
        self.cluster.wait_until_ready();
    }
}

/// A temporary PostgreSQL cluster, started once per test process and stopped with it.
struct Cluster {
    dir: PathBuf,
    port: u16,
    watch: Child,
}

impl Cluster {
    fn get() -> &'static Self {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        CLUSTER.get_or_init(Self::start)
    }

    fn start() -> Self {
        Self::start_with("-c listen_addresses= -c max_connections=500", 5432)
    }

    fn start_with(options: &str, port: u16) -> Self {
        let dir = TempDir::new().expect("a temporary directory").keep();
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&dir));
        }
        let mut initdb = command(&as_user(&binaries().join("initdb")));
        run(initdb.arg("-D").arg(dir.join("data")).args([
            "-A",
            "trust",
            "-N",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--locale=C",
        ]));
        let cluster = Self { watch: Self::launch(&dir, options), dir, port };
        cluster.wait_until_ready();
        cluster
    }

    /// The shell stops the server when its standard input closes, however this process ends. Told to, it keeps the data.
    fn launch(dir: &Path, options: &str) -> Child {
        let script = format!(
            "{} -D '{d}/data' -k '{d}' {options} -c fsync=off -c full_page_writes=off \
             -c synchronous_commit=off >'{d}/log' 2>&1 & read -r word; kill -QUIT $(head -n 1 '{d}/data/postmaster.pid'); wait; \
             [ \"$word\" = keep ] || rm -rf '{d}'",
            as_user(&binaries().join("postgres")).join(" "),
            d = dir.display()
        );
        Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell")
    }

    fn wait_until_ready(&self) {
        let begun = std::time::Instant::now();
        let ready = || {
            let mut probe = Command::new(binaries().join("pg_isready"));
            probe
                .arg("-h")
                .arg(&self.dir)
                .args(["-p", &self.port.to_string()])
                .stdout(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        };
        while !ready() {
            assert!(
                begun.elapsed().as_secs() < 60,
                "PostgreSQL did not start; its log is in {}",
                self.dir.display()
            );
            std::thread::yield_now();
        }
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", Self::encoded(&self.dir))
    }

    fn encoded(folder: &Path) -> String {
        url::form_urlencoded::byte_serialize(folder.display().to_string().as_bytes()).collect()
    }

    async fn make_template(&self) {
        self.psql("postgres", "CREATE DATABASE migrated");
        let db = Db::connect(&self.url("migrated"), 2).await.expect("the template database");
        db.migrate().await.expect("the migrations run on PostgreSQL");
        db.close().await;
    }

    fn psql(&self, database: &str, statement: &str) {
        let mut psql = Command::new(binaries().join("psql"));
        psql.args(["-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database, "-h"]).arg(&self.dir);
        let mut child = psql.stdin(Stdio::piped()).spawn().expect("psql");
        child.stdin.take().expect("its input").write_all(statement.as_bytes()).expect("a statement sent");
        assert!(child.wait().expect("psql's end").success(), "psql failed: {statement}");
    }

    /// The answer to a query, one row a line.
    fn ask(&self, query: &str) -> String {
        let mut psql = Command::new(binaries().join("psql"));
        psql.args(["-qtAX", "-U", "postgres", "-d", "postgres", "-c", query, "-h"]).arg(&self.dir);
        let output = psql.output().expect("psql");
        assert!(output.status.success(), "psql failed: {query}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

/// Whether this process is root's. PostgreSQL and PgBouncer refuse to run as root.
pub fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout == b"0\n")
}

/// The words that run a program of PostgreSQL's: for root, as the user of its package.
fn as_user(program: &Path) -> Vec<String> {
    let user: &[&str] = if is_root() { &["runuser", "-u", "postgres", "--"] } else { &[] };
    let mut words: Vec<String> = user.iter().map(|word| (*word).to_owned()).collect();
    words.push(program.display().to_string());
    words
}

fn command(words: &[String]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Where Debian puts PostgreSQL's programs: of the newest version.
fn binaries() -> PathBuf {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL is not installed: run `make deps`")
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| Path::new(&bin.join("initdb")).exists())
        .collect();
    versions.sort();
    versions.pop().expect("PostgreSQL is not installed: run `make deps`")
}

//! PgBouncer before PostgreSQL.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use ostiary::store::Db;
use tempfile::TempDir;

use crate::support::{Backend, TestDatabase, databases::is_root};

/// PgBouncer before a database. It is killed on drop.
struct Pooler {
    process: Child,
    port: u16,
    dir: TempDir,
}

impl Pooler {
    fn before(database: &TestDatabase, pool_mode: &str) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let dir = TempDir::new().unwrap();
        let settings = format!(
            "[databases]\nostiary = host={} user=postgres dbname={}\n\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nauth_type = any\npool_mode = {pool_mode}\nunix_socket_dir =\nmax_client_conn = 100\n",
            database.socket_folder().display(),
            database.postgres_name(),
        );
        let file = dir.path().join("pgbouncer.ini");
        fs::write(&file, settings).unwrap();
        // It runs as another user where this one is root.
        let open = std::os::unix::fs::PermissionsExt::from_mode;
        fs::set_permissions(dir.path(), open(0o755)).unwrap();
        fs::set_permissions(&file, open(0o644)).unwrap();
        let program = std::path::Path::new("/usr/sbin/pgbouncer");
        assert!(program.exists(), "PgBouncer is not installed: run `make test-deps`");
        let log = fs::File::create(dir.path().join("log")).unwrap();
        let user: &[&str] = if is_root() { &["-u", "postgres"] } else { &[] };
        let process = Command::new(program)
            .args(user)
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let this = Self { process, port, dir };
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "PgBouncer does not start: {}", this.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        this
    }

    fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/ostiary", self.port)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_pooler_of_transactions_is_refused_by_name_and_one_of_sessions_serves() {
    actix_web::rt::System::new().block_on(async {
        let database = TestDatabase::new(Backend::Postgres).await;
        for pool_mode in ["transaction", "session"] {
            let pooler = Pooler::before(&database, pool_mode);
            let connected = Db::connect(&pooler.url(), 4).await;
            if pool_mode == "session" {
                let db = connected.unwrap_or_else(|error| panic!("{error}: {}", pooler.log()));
                let mut tx = db.write().await.unwrap();
                let count = "SELECT COUNT(*) FROM settings WHERE name <> $1";
                let (before,): (i64,) = tx.sql(count).bind("x").one().await.unwrap();
                tx.sql("INSERT INTO settings (name, value) VALUES ($1, 'y')")
                    .bind("x")
                    .execute()
                    .await
                    .unwrap();
                tx.commit().await.unwrap();
                let (after,): (i64,) = db.read().await.unwrap().sql(count).bind("x").one().await.unwrap();
                assert_eq!(before, after);
                db.probe().await.unwrap();
                db.close().await;
            } else {
                let refused = connected.unwrap_err().to_string();
                assert!(refused.contains("pool_mode = session"), "{pool_mode}: {refused}: {}", pooler.log());
            }
        }
    });
}

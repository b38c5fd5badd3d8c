//! A proxy before PostgreSQL whose connections can be cut or silenced, and that can lose the answer to a COMMIT.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::AbortHandle,
};

/// The name of a PostgreSQL server's socket in its folder.
const SOCKET: &str = ".s.PGSQL.5432";

/// Which transaction loses the answer to its COMMIT: the next one that sends this text.
type Loss = Arc<Mutex<Option<&'static str>>>;

/// One connection through the proxy.
struct Connection {
    silent: Arc<AtomicBool>,
    pumps: [AbortHandle; 2],
}

/// The proxy. Connections that are made after a fault are good again.
pub struct Proxy {
    dir: TempDir,
    connections: Arc<Mutex<Vec<Connection>>>,
    loss: Loss,
}

impl Proxy {
    /// A proxy before the server whose socket is in `folder`.
    pub fn before(folder: &Path) -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        let listener = UnixListener::bind(dir.path().join(SOCKET)).expect("a socket");
        let connections: Arc<Mutex<Vec<Connection>>> = Arc::default();
        let loss = Loss::default();
        let (target, known): (PathBuf, _) = (folder.join(SOCKET), Arc::clone(&connections));
        let losing = Arc::clone(&loss);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&target).await.expect("the server");
                let silent = Arc::new(AtomicBool::new(false));
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let answers = tokio::spawn(pump(from_server, to_client, Arc::clone(&silent))).abort_handle();
                let statements =
                    Statements { loss: Arc::clone(&losing), is_meant: false, answers: answers.clone() };
                let requests = pump_statements(from_client, to_server, Arc::clone(&silent), statements);
                let pumps = [tokio::spawn(requests).abort_handle(), answers];
                known.lock().unwrap().push(Connection { silent, pumps });
            }
        });
        Self { dir, connections, loss }
    }

    /// The folder of its socket.
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// From now on nothing passes in either direction on the connections that are open, and nobody is told.
    pub fn silence(&self) {
        for connection in self.connections.lock().unwrap().iter() {
            connection.silent.store(true, Ordering::Relaxed);
        }
    }

    /// Closes a connection instead of passing the answer to the COMMIT of the next transaction that sends `text`. The server
    /// commits.
    pub fn lose_commit_of(&self, text: &'static str) {
        *self.loss.lock().unwrap() = Some(text);
    }

    /// Whether that has happened.
    pub fn has_lost_commit(&self) -> bool {
        self.loss.lock().unwrap().is_none()
    }

    /// Closes the connections that are open.
    pub fn cut(&self) {
        for connection in self.connections.lock().unwrap().drain(..) {
            connection.pumps.iter().for_each(AbortHandle::abort);
        }
    }
}

/// What a connection's client has sent.
struct Statements {
    loss: Loss,
    /// Whether its transaction is the one that loses its answer.
    is_meant: bool,
    answers: AbortHandle,
}

impl Statements {
    /// Returns whether `bytes` end the transaction whose answer is to be lost.
    fn read(&mut self, bytes: &[u8]) -> bool {
        let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        let mut loss = self.loss.lock().unwrap();
        self.is_meant |= loss.is_some_and(has);
        let lost = self.is_meant && has("COMMIT");
        if lost {
            *loss = None;
        }
        lost
    }
}

async fn pump_statements(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    silent: Arc<AtomicBool>,
    mut statements: Statements,
) {
    let mut buffer = [0; 8192];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let lost = statements.read(&buffer[..read]);
        if lost {
            statements.answers.abort();
        }
        if !silent.load(Ordering::Relaxed) && to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
        if lost {
            return;
        }
    }
    // A connection that is silent is not closed either.
    if silent.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, silent: Arc<AtomicBool>) {
    let mut buffer = [0; 8192];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if !silent.load(Ordering::Relaxed) && to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
    // A connection that is silent is not closed either.
    if silent.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

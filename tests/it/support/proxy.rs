//! A proxy before PostgreSQL whose connections can be cut or silenced.

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

/// One connection through the proxy.
struct Connection {
    silent: Arc<AtomicBool>,
    pumps: [AbortHandle; 2],
}

/// The proxy. Connections that are made after a fault are good again.
pub struct Proxy {
    dir: TempDir,
    connections: Arc<Mutex<Vec<Connection>>>,
}

impl Proxy {
    /// A proxy before the server whose socket is in `folder`.
    pub fn before(folder: &Path) -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        let listener = UnixListener::bind(dir.path().join(SOCKET)).expect("a socket");
        let connections: Arc<Mutex<Vec<Connection>>> = Arc::default();
        let (target, known): (PathBuf, _) = (folder.join(SOCKET), Arc::clone(&connections));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&target).await.expect("the server");
                let silent = Arc::new(AtomicBool::new(false));
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let pumps = [
                    tokio::spawn(pump(from_client, to_server, Arc::clone(&silent))).abort_handle(),
                    tokio::spawn(pump(from_server, to_client, Arc::clone(&silent))).abort_handle(),
                ];
                known.lock().unwrap().push(Connection { silent, pumps });
            }
        });
        Self { dir, connections }
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

    /// Closes the connections that are open.
    pub fn cut(&self) {
        for connection in self.connections.lock().unwrap().drain(..) {
            connection.pumps.iter().for_each(AbortHandle::abort);
        }
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

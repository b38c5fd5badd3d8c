//! A small load balancer: it asks every server for `/readyz`, and gives each connection to one that is ready, or to the
//! next one if that cannot be reached. What it has given away it does not give to another.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
    time::{sleep, timeout},
};

/// How often it asks.
const INTERVAL: Duration = Duration::from_millis(100);

struct Target {
    address: SocketAddr,
    ready: Arc<AtomicBool>,
    checks: AbortHandle,
}

impl Drop for Target {
    fn drop(&mut self) {
        self.checks.abort();
    }
}

/// The balancer.
#[derive(Clone)]
pub struct Balancer {
    targets: Arc<Mutex<Vec<Target>>>,
    next: Arc<AtomicUsize>,
}

impl Balancer {
    /// Listens at a free port, which it returns.
    pub async fn start() -> (Self, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let this = Self { targets: Arc::default(), next: Arc::default() };
        let accepting = this.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().forward(client));
            }
        });
        (this, port)
    }

    /// Adds a server and waits until it is ready.
    pub async fn add(&self, address: SocketAddr) {
        let ready = Arc::new(AtomicBool::new(false));
        let answer = Arc::clone(&ready);
        let checks = tokio::spawn(async move {
            loop {
                answer.store(is_ready(address).await, Ordering::Relaxed);
                sleep(INTERVAL).await;
            }
        });
        let target = Target { address, ready: Arc::clone(&ready), checks: checks.abort_handle() };
        self.targets.lock().unwrap().push(target);
        while !ready.load(Ordering::Relaxed) {
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Forgets a server.
    pub fn remove(&self, address: SocketAddr) {
        self.targets.lock().unwrap().retain(|target| target.address != address);
    }

    async fn forward(self, mut client: TcpStream) {
        loop {
            let ready: Vec<SocketAddr> = {
                let targets = self.targets.lock().unwrap();
                let ready = targets.iter().filter(|target| target.ready.load(Ordering::Relaxed));
                ready.map(|target| target.address).collect()
            };
            let first = self.next.fetch_add(1, Ordering::Relaxed);
            for at in 0..ready.len() {
                if let Ok(mut server) = TcpStream::connect(ready[(first + at) % ready.len()]).await {
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                    return;
                }
            }
            sleep(INTERVAL).await;
        }
    }
}

async fn is_ready(address: SocketAddr) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok()?;
        Some(answer.starts_with(b"HTTP/1.1 200"))
    };
    timeout(Duration::from_secs(1), ask).await.ok().flatten().unwrap_or(false)
}

//! CPU-bound work that grows with the client's input runs on blocking threads, a few at a time, so that it does
//! not block an async thread.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use base::id::ScimDirectoryId;

use super::fair_queue::FairQueue;
use crate::app::{Error, Result};

/// The maximum wait for a thread.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Up to this many bytes of input the work runs on the calling thread: less than a millisecond.
pub const MAX_INLINE_BYTES: usize = 16 * 1024;

/// Runs such work. Cheap to clone; shared by all requests.
#[derive(Debug, Clone)]
pub struct Offload {
    permits: FairQueue<Option<ScimDirectoryId>>,
}

impl Offload {
    /// Runs `at_once` pieces of work at a time.
    pub fn new(at_once: usize) -> Self {
        Self { permits: FairQueue::new(at_once, MAX_WAIT) }
    }

    /// Runs `work` on `bytes` of input, for one directory or (`None`) for all: on the calling thread if the input
    /// is small, else on a blocking thread, with fair queueing among directories. Work that has started runs to
    /// its end even if the caller is cancelled. [`Error::Unavailable`] if no thread is free in time.
    pub async fn run<T, F>(&self, directory: Option<ScimDirectoryId>, bytes: usize, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        if bytes <= MAX_INLINE_BYTES {
            return Ok(work());
        }
        let turn = self.permits.acquire(directory, IpAddr::V4(Ipv4Addr::UNSPECIFIED)).await?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await.map_err(Error::internal)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[actix_web::test]
    async fn only_large_work_goes_to_another_thread() {
        let offload = Offload::new(1);
        let here = thread::current().id();
        let at = |bytes| offload.run(None, bytes, || thread::current().id());
        assert_eq!(at(MAX_INLINE_BYTES).await.unwrap(), here);
        assert_ne!(at(MAX_INLINE_BYTES + 1).await.unwrap(), here);
    }

    #[actix_web::test]
    async fn a_panic_gives_its_turn_back() {
        let offload = Offload::new(1);
        let panics = || -> () { panic!("in the work") };
        assert!(offload.run(None, MAX_INLINE_BYTES + 1, panics).await.is_err());
        assert_eq!(offload.run(None, MAX_INLINE_BYTES + 1, || 1).await.unwrap(), 1);
    }
}

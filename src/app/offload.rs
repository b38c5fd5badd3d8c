//! Work that grows with what a client sent is done on threads of its own, a few at a time: an async
//! thread that computes answers nobody else.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use super::{Error, Result, fair_queue::FairQueue};
use crate::model::id::ScimDirectoryId;

/// How long work waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// Up to how many bytes of input the work is done where it is: less than a millisecond.
pub const INLINE_BYTES: usize = 16 * 1024;

/// The threads for such work. Cheap to clone; the same for every request.
#[derive(Debug, Clone)]
pub struct Offload {
    turns: FairQueue<Option<ScimDirectoryId>>,
}

impl Offload {
    /// So many at a time.
    pub fn new(at_once: usize) -> Self {
        Self { turns: FairQueue::new(at_once, PATIENCE) }
    }

    /// Does `work` for a directory, or for all of them, which goes over this many bytes: here if they are few, else
    /// on another thread once there is a turn, which directories take one after another. What has begun goes on
    /// to its end when nobody waits for it any more. [`Error::Unavailable`]: there was no turn for too long.
    pub async fn run<T, F>(&self, directory: Option<ScimDirectoryId>, bytes: usize, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        if bytes <= INLINE_BYTES {
            return Ok(work());
        }
        let turn = self.turns.turn(directory, IpAddr::V4(Ipv4Addr::UNSPECIFIED)).await?;
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
        assert_eq!(at(INLINE_BYTES).await.unwrap(), here);
        assert_ne!(at(INLINE_BYTES + 1).await.unwrap(), here);
    }

    #[actix_web::test]
    async fn a_panic_gives_its_turn_back() {
        let offload = Offload::new(1);
        let panics = || -> () { panic!("in the work") };
        assert!(offload.run(None, INLINE_BYTES + 1, panics).await.is_err());
        assert_eq!(offload.run(None, INLINE_BYTES + 1, || 1).await.unwrap(), 1);
    }
}

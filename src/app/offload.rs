//! Work that grows with what a client sent is done on threads of its own, a few at a time: an async
//! thread that computes answers nobody else.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{Error, Result};

/// Up to how many bytes of input the work is done where it is: less than a millisecond.
pub const INLINE_BYTES: usize = 16 * 1024;

/// The threads for such work. Cheap to clone; the same for every request.
#[derive(Debug, Clone)]
pub struct Offload {
    turns: Arc<Semaphore>,
}

impl Offload {
    /// So many at a time.
    pub fn new(at_once: usize) -> Self {
        Self { turns: Arc::new(Semaphore::new(at_once.max(1))) }
    }

    /// Does `work`, which goes over this many bytes: here if they are few, else on another thread once
    /// there is a turn. What has begun goes on to its end when nobody waits for it any more.
    pub async fn run<T, F>(&self, bytes: usize, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        if bytes <= INLINE_BYTES {
            return Ok(work());
        }
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(Error::internal)?;
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
        let at = |bytes| offload.run(bytes, || thread::current().id());
        assert_eq!(at(INLINE_BYTES).await.unwrap(), here);
        assert_ne!(at(INLINE_BYTES + 1).await.unwrap(), here);
    }

    #[actix_web::test]
    async fn a_panic_gives_its_turn_back() {
        let offload = Offload::new(1);
        let panics = || -> () { panic!("in the work") };
        assert!(offload.run(INLINE_BYTES + 1, panics).await.is_err());
        assert_eq!(offload.run(INLINE_BYTES + 1, || 1).await.unwrap(), 1);
    }
}

//! The places of clients in a line for connections: one client takes a part of it, and waits for a place of its own when it
//! sends more at once.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::{Error, Result};

/// How long a client's request waits for one of the client's places.
const PLACE_TIMEOUT: Duration = Duration::from_secs(4);

/// How many requests of one client may wait for its places. More are refused at once.
const MAX_WAITING_EACH_CLIENT: usize = 1024;

tokio::task_local! {
    static CLIENT: IpAddr;
}

/// Does the work of a request of `client`: the connections that it waits for and holds count as this client's.
pub async fn for_client<W: Future>(client: IpAddr, work: W) -> W::Output {
    CLIENT.scope(client, work).await
}

/// The places of all clients. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct ClientPlaces {
    clients: Arc<Mutex<HashMap<IpAddr, Client>>>,
    places: usize,
}

#[derive(Debug)]
struct Client {
    places: Arc<Semaphore>,
    /// How many requests hold a place or wait for one.
    present: usize,
}

/// A place of a client. Free when dropped.
#[derive(Debug)]
pub(super) struct ClientPlace {
    /// Dropped before the client is.
    _place: OwnedSemaphorePermit,
    _presence: Presence,
}

/// One request of a client that holds a place or waits for one.
#[derive(Debug)]
struct Presence {
    all: ClientPlaces,
    client: IpAddr,
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut clients = self.all.lock();
        if let Some(client) = clients.get_mut(&self.client) {
            client.present -= 1;
            if client.present == 0 {
                clients.remove(&self.client);
            }
        }
    }
}

impl ClientPlaces {
    /// So many places for each client.
    pub(super) fn new(places: usize) -> Self {
        Self { clients: Arc::default(), places }
    }

    /// Waits for a place of the client whose request this is. `None`: it is no client's work. [`Error::Busy`]: the client
    /// has too many requests under way.
    pub(super) async fn take(&self) -> Result<Option<ClientPlace>> {
        let Ok(client) = CLIENT.try_with(|client| *client) else { return Ok(None) };
        let places = {
            let mut clients = self.lock();
            let known = clients
                .entry(client)
                .or_insert_with(|| Client { places: Arc::new(Semaphore::new(self.places)), present: 0 });
            if known.present >= self.places + MAX_WAITING_EACH_CLIENT {
                return Err(Error::Busy);
            }
            known.present += 1;
            Arc::clone(&known.places)
        };
        let presence = Presence { all: self.clone(), client };
        let place = tokio::time::timeout(PLACE_TIMEOUT, places.acquire_owned()).await;
        // The semaphore is never closed.
        let place = place.ok().and_then(std::result::Result::ok).ok_or(Error::Busy)?;
        Ok(Some(ClientPlace { _place: place, _presence: presence }))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Client>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use super::*;

    #[tokio::test]
    async fn a_client_waits_for_its_own_places_only() {
        let places = ClientPlaces::new(3);
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let take = |client| for_client(client, places.take());
        assert!(places.take().await.unwrap().is_none(), "no client's work");
        let mut held = Vec::new();
        for _ in 0..places.places {
            held.push(take(one).await.unwrap().unwrap());
        }
        let mut next = Box::pin(take(one));
        assert!(std::future::poll_fn(|context| Poll::Ready(next.as_mut().poll(context).is_pending())).await);
        drop(take(other).await.unwrap().unwrap());
        held.pop();
        held.push(next.await.unwrap().unwrap());
        drop(held);
        assert!(places.lock().is_empty(), "who has nothing under way is forgotten");
    }
}

//! Limits of client connections: how many one address may have, how much is read ahead, and how long an incomplete
//! request or an unread response is waited for.
//!
//! actix-http reads a connection into a buffer of up to 128 KiB, decodes up to sixteen requests ahead, limits the time
//! of the first request's head only, and waits without limit for a client that does not read its response. The stream
//! that wraps the socket here bounds each of these.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    future::ready,
    io,
    net::IpAddr,
    pin::Pin,
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use actix_http::{HttpService, Request, error::DispatchError};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::{
    Error,
    body::MessageBody,
    dev::{AppConfig, Response, Service},
    rt::net::TcpStream,
};
use base::time::{Clock, Timestamp};
use ipnet::IpNet;
use model::client_address::ClientAddress;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::transfer_rate::{DeadlineTimer, MinimumRate};
use crate::{
    app::limits::request_memory::{RequestMemory, Reservation},
    telemetry,
};

/// How long a client may take to send its request line and headers.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an idle connection stays open.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long closing a connection may take.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How many bytes are read ahead of what the request has consumed. actix-http's buffer may take twice as much.
const MAX_READ_AHEAD_BYTES: usize = 32 * 1024;
/// The buffer of actix-http: it answers a head that fills it with 431.
const ACTIX_BUFFER_BYTES: usize = 128 * 1024;
/// How many bytes of a request head every connection may hold without a reservation of request memory.
const UNRESERVED_HEAD_BYTES: usize = 8 * 1024;
/// How many bytes are read before the reader yields: actix-http reads for as long as there is data.
const MAX_BURST_BYTES: usize = 16 * 1024;
/// How many bytes of an unread body without `Content-Length` are discarded.
const MAX_DISCARDED_BYTES: usize = 256 * 1024;
/// How long a client may stop reading its response.
const WRITE_GRACE: Duration = Duration::from_secs(30);
/// How fast a client must read its response, in bytes per second.
const MIN_BYTES_WRITTEN_PER_SECOND: u32 = 1024;

/// The open connections of a server.
pub struct Connections {
    /// Proxies, which are exempt: their connections carry many clients.
    pub trusted_proxies: Vec<IpNet>,
    /// How many connections one client address may have (IPv6: one /64), or `None` for any number.
    pub max_per_client: Option<usize>,
    /// The request memory that long incomplete heads are reserved from.
    pub memory: Arc<RequestMemory>,
    /// The clock for deadlines.
    pub clock: Arc<dyn Clock>,
    /// The number of open connections by client.
    pub open: Mutex<HashMap<IpAddr, usize>>,
}

impl Connections {
    /// Accepts a connection from `peer`; `None` when it has too many.
    fn accept<T>(self: &Arc<Self>, io: T, peer: IpAddr) -> Option<Connection<T>> {
        let peer = peer.to_canonical();
        let is_proxy = self.trusted_proxies.iter().any(|network| network.contains(&peer));
        let client = (!is_proxy).then(|| ClientAddress(peer).network());
        if let (Some(client), Some(max)) = (client, self.max_per_client) {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            let count = open.entry(client).or_default();
            if *count >= max {
                return None;
            }
            *count += 1;
        }
        let state = Rc::new(ConnectionState::new(self.memory.reservation(client)));
        let slot = Slot { connections: Arc::clone(self), client };
        Some(Connection {
            io,
            state,
            slot,
            burst: 0,
            filling: None,
            head_timer: DeadlineTimer::default(),
            write_timer: DeadlineTimer::default(),
            writing: None,
        })
    }

    /// Serves `app` over HTTP/1.1 on the accepted connections.
    pub fn serve<F, S, B>(
        self: Arc<Self>,
        app: F,
        stopping: actix_server::GracefulShutdownSignal,
    ) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()>
    where
        F: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig> + 'static,
        S::Error: Into<Error> + 'static,
        S::InitError: std::fmt::Debug,
        S::Response: Into<Response<B>> + 'static,
        <S::Service as Service<Request>>::Future: 'static,
        S::Service: 'static,
        B: MessageBody + 'static,
    {
        let app = app.into_factory().map_err(|error| error.into().error_response());
        let http = HttpService::build()
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(HEAD_TIMEOUT)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .on_connect_ext(|connection: &Connection<TcpStream>, extensions| {
                extensions.insert(Rc::clone(&connection.state));
            })
            .h1(map_config(app, |()| AppConfig::default()));
        fn_service(move |io: TcpStream| {
            let peer = io.peer_addr();
            let taken = peer.as_ref().ok().and_then(|peer| self.accept(io, peer.ip()));
            ready(match taken {
                Some(connection) => Ok((connection, peer.ok())),
                None => {
                    telemetry::connection_refused();
                    Err(DispatchError::Io(io::ErrorKind::ConnectionRefused.into()))
                }
            })
        })
        .and_then(http)
    }
}

/// Counts one open connection of a client; released on drop.
struct Slot {
    connections: Arc<Connections>,
    client: Option<IpAddr>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let (Some(client), Some(_)) = (self.client, self.connections.max_per_client) else { return };
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                open.remove(&client);
            }
        }
    }
}

/// The part of a request that a connection reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The head of the next request.
    Head,
    /// The body of a request that is being handled.
    Request,
}

/// State shared by a connection's stream and its requests, to which it is attached as connection data.
#[derive(Debug)]
pub(super) struct ConnectionState {
    phase: Cell<Phase>,
    /// Whether a request was handled already. actix-http limits the time of the first head itself.
    served: Cell<bool>,
    /// Bytes that were read ahead of the requests.
    ahead: Cell<usize>,
    /// Bytes of an unread body that are still to be discarded.
    discard: Cell<usize>,
    /// Bytes of the current body that have not arrived, if known.
    body: Cell<Option<usize>>,
    /// When the head that is arriving must be complete.
    head_deadline: Cell<Option<Timestamp>>,
    reservation: RefCell<Reservation>,
    /// The reader that waits until more may be read.
    reader: RefCell<Option<Waker>>,
}

impl ConnectionState {
    fn new(reservation: Reservation) -> Self {
        Self {
            phase: Cell::new(Phase::Head),
            served: Cell::new(false),
            ahead: Cell::new(0),
            discard: Cell::new(0),
            body: Cell::new(None),
            head_deadline: Cell::new(None),
            reservation: RefCell::new(reservation),
            reader: RefCell::new(None),
        }
    }

    /// The head is complete and the request is being handled.
    pub(super) fn request_started(&self) {
        self.phase.set(Phase::Request);
        self.served.set(true);
        self.ahead.set(0);
        self.discard.set(0);
        self.body.set(None);
        self.head_deadline.set(None);
        self.reservation.borrow_mut().clear();
        self.wake();
    }

    /// The request has a body, of `length` bytes if announced.
    pub(super) fn expect_body(&self, length: Option<u64>) {
        let length =
            length.map_or(MAX_DISCARDED_BYTES, |length| usize::try_from(length).unwrap_or(usize::MAX));
        self.body.set(Some(length));
    }

    /// The request consumed bytes of its body.
    pub(super) fn body_read(&self, bytes: usize) {
        self.ahead.set(self.ahead.get().saturating_sub(bytes));
        self.body.set(self.body.get().map(|length| length.saturating_sub(bytes)));
        self.wake();
    }

    /// The request waits for more of its body: actix-http has decoded all that was read, including the framing of
    /// chunks (RFC 9112 §7.1).
    pub(super) fn body_pending(&self) {
        self.ahead.set(0);
        self.wake();
    }

    /// The request read its body to the end.
    pub(super) fn body_ended(&self) {
        self.body.set(None);
    }

    /// The request is answered. Returns whether its body was read to the end.
    pub(super) fn request_answered(&self) -> bool {
        let left = self.body.take();
        self.discard.set(left.unwrap_or(0));
        self.phase.set(Phase::Head);
        self.wake();
        left.is_none()
    }

    fn wake(&self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// Whether more may be read now; reserves the memory for it.
    fn may_read(&self) -> bool {
        let ahead = self.ahead.get();
        if self.phase.get() == Phase::Request {
            return ahead < MAX_READ_AHEAD_BYTES;
        }
        let head = ahead.saturating_sub(self.discard.get());
        let mut reservation = self.reservation.borrow_mut();
        let has_room = head < UNRESERVED_HEAD_BYTES + reservation.bytes();
        head < MAX_READ_AHEAD_BYTES && (has_room || reservation.grow(UNRESERVED_HEAD_BYTES).is_ok())
    }

    /// Whether as much as is read ahead, but for the rest of a body, belongs to a head.
    fn head_is_full(&self) -> bool {
        let head = self.ahead.get().saturating_sub(self.discard.get());
        self.phase.get() == Phase::Head && head >= MAX_READ_AHEAD_BYTES
    }

    /// Counts bytes that were read.
    fn read(&self, bytes: usize, now: Timestamp) {
        self.ahead.set(self.ahead.get().saturating_add(bytes));
        if self.phase.get() == Phase::Head && self.served.get() && self.head_deadline.get().is_none() {
            self.head_deadline.set(Some(now + HEAD_TIMEOUT));
        }
    }
}

/// A client's connection, wrapped with the limits of this module.
pub struct Connection<T> {
    io: T,
    state: Rc<ConnectionState>,
    slot: Slot,
    /// Bytes that were read since the reader last yielded.
    burst: usize,
    /// What fills the buffer of actix-http after a head that is too long, in bytes; `None` until it is.
    filling: Option<usize>,
    head_timer: DeadlineTimer,
    write_timer: DeadlineTimer,
    writing: Option<MinimumRate>,
}

impl<T> Connection<T> {
    fn clock(&self) -> &Arc<dyn Clock> {
        &self.slot.connections.clock
    }

    /// Pending until the deadline of the head, or until its memory is given to others; then an error.
    fn wait_for_head(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.state.reservation.borrow().wait(context.waker()).is_err() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let Some(deadline) = self.state.head_deadline.get() else { return Poll::Pending };
        let clock = Arc::clone(self.clock());
        if self.head_timer.has_passed(deadline, &*clock, context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }

    /// Ends a head that is too long: its buffer is filled, so that actix-http refuses it at once. Before that the
    /// reader yields, since the last bytes may have completed the head.
    fn refuse_head(&mut self, buffer: &mut ReadBuf<'_>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(left) = self.filling else {
            self.filling = Some(ACTIX_BUFFER_BYTES);
            context.waker().wake_by_ref();
            return Poll::Pending;
        };
        let bytes = left.min(buffer.remaining());
        buffer.initialize_unfilled_to(bytes).fill(b'x');
        buffer.advance(bytes);
        self.filling = Some(left - bytes);
        Poll::Ready(Ok(()))
    }

    /// Applies the minimum rate to a write.
    fn wrote(
        &mut self,
        outcome: Poll<io::Result<usize>>,
        wanted: usize,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let clock = Arc::clone(self.clock());
        let now = clock.now();
        let begin = || MinimumRate::new(MIN_BYTES_WRITTEN_PER_SECOND, WRITE_GRACE, now);
        match outcome {
            Poll::Ready(Ok(bytes)) if bytes >= wanted => {
                self.writing = None;
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Ok(bytes)) => {
                self.writing.get_or_insert_with(begin).transferred(bytes, now);
                Poll::Ready(Ok(bytes))
            }
            Poll::Pending => {
                let deadline = self.writing.get_or_insert_with(begin).deadline();
                if self.write_timer.has_passed(deadline, &*clock, context) {
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
                Poll::Pending
            }
            failed => failed,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Connection<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.burst >= MAX_BURST_BYTES {
            this.burst = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if !this.state.may_read() {
            this.burst = 0;
            // While a response is being written, what was read may be whole requests that wait for it.
            if this.state.head_is_full() && this.writing.is_none() {
                return this.refuse_head(buffer, context);
            }
            this.filling = None;
            *this.state.reader.borrow_mut() = Some(context.waker().clone());
            return this.wait_for_head(context);
        }
        // It was no head that is too long: the last bytes completed it.
        this.filling = None;
        let before = buffer.filled().len();
        match Pin::new(&mut this.io).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {
                let bytes = buffer.filled().len() - before;
                if bytes > 0 {
                    this.burst += bytes;
                    this.state.read(bytes, this.clock().now());
                }
                Poll::Ready(Ok(()))
            }
            Poll::Pending => {
                this.burst = 0;
                this.wait_for_head(context)
            }
            failed => failed,
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Connection<T> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.io).poll_write(context, bytes);
        this.wrote(outcome, bytes.len(), context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.io).poll_write_vectored(context, parts);
        this.wrote(outcome, parts.iter().map(|part| part.len()).sum(), context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, task::Waker};

    use super::*;
    use crate::app::limits::request_memory::MemoryBounds;
    use base::time::ManualClock;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    /// A fake client: the chunks that it sends, and how many bytes it reads.
    #[derive(Default)]
    struct Client {
        sends: VecDeque<Vec<u8>>,
        reads: usize,
    }

    impl AsyncRead for Client {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let Some(mut bytes) = self.sends.pop_front() else { return Poll::Pending };
            let rest = bytes.split_off(bytes.len().min(buffer.remaining()));
            buffer.put_slice(&bytes);
            if !rest.is_empty() {
                self.sends.push_front(rest);
            }
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Client {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let taken = self.reads.min(bytes.len());
            self.reads -= taken;
            if taken == 0 { Poll::Pending } else { Poll::Ready(Ok(taken)) }
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    struct Fixture {
        connections: Arc<Connections>,
        clock: Arc<ManualClock>,
    }

    fn fixture(max_per_client: Option<usize>, memory: usize) -> Fixture {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_000_000)));
        let connections = Arc::new(Connections {
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
            max_per_client,
            memory: RequestMemory::new(
                MemoryBounds::share(memory, true),
                Arc::clone(&clock) as Arc<dyn Clock>,
            ),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            open: Mutex::default(),
        });
        Fixture { connections, clock }
    }

    impl Fixture {
        fn connect(&self) -> Connection<Client> {
            self.connections.accept(Client::default(), PEER).unwrap()
        }
    }

    /// Reads until there is nothing; returns the number of bytes.
    fn read(connection: &mut Connection<Client>) -> io::Result<usize> {
        let mut total = 0;
        loop {
            match burst(connection)? {
                0 => return Ok(total),
                bytes => total += bytes,
            }
        }
    }

    fn burst(connection: &mut Connection<Client>) -> io::Result<usize> {
        let mut context = Context::from_waker(Waker::noop());
        let mut total = 0;
        loop {
            let mut space = [0; 4096];
            let mut buffer = ReadBuf::new(&mut space);
            match Pin::new(&mut *connection).poll_read(&mut context, &mut buffer) {
                Poll::Ready(outcome) => outcome?,
                Poll::Pending => return Ok(total),
            }
            total += buffer.filled().len();
        }
    }

    #[test]
    fn a_client_has_so_many_connections_and_a_proxy_any_number() {
        let Fixture { connections, .. } = fixture(Some(2), 1 << 20);
        let accept = |peer: &str| connections.accept(Client::default(), peer.parse().unwrap());
        let (first, second) = (accept("192.0.2.1").unwrap(), accept("::ffff:192.0.2.1").unwrap());
        assert!(accept("192.0.2.1").is_none());
        let _other = accept("192.0.2.2").unwrap();
        let _networks: Vec<_> =
            ["2001:db8:1:2::1", "2001:db8:1:2::2"].map(|peer| accept(peer).unwrap()).into();
        assert!(accept("2001:db8:1:2:ffff::3").is_none(), "an IPv6 client is its /64");
        let _next = accept("2001:db8:1:3::1").unwrap();
        let _proxied: Vec<_> = (0..10).map(|_| accept("10.0.0.1").unwrap()).collect();
        drop(first);
        let _again = accept("192.0.2.1").unwrap();
        drop(second);
        assert_eq!(connections.open.lock().unwrap()[&PEER], 1);
        let unlimited = fixture(None, 1 << 20);
        let _many: Vec<_> = (0..10).map(|_| unlimited.connect()).collect();
        assert!(unlimited.connections.open.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn no_more_is_read_than_was_asked_for() {
        let fixture = fixture(None, 64 << 20);
        let mut connection = fixture.connect();
        connection.io.sends = (0..65).map(|_| vec![b'x'; 4096]).collect();
        assert_eq!(burst(&mut connection).unwrap(), MAX_BURST_BYTES, "then the reader yields");
        assert_eq!(burst(&mut connection).unwrap(), MAX_READ_AHEAD_BYTES - MAX_BURST_BYTES, "a head");
        let state = Rc::clone(&connection.state);
        state.request_started();
        state.expect_body(Some(50 * 4096));
        assert_eq!(read(&mut connection).unwrap(), MAX_READ_AHEAD_BYTES, "a body, and requests behind it");
        state.body_read(4096);
        assert_eq!(read(&mut connection).unwrap(), 4096);
        // The rest of a body that the handler did not read is discarded, so that the client gets its response.
        assert!(!state.request_answered());
        assert_eq!(read(&mut connection).unwrap(), 48 * 4096);
        assert_eq!(read(&mut connection).unwrap(), 0);
        state.request_started();
        assert!(state.request_answered());
    }

    #[tokio::test]
    async fn a_first_head_that_is_too_long_fills_the_buffer_and_ends() {
        let fixture = fixture(None, 64 << 20);
        let mut connection = fixture.connect();
        connection.io.sends = (0..100).map(|_| vec![b'y'; 4096]).collect();
        assert_eq!(burst(&mut connection).unwrap(), MAX_BURST_BYTES);
        assert_eq!(burst(&mut connection).unwrap(), MAX_READ_AHEAD_BYTES - MAX_BURST_BYTES);
        assert_eq!(burst(&mut connection).unwrap(), 0, "what was read may complete the head");
        let (mut space, mut filled) = ([0; 4096], 0);
        loop {
            let mut buffer = ReadBuf::new(&mut space);
            let read =
                Pin::new(&mut connection).poll_read(&mut Context::from_waker(Waker::noop()), &mut buffer);
            assert!(matches!(read, Poll::Ready(Ok(()))));
            match buffer.filled().len() {
                0 => break,
                bytes => filled += bytes,
            }
        }
        assert_eq!(filled, ACTIX_BUFFER_BYTES);
        assert_eq!(connection.io.sends.len(), 92, "nothing more is read");
    }

    #[tokio::test]
    async fn a_later_head_that_is_too_long_ends_too_but_not_before_the_response_is_out() {
        let fixture = fixture(None, 64 << 20);
        let mut connection = fixture.connect();
        connection.io.sends.push_back(b"GET / HTTP/1.1\r\n\r\n".to_vec());
        read(&mut connection).unwrap();
        connection.state.request_started();
        assert!(connection.state.request_answered());
        let mut context = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut connection).poll_write(&mut context, &[0; 1000]).is_pending());
        connection.io.sends = (0..100).map(|_| vec![b'y'; 4096]).collect();
        assert_eq!(burst(&mut connection).unwrap() + burst(&mut connection).unwrap(), MAX_READ_AHEAD_BYTES);
        for _ in 0..3 {
            assert_eq!(burst(&mut connection).unwrap(), 0, "these may be requests that wait");
        }
        connection.io.reads = 1000;
        assert!(Pin::new(&mut connection).poll_write(&mut context, &[0; 1000]).is_ready());
        assert_eq!(burst(&mut connection).unwrap(), 0, "what was read may complete the head");
        let mut space = [0; 4096];
        let mut buffer = ReadBuf::new(&mut space);
        assert!(matches!(
            Pin::new(&mut connection).poll_read(&mut context, &mut buffer),
            Poll::Ready(Ok(()))
        ));
        assert_eq!(buffer.filled(), [b'x'; 4096], "the buffer is filled");
        assert_eq!(connection.io.sends.len(), 92, "nothing more is read");
    }

    #[tokio::test]
    async fn a_head_that_does_not_end_is_not_waited_for() {
        let fixture = fixture(None, 1 << 20);
        let mut connection = fixture.connect();
        // actix-http limits the time of the first one.
        connection.io.sends.push_back(b"GET / HTTP/1.1\r\n\r\n".to_vec());
        read(&mut connection).unwrap();
        fixture.clock.advance(HEAD_TIMEOUT);
        assert_eq!(read(&mut connection).unwrap(), 0);
        connection.state.request_started();
        connection.state.request_answered();
        fixture.clock.advance(KEEP_ALIVE);
        assert_eq!(read(&mut connection).unwrap(), 0, "an idle connection waits");
        connection.io.sends.push_back(b"GET / HT".to_vec());
        assert_eq!(read(&mut connection).unwrap(), 8);
        fixture.clock.advance(HEAD_TIMEOUT - Duration::from_millis(1));
        connection.io.sends.push_back(b"T".to_vec());
        assert_eq!(read(&mut connection).unwrap(), 1);
        fixture.clock.advance(Duration::from_millis(1));
        assert_eq!(read(&mut connection).unwrap_err().kind(), io::ErrorKind::TimedOut);
        connection.state.request_started();
        assert_eq!(
            read(&mut connection).unwrap(),
            0,
            "the time of a request being handled is limited elsewhere"
        );
    }

    #[tokio::test]
    async fn long_unfinished_heads_count_against_the_memory_and_short_ones_always_fit() {
        // One client may hold as much as one long head takes without authentication.
        let fixture = fixture(None, 8 * (MAX_READ_AHEAD_BYTES - UNRESERVED_HEAD_BYTES));
        let mut connections: Vec<_> = (0..2).map(|_| fixture.connect()).collect();
        for connection in &mut connections {
            connection.io.sends = (0..16).map(|_| vec![b'x'; 4096]).collect();
        }
        let [first, second] = &mut connections[..] else { unreachable!() };
        assert_eq!(burst(first).unwrap() + burst(first).unwrap(), MAX_READ_AHEAD_BYTES);
        assert_eq!(read(second).unwrap(), UNRESERVED_HEAD_BYTES);
        first.state.request_started();
        assert_eq!(
            burst(second).unwrap() + burst(second).unwrap(),
            MAX_READ_AHEAD_BYTES - UNRESERVED_HEAD_BYTES,
            "as soon as there is room"
        );
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_let_go() {
        let fixture = fixture(None, 1 << 20);
        let mut connection = fixture.connect();
        let mut context = Context::from_waker(Waker::noop());
        let mut write = |connection: &mut Connection<Client>, reads: usize| {
            connection.io.reads = reads;
            Pin::new(connection).poll_write(&mut context, &[0; 1000])
        };
        assert!(write(&mut connection, 0).is_pending());
        // Reading single bytes is too slow.
        for _ in 0..29 {
            fixture.clock.advance(Duration::from_secs(1));
            assert!(matches!(write(&mut connection, 1), Poll::Ready(Ok(1))));
        }
        fixture.clock.advance(Duration::from_secs(2));
        assert!(matches!(write(&mut connection, 0), Poll::Ready(Err(_))));

        // After a response was read, there is no deadline until the next one.
        let mut connection = fixture.connect();
        assert!(write(&mut connection, 0).is_pending());
        assert!(matches!(write(&mut connection, 1000), Poll::Ready(Ok(1000))));
        fixture.clock.advance(Duration::from_secs(3600));
        assert!(write(&mut connection, 0).is_pending());
    }
}

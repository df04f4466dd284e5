//! A TCP proxy that cuts, stalls, delays and counts.
//!
//! Two threads a connection, one a direction. Stalled bytes stay in the kernel's buffers, so that the sender
//! feels back-pressure as it would from a peer that does not read.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// How often a waiting thread looks whether something was asked of it.
const TICK: Duration = Duration::from_millis(10);

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

#[derive(Default)]
struct Lane {
    stalled: AtomicBool,
    delay_ms: AtomicU64,
    bytes: AtomicU64,
}

#[derive(Default)]
struct Shared {
    target: Mutex<Option<SocketAddr>>,
    refusing: AtomicBool,
    closed: AtomicBool,
    connections: AtomicU64,
    to_server: Lane,
    to_client: Lane,
    open: Mutex<Vec<TcpStream>>,
}

/// A proxy on 127.0.0.1; dropping it cuts everything.
pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Listens without a target, for a server that has to know the proxy's port before it starts.
    pub(crate) fn listen() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port for the proxy");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || accept(&listener, &accepting));
        Self { port, shared }
    }

    /// Listens and forwards to a port of this machine.
    pub(crate) fn to(port: u16) -> Self {
        let proxy = Self::listen();
        proxy.forward_to(port);
        proxy
    }

    /// New connections go to this port of this machine from now on.
    pub(crate) fn forward_to(&self, port: u16) {
        *lock(&self.shared.target) = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }

    /// The port that it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Cuts all connections; new ones are served.
    pub(crate) fn cut(&self) {
        for stream in lock(&self.shared.open).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Whether new connections are closed at once; those that are open stay.
    pub(crate) fn refuse(&self, refuse: bool) {
        self.shared.refusing.store(refuse, Ordering::SeqCst);
    }

    /// Stops forwarding one way, without closing anything.
    pub(crate) fn stall(&self, direction: Direction) {
        self.lane(direction).stalled.store(true, Ordering::SeqCst);
    }

    /// Forwards both ways again.
    pub(crate) fn flow(&self) {
        self.shared.to_server.stalled.store(false, Ordering::SeqCst);
        self.shared.to_client.stalled.store(false, Ordering::SeqCst);
    }

    /// Holds each piece back for so long before it is forwarded.
    pub(crate) fn delay(&self, direction: Direction, delay: Duration) {
        let delay_ms = u64::try_from(delay.as_millis()).expect("a delay that a test can wait for");
        self.lane(direction).delay_ms.store(delay_ms, Ordering::SeqCst);
    }

    /// How many connections were forwarded so far.
    pub(crate) fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many bytes were forwarded so far.
    pub(crate) fn bytes(&self, direction: Direction) -> u64 {
        self.lane(direction).bytes.load(Ordering::SeqCst)
    }

    fn lane(&self, direction: Direction) -> &Lane {
        self.shared.lane(direction)
    }
}

impl Shared {
    fn lane(&self, direction: Direction) -> &Lane {
        match direction {
            Direction::ToServer => &self.to_server,
            Direction::ToClient => &self.to_client,
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.cut();
        // Wakes the thread that accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        if shared.closed.load(Ordering::SeqCst) {
            return;
        }
        let Ok(client) = client else { continue };
        let target = *lock(&shared.target);
        if shared.refusing.load(Ordering::SeqCst) {
            continue;
        }
        let Some(server) = target.and_then(|target| TcpStream::connect(target).ok()) else { continue };
        // Else small writes would wait for each other's acknowledgements, which no test asked for.
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        shared.connections.fetch_add(1, Ordering::SeqCst);
        for stream in [&client, &server] {
            lock(&shared.open).push(stream.try_clone().expect("a file descriptor"));
        }
        for (from, to, direction) in [(&client, &server, Direction::ToServer), (&server, &client, Direction::ToClient)]
        {
            let from = from.try_clone().expect("a file descriptor");
            let to = to.try_clone().expect("a file descriptor");
            let shared = Arc::clone(shared);
            std::thread::spawn(move || pump(from, to, &shared, direction));
        }
    }
}

/// Forwards one way until either side closes; then the other side learns of it.
fn pump(mut from: TcpStream, mut to: TcpStream, shared: &Shared, direction: Direction) {
    let lane = shared.lane(direction);
    let mut buffer = vec![0; 64 * 1024];
    let _ = from.set_read_timeout(Some(TICK));
    loop {
        if shared.closed.load(Ordering::SeqCst) {
            break;
        }
        if lane.stalled.load(Ordering::SeqCst) {
            std::thread::sleep(TICK);
            continue;
        }
        let length = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            Err(_) => break,
        };
        std::thread::sleep(Duration::from_millis(lane.delay_ms.load(Ordering::SeqCst)));
        // Bytes that were read just when the stall began are held as well.
        while lane.stalled.load(Ordering::SeqCst) && !shared.closed.load(Ordering::SeqCst) {
            std::thread::sleep(TICK);
        }
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
        lane.bytes.fetch_add(length as u64, Ordering::SeqCst);
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no panic while it is held")
}

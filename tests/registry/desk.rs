//! A desk before the real registry: asks for credentials, can be closed, and counts who comes.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::servers;

/// A small proxy; dropping it closes it.
pub(super) struct Desk {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// The header that must stand in each request.
    wanted: Mutex<Option<String>>,
    /// Every request is answered with this status.
    status: Mutex<Option<u16>>,
    passed: AtomicUsize,
    refused: AtomicUsize,
    closed: AtomicBool,
}

impl Desk {
    /// Open for those who show this header.
    pub(super) fn asking_for(header: &str) -> Self {
        let desk = Self::open();
        *desk.shared.wanted.lock().unwrap() = Some(header.to_owned());
        desk
    }

    /// Open for all.
    pub(super) fn open() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared::default());
        let guests = Arc::clone(&shared);
        std::thread::spawn(move || {
            for guest in listener.incoming().map_while(Result::ok) {
                if guests.closed.load(Ordering::SeqCst) {
                    return;
                }
                let guests = Arc::clone(&guests);
                std::thread::spawn(move || serve(guest, &guests));
            }
        });
        Self { port, shared }
    }

    /// From now on every request is answered with this status; 0 is as before.
    pub(super) fn answer_with(&self, status: u16) {
        *self.shared.status.lock().unwrap() = (status != 0).then_some(status);
    }

    /// Requests that the registry answered.
    pub(super) fn passed(&self) -> usize {
        self.shared.passed.load(Ordering::SeqCst)
    }

    /// Requests that did not reach it.
    pub(super) fn refused(&self) -> usize {
        self.shared.refused.load(Ordering::SeqCst)
    }

    /// Confluent's interface behind the desk.
    pub(super) fn url(&self) -> String {
        self.url_of("")
    }

    /// The same with a user before the host.
    pub(super) fn url_of(&self, user: &str) -> String {
        format!("http://{user}127.0.0.1:{}/apis/ccompat/v7", self.port)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// One request a connection; the registry sees it as it came, but for its connection.
fn serve(mut guest: TcpStream, shared: &Shared) {
    let Some(request) = request(&mut guest) else { return };
    let head = String::from_utf8_lossy(&request).into_owned();
    let wanted = shared.wanted.lock().unwrap().clone();
    let stranger = wanted.is_some_and(|wanted| !head.to_lowercase().contains(&wanted.to_lowercase()));
    let status = if stranger { Some(401) } else { *shared.status.lock().unwrap() };
    if let Some(status) = status {
        shared.refused.fetch_add(1, Ordering::SeqCst);
        let body = format!(r#"{{"error_code":{status}01,"message":"the desk says {status}"}}"#);
        let _ =
            write!(guest, "HTTP/1.1 {status} No\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
        return;
    }
    let mut registry = TcpStream::connect(servers::registry().address()).expect("the registry");
    let at = request.windows(2).position(|end| end == b"\r\n").expect("a first line") + 2;
    let (first, rest) = request.split_at(at);
    registry.write_all(first).and_then(|()| registry.write_all(b"Connection: close\r\n")).expect("a request");
    registry.write_all(rest).expect("a request");
    let mut answer = Vec::new();
    registry.read_to_end(&mut answer).expect("an answer");
    shared.passed.fetch_add(1, Ordering::SeqCst);
    let _ = guest.write_all(&answer);
}

/// A whole request.
fn request(guest: &mut TcpStream) -> Option<Vec<u8>> {
    guest.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let length = guest.read(&mut buffer).ok().filter(|length| *length > 0)?;
        request.extend_from_slice(&buffer[..length]);
        let Some(end) = request.windows(4).position(|end| end == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
        let body = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        if request.len() >= end + 4 + body.unwrap_or_default() {
            return Some(request);
        }
    }
}

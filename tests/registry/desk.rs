//! A desk before the real registry: asks for credentials or certificates, can be closed, and notes who comes.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

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
    /// How guests are spoken to; in plain text where absent.
    tls: Option<Arc<ServerConfig>>,
    /// Method and path of each request that the registry answered.
    requests: Mutex<Vec<String>>,
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
        Self::speaking(None)
    }

    /// Open over TLS, as localhost, for all or for those alone who show a certificate of the tests' authority.
    pub(super) fn behind_tls(asks_for_certificate: bool) -> Self {
        Self::speaking(Some(Arc::new(tls(asks_for_certificate))))
    }

    fn speaking(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared { tls, ..Shared::default() });
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

    /// Method and path of each request that the registry answered.
    pub(super) fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Confluent's interface behind the desk, over TLS.
    pub(super) fn tls_url(&self) -> String {
        format!("https://localhost:{}/apis/ccompat/v7", self.port)
    }

    /// Apicurio's own interface behind the desk, over TLS.
    pub(super) fn native_tls_url(&self) -> String {
        format!("https://localhost:{}/apis/registry/v3", self.port)
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

/// A file of the certificates that the connection's tests have.
pub(super) fn certificate_file(name: &str) -> String {
    format!("{}/tests/wire/certificates/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn tls(asks_for_certificate: bool) -> ServerConfig {
    let certificates = |name: &str| {
        CertificateDer::pem_file_iter(certificate_file(name))
            .expect("a file")
            .map(|found| found.expect("a certificate"))
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().expect("versions");
    let builder = if asks_for_certificate {
        let mut authority = RootCertStore::empty();
        certificates("ca.crt").for_each(|certificate| authority.add(certificate).expect("an authority"));
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authority), provider).build();
        builder.with_client_cert_verifier(verifier.expect("a verifier"))
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::from_pem_file(certificate_file("server.key")).expect("a key");
    builder.with_single_cert(certificates("server.crt").collect(), key).expect("a certificate with its key")
}

fn serve(guest: TcpStream, shared: &Shared) {
    if guest.set_read_timeout(Some(Duration::from_secs(30))).is_err() {
        return;
    }
    let Some(tls) = &shared.tls else { return answer(&mut &guest, shared) };
    let mut guest = StreamOwned::new(ServerConnection::new(Arc::clone(tls)).expect("a connection"), guest);
    answer(&mut guest, shared);
    if guest.conn.is_handshaking() {
        shared.refused.fetch_add(1, Ordering::SeqCst);
    }
    guest.conn.send_close_notify();
    let _ = guest.flush();
    // What the guest has sent is read to its end: otherwise the reason of a refusal would be cut off.
    let _ = guest.sock.shutdown(std::net::Shutdown::Write);
    let _ = std::io::copy(&mut guest.sock, &mut std::io::sink());
}

/// One request a connection; the registry sees it as it came, but for its connection.
fn answer(guest: &mut (impl Read + Write), shared: &Shared) {
    let Some(request) = request(guest) else { return };
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
    let asked = head.lines().next().and_then(|line| line.rsplit_once(' ')).map_or("", |(asked, _)| asked);
    shared.requests.lock().unwrap().push(asked.to_owned());
    let _ = guest.write_all(&answer);
}

/// A whole request.
fn request(guest: &mut impl Read) -> Option<Vec<u8>> {
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

//! The byte stream below the protocol.
//!
//! Owns [`Transport`]: TCP, TLS over TCP, a Unix socket; in tests also a pipe in memory. Knows nothing of messages.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio_rustls::client::TlsStream;

/// A connected stream of one kind or another; an enum, so that a read is not a virtual call.
#[derive(Debug)]
pub(super) enum Transport {
    /// Plain TCP.
    Tcp(TcpStream),
    /// TLS over TCP.
    Tls(Box<TlsStream<TcpStream>>),
    /// A Unix socket.
    #[cfg(unix)]
    Unix(UnixStream),
    /// A pipe in memory.
    #[cfg(test)]
    Memory(tokio::io::DuplexStream),
}

impl Transport {
    /// The DER form of the server's certificate, where there is one.
    pub(super) fn server_certificate(&self) -> Option<&[u8]> {
        match self {
            Self::Tls(stream) => stream.get_ref().1.peer_certificates()?.first().map(AsRef::as_ref),
            _ => None,
        }
    }

    /// Whether the bytes are encrypted.
    pub(super) const fn is_encrypted(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// Whether the bytes stay on this machine.
    pub(super) fn is_local(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.peer_addr().is_ok_and(|peer| peer.ip().is_loopback()),
            Self::Tls(stream) => stream.get_ref().0.peer_addr().is_ok_and(|peer| peer.ip().is_loopback()),
            #[cfg(unix)]
            Self::Unix(_) => true,
            #[cfg(test)]
            Self::Memory(_) => true,
        }
    }
}

/// Calls the same method on whichever stream it is.
macro_rules! delegate {
    ($transport:expr, $stream:ident => $call:expr) => {
        match $transport {
            Transport::Tcp($stream) => $call,
            Transport::Tls($stream) => $call,
            #[cfg(unix)]
            Transport::Unix($stream) => $call,
            #[cfg(test)]
            Transport::Memory($stream) => $call,
        }
    };
}

impl AsyncRead for Transport {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        delegate!(&mut *self, stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        delegate!(&mut *self, stream => Pin::new(stream).poll_write(cx, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(&mut *self, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(&mut *self, stream => Pin::new(stream).poll_shutdown(cx))
    }
}

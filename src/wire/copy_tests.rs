//! The stream against a server that is a pipe in memory.

use std::task::Waker;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::*;
use crate::error::Kind;
use crate::ledger::Ledger;
use crate::wire::transport::Transport;

fn stream(pipe_bytes: usize) -> (CopyBoth, DuplexStream) {
    let (ours, server) = tokio::io::duplex(pipe_bytes);
    (CopyBoth::new(Channel::new(Transport::Memory(ours))), server)
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[tag][..], &length.to_be_bytes(), body].concat()
}

fn data(start: u64, payload: &[u8]) -> Vec<u8> {
    let body = [&b"w"[..], &start.to_be_bytes(), &start.to_be_bytes(), &7_i64.to_be_bytes(), payload].concat();
    message(b'd', &body)
}

fn keepalive(end: u64, reply: u8) -> Vec<u8> {
    message(b'd', &[&b"k"[..], &end.to_be_bytes(), &9_i64.to_be_bytes(), &[reply]].concat())
}

/// A frame without its lifetime.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Data(u64, Vec<u8>),
    Keepalive(u64, bool),
    Done,
}

impl From<Frame<'_>> for Seen {
    fn from(frame: Frame<'_>) -> Self {
        match frame {
            Frame::Data { start, payload, .. } => Self::Data(start.as_u64(), payload.to_vec()),
            Frame::Keepalive { end, reply_requested, .. } => Self::Keepalive(end.as_u64(), reply_requested),
            Frame::Done => Self::Done,
        }
    }
}

fn drain(stream: &mut CopyBoth) -> Result<Vec<Seen>> {
    let mut seen = Vec::new();
    while let Some(frame) = stream.next_frame()? {
        seen.push(frame.into());
        if seen.last() == Some(&Seen::Done) {
            break;
        }
    }
    Ok(seen)
}

fn confirmed(lsn: u64) -> ConfirmedLsn {
    Ledger::new(Lsn::new(lsn)).confirmable()
}

/// Everything that can come in a stream, and what is to be seen of it.
fn conversation() -> (Vec<u8>, Vec<Seen>) {
    let bytes = [
        data(0x10, b"first"),
        message(b'N', b"SWARNING\0C01000\0Mcareful\0\0"),
        keepalive(0x20, 1),
        message(b'S', b"in_hot_standby\0off\0"),
        data(0, b""),
        data(0x30, &[3; 700]),
        message(b'c', b""),
    ];
    let seen = vec![
        Seen::Data(0x10, b"first".to_vec()),
        Seen::Keepalive(0x20, true),
        Seen::Data(0, Vec::new()),
        Seen::Data(0x30, vec![3; 700]),
        Seen::Done,
    ];
    (bytes.concat(), seen)
}

#[tokio::test]
async fn frames_are_whole_wherever_the_bytes_are_cut() {
    let (bytes, expected) = conversation();
    for split in 1..bytes.len() {
        // Given a server that sends in two parts,
        let (mut stream, mut server) = stream(4_096);
        let mut seen = Vec::new();
        // when each part is read and drained,
        for part in [&bytes[..split], &bytes[split..]] {
            server.write_all(part).await.unwrap();
            stream.fill().await.unwrap();
            seen.extend(drain(&mut stream).unwrap());
        }
        // then all frames are there once, in order.
        assert_eq!(seen, expected, "cut at {split}");
        assert_eq!(stream.parameter("in_hot_standby"), Some("off"));
        assert_eq!(stream.next_frame().unwrap(), Some(Frame::Done), "and stays done");
    }
}

#[tokio::test]
async fn a_fill_dropped_at_any_await_loses_and_repeats_nothing() {
    // Given a pipe so narrow that reading and writing both have to wait, and a fill that is dropped after every poll,
    let (bytes, expected) = conversation();
    let (mut stream, mut server) = stream(7);
    stream.queue_status(Lsn::new(5), confirmed(4), PgMicros(3), ReplyRequest::Yes);
    let (mut sent, mut received, mut seen) = (0, Vec::new(), Vec::new());
    let mut cx = Context::from_waker(Waker::noop());
    // when the server writes and reads a few bytes in between,
    while seen.last() != Some(&Seen::Done) || received.len() < STATUS_BYTES {
        {
            let mut fill = std::pin::pin!(stream.fill());
            if let Poll::Ready(filled) = fill.as_mut().poll(&mut cx) {
                filled.unwrap();
            }
        }
        for frame in drain(&mut stream).unwrap() {
            if frame != Seen::Done || seen.last() != Some(&Seen::Done) {
                seen.push(frame);
            }
        }
        let mut write = std::pin::pin!(server.write(&bytes[sent..bytes.len().min(sent + 3)]));
        if let Poll::Ready(count) = write.as_mut().poll(&mut cx) {
            sent += count.unwrap();
        }
        let mut some = [0; 2];
        let mut read = std::pin::pin!(server.read(&mut some));
        if let Poll::Ready(count) = read.as_mut().poll(&mut cx) {
            let count = count.unwrap();
            received.extend_from_slice(&some[..count]);
        }
        // Tokio lets a task poll only so often before it must give way.
        tokio::task::yield_now().await;
    }
    // then the frames and the status update have arrived once each.
    assert_eq!(seen, expected);
    let positions = [5_u64.to_be_bytes(), 4_u64.to_be_bytes(), 4_u64.to_be_bytes(), 3_u64.to_be_bytes()].concat();
    assert_eq!(received, message(b'd', &[&b"r"[..], &positions, &[1]].concat()));
}

#[tokio::test]
async fn a_frame_can_be_refused_and_seen_again() {
    let (mut stream, mut server) = stream(4_096);
    server.write_all(&[data(1, b"a"), data(2, b"b"), message(b'C', b"COPY 0\0")].concat()).await.unwrap();
    stream.fill().await.unwrap();
    for _ in 0..3 {
        let frame = stream.peek_frame().unwrap().map(Seen::from);
        assert_eq!(frame, Some(Seen::Data(1, b"a".to_vec())));
    }
    let before = stream.buffered_bytes();
    stream.consume_frame();
    assert!(stream.buffered_bytes() < before);
    assert_eq!(drain(&mut stream).unwrap(), [Seen::Data(2, b"b".to_vec()), Seen::Done]);
    stream.consume_frame();
    assert_eq!(stream.peek_frame().unwrap(), Some(Frame::Done));
}

#[tokio::test]
async fn changes_that_the_server_leaves_out_end_the_stream_before_what_follows() {
    // Given a server that leaves out the changes of a publication that is gone,
    let (mut stream, mut server) = stream(4_096);
    let notice = b"SWARNUNG\0VWARNING\0C55000\0Mskipped loading publication \"p\"\0RLoadPublications\0\0";
    server.write_all(&[data(1, b"a"), message(b'N', notice), keepalive(9, 0)].concat()).await.unwrap();
    // when the stream is read,
    stream.fill().await.unwrap();
    assert_eq!(stream.next_frame().unwrap().map(Seen::from), Some(Seen::Data(1, b"a".to_vec())));
    // then it ends there, however often it is asked, and the keepalive behind is never seen.
    for _ in 0..2 {
        let error = stream.peek_frame().unwrap_err();
        assert_eq!(error.kind(), Kind::PublicationMissing);
        assert!(error.hint_text().is_some() && error.report().contains("\"p\""), "{}", error.report());
    }
}

#[tokio::test]
async fn garbage_is_a_protocol_error() {
    for (bytes, why) in [
        (message(b'd', b""), "no letter"),
        (message(b'd', b"w2345678"), "a short data header"),
        (message(b'd', b"k2345678"), "a short keepalive"),
        (message(b'd', &[b'k'; 19]), "a long keepalive"),
        (message(b'd', b"x"), "an unknown letter"),
        (message(b'D', b"\0\0"), "a data row"),
        (b"d\0\0\0\x03".to_vec(), "a length below its own size"),
        (b"d\xff\xff\xff\xff".to_vec(), "a length above any"),
        (message(b'S', b"no end"), "an unfinished parameter"),
    ] {
        let (mut stream, mut server) = stream(4_096);
        server.write_all(&bytes).await.unwrap();
        stream.fill().await.unwrap();
        assert_eq!(drain(&mut stream).unwrap_err().kind(), Kind::Protocol, "{why}");
    }
}

#[tokio::test]
async fn no_bytes_make_it_panic() {
    let mut random = fastrand::Rng::with_seed(11);
    let (conversation, _) = conversation();
    for _ in 0..20_000 {
        let mut bytes = conversation.clone();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(..bytes.len());
            bytes[at] = random.u8(..);
        }
        bytes.truncate(random.usize(1..bytes.len()));
        let (mut stream, mut server) = stream(4_096);
        server.write_all(&bytes).await.unwrap();
        stream.fill().await.unwrap();
        // Frames or an error, both are fine; reading past the end or never ending is not.
        let frames = drain(&mut stream).map_or(0, |seen| seen.len());
        assert!(frames <= bytes.len());
    }
}

#[tokio::test]
async fn the_servers_own_error_comes_before_the_end_of_the_connection() {
    // Given a server that says why and goes, while we still have something to say,
    let (mut stream, mut server) = stream(4_096);
    server.write_all(&message(b'E', b"SFATAL\0VFATAL\0C57P01\0Mterminating connection\0Dsecret\0\0")).await.unwrap();
    drop(server);
    stream.queue_status(Lsn::ZERO, confirmed(0), PgMicros(0), ReplyRequest::No);
    // when it is read, then its words are what is reported, and the cut only after them.
    stream.fill().await.unwrap();
    let error = drain(&mut stream).unwrap_err();
    assert_eq!(error.kind(), Kind::ServerUnavailable);
    assert_eq!(ServerError::behind(&error).map(ServerError::sqlstate), Some("57P01"));
    assert!(!error.report().contains("secret"));
    assert_eq!(stream.fill().await.unwrap_err().kind(), Kind::Connection);
}

#[tokio::test]
async fn queued_updates_are_replaced_and_a_begun_one_is_finished() {
    let update = |received: u64, flush: u64, asks: u8| {
        let body = [
            &b"r"[..],
            &received.to_be_bytes(),
            &flush.to_be_bytes(),
            &flush.to_be_bytes(),
            &0_u64.to_be_bytes(),
            &[asks],
        ];
        message(b'd', &body.concat())
    };
    let (mut stream, mut server) = stream(10);
    // Given an update of which ten bytes are written,
    stream.queue_status(Lsn::new(1), confirmed(1), PgMicros(0), ReplyRequest::No);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(stream.channel.poll_send(&mut cx).is_pending());
    // when many more follow, one of which asks for a reply,
    stream.queue_status(Lsn::new(2), confirmed(2), PgMicros(0), ReplyRequest::Yes);
    for lsn in 3..1_000 {
        stream.queue_status(Lsn::new(lsn), confirmed(lsn), PgMicros(0), ReplyRequest::No);
    }
    // then the server gets the begun one and the last, which still asks.
    let mut received = vec![0; 2 * STATUS_BYTES];
    let (flushed, read) = tokio::join!(stream.flush(), server.read_exact(&mut received));
    flushed.unwrap();
    read.unwrap();
    assert_eq!(received, [update(1, 1, 0), update(999, 999, 1)].concat());
    stream.queue_status(Lsn::new(5), confirmed(1_500), PgMicros(0), ReplyRequest::No);
    let (flushed, read) = tokio::join!(stream.flush(), server.read_exact(&mut received[..STATUS_BYTES]));
    flushed.unwrap();
    read.unwrap();
    assert_eq!(received[..STATUS_BYTES], update(1_500, 1_500, 0), "never less received than flushed");
}

#[tokio::test]
async fn finishing_waits_for_the_server_to_agree() {
    let (mut stream, mut server) = stream(4_096);
    stream.queue_status(Lsn::new(1), confirmed(1), PgMicros(0), ReplyRequest::No);
    let answers = async {
        let mut said = vec![0; STATUS_BYTES + 5];
        server.read_exact(&mut said).await.unwrap();
        assert_eq!(said[STATUS_BYTES..], message(b'c', b""), "CopyDone after the last update");
        let rest =
            [data(1, b"late"), message(b'c', b""), keepalive(2, 0), message(b'C', b"COPY 0\0"), message(b'Z', b"I")];
        server.write_all(&rest.concat()).await.unwrap();
        let mut goodbye = Vec::new();
        server.read_to_end(&mut goodbye).await.unwrap();
        goodbye
    };
    let (ending, goodbye) = tokio::join!(stream.finish(Duration::from_secs(60)), answers);
    assert_eq!(ending.unwrap(), Ending::Orderly);
    assert_eq!(goodbye, message(b'X', b""));
}

#[tokio::test]
async fn finishing_a_deaf_server_ends_when_patience_is_over() {
    let (stream, server) = stream(4_096);
    assert_eq!(stream.finish(Duration::from_millis(10)).await.unwrap(), Ending::CutShort);
    drop(server);
    let (stream, server) = self::stream(4_096);
    drop(server);
    assert_eq!(stream.finish(Duration::from_secs(5)).await.unwrap(), Ending::CutShort);
}

#[tokio::test]
async fn a_warning_that_a_publication_is_skipped_ends_the_stream_and_other_notices_do_not() {
    let notice = |severity: &str, sqlstate: &str| {
        message(
            b'N',
            format!("S{severity}\0V{severity}\0C{sqlstate}\0Mskipped loading publication \"p\"\0\0").as_bytes(),
        )
    };
    let (mut ours, mut server) = stream(4096);
    let harmless = [notice("NOTICE", "55000"), notice("WARNING", "01000"), data(1, b"x")].concat();
    server.write_all(&harmless).await.unwrap();
    ours.fill().await.unwrap();
    assert_eq!(drain(&mut ours).unwrap(), [Seen::Data(1, b"x".to_vec())]);

    server.write_all(&[notice("WARNING", "55000"), data(2, b"y")].concat()).await.unwrap();
    ours.fill().await.unwrap();
    for _ in 0..2 {
        let error = ours.peek_frame().unwrap_err();
        assert_eq!(error.kind(), Kind::PublicationMissing, "and nothing after it is ever seen");
    }
}

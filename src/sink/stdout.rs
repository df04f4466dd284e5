//! One line of JSON per record, for eyes, pipes and scripts.
//!
//! Owns [`LineSink`] and the form of its lines:
//! `{"topic":"...","key":...,"value":...,"headers":{"name":"..."}}`. Keys and values that are JSON stand as they are,
//! others as strings; `null` is Kafka's null. A record is delivered when its line was written and flushed.
//! Must never report a record before that.
//!
//! A reader that is slow holds the writer: there is no queue between them but the pipe.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::sink::{Append, Deliveries, Depth, Record, Sink, Waiting};

/// Lines are written out when so many bytes of them are there.
const BUFFER_BYTES: usize = 64 * 1024;

/// Writes records as lines of JSON.
#[derive(Debug)]
pub struct LineSink<W> {
    out: W,
    lines: Vec<u8>,
    /// In `lines`, not yet written.
    buffered: Deliveries,
    /// Written, not yet flushed and told.
    written: Deliveries,
    depth: Depth,
    failed: Option<Fault>,
}

/// Why nothing can be written any more.
#[derive(Clone, Debug)]
enum Fault {
    /// Whoever read our output has gone, as `head` does: nothing to complain about.
    ReaderGone,
    /// The output failed.
    Output(String),
}

impl Fault {
    fn of(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::Output(error.to_string()),
        }
    }

    fn error(&self) -> Error {
        match self {
            Self::ReaderGone => Error::new(Kind::Local, READER_GONE),
            Self::Output(reason) => Error::new(Kind::Local, "the output cannot be written")
                .detail(reason.clone())
                .hint("see whether the file system is full"),
        }
    }
}

/// The message of the error when the reader of the output has gone.
const READER_GONE: &str = "the reader of the output has gone";

/// Whether an error only says that the reader of the output has gone, which ends a pipe in all quiet.
#[must_use]
pub fn is_reader_gone(error: &Error) -> bool {
    error.kind() == Kind::Local && error.message() == READER_GONE
}

impl LineSink<io::Stdout> {
    /// A sink on the process's standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self::new(io::stdout())
    }
}

impl<W: Write> LineSink<W> {
    /// A sink on any output.
    pub fn new(out: W) -> Self {
        let (buffered, written) = (Deliveries::default(), Deliveries::default());
        Self { out, lines: Vec::with_capacity(BUFFER_BYTES), buffered, written, depth: Depth::default(), failed: None }
    }

    fn check(&self) -> Result<()> {
        self.failed.as_ref().map_or(Ok(()), |fault| Err(fault.error()))
    }

    fn fail(&mut self, error: &io::Error) -> Error {
        self.failed.get_or_insert(Fault::of(error)).error()
    }

    fn write_out(&mut self) -> Result<()> {
        if let Err(error) = self.out.write_all(&self.lines) {
            return Err(self.fail(&error));
        }
        self.lines.clear();
        // A single huge row must not keep its room for ever.
        self.lines.shrink_to(BUFFER_BYTES * 2);
        for (ticket, records) in self.buffered.runs.drain(..) {
            self.written.add(ticket, records);
        }
        Ok(())
    }
}

impl<W: Write> Sink for LineSink<W> {
    fn prepare(&self, _topics: Vec<Arc<str>>) -> Waiting<()> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn append(&mut self, record: &Record<'_>) -> Result<Append> {
        self.check()?;
        line(&mut self.lines, record);
        self.buffered.add(record.ticket, 1);
        self.depth.records += 1;
        self.depth.bytes += (record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len)) as u64;
        if self.lines.len() >= BUFFER_BYTES {
            self.write_out()?;
        }
        Ok(Append::Taken)
    }

    fn poll(&mut self, into: &mut Deliveries) -> Result<()> {
        self.check()?;
        self.write_out()?;
        if self.written.runs.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.out.flush() {
            return Err(self.fail(&error));
        }
        for (ticket, records) in self.written.runs.drain(..) {
            into.add(ticket, records);
        }
        self.depth = Depth::default();
        Ok(())
    }

    fn depth(&self) -> Depth {
        self.depth
    }

    fn close(mut self, _patience: Duration) {
        // What cannot be written now was never reported, so it is sent again at the next start.
        let _ = self.poll(&mut Deliveries::default());
    }
}

fn line(line: &mut Vec<u8>, record: &Record<'_>) {
    line.extend_from_slice(b"{\"topic\":");
    string(line, record.topic);
    line.extend_from_slice(b",\"key\":");
    json(line, record.key);
    line.extend_from_slice(b",\"value\":");
    json(line, record.value);
    line.extend_from_slice(b",\"headers\":{");
    let mut separator: &[u8] = b"";
    for (key, value) in record.headers.iter() {
        line.extend_from_slice(separator);
        string(line, key);
        line.push(b':');
        json_or_string(line, value);
        separator = b",";
    }
    line.extend_from_slice(b"}}\n");
}

fn json(line: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => line.extend_from_slice(b"null"),
        Some(bytes) => json_or_string(line, bytes),
    }
}

/// JSON stands as it is, unless a line break in it would end the line; anything else becomes a string.
fn json_or_string(line: &mut Vec<u8>, bytes: &[u8]) {
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok();
    if is_json && !bytes.contains(&b'\n') {
        line.extend_from_slice(bytes);
    } else {
        string(line, &String::from_utf8_lossy(bytes));
    }
}

fn string(line: &mut Vec<u8>, text: &str) {
    // Text always has a form in JSON, and a vector takes all that is written to it.
    let _ = serde_json::to_writer(line, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Ticket;
    use crate::sink::{Header, Headers, Stamps};

    type Bytes = Option<&'static [u8]>;

    fn append<W: Write>(
        sink: &mut LineSink<W>,
        ticket: u64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> Result<Append> {
        let topic: Arc<str> = Arc::from("shop.public.t");
        let shared: Arc<[Header]> = Arc::from([Header { key: "run".to_owned(), value: b"a\"b".to_vec() }]);
        let headers =
            Headers { own: Some(("__debezium.newkey", b"{\"id\":2}")), shared: &shared, stamps: Stamps::NONE };
        sink.append(&Record {
            topic: &topic,
            key,
            value,
            partition: None,
            headers,
            unix_millis: None,
            ticket: Ticket::from_u64(ticket),
        })
    }

    /// An output that fails with a kind of error, or counts its flushes.
    #[derive(Default)]
    struct Output {
        bytes: Vec<u8>,
        flushed: usize,
        fault: Option<ErrorKind>,
    }

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if let Some(kind) = self.fault {
                return Err(kind.into());
            }
            self.bytes.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            self.flushed = self.bytes.len();
            Ok(())
        }
    }

    #[test]
    fn a_record_is_one_line_of_json() {
        let table: &[(Bytes, Bytes, &str, &str)] = &[
            (Some(b"{\"id\":1}"), Some(b"{\"a\":[1,2]}"), "{\"id\":1}", "{\"a\":[1,2]}"),
            (Some(b"12"), None, "12", "null"),
            (None, Some(b"plain \"text\""), "null", "\"plain \\\"text\\\"\""),
            (Some(b"\xff"), Some(b""), "\"\u{fffd}\"", "\"\""),
            (None, Some(b"{\n}"), "null", "\"{\\n}\""),
        ];
        for (key, value, key_text, value_text) in table {
            let mut sink = LineSink::new(Output::default());
            assert_eq!(append(&mut sink, 0, *key, *value).unwrap(), Append::Taken);
            sink.poll(&mut Deliveries::default()).unwrap();
            let expected = format!(
                "{{\"topic\":\"shop.public.t\",\"key\":{key_text},\"value\":{value_text},\
                 \"headers\":{{\"__debezium.newkey\":{{\"id\":2}},\"run\":\"a\\\"b\"}}}}\n"
            );
            assert_eq!(String::from_utf8(sink.out.bytes).unwrap(), expected);
        }
    }

    #[test]
    fn records_are_reported_when_they_were_flushed() {
        let mut sink = LineSink::new(Output::default());
        let large = vec![b'7'; BUFFER_BYTES];
        for (ticket, value) in [(0, &b"1"[..]), (1, &large), (1, b"2")] {
            assert_eq!(append(&mut sink, ticket, None, Some(value)).unwrap(), Append::Taken);
        }
        assert!(sink.out.bytes.len() > BUFFER_BYTES, "a full buffer is written at once");
        assert_eq!((sink.out.flushed, sink.depth().records), (0, 3));
        let mut into = Deliveries::default();
        sink.poll(&mut into).unwrap();
        assert_eq!(into.runs, [(Ticket::from_u64(0), 1), (Ticket::from_u64(1), 2)]);
        assert_eq!((sink.out.flushed, sink.depth()), (sink.out.bytes.len(), Depth::default()));
    }

    #[test]
    fn a_gone_reader_is_told_from_a_full_disk_and_both_last() {
        for (fault, gone) in [(ErrorKind::BrokenPipe, true), (ErrorKind::StorageFull, false)] {
            let mut sink = LineSink::new(Output { fault: Some(fault), ..Output::default() });
            assert_eq!(append(&mut sink, 0, None, None).unwrap(), Append::Taken);
            let mut into = Deliveries::default();
            assert_eq!(is_reader_gone(&sink.poll(&mut into).unwrap_err()), gone);
            assert!(into.runs.is_empty());
            assert!(append(&mut sink, 0, None, None).is_err());
        }
    }
}

//! A million damaged messages: parsing never panics, never reads beyond the message, and what it accepts iterates
//! to its end.
//!
//! Deterministic: the same seed makes the same messages, and a failure prints the seed and the round.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::build::{ColumnsBuffer, TruncateBuffer, TupleBuffer};
use super::*;

const SEED: u64 = 0x0077_616c_6361_7374;
const ROUNDS: u64 = 1_000_000;

/// One or more messages of every kind, inside and outside stream blocks.
fn corpus() -> Vec<(Block, Vec<u8>)> {
    let lsn = Lsn::new(0x16_B374_D848);
    let (commit, end, time) = (CommitLsn::new(lsn), EndLsn::new(lsn), PgMicros(841_234_567_890_123));
    let (top, gid, relation) = (Xid(0x1b_7146), "gid-1", RelationId(0x4021));
    let prepare = Prepare { prepare: lsn, end, time, xid: top, gid };
    let mut messages = vec![
        Message::Begin(Begin { commit, commit_time: time, xid: top }).to_bytes(),
        Message::Commit(Commit { commit, end, commit_time: time }).to_bytes(),
        Message::Origin(Origin { lsn, name: "origin" }).to_bytes(),
        Message::StreamStart(StreamStart { xid: top, first: true }).to_bytes(),
        Message::StreamStop.to_bytes(),
        Message::StreamCommit(StreamCommit { xid: top, commit, end, commit_time: time }).to_bytes(),
        Message::StreamAbort(StreamAbort { xid: top, subxid: Xid(7), at: None }).to_bytes(),
        Message::StreamAbort(StreamAbort { xid: top, subxid: top, at: Some((lsn, time)) }).to_bytes(),
        Message::BeginPrepare(BeginPrepare { prepare: lsn, end, time, xid: top, gid }).to_bytes(),
        Message::Prepare(prepare).to_bytes(),
        Message::StreamPrepare(prepare).to_bytes(),
        Message::CommitPrepared(CommitPrepared { commit, end, commit_time: time, xid: top, gid }).to_bytes(),
        Message::RollbackPrepared(RollbackPrepared {
            prepare_end: end,
            rollback_end: end,
            prepare_time: time,
            rollback_time: time,
            xid: top,
            gid,
        })
        .to_bytes(),
    ];
    let plain_only = messages.len();
    for xid in [None, Some(top)] {
        push_changes(&mut messages, xid, relation);
    }
    let streamed_from = plain_only + (messages.len() - plain_only) / 2;
    messages
        .into_iter()
        .enumerate()
        .map(|(at, message)| (if at < streamed_from { Block::Plain } else { Block::Streamed }, message))
        .collect()
}

fn push_changes(messages: &mut Vec<Vec<u8>>, xid: Option<Xid>, relation: RelationId) {
    let columns = ColumnsBuffer::new(&[
        RelationColumn { identity: true, name: "id", type_oid: TypeOid(23), typmod: -1 },
        RelationColumn { identity: false, name: "größe", type_oid: TypeOid(1700), typmod: 0x000a_0006 },
    ]);
    let text = TupleBuffer::of_text(&["1", "a longer text that spans more than one word", ""]);
    let mixed = TupleBuffer::new(&[Datum::Binary(&[0, 0, 0, 1]), Datum::Null, Datum::Unchanged, Datum::Text(b"t")]);
    let key = TupleBuffer::new(&[Datum::Text(b"1"), Datum::Null, Datum::Null]);
    let truncate = TruncateBuffer::new(&[relation, RelationId(0x4028)]);
    let (schema, table, identity) = ("public", "orders", ReplicaIdentity::Default);
    let (text, mixed, key) = (text.tuple(), mixed.tuple(), key.tuple());
    let columns = columns.columns();
    for message in [
        Message::Relation(Relation { xid, id: relation, schema, table, identity, columns }),
        Message::Type(Type { xid, oid: TypeOid(0x401c), schema: "pg_catalog", name: "mood" }),
        Message::Insert(Insert { xid, relation, new: text }),
        Message::Insert(Insert { xid, relation, new: mixed }),
        Message::Update(Update { xid, relation, old: OldTuple::Absent, new: text }),
        Message::Update(Update { xid, relation, old: OldTuple::Key(key), new: text }),
        Message::Update(Update { xid, relation, old: OldTuple::Full(mixed), new: mixed }),
        Message::Delete(Delete { xid, relation, old: OldTuple::Key(key) }),
        Message::Delete(Delete { xid, relation, old: OldTuple::Full(text) }),
        Message::Truncate(Truncate { xid, cascade: true, ..truncate.truncate() }),
        Message::Logical(Logical { xid, transactional: true, lsn: Lsn::new(9), prefix: "pfx", content: b"hello" }),
    ] {
        messages.push(message.to_bytes());
    }
}

fn below(random: &mut fastrand::Rng, range: Range<usize>) -> usize {
    if range.is_empty() { range.start } else { random.usize(range) }
}

/// Damages `frame` once.
fn mutate(random: &mut fastrand::Rng, corpus: &[(Block, Vec<u8>)], frame: &mut Vec<u8>) {
    let at = below(random, 0..frame.len());
    match random.u8(0..8) {
        0 => {
            if let Some(byte) = frame.get_mut(at) {
                *byte ^= 1 << random.u8(0..8);
            }
        }
        1 => {
            if let Some(byte) = frame.get_mut(at) {
                *byte = random.u8(..);
            }
        }
        2 => frame.truncate(at),
        3 => frame.insert(at, random.u8(..)),
        4 => {
            let end = below(random, at..frame.len());
            frame.drain(at..end);
        }
        5 => {
            // The lengths and counts that hurt: zero, one off, signed extremes, more than there is.
            let edge = [0, 1, 2, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff_u32];
            let bytes = edge[random.usize(0..edge.len())].to_be_bytes();
            let width = if random.bool() { 2 } else { 4 };
            for (byte, new) in frame.iter_mut().skip(at).zip(&bytes[4 - width..]) {
                *byte = *new;
            }
        }
        6 => {
            let other = &corpus[random.usize(0..corpus.len())].1;
            let from = below(random, 0..other.len());
            frame.truncate(at);
            frame.extend_from_slice(&other[from..]);
        }
        _ => {
            let end = below(random, at..frame.len());
            let piece = frame[at..end].to_vec();
            frame.splice(at..at, piece);
        }
    }
}

/// Reads everything a message holds and returns a number that depends on all of it, so that no read is left out.
fn exhaust(message: &Message<'_>) -> usize {
    let old = |old: &OldTuple<'_>| match old {
        OldTuple::Absent => 0,
        OldTuple::Key(tuple) | OldTuple::Full(tuple) => exhaust_tuple(tuple),
    };
    match message {
        Message::Insert(insert) => exhaust_tuple(&insert.new),
        Message::Update(update) => old(&update.old) + exhaust_tuple(&update.new),
        Message::Delete(delete) => {
            assert!(delete.old != OldTuple::Absent);
            old(&delete.old)
        }
        Message::Relation(relation) => {
            assert_eq!(relation.columns.iter().count(), relation.columns.len());
            relation.columns.iter().map(|column| column.name.len()).sum()
        }
        Message::Truncate(truncate) => {
            assert_eq!(truncate.relations().count(), truncate.relations().len());
            truncate.relations().len()
        }
        Message::Logical(logical) => logical.prefix.len() + logical.content.len(),
        _ => 0,
    }
}

fn exhaust_tuple(tuple: &Tuple<'_>) -> usize {
    let mut columns = 0;
    let mut bytes = 0;
    for datum in tuple.iter() {
        columns += 1;
        bytes += match datum {
            Datum::Null | Datum::Unchanged => 1,
            Datum::Text(value) | Datum::Binary(value) => 5 + value.len(),
        };
    }
    assert_eq!(columns, tuple.len(), "every column that was counted comes out");
    assert_eq!(bytes, tuple.wire_bytes(), "and nothing else stands in the body");
    bytes
}

#[test]
fn a_million_damaged_messages_are_parsed_or_refused() {
    // Given a corpus in which every message is sound.
    let corpus = corpus();
    for (block, message) in &corpus {
        let parsed = parse(*block, message).expect("the corpus is sound");
        exhaust(&parsed);
    }

    // When each round damages one of them once or several times.
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut frame = Vec::new();
    let (mut parsed, mut refused, mut kinds) = (0_u64, 0_u64, std::collections::BTreeMap::new());
    for round in 0..ROUNDS {
        let (block, sound) = &corpus[random.usize(0..corpus.len())];
        frame.clear();
        frame.extend_from_slice(sound);
        for _ in 0..random.u8(1..4) {
            mutate(&mut random, &corpus, &mut frame);
        }
        let block = if random.u8(0..8) == 0 { Block::Streamed } else { *block };
        let outcome = catch_unwind(AssertUnwindSafe(|| match parse(block, &frame) {
            Ok(message) => {
                exhaust(&message);
                // What is accepted is understood completely: it builds to the very bytes it came from, but for
                // a catalog schema that was spelled out where the server sends the empty name.
                let rebuilt = message.to_bytes();
                assert!(rebuilt == frame || frame.windows(11).any(|name| name == b"pg_catalog\0"));
                Some(message.tag())
            }
            Err(malformed) => {
                assert!(malformed.offset <= frame.len(), "{malformed}");
                None
            }
        }));
        match outcome {
            Ok(Some(tag)) => {
                parsed += 1;
                *kinds.entry(tag).or_insert(0_u64) += 1;
            }
            Ok(None) => refused += 1,
            Err(panic) => {
                eprintln!("seed {SEED:#x}, round {round}, {block:?}: {frame:02x?}");
                std::panic::resume_unwind(panic);
            }
        }
    }

    // Then all were answered, and both answers were given often, for every kind of message.
    assert_eq!(parsed + refused, ROUNDS);
    assert!(parsed > ROUNDS / 20, "only {parsed} parsed");
    assert!(refused > ROUNDS / 20, "only {refused} refused");
    assert_eq!(kinds.len(), 19, "every kind was accepted damaged at least once: {kinds:?}");
    assert!(kinds.values().all(|count| *count > 100), "{kinds:?}");
}

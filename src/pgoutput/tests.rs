//! Messages against bytes recorded from real servers, and parse against build.

use proptest::prelude::*;

use super::build::{ColumnsBuffer, TruncateBuffer, TupleBuffer};
use super::*;
use crate::error::{Error, Kind};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    assert!(digits.len().is_multiple_of(2), "{hex}");
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ascii"), 16).expect("hexadecimal"))
        .collect()
}

/// Given bytes as a server sent them, when they are parsed, then they mean `message`, and it builds to those bytes.
#[track_caller]
fn check(block: Block, hex: &str, message: Message<'_>) {
    let payload = bytes(hex);
    assert_eq!(parse(block, &payload), Ok(message), "{hex}");
    assert_eq!(message.to_bytes(), payload, "{hex}");
}

#[track_caller]
fn check_refused(block: Block, hex: &str, offset: usize, fault: Fault) {
    assert_eq!(parse(block, &bytes(hex)), Err(Malformed { offset, fault }), "{hex}");
}

fn commit(value: u64) -> CommitLsn {
    CommitLsn::new(Lsn::new(value))
}

fn end(value: u64) -> EndLsn {
    EndLsn::new(Lsn::new(value))
}

const TABLE: RelationId = RelationId(0x4021);

#[test]
fn recorded_transaction_frames_mean_what_the_server_meant() {
    let commit_time = PgMicros(0x0003_03c2_aff4_bba3);
    check(
        Block::Plain,
        "42 000000005c51b8d8 000303c2aff4bba3 001b7146",
        Message::Begin(Begin { commit: commit(0x5c51_b8d8), commit_time, xid: Xid(0x1b_7146) }),
    );
    check(
        Block::Plain,
        "43 00 000000005c51b8d8 000000005c51b908 000303c2aff4bba3",
        Message::Commit(Commit { commit: commit(0x5c51_b8d8), end: end(0x5c51_b908), commit_time }),
    );
    check(Block::Plain, "4f 0000000000abcdef 6f3100", Message::Origin(Origin { lsn: Lsn::new(0xab_cdef), name: "o1" }));
    check(
        Block::Plain,
        "4d 01 000000005c525ff8 70667800 00000005 68656c6c6f",
        Message::Logical(Logical {
            xid: None,
            transactional: true,
            lsn: Lsn::new(0x5c52_5ff8),
            prefix: "pfx",
            content: b"hello",
        }),
    );
}

#[test]
fn recorded_shapes_mean_what_the_server_meant() {
    let columns = ColumnsBuffer::new(&[
        RelationColumn { identity: true, name: "id", type_oid: TypeOid(23), typmod: -1 },
        RelationColumn { identity: false, name: "n", type_oid: TypeOid(1700), typmod: 0x000a_0006 },
    ]);
    check(
        Block::Plain,
        "52 00004021 7300 7400 64 0002 01 696400 00000017 ffffffff 00 6e00 000006a4 000a0006",
        Message::Relation(Relation {
            xid: None,
            id: TABLE,
            schema: "s",
            table: "t",
            identity: ReplicaIdentity::Default,
            columns: columns.columns(),
        }),
    );
    check(
        Block::Plain,
        "59 0000401c 00 696e743400",
        Message::Type(Type { xid: None, oid: TypeOid(0x401c), schema: "pg_catalog", name: "int4" }),
    );
    check(
        Block::Plain,
        "54 00000002 03 00004021 00004028",
        Message::Truncate(Truncate {
            cascade: true,
            restart_identity: true,
            ..TruncateBuffer::new(&[TABLE, RelationId(0x4028)]).truncate()
        }),
    );
}

#[test]
fn recorded_changes_mean_what_the_server_meant() {
    let key = TupleBuffer::new(&[Datum::Text(b"1"), Datum::Null, Datum::Null, Datum::Null, Datum::Null, Datum::Null]);
    let row = TupleBuffer::new(&[Datum::Text(b"1"), Datum::Text(b"1"), Datum::Unchanged]);
    let binary = TupleBuffer::new(&[Datum::Binary(b"\0\0\0\x01"), Datum::Null]);
    let (row, key) = (row.tuple(), key.tuple());
    let n = "4e 0003 74 00000001 31 74 00000001 31 75";
    check(Block::Plain, &format!("49 00004021 {n}"), Message::Insert(Insert { xid: None, relation: TABLE, new: row }));
    check(
        Block::Plain,
        "49 00004021 4e 0002 62 00000004 00000001 6e",
        Message::Insert(Insert { xid: None, relation: TABLE, new: binary.tuple() }),
    );
    check(
        Block::Plain,
        &format!("55 00004021 {n}"),
        Message::Update(Update { xid: None, relation: TABLE, old: OldTuple::Absent, new: row }),
    );
    check(
        Block::Plain,
        &format!("55 00004021 4b 0006 74 00000001 31 6e 6e 6e 6e 6e {n}"),
        Message::Update(Update { xid: None, relation: TABLE, old: OldTuple::Key(key), new: row }),
    );
    check(
        Block::Plain,
        "44 00004021 4b 0006 74 00000001 31 6e 6e 6e 6e 6e",
        Message::Delete(Delete { xid: None, relation: TABLE, old: OldTuple::Key(key) }),
    );
    check(
        Block::Plain,
        "44 00004021 4f 0003 74 00000001 31 74 00000001 31 75",
        Message::Delete(Delete { xid: None, relation: TABLE, old: OldTuple::Full(row) }),
    );
}

#[test]
fn recorded_stream_and_prepare_frames_mean_what_the_server_meant() {
    let row = TupleBuffer::of_text(&["1"]);
    let xid = Xid(0x1e_d624);
    check(Block::Plain, "53 001ed624 01", Message::StreamStart(StreamStart { xid, first: true }));
    check(Block::Streamed, "45", Message::StreamStop);
    check(
        Block::Streamed,
        "49 001ed624 00004021 4e 0001 74 00000001 31",
        Message::Insert(Insert { xid: Some(xid), relation: TABLE, new: row.tuple() }),
    );
    check(
        Block::Plain,
        "41 001ed624 001ed625",
        Message::StreamAbort(StreamAbort { xid, subxid: Xid(0x1e_d625), at: None }),
    );
    check(
        Block::Plain,
        "41 000002f6 000002f7 00000000017bc060 000303c2f8718985",
        Message::StreamAbort(StreamAbort {
            xid: Xid(0x2f6),
            subxid: Xid(0x2f7),
            at: Some((Lsn::new(0x017b_c060), PgMicros(0x0003_03c2_f871_8985))),
        }),
    );
    check(
        Block::Plain,
        "62 000000005c52f280 000000005c52f378 000303c2aff4e941 001b71ff 6769643100",
        Message::BeginPrepare(BeginPrepare {
            prepare: Lsn::new(0x5c52_f280),
            end: end(0x5c52_f378),
            time: PgMicros(0x0003_03c2_aff4_e941),
            xid: Xid(0x1b_71ff),
            gid: "gid1",
        }),
    );
    let prepare = Prepare {
        prepare: Lsn::new(0xd9e9_e6f8),
        end: end(0xd9e9_e7f0),
        time: PgMicros(0x0003_03c2_f403_d239),
        xid: Xid(0x2e_407e),
        gid: "gsp",
    };
    let body = "00 00000000d9e9e6f8 00000000d9e9e7f0 000303c2f403d239 002e407e 67737000";
    check(Block::Plain, &format!("70 {body}"), Message::StreamPrepare(prepare));
    check(Block::Plain, &format!("50 {body}"), Message::Prepare(prepare));
}

#[test]
fn bytes_that_are_no_message_are_refused_with_their_place() {
    check_refused(Block::Plain, "", 0, Fault::Empty);
    check_refused(Block::Plain, "7a", 0, Fault::UnknownTag(b'z'));
    check_refused(Block::Plain, "45 00", 1, Fault::TrailingBytes);
    check_refused(Block::Plain, "42 000000005c51b8d8 000303c2aff4bba3 001b71", 17, Fault::Short);
    check_refused(Block::Plain, "43 01 000000005c51b8d8 000000005c51b908 000303c2aff4bba3", 1, Fault::UnknownFlags(1));
    check_refused(Block::Plain, "4f 0000000000abcdef 6f31", 9, Fault::UnterminatedName);
    check_refused(Block::Plain, "4f 0000000000abcdef 6fff00", 9, Fault::NameNotUtf8);
    check_refused(Block::Plain, "49 00004021 4b 0000", 5, Fault::UnknownTupleKind(b'K'));
    check_refused(Block::Plain, "44 00004021 4e 0000", 5, Fault::UnknownTupleKind(b'N'));
    check_refused(Block::Plain, "49 00004021 4e 0001 78", 8, Fault::UnknownDatumKind(b'x'));
    check_refused(Block::Plain, "49 00004021 4e 0001 74 00000002 31", 9, Fault::Short);
    check_refused(Block::Plain, "49 00004021 4e 0001 74 ffffffff 31", 9, Fault::Short);
    check_refused(Block::Plain, "49 00004021 4e 0002 6e", 9, Fault::Short);
    check_refused(Block::Plain, "49 00004021 4e 0001 6e 6e", 9, Fault::TrailingBytes);
    check_refused(Block::Plain, "52 00004021 7300 7400 78 0000", 9, Fault::UnknownIdentity(b'x'));
    check_refused(Block::Plain, "52 00004021 7300 7400 64 0001 02 6100 00000017 ffffffff", 12, Fault::UnknownFlags(2));
    check_refused(Block::Plain, "54 ffffffff 00 00004021", 10, Fault::Short);
    check_refused(Block::Plain, "54 00000001 04 00004021", 5, Fault::UnknownFlags(4));
    check_refused(Block::Plain, "41 000002f6 000002f7 00000000017bc060", 17, Fault::Short);
    // Inside a stream block the same bytes have a transaction id in front.
    check_refused(Block::Streamed, "49 00004021 4e 0000", 5, Fault::Short);
}

#[test]
fn a_refusal_becomes_a_definite_error_with_a_remedy() {
    let protocol: Error = Malformed { offset: 7, fault: Fault::UnknownTag(b'\x07') }.into();
    assert_eq!(protocol.kind(), Kind::Protocol);
    assert!(protocol.report().contains("unknown message tag '\\x07' (0x07) at offset 7"), "{}", protocol.report());
    assert!(protocol.hint_text().is_some());

    let name: Error = Malformed { offset: 0, fault: Fault::NameNotUtf8 }.into();
    assert_eq!(name.kind(), Kind::Undecodable);
    assert!(name.hint_text().is_some());
}

#[test]
fn debug_forms_show_no_value() {
    let row = TupleBuffer::new(&[Datum::Text(b"hunter2"), Datum::Binary(b"hunter2"), Datum::Null, Datum::Unchanged]);
    let insert = Message::Insert(Insert { xid: None, relation: TABLE, new: row.tuple() });
    let content = b"hunter2";
    let logical =
        Message::Logical(Logical { xid: None, transactional: false, lsn: Lsn::ZERO, prefix: "audit", content });
    let shown = format!("{insert:?} {logical:?}");
    for secret in ["hunter2", "104, 117"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("Text(7 bytes), Binary(7 bytes), Null, Unchanged"), "{shown}");
}

/// A datum that owns its bytes.
#[derive(Clone, Debug)]
enum Column {
    Null,
    Unchanged,
    Text(Vec<u8>),
    Binary(Vec<u8>),
}

impl Column {
    fn datum(&self) -> Datum<'_> {
        match self {
            Self::Null => Datum::Null,
            Self::Unchanged => Datum::Unchanged,
            Self::Text(bytes) => Datum::Text(bytes),
            Self::Binary(bytes) => Datum::Binary(bytes),
        }
    }
}

fn row() -> impl Strategy<Value = Vec<Column>> {
    let content = || prop::collection::vec(any::<u8>(), 0..20);
    let column = prop_oneof![
        Just(Column::Null),
        Just(Column::Unchanged),
        content().prop_map(Column::Text),
        content().prop_map(Column::Binary),
    ];
    prop::collection::vec(column, 0..12)
}

fn name() -> impl Strategy<Value = String> {
    prop::collection::vec(any::<char>().prop_filter("no zero byte", |c| *c != '\0'), 1..12)
        .prop_map(|characters| characters.into_iter().collect())
}

/// Everything a message can be made of.
#[derive(Clone, Debug)]
struct Parts {
    numbers: [u64; 3],
    times: [i64; 2],
    oids: [u32; 2],
    xid: Option<u32>,
    flags: [bool; 2],
    names: [String; 2],
    old: Vec<Column>,
    new: Vec<Column>,
    columns: Vec<(bool, String, u32, i32)>,
    relations: Vec<u32>,
    identity: ReplicaIdentity,
    content: Vec<u8>,
}

prop_compose! {
    fn parts()(
        numbers: [u64; 3], times: [i64; 2], oids: [u32; 2], xid: Option<u32>, flags: [bool; 2],
        names in [name(), name()], old in row(), new in row(),
        columns in prop::collection::vec((any::<bool>(), name(), any::<u32>(), any::<i32>()), 0..8),
        relations in prop::collection::vec(any::<u32>(), 0..8),
        identity in prop::sample::select(vec![
            ReplicaIdentity::Default, ReplicaIdentity::Nothing, ReplicaIdentity::Full, ReplicaIdentity::Index,
        ]),
        content in prop::collection::vec(any::<u8>(), 0..40),
    ) -> Parts {
        Parts { numbers, times, oids, xid, flags, names, old, new, columns, relations, identity, content }
    }
}

impl Parts {
    /// Calls `visit` with one message of every kind, and with every shape of those that have several.
    fn visit(&self, visit: &mut dyn FnMut(Message<'_>)) {
        self.visit_changes(visit);
        let [a, b, c] = self.numbers;
        let [time, other_time] = self.times.map(PgMicros);
        let [oid, other_oid] = self.oids;
        let [name, gid] = [self.names[0].as_str(), self.names[1].as_str()];
        let (top, first) = (Xid(oid), self.flags[0]);
        visit(Message::Begin(Begin { commit: commit(a), commit_time: time, xid: top }));
        visit(Message::Commit(Commit { commit: commit(a), end: end(b), commit_time: time }));
        visit(Message::Origin(Origin { lsn: Lsn::new(c), name }));
        visit(Message::StreamStart(StreamStart { xid: top, first }));
        visit(Message::StreamStop);
        visit(Message::StreamCommit(StreamCommit { xid: top, commit: commit(a), end: end(b), commit_time: time }));
        let at = first.then_some((Lsn::new(c), time));
        visit(Message::StreamAbort(StreamAbort { xid: top, subxid: Xid(other_oid), at }));
        visit(Message::BeginPrepare(BeginPrepare { prepare: Lsn::new(a), end: end(b), time, xid: top, gid }));
        let prepare = Prepare { prepare: Lsn::new(a), end: end(b), time, xid: top, gid };
        visit(Message::Prepare(prepare));
        visit(Message::StreamPrepare(prepare));
        visit(Message::CommitPrepared(CommitPrepared {
            commit: commit(a),
            end: end(b),
            commit_time: time,
            xid: top,
            gid,
        }));
        visit(Message::RollbackPrepared(RollbackPrepared {
            prepare_end: end(a),
            rollback_end: end(b),
            prepare_time: time,
            rollback_time: other_time,
            xid: top,
            gid,
        }));
    }

    fn visit_changes(&self, visit: &mut dyn FnMut(Message<'_>)) {
        let xid = self.xid.map(Xid);
        let relation = RelationId(self.oids[0]);
        let [schema, table] = [self.names[0].as_str(), self.names[1].as_str()];
        let columns: Vec<RelationColumn<'_>> = self
            .columns
            .iter()
            .map(|(identity, name, oid, typmod)| RelationColumn {
                identity: *identity,
                name,
                type_oid: TypeOid(*oid),
                typmod: *typmod,
            })
            .collect();
        let columns = ColumnsBuffer::new(&columns);
        let columns = columns.columns();
        visit(Message::Relation(Relation { xid, id: relation, schema, table, identity: self.identity, columns }));
        visit(Message::Type(Type { xid, oid: TypeOid(self.oids[1]), schema, name: table }));

        let [old, new] =
            [&self.old, &self.new].map(|row| TupleBuffer::new(&row.iter().map(Column::datum).collect::<Vec<_>>()));
        let (key, full, new) = (OldTuple::Key(old.tuple()), OldTuple::Full(old.tuple()), new.tuple());
        visit(Message::Insert(Insert { xid, relation, new }));
        for old in [OldTuple::Absent, key, full] {
            visit(Message::Update(Update { xid, relation, old, new }));
        }
        for old in [key, full] {
            visit(Message::Delete(Delete { xid, relation, old }));
        }
        let relations: Vec<RelationId> = self.relations.iter().copied().map(RelationId).collect();
        let [cascade, restart_identity] = self.flags;
        let truncate = TruncateBuffer::new(&relations);
        visit(Message::Truncate(Truncate { xid, cascade, restart_identity, ..truncate.truncate() }));
        visit(Message::Logical(Logical {
            xid,
            transactional: cascade,
            lsn: Lsn::new(self.numbers[0]),
            prefix: schema,
            content: &self.content,
        }));
    }
}

proptest! {
    #[test]
    fn every_message_survives_build_and_parse(parts in parts()) {
        let mut kinds = std::collections::BTreeSet::new();
        let mut failures = Vec::new();
        parts.visit(&mut |message| {
            kinds.insert(message.tag());
            let payload = message.to_bytes();
            if parse(message.block(), &payload) != Ok(message) {
                failures.push(format!("{message:?}"));
            }
            // Every message ends where it ends: one byte less or more is another message or none.
            let mut longer = payload.clone();
            longer.push(0);
            if parse(message.block(), &longer) == Ok(message) {
                failures.push(format!("{message:?} with a byte more"));
            }
        });
        prop_assert_eq!(kinds.len(), 19, "one of every kind");
        prop_assert!(failures.is_empty(), "{:?}", failures);
    }

    #[test]
    fn columns_relations_and_rows_come_out_as_they_went_in(parts in parts()) {
        let datums: Vec<Datum<'_>> = parts.new.iter().map(Column::datum).collect();
        let tuple = TupleBuffer::new(&datums);
        prop_assert_eq!(tuple.tuple().len(), datums.len());
        prop_assert_eq!(tuple.tuple().iter().len(), datums.len());
        prop_assert!(tuple.tuple().iter().eq(datums));

        let relations: Vec<RelationId> = parts.relations.iter().copied().map(RelationId).collect();
        let truncate = TruncateBuffer::new(&relations);
        prop_assert_eq!(truncate.truncate().relations().len(), relations.len());
        prop_assert!(truncate.truncate().relations().eq(relations));

        let columns: Vec<RelationColumn<'_>> = parts.columns.iter().map(|(identity, name, oid, typmod)| {
            RelationColumn { identity: *identity, name, type_oid: TypeOid(*oid), typmod: *typmod }
        }).collect();
        let buffer = ColumnsBuffer::new(&columns);
        prop_assert_eq!(buffer.columns().len(), columns.len());
        prop_assert!(buffer.columns().iter().eq(columns));
    }
}

//! Sessions as scripts of messages, and what they come to.

use super::*;
use crate::catalog::facts::Facts;
use crate::pgoutput::build::{ColumnsBuffer, TruncateBuffer, TupleBuffer};
use crate::pgoutput::{
    Block, Delete, Insert, Relation, RelationColumn, ReplicaIdentity, StreamAbort, StreamStart, Tuple, TypeOid, Update,
    Xid,
};
use crate::pgtime::PgMicros;

const A: RelationId = RelationId(16_400);
const B: RelationId = RelationId(16_401);

fn begin(commit: u64) -> Message<'static> {
    let commit = CommitLsn::new(Lsn::new(commit));
    Message::Begin(Begin { commit, commit_time: PgMicros(7), xid: Xid(9) })
}

fn commit(commit: u64) -> Message<'static> {
    let end = EndLsn::new(Lsn::new(commit + 8));
    Message::Commit(Commit { commit: CommitLsn::new(Lsn::new(commit)), end, commit_time: PgMicros(7) })
}

fn insert(relation: RelationId, new: Tuple<'_>) -> Message<'_> {
    Message::Insert(Insert { xid: None, relation, new })
}

fn logical(transactional: bool) -> Message<'static> {
    let lsn = Lsn::new(1);
    Message::Logical(Logical { xid: None, transactional, lsn, prefix: "p", content: b"c" })
}

fn origin() -> Message<'static> {
    Message::Origin(Origin { lsn: Lsn::new(77), name: "upstream" })
}

/// An assembler that knows both tables.
fn assembler(resume_after: Option<Position>) -> Assembler {
    let mut assembler = Assembler::new(Catalog::new(), resume_after, None);
    let column = RelationColumn { identity: true, name: "id", type_oid: TypeOid(23), typmod: -1 };
    let columns = ColumnsBuffer::new(&[column]);
    for id in [A, B] {
        let message = Message::Relation(Relation {
            xid: None,
            id,
            schema: "public",
            table: "t",
            identity: ReplicaIdentity::Default,
            columns: columns.columns(),
        });
        let Step::NeedsFacts(relation) = assembler.step(Lsn::ZERO, message).unwrap() else {
            panic!("nothing is known of it")
        };
        assembler.learn(&relation, &Facts::default());
    }
    assembler
}

/// Plays messages, frames starting at 100, 101, ..., and tells what each came to.
fn play(assembler: &mut Assembler, messages: &[Message<'_>]) -> Vec<String> {
    let step = |(start, message): (u64, &Message<'_>)| match assembler.step(Lsn::new(start), *message) {
        Ok(Step::Begin(transaction)) => format!("begin {}", transaction.xid),
        Ok(Step::Event(event)) => told(&event),
        Ok(Step::Truncate(truncated)) => truncated.events().map(|event| told(&event)).collect::<Vec<_>>().join(", "),
        Ok(Step::Logical(message)) if message.transaction.is_some() => format!("message {}", message.position.ordinal),
        Ok(Step::Logical(message)) => format!("lone message behind {}", message.position.commit),
        Ok(Step::Commit { commit, end }) => format!("commit {commit} {end}"),
        Ok(Step::Relation(_) | Step::NeedsFacts(_)) => "relation".to_owned(),
        Ok(Step::Skipped) => "skipped".to_owned(),
        Err(error) => format!("{:?}: {}", error.kind(), error.message()),
    };
    (100..).zip(messages).map(step).collect()
}

fn told(event: &Event<'_>) -> String {
    let change = match event.change {
        Change::Insert { .. } => "insert",
        Change::Update { old: OldRow::Absent, .. } => "update",
        Change::Update { old: OldRow::Known(KnownRow::Key(_)), .. } => "update from key",
        Change::Update { old: OldRow::Known(KnownRow::Full(_)), .. } => "update from row",
        Change::Delete { old: KnownRow::Key(_) } => "delete of key",
        Change::Delete { old: KnownRow::Full(_) } => "delete of row",
        Change::Truncate => "truncate",
        Change::Read { .. } => "read",
    };
    let last = event.last_commit.map_or_else(|| "none".to_owned(), |last| last.to_string());
    format!("{change} {} of {} at {}, last {last}", event.position, event.relation.id, event.lsn)
}

#[test]
fn a_transaction_becomes_events_in_order() {
    let row = TupleBuffer::of_text(&["1"]);
    let row = row.tuple();
    let update = |old| Message::Update(Update { xid: None, relation: B, old, new: row });
    let delete = |old| Message::Delete(Delete { xid: None, relation: A, old });
    let both = TruncateBuffer::new(&[B, A]);

    let steps = play(
        &mut assembler(None),
        &[
            begin(0x500),
            insert(A, row),
            update(OldTuple::Absent),
            update(OldTuple::Key(row)),
            update(OldTuple::Full(row)),
            logical(true),
            Message::Truncate(both.truncate()),
            delete(OldTuple::Key(row)),
            delete(OldTuple::Full(row)),
            commit(0x500),
            begin(0x600),
            insert(A, row),
            commit(0x600),
        ],
    );

    assert_eq!(
        steps,
        [
            "begin 9",
            "insert 0/500:1 of 16400 at 0/65, last none",
            "update 0/500:2 of 16401 at 0/66, last none",
            "update from key 0/500:3 of 16401 at 0/67, last none",
            "update from row 0/500:4 of 16401 at 0/68, last none",
            "message 5",
            "truncate 0/500:6 of 16401 at 0/6A, last none, truncate 0/500:6 of 16400 at 0/6A, last none",
            "delete of key 0/500:7 of 16400 at 0/6B, last none",
            "delete of row 0/500:8 of 16400 at 0/6C, last none",
            "commit 0/500 0/508",
            "begin 9",
            "insert 0/600:1 of 16400 at 0/6F, last 0/508",
            "commit 0/600 0/608",
        ]
    );
}

#[test]
fn what_was_delivered_before_is_left_out_but_counted() {
    let row = TupleBuffer::of_text(&["1"]);
    let insert = insert(A, row.tuple());
    let resume_after = Position { commit: CommitLsn::new(Lsn::new(0x500)), ordinal: 2 };

    let steps = play(
        &mut assembler(Some(resume_after)),
        &[
            begin(0x400),
            insert,
            commit(0x400),
            begin(0x500),
            insert,
            logical(true),
            insert,
            commit(0x500),
            begin(0x600),
            insert,
        ],
    );

    assert_eq!(steps[1], "skipped", "an earlier transaction");
    assert_eq!(steps[2], "commit 0/400 0/408", "its end may be confirmed all the same");
    assert_eq!(steps[4..6], ["skipped", "skipped"]);
    assert_eq!(steps[6], "insert 0/500:3 of 16400 at 0/6A, last 0/408");
    assert_eq!(steps[9], "insert 0/600:1 of 16400 at 0/6D, last 0/508");
}

#[test]
fn an_origin_belongs_to_its_transaction_alone() {
    let row = TupleBuffer::of_text(&["1"]);
    let mut assembler = assembler(None);
    let mut origins = Vec::new();
    for message in [begin(0x500), origin(), insert(A, row.tuple()), commit(0x500), begin(0x600), insert(A, row.tuple())]
    {
        if let Step::Event(event) = assembler.step(Lsn::ZERO, message).unwrap() {
            origins.push(event.transaction.origin.clone());
        }
    }
    assert_eq!(origins, [Some(TransactionOrigin { name: "upstream".to_owned(), lsn: Lsn::new(77) }), None]);
}

#[test]
fn a_message_outside_transactions_has_the_origin_of_the_last_one() {
    let mut assembler = assembler(None);
    let mut origins = Vec::new();
    let replicated = [begin(0x500), origin(), logical(true), commit(0x500), logical(false)];
    let own = [begin(0x600), logical(true), commit(0x600), logical(false)];
    for message in [logical(false)].into_iter().chain(replicated).chain(own) {
        if let Step::Logical(message) = assembler.step(Lsn::ZERO, message).unwrap() {
            origins.push(message.origin.map(|origin| origin.lsn.as_u64()));
        }
    }
    assert_eq!(origins, [None, Some(77), Some(77), None, None]);
}

#[test]
fn a_message_outside_transactions_counts_as_a_last_commit() {
    let row = TupleBuffer::of_text(&["1"]);
    let steps = play(&mut assembler(None), &[logical(false), begin(0x500), insert(A, row.tuple())]);
    assert_eq!(steps, ["lone message behind 0/63", "begin 9", "insert 0/500:1 of 16400 at 0/66, last 0/64"]);
}

#[test]
fn a_message_outside_transactions_is_left_out_once_it_was_delivered() {
    // Given a message that ends at 0/64, behind a transaction that began before it, and before one whose commit record
    // begins right where it ends
    let row = TupleBuffer::of_text(&["1"]);
    let message_position = Position { commit: CommitLsn::new(Lsn::new(0x63)), ordinal: u64::MAX };
    let at = |commit, ordinal| Position { commit: CommitLsn::new(Lsn::new(commit)), ordinal };
    let messages = [logical(false), begin(0x64), insert(A, row.tuple())];
    for (after, expected) in [
        // The transaction before it was delivered to its end, and the message was not.
        (at(0x30, u64::MAX), ["lone message behind 0/63", "begin 9", "insert 0/64:1 of 16400 at 0/66, last 0/64"]),
        (message_position, ["skipped", "begin 9", "insert 0/64:1 of 16400 at 0/66, last 0/64"]),
        (at(0x64, 1), ["skipped", "begin 9", "skipped"]),
    ] {
        assert_eq!(play(&mut assembler(Some(after)), &messages), expected, "{after}");
    }
}

#[test]
fn a_stray_abort_is_counted_and_no_more() {
    let abort = Message::StreamAbort(StreamAbort { xid: Xid(5), subxid: Xid(5), at: None });
    let mut assembler = assembler(None);
    assert_eq!(play(&mut assembler, &[abort, abort]), ["skipped", "skipped"]);
    assert_eq!(assembler.stray_aborts(), 2);
}

#[test]
fn broken_order_is_a_definite_error() {
    let row = TupleBuffer::of_text(&["1"]);
    let row = row.tuple();
    let unknown = RelationId(99);
    let emptied = TruncateBuffer::new(&[A, unknown]);
    for (messages, expected) in [
        (&[insert(A, row)][..], "a change came outside a transaction"),
        (&[logical(true)], "a change came outside a transaction"),
        (&[begin(5), insert(unknown, row)], "a change of relation 99 came before the relation itself"),
        (&[begin(5), Message::Truncate(emptied.truncate())], "a change of relation 99 came before the relation itself"),
        (&[begin(5), begin(6)], "a transaction began inside another"),
        (&[commit(5)], "a commit came without its begin"),
        (&[begin(5), logical(false)], "a message outside transactions came inside one"),
        (&[begin(5), commit(6)], "a commit stands elsewhere than its begin said"),
        (&[origin()], "an origin came elsewhere than right after a begin"),
        (&[begin(5), insert(A, row), origin()], "an origin came elsewhere than right after a begin"),
        (
            &[Message::StreamStart(StreamStart { xid: Xid(1), first: true })],
            "a message of a protocol version that was not asked for",
        ),
    ] {
        let steps = play(&mut assembler(None), messages);
        assert_eq!(steps.last().unwrap(), &format!("Protocol: {expected}"));
    }
}

#[test]
fn a_session_gives_its_versions_to_the_next() {
    let mut catalog = assembler(None).into_catalog();
    let before = Arc::clone(catalog.get(A).unwrap());
    catalog.start_session(Facts::default());
    let row = TupleBuffer::of_text(&["1"]);
    let mut next = Assembler::new(catalog, None, None);

    let steps = play(&mut next, &[begin(5), insert(A, row.tuple())]);

    assert_eq!(steps[1], "Protocol: a change of relation 16400 came before the relation itself");
    assert_eq!(before.version, 1);
}

#[test]
fn messages_survive_the_wire() {
    // The scripts above are built, not recorded; this ties them to the bytes.
    let row = TupleBuffer::of_text(&["1"]);
    let message = insert(A, row.tuple());
    let bytes = message.to_bytes();
    assert_eq!(crate::pgoutput::parse(Block::Plain, &bytes).unwrap(), message);
}

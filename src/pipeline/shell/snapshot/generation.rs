//! One generation of a snapshot: what the server is asked for it, and what of it is done.

use std::collections::VecDeque;
use std::sync::Arc;

use super::keeping::Keeping;
use super::progress::{Plan, Progress};
use crate::catalog::facts::Facts;
use crate::config::{Connector, Locking};
use crate::encode::holds_values;
use crate::error::{Error, Result};
use crate::event::{Notification, ScanStatus};
use crate::observe::Status;
use crate::pgoutput::Xid;
use crate::pipeline::pump::{Pump, Scene};
use crate::pipeline::session::create_slot;
use crate::pipeline::snapshot::{Feed, Source};
use crate::progress::{self, Part, TableName};
use crate::signal::Request;
use crate::snapshot::heaps::Heap;
use crate::snapshot::plan::{Share, shares};
use crate::snapshot::queries;
use crate::snapshot::query::Query;
use crate::snapshot::readers::{Piece, Task};
use crate::snapshot::reading::Reading;
use crate::snapshot::run::{PartId, Run};
use crate::snapshot::selection::Selection;
use crate::snapshot::tables::{self, Subject};
use crate::source::capture::CaptureFilter;
use crate::source::slot::{self, SlotState};
use crate::source::sql::{Sql, field};
use crate::source::{facts, setup};
use crate::wire::{Connection, SlotSnapshot};

/// A snapshot of the database that is held, and what is to be read under it.
pub(super) struct Prepared {
    pub(super) generation: progress::Generation,
    keeper: Reading,
    snapshot_name: String,
    scene: Scene,
    subjects: Vec<Subject>,
    facts: Facts,
}

impl Prepared {
    /// Makes publication and slot where they are missing, and holds a snapshot: the slot's own where it is made now. What a
    /// signal asks for is read under one of its own.
    ///
    /// # Errors
    /// Everything that can be wrong with a server, by class; see `source` and `wire`.
    ///
    /// # Cancel safety
    /// A publication or slot that was made stays; the next attempt finds it.
    pub(super) fn make(
        connector: Arc<Connector>,
        sql: Arc<Sql>,
        so_far: &[progress::Generation],
        asked: Option<Request>,
    ) -> impl Future<Output = Result<Self>> + use<> {
        let number = so_far.last().map_or(1, |last| last.number.saturating_add(1));
        async move { Self::prepare(&connector, &sql, number, asked).await }
    }

    async fn prepare(connector: &Connector, sql: &Sql, number: u32, asked: Option<Request>) -> Result<Self> {
        let filter = CaptureFilter::new(&connector.capture)?;
        let mut selection = Selection::new(connector)?;
        let is_asked = asked.is_some();
        let absent = match asked {
            // The stream was there before: what is missing of it by now is for the next session to tell.
            Some(request) => {
                selection = selection.asked(request);
                false
            }
            None => {
                setup::ensure_publication(sql, connector, &filter).await?;
                slot::state(sql, &connector.slot.name).await? == SlotState::Absent
            }
        };
        let begin = |name: Option<String>| async move {
            Reading::begin(&connector.database, connector.snapshot.lock_timeout, name.as_deref()).await
        };
        let (keeper, consistent_point) = if absent && connector.snapshot.mode.streams() {
            let mut connection = Connection::open(&connector.database, "walcast").await?;
            let made = create_slot(&mut connection, connector, sql, SlotSnapshot::Export).await?;
            // Its snapshot dies with the next command on this connection, and lives on in the keeper.
            let keeper = begin(made.snapshot_name).await?;
            connection.close().await;
            (keeper, Some(made.consistent_point))
        } else {
            (begin(None).await?, None)
        };
        let held = keeper.export().await?;
        let lsn = consistent_point.unwrap_or(held.end);
        let admitted = |schema: &str, table: &str| selection.admits(schema, table);
        let mut subjects = tables::of_publication(&keeper, &connector.publication.name, admitted).await?;
        tables::read_partitions(&keeper, &mut subjects).await?;
        selection.arrange(&mut subjects);
        if connector.snapshot.locking == Locking::Shared {
            for subject in &subjects {
                keeper.execute(&format!("LOCK TABLE {} IN ACCESS SHARE MODE", subject.name())).await?;
            }
        }
        queries::cut(&keeper, &mut subjects).await?;
        let ids: Vec<_> = subjects.iter().map(|subject| subject.relation.id).collect();
        let facts = facts::of_relations(sql, &ids).await?;
        let scene = Scene::new(lsn, held.taken, present_xid(sql).await?);
        let generation = progress::Generation { number, lsn, contents: held.contents };
        if subjects.is_empty() && is_asked {
            tracing::warn!("a signal asks for no table that is captured");
        }
        tracing::info!(generation = number, %lsn, tables = subjects.len(), "holds a snapshot of the database");
        Ok(Self { generation, keeper, snapshot_name: held.name, scene, subjects, facts })
    }

    /// Plans what is left to be read, and tells that to those who look.
    pub(super) fn plan(
        self,
        pump: &mut Pump,
        connector: &Connector,
        keeping: &Keeping,
        status: &Arc<Status>,
    ) -> Generation {
        let mut plan = Plan::default();
        let (mut sources, mut tasks, mut parts, mut tables) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for subject in &self.subjects {
            let name = subject.table_name();
            if keeping.is_done(&name) {
                plan.add_done();
                continue;
            }
            let query = subject.query.as_ref().and_then(Query::print);
            let with_done = |heap: Heap| {
                let done = keeping.parts(&heap.name, heap.file(), query.as_deref());
                (heap, done)
            };
            let heaps: Vec<(Heap, Vec<Part>)> = subject.heaps().into_iter().map(with_done).collect();
            let found = shares(&heaps, connector.snapshot.readers, keeping.generations());
            let texts = subject.texts(&self.facts);
            let relation = pump.learn(&subject.relation, &self.facts);
            // What no record has is not read: a large value of a column that the lists leave out costs nothing.
            let left_out: Vec<bool> = (0..relation.columns.len())
                .map(|position| !holds_values(&relation, position, &connector.records))
                .collect();
            let table = tables.len();
            for share in &found {
                let Some((heap, _)) = heaps.get(share.heap) else { continue };
                let part = PartId(parts.len());
                let range = (share.range, share.condition.as_deref());
                let statement = subject.copy_statement(heap, range, &texts, &left_out);
                // Partitioned tables and what lies at another server have no file of their own.
                let file = (heap.file != 0).then(|| heap.file());
                tasks.push(Task { part, statement, file, by_operator: subject.query.is_some() });
                parts.push((table, share.clone()));
            }
            let rows = heaps.iter().flat_map(|(_, done)| done).map(|part| part.rows).sum();
            plan.add(subject, &heaps, &found, rows);
            sources.push(Source { relation, texts, introduced: false });
            tables.push(Table {
                name,
                query,
                heaps: heaps.into_iter().map(|(heap, _)| Body { heap, changed: false }).collect(),
                parts: found.len(),
                left: found.len(),
                rows,
                state: Reads::Well,
                begun: false,
            });
        }
        let is_told = connector.notifications.log || connector.notifications.sink;
        let names = || tables.iter().map(|table| table.name.to_string()).collect::<Vec<String>>().join(",");
        let told = is_told.then(names);
        let read = tables.iter().enumerate().filter(|(_, table)| table.parts == 0).map(|(at, _)| at).collect();
        Generation {
            number: self.generation.number,
            snapshot_name: self.snapshot_name,
            scene: match (keeping.asked(), pump.beside().last_event()) {
                (Some(_), Some(streamed)) => self.scene.while_waiting(streamed),
                _ => self.scene,
            },
            unfinished: tables.len(),
            sources,
            tasks,
            parts,
            tables,
            keeper: self.keeper,
            notices: VecDeque::new(),
            connector: connector.topic_prefix.clone(),
            told,
            read,
            progress: plan.tell(status, keeping.kind()),
        }
    }
}

/// A transaction id of now, as Debezium puts into the records; a standby has none to give.
async fn present_xid(sql: &Sql) -> Result<Xid> {
    let session = sql.session().await?;
    let statement = "SELECT (CASE WHEN pg_is_in_recovery() THEN txid_snapshot_xmax(txid_current_snapshot())
                                  ELSE txid_current() END & 4294967295)::text AS xid";
    let rows = session.query(statement, &[]).await?;
    let row = rows.first().ok_or_else(|| Error::bug("a query without a filter gave no row"))?;
    field::<String>(row, "xid")?.parse().map(Xid).map_err(|_| Error::bug("a transaction id is no number"))
}

/// What is read under one snapshot of the database.
pub(super) struct Generation {
    number: u32,
    pub(super) snapshot_name: String,
    pub(super) scene: Scene,
    pub(super) sources: Vec<Source>,
    pub(super) tasks: Vec<Task>,
    /// Table and share of each part.
    parts: Vec<(usize, Share)>,
    tables: Vec<Table>,
    /// Its transaction holds the snapshot until every reader has joined, and the locks of `snapshot.locking.mode=shared`.
    #[expect(dead_code, reason = "it counts while it is there")]
    keeper: Reading,
    /// What is to be told.
    pub(super) notices: VecDeque<Notification>,
    /// `connector_name`
    connector: String,
    /// Names of all tables, where somebody is told: they are in every notification.
    told: Option<String>,
    /// Tables of which nothing more comes, and which are not finished.
    read: Vec<usize>,
    /// Tables that are not finished.
    unfinished: usize,
    /// What is told of it while it goes on.
    pub(super) progress: Progress,
}

struct Table {
    name: TableName,
    /// What tells the query that is read in its place from another one.
    query: Option<String>,
    heaps: Vec<Body>,
    parts: usize,
    /// Parts that are not finished.
    left: usize,
    rows: u64,
    state: Reads,
    /// Something of it was read.
    begun: bool,
}

/// A heap of a table.
struct Body {
    heap: Heap,
    /// What was read of it is not to be counted on.
    changed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// Its rows are there.
    Well,
    /// It has to be read again, under another snapshot.
    Again,
    /// All of it is kept as done.
    Done,
    /// What was read of it is forgotten, and it is read again later.
    Forgotten,
}

impl Generation {
    pub(super) fn parts_of_tables(&self) -> Vec<usize> {
        self.tables.iter().map(|table| table.parts).collect()
    }

    /// Something of a part was read.
    pub(super) fn begin(&mut self, piece: &Piece) {
        let (Piece::Bytes { part, .. } | Piece::End(part) | Piece::TableChanged(part, _)) = piece else { return };
        if let Piece::Bytes { bytes, .. } = piece {
            self.progress.batch(*part, bytes.len());
        }
        let Some((at, _)) = self.parts.get(part.0) else { return };
        let Some(table) = self.tables.get_mut(*at).filter(|table| !table.begun) else { return };
        table.begun = true;
        self.progress.begin(*at);
        if let Some(all) = &self.told {
            self.notices.push_back(Notification::in_progress(&self.connector, &table.name.to_string(), all));
        }
    }

    /// A part cannot be read under this snapshot.
    pub(super) fn changed(&mut self, part: PartId, why: &Error, run: &mut Run, feed: &mut Feed) -> Result<()> {
        if let Some((at, share)) = self.parts.get(part.0)
            && let Some(table) = self.tables.get_mut(*at)
        {
            let name = table.name.to_string();
            if let Some(body) = table.heaps.get_mut(share.heap) {
                body.changed = true;
                let (detail, partition) = (why.detail_text(), body.heap.name.to_string());
                let partition = (partition != name).then_some(partition);
                tracing::warn!(table = name, partition, detail, "a table changed while it was to be read: {why}");
            }
            table.state = Reads::Again;
        }
        feed.end(part, run)
    }

    /// Parts are with the brokers.
    pub(super) fn finish(&mut self, finished: &[(PartId, u64)], keeping: &mut Keeping) {
        for &(part, rows) in finished {
            let Some((at, share)) = self.parts.get(part.0) else { continue };
            let Some(table) = self.tables.get_mut(*at) else { continue };
            table.left = table.left.saturating_sub(1);
            if table.left == 0 {
                self.read.push(*at);
            }
            table.rows += rows;
            self.progress.part_done(part);
            if share.kept
                && table.parts > 1
                && let Some(Body { heap, changed: false }) = table.heaps.get(share.heap)
            {
                let (from, to) = (share.range.from, share.range.to);
                let (generation, query) = (self.number, table.query.clone());
                keeping.part_done(&heap.name, Part { generation, heap: heap.file(), from, to, query, rows });
            }
        }
        for at in std::mem::take(&mut self.read) {
            self.finish_table(at, keeping);
        }
    }

    /// Nothing more comes of a table.
    fn finish_table(&mut self, at: usize, keeping: &mut Keeping) {
        let Some(table) = self.tables.get_mut(at) else { return };
        let status = match table.state {
            Reads::Done | Reads::Forgotten => return,
            Reads::Well => {
                table.state = Reads::Done;
                self.progress.finish(at);
                keeping.table_done(&table.name, table.rows);
                ScanStatus::Succeeded
            }
            Reads::Again => {
                table.state = Reads::Forgotten;
                self.progress.leave(at);
                // What was read of other partitions is not touched by this.
                for Body { heap, .. } in table.heaps.iter().filter(|body| body.changed) {
                    let parts = keeping.parts(&heap.name, heap.file(), table.query.as_deref());
                    keeping.forget(&heap.name, parts.iter().map(|part| part.from).collect());
                }
                ScanStatus::SqlException
            }
        };
        self.unfinished = self.unfinished.saturating_sub(1);
        if let Some(all) = &self.told {
            self.notices.push_back(scanned(&self.connector, table, all, status));
        }
    }

    /// Whether everything that could be read is with the brokers.
    pub(super) fn is_finished(&self) -> bool {
        self.unfinished == 0
    }

    pub(super) fn tables_to_read_again(&self) -> usize {
        self.tables.iter().filter(|table| table.state == Reads::Forgotten).count()
    }
}

fn scanned(connector: &str, table: &Table, tables: &str, status: ScanStatus) -> Notification {
    Notification::table_scanned(connector, &table.name.to_string(), tables, table.rows, status)
}

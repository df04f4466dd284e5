//! The catalog: which relation versions are known, and which Relation messages still wait for facts.
//!
//! Invariants: a row is never decoded with a version older than the last Relation message of its relation; a
//! version's number rises only when something in it really differs.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::facts::{Facts, TableFacts, TypeFacts};
use super::{
    BinaryUse, Column, DeclaredType, Learnt, Nullability, RelationVersion, SourceType, binary_use, default, key, types,
};
use crate::error::{Error, Kind, Result};
use crate::pgoutput::{Relation, RelationColumn, RelationId, ReplicaIdentity, TypeOid, Xid};

/// A Relation message copied out of its frame, because the facts that complete it arrive later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedRelation {
    /// Relation OID.
    pub id: RelationId,
    /// Schema name.
    pub schema: String,
    /// Table name.
    pub table: String,
    /// Replica identity setting.
    pub identity: ReplicaIdentity,
    /// Columns in the order of tuples.
    pub columns: Vec<OwnedColumn>,
    /// Where it is known from.
    pub learnt: Learnt,
}

/// A column of an [`OwnedRelation`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedColumn {
    /// Column name.
    pub name: String,
    /// Type OID.
    pub type_oid: TypeOid,
    /// Type modifier, -1 for none.
    pub typmod: i32,
    /// Whether it is part of the replica identity.
    pub identity: bool,
}

impl From<&Relation<'_>> for OwnedRelation {
    fn from(message: &Relation<'_>) -> Self {
        Self {
            id: message.id,
            schema: message.schema.to_owned(),
            table: message.table.to_owned(),
            identity: message.identity,
            columns: message.columns.iter().map(|column| OwnedColumn::from(&column)).collect(),
            learnt: Learnt::FromStream,
        }
    }
}

impl From<&RelationColumn<'_>> for OwnedColumn {
    fn from(column: &RelationColumn<'_>) -> Self {
        Self {
            name: column.name.to_owned(),
            type_oid: column.type_oid,
            typmod: column.typmod,
            identity: column.identity,
        }
    }
}

impl OwnedRelation {
    /// Types that are not built in, each once: what [`Facts::types`] must tell, with what their domains and arrays
    /// are made of.
    #[must_use]
    pub fn foreign_types(&self) -> Vec<TypeOid> {
        let mut types: Vec<TypeOid> =
            self.columns.iter().map(|column| column.type_oid).filter(|&oid| !types::is_built_in(oid)).collect();
        types.sort_unstable();
        types.dedup();
        types
    }

    /// Positions of its columns that a binary session cannot carry.
    pub fn unfit_for_binary(&self, types: &Types) -> impl Iterator<Item = usize> {
        let unfit = |column: &OwnedColumn| binary_use(column.type_oid, types) != BinaryUse::Fits;
        self.columns.iter().enumerate().filter(move |(_, column)| unfit(column)).map(|(position, _)| position)
    }

    /// The relation as facts complete it, outside of any catalog.
    #[must_use]
    pub fn completed(&self, facts: &Facts) -> RelationVersion {
        let table = facts.tables.get(&self.id);
        let key = key::choose(self, table, None);
        make_version(self, 1, key.positions, table, &facts.types)
    }
}

/// What is to be done about a Relation message.
#[derive(Clone, Debug)]
pub enum Seen {
    /// Facts that were read at the start of the session show it: this version is current.
    Same(Arc<RelationVersion>),
    /// Read the catalog, then call [`Catalog::learn`]; no row of the relation may be decoded before.
    NeedsFacts(OwnedRelation),
}

/// Types by OID, as in [`Facts::types`].
type Types = HashMap<TypeOid, TypeFacts>;

/// All relation versions of a process. See the module.
#[derive(Debug, Default)]
pub struct Catalog {
    relations: HashMap<RelationId, Entry>,
    /// Facts read in bulk at the start of the session; a relation takes them once, with its first message.
    prefetched: Facts,
    /// Relations whose first message of the session has been seen.
    met: HashSet<RelationId>,
}

#[derive(Debug)]
struct Entry {
    latest: Arc<RelationVersion>,
    /// The latest version may be used by rows.
    current: bool,
    /// Positions of its columns that a binary session cannot carry.
    unfit: Vec<usize>,
}

impl Catalog {
    /// An empty catalog.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a replication session: the server will send every relation again before its first row. `prefetched`
    /// may hold facts that were read for the session, so that the first message of a relation in a transaction that
    /// had ended by then needs no round trip of its own; an empty value is always right.
    ///
    /// Versions stay and go on counting.
    pub fn start_session(&mut self, prefetched: Facts) {
        self.prefetched = prefetched;
        self.met.clear();
        for entry in self.relations.values_mut() {
            entry.current = false;
        }
    }

    /// Takes note of a Relation message in the transaction `xid`.
    ///
    /// Every message after the first of a relation in a session asks for facts again, whatever it says: it was
    /// sent because something may have changed that it does not show, such as a default. So does the first one in
    /// a transaction that may have ended after the session's facts were read: the table may have changed between.
    pub fn observe(&mut self, message: &Relation<'_>, xid: Option<Xid>) -> Seen {
        let owned = OwnedRelation::from(message);
        self.met.insert(owned.id);
        let ended = match (xid, self.prefetched.ended_before) {
            (Some(xid), Some(before)) => xid.precedes(before),
            _ => false,
        };
        // Taken out, because only the first message of a session may rest on facts from before it.
        let table = self.prefetched.tables.remove(&owned.id).filter(|_| ended);
        if table.is_some() && owned.foreign_types().iter().all(|oid| self.prefetched.types.contains_key(oid)) {
            let types = std::mem::take(&mut self.prefetched.types);
            let version = self.complete(&owned, table.as_ref(), &types);
            self.prefetched.types = types;
            return Seen::Same(version);
        }
        if let Some(entry) = self.relations.get_mut(&owned.id) {
            entry.current = false;
        }
        Seen::NeedsFacts(owned)
    }

    /// Completes a Relation message with facts and makes it current. Gives the version that was known where
    /// nothing differs.
    pub fn learn(&mut self, message: &OwnedRelation, facts: &Facts) -> Arc<RelationVersion> {
        self.complete(message, facts.tables.get(&message.id), &facts.types)
    }

    fn complete(&mut self, message: &OwnedRelation, table: Option<&TableFacts>, types: &Types) -> Arc<RelationVersion> {
        let before = self.relations.get(&message.id).map(|entry| &entry.latest);
        let key = key::choose(message, table, before.map(Arc::as_ref));
        let number = before.map_or(1, |before| before.version.saturating_add(1));
        let made = make_version(message, number, key.positions, table, types);
        let latest = match before {
            Some(latest) if same_but_number(latest, &made) => Arc::clone(latest),
            _ => {
                warn_once(&made, key.substitute);
                Arc::new(made)
            }
        };
        let unfit = message.unfit_for_binary(types).collect();
        self.relations.insert(message.id, Entry { latest: Arc::clone(&latest), current: true, unfit });
        latest
    }

    /// The version that rows of a relation are decoded with now.
    #[must_use]
    pub fn get(&self, id: RelationId) -> Option<&Arc<RelationVersion>> {
        self.relations.get(&id).filter(|entry| entry.current).map(|entry| &entry.latest)
    }

    /// Positions of a relation's columns that a binary session cannot carry.
    #[must_use]
    pub fn unfit_for_binary(&self, id: RelationId) -> &[usize] {
        self.relations.get(&id).map_or(&[], |entry| &entry.unfit)
    }

    /// As [`Catalog::get`], for a row that needs it.
    ///
    /// # Errors
    /// `Protocol` where the server sent a row before its relation; `Bug` where facts of the relation are still
    /// awaited.
    pub fn require(&self, id: RelationId) -> Result<&Arc<RelationVersion>> {
        match self.relations.get(&id) {
            Some(entry) if entry.current => Ok(&entry.latest),
            _ if self.met.contains(&id) => {
                Err(Error::bug(format!("a change of relation {id} was read while its facts were awaited")))
            }
            _ => Err(Error::new(Kind::Protocol, format!("a change of relation {id} came before the relation itself"))),
        }
    }
}

fn make_version(
    message: &OwnedRelation,
    number: u32,
    key: Vec<usize>,
    table: Option<&TableFacts>,
    types: &Types,
) -> RelationVersion {
    RelationVersion {
        id: message.id,
        version: number,
        schema: message.schema.clone(),
        table: message.table.clone(),
        identity: message.identity,
        columns: message.columns.iter().map(|column| make_column(column, message.learnt, table, types)).collect(),
        key,
    }
}

/// A column that the catalog does not know any more may be null and has no default, as in Debezium.
fn make_column(column: &OwnedColumn, learnt: Learnt, table: Option<&TableFacts>, types: &Types) -> Column {
    let known = table.and_then(|table| table.columns.iter().find(|known| known.name == column.name));
    let column_type = types::resolve(column.type_oid, column.typmod, types);
    let expression = known.and_then(|known| known.default_expression.as_deref());
    let default = expression.and_then(|expression| default::literal(column.type_oid, &column_type, expression));
    Column {
        name: column.name.clone(),
        type_oid: column.type_oid,
        typmod: column.typmod,
        identity: column.identity,
        column_type,
        declared: DeclaredType::of(column.type_oid, column.typmod, types),
        nullability: match known {
            Some(known) if known.not_null => Nullability::Required,
            _ => Nullability::Optional,
        },
        default,
        source_type: match learnt {
            Learnt::FromStream => SourceType::of(column.type_oid, column.typmod, types),
            Learnt::FromCatalog => SourceType::listed(column.type_oid, column.typmod, expression, types),
        },
        learnt,
    }
}

impl RelationVersion {
    /// Whether two versions differ in nothing but their number.
    #[must_use]
    pub fn same_but_number(&self, other: &Self) -> bool {
        same_but_number(self, other)
    }
}

fn same_but_number(left: &RelationVersion, right: &RelationVersion) -> bool {
    left.schema == right.schema
        && left.table == right.table
        && left.identity == right.identity
        && left.columns == right.columns
        && left.key == right.key
}

/// A warning where no primary key makes the record key.
fn warn_once(version: &RelationVersion, substitute_key: bool) {
    let table = format!("{}.{}", version.schema, version.table);
    if substitute_key && version.key.is_empty() {
        tracing::warn!(table, "records have no key: the table has neither a primary key nor a usable unique index");
    } else if substitute_key {
        let columns = version.key_names().join(", ");
        tracing::warn!(table, columns, "a unique index makes the record key: the table has no primary key");
    }
}

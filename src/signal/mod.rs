//! Signals: what operators ask of a connector that runs.
//!
//! Owns [`Signal`], what it may ask ([`Action`]), and how it is read from each channel ([`channel`]). Pure.
//!
//! Invariant: whatever a channel brings is a value. A signal that cannot be understood is [`Refused`] with the reason, to be
//! logged and counted, and is never an error that could stop the stream.
//!
//! Source: Debezium's `io.debezium.pipeline.signal`, with its names of types and fields.

pub mod channel;
mod parse;
#[cfg(test)]
mod tests;

use regex::Regex;

pub use parse::parse;

/// Something that an operator asks.
#[derive(Clone, Debug)]
pub struct Signal {
    /// What the operator calls it. Notifications about it carry it.
    pub id: String,
    /// What is asked.
    pub action: Action,
}

/// What a signal asks.
#[derive(Clone, Debug)]
pub enum Action {
    /// `log`: write a line into the log.
    Log {
        /// The line; `{}` in it stands for the position of the stream.
        message: String,
    },
    /// `execute-snapshot` of type `incremental`: read tables in chunks, beside the stream.
    Incremental(Request),
    /// `execute-snapshot` of type `blocking`: read tables while the stream waits.
    Blocking(Request),
    /// `stop-snapshot`: forget tables of the incremental snapshot.
    Stop {
        /// Which; all where absent.
        tables: Option<Tables>,
    },
    /// `pause-snapshot`: read no further chunk.
    Pause,
    /// `resume-snapshot`: read on.
    Resume,
    /// `snapshot-window-open`, `snapshot-window-close`: marks that Debezium, or we for its sake, put around a chunk. Chunks
    /// are ordered by positions of the log here, so they ask nothing.
    WindowMark,
}

/// Which rows a snapshot is asked to read.
#[derive(Clone, Debug)]
pub struct Request {
    /// `data-collections`
    pub tables: Tables,
    /// `additional-conditions`, in their order.
    pub conditions: Vec<Condition>,
    /// `surrogate-key`: a column by which chunks are cut in place of the key.
    pub surrogate_key: Option<String>,
}

impl Request {
    /// One for these expressions for tables, with conditions of an expression and a filter each.
    ///
    /// # Errors
    /// Why one is no expression.
    pub fn of<'a>(
        tables: impl IntoIterator<Item = &'a str>,
        conditions: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, String> {
        parse::request(tables, conditions)
    }

    /// The filter for a table: that of the first condition that names it.
    #[must_use]
    pub fn filter(&self, schema: &str, table: &str) -> Option<&str> {
        let name = format!("{schema}.{table}");
        self.conditions.iter().find(|condition| condition.table.is_match(&name)).map(|condition| &*condition.filter)
    }
}

/// An entry of `additional-conditions`.
#[derive(Clone, Debug)]
pub struct Condition {
    /// `data-collection`, as it was written.
    pub text: String,
    /// The same: an expression for `schema.table`.
    pub table: Regex,
    /// `filter`: for incremental snapshots a predicate, for blocking ones a whole SELECT or a predicate.
    pub filter: String,
}

/// `data-collections`: expressions for `schema.table`, each with its text.
#[derive(Clone, Debug)]
pub struct Tables(pub(crate) Vec<(String, Regex)>);

impl Tables {
    /// Whether a table is named.
    #[must_use]
    pub fn matches(&self, schema: &str, table: &str) -> bool {
        let name = format!("{schema}.{table}");
        self.0.iter().any(|(_, expression)| expression.is_match(&name))
    }

    /// The expressions as they were written.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(text, _)| text.as_str())
    }
}

/// What became of something that a channel brought.
#[derive(Clone, Debug)]
pub enum Heard {
    /// A signal.
    Signal(Signal),
    /// Something that cannot be understood, and asks nothing.
    Refused(Refused),
    /// Something that is for another connector.
    ForAnother,
}

/// A signal that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What the operator calls it, as far as that could be read.
    pub id: String,
    /// Why, as the end of a sentence. Never holds the signal's data.
    pub why: String,
}

impl Refused {
    /// A refusal of a signal.
    fn heard(id: &str, why: impl Into<String>) -> Heard {
        Heard::Refused(Self { id: id.to_owned(), why: why.into() })
    }
}

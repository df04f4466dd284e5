//! The schema of a Connect value.
//!
//! Plain data. Equality is what Connect's `ConnectSchema.equals` compares.

use std::borrow::Cow;
use std::sync::Arc;

use super::Literal;

/// A Connect schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// What kind of value it is.
    pub kind: Kind,
    /// Whether null is a value.
    pub optional: bool,
    /// Semantic name.
    pub name: Option<Cow<'static, str>>,
    /// Version of what the name stands for.
    pub version: Option<i32>,
    /// Documentation.
    pub doc: Option<Cow<'static, str>>,
    /// Parameters, in order; none at all is what Connect calls null.
    pub parameters: Vec<(Cow<'static, str>, String)>,
    /// What stands for a missing value.
    pub default: Option<Literal>,
}

/// The kinds of Connect values.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `BOOLEAN`
    Boolean,
    /// `INT8`
    Int8,
    /// `INT16`
    Int16,
    /// `INT32`
    Int32,
    /// `INT64`
    Int64,
    /// `FLOAT32`
    Float32,
    /// `FLOAT64`
    Float64,
    /// `BYTES`
    Bytes,
    /// `STRING`
    String,
    /// `ARRAY` of values of one schema.
    Array(Arc<Schema>),
    /// `MAP`
    Map {
        /// Schema of its keys.
        keys: Arc<Schema>,
        /// Schema of its values.
        values: Arc<Schema>,
    },
    /// `STRUCT`
    Struct(Vec<Field>),
}

/// A field of a struct.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Its schema.
    pub schema: Arc<Schema>,
}

impl Field {
    /// A field.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>, schema: impl Into<Arc<Schema>>) -> Self {
        Self { name: name.into(), schema: schema.into() }
    }
}

impl Schema {
    /// Name of Connect's decimal.
    pub const DECIMAL: &'static str = "org.apache.kafka.connect.data.Decimal";
    /// Name of Connect's date.
    pub const DATE: &'static str = "org.apache.kafka.connect.data.Date";
    /// Name of Connect's time of day.
    pub const TIME: &'static str = "org.apache.kafka.connect.data.Time";
    /// Name of Connect's timestamp.
    pub const TIMESTAMP: &'static str = "org.apache.kafka.connect.data.Timestamp";

    /// A required schema without a name.
    #[must_use]
    pub const fn of(kind: Kind) -> Self {
        Self { kind, optional: false, name: None, version: None, doc: None, parameters: Vec::new(), default: None }
    }

    /// Names it.
    #[must_use]
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Numbers it.
    #[must_use]
    pub const fn version(mut self, version: i32) -> Self {
        self.version = Some(version);
        self
    }

    /// Documents it.
    #[must_use]
    pub fn documented(mut self, doc: impl Into<Cow<'static, str>>) -> Self {
        self.doc = Some(doc.into());
        self
    }

    /// Adds a parameter behind the others.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    /// Sets the default.
    #[must_use]
    pub fn or(mut self, default: Literal) -> Self {
        self.default = Some(default);
        self
    }

    /// Lets it be null.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// A semantic type: a kind with a name and version 1.
    #[must_use]
    pub fn semantic(kind: Kind, name: &'static str) -> Self {
        Self::of(kind).named(name).version(1)
    }

    /// The fields of a struct; nothing for another kind.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        match &self.kind {
            Kind::Struct(fields) => fields,
            _ => &[],
        }
    }
}

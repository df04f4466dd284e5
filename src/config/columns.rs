//! What is done with columns: which are left out, which are hidden, cut or described, and which make the record key.
//!
//! Owns [`Columns`] and the reading of properties whose names have parts to fill in, such as
//! `column.truncate.to.N.chars`. A rule of which Debezium would silently make nothing, and so write what was to be
//! hidden, is a mistake here.
//!
//! Source: Debezium's `ColumnMappers`, `Tables.ColumnNameFilterFactory`, `Key.CustomKeyMapper`.

use super::check::Checked;
use super::findings::{Findings, shown, shown_name};
use super::load::Setting;
use super::pattern::Patterns;
use super::secret::Secret;

/// What is done with columns.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    /// `column.include.list` and `column.exclude.list`
    pub filter: ColumnFilter,
    /// Masks and descriptions in the order in which they are tried: the first that matches a column holds.
    pub rules: Vec<ColumnRule>,
    /// `message.key.columns`, in order.
    pub keys: Vec<KeyRule>,
}

impl Columns {
    /// The columns that `message.key.columns` names of a table, `schema.table`, as positions among its columns, in order;
    /// none where it names none of them.
    #[must_use]
    pub fn key_positions<'n>(&self, table: &str, columns: impl Iterator<Item = &'n str> + Clone) -> Vec<usize> {
        let mut key = Vec::new();
        for wanted in self.keys.iter().flat_map(|rule| &rule.columns) {
            for (position, column) in columns.clone().enumerate() {
                if wanted.patterns.is_match(&format!("{table}.{column}")) && !key.contains(&position) {
                    key.push(position);
                }
            }
        }
        key
    }
}

/// Which columns stand in rows, by `schema.table.column`.
#[derive(Clone, Debug, Default)]
pub enum ColumnFilter {
    /// All.
    #[default]
    All,
    /// Those that match.
    Only(Patterns),
    /// Those that do not.
    AllBut(Patterns),
}

impl ColumnFilter {
    /// Whether a column stands in rows.
    #[must_use]
    pub fn admits(&self, column: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(patterns) => patterns.is_match(column),
            Self::AllBut(patterns) => !patterns.is_match(column),
        }
    }
}

/// What is done with the columns that match.
#[derive(Clone, Debug)]
pub struct ColumnRule {
    /// The property, for messages: without its salt.
    pub property: String,
    /// What it is matched against.
    pub subject: Subject,
    /// Which.
    pub patterns: Patterns,
    /// What is done.
    pub action: ColumnAction,
}

/// What a rule is matched against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// `schema.table.column`
    Column,
    /// `schema.table.type`
    Type,
}

/// What is done with a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnAction {
    /// `column.truncate.to.N.chars`
    Cut {
        /// Greatest length that stays, in UTF-16 units, or in bytes.
        length: u32,
    },
    /// `column.mask.with.N.chars`
    Stars {
        /// How many stand for each value.
        count: u32,
    },
    /// `column.mask.hash.ALGORITHM.with.salt.SALT`
    Hash(Hash),
    /// `column.propagate.source.type`, `datatype.propagate.source.type`
    Describe,
}

/// A salted digest in place of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hash {
    /// Which.
    pub algorithm: HashAlgorithm,
    /// What of a text is hashed.
    pub form: HashForm,
    /// Goes before it.
    pub salt: Secret,
}

/// What of a text is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashForm {
    /// The text as Java serializes it: `column.mask.hash.`
    Serialized,
    /// Its UTF-8: `column.mask.hash.v2.`
    Utf8,
}

/// The digests of Java's `MessageDigest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashAlgorithm {
    /// `MD2`
    Md2,
    /// `MD5`
    Md5,
    /// `SHA-1`, also called `SHA` and `SHA1`
    Sha1,
    /// `SHA-224`
    Sha224,
    /// `SHA-256`
    Sha256,
    /// `SHA-384`
    Sha384,
    /// `SHA-512`
    Sha512,
    /// `SHA-512/224`
    Sha512In224,
    /// `SHA-512/256`
    Sha512In256,
    /// `SHA3-224`
    Sha3In224,
    /// `SHA3-256`
    Sha3In256,
    /// `SHA3-384`
    Sha3In384,
    /// `SHA3-512`
    Sha3In512,
}

impl HashAlgorithm {
    /// All, with Java's names; the first name of each is the one to show.
    const NAMES: [(Self, &'static [&'static str]); 13] = [
        (Self::Md2, &["MD2"]),
        (Self::Md5, &["MD5"]),
        (Self::Sha1, &["SHA-1", "SHA1", "SHA"]),
        (Self::Sha224, &["SHA-224", "SHA224"]),
        (Self::Sha256, &["SHA-256", "SHA256"]),
        (Self::Sha384, &["SHA-384", "SHA384"]),
        (Self::Sha512, &["SHA-512", "SHA512"]),
        (Self::Sha512In224, &["SHA-512/224", "SHA512/224"]),
        (Self::Sha512In256, &["SHA-512/256", "SHA512/256"]),
        (Self::Sha3In224, &["SHA3-224"]),
        (Self::Sha3In256, &["SHA3-256"]),
        (Self::Sha3In384, &["SHA3-384"]),
        (Self::Sha3In512, &["SHA3-512"]),
    ];

    /// The algorithm of a name, in any case, as Java looks for it.
    fn of(name: &str) -> Option<Self> {
        let is_its = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        Self::NAMES.iter().find(|(_, names)| is_its(names)).map(|(algorithm, _)| *algorithm)
    }

    fn names() -> String {
        let first: Vec<&str> = Self::NAMES.iter().filter_map(|(_, names)| names.first().copied()).collect();
        first.join(", ")
    }
}

/// Columns that make the key of the tables that match: one part of `message.key.columns`.
#[derive(Clone, Debug)]
pub struct KeyRule {
    /// Matched against `schema.table`; says only whether a column that is not found was meant to be.
    pub tables: Patterns,
    /// The key's columns in order.
    pub columns: Vec<KeyColumn>,
}

/// A column, or several, of a key.
#[derive(Clone, Debug)]
pub struct KeyColumn {
    /// What was written for it.
    pub text: String,
    /// Matched against `schema.table.column`.
    pub patterns: Patterns,
}

/// Reads everything that is said about columns.
pub(super) fn columns(checked: &Checked, findings: &mut Findings) -> Columns {
    let rules = [
        family(checked, findings, "column.truncate.to.", |rest| {
            length(rest).map(|length| Some(ColumnAction::Cut { length }))
        }),
        family(checked, findings, "column.mask.with.", |rest| {
            length(rest).map(|count| Some(ColumnAction::Stars { count }))
        }),
        described(checked, "column.propagate.source.type", Subject::Column),
        described(checked, "datatype.propagate.source.type", Subject::Type),
        family(checked, findings, "column.mask.hash.", |rest| hash(rest, HashForm::Serialized)),
        family(checked, findings, "column.mask.hash.v2.", |rest| hash(rest, HashForm::Utf8)),
    ];
    Columns {
        filter: filter(checked),
        rules: rules.into_iter().flatten().collect(),
        keys: checked.value("message.key.columns").and_then(|value| keys(value).ok()).unwrap_or_default(),
    }
}

/// The catalogue has checked the lists, and that only one of the two is given.
fn filter(checked: &Checked) -> ColumnFilter {
    let list = |name| {
        checked.value(name).and_then(|value| Patterns::parse(value).ok()).filter(|patterns| !patterns.is_empty())
    };
    match (list("column.include.list"), list("column.exclude.list")) {
        (Some(patterns), _) => ColumnFilter::Only(patterns),
        (None, Some(patterns)) => ColumnFilter::AllBut(patterns),
        (None, None) => ColumnFilter::All,
    }
}

fn described(checked: &Checked, name: &str, subject: Subject) -> Vec<ColumnRule> {
    let patterns = checked.value(name).and_then(|value| Patterns::parse(value).ok());
    let patterns = patterns.filter(|patterns| !patterns.is_empty());
    let rule = |patterns| ColumnRule { property: name.to_owned(), subject, patterns, action: ColumnAction::Describe };
    patterns.map(rule).into_iter().collect()
}

/// The rules whose names begin alike; `action` reads the rest of a name, and gives nothing for one that does nothing.
fn family(
    checked: &Checked,
    findings: &mut Findings,
    prefix: &'static str,
    action: impl Fn(&str) -> Result<Option<ColumnAction>, String>,
) -> Vec<ColumnRule> {
    let mut rules = Vec::new();
    for (rest, setting) in checked.under(prefix) {
        match action(rest) {
            Ok(None) => findings.warn(
                &setting.name,
                "has no salt, which makes it no mask to Debezium: the columns are written as they are; give a salt",
            ),
            Ok(Some(action)) => rules.extend(rule(setting, action, findings)),
            Err(why) => {
                findings.mistake(format!("{}{}: {why}", shown_name(&setting.name), setting.place));
            }
        }
    }
    rules
}

fn rule(setting: &Setting, action: ColumnAction, findings: &mut Findings) -> Option<ColumnRule> {
    let property = shown_name(&setting.name).into_owned();
    match Patterns::parse(&setting.value) {
        Ok(patterns) => Some(ColumnRule { property, subject: Subject::Column, patterns, action }),
        Err(why) => {
            let value = shown(&setting.value, setting.secret);
            // The reason repeats the list.
            let why = if setting.secret { String::new() } else { format!(": {why}") };
            findings
                .mistake(format!("{property} = {value}{}: has an expression that cannot be used{why}", setting.place));
            None
        }
    }
}

/// `N.chars`
fn length(rest: &str) -> Result<u32, String> {
    let number = rest.strip_suffix(".chars").filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    let number = number.and_then(|number| number.parse::<u32>().ok());
    number.filter(|number| i32::try_from(*number).is_ok()).ok_or_else(|| {
        "its name must end with a whole number and .chars, such as 5.chars; as it stands, Debezium would write the \
         columns as they are"
            .to_owned()
    })
}

/// `ALGORITHM.with.salt.SALT`
fn hash(rest: &str, form: HashForm) -> Result<Option<ColumnAction>, String> {
    let Some((name, salt)) = rest.split_once(".with.salt.").filter(|(name, _)| !name.contains('.')) else {
        return Err(
            "its name must end with an algorithm, .with.salt. and a salt, such as SHA-256.with.salt.x7Qp; as it \
                    stands, Debezium would write the columns as they are"
                .to_owned(),
        );
    };
    let Some(algorithm) = HashAlgorithm::of(name) else {
        return Err(format!("names an algorithm that is not there; take one of {}", HashAlgorithm::names()));
    };
    if salt.is_empty() {
        return Ok(None);
    }
    Ok(Some(ColumnAction::Hash(Hash { algorithm, form, salt: Secret::new(salt) })))
}

/// `message.key.columns`
///
/// # Errors
/// What it must be instead, as the end of a sentence.
pub(super) fn keys(value: &str) -> Result<Vec<KeyRule>, String> {
    value.split(';').filter(|part| !part.trim().is_empty()).map(key_rule).collect()
}

fn key_rule(part: &str) -> Result<KeyRule, String> {
    let form = || "must be tables:column,column, several of them separated by semicolons".to_owned();
    let (tables, columns) = part.split_once(':').ok_or_else(form)?;
    if tables.trim().is_empty() || columns.contains(':') || columns.split(',').any(|column| column.trim().is_empty()) {
        return Err(form());
    }
    let key_column = |column: &str| {
        // As Debezium puts them together: an alternative in the table's expression ends before the column.
        let patterns = Patterns::parse(&format!("{tables}.{}", column.trim()));
        let patterns = patterns.map_err(|why| format!("has an expression that cannot be used: {why}"))?;
        Ok(KeyColumn { text: column.trim().to_owned(), patterns })
    };
    Ok(KeyRule {
        // What is no expression without the columns tells no table from another.
        tables: Patterns::parse(tables).unwrap_or_default(),
        columns: columns.split(',').map(key_column).collect::<Result<_, String>>()?,
    })
}

/// Checks `message.key.columns`.
///
/// # Errors
/// As [`keys`].
pub(super) fn check_keys(value: &str) -> Result<(), String> {
    keys(value).map(|_| ())
}

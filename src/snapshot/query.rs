//! Queries that are read in place of a table, and whether they can be read in ranges of its pages.
//!
//! Owns [`Form`], [`Query`] and [`Around`]. Pure: the text alone.
//!
//! A query is cut by putting a range of the table in the place of the table: `SELECT * FROM t o WHERE o.a > 3` becomes
//! `SELECT * FROM (SELECT .. FROM ONLY t AS w WHERE ctid ..) AS o WHERE o.a > 3`. So its parts are ranges of pages as those of
//! a plain table are, with the same rule for what is read later (see `plan`): each part costs its own pages only, no
//! statistics are needed, and nothing is asked of the key. Ranges of the key would cost more: rows of neighbouring keys
//! need not lie near each other.
//!
//! All parts together are the query's rows where each row of the result comes from one row of the table, and from nothing
//! else. So a text has a [`Form`] only where it is `SELECT .. FROM [ONLY] name [[AS] alias] [WHERE ..]` with no other query
//! in it and no word that says something of all rows together: no join, order, limit, group, set operation, lock, sample.
//! Whoever reads that sees what it depends on, so quotes are followed as the server follows them, and a text with
//! anything that depends on settings (escapes) or that is rarely seen (dollar quotes, Unicode escapes) has none. A text that
//! has no form is read as one part. What no text tells is asked of the server by `queries`: whether the name is that of the
//! table, and what the functions are.

use std::collections::BTreeSet;
use std::fmt::Write as _;

mod tokens;

use sha2::{Digest as _, Sha256};

use self::tokens::{Kind, Token, tokens};
use crate::progress::TableName;
use crate::source::ident::QuotedIdent;

/// A query that is read in place of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// As it was written.
    pub text: String,
    /// Where it can be cut.
    pub around: Option<Around>,
}

/// A query without the table that it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Around {
    before: String,
    after: String,
    /// The table's columns, in their order: the query may say `*`.
    columns: Vec<String>,
    /// What it reads of a partitioned table, or the table.
    read: BTreeSet<TableName>,
}

impl Query {
    /// One that is read as one part.
    #[must_use]
    pub const fn whole(text: String) -> Self {
        Self { text, around: None }
    }

    /// What tells it from another query for the same table; nothing where it is read as one part.
    #[must_use]
    pub fn print(&self) -> Option<String> {
        let Around { before, after, columns, .. } = self.around.as_ref()?;
        let mut hash = Sha256::new();
        for text in [before, after].into_iter().chain(columns) {
            hash.update(text.len().to_be_bytes());
            hash.update(text);
        }
        let mut print = String::new();
        for byte in hash.finalize().iter().take(16) {
            let _ = write!(print, "{byte:02x}");
        }
        Some(print)
    }
}

impl Around {
    /// Where it reads these.
    #[must_use]
    pub fn of(self, read: BTreeSet<TableName>) -> Self {
        Self { read, ..self }
    }

    /// Whether it reads a table or partition.
    #[must_use]
    pub fn reads(&self, name: &TableName) -> bool {
        self.read.contains(name)
    }

    /// The query with a part of the table: what follows FROM there, which calls its rows `w`.
    #[must_use]
    pub fn with(&self, part: &str) -> String {
        let mut sql = format!("{}(SELECT ", self.before);
        for (at, column) in self.columns.iter().enumerate() {
            let _ = write!(sql, "{}w.{}", if at == 0 { "" } else { ", " }, QuotedIdent(column));
        }
        let _ = write!(sql, " FROM {part}){}", self.after);
        sql
    }
}

/// Why a query is read as one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// There is something in the text that is not followed here.
    Text,
    /// It is no `SELECT .. FROM name [alias] [WHERE ..]`, or has another query in it.
    Form,
    /// It has a word that says something of all rows together.
    Word(&'static str),
    /// It reads another table.
    Table,
    /// It reads the rows of tables that inherit.
    Heirs,
    /// It calls a function that may give something else for the same row, or that makes one row of many.
    Function,
    /// It reads few rows by an index, or otherwise than row by row.
    Plan,
    /// The server refuses it in parts.
    Refused,
}

impl Whole {
    /// In words.
    #[must_use]
    pub fn words(self) -> String {
        let words = match self {
            Self::Text => "quotes and escapes in it are not followed",
            Self::Form => "it is no plain SELECT .. FROM table WHERE ..",
            Self::Word(word) => return format!("it says {}", word.to_ascii_uppercase()),
            Self::Table => "it does not read the table itself",
            Self::Heirs => "it reads tables that inherit from the table",
            Self::Function => "it calls a function that is not immutable, or an aggregate",
            Self::Plan => "it is not planned as a scan of the table",
            Self::Refused => "the server cannot read it in parts",
        };
        words.to_owned()
    }
}

/// What a simple query consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form<'a> {
    before: &'a str,
    /// Whether it says ONLY.
    pub only: bool,
    /// The name of what it reads, as it is written.
    pub name: &'a str,
    /// What it calls it, as it is written.
    alias: &'a str,
    after: &'a str,
    /// Functions that it calls, without their schemas.
    pub functions: BTreeSet<String>,
}

/// Words that say something of all rows together, or of rows elsewhere.
const WORDS: [&str; 26] = [
    "limit",
    "offset",
    "fetch",
    "order",
    "group",
    "having",
    "window",
    "over",
    "union",
    "intersect",
    "except",
    "with",
    "distinct",
    "tablesample",
    "for",
    "into",
    "join",
    "lateral",
    "natural",
    "table",
    "values",
    "filter",
    "within",
    "exists",
    "returning",
    "only",
];

/// Words before a parenthesis that are no functions, and functions that only the grammar has, none of them volatile.
const SYNTAX: [&str; 44] = [
    "select",
    "from",
    "where",
    "and",
    "or",
    "not",
    "in",
    "any",
    "some",
    "all",
    "like",
    "ilike",
    "to",
    "escape",
    "between",
    "symmetric",
    "is",
    "as",
    "by",
    "case",
    "when",
    "then",
    "else",
    "coalesce",
    "nullif",
    "greatest",
    "least",
    "row",
    "cast",
    "extract",
    "trim",
    "both",
    "leading",
    "trailing",
    "substring",
    "position",
    "overlay",
    "zone",
    "interval",
    "current_timestamp",
    "localtimestamp",
    "current_time",
    "localtime",
    "using",
];

impl<'a> Form<'a> {
    /// Takes a query apart.
    ///
    /// # Errors
    /// Why it has to be read as one part.
    pub fn of(text: &'a str) -> Result<Self, Whole> {
        let tokens = tokens(text).ok_or(Whole::Text)?;
        let word = |at: usize| tokens.get(at).and_then(Token::word);
        let is_mark = |at: usize, mark: char| tokens.get(at).is_some_and(|token| token.kind == Kind::Mark(mark));
        if word(0) != Some("select") {
            return Err(Whole::Form);
        }
        let mut froms = Vec::new();
        for at in 1..tokens.len() {
            let before = word(at - 1).unwrap_or_default();
            match word(at) {
                Some("select") => return Err(Whole::Form),
                // IS [NOT] DISTINCT FROM
                Some("distinct") if matches!(before, "is" | "not") && word(at + 1) == Some("from") => {}
                Some("from") if before == "distinct" => {}
                Some("from") if tokens.get(at).is_some_and(|token| token.depth == 0) => froms.push(at),
                // TIMESTAMP WITH TIME ZONE
                Some("with") if word(at + 1) == Some("time") => {}
                Some("only") if froms.last() == Some(&(at - 1)) => {}
                Some(found) => {
                    if let Some(word) = WORDS.iter().find(|word| **word == found) {
                        return Err(Whole::Word(word));
                    }
                }
                None => {}
            }
        }
        let [from] = *froms else { return Err(Whole::Form) };
        let only = word(from + 1) == Some("only");
        let mut at = from + 1 + usize::from(only);
        let first = tokens.get(at).filter(|token| token.is_name()).ok_or(Whole::Form)?;
        let mut last = first;
        if is_mark(at + 1, '.') {
            at += 2;
            last = tokens.get(at).filter(|token| token.is_name()).ok_or(Whole::Form)?;
        }
        let name = text.get(first.from..last.to).ok_or(Whole::Text)?;
        at += 1;
        let mut alias = last;
        let says_as = word(at) == Some("as");
        if says_as || (word(at) != Some("where") && tokens.get(at).is_some_and(Token::is_name)) {
            at += usize::from(says_as);
            alias = tokens.get(at).filter(|token| token.is_name()).ok_or(Whole::Form)?;
            at += 1;
        }
        if tokens.get(at).is_some() && word(at) != Some("where") {
            return Err(Whole::Form);
        }
        let end = tokens.get(at - 1).map_or(text.len(), |token| token.to);
        let begin = tokens.get(from).map_or(0, |token| token.to);
        Ok(Self {
            before: text.get(..begin).ok_or(Whole::Text)?,
            only,
            name,
            alias: text.get(alias.from..alias.to).ok_or(Whole::Text)?,
            after: text.get(end..).ok_or(Whole::Text)?,
            functions: functions(&tokens, text),
        })
    }

    /// The query without its table, which has these columns.
    #[must_use]
    pub fn around(&self, columns: Vec<String>) -> Around {
        let &Self { before, alias, after, .. } = self;
        Around { before: format!("{before} "), after: format!(" AS {alias}{after}"), columns, read: BTreeSet::new() }
    }

    /// Where what this one reads is a view: the same of the view's query.
    #[must_use]
    pub fn around_view(&self, inner: &Around) -> Around {
        let &Self { before, alias, after, .. } = self;
        Around {
            before: format!("{before} ({}", inner.before),
            // It may end in a comment.
            after: format!("{}\n) AS {alias}{after}", inner.after),
            columns: inner.columns.clone(),
            read: inner.read.clone(),
        }
    }
}

/// What is called: names before a parenthesis, but for words of the grammar and types behind `::`.
fn functions(tokens: &[Token], text: &str) -> BTreeSet<String> {
    let is_mark = |token: &Token, mark: char| token.kind == Kind::Mark(mark);
    let mut found = BTreeSet::new();
    for (at, pair) in tokens.windows(2).enumerate() {
        let [name, parenthesis] = pair else { continue };
        if !is_mark(parenthesis, '(') {
            continue;
        }
        let is_type = at > 0 && tokens.get(at - 1).is_some_and(|before| is_mark(before, ':'));
        match &name.kind {
            Kind::Word(_) if is_type => {}
            Kind::Word(word) if SYNTAX.contains(&word.as_str()) => {}
            Kind::Word(word) => drop(found.insert(word.clone())),
            Kind::Quoted => {
                let quoted = text.get(name.from + 1..name.to.saturating_sub(1)).unwrap_or_default();
                found.insert(quoted.replace("\"\"", "\""));
            }
            Kind::Text | Kind::Number | Kind::Mark(_) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The query with the rows of another source, or why it is read as one part.
    fn cut(text: &str) -> Result<String, Whole> {
        let around = Form::of(text)?.around(vec!["id".to_owned(), "A \"b\"".to_owned()]);
        Ok(around.with("ONLY s.t AS w WHERE (ctid)"))
    }

    const PART: &str = "(SELECT w.\"id\", w.\"A \"\"b\"\"\" FROM ONLY s.t AS w WHERE (ctid))";

    #[test]
    fn a_simple_query_is_cut_where_its_table_stands() {
        for text in [
            "SELECT * FROM @t@",
            "select * from @public.t@",
            "SELECT o.* FROM @public.\"Order \"\"x\"\"\" AS o@",
            "SELECT id, v FROM @ONLY public.t o@ WHERE o.id > 3 AND v IS DISTINCT FROM 'order by' -- limit 5",
            "Select /* from x, /* nested */ y */ id\nFROM\n @t@ \nwhere (a = 1 OR \"limit\" = ')') and b is not distinct from c",
            "SELECT extract(epoch FROM (a)) AS e, trim(both from b), id FROM @t@ WHERE a < now() - interval '30 days'",
            "SELECT id, 'a' 'b', 1.5e3, -1, x::timestamp(3) with time zone FROM @Öffnung ö@ WHERE a->>'order' = any (array['x'])",
        ] {
            let [before, table, after] = <[&str; 3]>::try_from(text.split('@').collect::<Vec<_>>()).unwrap();
            let name = |table: &str| table.rsplit([' ', '.']).next().unwrap().to_owned();
            let alias = if table.contains('"') { "o".to_owned() } else { name(table) };
            let text = text.replace('@', "");
            let expected = format!("{before} {PART} AS {alias}{after}").replace("FROM  ", "FROM ");
            let found = cut(&text).map(|found| found.replace("FROM  ", "FROM "));
            let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(found.map(|found| squeezed(&found)), Ok(squeezed(&expected)), "{text}");
        }
    }

    #[test]
    fn everything_else_is_read_as_one_part() {
        for (text, why) in [
            ("SELECT * FROM t ORDER BY id", Whole::Word("order")),
            ("SELECT * FROM t LIMIT 5", Whole::Word("limit")),
            ("SELECT * FROM t OFFSET 5", Whole::Word("offset")),
            ("SELECT * FROM t FETCH FIRST ROW ONLY", Whole::Word("fetch")),
            ("SELECT DISTINCT * FROM t", Whole::Word("distinct")),
            ("SELECT id FROM t GROUP BY id", Whole::Word("group")),
            ("SELECT id FROM t HAVING true", Whole::Word("having")),
            ("SELECT count(*) OVER () AS id FROM t", Whole::Word("over")),
            ("SELECT count(*) FILTER (WHERE true) AS id FROM t", Whole::Word("filter")),
            ("SELECT id FROM t WINDOW w AS ()", Whole::Word("window")),
            ("SELECT id FROM t UNION ALL SELECT id FROM t", Whole::Word("union")),
            ("SELECT id FROM t EXCEPT SELECT id FROM t", Whole::Word("except")),
            ("SELECT id FROM t INTERSECT SELECT id FROM t", Whole::Word("intersect")),
            ("SELECT * FROM t TABLESAMPLE system (1)", Whole::Word("tablesample")),
            ("SELECT * FROM t FOR UPDATE", Whole::Word("for")),
            ("SELECT * INTO u FROM t", Whole::Word("into")),
            ("SELECT t.* FROM t JOIN u USING (id)", Whole::Word("join")),
            ("SELECT t.* FROM t NATURAL JOIN u", Whole::Word("natural")),
            ("SELECT * FROM t WHERE id IN (TABLE u)", Whole::Word("table")),
            ("SELECT * FROM t WHERE id IN (VALUES (1))", Whole::Word("values")),
            ("SELECT * FROM t WHERE id IN (WITH u AS (SELECT 1) SELECT 2)", Whole::Word("with")),
            ("SELECT * FROM t WHERE id IN (SELECT id FROM u)", Whole::Form),
            ("SELECT * FROM (SELECT * FROM t) AS t", Whole::Form),
            ("SELECT (SELECT max(x) FROM u) AS x, id FROM t", Whole::Form),
            ("SELECT * FROM t, u WHERE t.id = u.id", Whole::Form),
            ("SELECT * FROM t AS o (a, b)", Whole::Form),
            ("SELECT * FROM t o (a, b)", Whole::Form),
            ("SELECT * FROM ONLY (t)", Whole::Form),
            ("SELECT * FROM t *", Whole::Form),
            ("SELECT * FROM db.public.t", Whole::Form),
            ("SELECT * FROM f(1)", Whole::Form),
            ("SELECT * FROM public.f(1)", Whole::Form),
            ("SELECT * FROM 'x'", Whole::Form),
            ("SELECT * FROM", Whole::Form),
            ("SELECT 1", Whole::Form),
            ("", Whole::Form),
            ("-- nothing", Whole::Form),
            ("WITH u AS (SELECT 1) SELECT * FROM t", Whole::Form),
            ("(SELECT * FROM t)", Whole::Form),
            ("TABLE t", Whole::Form),
            ("VALUES (1)", Whole::Form),
            ("SELECT id FROM t FROM u", Whole::Form),
            // What a server may read otherwise than it looks.
            ("SELECT * FROM t WHERE a = 'x\\' OR b = ' LIMIT 3'", Whole::Text),
            ("SELECT * FROM t WHERE a = E'\\' LIMIT 1 --'", Whole::Text),
            ("SELECT * FROM t WHERE a = $$x$$", Whole::Text),
            ("SELECT * FROM t WHERE a = U&'x'", Whole::Text),
            ("SELECT * FROM U&\"t\"", Whole::Text),
            ("SELECT * FROM t WHERE a = $1", Whole::Text),
            ("SELECT * FROM t WHERE a=1limit 5", Whole::Text),
            ("SELECT * FROM t WHERE a = 1_000", Whole::Text),
            ("SELECT * FROM t WHERE a = 'open", Whole::Text),
            ("SELECT * FROM \"t", Whole::Text),
            ("SELECT * FROM t /* open", Whole::Text),
            ("SELECT * FROM t) UNION (SELECT * FROM u", Whole::Text),
            ("SELECT * FROM t WHERE (a", Whole::Text),
            ("SELECT * FROM t; DROP TABLE t", Whole::Text),
            ("SELECT * FROM t WHERE a = 1\u{b}", Whole::Text),
        ] {
            assert_eq!(cut(text), Err(why), "{text}");
        }
    }

    #[test]
    fn functions_are_what_is_called() {
        let text = "SELECT id, lower(a), pg_catalog.length (b), \"My \"\"f\"(c), coalesce(d, (1)), x::numeric(10,2), cast(y AS varchar(3)) \
                    FROM t WHERE a in (1) AND (b) AND is_active(c)";
        let functions = Form::of(text).unwrap().functions;
        assert_eq!(functions.iter().collect::<Vec<_>>(), ["My \"f", "is_active", "length", "lower", "varchar"]);
    }

    #[test]
    fn a_view_is_cut_where_its_query_is() {
        let inner = Form::of("SELECT a.id FROM base a WHERE a.x -- y").unwrap().around(vec!["id".to_owned()]);
        let around = Form::of("SELECT * FROM v WHERE id > 3").unwrap().around_view(&inner);
        assert_eq!(
            around.with("ONLY b AS w"),
            "SELECT * FROM (SELECT a.id FROM (SELECT w.\"id\" FROM ONLY b AS w) AS a WHERE a.x -- y\n) AS v WHERE id > 3"
        );
    }

    #[test]
    fn a_query_is_known_again_and_told_from_another() {
        let print = |text: &str, columns: &[&str]| {
            let columns = columns.iter().map(|&column| column.to_owned()).collect();
            Query { text: text.to_owned(), around: Some(Form::of(text).unwrap().around(columns)) }.print().unwrap()
        };
        assert_eq!(print("SELECT * FROM t WHERE a", &["id", "a"]), print("SELECT * FROM t WHERE a", &["id", "a"]));
        let prints = [
            print("SELECT * FROM t WHERE a", &["id", "a"]),
            print("SELECT * FROM t WHERE b", &["id", "a"]),
            print("SELECT * FROM t WHERE a", &["id", "b"]),
            print("SELECT * FROM t WHERE a", &["ida"]),
        ];
        assert_eq!(prints.iter().collect::<BTreeSet<_>>().len(), 4);
        assert!(prints.iter().all(|print| print.len() == 32));
        assert_eq!(Query::whole("SELECT * FROM t".to_owned()).print(), None);
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "[a-zé_'\"$\\\\/*;().,0-9e \n-]{0,40}", tail in ".{0,20}") {
            // Whatever is between quotes or comments is not looked into.
            let _ = Form::of(&format!("SELECT * FROM t WHERE {text}{tail}"));
            let quoted = format!("SELECT * FROM t WHERE a = '{}'", text.replace('\'', "''").replace('\\', "/"));
            prop_assert!(Form::of(&quoted).is_ok(), "{quoted}");
            let name = format!("SELECT * FROM t WHERE \"{}\" = 1", text.replace('"', "\"\""));
            prop_assert!(Form::of(&name).is_ok(), "{name}");
        }
    }
}

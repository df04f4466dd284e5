//! The tables of the benches and the rows in them.

use std::fmt::Write as _;

/// A narrow table: a key and four columns.
pub(crate) const NARROW_TABLE: &str = "CREATE TABLE orders (
    id bigint PRIMARY KEY,
    customer_id integer NOT NULL,
    status text NOT NULL,
    amount numeric(12,2) NOT NULL,
    created_at timestamptz NOT NULL
)";

/// `FROM` is left to the caller, who numbers the rows `n`.
pub(crate) const NARROW_ROWS: &str = "INSERT INTO orders SELECT n, n % 100000, 'status ' || n % 5, (n % 1000000) / 100.0, \
     timestamptz '2025-01-01 00:00:00.123456+00' + n * interval '1 second'";

/// A key and 29 columns of the types that such tables have.
pub(crate) fn wide_table() -> String {
    let mut text = "CREATE TABLE measurements (id bigint PRIMARY KEY".to_owned();
    for (name, column) in wide_columns() {
        let _ = write!(text, ", {name} {}", column.0);
    }
    text.push(')');
    text
}

/// `FROM` is left to the caller, who numbers the rows `n`.
pub(crate) fn wide_rows() -> String {
    let mut text = "INSERT INTO measurements SELECT n".to_owned();
    for (_, column) in wide_columns() {
        let _ = write!(text, ", {}", column.1);
    }
    text
}

/// Name, and the type with an expression for its values.
fn wide_columns() -> impl Iterator<Item = (String, (&'static str, &'static str))> {
    const KINDS: [(&str, (&str, &str)); 7] = [
        ("label", ("text", "md5(n::text) || ' the quick brown fox'")),
        ("remark", ("text", "repeat('remark ' || n % 10, 8)")),
        ("reading", ("integer", "(n * 31 % 2000000)::integer")),
        ("total", ("bigint", "n * 1000003")),
        ("price", ("numeric(12,4)", "(n % 100000000) / 10000.0")),
        ("ratio", ("double precision", "n / 3.0")),
        ("seen_at", ("timestamptz", "timestamptz '2025-01-01 00:00:00.123456+00' + n * interval '1 second'")),
    ];
    (0..4)
        .flat_map(|round| KINDS.map(|(name, column)| (format!("{name}_{round}"), column)))
        .chain([("valid".to_owned(), ("boolean", "n % 2 = 0"))])
}

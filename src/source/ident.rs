//! Names as SQL text. The only way for a name from configuration or catalog into a statement.

use std::fmt;

/// An identifier that prints itself quoted, with inner quotes doubled.
///
/// Source: PostgreSQL manual, "Identifiers and Key Words".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotedIdent<'a>(pub &'a str);

impl fmt::Display for QuotedIdent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for (index, part) in self.0.split('"').enumerate() {
            if index > 0 {
                f.write_str("\"\"")?;
            }
            f.write_str(part)?;
        }
        f.write_str("\"")
    }
}

/// A schema-qualified name that prints itself quoted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QualifiedName {
    /// Schema name.
    pub schema: String,
    /// Table name.
    pub table: String,
}

impl QualifiedName {
    /// Names a table.
    pub fn new(schema: impl Into<String>, table: impl Into<String>) -> Self {
        Self { schema: schema.into(), table: table.into() }
    }
}

impl fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", QuotedIdent(&self.schema), QuotedIdent(&self.table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_quotes_doubled() {
        for (name, quoted) in [
            ("a", r#""a""#),
            ("", r#""""#),
            ("Order Items", r#""Order Items""#),
            (r#"a"; DROP TABLE x; --"#, r#""a""; DROP TABLE x; --""#),
            (r#""""#, r#""""""""#),
        ] {
            assert_eq!(QuotedIdent(name).to_string(), quoted);
        }
        assert_eq!(QualifiedName::new("s.1", "t").to_string(), r#""s.1"."t""#);
    }
}

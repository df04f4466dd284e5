//! Default expressions to the literal defaults that Debezium puts into schemas.
//!
//! Source: Debezium's `PostgresDefaultValueConverter`, whose regular expressions are followed by hand.

use super::ColumnType;
use super::types;
use crate::pgoutput::TypeOid;

/// Words that read as functions although they have no parentheses.
const CLOCKS: [&str; 5] = ["current_timestamp", "current_time", "current_date", "localtime", "localtimestamp"];

/// What a dot of a Java expression does not match.
const LINE_ENDS: [char; 5] = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];

/// The default of a column as text of its type, or `None` where it has none that can be told without evaluating.
///
/// A function call becomes the type's zero. Types that Debezium has no parser for, domains among them, have none.
pub(super) fn literal(oid: TypeOid, column_type: &ColumnType, expression: &str) -> Option<String> {
    let (zero, trimmed) = match oid {
        types::BOOL => ("false", true),
        types::INT2 | types::INT4 | types::INT8 => ("0", true),
        types::FLOAT4 | types::FLOAT8 | types::NUMERIC => ("0.0", true),
        types::UUID => ("00000000-0000-0000-0000-000000000000", true),
        types::DATE => ("1970-01-01", true),
        types::TIME => ("00:00:00", true),
        types::TIMESTAMP => ("1970-01-01 00:00:00", true),
        types::TIMESTAMPTZ => ("1970-01-01 00:00:00+00", true),
        types::INTERVAL => ("00:00:00", true),
        // Two bits, because one would be read as a boolean.
        types::BIT => ("00", true),
        types::VARBIT => ("0", true),
        types::TEXT | types::VARCHAR | types::BPCHAR | types::XML => ("", false),
        types::JSON | types::JSONB => ("{}", false),
        _ => return enum_label(column_type, expression),
    };
    let expression = if trimmed { expression.trim() } else { expression };
    if expression.starts_with("NULL::") {
        return None;
    }
    if is_call(expression) || CLOCKS.iter().any(|clock| expression.eq_ignore_ascii_case(clock)) {
        return Some(normal(oid, zero).to_owned());
    }
    let text = if expression.contains('\'') { quoted(expression)? } else { expression };
    Some(normal(oid, text).to_owned())
}

/// `boolean` is written out in expressions and is a letter on the wire; Java reads every other word as false.
fn normal(oid: TypeOid, text: &str) -> &str {
    match oid {
        types::BOOL if text.eq_ignore_ascii_case("true") => "t",
        types::BOOL => "f",
        _ => text,
    }
}

/// `'(.*?)'`, the first match: from a quote to the next, whether or not that quote is doubled. A dot matches no line's
/// end, so a pair of quotes around one is passed over.
fn quoted(expression: &str) -> Option<&str> {
    let mut rest = expression;
    loop {
        rest = rest.split_once('\'')?.1;
        let (text, _) = rest.split_once('\'')?;
        if !text.contains(LINE_ENDS) {
            return Some(text);
        }
    }
}

/// `^[(]?[A-Za-z0-9_.]+\((?:.+(?:, ?.+)*)?\)`, found at the start: a name, then parentheses.
pub(super) fn is_call(expression: &str) -> bool {
    let name = expression.strip_prefix('(').unwrap_or(expression);
    let Some(open) = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.')) else { return false };
    let (name, rest) = name.split_at(open);
    let line = rest.split(LINE_ENDS).next().unwrap_or_default();
    !name.is_empty() && line.starts_with('(') && line.contains(')')
}

/// `'label'::type` of an enum column.
fn enum_label(column_type: &ColumnType, expression: &str) -> Option<String> {
    let ColumnType::Enum(labels) = column_type else { return None };
    let (text, _) = expression.rsplit_once("::")?;
    let label = text.strip_prefix('\'')?.strip_suffix('\'')?;
    labels.iter().any(|known| known == label).then(|| label.to_owned())
}

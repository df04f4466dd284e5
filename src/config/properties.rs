//! Java `.properties` files, as `java.util.Properties.load` reads them, in UTF-8.
//!
//! Owns [`parse`]. Comments, `=`, `:` and blanks as separators, lines that go on after a backslash, and escapes.

use std::iter::Peekable;
use std::str::Chars;

/// One key with its value and the line it starts on, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) line: usize,
}

/// A line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadLine {
    pub(super) line: usize,
    pub(super) problem: &'static str,
}

/// Entries in file order, keys as often as they stand there, and what could not be read.
pub(super) fn parse(text: &str) -> (Vec<Entry>, Vec<BadLine>) {
    let mut entries = Vec::new();
    let mut bad = Vec::new();
    for (line, logical) in logical_lines(text) {
        match entry(&logical) {
            Ok((key, value)) => entries.push(Entry { key, value, line }),
            Err(problem) => bad.push(BadLine { line, problem }),
        }
    }
    (entries, bad)
}

/// Joins lines that go on, drops comments, empty lines and leading blanks.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut logical = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, natural) in text.split('\n').enumerate() {
        let natural = natural.trim_start_matches(is_blank);
        if open.is_none() && (natural.is_empty() || natural.starts_with(['#', '!'])) {
            continue;
        }
        let (number, mut line) = open.take().unwrap_or((index + 1, String::new()));
        let goes_on = natural.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
        match natural.strip_suffix('\\') {
            Some(rest) if goes_on => {
                line.push_str(rest);
                open = Some((number, line));
            }
            _ => {
                line.push_str(natural);
                logical.push((number, line));
            }
        }
    }
    logical.extend(open.filter(|(_, line)| !line.is_empty()));
    logical
}

const fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\x0c')
}

fn entry(line: &str) -> Result<(String, String), &'static str> {
    let mut chars = line.chars().peekable();
    let key = unescape(&mut chars, |c| is_blank(c) || c == '=' || c == ':')?;
    skip_blanks(&mut chars);
    if chars.next_if(|c| *c == '=' || *c == ':').is_some() {
        skip_blanks(&mut chars);
    }
    let value = unescape(&mut chars, |_| false)?;
    Ok((key, value))
}

fn skip_blanks(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|c| is_blank(*c)).is_some() {}
}

/// Takes characters up to one that ends the part, resolving escapes; `\uXXXX` are UTF-16 units, as in Java.
fn unescape(chars: &mut Peekable<Chars<'_>>, ends: impl Fn(char) -> bool) -> Result<String, &'static str> {
    let mut units: Vec<u16> = Vec::new();
    while let Some(c) = chars.next_if(|c| !ends(*c)) {
        let c = match c {
            '\\' => match chars.next() {
                None => break,
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('f') => '\x0c',
                Some('u') => {
                    units.push(unicode_unit(chars)?);
                    continue;
                }
                Some(other) => other,
            },
            other => other,
        };
        units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
    }
    String::from_utf16(&units).map_err(|_| "a \\u escape is one half of a surrogate pair")
}

fn unicode_unit(chars: &mut Peekable<Chars<'_>>) -> Result<u16, &'static str> {
    let mut unit: u16 = 0;
    for _ in 0..4 {
        let digit =
            chars.next().and_then(|c| c.to_digit(16)).ok_or("\\u must be followed by four hexadecimal digits")?;
        unit = unit << 4 | u16::try_from(digit).unwrap_or_default();
    }
    Ok(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        let (entries, bad) = parse(text);
        assert_eq!(bad, []);
        entries.into_iter().map(|entry| (entry.key, entry.value)).collect()
    }

    #[test]
    fn lines_are_read_as_java_reads_them() {
        for (text, key, value) in [
            ("a=b", "a", "b"),
            ("a:b", "a", "b"),
            ("a b", "a", "b"),
            ("  a  =  b ", "a", "b "),
            ("a = = b", "a", "= b"),
            ("a", "a", ""),
            ("a=", "a", ""),
            ("=b", "", "b"),
            ("a\\=b=c", "a=b", "c"),
            ("a\\ b=c", "a b", "c"),
            ("a=b\\\n   c", "a", "bc"),
            ("a=b\\\r\n\tc", "a", "bc"),
            ("a=b\\\\", "a", "b\\"),
            ("a=b\\", "a", "b"),
            ("a=one\\\n# two", "a", "one# two"),
            ("a=\\u00e4\\t\\q", "a", "ä\tq"),
            ("a=\\uD83D\\uDE00", "a", "😀"),
            ("a=x # no comment", "a", "x # no comment"),
            ("a\tb", "a", "b"),
            ("a=public\\\\.orders", "a", "public\\.orders"),
        ] {
            assert_eq!(pairs(text), [(key.to_owned(), value.to_owned())], "{text:?}");
        }
    }

    #[test]
    fn comments_and_empty_lines_are_nothing_and_lines_are_counted() {
        let (entries, _) = parse("# one\n! two\n\n   \nx=1\ny=2\\\n  3\nz=4");
        let lines: Vec<_> = entries.iter().map(|entry| (entry.key.as_str(), entry.line)).collect();
        assert_eq!(lines, [("x", 5), ("y", 6), ("z", 8)]);
    }

    #[test]
    fn a_broken_escape_is_named_with_its_line_and_the_rest_is_read() {
        let (entries, bad) = parse("a=1\nb=\\u00g0\nc=\\uD83D\nd=4");
        assert_eq!(entries.len(), 2);
        assert_eq!(bad.iter().map(|bad| bad.line).collect::<Vec<_>>(), [2, 3]);
    }
}

//! The tokens of a query, as PostgreSQL's `scan.l` finds them.

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A word of the grammar or a name, in lower case.
    Word(String),
    /// A name in quotes.
    Quoted,
    /// A text in quotes.
    Text,
    /// A number.
    Number,
    /// Anything else, one by one.
    Mark(char),
}

/// A token and where it stands.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) from: usize,
    pub(super) to: usize,
    /// Parentheses around it.
    pub(super) depth: usize,
}

impl Token {
    pub(super) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(super) const fn is_name(&self) -> bool {
        matches!(self.kind, Kind::Word(_) | Kind::Quoted)
    }
}

/// The tokens of a text; nothing where that depends on settings, or is in doubt.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    let (mut tokens, mut at, mut depth) = (Vec::new(), 0, 0_usize);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (kind, length) = token(rest)?;
        let to = at + length;
        if let Some(kind) = kind {
            match kind {
                Kind::Mark('(' | '[') => depth += 1,
                Kind::Mark(')' | ']') => depth = depth.checked_sub(1)?,
                _ => {}
            }
            tokens.push(Token { kind, from: at, to, depth });
        }
        at = to;
    }
    (depth == 0).then_some(tokens)
}

/// What a text begins with, and how long it is; white space and comments are nothing.
fn token(rest: &str) -> Option<(Option<Kind>, usize)> {
    let first = rest.chars().next()?;
    if rest.starts_with("--") {
        return Some((None, rest.find(['\n', '\r']).unwrap_or(rest.len())));
    }
    if rest.starts_with("/*") {
        return Some((None, comment(rest)?));
    }
    match first {
        ' ' | '\t' | '\n' | '\r' | '\x0c' => Some((None, 1)),
        '\'' => {
            let length = quoted(rest, '\'')?;
            // Whether it is an escape is a setting.
            (!rest.get(..length)?.contains('\\')).then_some((Some(Kind::Text), length))
        }
        '"' => Some((Some(Kind::Quoted), quoted(rest, '"')?)),
        '0'..='9' => Some((Some(Kind::Number), number(rest)?)),
        _ if begins_word(first) => {
            let length = rest.find(|c: char| !(begins_word(c) || c.is_ascii_digit() || c == '$')).unwrap_or(rest.len());
            let word = rest.get(..length)?.to_ascii_lowercase();
            let behind = rest.get(length..)?;
            let is_prefix = match word.as_str() {
                "e" | "b" | "x" | "n" => behind.starts_with('\''),
                "u" => behind.starts_with('&'),
                _ => false,
            };
            (!is_prefix).then_some((Some(Kind::Word(word)), length))
        }
        '$' | '\\' | ';' => None,
        _ if first.is_ascii_punctuation() => Some((Some(Kind::Mark(first)), 1)),
        _ => None,
    }
}

const fn begins_word(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

/// The length of something in quotes, in which quotes are doubled.
fn quoted(rest: &str, quote: char) -> Option<usize> {
    let mut at = 1;
    loop {
        at += rest.get(at..)?.find(quote)? + 1;
        if !rest.get(at..)?.starts_with(quote) {
            return Some(at);
        }
        at += 1;
    }
}

/// The length of a comment, in which there may be others.
fn comment(rest: &str) -> Option<usize> {
    let (mut at, mut depth) = (2, 1_usize);
    while depth > 0 {
        at += rest.get(at..)?.find(['/', '*'])?;
        let behind = rest.get(at..)?;
        let (length, change) = match behind {
            _ if behind.starts_with("/*") => (2, 1),
            _ if behind.starts_with("*/") => (2, -1),
            _ => (1, 0),
        };
        depth = depth.checked_add_signed(change)?;
        at += length;
    }
    Some(at)
}

/// The length of a number. A word that follows at once is one to some servers, and a mistake to others.
fn number(rest: &str) -> Option<usize> {
    let mut length = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
    let behind = rest.get(length..)?;
    if let Some(exponent) = behind.strip_prefix(['e', 'E']) {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let sign = exponent.len() - digits.len();
        let count = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        if count > 0 {
            length += 1 + sign + count;
        }
    }
    let ends = rest.get(length..)?.chars().next().is_none_or(|c| !begins_word(c) && c != '$');
    ends.then_some(length)
}

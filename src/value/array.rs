//! Arrays: a checked view over the datum, whose elements are decoded one by one.
//!
//! Source: `array_out`, `array_send` and `ReadArrayStr` in the server's `arrayfuncs.c`.

use super::print::{is_space, quote_since, write_integer};
use super::quoted::Quoted;
use super::scalar::utf8;
use super::{BadValue, Reason, Value, decode_binary, decode_text, read};
use crate::catalog::ColumnType;

/// The most dimensions an array can have: `MAXDIM`.
const DIMENSIONS_MAX: u8 = 6;

/// An array in the form it came in, its structure checked: braces, quotes, counts. Its elements are not decoded yet.
///
/// Equal when the bounds of all dimensions, null elements and values are.
#[derive(Clone, Copy)]
pub struct Array<'a> {
    element: &'a ColumnType,
    /// Either form: no text begins with the zero byte with which every binary form does. One slice for both keeps a
    /// [`Value`] as small as it was without arrays.
    datum: &'a [u8],
}

/// The two forms taken apart.
#[derive(Clone, Copy)]
enum Repr<'a> {
    /// `[l:u]=`, which stands only if an index does not begin at 1, and `{a,b}`.
    Text { bounds: &'a str, body: &'a str },
    /// `len:i32 lower:i32` for each dimension, then `len:i32` (-1 for null) and the datum for each element.
    Binary { dimensions: u8, body: &'a [u8] },
}

/// `dimensions:i32 has_nulls:i32 element:u32`
const HEADER_BYTES: usize = 12;

impl<'a> Array<'a> {
    /// `array_out`
    #[inline(never)]
    pub(in crate::value) fn from_text(element: &'a ColumnType, text: &'a [u8]) -> Result<Self, Reason> {
        let (bounds, body) = split_text(utf8(text)?).ok_or(Reason::Syntax)?;
        let dimensions = text_dimensions(body, element.array_delimiter())?;
        check_bounds(bounds, dimensions)?;
        Ok(Self { element, datum: text })
    }

    /// `array_send`: the header, then the body.
    #[inline(never)]
    pub(in crate::value) fn from_binary(element: &'a ColumnType, bytes: &'a [u8]) -> Result<Self, Reason> {
        let (dimensions, rest) = read::int4(bytes)?;
        let (has_nulls, rest) = read::int4(rest)?;
        let (_, mut rest) = read::int4(rest)?;
        let dimensions = u8::try_from(dimensions).map_err(|_| Reason::Field)?;
        if dimensions > DIMENSIONS_MAX || !matches!(has_nulls, 0 | 1) {
            return Err(Reason::Field);
        }
        let mut count = u32::from(dimensions > 0);
        for _ in 0..dimensions {
            let (len, after) = read::int4(rest)?;
            let (_, after) = read::int4(after)?;
            let len = u32::try_from(len).ok().filter(|len| *len > 0).ok_or(Reason::Field)?;
            count = count.checked_mul(len).ok_or(Reason::Field)?;
            rest = after;
        }
        for _ in 0..count {
            (_, rest) = read::nullable(rest)?;
        }
        if rest.is_empty() { Ok(Self { element, datum: bytes }) } else { Err(Reason::Length) }
    }

    fn repr(&self) -> Repr<'a> {
        if let Some([0, _, _, dimensions]) = self.datum.first_chunk() {
            return Repr::Binary { dimensions: *dimensions, body: self.datum.get(HEADER_BYTES..).unwrap_or_default() };
        }
        let (bounds, body) = utf8(self.datum).ok().and_then(split_text).unwrap_or_default();
        Repr::Text { bounds, body }
    }

    /// Number of dimensions: 0 for an array without elements, more than 1 for arrays of arrays.
    #[must_use]
    pub fn dimensions(&self) -> u8 {
        match self.repr() {
            Repr::Text { body: "{}", .. } => 0,
            Repr::Text { body, .. } => {
                body.bytes().take_while(|byte| *byte == b'{').fold(0, |count, _| count.saturating_add(1))
            }
            Repr::Binary { dimensions, .. } => dimensions,
        }
    }

    /// Length of its first dimension; 0 for an array without elements.
    #[must_use]
    pub fn outer_len(&self) -> usize {
        match self.repr() {
            Repr::Text { body, .. } => {
                let mut tokens = Tokens { rest: body, delimiter: self.element.array_delimiter() };
                let (mut depth, mut len) = (0_u32, 0);
                while let Some(Ok(token)) = tokens.next() {
                    len += usize::from(depth == 1 && !matches!(token, Token::Close | Token::Delimiter));
                    match token {
                        Token::Open => depth += 1,
                        Token::Close => depth = depth.saturating_sub(1),
                        Token::Delimiter | Token::Null | Token::Element(_) => {}
                    }
                }
                len
            }
            Repr::Binary { dimensions, body } => {
                bounds(dimensions, body).next().map_or(0, |(len, _)| usize::try_from(len).unwrap_or_default())
            }
        }
    }

    /// The type of its elements.
    #[must_use]
    pub const fn element_type(&self) -> &'a ColumnType {
        self.element
    }

    /// Its elements; of all dimensions, the last index running fastest.
    #[must_use]
    pub fn elements(&self) -> Elements<'a> {
        let rest = match self.repr() {
            Repr::Text { body, .. } => Rest::Text(Tokens { rest: body, delimiter: self.element.array_delimiter() }),
            Repr::Binary { dimensions, body } => {
                Rest::Binary(body.get(usize::from(dimensions) * 8..).unwrap_or_default())
            }
        };
        Elements { element: self.element, rest }
    }

    /// Why its first element is refused that cannot be decoded.
    #[must_use]
    pub fn undecodable(&self) -> Option<BadValue> {
        let mut scratch = String::new();
        self.elements().find_map(|element| element.decode(&mut scratch).err())
    }

    /// Appends it as `array_out` prints it. An element that cannot be decoded is left empty.
    pub fn write_text(&self, out: &mut Vec<u8>) {
        match self.repr() {
            Repr::Text { .. } => out.extend_from_slice(self.datum),
            Repr::Binary { dimensions: 0, .. } => out.extend_from_slice(b"{}"),
            Repr::Binary { dimensions, body } => {
                self.write_bounds(out);
                let lens = bounds(dimensions, body).map(|(len, _)| u32::try_from(len).unwrap_or(1).max(1));
                self.write_elements(out, lens);
            }
        }
    }

    /// `[l:u]=` for all dimensions, where an index does not begin at 1.
    fn write_bounds(&self, out: &mut Vec<u8>) {
        let bounds = match self.repr() {
            Repr::Text { bounds, .. } => return out.extend_from_slice(bounds.as_bytes()),
            Repr::Binary { dimensions, body } => bounds(dimensions, body),
        };
        if bounds.clone().all(|(_, first)| first == 1) {
            return;
        }
        for (len, first) in bounds {
            out.push(b'[');
            write_integer(out, first);
            out.push(b':');
            write_integer(out, i64::from(first) + i64::from(len) - 1);
            out.push(b']');
        }
        out.push(b'=');
    }

    fn write_elements(&self, out: &mut Vec<u8>, lens: impl DoubleEndedIterator<Item = u32> + Clone) {
        let mut scratch = String::new();
        let delimiter = self.element_type().array_delimiter();
        for (at, element) in (0_u32..).zip(self.elements()) {
            // How many of the inner dimensions begin or end here.
            let wraps = |at: u32| {
                let sizes = lens.clone().rev().scan(1_u32, |size, len| {
                    *size = size.saturating_mul(len);
                    Some(*size)
                });
                sizes.filter(|size| at.is_multiple_of(*size)).count()
            };
            if at > 0 {
                out.extend(std::iter::repeat_n(b'}', wraps(at)));
                out.push(delimiter);
            }
            out.extend(std::iter::repeat_n(b'{', wraps(at)));
            let start = out.len();
            match element.decode(&mut scratch) {
                Ok(None) => out.extend_from_slice(b"NULL"),
                Ok(Some(value)) => {
                    value.write_text(out);
                    quote_since(out, start, |text| needs_quotes(text, delimiter));
                }
                Err(_) => {}
            }
        }
        out.extend(std::iter::repeat_n(b'}', lens.count()));
    }
}

/// Length and first index of each dimension of a binary form.
fn bounds(dimensions: u8, body: &[u8]) -> impl DoubleEndedIterator<Item = (i32, i32)> + Clone {
    let bounds = body.as_chunks::<8>().0.get(..usize::from(dimensions)).unwrap_or_default();
    bounds.iter().map(|[l0, l1, l2, l3, f0, f1, f2, f3]| {
        (i32::from_be_bytes([*l0, *l1, *l2, *l3]), i32::from_be_bytes([*f0, *f1, *f2, *f3]))
    })
}

fn needs_quotes(text: &[u8], delimiter: u8) -> bool {
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | b'{' | b'}') || *byte == delimiter || is_space(*byte);
    text.is_empty() || text.eq_ignore_ascii_case(b"NULL") || text.iter().any(special)
}

impl PartialEq for Array<'_> {
    fn eq(&self, other: &Self) -> bool {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        self.write_bounds(&mut a);
        other.write_bounds(&mut b);
        let same_bounds = a == b && self.dimensions() == other.dimensions();
        let (mut a, mut b) = (self.elements(), other.elements());
        let mut pairs = std::iter::from_fn(|| match (a.next(), b.next()) {
            (None, None) => None,
            (Some(a), Some(b)) => Some(a.same(&b)),
            _ => Some(false),
        });
        self.datum == other.datum || (same_bounds && pairs.all(|same| same))
    }
}

/// Elements of an array one by one.
#[derive(Clone)]
pub struct Elements<'a> {
    element: &'a ColumnType,
    rest: Rest<'a>,
}

#[derive(Clone)]
enum Rest<'a> {
    Text(Tokens<'a>),
    Binary(&'a [u8]),
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let datum = match &mut self.rest {
            Rest::Text(tokens) => loop {
                match tokens.next()?.ok()? {
                    Token::Null => break ElementDatum::Null,
                    Token::Element(text) => break ElementDatum::Text(text),
                    Token::Open | Token::Close | Token::Delimiter => {}
                }
            },
            Rest::Binary(rest) => {
                let (datum, after) = read::nullable(rest).ok()?;
                *rest = after;
                datum.map_or(ElementDatum::Null, ElementDatum::Binary)
            }
        };
        Some(Element { column_type: self.element, datum })
    }
}

/// An element of an array, not decoded yet.
#[derive(Clone, Copy)]
pub struct Element<'a> {
    column_type: &'a ColumnType,
    datum: ElementDatum<'a>,
}

#[derive(Clone, Copy)]
enum ElementDatum<'a> {
    Null,
    Text(Quoted<'a>),
    Binary(&'a [u8]),
}

impl<'a> Element<'a> {
    /// The element's value; nothing where it is null. The scratch space is used where its text has to be unescaped.
    ///
    /// # Errors
    ///
    /// [`BadValue`] as for a column of the element's type.
    pub fn decode<'s>(&self, scratch: &'s mut String) -> Result<Option<Value<'s>>, BadValue>
    where
        'a: 's,
    {
        match self.datum {
            ElementDatum::Null => Ok(None),
            ElementDatum::Text(text) => decode_text(self.column_type, text.resolve(scratch).as_bytes()).map(Some),
            ElementDatum::Binary(bytes) => decode_binary(self.column_type, bytes).map(Some),
        }
    }

    fn same(&self, other: &Self) -> bool {
        let (mut a, mut b) = (String::new(), String::new());
        match (self.decode(&mut a), other.decode(&mut b)) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        }
    }
}

/// What the text of an array is made of.
enum Token<'a> {
    Open,
    Close,
    Delimiter,
    Null,
    Element(Quoted<'a>),
}

#[derive(Clone)]
struct Tokens<'a> {
    rest: &'a str,
    delimiter: u8,
}

impl<'a> Tokens<'a> {
    fn next(&mut self) -> Option<Result<Token<'a>, Reason>> {
        let first = *self.rest.as_bytes().first()?;
        let single = match first {
            b'{' => Some(Token::Open),
            b'}' => Some(Token::Close),
            byte if byte == self.delimiter => Some(Token::Delimiter),
            _ => None,
        };
        let token = match single {
            Some(token) => self.rest.get(1..).map(|rest| (token, rest)),
            None if first == b'"' => {
                self.rest.get(1..).and_then(Quoted::split).map(|(text, rest)| (Token::Element(text), rest))
            }
            None => self.bare(),
        };
        Some(match token {
            Some((token, rest)) => {
                self.rest = rest;
                Ok(token)
            }
            None => Err(Reason::Syntax),
        })
    }

    /// An element without quotes.
    fn bare(&self) -> Option<(Token<'a>, &'a str)> {
        let delimiter = self.delimiter;
        let ends = |byte: &u8| matches!(byte, b'{' | b'}' | b'"' | b'\\') || *byte == delimiter;
        let end = self.rest.as_bytes().iter().position(ends)?;
        let (text, rest) = self.rest.split_at_checked(end)?;
        match rest.as_bytes().first() {
            Some(b'"' | b'\\' | b'{') => None,
            _ if text == "NULL" => Some((Token::Null, rest)),
            _ => Some((Token::Element(Quoted::Plain(text)), rest)),
        }
    }
}

/// Checks the braces, delimiters and quotes of an array's text, and counts its dimensions.
fn text_dimensions(body: &str, delimiter: u8) -> Result<u8, Reason> {
    if body == "{}" {
        return Ok(0);
    }
    let mut tokens = Tokens { rest: body, delimiter };
    let (mut depth, mut dimensions) = (0_u8, 0);
    // An element or an opening brace has to follow.
    let mut wants_item = true;
    while let Some(token) = tokens.next() {
        match token? {
            Token::Open if wants_item && depth < DIMENSIONS_MAX => depth += 1,
            Token::Null | Token::Element(_) if wants_item && depth > 0 && (dimensions == 0 || dimensions == depth) => {
                dimensions = depth;
                wants_item = false;
            }
            Token::Close if !wants_item && depth > 0 => depth -= 1,
            Token::Delimiter if !wants_item && depth > 0 => wants_item = true,
            _ => return Err(Reason::Syntax),
        }
    }
    if depth == 0 && !wants_item { Ok(dimensions) } else { Err(Reason::Syntax) }
}

/// The bounds, and what stands in braces.
fn split_text(text: &str) -> Option<(&str, &str)> {
    text.split_at_checked(text.find('{')?)
}

/// `[l:u]` for each dimension, then `=`; or nothing.
fn check_bounds(bounds: &str, dimensions: u8) -> Result<(), Reason> {
    if bounds.is_empty() {
        return Ok(());
    }
    let bounds = bounds.strip_suffix("]=").and_then(|bounds| bounds.strip_prefix('[')).ok_or(Reason::Syntax)?;
    let number = |text: &str| text.parse::<i32>().is_ok();
    let mut count = 0;
    for pair in bounds.split("][") {
        count += 1;
        if !pair.split_once(':').is_some_and(|(lower, upper)| number(lower) && number(upper)) {
            return Err(Reason::Syntax);
        }
    }
    if count == usize::from(dimensions) { Ok(()) } else { Err(Reason::Syntax) }
}

//! Values with parts: bit strings, `hstore`, points, geometries, vectors, arrays.
//!
//! Source: Debezium's `PostgresValueConverter`, `Bits`, `Point`, `Geometry`, `Vectors`; Java's `HashMap`.

use super::{Conversion, NotRepresentable, Put, number, temporal};
use crate::value::{
    Array, Bits, Bytes, Circle, Date, Ewkb, Hstore, Line, Pair, Point, ShapeKind, SparseVector, TimeTz, Value, Vector,
    double_of_text,
};

/// Bytes of a bit string that need no memory of their own.
const BITS_BYTES: usize = 64;
/// Well-known binary of a point: little-endian, type 1.
const WKB_POINT: [u8; 5] = [1, 1, 0, 0, 0];

/// Appends the text that pgJDBC's geometric classes print: PostgreSQL's, but for the numbers. Says whether the value is
/// of such a type.
pub(super) fn append_java_shape(out: &mut Vec<u8>, value: Value<'_>) -> bool {
    match value {
        Value::Line(Line { a, b, c }) => append_numbers(out, b'{', &[a, b, c], b'}'),
        Value::Circle(Circle { center: Point { x, y }, radius }) => {
            out.push(b'<');
            append_numbers(out, b'(', &[x, y], b')');
            append_numbers(out, b',', &[radius], b'>');
        }
        Value::Shape(shape) => {
            let (open, close): (&[u8], &[u8]) = match shape.kind() {
                ShapeKind::Box => (b"", b""),
                ShapeKind::Lseg | ShapeKind::OpenPath => (b"[", b"]"),
                ShapeKind::ClosedPath | ShapeKind::Polygon => (b"(", b")"),
            };
            out.extend_from_slice(open);
            for (index, Point { x, y }) in shape.points().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                append_numbers(out, b'(', &[x, y], b')');
            }
            out.extend_from_slice(close);
        }
        _ => return false,
    }
    true
}

fn append_numbers(out: &mut Vec<u8>, open: u8, numbers: &[f64], close: u8) {
    out.push(open);
    for (index, value) in numbers.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        number::append_f64(out, *value);
    }
    out.push(close);
}

/// The bits as a number, lowest byte first, without zero bytes at the high end.
pub(super) fn put_bits<P: Put>(bits: Bits<'_>, to: &mut P) {
    if bits.len() > BITS_BYTES * 8 {
        let mut bytes = Vec::new();
        bits.write_number_le(&mut bytes);
        return to.put_bytes(Bytes::Raw(&bytes));
    }
    let mut bytes = [0_u8; BITS_BYTES];
    let mut length = 0;
    for (index, _) in bits.iter().rev().enumerate().filter(|(_, bit)| *bit) {
        if let Some(byte) = bytes.get_mut(index / 8) {
            *byte |= 1 << (index % 8);
            length = index / 8 + 1;
        }
    }
    to.put_bytes(Bytes::Raw(bytes.get(..length).unwrap_or_default()));
}

/// A `Point`: its coordinates, and both again in well-known binary.
pub(super) fn put_point<P: Put>(Point { x, y }: Point, to: &mut P) {
    let mut wkb = [0; 21];
    let parts = WKB_POINT.into_iter().chain(x.to_le_bytes()).chain(y.to_le_bytes());
    wkb.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
    to.begin_struct();
    to.field("x");
    to.put_f64(x);
    to.field("y");
    to.put_f64(y);
    to.field("wkb");
    to.optional(true);
    to.put_bytes(Bytes::Raw(&wkb));
    to.field("srid");
    to.optional(false);
    to.end_struct();
}

/// A `Geometry` or `Geography`: what PostGIS sent, and its spatial reference.
pub(super) fn put_ewkb<P: Put>(geometry: Ewkb<'_>, to: &mut P) {
    let srid = geometry.srid();
    to.begin_struct();
    to.field("wkb");
    to.put_bytes(geometry.0);
    to.field("srid");
    to.optional(srid.is_some());
    if let Some(srid) = srid {
        to.put_i32(srid);
    }
    to.end_struct();
}

/// Doubles, each read from the text of its element.
pub(super) fn put_double_vector<P: Put>(vector: Vector<'_>, to: &mut P) {
    put_vector(vector, to, |element, to| {
        let text = zmij::Buffer::new().format(element).parse();
        to.put_f64(text.unwrap_or_else(|_| element.into()));
    });
}

/// Single floats.
pub(super) fn put_float_vector<P: Put>(vector: Vector<'_>, to: &mut P) {
    put_vector(vector, to, |element, to| to.put_f32(element));
}

fn put_vector<P: Put>(vector: Vector<'_>, to: &mut P, put: impl Fn(f32, &mut P)) {
    let count = vector.elements().count();
    to.begin_array(count);
    for element in vector.elements() {
        to.element();
        put(element, to);
    }
    to.end_array(count);
}

/// Debezium reads the text into short integers and doubles, and so knows no vector beyond 32767 dimensions.
pub(super) fn put_sparse_vector<P: Put>(vector: SparseVector<'_>, to: &mut P) -> Result<(), NotRepresentable> {
    let short = |number: i32| i16::try_from(number).map_err(|_| NotRepresentable);
    let dimensions = short(vector.dimensions())?;
    let mut entries = Vec::new();
    for (index, value) in vector.entries() {
        entries.push((short(index)?, double_of_text(value)));
    }
    // A map made for as many entries as there are, which grows once where they fill more than three quarters of it.
    let mut buckets = entries.len().next_power_of_two();
    if entries.len() > buckets / 4 * 3 + buckets % 4 * 3 / 4 {
        buckets *= 2;
    }
    entries.sort_by_key(|(index, _)| usize::try_from(*index).unwrap_or_default() & (buckets - 1));
    put_sparse(dimensions, &entries, to);
    Ok(())
}

/// The struct of a sparse vector.
pub(super) fn put_sparse<P: Put>(dimensions: i16, entries: &[(i16, f64)], to: &mut P) {
    to.begin_struct();
    to.field("dimensions");
    to.put_i16(dimensions);
    to.field("vector");
    to.begin_entries(entries.len());
    for (index, value) in entries {
        to.begin_entry(*index);
        to.put_f64(*value);
        to.end_entry();
    }
    to.end_entries(entries.len());
    to.end_struct();
}

/// An array of one dimension. Debezium has no form for the inner arrays of others, and writes nulls for them (for texts the
/// addresses of Java objects).
pub(super) fn put_array<P: Put>(
    array: Array<'_>,
    elements: &Conversion,
    nullable: bool,
    to: &mut P,
) -> Result<(), NotRepresentable> {
    if array.dimensions() > 1 {
        if !nullable {
            return Err(NotRepresentable);
        }
        put_nulls(array.outer_len(), to);
        return Ok(());
    }
    let count = array.elements().count();
    let mut scratch = String::new();
    to.begin_array(count);
    for element in array.elements() {
        let value = element.decode(&mut scratch).map_err(|_| NotRepresentable)?;
        to.element();
        if nullable {
            to.optional(value.is_some());
        }
        match value {
            Some(value) => put_element(value, elements, to)?,
            None if nullable => {}
            None => return Err(NotRepresentable),
        }
    }
    to.end_array(count);
    Ok(())
}

fn put_nulls<P: Put>(count: usize, to: &mut P) {
    to.begin_array(count);
    for _ in 0..count {
        to.element();
        to.optional(false);
    }
    to.end_array(count);
}

/// Debezium has elements from pgJDBC's arrays, which are made of `java.sql.Time` and `Date`: times have milliseconds, those
/// with zone seconds only, and dates are years of their era without the era.
fn put_element<P: Put>(value: Value<'_>, conversion: &Conversion, to: &mut P) -> Result<(), NotRepresentable> {
    let value = match (value, conversion) {
        (Value::Bytes(_), _) => value,
        // Debezium finds no sparse vector in what pgJDBC makes of an element.
        (Value::SparseVector(_), _) => return Err(NotRepresentable),
        // Elements of a type that Debezium does not know are their texts, whatever they are to us.
        (_, Conversion::Bytes | Conversion::Base64 | Conversion::Base64UrlSafe | Conversion::Hex) => {
            return conversion.put_text_of(value, to);
        }
        (Value::Date(Date::Infinity), Conversion::IsoDate) => {
            to.put_str(temporal::ISO_SQL_DATE_INFINITY);
            return Ok(());
        }
        (Value::Date(Date::NegativeInfinity), Conversion::IsoDate) => {
            to.put_str(temporal::ISO_SQL_DATE_NEGATIVE_INFINITY);
            return Ok(());
        }
        (Value::Date(date), _) => Value::Date(temporal::sql_date(date)),
        (Value::Time(micros), _) => Value::Time(temporal::sql_time(micros, temporal::MICROS_PER_MILLISECOND)),
        (Value::TimeTz(TimeTz { micros, offset_seconds }), _) => {
            // An offset is whole seconds, so that the fraction is the same in UTC.
            let micros = temporal::sql_time(micros, temporal::MICROS_PER_SECOND);
            Value::TimeTz(TimeTz { micros, offset_seconds })
        }
        (value, _) => value,
    };
    conversion.put_bare(value, to)
}

/// A map in the order in which Java's `HashMap` keeps it.
pub(super) fn put_hstore_map<P: Put>(hstore: Hstore<'_>, to: &mut P) {
    let pairs = in_java_order(hstore);
    let mut scratch = String::new();
    to.begin_map(pairs.len());
    for Pair { key, value } in &pairs {
        to.entry(key.resolve(&mut scratch));
        to.optional(value.is_some());
        if let Some(value) = value {
            to.put_str(value.resolve(&mut scratch));
        }
    }
    to.end_map(pairs.len());
}

/// A JSON text in the same order, as Jackson writes it into a Java text.
pub(super) fn put_hstore_json<P: Put>(hstore: Hstore<'_>, to: &mut P) {
    let mut scratch = String::new();
    let mut text = String::from("{");
    for (index, Pair { key, value }) in in_java_order(hstore).iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push_json(&mut text, key.resolve(&mut scratch));
        text.push(':');
        match value {
            Some(value) => push_json(&mut text, value.resolve(&mut scratch)),
            None => text.push_str("null"),
        }
    }
    text.push('}');
    to.put_str(&text);
}

/// Jackson's escapes in texts: quotes, backslashes and control characters.
fn push_json(text: &mut String, value: &str) {
    use std::fmt::Write as _;
    text.push('"');
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            c if c < ' ' => {
                // Writing to a text cannot fail.
                let _ = write!(text, "\\u{:04X}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push('"');
}

/// The pairs in the order of a `HashMap` that grew while they were put in one after another: by bucket, and in a bucket
/// by arrival, which growing keeps.
fn in_java_order(hstore: Hstore<'_>) -> Vec<Pair<'_>> {
    let mut pairs: Vec<Pair<'_>> = hstore.pairs().collect();
    let buckets = java_buckets(JAVA_BUCKETS_MIN, pairs.len());
    let mut scratch = String::new();
    pairs.sort_by_cached_key(|pair| java_bucket_order(java_hash(pair.key.resolve(&mut scratch)), buckets));
    pairs
}

/// Buckets of a Java `HashMap` that was made without a size.
pub const JAVA_BUCKETS_MIN: u32 = 16;

/// Buckets of a Java `HashMap` that had `buckets` before `entries` were in it: it doubles above three quarters.
#[must_use]
pub fn java_buckets(mut buckets: u32, entries: usize) -> u32 {
    while u64::from(buckets) * 3 / 4 < entries as u64 {
        buckets = buckets.saturating_mul(2);
    }
    buckets
}

/// Where a Java `HashMap` of so many buckets keeps a key of this hash.
#[must_use]
pub const fn java_bucket_order(hash: u32, buckets: u32) -> u32 {
    (hash ^ hash >> 16) & (buckets - 1)
}

/// `String.hashCode`
#[must_use]
pub fn java_hash(text: &str) -> u32 {
    text.encode_utf16().fold(0, |hash: u32, unit| hash.wrapping_mul(31).wrapping_add(unit.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::ColumnType;
    use crate::schema::Literal;
    use crate::value::decode_text;

    #[test]
    fn bits_are_a_number_lowest_byte_first() {
        for (text, bytes) in [("11", vec![3]), ("0000000", vec![]), ("1000000", vec![0x40]), ("100000001", vec![1, 1])]
        {
            let literal = Literal::captured(|capture| {
                let value = decode_text(&ColumnType::VarBit(None), text.as_bytes()).map_err(|_| NotRepresentable)?;
                Conversion::Bits.put(value, capture)
            });
            assert_eq!(literal, Some(Literal::Bytes(bytes)), "{text}");
        }
    }

    #[test]
    fn hstore_is_in_the_order_of_a_hash_map() {
        let text = br#""key4"=>"val4", "key5"=>NULL, "a\"b"=>"x\ty""#;
        let Ok(Value::Hstore(hstore)) = decode_text(&ColumnType::Hstore, text) else { panic!("an hstore") };
        let json = Literal::captured(|capture| {
            put_hstore_json(hstore, capture);
            Ok::<(), NotRepresentable>(())
        });
        let Some(Literal::String(json)) = json else { panic!("a text") };
        assert!(json.find("key5") < json.find("key4"), "{json}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["a\"b"], "xty");
    }
}

//! Values whose meaning to records is PostgreSQL's own text: addresses, ranges, `tsvector`, and what Debezium does not
//! know. Text comes as it is; a binary form is checked, and printed when its text is asked for.

use super::print::write_integer;
use super::scalar::{fixed, utf8};
use super::{Reason, network, range, read, tsvector};
use crate::catalog::RangeType;

/// Such a value in the form it came in; compared by its text.
#[derive(Clone, Copy)]
pub struct Printed<'a>(Repr<'a>);

#[derive(Clone, Copy)]
enum Repr<'a> {
    Text(&'a str),
    Binary { bytes: &'a [u8], sort: Sort },
}

/// How the text is made from the binary form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::value) enum Sort {
    Inet,
    Cidr,
    MacAddr,
    MacAddr8,
    Range(RangeType),
    Multirange(RangeType),
    TsVector,
    PgLsn,
    /// `u32`
    Xid,
    /// `u64`
    Xid8,
    Tid,
    Snapshot,
}

impl<'a> Printed<'a> {
    /// Any text.
    pub(in crate::value) fn from_text(text: &'a [u8]) -> Result<Self, Reason> {
        utf8(text).map(|text| Self(Repr::Text(text)))
    }

    /// The type's send function.
    pub(in crate::value) fn from_binary(sort: Sort, bytes: &'a [u8]) -> Result<Self, Reason> {
        match sort {
            Sort::Inet | Sort::Cidr => network::check_address(bytes),
            Sort::MacAddr | Sort::Tid => fixed::<6>(bytes).map(|_| ()),
            Sort::MacAddr8 | Sort::PgLsn | Sort::Xid8 => fixed::<8>(bytes).map(|_| ()),
            Sort::Xid => fixed::<4>(bytes).map(|_| ()),
            Sort::Range(range_type) => range::check(range_type, bytes),
            Sort::Multirange(range_type) => range::check_multi(range_type, bytes),
            Sort::TsVector => tsvector::check(bytes),
            Sort::Snapshot => Snapshot::read(bytes).map(|_| ()),
        }?;
        Ok(Self(Repr::Binary { bytes, sort }))
    }

    /// The text, where it came as text.
    #[must_use]
    pub const fn as_str(&self) -> Option<&'a str> {
        match self.0 {
            Repr::Text(text) => Some(text),
            Repr::Binary { .. } => None,
        }
    }

    /// Appends the text that PostgreSQL prints.
    pub fn write_text(&self, out: &mut Vec<u8>) {
        let (bytes, sort) = match self.0 {
            Repr::Text(text) => return out.extend_from_slice(text.as_bytes()),
            Repr::Binary { bytes, sort } => (bytes, sort),
        };
        match sort {
            Sort::Inet => network::write_address(out, bytes, false),
            Sort::Cidr => network::write_address(out, bytes, true),
            Sort::MacAddr | Sort::MacAddr8 => network::write_mac(out, bytes),
            Sort::Range(range_type) => range::write(out, range_type, bytes),
            Sort::Multirange(range_type) => range::write_multi(out, range_type, bytes),
            Sort::TsVector => tsvector::write(out, bytes),
            Sort::PgLsn => write_lsn(out, unsigned(bytes)),
            Sort::Xid | Sort::Xid8 => write_integer(out, unsigned(bytes)),
            Sort::Tid => {
                let (block, offset) = bytes.split_at_checked(4).unwrap_or_default();
                write_tid(out, unsigned(block), unsigned(offset));
            }
            Sort::Snapshot => {
                if let Ok(snapshot) = Snapshot::read(bytes) {
                    snapshot.write(out);
                }
            }
        }
    }
}

impl PartialEq for Printed<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self.0, other.0) {
            (Repr::Text(a), Repr::Text(b)) => a == b,
            (Repr::Binary { bytes: a, sort: a_sort }, Repr::Binary { bytes: b, sort: b_sort }) if a_sort == b_sort => {
                a == b
            }
            _ => {
                let (mut a, mut b) = (Vec::new(), Vec::new());
                self.write_text(&mut a);
                other.write_text(&mut b);
                a == b
            }
        }
    }
}

impl Eq for Printed<'_> {}

/// A big-endian number of up to eight bytes.
fn unsigned(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// `pg_lsn_out`
fn write_lsn(out: &mut Vec<u8>, lsn: u64) {
    for (at, half) in [lsn >> 32, lsn & 0xffff_ffff].into_iter().enumerate() {
        if at > 0 {
            out.push(b'/');
        }
        let digits = (half.max(1).ilog2() / 4) + 1;
        for digit in (0..digits).rev() {
            let [.., value] = (half >> (digit * 4) & 0x0f).to_be_bytes();
            out.push(network::hex_digit(value).to_ascii_uppercase());
        }
    }
}

/// `tidout`
fn write_tid(out: &mut Vec<u8>, block: u64, offset: u64) {
    out.push(b'(');
    write_integer(out, block);
    out.push(b',');
    write_integer(out, offset);
    out.push(b')');
}

/// `pg_snapshot_send`: `count:i32 xmin:u64 xmax:u64 count * u64`
struct Snapshot<'a> {
    ends: &'a [u8],
    running: &'a [[u8; 8]],
}

impl<'a> Snapshot<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Reason> {
        let (count, rest) = read::int4(bytes)?;
        let (ends, running) = rest.split_at_checked(16).ok_or(Reason::Length)?;
        let (running, odd) = running.as_chunks::<8>();
        let count = usize::try_from(count).map_err(|_| Reason::Field)?;
        if odd.is_empty() && running.len() == count { Ok(Self { ends, running }) } else { Err(Reason::Length) }
    }

    /// `xmin:xmax:a,b`
    fn write(&self, out: &mut Vec<u8>) {
        for end in self.ends.as_chunks::<8>().0 {
            write_integer(out, u64::from_be_bytes(*end));
            out.push(b':');
        }
        for (at, xid) in self.running.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            write_integer(out, u64::from_be_bytes(*xid));
        }
    }
}

//! Fields of binary forms, taken off the front of a slice.

use super::Reason;

/// A big-endian `i32` and what follows it.
pub(in crate::value) fn int4(bytes: &[u8]) -> Result<(i32, &[u8]), Reason> {
    let (int, rest) = bytes.split_first_chunk::<4>().ok_or(Reason::Length)?;
    Ok((i32::from_be_bytes(*int), rest))
}

/// A big-endian `u16` and what follows it.
pub(in crate::value) fn word(bytes: &[u8]) -> Result<(u16, &[u8]), Reason> {
    let (word, rest) = bytes.split_first_chunk::<2>().ok_or(Reason::Length)?;
    Ok((u16::from_be_bytes(*word), rest))
}

/// `len:i32` and as many bytes, and what follows them; nothing for the length -1.
pub(in crate::value) fn nullable(bytes: &[u8]) -> Result<(Option<&[u8]>, &[u8]), Reason> {
    let (len, rest) = int4(bytes)?;
    if len == -1 {
        return Ok((None, rest));
    }
    let len = usize::try_from(len).map_err(|_| Reason::Field)?;
    rest.split_at_checked(len).map(|(datum, rest)| (Some(datum), rest)).ok_or(Reason::Length)
}

/// As [`nullable`], where there is no null.
pub(in crate::value) fn sized(bytes: &[u8]) -> Result<(&[u8], &[u8]), Reason> {
    match nullable(bytes)? {
        (Some(datum), rest) => Ok((datum, rest)),
        (None, _) => Err(Reason::Field),
    }
}

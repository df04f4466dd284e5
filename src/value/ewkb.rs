//! PostGIS `geometry` and `geography`: extended well-known binary, in hexadecimal digits or as bytes.

use super::{Bytes, Reason};

/// Extended well-known binary as the server gave it. Only its header is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Ewkb<'a>(pub Bytes<'a>);

/// The flag in the geometry's type that says that an SRID follows.
const HAS_SRID: u32 = 0x2000_0000;

impl<'a> Ewkb<'a> {
    /// `LWGEOM_out`, `geography_out`
    pub(in crate::value) fn from_text(text: &'a [u8]) -> Result<Self, Reason> {
        Bytes::from_hex(text).map(Self)
    }

    /// `LWGEOM_send`, `geography_send`
    pub(in crate::value) const fn from_binary(bytes: &'a [u8]) -> Self {
        Self(Bytes::Raw(bytes))
    }

    /// The spatial reference's id, where the header carries one.
    #[must_use]
    pub fn srid(&self) -> Option<i32> {
        let [order, t0, t1, t2, t3, s0, s1, s2, s3] = self.0.first_bytes()?;
        let little = order == 1;
        let geometry = if little { u32::from_le_bytes([t0, t1, t2, t3]) } else { u32::from_be_bytes([t0, t1, t2, t3]) };
        let srid = if little { i32::from_le_bytes([s0, s1, s2, s3]) } else { i32::from_be_bytes([s0, s1, s2, s3]) };
        (geometry & HAS_SRID != 0).then_some(srid)
    }
}

//! Geometric types of the plane.
//!
//! Source: `geo_ops.c` in the server.

use super::float::float8_text;
use super::print::write_float8;
use super::{Form, Reason, read};

/// A `point`.
#[derive(Clone, Copy)]
pub struct Point {
    /// Abscissa.
    pub x: f64,
    /// Ordinate.
    pub y: f64,
}

/// A `line`: `a x + b y + c = 0`.
#[derive(Clone, Copy)]
pub struct Line {
    /// Coefficient of x.
    pub a: f64,
    /// Coefficient of y.
    pub b: f64,
    /// Constant.
    pub c: f64,
}

/// A `circle`.
#[derive(Clone, Copy)]
pub struct Circle {
    /// Its centre.
    pub center: Point,
    /// Its radius.
    pub radius: f64,
}

/// What a list of points stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShapeKind {
    /// `box`: its upper right corner, then its lower left one.
    Box,
    /// `lseg`: both ends.
    Lseg,
    /// `path` that ends where it ends.
    OpenPath,
    /// `path` that returns to its first point.
    ClosedPath,
    /// `polygon`
    Polygon,
}

/// A `box`, `lseg`, `path` or `polygon` in the form it came in, checked to be well formed; compared point by point.
#[derive(Clone, Copy)]
pub struct Shape<'a> {
    kind: ShapeKind,
    form: Form,
    /// `(x,y),(x,y)` or two floats of eight bytes each.
    points: &'a [u8],
}

impl Point {
    /// `point_out`
    #[inline(never)]
    pub(in crate::value) fn from_text(text: &[u8]) -> Result<Self, Reason> {
        match read_point(text)? {
            (point, []) => Ok(point),
            _ => Err(Reason::Syntax),
        }
    }

    /// `point_send`
    #[inline(never)]
    pub(in crate::value) fn from_binary(bytes: &[u8]) -> Result<Self, Reason> {
        let [x, y] = floats(bytes)?;
        Ok(Self { x, y })
    }

    /// Appends it as `point_out` prints it.
    pub fn write_text(self, out: &mut Vec<u8>) {
        write_list(out, b'(', &[self.x, self.y], b')');
    }
}

impl Line {
    /// `line_out`
    #[inline(never)]
    pub(in crate::value) fn from_text(text: &[u8]) -> Result<Self, Reason> {
        let (a, rest) = read_number(text.strip_prefix(b"{").ok_or(Reason::Syntax)?, b',')?;
        let (b, rest) = read_number(rest, b',')?;
        match read_number(rest, b'}')? {
            (c, []) => Ok(Self { a, b, c }),
            _ => Err(Reason::Syntax),
        }
    }

    /// `line_send`
    #[inline(never)]
    pub(in crate::value) fn from_binary(bytes: &[u8]) -> Result<Self, Reason> {
        let [a, b, c] = floats(bytes)?;
        Ok(Self { a, b, c })
    }

    /// Appends it as `line_out` prints it.
    pub fn write_text(self, out: &mut Vec<u8>) {
        write_list(out, b'{', &[self.a, self.b, self.c], b'}');
    }
}

impl Circle {
    /// `circle_out`
    #[inline(never)]
    pub(in crate::value) fn from_text(text: &[u8]) -> Result<Self, Reason> {
        let (center, rest) = read_point(text.strip_prefix(b"<").ok_or(Reason::Syntax)?)?;
        match read_number(rest.strip_prefix(b",").ok_or(Reason::Syntax)?, b'>')? {
            (radius, []) => Ok(Self { center, radius }),
            _ => Err(Reason::Syntax),
        }
    }

    /// `circle_send`
    #[inline(never)]
    pub(in crate::value) fn from_binary(bytes: &[u8]) -> Result<Self, Reason> {
        let [x, y, radius] = floats(bytes)?;
        Ok(Self { center: Point { x, y }, radius })
    }

    /// Appends it as `circle_out` prints it.
    pub fn write_text(self, out: &mut Vec<u8>) {
        out.push(b'<');
        self.center.write_text(out);
        out.push(b',');
        write_float8(out, self.radius);
        out.push(b'>');
    }
}

impl<'a> Shape<'a> {
    /// `box_out`
    #[inline(never)]
    pub(in crate::value) fn box_text(text: &'a [u8]) -> Result<Self, Reason> {
        Self::of_text(ShapeKind::Box, text, Some(2))
    }

    /// `lseg_out`
    #[inline(never)]
    pub(in crate::value) fn lseg_text(text: &'a [u8]) -> Result<Self, Reason> {
        let [b'[', points @ .., b']'] = text else { return Err(Reason::Syntax) };
        Self::of_text(ShapeKind::Lseg, points, Some(2))
    }

    /// `path_out`
    #[inline(never)]
    pub(in crate::value) fn path_text(text: &'a [u8]) -> Result<Self, Reason> {
        match text {
            [b'[', points @ .., b']'] => Self::of_text(ShapeKind::OpenPath, points, None),
            [b'(', points @ .., b')'] => Self::of_text(ShapeKind::ClosedPath, points, None),
            _ => Err(Reason::Syntax),
        }
    }

    /// `poly_out`
    #[inline(never)]
    pub(in crate::value) fn polygon_text(text: &'a [u8]) -> Result<Self, Reason> {
        let [b'(', points @ .., b')'] = text else { return Err(Reason::Syntax) };
        Self::of_text(ShapeKind::Polygon, points, None)
    }

    fn of_text(kind: ShapeKind, points: &'a [u8], expected: Option<usize>) -> Result<Self, Reason> {
        let (mut rest, mut count) = (points, 0);
        loop {
            (_, rest) = read_point(rest)?;
            count += 1;
            match rest {
                [] => break,
                [b',', after @ ..] => rest = after,
                _ => return Err(Reason::Syntax),
            }
        }
        if expected.is_some_and(|expected| expected != count) {
            return Err(Reason::Syntax);
        }
        Ok(Self { kind, form: Form::Text, points })
    }

    /// `box_send`, `lseg_send`: four floats.
    #[inline(never)]
    pub(in crate::value) fn pair_binary(kind: ShapeKind, bytes: &'a [u8]) -> Result<Self, Reason> {
        let [_, _, _, _] = floats(bytes)?;
        Ok(Self { kind, form: Form::Binary, points: bytes })
    }

    /// `path_send`: `closed:u8 count:i32`, then two floats a point.
    #[inline(never)]
    pub(in crate::value) fn path_binary(bytes: &'a [u8]) -> Result<Self, Reason> {
        let (closed, rest) = bytes.split_first().ok_or(Reason::Length)?;
        let kind = match closed {
            0 => ShapeKind::OpenPath,
            1 => ShapeKind::ClosedPath,
            _ => return Err(Reason::Field),
        };
        Self::counted_binary(kind, rest)
    }

    /// `poly_send`: `count:i32`, then two floats a point.
    #[inline(never)]
    pub(in crate::value) fn polygon_binary(bytes: &'a [u8]) -> Result<Self, Reason> {
        Self::counted_binary(ShapeKind::Polygon, bytes)
    }

    fn counted_binary(kind: ShapeKind, bytes: &'a [u8]) -> Result<Self, Reason> {
        let (count, points) = read::int4(bytes)?;
        let (pairs, odd) = points.as_chunks::<16>();
        if count < 1 {
            return Err(Reason::Field);
        }
        if !odd.is_empty() || usize::try_from(count) != Ok(pairs.len()) {
            return Err(Reason::Length);
        }
        Ok(Self { kind, form: Form::Binary, points })
    }

    /// What the points stand for.
    #[must_use]
    pub const fn kind(&self) -> ShapeKind {
        self.kind
    }

    /// Its points, at least one.
    #[must_use]
    pub const fn points(&self) -> Points<'a> {
        Points { form: self.form, rest: self.points }
    }

    /// Appends it as its type's output function prints it.
    pub fn write_text(&self, out: &mut Vec<u8>) {
        let (open, close): (&[u8], &[u8]) = match self.kind {
            ShapeKind::Box => (b"", b""),
            ShapeKind::Lseg | ShapeKind::OpenPath => (b"[", b"]"),
            ShapeKind::ClosedPath | ShapeKind::Polygon => (b"(", b")"),
        };
        out.extend_from_slice(open);
        for (at, point) in self.points().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            point.write_text(out);
        }
        out.extend_from_slice(close);
    }
}

/// Points one by one.
#[derive(Clone)]
pub struct Points<'a> {
    form: Form,
    rest: &'a [u8],
}

impl Iterator for Points<'_> {
    type Item = Point;

    fn next(&mut self) -> Option<Point> {
        match self.form {
            Form::Text => {
                let (point, rest) = read_point(self.rest).ok()?;
                self.rest = rest.strip_prefix(b",").unwrap_or(rest);
                Some(point)
            }
            Form::Binary => {
                let (point, rest) = self.rest.split_first_chunk::<16>()?;
                self.rest = rest;
                Point::from_binary(point).ok()
            }
        }
    }
}

/// Whether two floats are the same, with all NaNs the same and `0` unlike `-0`.
pub(in crate::value) fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

impl PartialEq for Point {
    fn eq(&self, other: &Self) -> bool {
        same(self.x, other.x) && same(self.y, other.y)
    }
}

impl PartialEq for Line {
    fn eq(&self, other: &Self) -> bool {
        same(self.a, other.a) && same(self.b, other.b) && same(self.c, other.c)
    }
}

impl PartialEq for Circle {
    fn eq(&self, other: &Self) -> bool {
        self.center == other.center && same(self.radius, other.radius)
    }
}

impl PartialEq for Shape<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.points().eq(other.points())
    }
}

/// As many floats as asked for, and nothing else.
fn floats<const N: usize>(bytes: &[u8]) -> Result<[f64; N], Reason> {
    let (chunks, odd) = bytes.as_chunks::<8>();
    let chunks: &[[u8; 8]; N] = chunks.try_into().map_err(|_| Reason::Length)?;
    if odd.is_empty() { Ok(chunks.map(f64::from_be_bytes)) } else { Err(Reason::Length) }
}

/// `(x,y)` and what follows it.
fn read_point(text: &[u8]) -> Result<(Point, &[u8]), Reason> {
    let (x, rest) = read_number(text.strip_prefix(b"(").ok_or(Reason::Syntax)?, b',')?;
    let (y, rest) = read_number(rest, b')')?;
    Ok((Point { x, y }, rest))
}

/// A number, the byte that ends it, and what follows that.
fn read_number(text: &[u8], end: u8) -> Result<(f64, &[u8]), Reason> {
    let at = memchr::memchr(end, text).ok_or(Reason::Syntax)?;
    let (number, rest) = text.split_at_checked(at).ok_or(Reason::Syntax)?;
    Ok((float8_text(number)?, rest.get(1..).unwrap_or_default()))
}

fn write_list(out: &mut Vec<u8>, open: u8, numbers: &[f64], close: u8) {
    for (at, number) in numbers.iter().enumerate() {
        out.push(if at == 0 { open } else { b',' });
        write_float8(out, *number);
    }
    out.push(close);
}

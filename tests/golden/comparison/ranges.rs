//! Where two byte strings differ.

use std::ops::Range;

/// So many equal bytes end a difference.
const ANCHOR_BYTES: usize = 8;
/// How far is looked for them on each side.
const REACH_BYTES: usize = 2_048;

/// The ranges that differ, left and right; what stands between them is equal.
pub(super) fn differing(left: &[u8], right: &[u8]) -> Vec<(Range<usize>, Range<usize>)> {
    let tail = left.iter().rev().zip(right.iter().rev()).take_while(|(left, right)| left == right).count();
    let (mut at, mut found) = ((0, 0), Vec::new());
    loop {
        let same = left[at.0..].iter().zip(&right[at.1..]).take_while(|(left, right)| left == right).count();
        at = (at.0 + same, at.1 + same);
        // The equal end may not reach into what was equal already.
        let tail = tail.min(left.len() - at.0).min(right.len() - at.1);
        let ends = (left.len() - tail, right.len() - tail);
        if at == ends {
            return found;
        }
        let next = anchor(&left[at.0..ends.0], &right[at.1..ends.1]).map(|(l, r)| (at.0 + l, at.1 + r));
        let next = next.unwrap_or(ends);
        found.push((at.0..next.0, at.1..next.1));
        at = next;
    }
}

/// The nearest place from which both go on alike for a while.
fn anchor(left: &[u8], right: &[u8]) -> Option<(usize, usize)> {
    let reach = left.len().max(right.len()).min(REACH_BYTES);
    // What is as long on both sides is told apart first, since most differences are changed bytes.
    let is_anchor = |l: usize, r: usize| {
        let (left, right) = (left.get(l..l + ANCHOR_BYTES), right.get(r..r + ANCHOR_BYTES));
        left.is_some() && left == right
    };
    (1..reach).find_map(|far| {
        is_anchor(far, far).then_some((far, far)).or_else(|| {
            (0..far).find_map(|near| match () {
                () if is_anchor(far, near) => Some((far, near)),
                () if is_anchor(near, far) => Some((near, far)),
                () => None,
            })
        })
    })
}

#[test]
fn each_range_is_told() {
    let told = |left: &str, right: &str| differing(left.as_bytes(), right.as_bytes());

    assert_eq!(told("the same", "the same"), []);
    assert_eq!(
        told("one 1 and then two 2 and so on", "one 3 and then two 4 and so on"),
        [(4..5, 4..5), (19..20, 19..20)]
    );
    assert_eq!(told("begin 12345 middle, end", "begin middle, end."), [(6..12, 6..6), (23..23, 17..18)]);
    assert_eq!(told("", "all"), [(0..0, 0..3)]);
    assert_eq!(told("aa", "aaa"), [(2..2, 2..3)]);
}

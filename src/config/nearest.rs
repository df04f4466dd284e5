//! The nearest known name to a misspelt one.

/// The candidate within a third of the name's length in edits, the nearest one first.
pub(super) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = plain(name);
    let limit = (name.chars().count() / 3).clamp(1, 6);
    candidates
        .map(|candidate| (distance(&name, &plain(candidate)), candidate))
        .filter(|(edits, _)| *edits <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Lower case with dots: the two slips that are made most often cost nothing.
fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace(['_', '-'], ".")
}

/// Levenshtein's distance, where swapping two neighbours is one edit.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    let mut previous = None;
    for (i, l) in left.chars().enumerate() {
        let mut row = vec![i + 1];
        for (j, r) in right.iter().enumerate() {
            let replaced = last[j] + usize::from(l != *r);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            let swapped = j > 0 && previous == Some(*r) && right[j - 1] == l;
            if swapped && i > 0 {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = last;
        last = row;
        previous = Some(l);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted_and_neighbours_may_swap() {
        for (left, right, edits) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("solt", "slot", 1),
            ("ab", "ba", 1),
        ] {
            assert_eq!(distance(left, right), edits, "{left} {right}");
        }
    }

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let names = ["slot.name", "topic.prefix", "table.include.list"];
        for (slip, meant) in [
            ("solt.name", "slot.name"),
            ("Slot_Name", "slot.name"),
            ("topic.perfix", "topic.prefix"),
            ("table.include.lists", "table.include.list"),
        ] {
            assert_eq!(nearest(slip, names.into_iter()), Some(meant));
        }
        assert_eq!(nearest("completely.different", names.into_iter()), None);
    }
}

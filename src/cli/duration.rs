//! Durations on the command line: a number with its unit.

use std::time::Duration;

/// Reads `500ms`, `30s`, `2m` or `1h`; a fraction such as `1.5s` is fine, a bare number is not.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    const WRONG: &str = "must be a number with its unit: 500ms, 30s, 2m or 1h";
    let split = text.find(|c: char| c.is_ascii_alphabetic()).ok_or(WRONG)?;
    let (number, unit) = text.split_at_checked(split).ok_or(WRONG)?;
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return Err(WRONG.to_owned()),
    };
    let digits = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: f64 = number.parse().ok().filter(|_| digits).ok_or(WRONG)?;
    // A year is longer than anything here may take, and far below what a `Duration` holds.
    let total = number * seconds;
    if total > 31_536_000.0 {
        return Err("is longer than a year".to_owned());
    }
    Ok(Duration::from_secs_f64(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_needs_its_unit() {
        for (text, millis) in
            [("500ms", 500), ("30s", 30_000), ("2m", 120_000), ("1h", 3_600_000), ("1.5s", 1_500), ("0s", 0)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "5", "s", "-1s", "1d", "1 s", "1e9s", "999999h", "nans", "infs", "1.2.3s", "5S"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}

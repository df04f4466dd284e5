//! `inet`, `cidr`, `macaddr` and `macaddr8` in their binary form, printed as the server prints them.
//!
//! Source: `network_send` and `network_out` in the server's `network.c`, `inet_net_ntop.c`, `mac.c`, `mac8.c`.

use super::Reason;
use super::print::write_integer;

/// `AF_INET` and `AF_INET + 1` by the server's own numbers.
const IPV4: u8 = 2;
const IPV6: u8 = 3;

/// Checks `family:u8 bits:u8 is_cidr:u8 len:u8 address`.
pub(in crate::value) fn check_address(bytes: &[u8]) -> Result<(), Reason> {
    let ([family, bits, is_cidr, len], address) = bytes.split_first_chunk::<4>().ok_or(Reason::Length)?;
    let expected = match *family {
        IPV4 => 4,
        IPV6 => 16,
        _ => return Err(Reason::Field),
    };
    if *len != expected || *is_cidr > 1 || *bits > expected * 8 {
        return Err(Reason::Field);
    }
    if address.len() == usize::from(expected) { Ok(()) } else { Err(Reason::Length) }
}

/// `inet_out`, `cidr_out`: a `cidr` always tells its bits, an `inet` only where they are not all.
pub(in crate::value) fn write_address(out: &mut Vec<u8>, bytes: &[u8], is_cidr: bool) {
    let Some(([_, bits, ..], address)) = bytes.split_first_chunk::<4>() else { return };
    let all_bits = if let Ok(address) = <[u8; 4]>::try_from(address) {
        write_ipv4(out, address);
        32
    } else if let Ok(address) = <[u8; 16]>::try_from(address) {
        write_ipv6(out, address);
        128
    } else {
        return;
    };
    if is_cidr || *bits != all_bits {
        out.push(b'/');
        write_integer(out, *bits);
    }
}

fn write_ipv4(out: &mut Vec<u8>, address: [u8; 4]) {
    for (at, byte) in address.into_iter().enumerate() {
        if at > 0 {
            out.push(b'.');
        }
        write_integer(out, byte);
    }
}

/// Words in hexadecimal, the first of the longest runs of zeros left out; the last two as IPv4 where only they are set
/// or `ffff` stands before them.
fn write_ipv6(out: &mut Vec<u8>, address: [u8; 16]) {
    let mut words = [0_u16; 8];
    for (word, pair) in words.iter_mut().zip(address.as_chunks::<2>().0) {
        *word = u16::from_be_bytes(*pair);
    }
    let (run, len) = longest_zeros(&words);
    let in_run = |at: usize| len > 0 && (run..run + len).contains(&at);
    for (at, word) in words.iter().enumerate() {
        if in_run(at) {
            if at == run {
                out.push(b':');
            }
            continue;
        }
        if at > 0 {
            out.push(b':');
        }
        if at == 6 && run == 0 && (len == 6 || (len == 5 && words.get(5) == Some(&0xffff))) {
            let [.., a, b, c, d] = address;
            return write_ipv4(out, [a, b, c, d]);
        }
        write_hex_word(out, *word);
    }
    if len > 0 && run + len == words.len() {
        out.push(b':');
    }
}

/// Where the first of the longest runs of at least two zero words begins, and its length; 0 where there is none.
fn longest_zeros(words: &[u16; 8]) -> (usize, usize) {
    let (mut best, mut current) = ((0, 0), (0, 0));
    for (at, word) in words.iter().enumerate() {
        if *word != 0 {
            current = (at + 1, 0);
            continue;
        }
        current.1 += 1;
        if current.1 > best.1 {
            best = current;
        }
    }
    if best.1 < 2 { (0, 0) } else { best }
}

fn write_hex_word(out: &mut Vec<u8>, word: u16) {
    let [high, low] = word.to_be_bytes();
    let digits = [high >> 4, high & 0x0f, low >> 4, low & 0x0f];
    let zeros = digits.iter().take_while(|digit| **digit == 0).count().min(3);
    out.extend(digits.iter().skip(zeros).map(|digit| hex_digit(*digit)));
}

/// `macaddr_out`, `macaddr8_out`
pub(in crate::value) fn write_mac(out: &mut Vec<u8>, bytes: &[u8]) {
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 {
            out.push(b':');
        }
        out.extend([hex_digit(byte >> 4), hex_digit(byte & 0x0f)]);
    }
}

/// The digit of a value below 16, in lower case.
pub(in crate::value) const fn hex_digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' - 10 + value }
}

//! PostgreSQL's binary `numeric` as decimal text, with every digit it was stored with.

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xc000;
const INFINITY: u16 = 0xd000;
const MINUS_INFINITY: u16 = 0xf000;

/// The text; `None` where the bytes are no number.
///
/// The bytes are, as 16-bit words: how many digits of base 10,000 follow, the power of the first one, the
/// sign, how many decimal digits come after the point, and the digits.
pub(super) fn text(raw: &[u8]) -> Option<String> {
    let mut words = raw.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let count = usize::from(words.next()?);
    let weight = i32::from(words.next()?.cast_signed());
    let sign = words.next()?;
    let decimals = usize::from(words.next()?);
    let digits: Vec<u16> = words.collect();
    match sign {
        NAN => return Some("NaN".to_owned()),
        INFINITY => return Some("Infinity".to_owned()),
        MINUS_INFINITY => return Some("-Infinity".to_owned()),
        _ if digits.len() != count || digits.iter().any(|digit| *digit > 9_999) => return None,
        _ => {}
    }
    let digit_at =
        |power: i32| usize::try_from(weight - power).ok().and_then(|index| digits.get(index)).copied().unwrap_or(0);
    let mut whole: String = (0..=weight.max(0)).rev().map(|power| format!("{:04}", digit_at(power))).collect();
    let leading_zeros = whole.len() - 1 - whole[..whole.len() - 1].trim_start_matches('0').len();
    whole.drain(..leading_zeros);
    let mut text = String::new();
    if sign == NEGATIVE {
        text.push('-');
    }
    text.push_str(&whole);
    if decimals > 0 {
        let groups = i32::try_from(decimals.div_ceil(4)).ok()?;
        let fraction: String = (1..=groups).map(|power| format!("{:04}", digit_at(-power))).collect();
        text.push('.');
        text.push_str(&fraction[..decimals]);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::text;

    fn raw(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn every_digit_is_kept() {
        let minus = |power: i16| power.cast_unsigned();
        let cases: [(&[u16], &str); 9] = [
            (&[0, 0, 0, 0], "0"),
            (&[0, 0, 0, 3], "0.000"),
            (&[1, 0, 0, 0, 7], "7"),
            (&[2, 1, 0, 0, 1, 2], "10002"),
            (&[1, 1, 0, 0, 1], "10000"),
            (&[2, 0, 0x4000, 2, 12, 3400], "-12.34"),
            (&[1, minus(-1), 0, 6, 1], "0.000100"),
            (&[1, minus(-2), 0, 8, 1], "0.00000001"),
            (&[0, 0, 0xc000, 0], "NaN"),
        ];
        for (words, expected) in cases {
            assert_eq!(text(&raw(words)).as_deref(), Some(expected), "{words:?}");
        }
        for broken in [&[1][..], &[2, 0, 0, 0, 1], &[1, 0, 0, 0, 10_000]] {
            assert_eq!(text(&raw(broken)), None);
        }
    }
}

//! Money as integers. `Micros` is an amount, `Rate` a price finer than one micro.
//!
//! Invariants: no operation wraps, rounds in silence or passes through a float; a `Rate` rounds in
//! one function, which hands the remainder back to its caller.

use std::fmt;

/// Millionths of the asset (one USDC is 1,000,000 on its main chains). May be negative only where
/// a ledger entry needs a direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(i64);

/// Why an amount could not be read or computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("must be a decimal number such as \"0.05\"")]
    NotDecimal,
    #[error("must not have more than 6 digits after the point")]
    TooFine,
    #[error("must not be negative")]
    Negative,
    #[error("is larger than an amount can be")]
    Overflow,
}

impl Micros {
    pub const ZERO: Micros = Micros(0);
    pub const PER_UNIT: i64 = 1_000_000;

    pub const fn new(micros: i64) -> Self {
        Self(micros)
    }

    pub const fn get(self) -> i64 {
        self.0
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// # Errors
    /// `Overflow` where the sum leaves the range of `i64`.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_add(other.0).map(Self).ok_or(MoneyError::Overflow)
    }

    /// # Errors
    /// `Overflow` where the difference leaves the range of `i64`; a negative result is allowed.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_sub(other.0).map(Self).ok_or(MoneyError::Overflow)
    }

    /// # Errors
    /// `Overflow` where the product leaves the range of `i64`.
    pub fn checked_mul_count(self, count: i64) -> Result<Self, MoneyError> {
        self.0.checked_mul(count).map(Self).ok_or(MoneyError::Overflow)
    }

    /// The part of the amount that `basis_points` hundredths of a percent make, rounded down; what
    /// is rounded away stays with the other part, because callers compute that by subtraction.
    ///
    /// # Errors
    /// `Overflow` where the part does not fit.
    pub fn basis_points(self, basis_points: i64) -> Result<Self, MoneyError> {
        let part = i128::from(self.0) * i128::from(basis_points) / 10_000;
        i64::try_from(part).map(Self).map_err(|_| MoneyError::Overflow)
    }

    /// Reads a non-negative decimal amount such as `"0.05"` or `"12"`, strictly: no sign, exponent,
    /// space or separator.
    ///
    /// # Errors
    /// Says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        if text.starts_with('-') && text.len() > 1 {
            return Err(MoneyError::Negative);
        }
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) {
            return Err(MoneyError::NotDecimal);
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > 6 {
            return Err(MoneyError::TooFine);
        }
        let padded = format!("{fraction:0<6}");
        let whole: i64 = whole.parse().map_err(|_| MoneyError::Overflow)?;
        let part: i64 = padded.parse().map_err(|_| MoneyError::NotDecimal)?;
        whole.checked_mul(Self::PER_UNIT).and_then(|w| w.checked_add(part)).map(Self).ok_or(MoneyError::Overflow)
    }

    /// Decimal text with exactly six digits after the point, as the SQL gateway's door shows amounts.
    pub fn to_fixed6(self) -> String {
        self.with_fixed6(str::to_owned)
    }

    /// Writes the digits from the last to the first, as every reply to a call shows an amount.
    fn with_fixed6<T>(self, read: impl FnOnce(&str) -> T) -> T {
        // A sign, 13 digits, the point and six digits.
        let mut bytes = [b'0'; 21];
        let (mut rest, mut at) = (self.0.unsigned_abs(), bytes.len());
        let mut write = |byte: u8| {
            at -= 1;
            bytes[at] = byte;
        };
        let mut digits = 0;
        while digits <= 6 || rest > 0 {
            if digits == 6 {
                write(b'.');
            }
            write(b"0123456789"[usize::try_from(rest % 10).unwrap_or(0)]);
            rest /= 10;
            digits += 1;
        }
        if self.0 < 0 {
            write(b'-');
        }
        read(std::str::from_utf8(&bytes[at..]).unwrap_or_default())
    }

    /// Decimal text with at least two digits after the point: `"0.05"`, `"1.00"`, `"0.000125"`.
    pub fn to_cents_text(self) -> String {
        let fixed = self.to_fixed6();
        let keep = fixed.trim_end_matches('0').len().max(fixed.len() - 4);
        fixed[..keep].to_owned()
    }
}

/// The shortest exact decimal text: `"0"`, `"0.05"`, `"12"`.
impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_fixed6(|fixed| f.write_str(fixed.trim_end_matches('0').trim_end_matches('.')))
    }
}

/// A price in billionths of the asset for one unit (a row, a byte, a token).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(i64);

impl Rate {
    pub const fn from_nanos(nanos_per_unit: i64) -> Self {
        Self(nanos_per_unit)
    }

    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whole micros for `units`, and the nanos left over, to be carried to the next reading.
    ///
    /// # Errors
    /// `Overflow` where the amount does not fit.
    pub fn cost(self, units: i64, carried_nanos: i64) -> Result<(Micros, i64), MoneyError> {
        let nanos = i128::from(self.0) * i128::from(units) + i128::from(carried_nanos);
        let micros = i64::try_from(nanos.div_euclid(1_000)).map_err(|_| MoneyError::Overflow)?;
        let rest = i64::try_from(nanos.rem_euclid(1_000)).map_err(|_| MoneyError::Overflow)?;
        Ok((Micros(micros), rest))
    }

    /// Micros for a single charge of `units` with nothing to carry over: the last fraction of a
    /// micro is charged whole, so that a seller never serves for less than the price.
    ///
    /// # Errors
    /// `Overflow` where the amount does not fit.
    pub fn cost_rounded_up(self, units: i64) -> Result<Micros, MoneyError> {
        let (whole, rest) = self.cost(units, 0)?;
        if rest == 0 { Ok(whole) } else { whole.checked_add(Micros(1)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parse_takes_plain_decimals_and_names_the_broken_rule_otherwise() {
        assert_eq!(Micros::parse("0.05"), Ok(Micros(50_000)));
        assert_eq!(Micros::parse("12"), Ok(Micros(12_000_000)));
        assert_eq!(Micros::parse("0.1000000000"), Ok(Micros(100_000)));
        for text in ["", ".", "1.", ".5", "1e3", "NaN", " 1", "+1", "1,000", "0x1", "-"] {
            assert_eq!(Micros::parse(text), Err(MoneyError::NotDecimal), "{text:?}");
        }
        assert_eq!(Micros::parse("-1"), Err(MoneyError::Negative));
        assert_eq!(Micros::parse("0.0000001"), Err(MoneyError::TooFine));
        assert_eq!(Micros::parse("9223372036854.775808"), Err(MoneyError::Overflow));
        assert_eq!(Micros::parse("99999999999999999999"), Err(MoneyError::Overflow));
    }

    #[test]
    fn texts_are_exact() {
        assert_eq!(Micros(50_000).to_string(), "0.05");
        assert_eq!(Micros(0).to_string(), "0");
        assert_eq!(Micros(-1_500_000).to_string(), "-1.5");
        assert_eq!(Micros(100_000).to_cents_text(), "0.10");
        assert_eq!(Micros(125).to_cents_text(), "0.000125");
        assert_eq!(Micros(7_000_000).to_fixed6(), "7.000000");
        assert_eq!(Micros(i64::MIN).to_fixed6(), "-9223372036854.775808");
    }

    proptest! {
        #[test]
        fn text_and_back_is_the_same_amount(n in 0..=i64::MAX) {
            prop_assert_eq!(Micros::parse(&Micros(n).to_string()), Ok(Micros(n)));
            prop_assert_eq!(Micros::parse(&Micros(n).to_fixed6()), Ok(Micros(n)));
            prop_assert_eq!(Micros::parse(&Micros(n).to_cents_text()), Ok(Micros(n)));
        }

        #[test]
        fn a_meter_loses_nothing(rate in 0i64..1_000_000_000, readings in prop::collection::vec(0i64..1_000_000, 0..50)) {
            let (mut posted, mut rest) = (0i128, 0i64);
            for units in &readings {
                let (micros, left) = Rate(rate).cost(*units, rest).unwrap();
                posted += i128::from(micros.get());
                rest = left;
            }
            let exact: i128 = readings.iter().map(|u| i128::from(*u) * i128::from(rate)).sum();
            prop_assert_eq!(posted * 1_000 + i128::from(rest), exact);
        }

        #[test]
        fn a_fee_and_the_rest_make_the_whole(amount in 0..=i64::MAX, bp in 0i64..=10_000) {
            let fee = Micros(amount).basis_points(bp).unwrap();
            prop_assert!(fee.get() >= 0 && fee.get() <= amount);
        }
    }
}

//! Amounts of a network's own coin as decimal text, exact to the wei.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount in wei, written as a decimal number of units of `10^DIGITS` wei.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal<const DIGITS: u32> {
    wei: u128,
}

/// Whole coins: ETH, POL, AVAX.
pub type Coins = Decimal<18>;
/// Billionths of a coin, in which prices of gas are given.
pub type Gwei = Decimal<9>;

impl<const DIGITS: u32> Decimal<DIGITS> {
    pub const fn wei(self) -> u128 {
        self.wei
    }

    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("must be a decimal number such as \"0.002\", not {text:?}");
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole) || !is_digits(fraction) {
            return Err(wrong());
        }
        let fraction = fraction.trim_end_matches('0');
        let missing = u32::try_from(fraction.len()).ok().and_then(|digits| DIGITS.checked_sub(digits));
        let Some(missing) = missing else {
            return Err(format!("must not have more than {DIGITS} digits after the point"));
        };
        let large = || "is larger than an amount can be".to_owned();
        let whole: u128 = whole.parse().map_err(|_| large())?;
        let part: u128 = if fraction.is_empty() { 0 } else { fraction.parse().map_err(|_| wrong())? };
        let part = part.checked_mul(10_u128.pow(missing)).ok_or_else(large)?;
        let wei = whole.checked_mul(10_u128.pow(DIGITS)).and_then(|wei| wei.checked_add(part)).ok_or_else(large)?;
        Ok(Self { wei })
    }

    fn text(self) -> String {
        let unit = 10_u128.pow(DIGITS);
        let (whole, part) = (self.wei / unit, self.wei % unit);
        let width = usize::try_from(DIGITS).unwrap_or_default();
        let text = format!("{whole}.{part:0width$}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

impl<'de, const DIGITS: u32> Deserialize<'de> for Decimal<DIGITS> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl<const DIGITS: u32> Serialize for Decimal<DIGITS> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_coins_are_exact_and_read_back() {
        for (text, wei) in [("0.002", 2_000_000_000_000_000), ("1", 10_u128.pow(18)), ("0.000000000000000001", 1)] {
            let coins = Coins::parse(text).unwrap();
            assert_eq!((coins.wei(), coins.text().as_str()), (wei, text));
        }
        assert_eq!(Gwei::parse("0.5").unwrap().wei(), 500_000_000);
        assert_eq!(Coins::parse("1.50").unwrap().text(), "1.5");
        for bad in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1_000", " 1", "0.0000000000000000001"] {
            assert!(Coins::parse(bad).unwrap_err().starts_with("must "), "{bad}");
        }
        assert!(Coins::parse(&"9".repeat(39)).is_err() && Coins::parse(&"9".repeat(60)).is_err());
        assert!(Coins::parse(&format!("1.{}", "1".repeat(5_000_000))).is_err());
    }
}

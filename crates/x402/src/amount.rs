//! Amounts of tokens and amounts of money, converted exactly.
//!
//! A chain counts in the smallest unit of a token, of which one token has `10^decimals`; the ledger counts in `Micros`.
//! Invariant: nothing is rounded. What has no exact counterpart is refused.

use alloy_primitives::U256;
use farebox_base::Micros;

/// How many digits a token has after its point. At most 36, which no token in use comes near.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimals(u8);

/// Why two amounts have no exact counterpart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("is finer than a millionth of the token")]
    Dust,
    #[error("is finer than the smallest unit of the token")]
    TooFine,
    #[error("is larger than an amount can be")]
    Overflow,
    #[error("must not be negative")]
    Negative,
}

impl Decimals {
    const MICRO: u8 = 6;
    const MAX: u8 = 36;

    /// `None` for more digits than 36.
    pub const fn new(digits: u8) -> Option<Self> {
        if digits <= Self::MAX { Some(Self(digits)) } else { None }
    }

    /// The six of USDC, with which a unit is a micro.
    pub const SIX: Self = Self(Self::MICRO);

    pub const fn get(self) -> u8 {
        self.0
    }

    /// # Errors
    /// `Dust` below a micro, `Overflow` beyond what `Micros` holds.
    pub fn to_micros(self, units: U256) -> Result<Micros, AmountError> {
        let micros = match self.0.checked_sub(Self::MICRO) {
            Some(finer) => {
                let (micros, dust) = units.div_rem(power_of_ten(finer));
                if !dust.is_zero() {
                    return Err(AmountError::Dust);
                }
                micros
            }
            None => units.checked_mul(power_of_ten(Self::MICRO - self.0)).ok_or(AmountError::Overflow)?,
        };
        i64::try_from(micros).map(Micros::new).map_err(|_| AmountError::Overflow)
    }

    /// As many whole micros as there are in it: for amounts that others have chosen, where the rest stays theirs.
    ///
    /// # Errors
    /// `Overflow` beyond what `Micros` holds.
    pub fn whole_micros(self, units: U256) -> Result<Micros, AmountError> {
        match self.0.checked_sub(Self::MICRO) {
            Some(finer) => self.to_micros(units - units % power_of_ten(finer)),
            None => self.to_micros(units),
        }
    }

    /// # Errors
    /// `Negative`, and `TooFine` where the token has fewer digits than the amount needs.
    pub fn to_units(self, amount: Micros) -> Result<U256, AmountError> {
        let micros = u64::try_from(amount.get()).map(U256::from).map_err(|_| AmountError::Negative)?;
        match self.0.checked_sub(Self::MICRO) {
            Some(finer) => micros.checked_mul(power_of_ten(finer)).ok_or(AmountError::Overflow),
            None => {
                let (units, rest) = micros.div_rem(power_of_ten(Self::MICRO - self.0));
                if rest.is_zero() { Ok(units) } else { Err(AmountError::TooFine) }
            }
        }
    }
}

fn power_of_ten(exponent: u8) -> U256 {
    U256::from(10).pow(U256::from(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimals(digits: u8) -> Decimals {
        Decimals::new(digits).unwrap()
    }

    #[test]
    fn six_decimals_are_one_to_one() {
        assert_eq!(Decimals::SIX.to_micros(U256::from(10_000)), Ok(Micros::new(10_000)));
        assert_eq!(Decimals::SIX.to_units(Micros::new(i64::MAX)), Ok(U256::from(i64::MAX)));
    }

    #[test]
    fn dust_overflow_and_too_fine_are_refused() {
        let wei = U256::from(1_000_000_000_000_u64);
        assert_eq!(decimals(18).to_micros(wei), Ok(Micros::new(1)));
        assert_eq!(decimals(18).to_micros(wei + U256::from(1)), Err(AmountError::Dust));
        assert_eq!(decimals(18).whole_micros(wei + wei - U256::from(1)), Ok(Micros::new(1)));
        assert_eq!(decimals(2).whole_micros(U256::from(3)), Ok(Micros::new(30_000)));
        assert_eq!(Decimals::SIX.to_micros(U256::from(i64::MAX) + U256::from(1)), Err(AmountError::Overflow));
        assert_eq!(decimals(0).to_micros(U256::MAX), Err(AmountError::Overflow));
        assert_eq!(decimals(2).to_units(Micros::new(15_000)), Err(AmountError::TooFine));
        assert_eq!(decimals(2).to_units(Micros::new(20_000)), Ok(U256::from(2)));
        assert_eq!(Decimals::SIX.to_units(Micros::new(-1)), Err(AmountError::Negative));
        assert_eq!(Decimals::new(37), None);
    }

    proptest! {
        #[test]
        fn to_units_and_back_is_the_same_amount(micros in 0..=i64::MAX, digits in 0_u8..=36) {
            let decimals = decimals(digits);
            if let Ok(units) = decimals.to_units(Micros::new(micros)) {
                prop_assert_eq!(decimals.to_micros(units), Ok(Micros::new(micros)));
            }
        }
    }
}

//! What a seller's reply tells the gateway, and nobody else, about the charge for its call.
//!
//! The header itself never passes to the buyer; what it said travels with the reply as one of its extensions. Only the
//! head of a reply is looked at, never its trailers.

use ::http::HeaderMap;
use farebox_base::Micros;

/// The header, in small letters.
const NAME: &str = "x-farebox-charge";
/// No amount is longer.
const BYTES_MAX: usize = 40;

/// A charge that a reply tells: decimal text in USDC, such as `0.0123`. An extension of the reply where the header was
/// there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToldCharge(Option<Micros>);

impl ToldCharge {
    /// `None` where the header holds no amount, or was there more than once.
    pub const fn amount(self) -> Option<Micros> {
        self.0
    }

    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(NAME).iter();
        let first = values.next()?;
        let text = first.to_str().ok().map(str::trim).filter(|text| text.len() <= BYTES_MAX);
        let amount = text.and_then(|text| Micros::parse(text).ok()).filter(|amount| *amount >= Micros::ZERO);
        Some(Self(amount.filter(|_| values.next().is_none())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(values: &[&str]) -> Option<ToldCharge> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(NAME, value.parse().unwrap());
        }
        ToldCharge::read(&headers)
    }

    #[test]
    fn a_charge_is_read_exactly_or_not_at_all() {
        assert_eq!(told(&[]), None);
        for (text, micros) in [("0.0123", 12_300), ("0", 0), (" 1 ", 1_000_000), ("0.000001", 1)] {
            assert_eq!(told(&[text]), Some(ToldCharge(Some(Micros::new(micros)))), "{text:?}");
        }
        let long = "0".repeat(41);
        for bad in ["", "-1", "1e-3", "0.0000001", "NaN", "1 USDC", "0x1", "99999999999999999999", &long] {
            assert_eq!(told(&[bad]), Some(ToldCharge(None)), "{bad:?}");
        }
        assert_eq!(told(&["1", "1"]), Some(ToldCharge(None)));
    }
}

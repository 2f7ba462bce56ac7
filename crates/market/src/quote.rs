//! What a call will cost at most, from a loaded listing alone.

use crate::{Listing, Method};
use farebox_base::Micros;

/// The price of a call: that of its endpoint, else of its method, else the listing's. Allocates nothing.
///
/// `path` is the path below the listing's base.
pub fn quote(listing: &Listing, method: &str, path: &str) -> Micros {
    let prices = &listing.prices;
    Method::parse(method)
        .and_then(|method| listing.endpoint_prices.find(method, path).or(prices.per_method.of(method)))
        .unwrap_or(prices.per_call)
}

/// The price of an answer of `rows` rows: price per 1000 rows, times rows, times markup, the last fraction of a micro
/// charged whole, and at least the least charge. A database without a price for rows costs its price per call. An
/// amount that does not fit is the largest there is, which nobody can pay.
pub fn quote_rows(listing: &Listing, rows: u64) -> Micros {
    let prices = &listing.prices;
    let Some(per_1000_rows) = prices.per_1000_rows else {
        return prices.per_call.max(prices.min_charge);
    };
    let exact = i128::from(per_1000_rows.get())
        .checked_mul(i128::from(rows))
        .and_then(|price| price.checked_mul(i128::from(prices.markup_hundredths)));
    let micros = exact.map_or(i64::MAX, |price| {
        let rounded_up = (price + (1_000 * 100 - 1)).div_euclid(1_000 * 100);
        i64::try_from(rounded_up).unwrap_or(i64::MAX)
    });
    Micros::new(micros).max(prices.min_charge)
}

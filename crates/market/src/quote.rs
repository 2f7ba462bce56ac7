//! What a call will cost at most, from a loaded listing alone.

use crate::{Listing, Method};
use farebox_base::Micros;

/// Escapes that servers take differently: slash, backslash, semicolon, percent, blank, dot.
const AMBIGUOUS: [&[u8; 3]; 6] = [b"%2f", b"%5c", b"%3b", b"%25", b"%20", b"%2e"];

/// The price of a call, the most of it where its reply tells: that of its endpoint, else of its method, else the
/// listing's. A path whose endpoint is in doubt costs as much as the dearest that it could be. Allocates nothing.
///
/// `path` is the path below the listing's base.
pub fn quote(listing: &Listing, method: &str, path: &str) -> Micros {
    let prices = &listing.prices;
    let others = prices.reserve_max.unwrap_or(prices.per_call);
    let Some(method) = Method::parse(method) else { return others };
    let usual = prices.per_method.of(method).unwrap_or(others);
    if is_ambiguous(path) {
        return listing.endpoint_prices.dearest(method).map_or(usual, |dearest| dearest.max(usual));
    }
    of_endpoint(listing, method, path).unwrap_or(usual)
}

/// What a call costs whose reply could tell and does not, at most its quote. `None`: its price is fixed, as every price
/// of an endpoint or method is.
pub fn untold_charge(listing: &Listing, method: &str, path: &str) -> Option<Micros> {
    let prices = &listing.prices;
    let untold = prices.reserve_max.map(|most| prices.untold().min(most))?;
    let Some(method) = Method::parse(method) else { return Some(untold) };
    let own = match () {
        () if is_ambiguous(path) => listing.endpoint_prices.dearest(method),
        () => of_endpoint(listing, method, path),
    };
    own.or(prices.per_method.of(method)).is_none().then_some(untold)
}

fn of_endpoint(listing: &Listing, method: Method, path: &str) -> Option<Micros> {
    let exact = listing.endpoint_prices.find(method, path);
    exact.max(listing.endpoint_prices.find_in_any_case(method, path))
}

/// Whether servers differ in which endpoint a path means: some take an escaped slash for a slash, some cut a segment
/// at `;`, some decode twice, some drop dots and blanks at the end of a segment.
fn is_ambiguous(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default().as_bytes();
    let is_odd = |triple: &[u8]| AMBIGUOUS.iter().any(|odd| triple.eq_ignore_ascii_case(*odd));
    let ends_oddly = |segment: &[u8]| segment.len() > 1 && segment.ends_with(b".");
    path.iter().any(|byte| matches!(byte, b'\\' | b';'))
        || path.windows(3).any(is_odd)
        || path.split(|byte| *byte == b'/').any(ends_oddly)
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

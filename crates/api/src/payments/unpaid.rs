//! What a request is told that came without money of any kind: how to pay, and where nothing can be signed, why.

use super::Asked;
use farebox_base::{Error, Kind, Micros};
use farebox_x402::offer::{Offer, Scheme};

/// The code of a request for something that has to be paid for.
const UNPAID: &str = "payment_required";

/// The error of a call that nobody pays for.
pub(crate) fn unpaid() -> Error {
    let message = "Pay for this call: sign one of the offers in the PAYMENT-REQUIRED header (x402 version 2) or in \
                   `accepts` (version 1) and send the request again with the payment, or use the key of an account with \
                   a balance";
    Error::new(Kind::PaymentRequired, UNPAID, message)
}

/// The error of a deposit that came without its payment; `places` says where the offers are.
pub(crate) fn unsigned_deposit(places: &str) -> Error {
    let message = format!(
        "Sign this deposit: take one of the offers in {places} and send the same request again with the payment. Only a \
         signature brings money in; a balance or a voucher does not"
    );
    Error::new(Kind::PaymentRequired, "deposit_unsigned", message)
}

/// Why clients of version 1 find nothing to sign; `None` where they do.
pub(super) fn nothing_for_v1(asked: &Asked, least: Micros) -> Option<String> {
    let offers = &asked.offers.offers;
    if offers.iter().any(Offer::is_for_v1) {
        return None;
    }
    let price = offers.iter().find_map(|offer| offer.micros().ok()).filter(|price| *price < least);
    Some(match price {
        Some(price) => format!(
            "`accepts` (version 1) is empty: the price of {price} USDC is below the least amount of a transaction, \
             {least} USDC, and version 1 knows no vouchers"
        ),
        None => "`accepts` (version 1) is empty: version 1 has no words for these offers".to_owned(),
    })
}

/// The error in other words where version 1 has nothing to sign; any but [`unpaid`] as it was.
pub(super) fn without_v1(error: &Error, asked: &Asked, why: &str) -> Error {
    if error.code != UNPAID {
        return error.clone();
    }
    let vouchers_only = asked.offers.offers.iter().all(|offer| offer.scheme() == Scheme::BatchSettlement);
    let how = if vouchers_only { "by voucher: take a `batch-settlement` offer" } else { "with one of the offers" };
    let message = format!(
        "Pay for this call {how} in the PAYMENT-REQUIRED header (x402 version 2), or use the key of an account with a \
         balance. {why}"
    );
    Error { message, ..error.clone() }
}

/// The error of who brings no key to what can't be signed for, with the reason where it is the price.
pub(crate) fn unsignable(error: Error, price: Micros, least: Micros) -> Error {
    if price.is_zero() || price >= least {
        return error;
    }
    let message = format!(
        "{}. No payment can be signed for this call: its price of {price} USDC is below the least amount of a \
         transaction, {least} USDC",
        error.message
    );
    Error { message, ..error }
}

//! What `farebox pay` says on standard error.

use crate::pay::{Answer, Bill, PayError, Request};
use alloy_primitives::Address;
use farebox_x402::client::{ClientError, SignedHeader};
use farebox_x402::evm::address::checksummed;
use farebox_x402::wire::names;
use http::HeaderMap;
use std::fmt::Write as _;
use std::io::Write as _;

/// The longest text of a server that is shown.
const SHOWN_MAX: usize = 600;
/// How much of a payment is shown: enough to tell that it is one.
const PAYMENT_SHOWN: usize = 12;

pub(super) fn tell(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// What is asked for.
pub(super) fn bill(bill: &Bill) -> String {
    let offer = bill.offer();
    format!(
        "asks for {} {} on {} ({}), to {}",
        bill.amount(),
        offer.token().symbol(),
        offer.network().name(),
        offer.network().caip2(),
        checksummed(offer.pay_to)
    )
}

/// What the server says became of the payment.
pub(super) fn receipt(bill: &Bill, answer: &Answer, payer: Address) -> String {
    let symbol = bill.offer().token().symbol();
    let Some(receipt) = answer.receipt() else {
        return "no receipt came: the server does not say whether it took the payment".to_owned();
    };
    if !receipt.success {
        let reason = receipt.error_reason.unwrap_or_default();
        return format!("the receipt says that nothing was taken: {}", plain(&reason));
    }
    let taken = receipt.amount.and_then(|units| bill.offer().token().decimals().to_micros(units.0).ok());
    let transaction = if receipt.transaction.is_empty() { "none yet" } else { &receipt.transaction };
    format!(
        "paid {} {symbol}\n  network      {}\n  transaction  {}\n  payer        {}",
        taken.unwrap_or(bill.amount()),
        plain(&receipt.network),
        plain(transaction),
        plain(&receipt.payer.unwrap_or_else(|| checksummed(payer)))
    )
}

pub(super) fn sent(request: &Request) -> String {
    format!("> {} {}{}", request.method, request.url, lines(&request.headers, '>'))
}

pub(super) fn payment(payment: &SignedHeader) -> String {
    format!("> {}: {}", payment.name, no_payment(&payment.value))
}

/// The beginning of a payment: whoever finds one in a log could spend it as long as it is good.
fn no_payment(value: &str) -> String {
    let start: String = value.chars().take(PAYMENT_SHOWN).collect();
    format!("{}… ({} bytes)", plain(&start), value.len())
}

pub(super) fn received(answer: &Answer) -> String {
    format!("< {}{}", answer.status, lines(&answer.headers, '<'))
}

/// An answer that is none of those that a request is made for.
pub(super) fn not_served(answer: &Answer) -> String {
    match answer.header("location") {
        Some(place) if answer.status.is_redirection() => {
            format!("farebox: the server answered {} and redirects to {}", answer.status, plain(place))
        }
        _ => format!("farebox: the server answered {}", answer.status),
    }
}

pub(super) fn error(error: &PayError) -> String {
    match error {
        PayError::NotSigned { error: ClientError::TooMuch { .. }, .. } => {
            format!("nothing was paid: {error}; --max-amount raises it")
        }
        PayError::NotSigned { answer: Some(answer), .. } if !answer.body.is_empty() => {
            format!("nothing was paid: {error}. The server says: {}", plain(&String::from_utf8_lossy(&answer.body)))
        }
        PayError::NotSigned { .. } => format!("nothing was paid: {error}"),
        PayError::Refused { reason, .. } => format!("the server did not take the payment: {}", plain(reason)),
        PayError::Net(error) => error.to_string(),
        PayError::Unknown { why, payment } => format!(
            "whether the payment was taken is not known: {}\nDo not pay again before you know. The same payment may be \
             sent again, with the same request and:\n  --header '{}: {}'",
            plain(why),
            payment.name,
            payment.value
        ),
    }
}

fn lines(headers: &HeaderMap, mark: char) -> String {
    let mut text = String::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let is_payment =
            [names::PAYMENT_SIGNATURE, names::X_PAYMENT].iter().any(|own| name.as_str().eq_ignore_ascii_case(own));
        let _ = write!(text, "\n{mark} {name}: {}", if is_payment { no_payment(&value) } else { plain(&value) });
    }
    text
}

/// A stranger's text on one line, without what a terminal would obey.
fn plain(text: &str) -> String {
    let short: String = text.chars().take(SHOWN_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN_MAX).is_some() { format!("{short}…") } else { short }
}

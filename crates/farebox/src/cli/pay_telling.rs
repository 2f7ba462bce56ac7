//! What `farebox pay` says on standard error.

use crate::pay::{Answer, Bill, PayError, Request};
use farebox_base::Timestamp;
use farebox_x402::client::{ClientError, SignedHeader};
use farebox_x402::evm::address::checksummed;
use farebox_x402::offer::Flow;
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

/// What the server says became of the payment, and what of that is sure.
pub(super) fn receipt(bill: &Bill, answer: &Answer, payment: &SignedHeader) -> String {
    let until = good_until(payment.payment.ends_s());
    let Some(receipt) = answer.receipt() else {
        return format!("no receipt came: the server does not say whether it took the payment. {until}");
    };
    if receipt.is_pending() {
        return format!("under way: the payment was sent and may still be taken. {until}");
    }
    if !receipt.success {
        let reason = receipt.error_reason.unwrap_or_default();
        return format!("the receipt says that nothing was taken: {}. {until}", plain(&reason));
    }
    let offer = bill.offer();
    let transaction = if receipt.transaction.is_empty() { "none yet" } else { &receipt.transaction };
    let mut text = format!(
        "paid {} {}\n  network      {}\n  transaction  {}\n  payer        {}",
        bill.amount(),
        offer.token().symbol(),
        offer.network().caip2(),
        plain(transaction),
        checksummed(payment.payment.payer())
    );
    // What is signed exactly is taken whole or not at all, whatever a receipt says.
    if let Some(other) = receipt.amount.filter(|amount| amount.0 != offer.amount) {
        let units = plain(&other.to_string());
        let _ =
            write!(text, "\n  the receipt says {units} of the token's smallest unit, but all that was signed is taken");
    }
    if !answer.status.is_success() && offer.flow == Flow::Upfront {
        let _ = write!(text, "\n{}", balance(payment));
    }
    text
}

/// Of a payment that the caller has brought.
pub(super) fn of_own_payment(answer: &Answer) -> String {
    match answer.receipt() {
        None => "no receipt came: the server does not say whether it took the payment".to_owned(),
        Some(receipt) if receipt.success => {
            format!("the receipt says that it was paid: {}", plain(&receipt.transaction))
        }
        Some(receipt) if receipt.is_pending() => {
            "under way: the payment was sent and may still be taken; the same payment can be sent again".to_owned()
        }
        Some(receipt) => {
            format!("the receipt says that nothing was taken: {}", plain(&receipt.error_reason.unwrap_or_default()))
        }
    }
}

/// What was paid before the work of a seller who failed.
fn balance(payment: &SignedHeader) -> String {
    format!(
        "It was paid before the work, and the seller has failed: at a Farebox server it is now a balance of {} for \
         calls of this seller. To spend it, send the request without a payment; the 402 has a challenge in \
         extensions[\"sign-in-with-x\"]. Signed with the wallet's key it goes into the header SIGN-IN-WITH-X of the same \
         request, and nothing more is paid",
        checksummed(payment.payment.payer())
    )
}

/// As long as a payment is good, whoever has it may take it.
fn good_until(ends_s: Option<i64>) -> String {
    let Some(ends_s) = ends_s else { return "Do not pay again before you know".to_owned() };
    let text = Timestamp::from_micros(ends_s.saturating_mul(1_000_000)).rfc3339();
    let text: String = text.chars().take("2026-01-01T00:00:00".len()).collect();
    format!("What was signed is good until {text}Z and can be taken until then")
}

/// How the same payment is sent once more.
fn again(payment: &SignedHeader) -> String {
    format!(
        "Do not pay again before you know. The same payment can be sent again, with the same request and:\n  \
         --header '{}: {}'",
        payment.name, payment.value
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
        PayError::NotSigned { error: ClientError::Unreadable(_), answer: Some(answer) } if !answer.body.is_empty() => {
            format!("nothing was paid: {error}. The server says: {}", plain(&String::from_utf8_lossy(&answer.body)))
        }
        PayError::NotSigned { .. } => format!("nothing was paid: {}", plain(&error.to_string())),
        PayError::Refused { reason, until_s, .. } => {
            format!("the server did not take the payment: {}. {}", plain(reason), good_until(*until_s))
        }
        PayError::Net(_) => error.to_string(),
        PayError::UnderWay { payment } => {
            let until = good_until(payment.payment.ends_s());
            format!("under way: the payment was sent and may still be taken. {until}.\n{}", again(payment))
        }
        PayError::Unknown { why, payment } => {
            let until = good_until(payment.payment.ends_s());
            format!("whether the payment was taken is not known: {}. {until}.\n{}", plain(why), again(payment))
        }
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
    let short: String = text.chars().take(SHOWN_MAX).map(|c| if is_obeyed(c) { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN_MAX).is_some() { format!("{short}…") } else { short }
}

/// Control characters, and those that turn or hide the text beside them.
fn is_obeyed(c: char) -> bool {
    let hides = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    c.is_control() || hides
}

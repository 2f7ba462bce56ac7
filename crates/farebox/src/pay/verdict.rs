//! What an answer to a payment, or the want of one, means.

use super::{Answer, PayError};
use farebox_net::{NetError, NetErrorKind};
use farebox_x402::client::SignedHeader;
use http::StatusCode;

pub(super) enum Verdict {
    Answer(Answer),
    Refused(PayError),
    /// Not over: the same payment again in a moment.
    Later(Later),
    Unknown(String),
}

/// Why a payment that may have arrived has led to no answer yet.
#[derive(Debug, Clone)]
pub(super) enum Later {
    /// The server says that the payment may still be taken.
    Pending,
    Lost(String),
}

impl Later {
    /// The end of it, where the server has been asked often enough.
    pub(super) fn given_up(self, payment: &SignedHeader) -> PayError {
        match self {
            Self::Pending => PayError::UnderWay { payment: Box::new(payment.clone()) },
            Self::Lost(why) => unknown(why, payment),
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Pending => "the settlement was pending",
            Self::Lost(why) => why,
        }
    }
}

/// `earlier` says why an earlier try had no answer.
pub(super) fn judge(answer: Answer, payment: &SignedHeader, earlier: Option<&Later>) -> Verdict {
    // What is served is over, also where it is settled after the answer.
    let is_pending = answer.receipt().is_some_and(|receipt| receipt.is_pending());
    if is_pending && !answer.status.is_success() {
        return Verdict::Later(Later::Pending);
    }
    let is_refusal = matches!(answer.status, StatusCode::PAYMENT_REQUIRED | StatusCode::PRECONDITION_FAILED);
    match earlier {
        Some(_) if answer.status == StatusCode::CONFLICT => {
            Verdict::Later(Later::Lost("the first try is still under way".to_owned()))
        }
        Some(why) if is_refusal => {
            Verdict::Unknown(format!("an earlier try had no answer ({}), and now: {}", why.text(), answer.complaint()))
        }
        None if is_refusal => {
            let (reason, until_s) = (answer.complaint(), payment.payment.ends_s());
            Verdict::Refused(PayError::Refused { reason, answer: Box::new(answer), until_s })
        }
        _ => Verdict::Answer(answer),
    }
}

/// Whether no byte of the request can have reached the server.
pub(super) fn never_left(error: &NetError) -> bool {
    use NetErrorKind as Kind;
    matches!(error.kind, Kind::Blocked | Kind::Dns | Kind::Connect | Kind::ConnectTimeout | Kind::Tls)
}

pub(super) fn unknown(why: String, payment: &SignedHeader) -> PayError {
    PayError::Unknown { why, payment: Box::new(payment.clone()) }
}

/// A failure of the way, for people.
pub(super) fn said(error: &NetError) -> String {
    use NetErrorKind as Kind;
    let what = match error.kind {
        Kind::Blocked => "the request can't be sent",
        Kind::Dns => "the server's name has no address",
        Kind::Connect => "the server can't be reached",
        Kind::ConnectTimeout => "the server can't be reached in time",
        Kind::Tls => "there is no secure connection to the server",
        Kind::Protocol => "the server does not speak HTTP as it should",
        Kind::RequestBody => "the request could not be sent to its end",
        Kind::Closed => "the server left without an answer",
        Kind::Timeout => "the server did not answer in time",
        Kind::ResponseTooLarge => "the answer is too long",
    };
    format!("{what}: {}", error.detail)
}

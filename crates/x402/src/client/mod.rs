//! The payer's side: from a 402 to the header that pays it.
//!
//! Owns which offer is taken and what is signed. Sends nothing itself. Invariants: never signs for more than the limit
//! that it was given, nor for a token that it does not know; one challenge is one signature.

mod channel;
mod choose;
mod sign;

pub use channel::{ChannelBook, DepositChoice};
pub use choose::{Choice, Preferences, Required};
pub use sign::{SignedHeader, read_receipt};

use farebox_base::Micros;

use crate::Refusal;

/// Why nothing was signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    #[error("the server answered {0}, which asks for no payment")]
    NotPaymentRequired(u16),
    #[error("the challenge can't be read: {0}")]
    Unreadable(String),
    #[error("none of the offers can be paid: {0}")]
    NoOffer(String),
    #[error("the offer is of a scheme, network or token that is not wanted")]
    NotWanted,
    #[error("the payment would be {asked}, the limit is {limit}")]
    TooMuch { asked: Micros, limit: Micros },
    #[error("this offer needs a channel; sign a voucher or a deposit for it")]
    NeedsChannel,
    #[error("this offer is of another scheme")]
    OtherScheme,
    #[error("the voucher would be beyond what the channel holds; make a deposit")]
    ChannelTooSmall,
    #[error(transparent)]
    Refused(#[from] Refusal),
}

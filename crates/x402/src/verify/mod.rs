//! Whether a payment is what an offer asks for, as far as can be told without a chain.
//!
//! Owns the rules of the schemes: recipient, amount, times, spender, witness, channel, signature. What only a chain
//! knows is left to others: balance, spent nonces, allowances, smart wallets.
//! Invariant: nothing is `Verified` whose signature was not recovered to the payer here, unless it came by
//! `verify_terms`, which says so in its name.

mod channel;
mod exact;
mod hold;
mod nonce;
mod permit2;
mod time;

use std::time::Duration;

use alloy_primitives::{Address, U256};
use farebox_base::Timestamp;

pub use channel::{ChannelState, check_voucher_continues, verify_next_voucher};
pub use hold::Hold;
pub(crate) use hold::Holders;
pub use nonce::NonceKey;

use crate::evm::{ChannelId, Digest, Signature};
use crate::network::Method;
use crate::offer::{Offer, Terms};
use crate::payment::Payment;
use crate::{Reason, Refusal};

/// How long a signature has to be good, and may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// It must not end sooner than this from now; published facilitators use 6 s.
    pub least_left: Duration,
    /// Nor later than this beyond the offer's own time: nonces are remembered that long.
    pub longest_beyond: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { least_left: Duration::from_secs(6), longest_beyond: Duration::from_secs(24 * 3600) }
    }
}

/// A payment that an offer takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    pub payer: Address,
    /// What may be taken at most, in the token's smallest unit: the offer's amount.
    pub amount: U256,
    pub kind: Kind,
    /// The same for whatever spends the same authorization.
    pub nonce: NonceKey,
    /// Seconds since the epoch; a voucher has no end.
    pub valid_before_s: Option<i64>,
    /// The payer's money that is kept for it where its chain was asked; nothing else may be promised that.
    pub hold: Hold,
}

/// What was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One transfer by EIP-3009.
    Transfer,
    /// One transfer by Permit2, of exactly the amount.
    Permit,
    /// One transfer by Permit2, of at most the amount.
    Upto,
    /// A voucher, whose place in its channel is still to be checked: `check_voucher_continues`.
    Voucher { channel: ChannelId, max_claimable: u128 },
    /// The same with a deposit of so much, in the token's smallest unit.
    Deposit { channel: ChannelId, max_claimable: u128, deposit: U256 },
    /// A demand for what is left of a channel. Nothing is paid.
    Refund { channel: ChannelId, max_claimable: u128 },
}

/// Checks everything that needs no chain, the signature included.
///
/// # Errors
/// The scheme's reason for the first rule that is broken. `ExactUndeployedSmartWallet` and the scheme's reason for a bad
/// signature where only the chain can check it: see `Payment::is_smart_wallet`, `verify_terms`.
pub fn verify_local(offer: &Offer, payment: &Payment, now: Timestamp, limits: &Limits) -> Result<Verified, Refusal> {
    let verified = verify_terms(offer, payment, now, limits)?;
    check_signatures(offer, payment).map_err(|refusal| refusal.of(payment.payer()))?;
    Ok(verified)
}

/// Checks everything but the signatures, for payments of smart wallets: somebody else has to prove those.
///
/// # Errors
/// The scheme's reason for the first rule that is broken.
pub fn verify_terms(offer: &Offer, payment: &Payment, now: Timestamp, limits: &Limits) -> Result<Verified, Refusal> {
    let window = time::Window::new(offer, now, limits);
    let verified = match (&offer.terms, payment) {
        (Terms::Exact(Method::Eip3009), Payment::Eip3009 { authorization, .. }) => {
            exact::check(offer, authorization, &window)
        }
        (Terms::Exact(Method::Permit2), Payment::Permit2 { permit, .. }) => {
            permit2::check_exact(offer, permit, &window)
        }
        (Terms::Upto { facilitator }, Payment::Upto { permit, .. }) => {
            permit2::check_upto(offer, permit, *facilitator, &window)
        }
        (Terms::BatchSettlement(terms), Payment::Voucher(voucher)) => channel::check_voucher(offer, terms, voucher),
        (Terms::BatchSettlement(terms), Payment::Deposit { voucher, amount, funding }) => {
            channel::check_deposit(offer, terms, voucher, *amount, funding, &window)
        }
        (Terms::BatchSettlement(terms), Payment::Refund { voucher, .. }) => {
            channel::check_refund(offer, terms, voucher)
        }
        (terms, payment) => {
            let expected = format_args!("one of {} by {}", terms.scheme().as_str(), terms.method()).to_string();
            Err(Refusal::mismatch(Reason::UnsupportedPayloadType, "payload", expected, payment.kind()))
        }
    };
    verified.map_err(|refusal| refusal.of(payment.payer()))
}

fn check_signatures(offer: &Offer, payment: &Payment) -> Result<(), Refusal> {
    let permit2 = offer.network().permit2();
    match payment {
        Payment::Eip3009 { authorization, signature } => {
            let digest = authorization.digest(offer.token().domain());
            check_signer(signature, digest, authorization.from, Reason::ExactSignature)
        }
        Payment::Permit2 { permit, signature } | Payment::Upto { permit, signature } => {
            check_signer(signature, permit.digest(permit2), permit.from, Reason::Permit2Signature)
        }
        Payment::Voucher(voucher) | Payment::Refund { voucher, .. } => channel::check_voucher_signature(offer, voucher),
        Payment::Deposit { voucher, amount, funding } => {
            channel::check_funding_signature(offer, voucher, *amount, funding)?;
            channel::check_voucher_signature(offer, voucher)
        }
    }
}

/// Recovers the signer and compares.
fn check_signer(signature: &Signature, digest: Digest, signer: Address, reason: Reason) -> Result<(), Refusal> {
    match signature {
        Signature::SmartWallet(_) if signature.is_counterfactual() => Err(Refusal::new(
            Reason::ExactUndeployedSmartWallet,
            "signature: of a smart wallet that is not deployed; it can't be checked here",
        )),
        Signature::SmartWallet(bytes) => {
            Err(Refusal::mismatch(reason, "signature", "65 bytes of the payer's key", format!("{} bytes", bytes.len())))
        }
        Signature::Ecdsa(signature) => match signature.recover(digest) {
            Ok(recovered) if recovered == signer => Ok(()),
            Ok(recovered) => Err(Refusal::mismatch(reason, "signature", format!("that of {signer}"), recovered)),
            Err(error) => Err(Refusal::new(reason, format!("signature {error}"))),
        },
    }
}

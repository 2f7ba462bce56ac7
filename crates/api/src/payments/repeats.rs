//! Payments by voucher that were accepted a moment ago, for those that follow them.
//!
//! Belongs to what was asked, and is forgotten with it. A payment with an identifier is never remembered, as each has one
//! of its own.

use farebox_calls::SignedPayment;
use farebox_x402::Refusal;
use farebox_x402::evm::ChannelId;
use farebox_x402::payment::Payment;
use farebox_x402::verify::verify_next_voucher;
use farebox_x402::wire::again::{Again, channel_named};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// Channels that are remembered before all are forgotten.
const CHANNELS_MAX: usize = 1_000;

#[derive(Debug, Default)]
pub(crate) struct Repeats(Mutex<HashMap<ChannelId, Arc<Repeat>>>);

#[derive(Debug)]
struct Repeat {
    again: Again,
    first: SignedPayment,
}

impl Repeats {
    /// The payment, where it goes on from one that is remembered.
    ///
    /// # Errors
    /// Those of the voucher.
    pub(crate) fn accept(&self, json: &[u8]) -> Result<Option<SignedPayment>, Refusal> {
        let Ok(json) = std::str::from_utf8(json) else { return Ok(None) };
        let Some(channel) = channel_named(json) else { return Ok(None) };
        let Some(repeat) = self.0.lock().get(&channel).cloned() else { return Ok(None) };
        let Some(voucher) = repeat.again.read(json) else { return Ok(None) };
        let verified = verify_next_voucher(&repeat.first.offer, &voucher)?;
        Ok(Some(SignedPayment { verified, payment: Payment::Voucher(voucher), ..repeat.first.clone() }))
    }

    /// Remembers a payment that was accepted, if it is a voucher alone.
    pub(crate) fn note(&self, json: &[u8], signed: &SignedPayment) {
        let (Payment::Voucher(voucher), Ok(json)) = (&signed.payment, std::str::from_utf8(json)) else { return };
        let Some(again) = Again::of(json, voucher) else { return };
        let repeat = Arc::new(Repeat { again, first: SignedPayment { header: None, ..signed.clone() } });
        let mut all = self.0.lock();
        if all.len() >= CHANNELS_MAX {
            all.clear();
        }
        all.insert(voucher.voucher.channel, repeat);
    }
}

//! Offers and receipts that are signed (`offer-receipt`), so that a client can prove later what it was promised and that
//! it was served.
//!
//! Invariant: a receipt is signed only for what was settled and served.

use super::Asked;
use farebox_base::Timestamp;
use farebox_x402::evm::{SigningKey, address};
use farebox_x402::extension::offer_receipt::{KEY, OfferPayload, ReceiptPayload, offers_extension, receipt_extension};
use farebox_x402::network::Caip2;
use farebox_x402::wire::{Object, SettlementResponse};

/// What is signed, and by whom; by default nothing is.
#[derive(Clone, Debug, Default)]
pub struct Proofs {
    /// Signs each offer of a 402: one signature for each.
    pub offers: Option<SigningKey>,
    /// Signs a receipt for each request that was settled and served.
    pub receipts: Option<SigningKey>,
}

impl Proofs {
    /// What a 402 advertises, with what is signed of it now.
    pub(crate) fn advertised(&self, asked: &Asked, now: Timestamp) -> Object {
        let mut extensions = asked.extensions.clone();
        if let Some(key) = &self.offers {
            let offers = asked.offers.offers.iter().enumerate();
            let sign = |(place, offer)| OfferPayload::new(&asked.resource.url, offer, now).sign(place, key);
            let signed: Vec<_> = offers.map(sign).collect();
            extensions.insert(KEY.to_owned(), offers_extension(&signed));
        }
        extensions
    }

    /// Adds a signed receipt to that of a settlement. Version 1 has no place for one.
    pub(crate) fn prove(&self, payment: &mut SettlementResponse, resource_url: &str, now: Timestamp) {
        // A voucher is proof enough of a call that no transaction stands for.
        let is_on_chain = payment.success && !payment.transaction.is_empty();
        let Some(key) = self.receipts.as_ref().filter(|_| is_on_chain) else { return };
        let payer = payment.payer.as_deref().and_then(address::parse);
        let (Some(payer), Ok(network)) = (payer, Caip2::parse(&payment.network)) else { return };
        // The transaction stays out, as a receipt is for showing and whoever has the hash knows the payer's wallet.
        let receipt = ReceiptPayload::new(resource_url, network.as_str(), payer, None, now).sign(key);
        let extensions = payment.extensions.get_or_insert_default();
        extensions.insert(KEY.to_owned(), receipt_extension(&receipt));
    }
}

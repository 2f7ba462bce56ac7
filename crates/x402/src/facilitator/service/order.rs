//! What a server has done with its channels, as the payload of `POST /settle`: vouchers claimed, the receiver paid, the
//! rest given back.
//!
//! Nothing of it is remembered here: the journal of the gas wallet knows what was sent, under an id that follows from the
//! order. What failed on chain is tried again under the next one, a few times.

use super::FacilitatorService;
use crate::chain::abi::channels::{self, VoucherClaim};
use crate::evm::{EcdsaSignature, Signature};
use crate::facilitator::Settlement;
use crate::facilitator::channels::Claim;
use crate::facilitator::relay::{CLAIMS_MAX, ChannelOrder, ChannelRelay, SignedRefund};
use crate::network::{Network, Networks};
use crate::offer::Scheme;
use crate::wire::read::Fields;
use crate::wire::{FacilitatorRequest, PaymentHeader, Requirements, SettlementResponse, Uint, channel_config};
use crate::{Reason, Refusal};
use alloy_primitives::{Address, U256, keccak256};
use std::sync::Arc;
use uuid::{Uuid, uuid};

const NAMESPACE: Uuid = uuid!("6f6a35c8-2b5e-4f0c-9a43-0f5f6f6e7ab1");
/// How often one order may fail on chain.
const ATTEMPTS_MAX: u8 = 4;

/// An order and where it is to be done.
pub(super) struct Ordered {
    order: ChannelOrder,
    network: Arc<Network>,
}

impl Ordered {
    /// `None` for what is a payment, or no order at all.
    pub(super) fn read(request: &FacilitatorRequest, networks: &Networks) -> Option<Result<Self, Refusal>> {
        let (PaymentHeader::V2(payload), Requirements::V2(requirements)) = (&request.payment, &request.requirements)
        else {
            return None;
        };
        let scheme = Scheme::BatchSettlement.as_str();
        if payload.accepted.scheme != scheme || requirements.scheme != scheme {
            return None;
        }
        let fields = Fields::new(payload.payload()?, "payload");
        let order = match fields.text("type").ok()? {
            "claim" => claim(fields),
            "settle" => sweep(fields),
            "refund" if fields.has("refundNonce") => refund(fields),
            _ => return None,
        };
        let network = networks.by_name(&requirements.network).cloned().ok_or_else(|| {
            let known: Vec<&str> = networks.all().iter().map(|network| network.caip2().as_str()).collect();
            Refusal::new(Reason::InvalidNetwork, format!("network: expected one of {}", known.join(", ")))
        });
        Some(order.and_then(|order| Ok(Self { order, network: network? })))
    }

    fn channels(&self) -> Vec<(Address, Address)> {
        let of_claims = |claims: &[Claim]| -> Vec<(Address, Address)> {
            claims.iter().map(|claim| (claim.channel.receiver, claim.channel.token)).collect()
        };
        match &self.order {
            ChannelOrder::Claim { claims, .. } => of_claims(claims),
            ChannelOrder::Sweep { receiver, token } => vec![(*receiver, *token)],
            ChannelOrder::Refund(refund) => {
                let mut all = of_claims(&refund.claims);
                all.push((refund.channel.receiver, refund.channel.token));
                all
            }
        }
    }

    /// Everybody who receives has to be one that is settled for, in tokens that are known.
    fn check(&self, service: &FacilitatorService) -> Result<(), Refusal> {
        for (receiver, token) in self.channels() {
            service.check_recipient(receiver)?;
            if self.network.token(token).is_none() {
                let known: Vec<&str> = self.network.tokens().iter().map(|token| token.checksummed()).collect();
                let expected = format!("one of {}", known.join(", "));
                return Err(Refusal::mismatch(Reason::ChannelTokenMismatch, "token", expected, token));
            }
        }
        Ok(())
    }

    /// Tells one thing to do from another; the same for the same thing.
    async fn content(&self, relay: &dyn ChannelRelay) -> Result<Vec<u8>, Refusal> {
        let all = |claims: &[Claim]| channels::claim(&claims.iter().map(VoucherClaim::from).collect::<Vec<_>>());
        Ok(match &self.order {
            ChannelOrder::Claim { claims, .. } => all(claims),
            ChannelOrder::Sweep { receiver, token } => {
                let income = relay.income(*receiver, *token).await?;
                [channels::settle(*receiver, *token), income.claimed.to_be_bytes().to_vec()].concat()
            }
            ChannelOrder::Refund(refund) => {
                let (channel, none) = ((&refund.channel).into(), Default::default());
                let back = channels::refund_with_signature(&channel, refund.amount, refund.nonce, &none);
                [back, all(&refund.claims)].concat()
            }
        })
    }

    async fn done(&self, relay: &dyn ChannelRelay) -> Settlement {
        let content = match self.content(relay).await {
            Ok(content) => keccak256([content, self.network.chain_id().get().to_be_bytes().to_vec()].concat()),
            Err(refusal) => return Settlement::NotTaken(refusal),
        };
        let mut last = Settlement::pending("");
        for attempt in 0..ATTEMPTS_MAX {
            let id = Uuid::new_v5(&NAMESPACE, &[content.as_slice(), &[attempt]].concat());
            last = relay.relay(id, &self.order).await;
            if !matches!(&last, Settlement::NotTaken(refusal) if refusal.reason == self.order.failed()) {
                break;
            }
        }
        last
    }
}

impl FacilitatorService {
    pub(super) async fn settle_order(&self, ordered: &Ordered) -> SettlementResponse {
        let network = ordered.network.caip2();
        let refused = |refusal: &Refusal| SettlementResponse::refused(network.as_str(), refusal, 2);
        if let Err(refusal) = ordered.check(self) {
            return refused(&refusal);
        }
        let facilitator = self.parts.facilitators.of(network);
        let Some(relay) = facilitator.and_then(|facilitator| facilitator.channel_relay()) else {
            return refused(&Refusal::new(Reason::UnsupportedScheme, "channels are not served on this network"));
        };
        let transaction = match ordered.done(relay).await {
            Settlement::Settled { transaction } if transaction.is_empty() => {
                let message = "nothing was claimed for the receiver that it was not paid";
                return refused(&Refusal::new(Reason::ChannelNothingToSettle, message));
            }
            Settlement::Settled { transaction } => transaction,
            Settlement::Pending { transaction, .. } => {
                let message = "the transaction was sent and is not final yet; ask again with the same body";
                let refusal = Refusal::new(Reason::SettlementPending, message);
                return SettlementResponse { transaction, ..refused(&refusal) };
            }
            Settlement::NotTaken(refusal) => return refused(&refusal),
        };
        let mut response = SettlementResponse {
            success: true,
            transaction: transaction.clone(),
            network: network.to_string(),
            ..SettlementResponse::default()
        };
        if !matches!(ordered.order, ChannelOrder::Claim { .. }) {
            response.amount = relay.moved(&transaction).await.map(|amount| Uint(U256::from(amount)));
        }
        if let ChannelOrder::Refund(refund) = &ordered.order {
            response.payer = Some(crate::evm::address::checksummed(refund.channel.payer));
            let id = refund.channel.id(ordered.network.channels());
            let state = self.parts.state_when(network, id, |state| state.refund_nonce > refund.nonce).await;
            response.extra = state.map(|state| super::channel_state::settled(id, &state));
        }
        response
    }
}

fn claim(payload: Fields<'_>) -> Result<ChannelOrder, Refusal> {
    let claims = claims(payload)?;
    if claims.is_empty() {
        return Err(Refusal::new(Reason::InvalidPayload, "payload.claims must not be empty"));
    }
    Ok(ChannelOrder::Claim { claims, signature: by_authorizer(payload, "claimAuthorizerSignature")? })
}

fn sweep(payload: Fields<'_>) -> Result<ChannelOrder, Refusal> {
    Ok(ChannelOrder::Sweep { receiver: payload.address("receiver")?, token: payload.address("token")? })
}

fn refund(payload: Fields<'_>) -> Result<ChannelOrder, Refusal> {
    Ok(ChannelOrder::Refund(Box::new(SignedRefund {
        channel: channel_config(payload.object("channelConfig", "payload.channelConfig")?)?,
        amount: payload.amount("amount")?,
        nonce: payload.uint("refundNonce")?,
        claims: claims(payload)?,
        claim_signature: by_authorizer(payload, "claimAuthorizerSignature")?,
        signature: by_authorizer(payload, "refundAuthorizerSignature")?,
    })))
}

fn claims(payload: Fields<'_>) -> Result<Vec<Claim>, Refusal> {
    payload.objects("claims", "payload.claims", CLAIMS_MAX)?.into_iter().map(one_claim).collect()
}

fn one_claim(fields: Fields<'_>) -> Result<Claim, Refusal> {
    let voucher = fields.object("voucher", "payload.claims.voucher")?;
    let channel = channel_config(voucher.object("channel", "payload.claims.voucher.channel")?)?;
    Ok(Claim {
        channel,
        max_claimable: voucher.amount("maxClaimableAmount")?,
        signature: of_key(fields, "signature", Reason::VoucherSignature)?,
        total_claimed: fields.amount("totalClaimed")?,
    })
}

fn by_authorizer(payload: Fields<'_>, name: &'static str) -> Result<Option<EcdsaSignature>, Refusal> {
    payload.has(name).then(|| of_key(payload, name, Reason::InvalidPayload)).transpose()
}

fn of_key(fields: Fields<'_>, name: &str, reason: Reason) -> Result<EcdsaSignature, Refusal> {
    match fields.signature(name, reason)? {
        Signature::Ecdsa(signature) => Ok(signature),
        Signature::SmartWallet(_) => {
            Err(Refusal::new(reason, format!("{name}: expected that of a key, got a smart wallet's")))
        }
    }
}

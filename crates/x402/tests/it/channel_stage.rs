//! Channels on the stage: contracts in place, deposits and vouchers that the payer signs.

use crate::payments::{Signed, carried, gas_wallet, now_s, offer, payer};
use crate::stage::Stage;
use alloy_primitives::{B256, Bytes, U256, hex};
use farebox_x402::chain::abi::channels::{
    self as abi, BATCH_SETTLEMENT, ERC3009_COLLECTOR, PERMIT2_COLLECTOR, erc3009_deposit, permit2_deposit,
};
use farebox_x402::chain::dev::channels_deploy;
use farebox_x402::chain::rpc::Call;
use farebox_x402::evm::{ChannelConfig, ChannelId, Signature, Voucher};
use farebox_x402::facilitator::LocalFacilitator;
use farebox_x402::facilitator::channels::{ChannelOnChain, Channels as _, Claim};
use farebox_x402::network::Method;
use farebox_x402::offer::{ChannelTerms, Offer, Terms};
use farebox_x402::payment::{Funding, Payment, SignedVoucher};
use serde_json::json;
use std::path::Path;

pub const DELAY_S: u64 = 900;

/// Puts our stand-ins in place, or the code in the folder that the variable names: the published contracts, compiled.
pub async fn deploy(stage: &Stage) {
    channels_deploy(&stage.rpc).await.unwrap();
    let Some(folder) = std::env::var_os("FAREBOX_TEST_CHANNELS_HEX_DIR") else { return };
    for (at, file) in [
        (BATCH_SETTLEMENT, "channels.hex"),
        (ERC3009_COLLECTOR, "eip3009_collector.hex"),
        (PERMIT2_COLLECTOR, "permit2_collector.hex"),
    ] {
        let code = std::fs::read_to_string(Path::new(&folder).join(file)).unwrap();
        let code = Bytes::from(hex::decode(code.replace('\n', "")).unwrap());
        stage.rpc.call_changing(Call::new("anvil_setCode", json!([at, code]))).await.unwrap();
    }
}

/// An offer of a price, paid from channels whose deposits come by a method.
pub fn channel_offer(method: Method, price: u64) -> Offer {
    let terms = ChannelTerms {
        deposit: method,
        receiver_authorizer: gas_wallet(),
        withdraw_delay_s: DELAY_S,
        min_deposit: None,
        correction: None,
    };
    offer(Terms::BatchSettlement(terms), price)
}

/// The payer's `n`th channel.
pub fn channel(offer: &Offer, n: u64) -> (ChannelConfig, ChannelId) {
    let config = ChannelConfig {
        payer: payer().address(),
        payer_authorizer: payer().address(),
        receiver: offer.pay_to,
        receiver_authorizer: gas_wallet(),
        token: offer.token().address(),
        withdraw_delay_s: DELAY_S,
        salt: B256::from(U256::from(n)),
    };
    (config, config.id(offer.network().channels()))
}

/// A voucher of the `n`th channel, with the whole sum that it promises.
pub fn voucher(offer: &Offer, n: u64, max_claimable: u128) -> SignedVoucher {
    let (channel, id) = channel(offer, n);
    let voucher = Voucher { channel: id, max_claimable };
    let signature = Signature::Ecdsa(payer().sign_digest(voucher.digest(offer.network().channels())));
    SignedVoucher { channel, voucher, signature }
}

/// A deposit into the `n`th channel with a voucher.
pub fn deposit(method: Method, n: u64, amount: u64, max_claimable: u64) -> Signed {
    let offer = channel_offer(method, max_claimable.min(10_000));
    let (voucher, amount) = (voucher(&offer, n, max_claimable.into()), U256::from(amount));
    let ends = U256::from(now_s() + 60);
    let funding = match method {
        Method::Eip3009 => {
            let salt = B256::from(U256::from(n));
            let authorization = voucher.receive_authorization(amount, U256::ZERO, ends, salt);
            let signature = Signature::Ecdsa(payer().sign_digest(authorization.digest(offer.token().domain())));
            Funding::Eip3009 { valid_after: U256::ZERO, valid_before: ends, salt, signature }
        }
        Method::Permit2 => {
            let nonce = U256::from(n);
            let permit = voucher.deposit_permit(offer.token().address(), amount, nonce, ends);
            let signature = Signature::Ecdsa(payer().sign_digest(permit.digest(offer.network().permit2())));
            Funding::Permit2 { permit, signature }
        }
    };
    carried(offer, Payment::Deposit { voucher, amount, funding: Box::new(funding) })
}

/// The call that makes a deposit, for whoever wants to send it.
pub fn deposit_call(signed: &Signed) -> Vec<u8> {
    let Payment::Deposit { voucher, amount, funding } = &signed.payment else { panic!("no deposit") };
    let (collector, data) = match &**funding {
        Funding::Eip3009 { valid_after, valid_before, salt, signature } => {
            let (salt, signature) = (U256::from_be_bytes(salt.0), signature.to_bytes());
            (ERC3009_COLLECTOR, erc3009_deposit(*valid_after, *valid_before, salt, &signature))
        }
        Funding::Permit2 { permit, signature } => {
            (PERMIT2_COLLECTOR, permit2_deposit(permit.nonce, permit.deadline, &signature.to_bytes()))
        }
    };
    abi::deposit(&abi::ChannelConfig::from(&voucher.channel), amount.to(), collector, &data)
}

pub fn paying(n: u64, max_claimable: u64) -> Signed {
    let offer = channel_offer(Method::Eip3009, max_claimable.min(10_000));
    let voucher = voucher(&offer, n, max_claimable.into());
    carried(offer, Payment::Voucher(voucher))
}

pub fn claim(n: u64, max_claimable: u128, total_claimed: u128) -> Claim {
    let signed = voucher(&channel_offer(Method::Eip3009, 1), n, max_claimable);
    let Signature::Ecdsa(signature) = signed.signature else { panic!("a key's") };
    Claim { channel: signed.channel, max_claimable, signature, total_claimed }
}

pub async fn state(facilitator: &LocalFacilitator, n: u64) -> ChannelOnChain {
    let (_, id) = channel(&channel_offer(Method::Eip3009, 1), n);
    facilitator.states(&[id]).await.unwrap()[0]
}

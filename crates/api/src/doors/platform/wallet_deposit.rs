//! Money that comes into a wallet by a signed payment: asked for with 402, then settled and credited.

use super::Cx;
use crate::Core;
use crate::payments::{Asked, deposit_required, header_of, payer, show_payment, unsigned_deposit};
use farebox_api_kit::{Headers, Json, Ok200, Output as _, Reply, operations};
use farebox_api_types::platform::{OnchainDepositRequest, OnchainDepositResponse};
use farebox_base::{Error, Kind, ListingId, Micros, Result};
use farebox_calls::{Deposit, Deposited, payment_refused};
use farebox_ledger::AccountId;
use farebox_market::ListingEntry;
use farebox_x402::evm::address::checksummed;
use farebox_x402::offer::Resource;
use farebox_x402::wire::Object;
use std::sync::Arc;

operations! {
    core Core, door Platform, tag "agent-wallet";
    POST "/wallet/deposit/crypto" onchain_deposit(Optional) errors(402, 404, 409, 412, 503)
        replies(200: OnchainDepositResponse)
        "Bring money in on a chain, for the calls of one publisher's seller";
}

/// The most that is taken at once.
const AMOUNT_MAX: Micros = Micros::new(1_000_000_000_000);

async fn onchain_deposit(cx: Cx, headers: Headers, request: Json<OnchainDepositRequest>) -> Result<Reply> {
    let amount = Micros::parse(&request.0.amount).map_err(|error| Error::money("amount", error))?;
    if amount <= Micros::ZERO || amount > AMOUNT_MAX {
        return Err(Error::invalid("amount", format!("must be more than 0 and at most {AMOUNT_MAX}")));
    }
    if let Some(asset) = request.0.asset_id {
        crate::assets::check("asset_id", asset)?;
    }
    let entry = publisher(&cx, ListingId::from_uuid(request.0.publisher_id)).await?;
    let asked = asked(&cx, &entry, amount)?;
    let error = match header_of(&headers.0) {
        Ok(None) => {
            unsigned_deposit("the PAYMENT-REQUIRED header or in `accepts`, which are the same (x402 version 2),")
        }
        Err(refusal) => payment_refused(&refusal),
        Ok(Some(text)) => match asked.accept(&cx, text).await {
            Err(refusal) => payment_refused(&refusal),
            Ok((signed, _)) => return credited(&cx, &entry, &asked, &signed).await,
        },
    };
    Ok(Reply(deposit_required(&cx, &asked, &error)))
}

async fn publisher(cx: &Cx, id: ListingId) -> Result<Arc<ListingEntry>> {
    cx.core.market.by_id(id).await?.ok_or_else(|| Error::not_found("Publisher"))
}

fn asked(cx: &Cx, entry: &ListingEntry, amount: Micros) -> Result<Asked> {
    let offers = cx.core.settings.payments.for_deposit(amount, &cx.core.calls.payments().facilitators)?;
    if offers.offers.is_empty() {
        let message = "This server takes no deposits on chain; ask its operator";
        return Err(Error::new(Kind::Unavailable, "no_deposits", message));
    }
    let resource = Resource {
        url: format!("{}/wallet/deposit/crypto", cx.core.settings.public_url),
        description: format!("Deposit of {amount} USDC for calls of {}", entry.listing.name),
        mime_type: "application/json".to_owned(),
        ..Resource::default()
    };
    Ok(Asked::new(offers, resource, Object::new()))
}

async fn credited(
    cx: &Cx,
    entry: &ListingEntry,
    asked: &Asked,
    signed: &farebox_calls::SignedPayment,
) -> Result<Reply> {
    let buyer = payer(&cx.core, cx.caller.as_deref(), signed).await?.party_id;
    let seller = entry.listing.party_id;
    let account = if buyer == seller { AccountId::funded(buyer) } else { AccountId::prepaid(buyer, seller) };
    let memo = format!("Deposit for {}", entry.listing.name);
    let (mut response, receipt) =
        match cx.core.calls.deposit(Deposit { signed, account, memo, fingerprint: None }).await? {
            Deposited::Credited { amount, receipt, .. } => {
                let balance = match buyer == seller {
                    true => cx.core.wallets.balances(buyer).await?.funded,
                    false => cx.core.wallets.prepaid(buyer, seller).await?,
                };
                let reply = OnchainDepositResponse {
                    message: format!("{amount} {} deposited", signed.offer.token().symbol()),
                    deposited_amount: amount.into(),
                    balance_amount: balance.into(),
                    asset_symbol: signed.offer.token().symbol().to_owned(),
                    publisher_id: entry.listing.id.uuid(),
                    agent_wallet: checksummed(signed.verified.payer),
                    tx_hash: Some(receipt.transaction.clone()),
                };
                (Ok200(reply).write()?, Some(receipt))
            }
            Deposited::Not { error, receipt }
                if matches!(error.kind, Kind::PaymentRequired | Kind::PreconditionFailed) =>
            {
                (deposit_required(cx, asked, &error), receipt)
            }
            Deposited::Not { error, receipt } => (cx.error_response(&error), receipt),
        };
    show_payment(receipt.as_ref(), &mut response);
    Ok(Reply(response))
}

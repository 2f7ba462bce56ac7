//! Money that a wallet has sent on a chain, credited for one provider once somebody names the transaction.
//!
//! Needs no proof: whoever names it, the money goes to the wallet that it came from.

use super::Cx;
use super::wallets::{check_address, spendable, wallet_parties};
use crate::Core;
use farebox_accounts::WalletParty;
use farebox_api_kit::{Json, Ok200, operations};
use farebox_api_types::sql_gateway::{GatewayDepositRequest, GatewayDepositResponse, GatewayDepositTransaction};
use farebox_base::{Error, Kind, ListingId, Micros, Result};
use farebox_ledger::AccountId;

operations! {
    core Core, door SqlGateway, tag "Agents";
    POST "/api/deposit" deposit_usdc(Optional) errors(402, 404, 409, 503) rate(Deposit)
        "Credit money that a wallet has sent on a chain";
}

async fn deposit_usdc(cx: Cx, body: Json<GatewayDepositRequest>) -> Result<Ok200<GatewayDepositResponse>> {
    let GatewayDepositRequest { tx_hash, agent_wallet, provider_id } = body.0;
    if !cx.core.calls.sees_arrivals() {
        let message = "This server takes no deposits by transaction; ask its operator";
        return Err(Error::new(Kind::NotFound, "no_deposits", message));
    }
    check_address(&agent_wallet)?;
    let entry = cx.core.market.by_id(ListingId::from_uuid(provider_id)).await?;
    let entry = entry.ok_or_else(|| Error::invalid("providerId", "must be the id of a provider"))?;
    let arrived = cx.core.calls.find_arrived(&tx_hash, &agent_wallet).await?;
    let (buyer, seller) = (cx.core.accounts.wallet_signer(&agent_wallet).await?, entry.listing.party_id);
    let account = if buyer == seller { AccountId::funded(buyer) } else { AccountId::prepaid(buyer, seller) };
    let memo = format!("Deposit for {}", entry.listing.name);
    cx.core.calls.credit_arrived(&arrived, &account, &memo).await?;
    Ok(Ok200(GatewayDepositResponse {
        success: true,
        balance: balance(&cx, &wallet_parties(&cx, &agent_wallet).await?, seller).await?.into(),
        transaction: GatewayDepositTransaction {
            tx_hash: arrived.hash().to_owned(),
            amount: arrived.amount.into(),
            verified: true,
        },
    }))
}

/// What all of them together can spend at a seller.
pub(super) async fn balance(cx: &Cx, parties: &[WalletParty], seller: farebox_base::PartyId) -> Result<Micros> {
    let mut sum = Micros::ZERO;
    for party in parties {
        sum = sum.checked_add(spendable(cx, party, seller).await?)?;
    }
    Ok(sum)
}

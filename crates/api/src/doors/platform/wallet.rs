//! The caller's wallet: balances and the signup bonus.

use super::Cx;
use crate::Core;
use farebox_accounts::Page;
use farebox_api_kit::{Data, Ok200, operations};
use farebox_api_types::platform::{
    AgentCreditSource, BonusClaimResponse, WalletBalanceKind, WalletBalanceResponse, WalletPrepaidBalance,
    WalletPrepaidPublisher, WalletSourceBalance,
};
use farebox_base::{Micros, PartyId, Result};
use farebox_billing::SourceBalance;
use farebox_ledger::AccountKind;
use farebox_market::ListingStatus;

operations! {
    core Core, door Platform, tag "agent-wallet";
    GET  "/wallet/balance" get_wallet_balance(Needs(WalletRead)) "Show the wallet's balance, funded and promotional, and what is prepaid for one seller";
    POST "/wallet/bonus/signup" claim_signup_bonus(Needs(WalletWrite)) errors(409) "Claim the signup bonus, once";
}

const MICROS_PER_CENT: i64 = 10_000;
/// As many sellers are shown one by one, and as many publishers of each.
const SELLERS_MAX: i64 = 50;
const PUBLISHERS_MAX: u32 = 20;

async fn get_wallet_balance(cx: Cx) -> Result<Ok200<Data<WalletBalanceResponse>>> {
    let caller = cx.caller()?;
    let wallets = &cx.core.wallets;
    let balances = wallets.balances(caller.party_id).await?;
    let sources = wallets.balances_by_source(caller.party_id).await?;
    let purchased = wallets.purchased(caller.party_id).await?;
    let total = balances.spendable()?;
    let bound = wallets.prepaid_by_seller(caller.party_id, SELLERS_MAX).await?;
    let has_prepaid = !bound.total.is_zero();
    let mut prepaid = Vec::with_capacity(bound.sellers.len());
    for (seller, balance) in bound.sellers {
        prepaid.push(prepaid_for(&cx, seller, balance).await?);
    }
    Ok(Ok200(Data(WalletBalanceResponse {
        wallet_address: caller.wallet_address.clone().unwrap_or_default(),
        balance_atomic: total.into(),
        balance_usd: total.into(),
        funded_balance_atomic: balances.funded.into(),
        funded_balance_usd: balances.funded.into(),
        promotional_balance_atomic: balances.promotional.into(),
        promotional_balance_usd: balances.promotional.into(),
        by_source: sources.iter().filter_map(source).collect(),
        prepaid_balance_atomic: has_prepaid.then(|| bound.total.into()),
        prepaid_balance_usd: has_prepaid.then(|| bound.total.into()),
        prepaid: has_prepaid.then_some(prepaid),
        total_purchases_cents: purchased.get() / MICROS_PER_CENT,
        total_purchases_usd: purchased.into(),
        has_recovery: false,
        recovery_warning: None,
        unread_received_transfers: Vec::new(),
    })))
}

/// A line of the balance by source; sources that the contract has no word for stay within the totals.
fn source(line: &SourceBalance) -> Option<WalletSourceBalance> {
    let source = match line.source.as_str() {
        "admin_grant" => AgentCreditSource::AdminGrant,
        "signup_bonus" => AgentCreditSource::SignupBonus,
        _ => return None,
    };
    let promotional = line.kind == AccountKind::Promotional;
    let kind = if promotional { WalletBalanceKind::Promotional } else { WalletBalanceKind::Funded };
    Some(WalletSourceBalance { source, kind, balance_atomic: line.balance.into(), balance_usd: line.balance.into() })
}

async fn prepaid_for(cx: &Cx, seller: PartyId, balance: Micros) -> Result<WalletPrepaidBalance> {
    let listings = cx.core.market.listings_owned(seller, false, Page::first(PUBLISHERS_MAX)).await?.items;
    let active = listings.iter().filter(|listing| listing.status == ListingStatus::Active);
    let publishers = active.map(|listing| WalletPrepaidPublisher {
        id: listing.id.uuid(),
        slug: listing.slug.clone(),
        name: listing.name.clone(),
    });
    let publishers = publishers.collect();
    Ok(WalletPrepaidBalance {
        seller_id: seller.uuid(),
        balance_atomic: balance.into(),
        balance_usd: balance.into(),
        publishers,
    })
}

async fn claim_signup_bonus(cx: Cx) -> Result<Ok200<Data<BonusClaimResponse>>> {
    let claim = cx.core.wallets.claim_signup_bonus(cx.caller()?.party_id, cx.core.settings.signup_bonus).await?;
    Ok(Ok200(Data(BonusClaimResponse {
        success: true,
        amount_atomic: claim.amount.into(),
        amount_usd: claim.amount.into(),
        bonus_type: "signup_bonus".to_owned(),
    })))
}

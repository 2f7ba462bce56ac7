//! Wallets of agents: what they can spend at a provider, and what they spent.
//!
//! A wallet address in a request is a claim. What it may show or spend is decided in `spender`, unless the request proves
//! the wallet: see `proof`.

use super::Cx;
use super::deposits::balance;
use super::pricing::provider_id;
use crate::Core;
use crate::doors::wallet_proof::REQUIRED;
use crate::settings::WalletProof;
use farebox_accounts::WalletParty;
use farebox_api_kit::{Ok200, Path, Query, operations};
use farebox_api_types::sql_gateway::{
    GatewayTransaction, GatewayTransactionKind, GatewayTransactions, GatewayTransactionsQuery, ProviderBalance,
};
use farebox_base::{Error, ListingId, Micros, PartyId, PaymentNeed, Result};
use farebox_calls::{Payer, arrived_hash};
use farebox_ledger::statement::AccountLine;
use farebox_market::ListingEntry;
use serde_json::json;

operations! {
    core Core, door SqlGateway, tag "Agents";
    GET "/api/balance/{wallet}/{providerId}" check_balance(Optional) "Show what a wallet can spend at a provider";
    GET "/api/transactions/{wallet}" transaction_history(Optional) "List a wallet's deposits and queries";
}

const LIMIT_DEFAULT: i64 = 50;
const LIMIT_MAX: i64 = 100;

async fn check_balance(cx: Cx, path: Path<(String, String)>) -> Result<Ok200<ProviderBalance>> {
    let (wallet, provider) = path.0;
    let parties = wallet_parties(&cx, &wallet).await?;
    let provider = ListingId::parse(&provider).ok_or_else(|| Error::invalid("providerId", "must be a UUID"))?;
    let entry = cx.core.market.by_id(provider).await?;
    let entry = entry.ok_or_else(|| Error::invalid("providerId", "must be the id of a provider"))?;
    let balance = balance(&cx, &parties, entry.listing.party_id).await?;
    Ok(Ok200(ProviderBalance {
        agent_wallet: wallet,
        provider_id: provider.uuid(),
        balance: balance.into(),
        updated_at: None,
    }))
}

async fn transaction_history(
    cx: Cx,
    path: Path<String>,
    query: Query<GatewayTransactionsQuery>,
) -> Result<Ok200<GatewayTransactions>> {
    let limit = query.0.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Error::invalid("limit", format!("must be from 1 to {LIMIT_MAX}")));
    }
    let parties = wallet_parties(&cx, &path.0).await?;
    let listing = match query.0.provider_id {
        Some(id) => provider_of(&cx, ListingId::from_uuid(id)).await?,
        None => None,
    };
    let unknown_provider = query.0.provider_id.is_some() && listing.is_none();
    let mut lines = Vec::new();
    for party in parties.iter().filter(|_| !unknown_provider) {
        may_look(&cx, party)?;
        lines.extend(cx.core.wallets.account_lines(party.party_id, listing, limit).await?);
    }
    lines.sort_by_key(|line| std::cmp::Reverse(line.at));
    lines.truncate(usize::try_from(limit).unwrap_or(0));
    let transactions = lines.iter().map(transaction).collect();
    Ok(Ok200(GatewayTransactions { agent_wallet: path.0, transactions }))
}

async fn provider_of(cx: &Cx, id: ListingId) -> Result<Option<(ListingId, PartyId)>> {
    let entry = cx.core.market.by_id(id).await?;
    Ok(entry.map(|entry| (entry.listing.id, entry.listing.party_id)))
}

fn transaction(line: &AccountLine) -> GatewayTransaction {
    let is_query = line.kind == "call";
    GatewayTransaction {
        id: line.id.clone(),
        kind: if is_query { GatewayTransactionKind::Query } else { GatewayTransactionKind::Deposit },
        amount: line.amount.into(),
        balance_before: line.balance_before().into(),
        balance_after: line.balance_after.into(),
        tx_hash: arrived_hash(&line.id).map(str::to_owned),
        metadata: metadata(line),
        timestamp: line.at.into(),
    }
}

fn metadata(line: &AccountLine) -> serde_json::Map<String, serde_json::Value> {
    let mut fields = serde_json::Map::new();
    fields.insert("description".to_owned(), json!(line.memo));
    if let Some(listing) = line.listing {
        fields.insert("providerId".to_owned(), json!(listing.to_string()));
    }
    fields
}

/// The party that an address names, if any.
///
/// # Errors
/// `Invalid` where the text is no address.
async fn wallet_party(cx: &Cx, wallet: &str) -> Result<Option<WalletParty>> {
    check_address(wallet)?;
    cx.core.accounts.wallet_party(wallet).await
}

/// The parties that an address stands for: the one that named it, and that of whoever has signed with it.
///
/// # Errors
/// As `wallet_party`.
pub(super) async fn wallet_parties(cx: &Cx, wallet: &str) -> Result<Vec<WalletParty>> {
    let named = wallet_party(cx, wallet).await?;
    let signer = cx.core.accounts.wallet_signer_find(wallet).await?;
    let signer = signer.filter(|signer| named.is_none_or(|named| named.party_id != *signer));
    let signer = signer.map(|party_id| WalletParty { party_id, registered: false });
    Ok(named.into_iter().chain(signer).collect())
}

/// # Errors
/// `Invalid`, naming `agentWallet`.
pub(super) fn check_address(wallet: &str) -> Result<()> {
    let digits = wallet.strip_prefix("0x").unwrap_or_default();
    if digits.len() == 40 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(())
    } else {
        Err(Error::invalid("agentWallet", "must be 0x followed by 40 hex digits"))
    }
}

/// What a wallet can spend at a seller. Money that is not tied to this seller is shown to its owner, and to
/// everyone only where nobody owns the wallet.
pub(super) async fn spendable(cx: &Cx, wallet: &WalletParty, seller: PartyId) -> Result<Micros> {
    let prepaid = cx.core.wallets.prepaid(wallet.party_id, seller).await?;
    if may_look(cx, wallet).is_err() {
        return Ok(prepaid);
    }
    let free = cx.core.wallets.balances(wallet.party_id).await?.spendable()?;
    Ok(prepaid.checked_add(free)?)
}

pub(super) fn may_look(cx: &Cx, wallet: &WalletParty) -> Result<()> {
    let is_owner = cx.caller.as_ref().is_some_and(|caller| caller.party_id == wallet.party_id);
    if is_owner || !wallet.registered {
        return Ok(());
    }
    Err(Error::forbidden("This wallet has an owner; send a key of theirs in the X-API-Key header"))
}

/// Who pays for a query that names a wallet: the caller, or the wallet itself where that is allowed.
///
/// # Errors
/// `PaymentRequired` where the wallet has too little for `needed`; `Forbidden` where it may not spend unproven.
pub(super) async fn spender(cx: &Cx, wallet: &str, entry: &ListingEntry, needed: Micros) -> Result<Payer> {
    let party = wallet_party(cx, wallet).await?;
    if let Some(caller) = &cx.caller {
        if party.is_some_and(|party| party.registered && party.party_id != caller.party_id) {
            return Err(Error::forbidden("agentWallet belongs to someone else than the key"));
        }
        caller.require(farebox_base::Permission::CallsMake)?;
        return Ok(Payer::from(&**caller));
    }
    let nothing = PaymentNeed { required: needed, available: Micros::ZERO };
    let Some(party) = party else { return Err(Error::insufficient_balance(nothing)) };
    may_look(cx, &party).map_err(|error| error.with_code(REQUIRED))?;
    if cx.core.settings.wallet_proof == WalletProof::Required {
        let available = spendable(cx, &party, entry.listing.party_id).await?;
        if available < needed {
            return Err(Error::insufficient_balance(PaymentNeed { required: needed, available }));
        }
        let message = "A wallet address alone is no proof here: sign the challenge and send it in the SIGN-IN-WITH-X \
                       header, or send a key of the wallet's owner in the X-API-Key header";
        return Err(Error::forbidden(message).with_code(REQUIRED));
    }
    Ok(Payer { party_id: party.party_id, key_id: None })
}

/// The provider that a query names.
///
/// # Errors
/// `NotFound` where there is no such provider, or it has no pricing.
pub(super) async fn queried(cx: &Cx, id: &str) -> Result<std::sync::Arc<ListingEntry>> {
    let entry = cx.core.market.by_id(provider_id(id)?).await?;
    let entry = entry.filter(|entry| entry.listing.kind.is_database() && entry.listing.check_callable().is_ok());
    let entry = entry.ok_or_else(|| Error::not_found("Provider"))?;
    if entry.listing.prices.per_1000_rows.is_none() {
        return Err(Error::not_found("Pricing"));
    }
    Ok(entry)
}

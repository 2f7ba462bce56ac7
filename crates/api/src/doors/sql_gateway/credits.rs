//! What a wallet has, and bringing more in: by a signed payment, or by a transaction that is on its chain.

use super::Cx;
use super::bill::Bill;
use super::deposits::{Named, account, check_sees, provider, unproven};
use super::wallets::{check_address, may_look, wallet_parties};
use crate::Core;
use crate::payments::{Asked, header_of, payer, show_payment, unsigned_deposit};
use farebox_accounts::WalletParty;
use farebox_api_kit::{Body, Headers, Json, Ok200, OrReply, Output as _, Path, Query, operations};
use farebox_api_types::sql_gateway::{
    ConfirmDepositRequest, CreditDepositRequest, CreditDepositResponse, CreditQuery, WalletCredits,
};
use farebox_base::{Error, Kind, Micros, PartyId, Result};
use farebox_calls::{Deposit, Deposited, SignedPayment, payment_refused};
use farebox_ledger::AccountId;
use farebox_market::ListingEntry;
use farebox_x402::evm::address::checksummed;
use farebox_x402::offer::Resource;
use farebox_x402::wire::Object;
use http::Response;
use std::sync::Arc;
use uuid::Uuid;

operations! {
    core Core, door SqlGateway, tag "Agents";
    GET "/api/credits/{wallet}" wallet_credits(Optional) errors(403, 404) "Show what a wallet has, and what of it is held";
    POST "/api/credits/deposit" deposit_credits(Optional) errors(402, 409, 412, 503) rate(Deposit)
        "Bring money in by a signed x402 payment";
    POST "/api/credits/confirm-deposit" confirm_deposit(Optional) errors(401, 402, 403, 404, 409, 503) rate(Deposit)
        "Credit money that a wallet has sent on a chain";
}

const DEPOSIT: &str = "/api/credits/deposit";
const CONFIRM: &str = "/api/credits/confirm-deposit";
/// The most that is taken at once.
const AMOUNT_MAX: Micros = Micros::new(1_000_000_000_000);

async fn wallet_credits(cx: Cx, path: Path<String>, query: Query<CreditQuery>) -> Result<Ok200<WalletCredits>> {
    let parties = wallet_parties(&cx, &path.0).await?;
    let Some(first) = parties.first() else { return Err(Error::not_found("Wallet")) };
    let seller = match query.0.provider_id {
        Some(id) => Some(provider(&cx, id).await?.listing.party_id),
        None => None,
    };
    let visible: Vec<&WalletParty> = parties.iter().filter(|party| may_look(&cx, party).is_ok()).collect();
    if visible.is_empty() {
        may_look(&cx, first)?;
    }
    credits(&cx, &path.0, visible, seller).await.map(Ok200)
}

async fn deposit_credits(
    cx: Cx,
    headers: Headers,
    body: Json<CreditDepositRequest>,
) -> Result<OrReply<Ok200<CreditDepositResponse>>> {
    let amount = amount(&body.0.amount)?;
    let entry = match body.0.provider_id {
        Some(id) => Some(provider(&cx, id).await?),
        None => None,
    };
    let asked = asked(&cx, entry.as_deref(), amount)?;
    let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{} {amount}", asked.resource.url).as_bytes());
    let bill = Bill { asked: &asked, id, path: DEPOSIT, proof_helps: false };
    let error = match header_of(&headers.0) {
        Ok(None) => unsigned_deposit("the PAYMENT-REQUIRED header (x402 version 2) or in `accepts` (version 1)"),
        Err(refusal) => payment_refused(&refusal),
        Ok(Some(text)) => match asked.accept(&cx, text).await {
            Err(refusal) => payment_refused(&refusal),
            Ok((signed, _)) => return credited(&cx, entry, &bill, &signed).await.map(OrReply::Built),
        },
    };
    bill.response(&cx, error).await.map(OrReply::Built)
}

async fn confirm_deposit(
    cx: Cx,
    headers: Headers,
    body: Json<ConfirmDepositRequest>,
) -> Result<OrReply<Ok200<WalletCredits>>> {
    let ConfirmDepositRequest { agent_wallet, tx_hash, amount: text, provider_id } = body.0;
    check_sees(&cx)?;
    check_address(&agent_wallet)?;
    let amount = Some(amount(&text)?);
    let entry = match provider_id {
        Some(id) => Some(provider(&cx, id).await?),
        None => None,
    };
    let seller = entry.as_ref().map(|entry| entry.listing.party_id);
    let named = Named { tx_hash, wallet: agent_wallet, entry, amount };
    match named.credited(&cx, &headers.0).await {
        Ok(_) => own_credits(&cx, &named.wallet, seller).await.map(|credits| OrReply::Usual(Ok200(credits))),
        Err(error) => unproven(&cx, CONFIRM, error).await.map(OrReply::Built),
    }
}

fn amount(text: &str) -> Result<Micros> {
    let amount = Micros::parse(text).map_err(|error| Error::money("amount", error))?;
    if amount <= Micros::ZERO || amount > AMOUNT_MAX {
        return Err(Error::invalid("amount", format!("must be more than 0 and at most {AMOUNT_MAX}")));
    }
    Ok(amount)
}

fn asked(cx: &Cx, entry: Option<&ListingEntry>, amount: Micros) -> Result<Asked> {
    let offers = cx.core.settings.payments.for_deposit(amount, &cx.core.calls.payments().facilitators)?;
    if offers.offers.is_empty() {
        let message = "This server takes no deposits on chain; ask its operator";
        return Err(Error::new(Kind::Unavailable, "no_deposits", message));
    }
    let whose = entry.map_or_else(|| "queries".to_owned(), |entry| format!("queries of {}", entry.listing.name));
    let resource = Resource {
        url: format!("{}{DEPOSIT}", cx.core.settings.public_url),
        description: format!("Deposit of {amount} USDC for {whose}"),
        mime_type: "application/json".to_owned(),
        ..Resource::default()
    };
    Ok(Asked::new(offers, resource, Object::new()))
}

async fn credited(
    cx: &Cx,
    entry: Option<Arc<ListingEntry>>,
    bill: &Bill<'_>,
    signed: &SignedPayment,
) -> Result<Response<Body>> {
    let buyer = payer(&cx.core, cx.caller.as_deref(), signed).await?.party_id;
    let seller = entry.as_ref().map(|entry| entry.listing.party_id);
    let memo = match &entry {
        Some(entry) => format!("Deposit for {}", entry.listing.name),
        None => "Deposit".to_owned(),
    };
    let account = account(buyer, entry.as_deref());
    let (mut response, receipt) =
        match cx.core.calls.deposit(Deposit { signed, account, memo, fingerprint: None }).await? {
            Deposited::Credited { amount, receipt, .. } => {
                let wallet = checksummed(signed.verified.payer);
                let party = WalletParty { party_id: buyer, registered: false };
                let reply = CreditDepositResponse {
                    message: format!("{amount} {} deposited", signed.offer.token().symbol()),
                    deposited: amount.into(),
                    balance: credits(cx, &wallet, vec![&party], seller).await?,
                    transaction: receipt.transaction.clone(),
                };
                (Ok200(reply).write()?, Some(receipt))
            }
            Deposited::Not { error, receipt }
                if matches!(error.kind, Kind::PaymentRequired | Kind::PreconditionFailed) =>
            {
                (bill.response(cx, error).await?, receipt)
            }
            Deposited::Not { error, receipt } => (cx.error_response(&error), receipt),
        };
    show_payment(receipt.as_ref(), &mut response);
    Ok(response)
}

/// What the wallet's own party has, whoever else claims its address.
async fn own_credits(cx: &Cx, wallet: &str, seller: Option<PartyId>) -> Result<WalletCredits> {
    let signer = cx.core.accounts.wallet_signer_find(wallet).await?;
    let party = signer.map(|party_id| WalletParty { party_id, registered: false });
    credits(cx, wallet, party.iter().collect(), seller).await
}

/// What the parties have together: for one seller's calls, or in all.
async fn credits(cx: &Cx, wallet: &str, parties: Vec<&WalletParty>, seller: Option<PartyId>) -> Result<WalletCredits> {
    let (mut posted, mut held) = (Micros::ZERO, Micros::ZERO);
    for party in parties {
        let buyer = party.party_id;
        let accounts = match seller {
            Some(seller) => {
                vec![AccountId::prepaid(buyer, seller), AccountId::promotional(buyer), AccountId::funded(buyer)]
            }
            None => cx.core.wallets.spendable(buyer).await?,
        };
        for account in &accounts {
            let balance = cx.core.wallets.balance_of(account).await?;
            posted = posted.checked_add(balance.posted)?;
            held = held.checked_add(balance.held)?;
        }
    }
    let available = posted.checked_sub(held)?;
    let agent_wallet = wallet.to_owned();
    Ok(WalletCredits { agent_wallet, balance: posted.into(), reserved: held.into(), available: available.into() })
}

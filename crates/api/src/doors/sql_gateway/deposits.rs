//! Money that a wallet has sent on a chain, credited for one provider once somebody names the transaction.
//!
//! Transactions are public, so that the money goes to the wallet that it came from whoever names them; and where wallets
//! have to prove themselves, only their owner says for which provider.

use super::Cx;
use super::wallets::{check_address, spendable, wallet_parties};
use crate::Core;
use crate::doors::wallet_proof::{self as proof, REQUIRED};
use crate::settings::WalletProof;
use farebox_accounts::WalletParty;
use farebox_api_kit::{Body, Headers, Json, Ok200, OrReply, operations};
use farebox_api_types::sql_gateway::{GatewayDepositRequest, GatewayDepositResponse, GatewayDepositTransaction};
use farebox_base::{Error, Kind, ListingId, Micros, PartyId, Result};
use farebox_calls::Arrived;
use farebox_ledger::AccountId;
use farebox_market::ListingEntry;
use http::{HeaderMap, Response};
use std::sync::Arc;
use uuid::Uuid;

operations! {
    core Core, door SqlGateway, tag "Agents";
    POST "/api/deposit" deposit_usdc(Optional) errors(401, 402, 403, 404, 409, 503) rate(Deposit)
        "Credit money that a wallet has sent on a chain";
}

const PATH: &str = "/api/deposit";

async fn deposit_usdc(
    cx: Cx,
    headers: Headers,
    body: Json<GatewayDepositRequest>,
) -> Result<OrReply<Ok200<GatewayDepositResponse>>> {
    let GatewayDepositRequest { tx_hash, agent_wallet, provider_id } = body.0;
    check_sees(&cx)?;
    check_address(&agent_wallet)?;
    let entry = provider(&cx, provider_id).await?;
    let seller = entry.listing.party_id;
    let named = Named { tx_hash, wallet: agent_wallet, entry: Some(entry), amount: None };
    let arrived = match named.credited(&cx, &headers.0).await {
        Ok(arrived) => arrived,
        Err(error) => return unproven(&cx, PATH, error).await.map(OrReply::Built),
    };
    Ok(OrReply::Usual(Ok200(GatewayDepositResponse {
        success: true,
        balance: balance(&cx, &wallet_parties(&cx, &named.wallet).await?, seller).await?.into(),
        transaction: GatewayDepositTransaction {
            tx_hash: arrived.hash().to_owned(),
            amount: arrived.amount.into(),
            verified: true,
        },
    })))
}

/// # Errors
/// `NotFound` where no chain can be asked.
pub(super) fn check_sees(cx: &Cx) -> Result<()> {
    if cx.core.calls.sees_arrivals() {
        return Ok(());
    }
    let message = "This server takes no deposits by transaction; ask its operator";
    Err(Error::new(Kind::NotFound, "no_deposits", message))
}

/// # Errors
/// `Invalid` where there is none.
pub(super) async fn provider(cx: &Cx, id: Uuid) -> Result<Arc<ListingEntry>> {
    let entry = cx.core.market.by_id(ListingId::from_uuid(id)).await?;
    entry.ok_or_else(|| Error::invalid("providerId", "must be the id of a provider"))
}

/// The account of a buyer's money for a provider's calls, or for everybody's.
pub(super) fn account(buyer: PartyId, entry: Option<&ListingEntry>) -> AccountId {
    match entry.map(|entry| entry.listing.party_id) {
        Some(seller) if seller != buyer => AccountId::prepaid(buyer, seller),
        _ => AccountId::funded(buyer),
    }
}

/// A transaction that a request names.
pub(super) struct Named {
    pub tx_hash: String,
    pub wallet: String,
    /// Whom it is for; `None`: everybody.
    pub entry: Option<Arc<ListingEntry>>,
    /// What it has to bring, where that is said.
    pub amount: Option<Micros>,
}

impl Named {
    /// Looks for the transaction first, so that a proof is not used up on one that is not there yet.
    ///
    /// # Errors
    /// Those of `find_arrived` and `credit_arrived`; `Invalid` for another amount; those of the proof.
    pub(super) async fn credited(&self, cx: &Cx, headers: &HeaderMap) -> Result<Arrived> {
        let arrived = cx.core.calls.find_arrived(&self.tx_hash, &self.wallet).await?;
        if self.amount.is_some_and(|amount| amount != arrived.amount) {
            let rule = format!("must be what the transaction moved, {}", arrived.amount.to_fixed6());
            return Err(Error::invalid("amount", rule));
        }
        let buyer = self.owner(cx, headers).await?;
        let memo = match &self.entry {
            Some(entry) => format!("Deposit for {}", entry.listing.name),
            None => "Deposit".to_owned(),
        };
        cx.core.calls.credit_arrived(&arrived, &account(buyer, self.entry.as_deref()), &memo).await?;
        Ok(arrived)
    }

    /// The party that the money belongs to, proven where that is asked for.
    async fn owner(&self, cx: &Cx, headers: &HeaderMap) -> Result<PartyId> {
        let accounts = &cx.core.accounts;
        if let Some(signer) = proof::signer(cx, headers, &self.wallet).await? {
            return Ok(signer);
        }
        if cx.core.settings.wallet_proof == WalletProof::Optional {
            return accounts.wallet_signer(&self.wallet).await;
        }
        let signer = accounts.wallet_signer_find(&self.wallet).await?;
        // A key that only claims the address is not that of the wallet's own party.
        match signer.filter(|signer| cx.caller.as_ref().is_some_and(|caller| caller.party_id == *signer)) {
            Some(signer) => Ok(signer),
            None => {
                let message = "The transaction is there. Transactions are public: prove that agentWallet is yours, sign the \
                               challenge and send it in the SIGN-IN-WITH-X header";
                Err(Error::forbidden(message).with_code(REQUIRED))
            }
        }
    }
}

/// The error, with a challenge where a proof is what lacks.
///
/// # Errors
/// The error itself otherwise.
pub(super) async fn unproven(cx: &Cx, path: &str, error: Error) -> Result<Response<Body>> {
    if error.kind == Kind::Unauthenticated || error.code == REQUIRED {
        return proof::offered(cx, path, cx.error_response(&error)).await;
    }
    Err(error)
}

/// What all of them together can spend at a seller.
pub(super) async fn balance(cx: &Cx, parties: &[WalletParty], seller: PartyId) -> Result<Micros> {
    let mut sum = Micros::ZERO;
    for party in parties {
        sum = sum.checked_add(spendable(cx, party, seller).await?)?;
    }
    Ok(sum)
}

//! Which party a wallet address belongs to.
//!
//! Invariants: an address names at most one party, whatever the case of its digits; a link is never taken away from its
//! party. A link is made by whoever names the address first, so it is a claim: spending from a wallet needs a proof,
//! which is not checked here.

use crate::party::{Party, PartyKind, party_insert_in};
use crate::rules::{wallet_address, wallet_key};
use crate::{Accounts, KEYS_SCOPE};
use farebox_base::{Error, PartyId, Result};
use farebox_db::{Row, Tx, sql, tx};

/// The party of a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalletParty {
    pub party_id: PartyId,
    /// False where the party is nothing but the wallet: nobody has a key for it.
    pub registered: bool,
}

impl Accounts {
    /// The party of an address, `None` where it was never seen.
    ///
    /// # Errors
    /// `Invalid` for field `wallet_address`.
    pub async fn wallet_party(&self, address: &str) -> Result<Option<WalletParty>> {
        let key = wallet_key(wallet_address("wallet_address", address)?);
        let row = self
            .db()
            .one(
                sql!("SELECT p.id, p.kind FROM wallet_link w JOIN party p ON p.id = w.party_id WHERE w.address = $1"),
                &[(&key).into()],
            )
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// The party of an address; one of kind wallet is made where it was never seen.
    ///
    /// # Errors
    /// `Invalid` for field `wallet_address`.
    pub async fn wallet_party_ensure(&self, address: &str) -> Result<WalletParty> {
        tx!(self.db(), tx => { self.wallet_party_ensure_in(tx, address).await })
    }

    /// As `wallet_party_ensure`, inside a transaction that does more.
    ///
    /// # Errors
    /// As `wallet_party_ensure`.
    pub async fn wallet_party_ensure_in(&self, tx: &mut Tx, address: &str) -> Result<WalletParty> {
        let key = wallet_key(wallet_address("wallet_address", address)?);
        if let Some(known) = wallet_party_in(tx, &key).await? {
            return Ok(known);
        }
        let party = self.wallet_only(address, &key);
        if party_insert_in(tx, &party).await? {
            self.wallet_link_insert_in(tx, party.id, &key).await?;
            return Ok(WalletParty { party_id: party.id, registered: false });
        }
        // Somebody else made it since the first look.
        wallet_party_in(tx, &key)
            .await?
            .ok_or_else(|| Error::internal(format!("the handle {key} is taken by a party without that wallet")))
    }

    /// The party of whoever has signed with an address. An account that only claims the address is not that party: what a
    /// wallet pays and brings in belongs to its key.
    ///
    /// # Errors
    /// `Invalid` for field `wallet_address`.
    pub async fn wallet_signer(&self, address: &str) -> Result<PartyId> {
        let key = wallet_key(wallet_address("wallet_address", address)?);
        tx!(self.db(), tx => { self.wallet_signer_in(tx, address, &key).await })
    }

    /// As `wallet_signer`, without making the party: `None` where nobody has signed with the address.
    ///
    /// # Errors
    /// As `wallet_signer`.
    pub async fn wallet_signer_find(&self, address: &str) -> Result<Option<PartyId>> {
        if let Some(WalletParty { party_id, registered: false }) = self.wallet_party(address).await? {
            return Ok(Some(party_id));
        }
        const OWN: &str = sql!("SELECT id FROM party WHERE handle = $1 AND kind = 'wallet'");
        let row = self.db().one(OWN, &[(&wallet_key(address)).into()]).await?;
        row.map(|row| row.get(0)).transpose().map_err(Error::from)
    }

    async fn wallet_signer_in(&self, tx: &mut Tx, address: &str, key: &str) -> Result<PartyId> {
        match wallet_party_in(tx, key).await? {
            Some(WalletParty { party_id, registered: false }) => return Ok(party_id),
            None => return Ok(self.wallet_party_ensure_in(tx, address).await?.party_id),
            Some(_) => {}
        }
        let party = self.wallet_only(address, key);
        if party_insert_in(tx, &party).await? {
            return Ok(party.id);
        }
        let row = tx.one(sql!("SELECT id FROM party WHERE handle = $1 AND kind = 'wallet'"), &[key.into()]).await?;
        row.map_or_else(
            || Err(Error::internal(format!("the handle {key} is taken by no wallet"))),
            |row| Ok(row.get(0)?),
        )
    }

    /// A party that is nothing but a wallet.
    fn wallet_only(&self, address: &str, key: &str) -> Party {
        Party {
            id: PartyId::generate(self.clock(), self.rng()),
            kind: PartyKind::Wallet,
            handle: key.to_owned(),
            name: key.to_owned(),
            wallet_address: Some(address.to_owned()),
            created_at: self.now(),
        }
    }

    /// Links an address to a party, which shows it from now on if it is its first. Linking it again changes nothing.
    ///
    /// # Errors
    /// `Invalid` for field `wallet_address`; `Conflict` (`wallet_taken`) where it belongs to another party.
    pub async fn wallet_link(&self, party: PartyId, address: &str) -> Result<()> {
        tx!(self.db(), tx => { self.wallet_link_in(tx, party, address).await })?;
        self.changes().local(KEYS_SCOPE);
        Ok(())
    }

    /// As `wallet_link`, inside a transaction that does more; after its commit call `Changes::local(KEYS_SCOPE)`.
    ///
    /// # Errors
    /// As `wallet_link`.
    pub async fn wallet_link_in(&self, tx: &mut Tx, party: PartyId, address: &str) -> Result<()> {
        let key = wallet_key(wallet_address("wallet_address", address)?);
        let linked = match wallet_party_in(tx, &key).await? {
            Some(known) => known.party_id,
            None => self.wallet_link_insert_in(tx, party, &key).await?,
        };
        if linked != party {
            return Err(Error::conflict("wallet_taken", "This wallet address is registered already"));
        }
        let shown = tx
            .execute(
                sql!("UPDATE party SET wallet_address = $2 WHERE id = $1 AND wallet_address IS NULL"),
                &[(&party.to_string()).into(), address.into()],
            )
            .await?;
        if shown > 0 { self.changes().bump_in(tx, KEYS_SCOPE).await } else { Ok(()) }
    }

    /// Answers whom the address belongs to now, which may be somebody who was faster.
    async fn wallet_link_insert_in(&self, tx: &mut Tx, party: PartyId, key: &str) -> Result<PartyId> {
        let written = tx
            .execute(
                sql!(
                    "INSERT INTO wallet_link (address, party_id, created_at)
                     VALUES ($1, $2, $3) ON CONFLICT (address) DO NOTHING"
                ),
                &[key.into(), (&party.to_string()).into(), self.now().into()],
            )
            .await?;
        if written == 1 {
            return Ok(party);
        }
        let known = wallet_party_in(tx, key).await?;
        known.map(|known| known.party_id).ok_or_else(|| Error::internal(format!("the link of {key} vanished")))
    }
}

async fn wallet_party_in(tx: &mut Tx, key: &str) -> Result<Option<WalletParty>> {
    let row = tx
        .one(
            sql!("SELECT p.id, p.kind FROM wallet_link w JOIN party p ON p.id = w.party_id WHERE w.address = $1"),
            &[key.into()],
        )
        .await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<WalletParty> {
    Ok(WalletParty { party_id: row.get(0)?, registered: row.get::<&str>(1)? != PartyKind::Wallet.text() })
}

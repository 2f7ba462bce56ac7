//! Challenges for wallets: what one has to sign to show that it is held by the caller.
//!
//! Owns the table `wallet_proof`. Checks no signature: whoever does hands the nonce over afterwards. A challenge is not
//! written down when it is given out, so that asking for many costs nothing; its nonce carries its own end and a seal of
//! this server. Invariants: only nonces that were given out here count, each once for a wallet and before its end, in all
//! processes of one database.

use crate::Accounts;
use crate::rules::{wallet_address, wallet_key};
use farebox_base::{Result, Timestamp};
use farebox_db::{Isolation, sql, tx};
use std::time::Duration;

const SEAL_CONTEXT: &str = "farebox wallet challenge 1";
/// Of a nonce: when it ends in seconds since 1970, a random number, the seal over both.
const END_BYTES: usize = 4;
const SEALED_BYTES: usize = 8;

/// Something to sign, given out once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalletChallenge {
    pub nonce: [u8; 16],
    pub issued_at: Timestamp,
}

impl WalletChallenge {
    /// How long a challenge can be answered.
    pub const VALID_FOR: Duration = Duration::from_secs(300);
}

impl Accounts {
    /// A new challenge.
    pub fn wallet_challenge(&self) -> WalletChallenge {
        let issued_at = self.now();
        let end_s = u32::try_from(issued_at.plus(WalletChallenge::VALID_FOR).seconds()).unwrap_or(u32::MAX);
        let mut random = [0; SEALED_BYTES - END_BYTES];
        self.rng().fill(&mut random);
        let sealed: u64 = u64::from(end_s) << 32 | u64::from(u32::from_be_bytes(random));
        let nonce = u128::from(sealed) << 64 | u128::from(self.seal(sealed));
        WalletChallenge { nonce: nonce.to_be_bytes(), issued_at }
    }

    /// Uses up a challenge that the wallet has answered. `false`: it was not given out here, is over, or was used before.
    ///
    /// # Errors
    /// `Invalid` for field `wallet_address`; those of the database.
    pub async fn wallet_challenge_use(&self, address: &str, nonce: &str) -> Result<bool> {
        let key = wallet_key(wallet_address("wallet_address", address)?);
        let now = self.now();
        let Some(number) = read(nonce) else { return Ok(false) };
        let (sealed, seal) = halves(number);
        let end = Timestamp::from_micros(i64::try_from(sealed >> 32).unwrap_or(0).saturating_mul(1_000_000));
        if blake3::hash(&seal.to_be_bytes()) != blake3::hash(&self.seal(sealed).to_be_bytes()) || end < now {
            return Ok(false);
        }
        const USE: &str = sql!(
            "INSERT INTO wallet_proof (nonce, address, expires_at) VALUES ($1, $2, $3)
             ON CONFLICT (nonce, address) DO NOTHING"
        );
        let nonce = format!("{number:032x}");
        let written = tx!(self.db(), Isolation::ReadCommitted, tx => {
            Ok(tx.execute(USE, &[(&nonce).into(), (&key).into(), end.into()]).await?)
        })?;
        Ok(written == 1)
    }

    /// Removes what is too old to be used again; answers how much that was.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn wallet_proofs_forget(&self) -> Result<u64> {
        // One second late: an end is inclusive and counted in whole seconds.
        let until = self.now().minus(Duration::from_secs(1));
        const FORGET: &str = sql!("DELETE FROM wallet_proof WHERE expires_at < $1");
        tx!(self.db(), Isolation::ReadCommitted, tx => { Ok(tx.execute(FORGET, &[until.into()]).await?) })
    }

    fn seal(&self, sealed: u64) -> u64 {
        let key = blake3::derive_key(SEAL_CONTEXT, self.pepper());
        let hash = blake3::keyed_hash(&key, &sealed.to_be_bytes());
        hash.as_bytes().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

/// 32 hex digits, in any case.
fn read(nonce: &str) -> Option<u128> {
    let is_hex = nonce.len() == 32 && nonce.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u128::from_str_radix(nonce, 16).ok()).flatten()
}

fn halves(number: u128) -> (u64, u64) {
    let low = number & u128::from(u64::MAX);
    (u64::try_from(number >> 64).unwrap_or_default(), u64::try_from(low).unwrap_or_default())
}

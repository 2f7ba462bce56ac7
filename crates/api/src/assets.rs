//! The assets that calls are paid in: so far one, the ledger's unit of account.

use farebox_api_types::platform::AssetInfo;
use farebox_base::{Error, Result};
use uuid::Uuid;

/// Names the asset in requests and replies, on every installation the same.
pub(crate) const LEDGER_ASSET: Uuid = Uuid::from_u128(0x7c1f_5a0e_93d4_4b68_a2d7_0f6e_8b31_c954);
pub(crate) const SYMBOL: &str = "USDC";

const DECIMALS: i32 = 6;

/// The asset as replies describe it. Balances live in this gateway's ledger, so there is no chain and no contract.
pub(crate) fn ledger_asset() -> AssetInfo {
    AssetInfo {
        id: LEDGER_ASSET,
        symbol: SYMBOL.to_owned(),
        name: "USD Coin".to_owned(),
        decimals: DECIMALS,
        network_id: "ledger".to_owned(),
        network_name: "Farebox ledger".to_owned(),
        contract_address: None,
        is_native: false,
        is_stablecoin: true,
    }
}

/// # Errors
/// `Invalid` for `field` where the id names no asset.
pub(crate) fn check(field: &str, id: Uuid) -> Result<()> {
    if id == LEDGER_ASSET {
        return Ok(());
    }
    Err(Error::invalid(field, format!("must be {LEDGER_ASSET} ({SYMBOL}), the one asset of this gateway")))
}

/// # Errors
/// `Invalid` for `field.N` where an id names no asset.
pub(crate) fn check_all(field: &str, ids: &[Uuid]) -> Result<()> {
    ids.iter().enumerate().try_for_each(|(index, id)| check(&format!("{field}.{index}"), *id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ledgers_asset_is_accepted_and_another_is_named() {
        assert!(check_all("accepted_asset_ids", &[LEDGER_ASSET, LEDGER_ASSET]).is_ok());
        let error = check_all("accepted_asset_ids", &[LEDGER_ASSET, Uuid::nil()]).unwrap_err();
        assert_eq!(error.field.as_deref(), Some("accepted_asset_ids.1"));
        assert_eq!(ledger_asset().id.get_version_num(), 4);
    }
}

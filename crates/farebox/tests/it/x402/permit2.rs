//! Permit2 on the stage's chain, with stand-ins for the proxies that payments go through.

use super::stage::{Chain, Stage, payer};
use alloy_primitives::{Address, U256, hex};
use farebox_testkit::app::Ask;
use farebox_testkit::engines::TestDb;
use farebox_x402::chain::abi::permit2::{EXACT_PROXY, PERMIT2, UPTO_PROXY};
use farebox_x402::chain::abi::token::approve;
use farebox_x402::chain::dev::permit2_deploy;
use farebox_x402::chain::rpc::Call;
use farebox_x402::wire::decode_base64_json;
use serde_json::json;
use std::time::Duration;

const EXACT: &str = include_str!("../../../../x402/tests/contracts/exact_proxy.hex");
const UPTO: &str = include_str!("../../../../x402/tests/contracts/upto_proxy.hex");

impl Chain {
    /// Puts the contracts where they belong. Servers look for them when they start.
    pub async fn with_permit2(self) -> Self {
        permit2_deploy(&self.rpc).await.unwrap();
        for (at, code) in [(EXACT_PROXY, EXACT), (UPTO_PROXY, UPTO)] {
            let code = format!("0x{}", code.replace('\n', "").trim_start_matches("0x"));
            self.rpc.call_changing(Call::new("anvil_setCode", json!([at, code]))).await.unwrap();
        }
        self
    }

    /// Lets Permit2 move so much of the payer's token, as payers do once.
    pub async fn approve(&self, units: u64) {
        let of: Address = payer().address();
        let wei = format!(
            "0x{}",
            hex::encode(U256::from(10).pow(U256::from(18)).to_be_bytes::<32>()).trim_start_matches('0')
        );
        self.rpc.call_changing(Call::new("anvil_setBalance", json!([of, wei]))).await.unwrap();
        self.rpc.call_changing(Call::new("anvil_impersonateAccount", json!([of]))).await.unwrap();
        let sent = self.rpc.dev_send(of, self.token.address, &approve(PERMIT2, U256::from(units))).await.unwrap();
        while self.rpc.receipt(sent).await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn permit2_is_offered_where_its_contracts_are() {
    for is_there in [false, true] {
        let place = TestDb::sqlite().await;
        let Some(chain) = Chain::start().await else { return };
        let chain = if is_there { chain.with_permit2().await } else { chain };
        let stage = Stage::on(chain, &place, &[]).await;
        stage.ready().await;
        let asked = stage.app.expect(&Ask::get("/publishers/things/ok"), 402).await;
        let challenge = decode_base64_json(asked.header("payment-required")).unwrap();
        let offers = challenge["accepts"].as_array().unwrap();
        let permit2 = offers.iter().filter(|offer| offer["extra"]["assetTransferMethod"] == "permit2").count();
        assert_eq!((offers.len() - permit2, permit2), (1, usize::from(is_there)), "{challenge}");
    }
}

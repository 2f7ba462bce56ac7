//! How the chains are doing that this server settles on, for the doors' health replies. Asks no chain.

use crate::Core;
use alloy_primitives::U256;
use alloy_primitives::utils::format_ether;
use farebox_api_types::NetworkHealth;
use farebox_x402::evm::address::checksummed;
use farebox_x402::facilitator::Status;

/// The networks with a gas wallet of our own; none where payments on chain are off.
pub(crate) fn network_healths(core: &Core) -> Vec<NetworkHealth> {
    let reports = core.calls.payments().facilitators.reports();
    reports.into_iter().filter_map(|report| report.own).map(shown).collect()
}

fn shown(status: Status) -> NetworkHealth {
    NetworkHealth {
        status: word(&status).to_owned(),
        network: status.network.to_string(),
        gas_wallet: checksummed(status.wallet),
        gas_balance: status.gas.map(|gas| coins(gas.balance_wei)),
        transactions_in_flight: u64::try_from(status.in_flight).unwrap_or(u64::MAX),
    }
}

const fn word(status: &Status) -> &'static str {
    match status.gas {
        Some(gas) if status.reachable && gas.paused => "paused",
        Some(gas) if status.reachable && gas.low => "low_gas",
        Some(_) if status.reachable => "ok",
        _ => "unreachable",
    }
}

/// Without the zeros behind the last digit.
fn coins(wei: U256) -> String {
    format_ether(wei).trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::Address;
    use farebox_x402::chain::GasState;
    use farebox_x402::network::Networks;

    fn status(reachable: bool, gas: Option<(bool, bool)>) -> Status {
        let network = Networks::builtin().unwrap().by_name("base").unwrap().caip2().clone();
        let gas = gas.map(|(low, paused)| GasState { balance_wei: U256::from(5), low, paused });
        let (spans, reorganised) = Default::default();
        Status { network, wallet: Address::ZERO, gas, reachable, in_flight: 2, spans, reorganised }
    }

    #[test]
    fn a_network_is_called_by_its_worst_trouble() {
        for (reachable, gas, expected) in [
            (true, Some((false, false)), "ok"),
            (true, Some((true, false)), "low_gas"),
            (true, Some((true, true)), "paused"),
            (false, Some((true, true)), "unreachable"),
            (true, None, "unreachable"),
        ] {
            assert_eq!(shown(status(reachable, gas)).status, expected);
        }
    }

    #[test]
    fn coins_are_exact_and_have_no_useless_zeros() {
        for (wei, text) in [(0_u64, "0"), (1, "0.000000000000000001"), (1_500_000_000_000_000_000, "1.5")] {
            assert_eq!(coins(U256::from(wei)), text);
        }
        assert_eq!(coins(U256::from(10).pow(U256::from(22))), "10000");
    }
}

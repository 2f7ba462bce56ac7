//! The networks that come with Farebox. The names are those of the contracts' EIP-712 domains, which differ: most say
//! `USD Coin`, some test networks `USDC`. Taken from the tables of the npm packages @x402/evm 2.27.0 and x402 1.2.0.

use super::{NetworkSettings, TokenSettings};

/// Name, chain, address of USDC, name in its domain.
const USDC: &[(&str, u64, &str, &str)] = &[
    ("Base", 8453, "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", "USD Coin"),
    ("Base Sepolia", 84532, "0x036CbD53842c5426634e7929541eC2318f3dCF7e", "USDC"),
    ("Polygon", 137, "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359", "USD Coin"),
    ("Polygon Amoy", 80002, "0x41E94Eb019C0762f9Bfcf9Fb1E58725BfB0e7582", "USDC"),
    ("Avalanche", 43114, "0xB97EF9Ef8734C71904D8002F8b6Bc66Dd9c48a6E", "USD Coin"),
    ("Avalanche Fuji", 43113, "0x5425890298aed601595a70AB815c96711a31Bc65", "USD Coin"),
];

pub(super) fn settings() -> impl Iterator<Item = NetworkSettings> {
    USDC.iter().map(|(name, chain_id, address, domain_name)| NetworkSettings {
        chain_id: *chain_id,
        name: (*name).to_owned(),
        tokens: vec![TokenSettings {
            address: (*address).to_owned(),
            symbol: "USDC".to_owned(),
            decimals: 6,
            name: (*domain_name).to_owned(),
            version: "2".to_owned(),
            has_eip3009: true,
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Network, Networks, TokenSettings};
    use super::*;

    #[test]
    fn the_builtin_networks_are_sound_and_known_to_clients_of_version_1() {
        let networks = Networks::builtin().unwrap();
        assert_eq!(networks.all().len(), 6);
        for network in networks.all() {
            let by_v1 = networks.by_name(network.v1_name().unwrap()).unwrap();
            assert_eq!(by_v1.caip2(), networks.by_name(network.caip2().as_str()).unwrap().caip2());
        }
    }

    #[test]
    fn addresses_keep_the_checksum_that_clients_of_version_1_compare() {
        for (network, (_, _, address, _)) in Networks::builtin().unwrap().all().iter().zip(USDC) {
            assert_eq!(network.tokens()[0].checksummed(), *address);
        }
    }

    #[test]
    fn a_bad_setting_is_refused_with_its_field() {
        let good = || settings().next().unwrap();
        let with_token = |change: fn(&mut TokenSettings)| {
            let mut settings = good();
            change(&mut settings.tokens[0]);
            Network::new(settings).map(|_| ()).unwrap_err().field
        };
        assert_eq!(with_token(|token| token.address = "0x0".into()), "tokens.0.address");
        assert_eq!(with_token(|token| token.symbol = String::new()), "tokens.0.symbol");
        assert_eq!(with_token(|token| token.decimals = 77), "tokens.0.decimals");
        assert_eq!(with_token(|token| token.name = String::new()), "tokens.0.name");
        assert_eq!(with_token(|token| token.version = String::new()), "tokens.0.version");
        let twice = NetworkSettings { tokens: [good().tokens, good().tokens].concat(), ..good() };
        assert_eq!(Network::new(twice).unwrap_err().field, "tokens.1.address");
        assert_eq!(Network::new(NetworkSettings { chain_id: 0, ..good() }).unwrap_err().field, "chain_id");
        assert_eq!(Network::new(NetworkSettings { name: String::new(), ..good() }).unwrap_err().field, "name");
        let same = [Network::new(good()).unwrap(), Network::new(good()).unwrap()];
        assert_eq!(Networks::new(same).unwrap_err().field, "networks.1.chain_id");
    }
}

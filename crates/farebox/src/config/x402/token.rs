//! A token as one line of text, so that the environment can say it too:
//! `address=0x…;symbol=USDC;decimals=6;name=USD Coin;version=2;methods=eip3009+permit2`.

use farebox_x402::network::{Method, TokenSettings};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::str::FromStr;

/// What a token's parts are called; the last may be left out.
const PARTS: [&str; 6] = ["address", "symbol", "decimals", "name", "version", "methods"];

/// A token, not yet checked against its network.
#[derive(Debug, Clone)]
pub struct TokenLine(TokenSettings);

impl TokenLine {
    pub fn settings(&self) -> TokenSettings {
        self.0.clone()
    }

    fn text(&self) -> String {
        let TokenSettings { address, symbol, decimals, name, version, has_eip3009 } = &self.0;
        let methods = if *has_eip3009 { "eip3009+permit2" } else { "permit2" };
        format!("address={address};symbol={symbol};decimals={decimals};name={name};version={version};methods={methods}")
    }
}

impl PartialEq for TokenLine {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl FromStr for TokenLine {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut values: [Option<&str>; PARTS.len()] = [None; PARTS.len()];
        for part in text.split(';').filter(|part| !part.trim().is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let slot = PARTS.iter().position(|known| *known == name.trim()).and_then(|at| values.get_mut(at));
            let Some(slot) = slot else {
                return Err(format!("must hold parts named {}, not {:?}", PARTS.join(", "), name.trim()));
            };
            if slot.replace(value.trim()).is_some() {
                return Err(format!("must not hold the part {} twice", name.trim()));
            }
        }
        let [address, symbol, decimals, name, version, methods] = values;
        let need = |value: Option<&str>, part: &str| {
            value.map(str::to_owned).ok_or_else(|| format!("must hold the part {part}, as in {part}=…"))
        };
        let decimals = need(decimals, "decimals")?;
        Ok(Self(TokenSettings {
            address: need(address, "address")?,
            symbol: need(symbol, "symbol")?,
            decimals: decimals.parse().map_err(|_| "must have decimals of 0 to 36".to_owned())?,
            name: need(name, "name")?,
            version: need(version, "version")?,
            has_eip3009: methods.map_or(Ok(true), has_eip3009)?,
        }))
    }
}

/// Permit2 moves any token, so that only EIP-3009 can be missing.
fn has_eip3009(methods: &str) -> Result<bool, String> {
    let mut found = false;
    for method in methods.split('+') {
        match Method::parse(method.trim()) {
            Some(Method::Eip3009) => found = true,
            Some(Method::Permit2) => {}
            None => return Err("must have methods of eip3009, permit2 or eip3009+permit2".to_owned()),
        }
    }
    Ok(found)
}

impl<'de> Deserialize<'de> for TokenLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for TokenLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

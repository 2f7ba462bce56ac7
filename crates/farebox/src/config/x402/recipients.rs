//! The addresses that other servers may be paid at through this one: a list of addresses, or `*` alone.

use farebox_x402::evm::address::{AddressError, checksummed, parse_checked};
use farebox_x402::facilitator::Recipients;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// See `default.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientList(Recipients);

impl From<RecipientList> for Recipients {
    fn from(list: RecipientList) -> Self {
        list.0
    }
}

impl<'de> Deserialize<'de> for RecipientList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        if texts.iter().any(|text| text == "*") {
            return match texts.len() {
                1 => Ok(Self(Recipients::Everybody)),
                _ => Err(D::Error::custom("must hold \"*\" alone or addresses")),
            };
        }
        let read = |text: &String| {
            parse_checked(text).map_err(|error| match error {
                AddressError::Shape => {
                    D::Error::custom("must hold \"*\" or addresses: 40 hex digits after 0x, and not zero")
                }
                AddressError::Checksum => D::Error::custom(format!("holds {text}, which {error}")),
            })
        };
        texts.iter().map(read).collect::<Result<_, _>>().map(|known| Self(Recipients::Only(known)))
    }
}

impl Serialize for RecipientList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Recipients::Everybody => serializer.collect_seq(["*"]),
            Recipients::Only(known) => serializer.collect_seq(known.iter().map(|address| checksummed(*address))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<RecipientList, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn it_is_nobody_somebody_or_everybody() {
        assert_eq!(read("[]"), Ok(RecipientList(Recipients::Only(Vec::new()))));
        assert_eq!(read("[\"*\"]"), Ok(RecipientList(Recipients::Everybody)));
        let one = "[\"0x742d35cC6634c0532925A3b844bc9E7595F0beB1\"]";
        assert!(matches!(read(one), Ok(RecipientList(Recipients::Only(known))) if known.len() == 1));
        assert!(read("[\"*\", \"0x742d35cC6634c0532925A3b844bc9E7595F0beB1\"]").unwrap_err().contains("alone"));
        assert!(read("[\"0x12\"]").unwrap_err().contains("40 hex digits"));
        let mistyped = read("[\"0x742d35Cc6634C0532925a3b844Bc9e7595f0bEb1\"]").unwrap_err();
        assert!(
            mistyped.contains("0x742d35Cc6634C0532925a3b844Bc9e7595f0bEb1, which must have the checksum"),
            "{mistyped}"
        );
    }
}

//! What the structs look like on the wire: samples per door, and the platform door against its contract.

#[cfg(test)]
mod marketplace;
#[cfg(test)]
mod platform;
#[cfg(test)]
mod platform_contract;
#[cfg(test)]
mod sql_gateway;

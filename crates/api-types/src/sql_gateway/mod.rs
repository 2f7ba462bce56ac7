//! The SQL gateway door: providers and their prices, balances, deposits, queries, transactions, health, the catalog.
//!
//! Field names are camel case. Amounts are USDC text with six digits after the point; only the two numbers of a
//! price are JSON numbers, read and written digit for digit. The catalog's optional fields are left out, not null.

mod balance;
mod catalog;
mod credits;
mod deposit;
mod health;
mod pricing;
mod provider;
mod query;
mod transaction;

pub use balance::ProviderBalance;
pub use catalog::{CatalogEntry, CatalogKind, CatalogPublishers, CatalogQuery, CatalogType};
pub use credits::{ConfirmDepositRequest, CreditDepositRequest, CreditDepositResponse, CreditQuery, WalletCredits};
pub use deposit::{GatewayDepositRequest, GatewayDepositResponse, GatewayDepositTransaction};
pub use health::SqlGatewayHealth;
pub use pricing::{ProviderPricing, SetPricingRequest};
pub use provider::{Provider, RegisterProviderRequest, RegisterProviderResponse};
pub use query::{PaymentSettlement, SqlQueryRequest, SqlQueryResponse};
pub use transaction::{GatewayTransaction, GatewayTransactionKind, GatewayTransactions, GatewayTransactionsQuery};

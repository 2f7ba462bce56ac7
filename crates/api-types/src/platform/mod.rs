//! The platform door: agents, users and keys, publishers and their prices, estimates and queries, the wallet.
//!
//! Names, types and nullability are those of the door's contract; `tests/platform_contract.rs` compares them.

mod agent;
mod api_key;
mod auth;
mod create_publisher;
mod endpoint;
mod organization;
mod payment;
mod pricing;
mod publisher_kind;
mod publisher_parts;
mod publisher_response;
mod query;
mod role;
mod update_publisher;
mod user;
mod wallet;
mod wallet_transaction;

pub use agent::{
    AgentInfo, AgentRegisterRequest, AgentRegisterResponse, PublisherTypeInstructions, SetupInstructions, SkillFiles,
};
pub use api_key::{ApiKeyCreated, ApiKeyInfo, ApiKeyType, CreateApiKeyRequest};
pub use auth::{
    AccountSecurity, AgentUpdateRequest, AgentUpdateResponse, AuthProvider, ForgotPasswordRequest, LoginRequest,
    LoginResult, LogoutResult, PasswordReset, PasswordResetSent, PasswordUpdated, RefreshTokenRequest,
    ResendVerificationRequest, ResetPasswordRequest, Session, SessionsRevoked, SignupRequest, SignupResult,
    TokenRefresh, UpdatePasswordRequest, VerificationSent, VerifyEmailRequest,
};
pub use create_publisher::CreatePublisherRequest;
pub use endpoint::{EndpointAccess, EndpointDefinition, HttpMethod, ParamType, QueryParamDefinition};
pub use organization::{
    AcceptOrganizationInviteRequest, AcceptOrganizationInviteResult, CreateOrganizationInviteRequest, Organization,
    OrganizationInvite, OrganizationMemberWithUser, Slug, UpdateApiKeyScopesRequest,
};
pub use payment::{OnchainDepositRequest, OnchainDepositResponse, SupportedKind, SupportedResponse};
pub use pricing::{PricingConfigResponse, PricingModel, UpdatePricingRequest};
pub use publisher_kind::{
    ComputeType, DatabaseType, IntegrationType, PublisherCategory, PublisherType, UndocumentedEndpointPolicy,
    WalletAddress,
};
pub use publisher_parts::{AssetInfo, GeoRoutingConfig, GeoRoutingMode, McpDiscoveryStatus, UsageExample};
pub use publisher_response::{
    ComputePart, DatabasePart, IntegrationPart, OwnershipPart, PublisherResponse, TokenExchangePart,
};
pub use query::{
    DatabaseQueryRequest, EstimateRequestBody, EstimateResponse, ListPublishersQuery, PublisherRootRequest,
};
pub use role::{AssignRoleRequest, CreateRoleRequest, Permission, RbacRole, UpdateRoleRequest};
pub use update_publisher::UpdatePublisherRequest;
pub use user::{Email, UserInfo, UserMe, UserStatus};
pub use wallet::{
    AgentCreditSource, BonusClaimResponse, ReceivedTransferNotificationSummary, WalletBalanceKind,
    WalletBalanceResponse, WalletSourceBalance,
};
pub use wallet_transaction::{
    WalletExportQuery, WalletTransactionDirection, WalletTransactionHistoryResponse, WalletTransactionResponse,
    WalletTransactionsQuery,
};

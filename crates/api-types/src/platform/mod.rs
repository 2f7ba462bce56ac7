//! The platform door: agents, users and keys, publishers and their prices, estimates and queries, the wallet.
//!
//! Names, types and nullability are those of the door's contract; `tests/platform_contract.rs` compares them.

mod agent;
mod api_key;
mod audit_log;
mod auth;
mod create_publisher;
mod custom_skill;
mod database;
mod endpoint;
mod oauth_connection;
mod oauth_provider;
mod organization;
mod payment;
mod pricing;
mod private_chat_policy;
mod publisher_kind;
mod publisher_logo;
mod publisher_parts;
mod publisher_response;
mod query;
mod role;
mod update_publisher;
mod user;
mod vpc_endpoint;
mod wallet;
mod wallet_transaction;

pub use agent::{
    AgentInfo, AgentRegisterRequest, AgentRegisterResponse, PublisherTypeInstructions, SetupInstructions, SkillFiles,
};
pub use api_key::{ApiKeyCreated, ApiKeyInfo, ApiKeyType, CreateApiKeyRequest};
pub use audit_log::{AuditLog, AuditLogList, AuditLogsQuery};
pub use auth::{
    AccountSecurity, AgentUpdateRequest, AgentUpdateResponse, AuthProvider, ForgotPasswordRequest, LoginRequest,
    LoginResult, LogoutResult, PasswordReset, PasswordResetSent, PasswordUpdated, RefreshTokenRequest,
    ResendVerificationRequest, ResetPasswordRequest, Session, SessionsRevoked, SignupRequest, SignupResult,
    TokenRefresh, UpdatePasswordRequest, VerificationSent, VerifyEmailRequest,
};
pub use create_publisher::CreatePublisherRequest;
pub use custom_skill::{
    BundleConditions, CreateOrganizationCustomSkillRequest, CreateOrganizationCustomSkillRevisionRequest,
    CustomSkillFileQuery, ListCustomSkillsQuery, OrganizationCustomSkill, OrganizationCustomSkillFileContent,
    OrganizationCustomSkillFileInput, OrganizationCustomSkillFileMetadata, OrganizationCustomSkillRevision,
    OrganizationCustomSkillRevisionStatus, OrganizationCustomSkillRevisionSummary, OrganizationCustomSkillStatus,
    UpdateOrganizationCustomSkillRequest,
};
pub use database::DatabaseWithContext;
pub use endpoint::{EndpointAccess, EndpointDefinition, HttpMethod, ParamType, QueryParamDefinition};
pub use oauth_connection::{
    AuthorizationStarted, AuthorizeQuery, ConnectionsResponse, MultipleOAuthConnectionsAmbiguousResponse,
    OAuthCallbackQuery, RevokeResponse, SetDefaultConnectionResponse, UserOAuthConnectionResponse,
};
pub use oauth_provider::{
    CreateOAuthProviderRequest, OAuthProviderResponse, ProvidersResponse, PublisherOAuthProviderResponse,
    TokenEndpointAuthMethod, UpdateOAuthProviderRequest,
};
pub use organization::{
    AcceptOrganizationInviteRequest, AcceptOrganizationInviteResult, CreateOrganizationInviteRequest, Organization,
    OrganizationInvite, OrganizationMemberWithUser, Slug, UpdateApiKeyScopesRequest,
};
pub use payment::{OnchainDepositRequest, OnchainDepositResponse, SupportedKind, SupportedResponse};
pub use pricing::{PricingConfigResponse, PricingModel, UpdatePricingRequest};
pub use private_chat_policy::{
    OrganizationPrivateChatMode, OrganizationPrivateChatPolicy, PrivateChatSessionDatabase, PrivateOutputPolicy,
    SessionDatabaseEngine, SessionDatabaseProvider, UpdateOrganizationPrivateChatPolicyRequest,
};
pub use publisher_kind::{
    ComputeType, DatabaseType, IntegrationType, PublisherCategory, PublisherType, UndocumentedEndpointPolicy,
    WalletAddress,
};
pub use publisher_logo::{LogoQuery, LogoUploadRequest, LogoUploadResponse};
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
pub use vpc_endpoint::{
    CreateOrganizationVpcEndpointRequest, ListVpcEndpointsQuery, OrganizationVpcEndpoint, VpcEndpointState,
};
pub use wallet::{
    AgentCreditSource, BonusClaimResponse, ReceivedTransferNotificationSummary, WalletBalanceKind,
    WalletBalanceResponse, WalletPrepaidBalance, WalletPrepaidPublisher, WalletSourceBalance,
};
pub use wallet_transaction::{
    WalletExportQuery, WalletTransactionDirection, WalletTransactionHistoryResponse, WalletTransactionResponse,
    WalletTransactionsQuery,
};

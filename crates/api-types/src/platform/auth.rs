//! How people sign up, in and out, and get back in: everything below `/auth` but the agents' registration.

use super::{Email, UserInfo};
use crate::wire_enum::wire_enum;
use crate::{Secret, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Opens an account for a person.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct SignupRequest {
    pub email: Email,
    /// 12 to 128 characters of any kind.
    #[schemars(example = &"correct horse battery staple")]
    pub password: Secret,
    /// The name to show.
    #[schemars(example = &"Ada Lovelace")]
    pub name: String,
    /// The word of whoever recommended this gateway. Nothing follows from it so far.
    pub referral_code: Option<String>,
}

/// What was opened. The account is of use once the link in the mail was followed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SignupResult {
    pub user: UserInfo,
    pub message: String,
}

/// Signs a person in.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct LoginRequest {
    pub email: Email,
    pub password: Secret,
}

/// A person's new session.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LoginResult {
    /// To be sent as `Authorization: Bearer`.
    pub access_token: Secret,
    /// To be exchanged at `POST /auth/refresh`, once.
    pub refresh_token: Secret,
    /// Until the access token is over, in seconds.
    pub expires_in: i64,
    pub user: UserInfo,
    /// The organisation that paths mean by `default`.
    pub default_organization_id: Uuid,
}

/// Exchanges a refresh token.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct RefreshTokenRequest {
    pub refresh_token: Secret,
}

/// The session's next credentials; the token that was sent is of no use any more.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TokenRefresh {
    pub access_token: Secret,
    pub refresh_token: Secret,
    /// Until the access token is over, in seconds.
    pub expires_in: i64,
}

/// Takes the token of a verification mail.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct VerifyEmailRequest {
    pub token: Secret,
}

/// Asks for the mail of a sign-up again.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ResendVerificationRequest {
    pub email: Email,
}

/// Asks for the mail that a new password can be chosen with.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ForgotPasswordRequest {
    pub email: Email,
}

/// Chooses a new password by the token of a mail.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ResetPasswordRequest {
    pub token: Secret,
    /// 12 to 128 characters of any kind.
    pub new_password: Secret,
}

/// Chooses a new password.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct UpdatePasswordRequest {
    pub current_password: Secret,
    /// 12 to 128 characters of any kind.
    pub new_password: Secret,
}

macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Serialize, JsonSchema)]
        pub struct $name {
            /// For people.
            pub message: String,
        }
    )*};
}

messages! {
    /// The session is over.
    LogoutResult,
    /// A mail is on its way, if there is an account.
    PasswordResetSent,
    /// The new password is in force.
    PasswordReset,
    /// The new password is in force.
    PasswordUpdated,
    /// A mail is on its way, if somebody signed up and did not confirm it.
    VerificationSent
}

wire_enum! {
    /// Another service that one signs in by.
    AuthProvider { Google = "google", Github = "github", Microsoft = "microsoft", Apple = "apple" }
}

/// How the caller's user signs in.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AccountSecurity {
    pub has_password: bool,
    pub auth_providers: Vec<AuthProvider>,
}

/// Names the address of the agent's owner.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct AgentUpdateRequest {
    /// Where the mail goes that proves it.
    #[schemars(example = &"owner@example.com")]
    pub email: String,
}

/// The agent with its new address.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AgentUpdateResponse {
    pub id: Uuid,
    pub name: String,
    pub email: Email,
    /// False until the link in the mail was followed.
    pub email_verified: bool,
    /// Whether a mail with a verification link was asked for.
    pub verification_sent: bool,
    pub message: String,
}

/// A session that goes on.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Session {
    pub id: Uuid,
    pub user_agent: Option<String>,
    pub ip_address: Option<String>,
    pub created_at: Time,
    /// When it was begun or refreshed last.
    pub last_active_at: Time,
    pub expires_at: Time,
    /// Whether the request came with it.
    pub is_current: bool,
}

/// Sessions that were ended.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SessionsRevoked {
    pub message: String,
    #[schemars(range(min = 0))]
    pub revoked_count: i64,
}

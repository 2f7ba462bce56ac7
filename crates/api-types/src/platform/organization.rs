//! Organisations, their members and the invitations to them.

use super::Email;
use crate::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Part of an address, unique among its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Slug(pub String);

/// An organization that the caller belongs to.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Organization {
    pub id: Uuid,
    pub name: String,
    pub slug: Slug,
    /// The member who has been there longest.
    pub created_by: Uuid,
    /// Made for one user when he registered.
    pub is_personal: bool,
    /// Always null: cards are not taken through it.
    pub stripe_customer_id: Option<String>,
    pub created_at: Time,
    pub updated_at: Time,
    /// Always null in lists.
    pub deleted_at: Option<Time>,
}

/// A member with what others may know of his user.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OrganizationMemberWithUser {
    /// The same as `user_id`: a user is a member of an organization once.
    pub id: Uuid,
    pub organization_id: Uuid,
    pub user_id: Uuid,
    pub email: Email,
    pub name: Option<String>,
    /// The name of the role.
    pub role: String,
    pub created_at: Time,
}

/// Invites an address.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CreateOrganizationInviteRequest {
    pub email: String,
    /// The name of a role; `member`, which stands for viewer, where absent.
    pub role: Option<String>,
}

/// An invitation, without its token: that is in the mail only.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OrganizationInvite {
    pub id: Uuid,
    pub organization_id: Uuid,
    pub email: String,
    pub role: String,
    /// The user who sent it.
    pub invited_by: Uuid,
    pub created_at: String,
    pub expires_at: String,
    pub accepted_at: Option<String>,
    pub revoked_at: Option<String>,
}

/// Accepts an invitation.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct AcceptOrganizationInviteRequest {
    /// The token of the mail's link.
    pub token: String,
}

/// A membership that an invitation has just given.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AcceptOrganizationInviteResult {
    pub organization_id: Uuid,
    pub organization_name: String,
    pub role: String,
    /// Always null: affiliates are not rewarded yet.
    pub affiliate_referral_code: Option<String>,
}

/// Replaces what a key is narrowed to.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct UpdateApiKeyScopesRequest {
    /// Names of permissions, at least one.
    pub scopes: Vec<String>,
}

//! Who did or tried what in an organisation.

use crate::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Narrows and pages the log. What is given must all hold.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct AuditLogsQuery {
    /// The user, or the key that belongs to no user.
    pub actor_id: Option<Uuid>,
    /// The operation.
    #[schemars(example = &"create_publisher")]
    pub action: Option<String>,
    /// What kind of thing it was about.
    #[schemars(example = &"publisher")]
    pub resource_type: Option<String>,
    /// The thing.
    pub resource_id: Option<Uuid>,
    /// What came of it: `success`, `failure` or `denied`.
    pub status: Option<String>,
    /// The category of the kind of thing.
    #[schemars(example = &"listing")]
    pub action_category: Option<String>,
    /// From this moment on: an RFC 3339 time, or a day, `YYYY-MM-DD`, from midnight UTC.
    #[schemars(example = &"2026-03-19T10:00:00Z")]
    pub start_date: Option<String>,
    /// Up to and with this moment, or this day.
    #[schemars(example = &"2026-03-31")]
    pub end_date: Option<String>,
    /// How many to show at most: 50 unless told, never more than 100.
    pub limit: Option<i64>,
    /// How many newer ones to skip.
    pub offset: Option<i64>,
}

/// One page of the log, newest first.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AuditLogList {
    pub data: Vec<AuditLog>,
    /// How many there are on all pages, exactly.
    pub total: i64,
    pub limit: i64,
    pub offset: i64,
}

/// One line of the log.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AuditLog {
    /// Sorts by time.
    pub id: Uuid,
    pub created_at: Time,
    pub organization_id: Option<Uuid>,
    /// What `actor_id` is the id of: `user` or `api_key`; `anonymous` without one.
    pub actor_type: String,
    pub actor_id: Option<Uuid>,
    /// The operation.
    pub action: String,
    pub action_category: Option<String>,
    /// What kind of thing it was about.
    pub resource_type: String,
    /// The thing, where it has a UUID.
    pub resource_id: Option<Uuid>,
    /// `success`, `failure`, or `denied` where it was not allowed.
    pub status: String,
    /// What the caller was told; of broken rules only which field broke one.
    pub error_message: Option<String>,
    pub ip_address: Option<String>,
    pub user_agent: Option<String>,
    /// Names the request in the server's log.
    pub request_id: Option<String>,
    /// `door`, `path`, `http_status`, `error_code`, the `api_key_id` that was used, and `left_out`: refusals before this
    /// one that were too many to be recorded.
    pub metadata: serde_json::Value,
}

//! A line of the log: as it is handed in, and as it stands.

use farebox_base::{ApiKeyId, PartyId, Timestamp, UserId};
use std::net::IpAddr;
use uuid::Uuid;

/// The longest texts that are kept, in characters; what is longer is cut.
const ERROR_MAX: usize = 400;
const USER_AGENT_MAX: usize = 256;
const REQUEST_ID_MAX: usize = 128;

/// Who acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A user, by a session or by a key that was made for them.
    User(UserId),
    /// A key that belongs to nobody in particular.
    Key(ApiKeyId),
    /// Nobody whose credentials were valid.
    Anonymous,
}

/// What kind of thing an actor's id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActorType {
    User,
    ApiKey,
    Anonymous,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    Success,
    /// It could not be done.
    Failure,
    /// It was not allowed.
    Denied,
}

/// What is to be recorded.
#[derive(Clone, Debug)]
pub struct NewLine {
    pub party: Option<PartyId>,
    pub actor: Actor,
    pub action: String,
    pub category: String,
    pub resource_type: String,
    pub resource_id: Option<Uuid>,
    pub status: Status,
    /// In words that the caller may read.
    pub error: Option<String>,
    pub address: Option<IpAddr>,
    pub user_agent: Option<String>,
    pub request_id: Option<String>,
    pub metadata: serde_json::Map<String, serde_json::Value>,
}

/// A line as it stands: texts as they are stored and hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// A UUID that sorts by time.
    pub id: String,
    pub at: Timestamp,
    pub party_id: Option<String>,
    pub actor_type: String,
    pub actor_id: Option<String>,
    pub action: String,
    pub category: String,
    pub resource_type: String,
    pub resource_id: Option<String>,
    pub status: String,
    pub error: Option<String>,
    pub address: Option<String>,
    pub user_agent: Option<String>,
    pub request_id: Option<String>,
    /// A JSON object.
    pub metadata: String,
}

impl NewLine {
    /// With every text in a form that both engines keep and a page can show.
    pub(crate) fn into_line(self, id: Uuid, at: Timestamp) -> Line {
        let metadata = serde_json::Value::Object(self.metadata).to_string();
        Line {
            id: id.to_string(),
            at,
            party_id: self.party.map(|party| party.to_string()),
            actor_type: self.actor.actor_type().text().to_owned(),
            actor_id: self.actor.id().map(|id| id.to_string()),
            action: self.action,
            category: self.category,
            resource_type: self.resource_type,
            resource_id: self.resource_id.map(|id| id.to_string()),
            status: self.status.text().to_owned(),
            error: self.error.map(|text| plain(&text, ERROR_MAX)),
            address: self.address.map(|address| address.to_string()),
            user_agent: self.user_agent.map(|text| plain(&text, USER_AGENT_MAX)),
            request_id: self.request_id.map(|text| plain(&text, REQUEST_ID_MAX)),
            metadata,
        }
    }
}

/// Without control characters, NUL among them, and cut.
fn plain(text: &str, chars_max: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(chars_max).collect()
}

impl Actor {
    pub const fn actor_type(self) -> ActorType {
        match self {
            Actor::User(_) => ActorType::User,
            Actor::Key(_) => ActorType::ApiKey,
            Actor::Anonymous => ActorType::Anonymous,
        }
    }

    pub const fn id(self) -> Option<Uuid> {
        match self {
            Actor::User(id) => Some(id.uuid()),
            Actor::Key(id) => Some(id.uuid()),
            Actor::Anonymous => None,
        }
    }
}

impl ActorType {
    pub const fn text(self) -> &'static str {
        match self {
            ActorType::User => "user",
            ActorType::ApiKey => "api_key",
            ActorType::Anonymous => "anonymous",
        }
    }
}

impl Status {
    pub const ALL: [Status; 3] = [Status::Success, Status::Failure, Status::Denied];

    pub const fn text(self) -> &'static str {
        match self {
            Status::Success => "success",
            Status::Failure => "failure",
            Status::Denied => "denied",
        }
    }

    /// `None` for any other word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.text() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_and_rid_of_what_no_store_keeps() {
        assert_eq!(plain("a\0b\u{7f}\nc\u{2028}é", 100), "abc\u{2028}é");
        assert_eq!(plain(&"é".repeat(300), 256).chars().count(), 256);
    }
}

//! From a request that the kit tells of to a line of the audit log.
//!
//! Owns who counts as the actor, in whose log a line belongs, the categories, and how many refusals are recorded: a flood
//! of them must not fill the disk. What is left out is counted, and the next refusal that is recorded says how many.

use crate::Core;
use crate::limits::{Limits, Rate, Subject};
use farebox_accounts::Caller;
use farebox_api_kit::{Attempt, Operation};
use farebox_audit::{Actor, NewLine, Status};
use farebox_base::{ApiKeyId, PartyId};
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

/// How many times as many refusals of strangers are recorded from everywhere as from one address.
const EVERYWHERE: u32 = 20;

/// Logs for which it is remembered how many refusals have no line.
const UNSAID_MAX: usize = 10_000;

/// Refusals that are left out: since the start, and of each log since its last line of a refusal.
#[derive(Debug, Default)]
pub struct LeftOut {
    total: AtomicU64,
    unsaid: Mutex<HashMap<Option<PartyId>, u64>>,
}

impl LeftOut {
    /// Since the start.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    fn one_more(&self, of: Option<PartyId>) {
        self.total.fetch_add(1, Ordering::Relaxed);
        let mut unsaid = self.unsaid.lock();
        if unsaid.len() < UNSAID_MAX || unsaid.contains_key(&of) {
            *unsaid.entry(of).or_default() += 1;
        }
    }

    /// How many lines one log lacks, to be said once.
    fn say(&self, of: Option<PartyId>) -> Option<u64> {
        self.unsaid.lock().remove(&of)
    }
}

/// What a line says beside its fields: these and nothing else.
#[derive(Serialize)]
struct Metadata {
    door: &'static str,
    path: &'static str,
    http_status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
    /// Of the key that was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key_id: Option<Uuid>,
    /// Refusals before this one that have no line in the same log.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<u64>,
}

/// The line of an attempt; `None` where it is one refusal too many.
pub(crate) fn line(core: &Core, limits: &Limits, left_out: &LeftOut, attempt: Attempt<Caller>) -> Option<NewLine> {
    let (status, party) = (status(attempt.status), party(&attempt));
    let is_bounded = is_bounded(&attempt);
    if is_bounded && !is_recorded(core, limits, &attempt) {
        left_out.one_more(party);
        return None;
    }
    let metadata = Metadata {
        door: attempt.door.name(),
        path: attempt.path,
        http_status: attempt.status,
        error_code: attempt.refusal.as_ref().map(|refusal| refusal.code),
        api_key_id: attempt.caller.as_deref().and_then(Caller::api_key_id).map(ApiKeyId::uuid),
        left_out: is_bounded.then(|| left_out.say(party)).flatten(),
    };
    Some(NewLine {
        party,
        actor: actor(&attempt),
        action: attempt.operation.to_owned(),
        category: category(&attempt.resource_type).to_owned(),
        resource_id: attempt.resource.as_deref().and_then(|text| Uuid::try_parse(text).ok()),
        resource_type: attempt.resource_type,
        status,
        error: attempt.refusal.map(|refusal| refusal.message),
        address: Some(attempt.peer),
        user_agent: attempt.user_agent,
        request_id: Some(attempt.request_id.text().to_owned()),
        metadata: match serde_json::to_value(metadata) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        },
    })
}

fn status(http: u16) -> Status {
    match http {
        401 | 403 | 429 => Status::Denied,
        400.. => Status::Failure,
        _ => Status::Success,
    }
}

/// Whether it may be left out where there are too many. What a caller may have done is never left out: neither successes,
/// nor what broke off in the middle.
fn is_bounded(attempt: &Attempt<Caller>) -> bool {
    match attempt.caller {
        Some(_) => (400..499).contains(&attempt.status),
        None => attempt.status >= 400,
    }
}

/// Whether one more refusal is recorded: of a caller by their key, of strangers by address and from everywhere.
fn is_recorded(core: &Core, limits: &Limits, attempt: &Attempt<Caller>) -> bool {
    let per_minute = core.settings.limits.audited_refusals_per_minute;
    let now = core.clock.ticks();
    let take = |subject, times: u32| {
        let most = per_minute.saturating_mul(times);
        limits.take(subject, Rate::per_minute(most, most), now).allowed
    };
    match &attempt.caller {
        Some(caller) => take(Subject::RefusedCaller(caller.party_id), 1),
        None => take(Subject::RefusedStranger(attempt.peer), 1) && take(Subject::RefusedStrangers, EVERYWHERE),
    }
}

fn actor(attempt: &Attempt<Caller>) -> Actor {
    match (&attempt.caller, attempt.doer) {
        (Some(caller), _) => {
            let user = caller.user_id.map(Actor::User);
            user.or_else(|| caller.api_key_id().map(Actor::Key)).unwrap_or(Actor::Anonymous)
        }
        (None, Some(doer)) => Actor::User(doer.user),
        (None, None) => Actor::Anonymous,
    }
}

/// The organisation that the handler told, or that the path names, if the caller belongs to it, else his own. A stranger's
/// attempts are in nobody's log but his: whoever can guess an id could fill it.
fn party(attempt: &Attempt<Caller>) -> Option<PartyId> {
    match &attempt.caller {
        Some(_) if attempt.doer.is_some_and(|doer| doer.party.is_some()) => attempt.doer.and_then(|doer| doer.party),
        Some(caller) => {
            let named = attempt.organization.as_deref().and_then(PartyId::parse);
            Some(named.filter(|party| caller.membership(*party).is_some()).unwrap_or(caller.party_id))
        }
        None => attempt.doer.and_then(|doer| doer.party),
    }
}

/// Every resource type has one category.
fn category(resource_type: &str) -> &'static str {
    match resource_type {
        "auth" | "account" | "session" | "api_key" => "access",
        "invite" | "member" | "role" | "private_chat_policy" | "plan" => "organization",
        "publisher" | "service" | "provider" | "custom_skill" | "custom_skill_revision" | "template" => "listing",
        "wallet" | "credit" | "deposit" => "money",
        _ if resource_type.starts_with("billing") => "money",
        _ if resource_type.starts_with("oauth") => "oauth",
        _ if resource_type.starts_with("vpc") => "network",
        _ => "other",
    }
}

/// What the lines of an operation say it is about: the kind of thing, and its category. `None` where it leaves no lines.
pub fn audited(operation: &Operation<Core>) -> Option<(String, &'static str)> {
    let resource_type = operation.audited_kind()?;
    let category = category(&resource_type);
    Some((resource_type, category))
}

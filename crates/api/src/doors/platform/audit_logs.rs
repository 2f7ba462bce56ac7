//! The audit log of an organisation.

use super::Cx;
use crate::Core;
use crate::organization::organization;
use farebox_api_kit::{Data, Ok200, Path, Query, operations};
use farebox_api_types::platform::{AuditLog, AuditLogList, AuditLogsQuery};
use farebox_audit::{Filter, Line, Page, Status};
use farebox_base::{Error, Result, Timestamp};
use std::time::Duration;
use uuid::Uuid;

operations! {
    core Core, door Platform, tag "Audit Logs";
    GET "/organizations/{organization_id}/audit-logs" list_audit_logs(Needs(AuditRead)) "List who did or tried what in an organization, newest first";
    GET "/organizations/{organization_id}/audit-logs/{log_id}" get_audit_log(Needs(AuditRead)) "Show one line of an organization's audit log";
}

const LIMIT_DEFAULT: i64 = 50;
const LIMIT_MAX: i64 = 100;

async fn list_audit_logs(
    cx: Cx,
    path: Path<String>,
    query: Query<AuditLogsQuery>,
) -> Result<Ok200<Data<AuditLogList>>> {
    let party = organization(cx.caller()?, &path.0)?;
    let (filter, page) = (filter(&query.0)?, page(&query.0)?);
    let listed = cx.core.audit.list(party, &filter, page).await?;
    let data = listed.lines.into_iter().map(shown).collect::<Result<_>>()?;
    let Page { limit, offset } = page;
    Ok(Ok200(Data(AuditLogList { data, total: listed.total, limit, offset })))
}

async fn get_audit_log(cx: Cx, path: Path<(String, Uuid)>) -> Result<Ok200<Data<AuditLog>>> {
    let party = organization(cx.caller()?, &path.0.0)?;
    let line = cx.core.audit.line(party, path.0.1).await?;
    Ok(Ok200(Data(shown(line.ok_or_else(|| Error::not_found("Audit log"))?)?)))
}

fn page(query: &AuditLogsQuery) -> Result<Page> {
    let (limit, offset) = (query.limit.unwrap_or(LIMIT_DEFAULT), query.offset.unwrap_or(0));
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Error::invalid("limit", format!("must be from 1 to {LIMIT_MAX}")));
    }
    if offset < 0 {
        return Err(Error::invalid("offset", "must not be negative"));
    }
    Ok(Page { limit, offset })
}

fn filter(query: &AuditLogsQuery) -> Result<Filter> {
    let status = query
        .status
        .as_deref()
        .map(|word| Status::parse(word).ok_or_else(|| Error::invalid("status", "must be success, failure or denied")));
    Ok(Filter {
        actor: query.actor_id,
        action: query.action.clone(),
        category: query.action_category.clone(),
        resource_type: query.resource_type.clone(),
        resource_id: query.resource_id,
        status: status.transpose()?,
        from: moment("start_date", query.start_date.as_deref())?.map(|moment| moment.first),
        until: moment("end_date", query.end_date.as_deref())?.map(|moment| moment.behind),
    })
}

/// A moment or a whole day: its first microsecond, and the one behind it.
struct Moment {
    first: Timestamp,
    behind: Timestamp,
}

fn moment(field: &str, text: Option<&str>) -> Result<Option<Moment>> {
    let Some(text) = text else { return Ok(None) };
    let day = Timestamp::parse_day(text).map(|first| (first, Duration::from_secs(86_400)));
    let time = || {
        let first = Timestamp::parse_rfc3339(text).or_else(|| Timestamp::parse_rfc3339(&with_plus(text)?));
        first.map(|first| (first, Duration::from_micros(1)))
    };
    let (first, length) = day.or_else(time).ok_or_else(|| {
        Error::invalid(field, "must be an RFC 3339 time such as 2026-03-19T10:00:00Z, or a day written YYYY-MM-DD")
    })?;
    Ok(Some(Moment { first, behind: first.plus(length) }))
}

/// The time whose offset lost its plus sign: in a query that is a space, and a space stands nowhere else in a time.
fn with_plus(text: &str) -> Option<String> {
    let (time, offset) = text.split_once(' ')?;
    let is_offset = offset.len() == 5 && offset.bytes().all(|b| b.is_ascii_digit() || b == b':');
    (time.contains('T') && is_offset).then(|| format!("{time}+{offset}"))
}

fn shown(line: Line) -> Result<AuditLog> {
    let id = |text: &str| Uuid::try_parse(text).map_err(|_| Error::internal("an audit line has an id that is none"));
    let optional_id = |text: Option<String>| text.map(|text| id(&text)).transpose();
    Ok(AuditLog {
        id: id(&line.id)?,
        created_at: line.at.into(),
        organization_id: optional_id(line.party_id)?,
        actor_type: line.actor_type,
        actor_id: optional_id(line.actor_id)?,
        action: line.action,
        action_category: Some(line.category),
        resource_type: line.resource_type,
        resource_id: optional_id(line.resource_id)?,
        status: line.status,
        error_message: line.error,
        ip_address: line.address,
        user_agent: line.user_agent,
        request_id: line.request_id,
        metadata: serde_json::from_str(&line.metadata).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_with_its_plus_sign_or_the_space_that_a_query_makes_of_it() {
        let first = |text: &str| moment("start_date", Some(text)).ok().flatten().map(|moment| moment.first);
        let utc = first("2026-03-19T08:00:00Z");
        assert!(utc.is_some());
        for same in ["2026-03-19T10:00:00+02:00", "2026-03-19T10:00:00 02:00", "2026-03-19T06:00:00-02:00"] {
            assert_eq!(first(same), utc, "{same}");
        }
        for odd in
            ["2026-03-19 02:00", "2026-03-19T10:00:00 2:00", "2026-03-19T10:00:00 0200 ", "2026-03-19T10:00:00 -2:00"]
        {
            assert_eq!(first(odd), None, "{odd}");
        }
    }
}

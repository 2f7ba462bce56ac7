//! What a publisher's server or database asks for, which is kept sealed and never shown.

use super::{Subject, change, database_only, http_only, rules};
use farebox_api_types::platform::UpdatePublisherRequest;
use farebox_api_types::{Patch, Secret};
use farebox_base::{Error, Result};
use farebox_market::{Change, SecretChanges};
use serde_json::Value;

/// The changes of the secret that the request asks for.
///
/// # Errors
/// `Invalid`, naming the field; values of secrets are never quoted.
pub(super) fn changes(request: &UpdatePublisherRequest, subject: Subject<'_>) -> Result<SecretChanges> {
    http_only(subject.kind, "api_headers", &request.api_headers)?;
    http_only(subject.kind, "upstream_api_key", &request.upstream_api_key)?;
    http_only(subject.kind, "api_key_header", &request.api_key_header)?;
    http_only(subject.kind, "api_key_query_param", &request.api_key_query_param)?;
    database_only(subject.kind, "database_config", &request.database_config)?;
    check_key(request, subject)?;
    Ok(SecretChanges {
        connection_string: connection_string(request, subject)?,
        api_key: exposed(&request.upstream_api_key),
        api_key_header: change(&request.api_key_header),
        api_key_query_param: change(&request.api_key_query_param),
        headers: match &request.api_headers {
            Patch::Absent => Change::Keep,
            Patch::Null => Change::Clear,
            Patch::Value(headers) => Change::Set(rules::headers("api_headers", headers.expose())?),
        },
    })
}

/// A key that nothing carries, or a place for a key that is not there, would go unnoticed until the first call.
fn check_key(request: &UpdatePublisherRequest, subject: Subject<'_>) -> Result<()> {
    let (key, header, param) = (&request.upstream_api_key, &request.api_key_header, &request.api_key_query_param);
    if key.is_absent() && header.is_absent() && param.is_absent() {
        return Ok(());
    }
    let before = subject.secret;
    let has_key = is_set_after(key, before.is_some_and(|secret| secret.api_key.is_some()));
    let has_header = is_set_after(header, before.is_some_and(|secret| secret.api_key_header.is_some()));
    let has_param = is_set_after(param, before.is_some_and(|secret| secret.api_key_query_param.is_some()));
    if has_key && !has_header && !has_param {
        return Err(Error::invalid("api_key_header", "or api_key_query_param must say what carries upstream_api_key"));
    }
    if !has_key && (has_header || has_param) {
        return Err(Error::invalid(
            "upstream_api_key",
            "must be there where api_key_header or api_key_query_param is; clear both to remove the key",
        ));
    }
    Ok(())
}

fn is_set_after<T>(asked: &Patch<T>, before: bool) -> bool {
    match asked {
        Patch::Absent => before,
        Patch::Null => false,
        Patch::Value(_) => true,
    }
}

fn exposed(asked: &Patch<Secret>) -> Change<String> {
    match asked {
        Patch::Absent => Change::Keep,
        Patch::Null => Change::Clear,
        Patch::Value(secret) => Change::Set(secret.expose().clone()),
    }
}

/// Other settings could be secrets under names that nobody knows, so none is taken.
fn connection_string(request: &UpdatePublisherRequest, subject: Subject<'_>) -> Result<Change<String>> {
    let config = match &request.database_config {
        Patch::Absent => return Ok(Change::Keep),
        Patch::Null if !subject.kind.is_database() => return Ok(Change::Keep),
        Patch::Null => return Err(Error::invalid("database_config", "must not be null")),
        Patch::Value(config) => config.expose(),
    };
    let rule = "must be an object with connection_string and nothing else";
    let object = config.as_object().filter(|object| object.len() == 1);
    let text = object.and_then(|object| object.get("connection_string")).and_then(Value::as_str);
    text.map(|text| Change::Set(text.to_owned())).ok_or_else(|| Error::invalid("database_config", rule))
}

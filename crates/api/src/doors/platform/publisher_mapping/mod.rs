//! Publishers between the wire and the market: requests become listings to register or to change, listings become
//! replies.
//!
//! Owns the platform door's own rules and what it refuses because this gateway does not serve it; the market owns the
//! rules that hold at every door. Invariants: a field that would change money, access or security is served or refused,
//! never kept in silence; purely descriptive fields come back as they were sent; no secret reaches a reply.

mod create;
mod prices;
mod reply;
mod rules;
mod secrets;
mod update;

pub(super) use create::listing_create;
pub(super) use prices::{check_on_chain, pricing, pricing_patch};
pub(super) use reply::{OnChain, Viewer, publisher, uploaded_logo};
pub(super) use update::listing_patch;

use farebox_api_types::Patch;
use farebox_base::{Error, Result};
use farebox_market::{Change, JsonObject, Listing, ListingKind, UpstreamSecret};
use serde::Serialize;
use serde_json::Value;

/// What a request is checked against.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) kind: ListingKind,
    /// The platform's part of what this listing earns, in hundredths of a percent.
    pub(super) fee_basis_points: i64,
    /// The listing as it is; `None` while it is being registered.
    pub(super) listing: Option<&'a Listing>,
    /// The listing's secret; `None` where there is none yet, or none that opens.
    pub(super) secret: Option<&'a UpstreamSecret>,
}

impl<'a> Subject<'a> {
    /// A listing that is to be changed.
    pub(super) fn of(listing: &'a Listing, secret: Option<&'a UpstreamSecret>) -> Self {
        Self { kind: listing.kind, fee_basis_points: listing.fee_basis_points, listing: Some(listing), secret }
    }
}

/// An error of the market in the door's words.
pub(super) fn in_platform_words(mut error: Error) -> Error {
    let words = [("tags", "capabilities"), ("connection_string", "database_config.connection_string")];
    let Some(field) = error.field.clone() else { return error };
    for (markets, doors) in words {
        let Some(rest) = field.strip_prefix(markets).filter(|rest| rest.is_empty() || rest.starts_with('.')) else {
            continue;
        };
        let renamed = format!("{doors}{rest}");
        if let Some(rule) = error.message.strip_prefix(&field) {
            error.message = format!("{renamed}{rule}");
        }
        error.field = Some(renamed);
    }
    error
}

/// Notes a descriptive field for the listing's profile; `null` takes it away.
fn keep<T: Serialize>(
    profile: &mut JsonObject,
    field: &'static str,
    asked: &Patch<T>,
    check: impl FnOnce(&T) -> Result<()>,
) -> Result<()> {
    let value = match asked {
        Patch::Absent => return Ok(()),
        Patch::Null => Value::Null,
        Patch::Value(value) => {
            check(value)?;
            serde_json::to_value(value).map_err(|e| Error::internal(format!("{field}: {e}")))?
        }
    };
    profile.insert(field.to_owned(), value);
    Ok(())
}

/// The new value of a field that can't be cleared.
fn set<T: Clone>(field: &'static str, asked: &Patch<T>) -> Result<Option<T>> {
    match asked {
        Patch::Absent => Ok(None),
        Patch::Null => Err(Error::invalid(field, "must not be null")),
        Patch::Value(value) => Ok(Some(value.clone())),
    }
}

fn change<T: Clone>(asked: &Patch<T>) -> Change<T> {
    match asked {
        Patch::Absent => Change::Keep,
        Patch::Null => Change::Clear,
        Patch::Value(value) => Change::Set(value.clone()),
    }
}

/// Refuses a field that says something about servers only, where the publisher is a database.
fn http_only<T>(kind: ListingKind, field: &'static str, asked: &Patch<T>) -> Result<()> {
    match asked {
        Patch::Value(_) if kind.is_database() => {
            Err(Error::invalid(field, "must be left out: the publisher is a database"))
        }
        _ => Ok(()),
    }
}

/// Refuses a field that says something about databases only, where the publisher is none.
fn database_only<T>(kind: ListingKind, field: &'static str, asked: &Patch<T>) -> Result<()> {
    match asked {
        Patch::Value(_) if !kind.is_database() => {
            Err(Error::invalid(field, "must be left out: the publisher is no database"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;

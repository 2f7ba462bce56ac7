//! A publisher's prices: what the platform's fields change in a listing, and how the listing's prices are shown.
//!
//! Invariant: what is shown is what is charged; a text is echoed as it was sent only while it still means the price.

use super::{OnChain, Subject, change, http_only, keep, rules, set};
use crate::assets;
use farebox_api_types::Patch;
use farebox_api_types::platform::{PricingConfigResponse, PricingModel, UpdatePricingRequest, UpdatePublisherRequest};
use farebox_base::{Error, Micros, Result};
use farebox_market::{Change, Door, Listing, ListingKind, ListingPatch};
use serde::de::DeserializeOwned;
use serde_json::Value;

const DEFAULT_EXPIRY_MINUTES: i32 = 5;
const LONGEST_EXPIRY_MINUTES: i32 = 1_440;
const DISPLAY_CHARS: usize = 200;
const MICROS_PER_HUNDREDTH: i64 = 10_000;

/// The fields that a change of a publisher and a change of its pricing have in common.
pub(super) struct AskedPrices {
    price_per_call: Patch<String>,
    price_per_get: Patch<String>,
    price_per_post: Patch<String>,
    price_per_put: Patch<String>,
    price_per_patch: Patch<String>,
    price_per_delete: Patch<String>,
    price_per_execution: Patch<String>,
    hourly_rate: Patch<String>,
    base_price_per_1000_rows: Patch<String>,
    markup_multiplier: Patch<String>,
    min_charge: Patch<String>,
    reserve_max_charge: Patch<String>,
    unresolved_fallback_charge: Patch<String>,
    minimum_balance: Patch<String>,
    low_balance_threshold: Patch<String>,
    grace_period_minutes: Patch<i32>,
}

macro_rules! asked {
    ($request:ident, $min_charge:expr) => {
        AskedPrices {
            price_per_call: $request.price_per_call.clone(),
            price_per_get: $request.price_per_get.clone(),
            price_per_post: $request.price_per_post.clone(),
            price_per_put: $request.price_per_put.clone(),
            price_per_patch: $request.price_per_patch.clone(),
            price_per_delete: $request.price_per_delete.clone(),
            price_per_execution: $request.price_per_execution.clone(),
            hourly_rate: $request.hourly_rate.clone(),
            base_price_per_1000_rows: $request.base_price_per_1000_rows.clone(),
            markup_multiplier: $request.markup_multiplier.clone(),
            reserve_max_charge: $request.reserve_max_charge.clone(),
            unresolved_fallback_charge: $request.unresolved_fallback_charge.clone(),
            minimum_balance: $request.minimum_balance.clone(),
            low_balance_threshold: $request.low_balance_threshold.clone(),
            grace_period_minutes: $request.grace_period_minutes,
            min_charge: $min_charge,
        }
    };
}

impl From<&UpdatePublisherRequest> for AskedPrices {
    fn from(request: &UpdatePublisherRequest) -> Self {
        asked!(request, Patch::Absent)
    }
}

impl From<&UpdatePricingRequest> for AskedPrices {
    fn from(request: &UpdatePricingRequest) -> Self {
        asked!(request, request.min_charge.clone())
    }
}

/// Notes the prices that the request asks for.
///
/// # Errors
/// `Invalid`, naming the field.
pub(super) fn change_prices(asked: &AskedPrices, subject: Subject<'_>, patch: &mut ListingPatch) -> Result<()> {
    refuse_unserved(asked)?;
    let kind = subject.kind;
    let kept = &mut patch.pricing_profile;
    macro_rules! methods {
        ($($field:ident => $target:ident),+ $(,)?) => {
            $(
                http_only(kind, stringify!($field), &asked.$field)?;
                keep(kept, stringify!($field), &asked.$field, |_| Ok(()))?;
                patch.prices.$target = change(&asked.$field);
            )+
        };
    }
    methods!(price_per_get => get, price_per_post => post, price_per_put => put);
    methods!(price_per_patch => patch, price_per_delete => delete);
    macro_rules! rows {
        ($($field:ident => $target:ident unless $neutral:expr),+ $(,)?) => {
            $(
                patch.prices.$target = row_price(kind, stringify!($field), &asked.$field, $neutral)?;
                keep(kept, stringify!($field), &asked.$field, |_| Ok(()))?;
            )+
        };
    }
    rows!(base_price_per_1000_rows => per_1000_rows unless Micros::ZERO, min_charge => min_charge unless Micros::ZERO);
    rows!(markup_multiplier => markup unless Micros::new(Micros::PER_UNIT));
    http_only(kind, "reserve_max_charge", &asked.reserve_max_charge)?;
    http_only(kind, "unresolved_fallback_charge", &asked.unresolved_fallback_charge)?;
    patch.prices.reserve_max = change(&asked.reserve_max_charge);
    patch.prices.untold = change(&asked.unresolved_fallback_charge);
    keep(kept, "reserve_max_charge", &asked.reserve_max_charge, |_| Ok(()))?;
    keep(kept, "unresolved_fallback_charge", &asked.unresolved_fallback_charge, |_| Ok(()))?;
    patch.prices.per_call = change(&asked.price_per_call);
    keep(kept, "minimum_balance", &asked.minimum_balance, |text| match rules::amount("minimum_balance", text)? {
        Micros::ZERO => Ok(()),
        _ => Err(Error::invalid("minimum_balance", "must be 0: this gateway asks for the price of a call only")),
    })?;
    keep(kept, "low_balance_threshold", &asked.low_balance_threshold, |text| {
        rules::amount("low_balance_threshold", text).map(drop)
    })?;
    keep(kept, "grace_period_minutes", &asked.grace_period_minutes, |minutes| match minutes {
        0 => Ok(()),
        _ => Err(Error::invalid("grace_period_minutes", "must be 0: this gateway does not serve calls on credit")),
    })?;
    if kind.is_database() && rows_after(asked, subject)? && call_after(asked, subject)? {
        let rule = "must not be there together with base_price_per_1000_rows: a query is charged by rows or by call";
        return Err(Error::invalid("price_per_call", rule));
    }
    Ok(())
}

fn refuse_unserved(asked: &AskedPrices) -> Result<()> {
    let runs = [("price_per_execution", &asked.price_per_execution), ("hourly_rate", &asked.hourly_rate)];
    for (field, asked) in runs {
        if let Patch::Value(_) = asked {
            return Err(Error::invalid(
                field,
                "must be left out: it is for compute publishers, which are not served yet",
            ));
        }
    }
    Ok(())
}

/// A price that only databases have. A server may say that it has none.
fn row_price(kind: ListingKind, field: &'static str, asked: &Patch<String>, none: Micros) -> Result<Change<String>> {
    let Patch::Value(text) = asked else { return Ok(change(asked)) };
    let says_none = rules::amount(field, text)? == none;
    match (kind.is_database(), says_none) {
        (_, true) => Ok(Change::Clear),
        (true, false) => Ok(Change::Set(text.clone())),
        (false, false) => Err(Error::invalid(field, "must be left out: only database publishers are charged by rows")),
    }
}

fn rows_after(asked: &AskedPrices, subject: Subject<'_>) -> Result<bool> {
    let before = subject.listing.is_some_and(|listing| listing.prices.per_1000_rows.is_some());
    is_priced_after("base_price_per_1000_rows", &asked.base_price_per_1000_rows, before)
}

fn call_after(asked: &AskedPrices, subject: Subject<'_>) -> Result<bool> {
    let before = subject.listing.is_some_and(|listing| listing.prices.per_call > Micros::ZERO);
    is_priced_after("price_per_call", &asked.price_per_call, before)
}

fn told_after(asked: &AskedPrices, subject: Subject<'_>) -> Result<bool> {
    let before = subject.listing.is_some_and(|listing| listing.prices.reserve_max.is_some());
    is_priced_after("reserve_max_charge", &asked.reserve_max_charge, before)
}

fn is_priced_after(field: &'static str, asked: &Patch<String>, before: bool) -> Result<bool> {
    match asked {
        Patch::Absent => Ok(before),
        Patch::Null => Ok(false),
        Patch::Value(text) => Ok(rules::amount(field, text)? > Micros::ZERO),
    }
}

/// The change that a request to change the pricing describes.
///
/// # Errors
/// `Invalid`, naming the field.
pub(in crate::doors::platform) fn pricing_patch(
    request: &UpdatePricingRequest,
    subject: Subject<'_>,
) -> Result<ListingPatch> {
    assets::check("asset_id", request.asset_id)?;
    refuse_exchange(request)?;
    if let Patch::Value(false) = request.prepaid_enabled {
        return Err(Error::invalid("prepaid_enabled", "must be true: calls are paid from the caller's balance"));
    }
    if let Patch::Value(_) = request.max_queries_per_minute {
        return Err(rules::not_served("max_queries_per_minute"));
    }
    let mut patch = ListingPatch::new(Door::Platform);
    let asked = AskedPrices::from(request);
    change_prices(&asked, subject, &mut patch)?;
    let model = match subject.kind {
        ListingKind::Http if told_after(&asked, subject)? => PricingModel::Passthrough,
        kind => model(kind, rows_after(&asked, subject)?, call_after(&asked, subject)?),
    };
    if let Some(asked) = set("pricing_model", &request.pricing_model)?
        && asked != model
    {
        return Err(Error::invalid("pricing_model", format!("must be {}, as these prices make it", model.text())));
    }
    let kept = &mut patch.pricing_profile;
    keep(kept, "payment_expiry_minutes", &request.payment_expiry_minutes, |minutes| {
        if (1..=LONGEST_EXPIRY_MINUTES).contains(minutes) {
            return Ok(());
        }
        Err(Error::invalid("payment_expiry_minutes", format!("must be from 1 to {LONGEST_EXPIRY_MINUTES}")))
    })?;
    keep(kept, "min_display_price", &request.min_display_price, |text| {
        rules::amount("min_display_price", text).map(drop)
    })?;
    keep(kept, "pricing_display_text", &request.pricing_display_text, |text| {
        rules::text("pricing_display_text", text, DISPLAY_CHARS)
    })?;
    Ok(patch)
}

/// Which ways to pay there are is the operator's decision, so that a request can only say what is.
///
/// # Errors
/// `Invalid` for `onchain_enabled`.
pub(in crate::doors::platform) fn check_on_chain(request: &UpdatePricingRequest, on_chain: OnChain) -> Result<()> {
    match request.onchain_enabled {
        Patch::Value(asked) if asked != on_chain.0 => {
            let rule = if on_chain.0 {
                "true: calls can be paid on a chain"
            } else {
                "false: no payments on a chain are taken"
            };
            Err(Error::invalid("onchain_enabled", format!("must be {rule} at this gateway")))
        }
        _ => Ok(()),
    }
}

fn refuse_exchange(request: &UpdatePricingRequest) -> Result<()> {
    macro_rules! refuse {
        ($($field:ident),+ $(,)?) => {
            $(if let Patch::Value(_) = &request.$field { return Err(rules::not_served(stringify!($field))); })+
        };
    }
    refuse!(token_exchange_url, token_exchange_method, token_exchange_mode, token_response_field);
    refuse!(token_cache_ttl_seconds);
    Ok(())
}

/// What a call is charged by. A database without any price would be charged by rows.
fn model(kind: ListingKind, has_row_price: bool, has_call_price: bool) -> PricingModel {
    if kind.is_database() && (has_row_price || !has_call_price) {
        PricingModel::PerRow
    } else {
        PricingModel::PerRequest
    }
}

/// A listing's prices in the platform's one asset.
pub(in crate::doors::platform) fn pricing(listing: &Listing, on_chain: OnChain) -> PricingConfigResponse {
    let prices = &listing.prices;
    let has_row_price = prices.per_1000_rows.is_some();
    let method = |field, price: Option<Micros>| price.map(|price| echo(listing, field, price));
    let markup = Micros::new(i64::from(prices.markup_hundredths) * MICROS_PER_HUNDREDTH);
    let methods = prices.per_method;
    PricingConfigResponse {
        asset_id: assets::LEDGER_ASSET,
        asset_symbol: Some(assets::SYMBOL.to_owned()),
        pricing_model: match prices.reserve_max {
            Some(_) => PricingModel::Passthrough,
            None => model(listing.kind, has_row_price, prices.per_call > Micros::ZERO),
        },
        price_per_call: (!has_row_price).then(|| prices.price_text.clone()),
        price_per_get: method("price_per_get", methods.get),
        price_per_post: method("price_per_post", methods.post),
        price_per_put: method("price_per_put", methods.put),
        price_per_patch: method("price_per_patch", methods.patch),
        price_per_delete: method("price_per_delete", methods.delete),
        price_per_execution: None,
        hourly_rate: None,
        base_price_per_1000_rows: echo(
            listing,
            "base_price_per_1000_rows",
            prices.per_1000_rows.unwrap_or(Micros::ZERO),
        ),
        markup_multiplier: echo(listing, "markup_multiplier", markup),
        min_charge: echo(listing, "min_charge", prices.min_charge),
        reserve_max_charge: method("reserve_max_charge", prices.reserve_max),
        unresolved_fallback_charge: method("unresolved_fallback_charge", prices.untold),
        prepaid_enabled: true,
        onchain_enabled: on_chain.0,
        payment_expiry_minutes: kept(listing, "payment_expiry_minutes").unwrap_or(DEFAULT_EXPIRY_MINUTES),
        minimum_balance: echo(listing, "minimum_balance", Micros::ZERO),
        low_balance_threshold: kept(listing, "low_balance_threshold").unwrap_or_else(|| "0".to_owned()),
        grace_period_minutes: kept(listing, "grace_period_minutes"),
        max_queries_per_minute: None,
        min_display_price: kept(listing, "min_display_price"),
        pricing_display_text: kept(listing, "pricing_display_text"),
    }
}

fn kept<T: DeserializeOwned>(listing: &Listing, field: &str) -> Option<T> {
    listing.pricing_profile.get(field).and_then(|value| T::deserialize(value).ok())
}

/// The price as it was sent, unless another door has changed it since.
fn echo(listing: &Listing, field: &str, price: Micros) -> String {
    let sent = listing.pricing_profile.get(field).and_then(Value::as_str);
    let sent = sent.filter(|text| Micros::parse(text) == Ok(price));
    sent.map_or_else(|| price.to_string(), str::to_owned)
}

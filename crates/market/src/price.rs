//! What a listing costs: prices per call, per method and per row, read from text exactly and echoed as registered.

use crate::{Change, Door, Method};
use farebox_base::{Error, Micros, Result};
use serde::{Deserialize, Serialize};

/// No single amount may be more; far above every sane price, far below what the arithmetic can hold.
pub(crate) const HIGHEST_PRICE: Micros = Micros::new(1_000_000 * Micros::PER_UNIT);
const LONGEST_TEXT_BYTES: usize = 40;
const HIGHEST_MARKUP_HUNDREDTHS: u32 = 100_000;

/// What a listing costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prices {
    /// For a call whose endpoint and method have no price of their own.
    pub per_call: Micros,
    /// The price per call as it was registered, to be echoed.
    pub price_text: String,
    pub per_method: MethodPrices,
    /// Before markup. `None`: rows cost nothing.
    pub per_1000_rows: Option<Micros>,
    /// Multiplies the price of rows: 100 is no markup, 200 doubles.
    pub markup_hundredths: u32,
    /// The least that a call charged by rows costs.
    pub min_charge: Micros,
    /// The most that a call costs which has no price of its endpoint or method: its reply tells what it cost. `None`: its
    /// price is fixed.
    pub reserve_max: Option<Micros>,
    /// What such a call costs whose reply does not tell; `None`: the price per call.
    pub untold: Option<Micros>,
}

/// Prices of the methods that have one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MethodPrices {
    pub get: Option<Micros>,
    pub post: Option<Micros>,
    pub put: Option<Micros>,
    pub patch: Option<Micros>,
    pub delete: Option<Micros>,
}

/// Changes of prices, as texts such as `"0.05"`. Clearing goes back to what a listing without the price has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceChanges {
    pub per_call: Change<String>,
    pub get: Change<String>,
    pub post: Change<String>,
    pub put: Change<String>,
    pub patch: Change<String>,
    pub delete: Change<String>,
    pub per_1000_rows: Change<String>,
    /// A factor with at most two digits after the point, 0.01 to 1000.
    pub markup: Change<String>,
    pub min_charge: Change<String>,
    /// Zero clears.
    pub reserve_max: Change<String>,
    pub untold: Change<String>,
}

/// The part of the prices that the column `pricing` holds, in micros.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredPrices {
    get: Option<i64>,
    post: Option<i64>,
    put: Option<i64>,
    patch: Option<i64>,
    delete: Option<i64>,
    per_1000_rows: Option<i64>,
    markup_hundredths: u32,
    min_charge: i64,
    #[serde(default)]
    reserve_max: Option<i64>,
    #[serde(default)]
    untold: Option<i64>,
}

impl Default for Prices {
    fn default() -> Self {
        Self {
            per_call: Micros::ZERO,
            price_text: "0".to_owned(),
            per_method: MethodPrices::default(),
            per_1000_rows: None,
            markup_hundredths: 100,
            min_charge: Micros::ZERO,
            reserve_max: None,
            untold: None,
        }
    }
}

impl MethodPrices {
    pub const fn of(&self, method: Method) -> Option<Micros> {
        match method {
            Method::Get => self.get,
            Method::Post => self.post,
            Method::Put => self.put,
            Method::Patch => self.patch,
            Method::Delete => self.delete,
        }
    }
}

impl Prices {
    /// The markup as a decimal factor: `"2.0"`, `"1.25"`.
    pub fn markup_text(&self) -> String {
        let (whole, part) = (self.markup_hundredths / 100, self.markup_hundredths % 100);
        if part % 10 == 0 { format!("{whole}.{}", part / 10) } else { format!("{whole}.{part:02}") }
    }

    /// # Errors
    /// `Invalid`, naming the field in the door's words.
    pub(crate) fn apply(&mut self, changes: &PriceChanges, door: Door, per_call_cap: Option<Micros>) -> Result<()> {
        let cap = per_call_cap.unwrap_or(HIGHEST_PRICE);
        match &changes.per_call {
            Change::Keep => {}
            Change::Clear => (self.per_call, self.price_text) = (Micros::ZERO, "0".to_owned()),
            Change::Set(text) => {
                (self.per_call, self.price_text) = (amount("price_per_call", text, cap)?, text.clone());
            }
        }
        set(&mut self.per_method.get, &changes.get, "price_per_get")?;
        set(&mut self.per_method.post, &changes.post, "price_per_post")?;
        set(&mut self.per_method.put, &changes.put, "price_per_put")?;
        set(&mut self.per_method.patch, &changes.patch, "price_per_patch")?;
        set(&mut self.per_method.delete, &changes.delete, "price_per_delete")?;
        set(&mut self.per_1000_rows, &changes.per_1000_rows, door.field("base_price_per_1000_rows"))?;
        let mut min_charge = Some(self.min_charge);
        set(&mut min_charge, &changes.min_charge, "min_charge")?;
        self.min_charge = min_charge.unwrap_or(Micros::ZERO);
        match &changes.markup {
            Change::Keep => {}
            Change::Clear => self.markup_hundredths = 100,
            Change::Set(text) => self.markup_hundredths = markup(door.field("markup_multiplier"), text)?,
        }
        set_up_to(&mut self.reserve_max, &changes.reserve_max, "reserve_max_charge", cap)?;
        self.reserve_max = self.reserve_max.filter(|most| !most.is_zero());
        set(&mut self.untold, &changes.untold, "unresolved_fallback_charge")?;
        self.check_told()
    }

    /// What a call costs whose reply could tell and does not.
    pub(crate) fn untold(&self) -> Micros {
        self.untold.unwrap_or(self.per_call)
    }

    fn check_told(&self) -> Result<()> {
        match self.reserve_max {
            None if self.untold.is_some() => {
                Err(Error::invalid("unresolved_fallback_charge", "must be left out without reserve_max_charge"))
            }
            Some(most) if self.untold() > most => {
                let rule = format!("must be at least {}, which a call costs whose reply does not tell", self.untold());
                Err(Error::invalid("reserve_max_charge", rule))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn stored(&self) -> StoredPrices {
        let micros = |price: Option<Micros>| price.map(Micros::get);
        StoredPrices {
            get: micros(self.per_method.get),
            post: micros(self.per_method.post),
            put: micros(self.per_method.put),
            patch: micros(self.per_method.patch),
            delete: micros(self.per_method.delete),
            per_1000_rows: micros(self.per_1000_rows),
            markup_hundredths: self.markup_hundredths,
            min_charge: self.min_charge.get(),
            reserve_max: micros(self.reserve_max),
            untold: micros(self.untold),
        }
    }

    pub(crate) fn from_stored(per_call: Micros, price_text: String, stored: &StoredPrices) -> Self {
        let price = |micros: Option<i64>| micros.map(Micros::new);
        Self {
            per_call,
            price_text,
            per_method: MethodPrices {
                get: price(stored.get),
                post: price(stored.post),
                put: price(stored.put),
                patch: price(stored.patch),
                delete: price(stored.delete),
            },
            per_1000_rows: price(stored.per_1000_rows),
            markup_hundredths: stored.markup_hundredths,
            min_charge: Micros::new(stored.min_charge),
            reserve_max: price(stored.reserve_max),
            untold: price(stored.untold),
        }
    }
}

fn set(target: &mut Option<Micros>, change: &Change<String>, field: &str) -> Result<()> {
    set_up_to(target, change, field, HIGHEST_PRICE)
}

fn set_up_to(target: &mut Option<Micros>, change: &Change<String>, field: &str, cap: Micros) -> Result<()> {
    match change {
        Change::Keep => {}
        Change::Clear => *target = None,
        Change::Set(text) => *target = Some(amount(field, text, cap)?),
    }
    Ok(())
}

pub(crate) fn amount(field: &str, text: &str, cap: Micros) -> Result<Micros> {
    if text.len() > LONGEST_TEXT_BYTES {
        return Err(Error::invalid(field, "must not be longer than 40 characters"));
    }
    let amount = Micros::parse(text).map_err(|error| Error::money(field, error))?;
    if amount > cap {
        return Err(Error::invalid(field, format!("must not be more than {}", cap.to_cents_text())));
    }
    Ok(amount)
}

fn markup(field: &str, text: &str) -> Result<u32> {
    let rule = "must be a factor from 0.01 to 1000 with at most 2 digits after the point, such as \"1.5\"";
    let micros = amount(field, text, HIGHEST_PRICE).map_err(|_| Error::invalid(field, rule))?.get();
    let hundredths = u32::try_from(micros / 10_000).unwrap_or(u32::MAX);
    if micros % 10_000 != 0 || !(1..=HIGHEST_MARKUP_HUNDREDTHS).contains(&hundredths) {
        return Err(Error::invalid(field, rule));
    }
    Ok(hundredths)
}

#[cfg(test)]
mod tests;

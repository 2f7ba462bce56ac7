//! Prices from texts, and back.

use super::*;

fn set_to(text: &str) -> Change<String> {
    Change::Set(text.to_owned())
}

#[test]
fn amounts_are_exact_and_the_price_is_echoed_as_registered() {
    for (text, micros) in [("0.10", 100_000), ("0", 0), ("10.50", 10_500_000), ("0.000001", 1), ("100.00", 100_000_000)]
    {
        let mut prices = Prices::default();
        let changes = PriceChanges { per_call: set_to(text), ..PriceChanges::default() };
        prices.apply(&changes, Door::Marketplace, Some(Micros::new(100_000_000))).unwrap();
        assert_eq!((prices.per_call, prices.price_text.as_str()), (Micros::new(micros), text));
    }
}

#[test]
fn prices_that_are_none_are_refused_in_the_doors_words() {
    let cap = Some(Micros::new(100_000_000));
    for text in ["NaN", "-1", "-0.01", "1e-3", "", " 1", "0.0000001", "100.01", "inf", "１", &"0".repeat(41)] {
        let changes = PriceChanges { per_call: set_to(text), ..PriceChanges::default() };
        let error = Prices::default().apply(&changes, Door::Marketplace, cap).unwrap_err();
        assert_eq!(error.field.as_deref(), Some("price_per_call"), "{text:?}");
    }
    let rows = PriceChanges { per_1000_rows: set_to("-1"), ..PriceChanges::default() };
    for (door, field) in [(Door::SqlGateway, "basePricePer1000Rows"), (Door::Platform, "base_price_per_1000_rows")] {
        assert_eq!(Prices::default().apply(&rows, door, None).unwrap_err().field.as_deref(), Some(field));
    }
}

#[test]
fn markups_are_hundredths() {
    for (text, hundredths, shown) in [
        ("2.0", 200, "2.0"),
        ("1", 100, "1.0"),
        ("1.25", 125, "1.25"),
        ("0.01", 1, "0.01"),
        ("1000", 100_000, "1000.0"),
    ] {
        let mut prices = Prices::default();
        let changes = PriceChanges { markup: set_to(text), ..PriceChanges::default() };
        prices.apply(&changes, Door::SqlGateway, None).unwrap();
        assert_eq!((prices.markup_hundredths, prices.markup_text().as_str()), (hundredths, shown));
    }
    for text in ["0", "0.001", "-1", "1000.01", "x", ""] {
        let changes = PriceChanges { markup: set_to(text), ..PriceChanges::default() };
        let error = Prices::default().apply(&changes, Door::SqlGateway, None).unwrap_err();
        assert_eq!(error.field.as_deref(), Some("markupMultiplier"), "{text:?}");
    }
}

#[test]
fn changes_keep_clear_and_set_and_storage_loses_nothing() {
    let mut prices = Prices::default();
    let all = PriceChanges {
        per_call: set_to("0.10"),
        get: set_to("0.01"),
        delete: set_to("0"),
        per_1000_rows: set_to("1.5"),
        markup: set_to("2"),
        min_charge: set_to("0.001"),
        reserve_max: set_to("0.5"),
        untold: set_to("0.02"),
        ..PriceChanges::default()
    };
    prices.apply(&all, Door::Platform, None).unwrap();
    let before = prices.clone();
    prices.apply(&PriceChanges::default(), Door::Platform, None).unwrap();
    assert_eq!(prices, before);
    assert_eq!(Prices::from_stored(prices.per_call, prices.price_text.clone(), &prices.stored()), prices);
    let clear = PriceChanges {
        per_call: Change::Clear,
        get: Change::Clear,
        delete: Change::Clear,
        per_1000_rows: Change::Clear,
        markup: Change::Clear,
        min_charge: Change::Clear,
        reserve_max: set_to("0"),
        untold: Change::Clear,
        ..PriceChanges::default()
    };
    prices.apply(&clear, Door::Platform, None).unwrap();
    assert_eq!(prices, Prices::default());
}

#[test]
fn the_most_that_a_reply_may_tell_covers_what_a_silent_one_costs() {
    let apply = |per_call, reserve_max, untold| {
        let changes = PriceChanges { per_call, reserve_max, untold, ..PriceChanges::default() };
        let applied = Prices::default().apply(&changes, Door::Marketplace, Some(Micros::new(100_000_000)));
        applied.err().and_then(|error| error.field)
    };
    let most = "reserve_max_charge";
    assert_eq!(apply(set_to("0.01"), set_to("0.01"), Change::Keep), None);
    assert_eq!(apply(set_to("0.02"), set_to("0.01"), Change::Keep).as_deref(), Some(most));
    assert_eq!(apply(set_to("0.02"), set_to("0.01"), set_to("0")), None);
    assert_eq!(apply(Change::Keep, set_to("0.01"), set_to("0.011")).as_deref(), Some(most));
    assert_eq!(apply(Change::Keep, set_to("100.01"), Change::Keep).as_deref(), Some(most));
    assert_eq!(apply(Change::Keep, Change::Keep, set_to("0")).as_deref(), Some("unresolved_fallback_charge"));
    assert_eq!(apply(Change::Keep, set_to("0"), set_to("0")).as_deref(), Some("unresolved_fallback_charge"));
}

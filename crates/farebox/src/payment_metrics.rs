//! `/metrics` of payments on chain: for each network what settlements came to, and how our own gas wallet is doing.
//!
//! Reads what the facilitators have counted at each scrape, and asks no chain. Shows no endpoint and no key.

use alloy_primitives::utils::format_ether;
use farebox_base::{Error, Result};
use farebox_x402::chain::SpanCounts;
use farebox_x402::facilitator::{Facilitators, Report, Status};
use prometheus::Registry;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};
use std::collections::HashMap;
use std::fmt::Display;

/// What is shown: name, kind, and what it says.
const SHOWN: [(&str, MetricType, &str); 9] = [
    ("farebox_x402_settlements_total", MetricType::COUNTER, "Answers to settlements, by network and outcome."),
    ("farebox_x402_gas_balance", MetricType::GAUGE, "Balance of the gas wallet, in the network's own coin."),
    ("farebox_x402_gas_low", MetricType::GAUGE, "1 where the gas wallet has less than low_balance."),
    (
        "farebox_x402_gas_paused",
        MetricType::GAUGE,
        "1 where the gas wallet has too little for anything new to be sent.",
    ),
    ("farebox_x402_reachable", MetricType::GAUGE, "1 where the chain answered when it was asked last."),
    ("farebox_x402_transactions_in_flight", MetricType::GAUGE, "Transactions of the gas wallet that are not final."),
    ("farebox_x402_final_seconds", MetricType::HISTOGRAM, "Time from the signing of a transaction until it was final."),
    (
        "farebox_x402_sent_again_total",
        MetricType::COUNTER,
        "Transactions that a reorganisation took back after they were final.",
    ),
    ("farebox_x402_lost_total", MetricType::COUNTER, "Of these, settled ones that failed when they were sent again."),
];

/// Shows what the facilitators know; nothing where there are none.
///
/// # Errors
/// `Internal` where a name is taken.
pub(crate) fn register(registry: &Registry, facilitators: &Facilitators) -> Result<()> {
    let unusable = |error: prometheus::Error| Error::internal(format!("metrics: {error}"));
    let of = |(name, _, help): &(&str, _, &str)| {
        Desc::new((*name).to_owned(), (*help).to_owned(), Vec::new(), HashMap::new())
    };
    let descriptions = SHOWN.iter().map(of).collect::<prometheus::Result<_>>().map_err(unusable)?;
    let shown = PaymentMetrics { facilitators: facilitators.clone(), descriptions };
    registry.register(Box::new(shown)).map_err(unusable)
}

struct PaymentMetrics {
    facilitators: Facilitators,
    descriptions: Vec<Desc>,
}

impl Collector for PaymentMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let reports = self.facilitators.reports();
        let all = SHOWN.into_iter().zip(families(&reports)).filter(|(_, metrics)| !metrics.is_empty());
        let family = |((name, kind, help), metrics): ((&str, MetricType, &str), Vec<Metric>)| {
            let mut family = MetricFamily::default();
            family.set_name(name.to_owned());
            family.set_help(help.to_owned());
            family.set_field_type(kind);
            family.set_metric(metrics);
            family
        };
        all.map(family).collect()
    }
}

/// In the order of [`SHOWN`].
fn families(reports: &[Report]) -> [Vec<Metric>; 9] {
    let settlements = |report: &Report| {
        let outcomes = report.outcomes;
        let counted = [("settled", outcomes.settled), ("pending", outcomes.pending), ("not_taken", outcomes.not_taken)];
        let network = report.network.as_str().to_owned();
        counted.map(|(outcome, count)| counter(&[("network", &network), ("outcome", outcome)], number(count)))
    };
    let own = |read: &dyn Fn(&Status) -> Option<f64>| -> Vec<Metric> {
        let statuses = reports.iter().filter_map(|report| report.own.as_ref());
        statuses.filter_map(|status| Some(gauge(status.network.as_str(), read(status)?))).collect()
    };
    let counted = |read: &dyn Fn(&Status) -> u64| -> Vec<Metric> {
        let statuses = reports.iter().filter_map(|report| report.own.as_ref());
        statuses.map(|status| counter(&[("network", status.network.as_str())], number(read(status)))).collect()
    };
    [
        reports.iter().flat_map(settlements).collect(),
        own(&|status| status.gas.map(|gas| number(format_ether(gas.balance_wei)))),
        own(&|status| status.gas.map(|gas| f64::from(u8::from(gas.low)))),
        own(&|status| status.gas.map(|gas| f64::from(u8::from(gas.paused)))),
        own(&|status| Some(f64::from(u8::from(status.reachable)))),
        own(&|status| Some(number(status.in_flight))),
        reports.iter().filter_map(|report| report.own.as_ref()).map(final_seconds).collect(),
        counted(&|status| status.reorganised.sent_again),
        counted(&|status| status.reorganised.lost),
    ]
}

fn counter(labels: &[(&str, &str)], value: f64) -> Metric {
    let mut counter = Counter::default();
    counter.set_value(value);
    let mut metric = labelled(labels);
    metric.set_counter(counter);
    metric
}

fn gauge(network: &str, value: f64) -> Metric {
    let mut gauge = Gauge::default();
    gauge.set_value(value);
    let mut metric = labelled(&[("network", network)]);
    metric.set_gauge(gauge);
    metric
}

fn final_seconds(status: &Status) -> Metric {
    let SpanCounts { within, count, total } = status.spans;
    let bucket = |(bound_ms, within): (u64, u64)| {
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(number(bound_ms) / 1_000.0);
        bucket.set_cumulative_count(within);
        bucket
    };
    let mut histogram = Histogram::default();
    histogram.set_bucket(SpanCounts::BOUNDS_MS.into_iter().zip(within).map(bucket).collect());
    histogram.set_sample_count(count);
    histogram.set_sample_sum(total.as_secs_f64());
    let mut metric = labelled(&[("network", status.network.as_str())]);
    metric.set_histogram(histogram);
    metric
}

fn labelled(labels: &[(&str, &str)]) -> Metric {
    let pair = |(name, value): &(&str, &str)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    };
    Metric::from_label(labels.iter().map(pair).collect())
}

/// As near as a float comes; for display only.
fn number(value: impl Display) -> f64 {
    value.to_string().parse().unwrap_or(f64::MAX)
}

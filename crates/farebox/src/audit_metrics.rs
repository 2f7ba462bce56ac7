//! `/metrics` of the audit log: what was written, what waits, and what is missing from it.

use farebox_api::LeftOut;
use farebox_audit::AuditLog;
use farebox_base::{Error, Result};
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounter, IntGauge, Registry};
use std::sync::Arc;

/// Shows the log's counts.
///
/// # Errors
/// `Internal` where a name is taken.
pub(crate) fn register(registry: &Registry, log: AuditLog, refusals: Arc<LeftOut>) -> Result<()> {
    let shown = AuditMetrics::new(log, refusals).and_then(|shown| registry.register(Box::new(shown)));
    shown.map_err(|error| Error::internal(format!("metrics: {error}")))
}

struct AuditMetrics {
    log: AuditLog,
    refusals: Arc<LeftOut>,
    written: IntCounter,
    late: IntCounter,
    lost: IntCounter,
    left_out: IntCounter,
    kept: IntGauge,
}

impl AuditMetrics {
    fn new(log: AuditLog, refusals: Arc<LeftOut>) -> prometheus::Result<Self> {
        Ok(Self {
            log,
            refusals,
            written: IntCounter::new("farebox_audit_lines_total", "Lines written to the audit log.")?,
            late: IntCounter::new("farebox_audit_late_total", "Answers that left before their audit line was kept.")?,
            lost: IntCounter::new("farebox_audit_lost_total", "Lines that are missing from the audit log.")?,
            left_out: IntCounter::new(
                "farebox_audit_refusals_left_out_total",
                "Refusals that were too many to be recorded.",
            )?,
            kept: IntGauge::new("farebox_audit_waiting", "Lines that wait until the database takes them.")?,
        })
    }

    fn collectors(&self) -> [&dyn Collector; 5] {
        [&self.written, &self.late, &self.lost, &self.left_out, &self.kept]
    }
}

impl Collector for AuditMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.collectors().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let counts = self.log.counts();
        let catch_up = |counter: &IntCounter, count: u64| counter.inc_by(count.saturating_sub(counter.get()));
        catch_up(&self.written, counts.written);
        catch_up(&self.late, counts.late);
        catch_up(&self.lost, counts.lost);
        catch_up(&self.left_out, self.refusals.total());
        self.kept.set(i64::try_from(counts.kept).unwrap_or(i64::MAX));
        self.collectors().into_iter().flat_map(Collector::collect).collect()
    }
}

//! What is seen of every request: one access line and the counters of its operation.
//!
//! Neither holds bodies, query strings, headers or keys.

use crate::core::Core;
use crate::operation::Operation;
use crate::{DoorId, RequestId};
use farebox_base::{Clock, Error, Kind, Ticks};
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry};

/// Status that the log shows where the client went away before its answer.
const CLIENT_GONE: u16 = 499;
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
const SECONDS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// Handles of every operation, made once so that a request looks up nothing by name.
pub(crate) struct Meters {
    of_rows: Vec<Meter>,
    unmatched: Vec<(DoorId, Meter)>,
}

struct Meter {
    classes: Vec<IntCounter>,
    seconds: Histogram,
}

impl Meters {
    pub(crate) fn new<C: Core>(registry: &Registry, operations: &[Operation<C>]) -> prometheus::Result<Self> {
        let requests = IntCounterVec::new(
            Opts::new("farebox_requests_total", "Requests answered, by operation and class of status."),
            &["door", "operation", "status_class"],
        )?;
        let seconds = HistogramVec::new(
            HistogramOpts::new("farebox_request_seconds", "Time until the head of the answer, by operation.")
                .buckets(SECONDS.to_vec()),
            &["door", "operation"],
        )?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        let meter = |door: DoorId, id: &str| -> prometheus::Result<Meter> {
            let class = |class: &&str| requests.get_metric_with_label_values(&[door.name(), id, class]);
            let classes = CLASSES.iter().map(class).collect::<prometheus::Result<_>>()?;
            Ok(Meter { classes, seconds: seconds.get_metric_with_label_values(&[door.name(), id])? })
        };
        Ok(Self {
            of_rows: operations.iter().map(|op| meter(op.door, op.id)).collect::<prometheus::Result<_>>()?,
            unmatched: DoorId::ALL
                .iter()
                .map(|door| Ok((*door, meter(*door, "unmatched")?)))
                .collect::<prometheus::Result<_>>()?,
        })
    }

    fn of(&self, row: Option<usize>, door: DoorId) -> Option<&Meter> {
        match row {
            Some(index) => self.of_rows.get(index),
            None => self.unmatched.iter().find(|(known, _)| *known == door).map(|(_, meter)| meter),
        }
    }
}

/// One request under observation. Dropped unfinished, it records that the client went away.
pub(crate) struct Watch<'a> {
    pub(crate) clock: &'a dyn Clock,
    pub(crate) meters: &'a Meters,
    pub(crate) received: Ticks,
    pub(crate) method: http::Method,
    pub(crate) path: String,
    pub(crate) request_id: RequestId,
    pub(crate) door: DoorId,
    /// Index and id of the matched row.
    pub(crate) row: Option<(usize, &'static str)>,
    pub(crate) status: Option<u16>,
}

impl Watch<'_> {
    pub(crate) fn finish(mut self, status: u16) {
        self.status = Some(status);
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let status = self.status.unwrap_or(CLIENT_GONE);
        let latency = self.clock.ticks().since(self.received);
        if let Some(meter) = self.meters.of(self.row.map(|(index, _)| index), self.door) {
            let class = usize::from(status / 100).saturating_sub(1);
            if let Some(counter) = meter.classes.get(class) {
                counter.inc();
            }
            meter.seconds.observe(latency.as_secs_f64());
        }
        tracing::info!(
            target: "access",
            method = self.method.as_str(),
            path = self.path.as_str(),
            status,
            latency_us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX),
            request_id = self.request_id.text(),
            door = self.door.name(),
            op = self.row.map_or("unmatched", |(_, id)| id),
        );
    }
}

/// Logs what an error keeps from the caller, once: loud where the fault is ours.
pub(crate) fn report(error: &Error, operation: &str, request_id: &RequestId) {
    let internal = error.internal.as_deref();
    let request_id = request_id.text();
    if error.kind == Kind::Internal {
        tracing::error!(request_id, op = operation, code = error.code, internal, "request failed");
    } else if internal.is_some() {
        tracing::warn!(request_id, op = operation, code = error.code, internal, "request refused");
    }
}

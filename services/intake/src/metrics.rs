//! Counters of the intake; labels are results, never a municipality or a device.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use service::metrics::Metrics;
use wire::intake::Taken;

const BATCH_BUCKETS: [f64; 8] = [1.0, 2.0, 5.0, 10.0, 50.0, 100.0, 500.0, 1_000.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

/// A clone is the same set.
#[derive(Clone, Debug)]
pub(crate) struct IntakeMetrics {
    captures: Family<ResultLabels, Counter>,
    pub(crate) batch: Histogram,
    pub(crate) waiting: Gauge,
}

impl IntakeMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let (captures, waiting) = (Family::default(), Gauge::default());
        let batch = Histogram::new(BATCH_BUCKETS);
        metrics.register("watari_intake_captures", "Captures by result", captures.clone());
        let help = "Captures per transaction";
        metrics.register("watari_intake_batch_captures", help, batch.clone());
        let help = "Captures that wait for their municipalities";
        metrics.register("watari_intake_waiting_captures", help, waiting.clone());
        Self { captures, batch, waiting }
    }

    pub(crate) fn answered(&self, result: Taken) {
        self.captures.get_or_create(&ResultLabels { result: result.as_str() }).inc();
    }
}

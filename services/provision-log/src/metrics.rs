//! Counters of the log; labels are outcomes, never a municipality or a person.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use service::metrics::Metrics;
use wire::provision_log::Act;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OutcomeLabels {
    pub(crate) outcome: &'static str,
}

/// A clone is the same set.
#[derive(Clone, Debug)]
pub(crate) struct LogMetrics {
    entries: Family<OutcomeLabels, Counter>,
    batch: Histogram,
    queue: Gauge,
}

const BATCH_BUCKETS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

impl LogMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let (entries, queue) = (Family::default(), Gauge::default());
        let batch = Histogram::new(BATCH_BUCKETS);
        metrics.register("watari_log_entries", "Durable entries by outcome", entries.clone());
        metrics.register("watari_log_batch_entries", "Entries per transaction", batch.clone());
        metrics.register("watari_log_queue_entries", "Entries waiting", queue.clone());
        Self { entries, batch, queue }
    }

    pub(crate) fn queued(&self) {
        self.queue.inc();
    }

    pub(crate) fn taken(&self, entries: usize) {
        self.queue.dec_by(i64::try_from(entries).unwrap_or_default());
        self.batch.observe(f64::from(u32::try_from(entries).unwrap_or(u32::MAX)));
    }

    pub(crate) fn kept(&self, act: &Act) {
        let outcome = match act {
            Act::Outcome(entry) => entry.outcome.as_str(),
            Act::Order(_) => "order",
        };
        self.entries.get_or_create(&OutcomeLabels { outcome }).inc();
    }
}

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
    cosigned_age_s: Gauge,
    witnesses: Gauge,
    objections: Family<ObjectionLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ObjectionLabels {
    pub(crate) sustained: &'static str,
}

const BATCH_BUCKETS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

impl LogMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let (entries, queue) = (Family::default(), Gauge::default());
        let batch = Histogram::new(BATCH_BUCKETS);
        metrics.register("watari_log_entries", "Durable entries by outcome", entries.clone());
        metrics.register("watari_log_batch_entries", "Entries per transaction", batch.clone());
        metrics.register("watari_log_queue_entries", "Entries waiting", queue.clone());
        let (cosigned_age_s, witnesses) = (Gauge::default(), Gauge::default());
        let objections = Family::default();
        let help = "Seconds since the newest cosignature of a witness";
        metrics.register("watari_log_cosigned_age_seconds", help, cosigned_age_s.clone());
        let help = "Witnesses that have cosigned in this round";
        metrics.register("watari_log_round_witnesses", help, witnesses.clone());
        metrics.register("watari_log_objections", "Objections of witnesses", objections.clone());
        Self { entries, batch, queue, cosigned_age_s, witnesses, objections }
    }

    pub(crate) fn cosigned_age_s(&self, seconds: i64) {
        self.cosigned_age_s.set(seconds);
    }

    pub(crate) fn witnesses(&self, witnesses: usize) {
        self.witnesses.set(i64::try_from(witnesses).unwrap_or(i64::MAX));
    }

    pub(crate) fn objection(&self, is_sustained: bool) {
        let sustained = if is_sustained { "yes" } else { "no" };
        self.objections.get_or_create(&ObjectionLabels { sustained }).inc();
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

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use service::metrics::Metrics;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    result: &'static str,
}

/// Counts log-ins by result; a clone is the same counter.
#[derive(Clone, Default)]
pub(crate) struct LogIns(Family<Labels, Counter>);

impl LogIns {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let log_ins = Self::default();
        metrics.register("watari_log_ins", "Log-ins by result", log_ins.0.clone());
        log_ins
    }

    pub(crate) fn count(&self, result: &'static str) {
        self.0.get_or_create(&Labels { result }).inc();
    }
}

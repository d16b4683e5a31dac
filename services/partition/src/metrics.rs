use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use service::metrics::Metrics;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ResultLabels {
    pub(crate) result: &'static str,
}

/// What a partition counts; never by person, never by municipality pair.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) asked: Family<ResultLabels, Counter>,
    pub(crate) provided: Family<ResultLabels, Counter>,
}

impl Counters {
    pub(crate) fn register(&self, metrics: &Metrics) {
        metrics.register(
            "watari_partition_asked",
            "Inquiries of own clerks by result",
            self.asked.clone(),
        );
        metrics.register(
            "watari_partition_provided",
            "Inquiries of others by result; every kind of nothing is one result",
            self.provided.clone(),
        );
    }
}

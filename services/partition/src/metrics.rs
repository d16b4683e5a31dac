use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
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
    pub(crate) witness_age_s: Gauge,
    pub(crate) rooms_cosigned: Gauge,
    pub(crate) witness_quorum: Gauge,
    pub(crate) doubts: Gauge,
    pub(crate) one_sided: Gauge,
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
        let gauges = [
            ("watari_witness_age_seconds", "Since all rooms cosigned", &self.witness_age_s),
            ("watari_rooms_cosigned", "Rooms in the last round", &self.rooms_cosigned),
            ("watari_witness_quorum", "1 if enough have cosigned lately", &self.witness_quorum),
            ("watari_log_doubts", "Rooms that the log contradicts", &self.doubts),
            ("watari_one_sided_records", "Records that one side has alone", &self.one_sided),
        ];
        for (name, help, gauge) in gauges {
            metrics.register(name, help, gauge.clone());
        }
    }
}

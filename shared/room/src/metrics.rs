use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use service::metrics::Metrics;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ResultLabels {
    pub result: &'static str,
}

/// What a partition counts; never by person, never by municipality pair.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    pub asked: Family<ResultLabels, Counter>,
    pub provided: Family<ResultLabels, Counter>,
    pub alarms: Gauge,
    pub witness_age_s: Gauge,
    pub rooms_cosigned: Gauge,
    pub witness_quorum: Gauge,
    pub doubts: Gauge,
    pub one_sided: Gauge,
}

impl Counters {
    pub fn register(&self, metrics: &Metrics) {
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
            ("watari_log_alarms", "Alarms about the log that ring now", &self.alarms),
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

use domain::{Outcome, Reason};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use service::metrics::Metrics;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndLabels {
    outcome: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabels {
    limit: &'static str,
}

/// What Prometheus may know of inquiries: how many ended how, never whose.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    ends: Family<EndLabels, Counter>,
    turned_away: Family<LimitLabels, Counter>,
    alerts: Counter,
    pub(crate) in_flight: Gauge,
}

impl Counters {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let counters = Self::default();
        let Self { ends, turned_away, alerts, in_flight } = counters.clone();
        metrics.register("watari_inquiries", "Inquiries on record by outcome and reason", ends);
        metrics.register(
            "watari_inquiries_turned_away",
            "Inquiries not looked at because a limit was met",
            turned_away,
        );
        metrics.register("watari_mismatch_alerts", "Operators who find nothing too often", alerts);
        metrics.register("watari_inquiries_in_flight", "Inquiries under way", in_flight);
        counters
    }

    pub(crate) fn ended(&self, outcome: Outcome, reason: Option<Reason>) {
        let labels =
            EndLabels { outcome: outcome.as_str(), reason: reason.map_or("none", Reason::as_str) };
        self.ends.get_or_create(&labels).inc();
    }

    pub(crate) fn turned_away(&self, limit: &'static str) {
        self.turned_away.get_or_create(&LimitLabels { limit }).inc();
    }

    pub(crate) fn alerted(&self) {
        self.alerts.inc();
    }
}

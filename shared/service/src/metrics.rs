//! Counters for Prometheus.  Labels are routes, status classes and fixed words, never a person.

use std::sync::{Arc, Mutex};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    pub service: &'static str,
    pub route: &'static str,
    pub status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RouteLabels {
    pub service: &'static str,
    pub route: &'static str,
}

/// A service's metrics; a clone is the same set.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
}

const SECONDS_BUCKETS: [f64; 12] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Arc::default(),
            requests: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS_BUCKETS)),
        };
        metrics.register(
            "watari_requests",
            "Requests by route and status",
            metrics.requests.clone(),
        );
        metrics.register(
            "watari_request_duration_seconds",
            "Time from the request's head to the answer's",
            metrics.seconds.clone(),
        );
        metrics
    }
}

impl Metrics {
    /// Adds a metric of the service's own.
    pub fn register(&self, name: &'static str, help: &'static str, metric: impl Metric) {
        if let Ok(mut registry) = self.registry.lock() {
            registry.register(name, help, metric);
        }
    }

    pub fn observe(&self, labels: RequestLabels, seconds: f64) {
        let route = RouteLabels { service: labels.service, route: labels.route };
        self.seconds.get_or_create(&route).observe(seconds);
        self.requests.get_or_create(&labels).inc();
    }

    /// The text Prometheus reads.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        if let Ok(registry) = self.registry.lock() {
            // Writing to a String does not fail; a half text would be refused by the reader.
            let _ = encode(&mut text, &registry);
        }
        text
    }
}

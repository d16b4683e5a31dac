//! Log lines, traces and the panic hook.  Spans carry routes, ids and outcomes, never a person.

use std::fs::OpenOptions;
use std::sync::Mutex;

use actix_web::http::header::HeaderMap;
use domain::RequestId;
use opentelemetry::propagation::Extractor;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::config::TelemetryConfig;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TelemetryError {
    #[error("the log filter is not readable")]
    Filter,
    #[error("the log file can't be opened")]
    LogFile,
    #[error("the OTLP exporter can't be made")]
    Exporter,
}

/// Flushes what has not been sent yet when dropped.
#[derive(Debug)]
#[must_use]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = &self.provider {
            // There is nobody left to tell when the last flush fails.
            let _ = provider.shutdown();
        }
    }
}

/// Starts logging and, if an endpoint is set, tracing.  Call it once, before the async runtime.
pub fn start(name: &str, config: &TelemetryConfig) -> Result<Telemetry, TelemetryError> {
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let filter = EnvFilter::try_new(&config.log).map_err(|_| TelemetryError::Filter)?;
    let lines =
        tracing_subscriber::fmt::layer().json().with_current_span(true).with_span_list(false);
    let lines = match &config.log_file {
        Some(path) => {
            let file = OpenOptions::new().create(true).append(true).open(path);
            lines.with_writer(Mutex::new(file.map_err(|_| TelemetryError::LogFile)?)).boxed()
        }
        None => lines.with_writer(std::io::stderr).boxed(),
    };
    let provider = config.otlp_endpoint.as_deref().map(|url| provider(name, url)).transpose()?;
    let traces = provider
        .as_ref()
        .map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer("watari")));
    tracing_subscriber::registry().with(filter).with(lines).with(traces).init();
    silence_panics();
    Ok(Telemetry { provider })
}

fn provider(name: &str, url: &str) -> Result<SdkTracerProvider, TelemetryError> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", url.trim_end_matches('/')))
        .build()
        .map_err(|_| TelemetryError::Exporter)?;
    let resource = Resource::builder().with_service_name(name.to_owned()).build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

/// A panic's message may hold a value, so only its place is written.
fn silence_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|l| format!("{}:{}", l.file(), l.line()));
        tracing::error!(place = place.unwrap_or_default(), "panic");
    }));
}

/// The span of one request, continuing the trace of a service of ours.
///
/// What others call their trace is theirs: an id of 32 digits could be anything, also a number.
pub(crate) fn request_span(
    service: &'static str,
    route: &'static str,
    request_id: &RequestId,
    from_service: Option<&HeaderMap>,
) -> Span {
    let span = tracing::info_span!(
        "request",
        otel.name = route,
        service,
        http.route = route,
        request.id = request_id.as_str(),
        http.response.status_code = tracing::field::Empty,
    );
    if let Some(headers) = from_service {
        let parent = opentelemetry::global::get_text_map_propagator(|propagator| {
            propagator.extract(&HeaderExtractor(headers))
        });
        // Fails only where no tracing layer is installed; then there is no trace to continue.
        let _ = span.set_parent(parent);
    }
    span
}

struct HeaderExtractor<'a>(&'a HeaderMap);

impl Extractor for HeaderExtractor<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|key| key.as_str()).collect()
    }
}

//! The listener: TLS 1.3 with client certificates, deadlines, limits, graceful stop.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::{Extensions, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{App, HttpServer};
use domain::Clock;
use tokio::task::JoinHandle;
use wire::identity::Certificate;
use wire::tls::TlsIdentity;

use crate::config::ListenConfig;
use crate::gate::{Gate, Peer, pass};
use crate::health::{self, Check, ReadyCheck};
use crate::lines::Lines;
use crate::metrics::Metrics;
use crate::{ApiError, Endpoint, Participants, problems};

/// How often the revocation list is read again.
const TRUST_RELOAD: Duration = Duration::from_secs(2);

/// Everything a listener needs besides its handlers.
pub struct Setup {
    pub service: &'static str,
    pub listen: ListenConfig,
    pub identity: TlsIdentity,
    /// The service's own endpoints together with [`health::ENDPOINTS`].
    pub endpoints: &'static [Endpoint],
    pub participants: Participants,
    pub clock: Arc<dyn Clock>,
    pub metrics: Metrics,
    pub ready: Check,
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Setup({})", self.service)
    }
}

/// A service that listens.
#[derive(Debug)]
pub struct Running {
    pub service: &'static str,
    pub address: SocketAddr,
    handle: ServerHandle,
    task: JoinHandle<std::io::Result<()>>,
    background: Vec<JoinHandle<()>>,
    endings: Vec<Ending>,
}

/// What a service does after its last answer.  The lock only lets a running service be shared.
struct Ending(Mutex<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl fmt::Debug for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ending")
    }
}

impl Running {
    /// Lets requests in flight end, then stops.
    pub async fn stop(self) {
        self.handle.stop(true).await;
        let _ = self.task.await;
        for task in self.background {
            task.abort();
        }
        for ending in self.endings {
            ending.0.into_inner().unwrap_or_else(PoisonError::into_inner).await;
        }
    }

    /// Ties a background task to the life of this service.
    #[must_use]
    pub fn with_background(mut self, task: JoinHandle<()>) -> Self {
        self.background.push(task);
        self
    }

    /// Does this once, when the service has answered its last request and is being stopped.
    #[must_use]
    pub fn with_ending(mut self, ending: impl Future<Output = ()> + Send + 'static) -> Self {
        self.endings.push(Ending(Mutex::new(Box::pin(ending))));
        self
    }
}

/// Why a service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the address can't be listened on")]
    Address(#[source] std::io::Error),
    #[error(transparent)]
    Tls(#[from] wire::tls::TlsError),
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    #[error(transparent)]
    Database(#[from] db::DbError),
    #[error(transparent)]
    Keys(#[from] crypto::CryptoError),
    /// Something the service itself insists on; a fixed sentence.
    #[error("{0}")]
    Refused(&'static str),
}

/// Starts listening; `configure` adds the service's handlers.
pub fn start(
    setup: Setup,
    configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> Result<Running, StartError> {
    let Setup { service, listen, identity, endpoints, participants, clock, metrics, ready } = setup;
    let listener = TcpListener::bind(listen.address).map_err(StartError::Address)?;
    let address = listener.local_addr().map_err(StartError::Address)?;
    let trust = Arc::clone(&identity.trust);
    let gate = Gate { service, endpoints, participants, trust, clock, metrics: metrics.clone() };
    let gate = Data::new(gate);
    let limits = Data::new(listen.body_limits());
    let (metrics, ready) = (Data::new(metrics), Data::new(ReadyCheck(ready)));
    let app = move || {
        App::new()
            .app_data(gate.clone())
            .app_data(limits.clone())
            .app_data(metrics.clone())
            .app_data(ready.clone())
            .wrap(from_fn(pass))
            .configure(health::configure)
            .configure(configure.clone())
            .default_service(actix_web::web::to(async || {
                ApiError::new(&problems::NOT_FOUND).respond("")
            }))
    };
    let workers = match listen.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    };
    let lines = Lines::default();
    let rest_max =
        Duration::from_secs(listen.idle_s_max) + Duration::from_millis(listen.header_ms_max);
    let follow_lines = lines.clone().follow(rest_max);
    let server = HttpServer::new(app)
        .workers(workers)
        .max_connections(listen.connections_max)
        .tls_handshake_timeout(Duration::from_millis(listen.handshake_ms_max))
        .client_request_timeout(Duration::from_millis(listen.header_ms_max))
        .client_disconnect_timeout(Duration::from_secs(1))
        .keep_alive(Duration::from_secs(listen.idle_s_max))
        .shutdown_timeout(listen.shutdown_s_max)
        .disable_signals()
        .on_connect(move |connection, extensions| remember_peer(&lines, connection, extensions))
        .listen_rustls_0_23(listener, identity.server_config()?)
        .map_err(StartError::Address)?
        .run();
    let handle = server.handle();
    let task = tokio::spawn(server);
    let background = vec![tokio::spawn(follow_trust(identity)), tokio::spawn(follow_lines)];
    Ok(Running { service, address, handle, task, background, endings: Vec::new() })
}

/// Reads the caller's certificate once for each connection.
fn remember_peer(lines: &Lines, connection: &dyn Any, extensions: &mut Extensions) {
    type Stream = actix_web::rt::net::TcpStream;
    let Some(stream) = connection.downcast_ref::<TlsStream<Stream>>() else {
        return;
    };
    let (socket, session) = stream.get_ref();
    // A line that can't be timed has no peer, so all its requests are refused.
    let Ok(line) = lines.add(socket) else { return };
    extensions.insert(line);
    let certificates = session.peer_certificates().unwrap_or_default();
    if let Some(first) = certificates.first()
        && let Some(certificate) = Certificate::read(first)
    {
        extensions.insert(Peer { certificate, thumbprint: crypto::sha256(first) });
    }
}

async fn follow_trust(identity: TlsIdentity) {
    loop {
        tokio::time::sleep(TRUST_RELOAD).await;
        if let Err(error) = identity.trust.reload() {
            tracing::warn!(%error, "certificates or revocation list not read again");
        }
    }
}

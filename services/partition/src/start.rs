use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::KeyStore;
use db::{Db, DbError, RoomKey, Tx};
use domain::{Clock, MunicipalityCode, ServiceKind};
use jsonwebtoken::DecodingKey;
use ledger::{Origin, Verifier};
use service::Participants;
use service::config::RegistryConfig;
use service::health::Check;
use service::metrics::Metrics;
use service::participants::Source;
use service::permissions::Permissions;
use service::server::{Running, Setup, StartError};
use wire::Client;
use wire::client::Deadlines;
use wire::identity::PeerIdentity;
use wire::tls::{Expected, TlsIdentity};

use crate::config::Config;
use crate::host::Host;
use crate::metrics::Counters;
use crate::room::Room;
use crate::writer::Writer;
use crate::{ENDPOINTS, MIGRATIONS, expire, publish, routes, store};

/// Starts a partition instance: its rooms, their writers, its listener and its background tasks.
pub async fn start(
    config: Config,
    registry: &RegistryConfig,
    clock: Arc<dyn Clock>,
) -> Result<Running, StartError> {
    let identity = TlsIdentity::load(&config.tls)?;
    let deadlines = Deadlines {
        connect_ms_max: config.limits.call_connect_ms_max,
        answer_ms_max: config.limits.call_answer_ms_max,
    };
    let client = |kind, url: &str| Client::new(&identity, Expected::any(kind), url, deadlines);
    let registry_client = client(ServiceKind::Registry, &registry.url)?;
    let participants = Participants::new(registry.stale_s_max);
    let metrics = Metrics::default();
    let counters = Counters::default();
    counters.register(&metrics);
    let db = Db::open(&config.database.service()?).await?;
    db.require_schema(&MIGRATIONS).await?;
    let Opened { rooms, closed, writers } = open_rooms(&config, &db).await?;
    let host = Arc::new(Host {
        instance: instance(&identity)?,
        db,
        rooms,
        closed,
        participants: participants.clone(),
        broker: client(ServiceKind::Broker, &config.broker_url)?,
        log: client(ServiceKind::ProvisionLog, &config.provision_log_url)?,
        permit_keys: permit_keys(&config)?,
        log_verifiers: log_verifiers(&config)?,
        log_origin: Origin::parse(&config.log_origin)
            .map_err(|_| StartError::Refused("log_origin is not an origin of checkpoints"))?,
        last_checkpoint: std::sync::Mutex::default(),
        permissions: Permissions::load(config.permission_list.as_deref())?,
        limits: config.limits,
        clock: Arc::clone(&clock),
        counters,
    });
    let setup = Setup {
        service: "partition",
        listen: config.listen,
        identity,
        endpoints: ENDPOINTS,
        participants: participants.clone(),
        clock,
        metrics,
        ready: readiness(Arc::clone(&host)),
    };
    let data = actix_web::web::Data::from(Arc::clone(&host));
    let running = service::server::start(setup, move |app| routes::configure(app, data.clone()))?;
    let source = Source::new(registry_client.clone(), registry)?;
    let mut running = running
        .with_background(tokio::spawn(source.follow(participants)))
        .with_background(tokio::spawn(Arc::clone(&host.permissions).follow()))
        .with_background(tokio::spawn(expire::run(Arc::clone(&host))))
        .with_background(tokio::spawn(publish::run(host, registry_client)));
    for writer in writers {
        running = running.with_background(tokio::spawn(writer.run()));
    }
    Ok(running)
}

fn instance(identity: &TlsIdentity) -> Result<String, StartError> {
    match identity.certificate()?.identity {
        PeerIdentity::Service { kind: ServiceKind::Partition, instance } => Ok(instance),
        _ => Err(StartError::Refused("the certificate is not a partition's")),
    }
}

#[derive(Default)]
struct Opened {
    rooms: HashMap<MunicipalityCode, Arc<Room>>,
    closed: Vec<MunicipalityCode>,
    writers: Vec<Writer>,
}

/// Opens each room's keys; a new room gets them here.
///
/// A room in which something was done and which has no keys any more stays closed: with new ones it
/// would not find its own people and would say that it knows nothing of them.
async fn open_rooms(config: &Config, db: &Db) -> Result<Opened, StartError> {
    let store = KeyStore::open(&config.keys.key_encryption_key, &config.keys.folder)?;
    let mut opened = Opened::default();
    for municipality in config.municipalities.iter().copied() {
        let keys = match store.room(municipality)? {
            Some(keys) => keys,
            None if has_begun(db, municipality).await? => {
                tracing::error!(%municipality, "the room's keys are missing: it stays closed");
                opened.closed.push(municipality);
                continue;
            }
            None => store.make_room(municipality)?,
        };
        let limits = (config.limits.queue_acts_max, config.limits.batch_acts_max);
        let (queue, writer) = Writer::new(db.clone(), municipality, limits)?;
        let room = Room { municipality, keys: Arc::new(keys), queue };
        opened.rooms.insert(municipality, Arc::new(room));
        opened.writers.push(writer);
    }
    Ok(opened)
}

async fn has_begun(db: &Db, municipality: MunicipalityCode) -> Result<bool, DbError> {
    let room = RoomKey::parse(municipality.as_str()).map_err(|_| DbError::Unavailable)?;
    let read = move |tx: &mut Tx| store::operation::has_begun(tx, municipality);
    db.room_read("partition.has-begun", room, read).await
}

fn permit_keys(config: &Config) -> Result<Vec<DecodingKey>, StartError> {
    let refused = StartError::Refused("permit_keys holds a text that is not a public key");
    let keys = config.permit_keys.iter().map(|text| {
        crypto::VerifyingKey::parse(text).ok()?;
        STANDARD.decode(text).ok().map(|bytes| DecodingKey::from_ed_der(&bytes))
    });
    keys.collect::<Option<Vec<_>>>().filter(|keys| !keys.is_empty()).ok_or(refused)
}

fn log_verifiers(config: &Config) -> Result<Vec<Verifier>, StartError> {
    let refused = StartError::Refused("log_verifiers holds a text that is not a verifier key");
    let verifiers: Option<Vec<Verifier>> =
        config.log_verifiers.iter().map(|text| text.parse().ok()).collect();
    verifiers.filter(|verifiers| !verifiers.is_empty()).ok_or(refused)
}

fn readiness(host: Arc<Host>) -> Check {
    Arc::new(move || {
        let host = Arc::clone(&host);
        Box::pin(async move {
            let mut causes = Vec::new();
            if host.db.ping().await.is_err() {
                causes.push("the database does not answer");
            }
            if host.participants.check(host.clock.now().unix_timestamp()).is_err() {
                causes.push("no directory or revocations in force");
            }
            if !host.rooms.values().all(|room| room.queue.is_served()) {
                causes.push("a room has lost its writer; restart the partition");
            }
            causes
        })
    })
}

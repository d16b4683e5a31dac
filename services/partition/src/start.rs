use std::collections::HashMap;
use std::sync::Arc;

use actix_web::web::Data;
use asking::batch;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::{CryptoError, KeyStore, RoomKeys};
use db::{Db, DbError, RoomKey, Tx};
use domain::disclosure::DisclosureExemptions;
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
use wire::identity::{NATIONAL, PeerIdentity};
use wire::tls::{Expected, TlsIdentity};

use crate::{MIGRATIONS, expire, inspect, publish, reconcile, routes, witness};
use room::Host;
use room::Room;
use room::alarms::Alarms;
use room::checkpoint::Notary;
use room::config::{Config, Limits, ReplaceableKey};
use room::keys::KeyRing;
use room::metrics::Counters;
use room::writer::Writer;
use room::{checkpoint, store};

/// Starts a partition instance: its rooms, their writers, its listener and its background tasks.
pub async fn start(
    config: Config,
    registry: &RegistryConfig,
    clock: Arc<dyn Clock>,
) -> Result<Running, StartError> {
    let db = Db::open(&config.database.service()?).await?;
    start_in(db, config, registry, clock).await
}

/// The same in a database that is open already.
pub async fn start_in(
    db: Db,
    config: Config,
    registry: &RegistryConfig,
    clock: Arc<dyn Clock>,
) -> Result<Running, StartError> {
    let identity = TlsIdentity::load(&config.tls)?;
    let limits = &config.limits;
    let registry_client = client(limits, &identity, (ServiceKind::Registry, &registry.url))?;
    let intake = config.intake_url.as_deref();
    let intake = intake.map(|url| client(limits, &identity, (ServiceKind::Intake, url)));
    let intake = intake.transpose()?;
    let captures_every_ms = config.captures_every_ms;
    let participants = Participants::new(registry.stale_s_max);
    let (host, writers) = open_host(db, &config, participants.clone(), Arc::clone(&clock)).await?;
    let metrics = Metrics::default();
    host.counters.register(&metrics);
    let setup = Setup {
        service: "partition",
        listen: config.listen,
        identity,
        endpoints: routes::endpoints(),
        participants: participants.clone(),
        clock,
        metrics,
        ready: readiness(Arc::clone(&host)),
    };
    let data = Data::from(Arc::clone(&host));
    let batches = Arc::new(batch::Batches::default());
    let shared = Data::from(Arc::clone(&batches));
    let running = service::server::start(setup, move |app| {
        app.app_data(shared.clone());
        routes::configure(app, data.clone());
    })?;
    let source = Source::new(registry_client.clone(), registry)?;
    let mut running = running
        .with_background(tokio::spawn(source.follow(participants)))
        .with_background(tokio::spawn(Arc::clone(&host.permissions).follow()))
        .with_background(tokio::spawn(expire::run(Arc::clone(&host))))
        .with_background(tokio::spawn(imports::run(Arc::clone(&host))))
        .with_background(tokio::spawn(checkpoint::run(Arc::clone(&host))))
        .with_background(tokio::spawn(inspect::run(Arc::clone(&host))))
        .with_background(tokio::spawn(witness::run(Arc::clone(&host))))
        .with_background(tokio::spawn(reconcile::run(Arc::clone(&host))))
        .with_background(tokio::spawn(erasure::run(Arc::clone(&host))))
        .with_background(tokio::spawn(batch::stage(Arc::clone(&host), Arc::clone(&batches))))
        .with_background(tokio::spawn(batch::run(Arc::clone(&host), batches)))
        .with_background(tokio::spawn(records::notices_send::run(Arc::clone(&host))))
        .with_background(tokio::spawn(publish::run(Arc::clone(&host), registry_client)));
    if let Some(intake) = intake {
        let captures = captures::run(Arc::clone(&host), intake, captures_every_ms);
        running = running.with_background(tokio::spawn(captures));
    }
    for writer in writers {
        running = running.with_background(tokio::spawn(writer.run()));
    }
    Ok(running)
}

/// Opens the rooms of an instance; nothing is asked of it and nothing runs before its writers do.
pub async fn open_host(
    db: Db,
    config: &Config,
    participants: Participants,
    clock: Arc<dyn Clock>,
) -> Result<(Arc<Host>, Vec<Writer>), StartError> {
    let identity = TlsIdentity::load(&config.tls)?;
    let client = |kind, url: &str| client(&config.limits, &identity, (kind, url));
    db.require_schema(&MIGRATIONS).await?;
    let Opened { rooms, closed, ended, mut writers } = open_rooms(config, &db, &clock).await?;
    let no_room = RoomKey::parse(NATIONAL).map_err(|_| DbError::Unavailable)?;
    let (own_log, writer) = Writer::new(db.clone(), no_room, queue_limits(config));
    writers.push(writer);
    let host = Arc::new(Host {
        instance: instance(&identity)?,
        db,
        rooms,
        closed,
        ended,
        own_log,
        participants,
        broker: client(ServiceKind::Broker, &config.broker_url)?,
        log: client(ServiceKind::ProvisionLog, &config.provision_log_url)?,
        permit_keys: permit_keys(config)?,
        log_verifiers: log_verifiers(config)?,
        log_origin: log_origin(config)?,
        last_checkpoint: std::sync::Mutex::default(),
        permissions: Permissions::load(config.permission_list.as_deref())?,
        limits: config.limits,
        witness: config.witness,
        review: config.review.clone(),
        reconcile_every_s: config.reconcile_every_s,
        batch: config.batch,
        exemptions: exemptions(config)?,
        alarms: Alarms::default(),
        clock,
        counters: Counters::default(),
        imports: room::Wake::default(),
        endings: room::Wake::default(),
        ending: config.ending.clone(),
    });
    Ok((host, writers))
}

fn client(
    limits: &Limits,
    identity: &TlsIdentity,
    (kind, url): (ServiceKind, &str),
) -> Result<Client, wire::tls::TlsError> {
    let deadlines = Deadlines {
        connect_ms_max: limits.call_connect_ms_max,
        answer_ms_max: limits.call_answer_ms_max,
    };
    Client::new(identity, Expected::any(kind), url, deadlines)
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
    ended: Vec<MunicipalityCode>,
    writers: Vec<Writer>,
}

/// Opens each room's keys; a new room gets them here.
///
/// A room in which something was done and which has no keys any more stays closed: with new ones it
/// would not find its own people and would say that it knows nothing of them.
async fn open_rooms(
    config: &Config,
    db: &Db,
    clock: &Arc<dyn Clock>,
) -> Result<Opened, StartError> {
    let origin = log_origin(config)?;
    let store = KeyStore::open(&config.keys.key_encryption_key, &config.keys.folder)?;
    let store = Arc::new(store);
    let mut opened = Opened::default();
    for municipality in config.municipalities.iter().copied() {
        let room = RoomKey::parse(municipality.as_str()).map_err(|_| DbError::Unavailable)?;
        let keys = match store.room(municipality)? {
            Some(keys) => replace_leaked(config, &store, keys)?,
            None if store.is_closed(municipality) || has_begun(db, room).await? => {
                tracing::error!(%municipality, "the room's keys are missing: it stays closed");
                opened.closed.push(municipality);
                opened.ended.extend(store.is_closed(municipality).then_some(municipality));
                continue;
            }
            None => store.make_room(municipality)?,
        };
        let ring = Arc::new(KeyRing::new(Arc::clone(&store), keys));
        let (queue, writer) = Writer::new(db.clone(), room, queue_limits(config));
        let notary = Notary::new(Arc::clone(&ring), &origin, Arc::clone(clock))?;
        match writer.signing(notary).await {
            Ok(writer) => opened.writers.push(writer),
            Err(error) => {
                let code = error.kind().code;
                tracing::error!(%municipality, code, "the room's log does not open: it stays closed");
                opened.closed.push(municipality);
                continue;
            }
        }
        opened.rooms.insert(municipality, Arc::new(Room { municipality, ring, queue }));
    }
    Ok(opened)
}

/// Gives the room new keys in the place of those that somebody else may have.
fn replace_leaked(
    config: &Config,
    store: &KeyStore,
    mut keys: RoomKeys,
) -> Result<RoomKeys, CryptoError> {
    let municipality = keys.municipality();
    for leaked in config.keys.leaked.iter().filter(|key| key.municipality == municipality) {
        let newest = keys.public_keys();
        let (sealing, signing) = (newest.sealing.first(), newest.signing.first());
        keys = match leaked.kind {
            ReplaceableKey::Sealing if sealing.is_some_and(|key| key.id == leaked.id) => {
                store.rotate_sealing_key(municipality)?
            }
            ReplaceableKey::Signing if signing.is_some_and(|key| key.id == leaked.id) => {
                store.rotate_signing_key(municipality)?
            }
            _ => continue,
        };
        tracing::warn!(%municipality, kind = ?leaked.kind, "a key that may be known is replaced");
    }
    Ok(keys)
}

async fn has_begun(db: &Db, room: RoomKey) -> Result<bool, DbError> {
    let read = move |tx: &mut Tx| store::operation::has_begun(tx, room);
    db.room_read("partition.has-begun", room, read).await
}

fn queue_limits(config: &Config) -> (usize, usize) {
    (config.limits.queue_acts_max, config.limits.batch_acts_max)
}

fn permit_keys(config: &Config) -> Result<Vec<DecodingKey>, StartError> {
    let refused = StartError::Refused("permit_keys holds a text that is not a public key");
    let keys = config.permit_keys.iter().map(|text| {
        crypto::VerifyingKey::parse(text).ok()?;
        STANDARD.decode(text).ok().map(|bytes| DecodingKey::from_ed_der(&bytes))
    });
    keys.collect::<Option<Vec<_>>>().filter(|keys| !keys.is_empty()).ok_or(refused)
}

fn log_origin(config: &Config) -> Result<Origin, StartError> {
    Origin::parse(&config.log_origin)
        .map_err(|_| StartError::Refused("log_origin is not an origin of checkpoints"))
}

fn log_verifiers(config: &Config) -> Result<Vec<Verifier>, StartError> {
    let refused = StartError::Refused("log_verifiers holds a text that is not a verifier key");
    let verifiers: Option<Vec<Verifier>> =
        config.log_verifiers.iter().map(|text| text.parse().ok()).collect();
    verifiers.filter(|verifiers| !verifiers.is_empty()).ok_or(refused)
}

fn exemptions(config: &Config) -> Result<DisclosureExemptions, StartError> {
    let Some(path) = &config.disclosure_exemptions else {
        return Ok(DisclosureExemptions::shipped());
    };
    let unreadable = || StartError::Refused("disclosure_exemptions: every row must be readable");
    let text = std::fs::read_to_string(path).map_err(|error| {
        tracing::error!(%error, path = %path.display(), "disclosure_exemptions is not there");
        unreadable()
    })?;
    DisclosureExemptions::parse(&text).map_err(|error| {
        tracing::error!(%error, path = %path.display(), "disclosure_exemptions is not readable");
        unreadable()
    })
}

fn readiness(host: Arc<Host>) -> Check {
    Arc::new(move || {
        let host = Arc::clone(&host);
        Box::pin(async move {
            // An alarm by itself must not take the rooms away from their clerks.
            let is_stopped = host.is_log_doubtful();
            let mut causes = if is_stopped { host.alarms.causes() } else { Vec::new() };
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

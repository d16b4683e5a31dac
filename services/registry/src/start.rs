use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::web::Data;
use crypto::SigningKey;
use db::{Db, DbError};
use domain::policy::may;
use domain::{Action, Actor, Clock, OpContext, RequestId, ServiceKind};
use ledger::Verifier;
use service::metrics::Metrics;
use service::server::{Running, Setup, StartError};
use service::{ApiError, Ended, Participants, Recorder, problems};
use wire::PeerIdentity;
use wire::registry::PublishedKey;
use wire::tls::TlsIdentity;

use crate::access::Access;
use crate::access_log::{AccessLog, LogError};
use crate::backoff::Backoff;
use crate::metrics::LogIns;
use crate::passwords::Passwords;
use crate::published::Published;
use crate::store;
use crate::tokens::Tokens;
use crate::verify_access_log::verify_newest;
use crate::{Config, ENDPOINTS, MIGRATIONS, Registry, routes};

const SERVICE: &str = "registry";
/// The registry trusts its own view no longer than others do theirs.
const STALE_S_MAX: i64 = 30;
/// Tiles of the access log that are looked over before the start: a hundred thousand lines.
const TILES_AT_START: u64 = 400;

/// Starts the registry on the database its configuration names.
pub async fn start(config: Config, clock: Arc<dyn Clock>) -> Result<Running, StartError> {
    let db = Db::open(&config.database.service()?).await?;
    start_in(db, config, clock).await
}

/// The same on an open database.
pub async fn start_in(
    db: Db,
    config: Config,
    clock: Arc<dyn Clock>,
) -> Result<Running, StartError> {
    db.require_schema(&MIGRATIONS).await?;
    let keys = config.access_keys()?;
    let access_log = AccessLog::new(db.clone(), config.access_signer()?, Arc::clone(&clock));
    let access_log = Arc::new(open(access_log, &db, &keys).await?);
    let Config { listen, tls, directory_key, token_key, limits, .. } = config;
    let identity = TlsIdentity::load(&tls)?;
    let instance = instance(&identity)?;
    let directory_key = SigningKey::load(&directory_key)?;
    let tokens = Tokens::load(&token_key, &limits)?;
    let limits_copy = limits.clone();
    let passwords = tokio::task::spawn_blocking(move || Passwords::new(&limits_copy));
    let passwords = passwords.await.ok().and_then(Result::ok);
    let passwords = passwords.ok_or(StartError::Refused("no random bytes for passwords"))?;
    let actor = Actor::Service { kind: ServiceKind::Registry, instance };
    let context = OpContext::new(actor, RequestId::make_random(), clock.now());
    publish_token_key(&access_log, &context, tokens.key.clone(), token_key.withdrawn).await?;

    let participants = Participants::new(STALE_S_MAX);
    let metrics = Metrics::default();
    let published = Published::new(
        db.clone(),
        directory_key,
        limits.directory_s_max.max(10),
        Arc::clone(&clock),
        participants.clone(),
    );
    published.refresh().await.map_err(|_| StartError::Database(DbError::Unavailable))?;
    let ready = ready(Arc::clone(&access_log), participants.clone(), tokens.key.clone());
    let registry = Data::new(Registry {
        db: db.clone(),
        access_log: Arc::clone(&access_log),
        published,
        passwords,
        backoff: Backoff::new(&limits),
        tokens,
        log_ins: LogIns::register(&metrics),
    });
    let shared = registry.clone();
    let setup = Setup {
        service: SERVICE,
        listen,
        identity,
        endpoints: ENDPOINTS,
        participants,
        clock,
        metrics,
        ready,
    };
    let recorder = Data::new(recorder(Arc::clone(&access_log)));
    let running = service::server::start(setup, move |config| {
        config.app_data(shared.clone()).app_data(recorder.clone()).configure(routes::configure);
    })?;
    let follow = tokio::spawn(async move { registry.published.follow().await });
    let (signing, checking) = (Arc::clone(&access_log), Arc::clone(&access_log));
    Ok(running
        .with_background(follow)
        .with_background(tokio::spawn(async move { signing.follow().await }))
        .with_background(tokio::spawn(async move { checking.check(&keys).await }))
        .with_ending(async move { access_log.sign().await }))
}

/// Takes up the stored access log, which must be the one that was written and signed.
async fn open(log: AccessLog, db: &Db, keys: &[Verifier]) -> Result<AccessLog, StartError> {
    let report = verify_newest(db, keys, TILES_AT_START).await?;
    for damage in &report.damage {
        tracing::error!(%damage, "the access log is damaged");
    }
    if !report.is_intact() {
        return Err(StartError::Refused(
            "the access log is not the one that was written and signed; restore it before starting",
        ));
    }
    match log.open().await {
        Ok(()) => Ok(log),
        Err(LogError::Db(error)) => Err(error.into()),
        Err(LogError::Damaged) => Err(StartError::Refused("the access log has no end")),
    }
}

/// Writes the line of whoever got no further than the gate or the body, or met a fault.
fn recorder(log: Arc<AccessLog>) -> Recorder {
    Recorder::new(move |ended| {
        let log = Arc::clone(&log);
        Box::pin(async move {
            if is_poll(&ended) {
                return Ok(());
            }
            let unwritten = |error| ApiError::caused(&problems::UNAVAILABLE, error);
            log.add(Access::ended(&ended)).await.map_err(unwritten)
        })
    })
}

/// Services fetch directory and revocations every two seconds.  Both are public among them, and
/// their lines would bury all others; whoever may not fetch them gets a line.
fn is_poll(Ended { actor, action, .. }: &Ended) -> bool {
    let is_published =
        |action: &Action| matches!(action, Action::ReadDirectory | Action::ReadRevocations);
    let polled = action.filter(is_published);
    polled.is_some_and(|action| actor.as_ref().is_some_and(|actor| may(actor, action)))
}

/// The instance our own certificate names; it must be a registry's.
fn instance(identity: &TlsIdentity) -> Result<String, StartError> {
    match identity.certificate()?.identity {
        PeerIdentity::Service { kind: ServiceKind::Registry, instance } => Ok(instance),
        _ => Err(StartError::Refused("the certificate is not a registry's")),
    }
}

/// Publishes the key that signs tokens from now on, beside earlier ones; drops withdrawn ones.
async fn publish_token_key(
    log: &AccessLog,
    context: &OpContext,
    key: PublishedKey,
    withdrawn: Vec<u32>,
) -> Result<(), StartError> {
    if withdrawn.contains(&key.id) {
        return Err(StartError::Refused("the token key in use is among the withdrawn ones"));
    }
    let line = Access::of(context, "PublishTokenKey").to(key.id).with("done");
    let is_free = log.write("registry.publish_token_key", move |tx| {
        let old = store::token_key_find(tx, key.id)?;
        if old.as_ref().is_some_and(|old| old.key != key.key) {
            return Ok((false, Vec::new()));
        }
        let mut is_changed = store::token_keys_delete(tx, &withdrawn)?;
        if old.is_none() {
            store::token_key_insert(tx, &key)?;
            is_changed = true;
        } else if old.as_ref() != Some(&key) {
            store::token_key_set_validity(tx, &key)?;
            is_changed = true;
        }
        if !is_changed {
            return Ok((true, Vec::new()));
        }
        store::directory_advance(tx)?;
        Ok((true, vec![line.clone()]))
    });
    match is_free.await {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(StartError::Refused("the token key's id belongs to another key; choose a new id"))
        }
        Err(LogError::Db(error)) => Err(error.into()),
        Err(LogError::Damaged) => Err(StartError::Refused("the access log is damaged")),
    }
}

type Causes = Pin<Box<dyn Future<Output = Vec<&'static str>>>>;

/// Whether somebody could log in now, and if not, what is missing.
fn ready(
    log: Arc<AccessLog>,
    participants: Participants,
    token_key: PublishedKey,
) -> service::health::Check {
    Arc::new(move || -> Causes {
        let (log, participants) = (Arc::clone(&log), participants.clone());
        let now_unix_s = log.clock.now().unix_timestamp();
        let is_key_valid = token_key.is_valid_at(now_unix_s);
        Box::pin(async move {
            let mut causes = Vec::new();
            if log.db.ping().await.is_err() {
                causes.push("database");
            }
            if participants.check(now_unix_s).is_err() {
                causes.push("directory");
            }
            if !is_key_valid {
                causes.push("token key");
            }
            if log.is_damaged() {
                causes.push("access log");
            }
            causes
        })
    })
}

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::web::Data;
use crypto::SigningKey;
use db::{Db, DbError};
use domain::{Actor, Clock, OpContext, RequestId, ServiceKind};
use service::Participants;
use service::metrics::Metrics;
use service::server::{Running, Setup, StartError};
use wire::PeerIdentity;
use wire::registry::PublishedKey;
use wire::tls::TlsIdentity;

use crate::backoff::Backoff;
use crate::metrics::LogIns;
use crate::passwords::Passwords;
use crate::published::Published;
use crate::store::{self, Access};
use crate::tokens::Tokens;
use crate::{Config, ENDPOINTS, MIGRATIONS, Registry, routes};

const SERVICE: &str = "registry";
/// The registry trusts its own view no longer than others do theirs.
const STALE_S_MAX: i64 = 30;

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
    publish_token_key(&db, &context, tokens.key.clone(), token_key.withdrawn).await?;

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
    let ready = ready(db.clone(), participants.clone(), tokens.key.clone(), Arc::clone(&clock));
    let registry = Data::new(Registry {
        db,
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
    let running = service::server::start(setup, move |config| {
        config.app_data(shared.clone()).configure(routes::configure);
    })?;
    let follow = tokio::spawn(async move { registry.published.follow().await });
    Ok(running.with_background(follow))
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
    db: &Db,
    context: &OpContext,
    key: PublishedKey,
    withdrawn: Vec<u32>,
) -> Result<(), StartError> {
    if withdrawn.contains(&key.id) {
        return Err(StartError::Refused("the token key in use is among the withdrawn ones"));
    }
    let access = Access::of(context, "PublishTokenKey", Some(&key.id.to_string()));
    let is_free = db.transaction("registry.publish_token_key", move |tx| {
        store::registry_lock(tx)?;
        let old = store::token_key_find(tx, key.id)?;
        if old.as_ref().is_some_and(|old| old.key != key.key) {
            return Ok(false);
        }
        let mut is_changed = store::token_keys_delete(tx, &withdrawn)?;
        if old.is_none() {
            store::token_key_insert(tx, &key)?;
            is_changed = true;
        } else if old.as_ref() != Some(&key) {
            store::token_key_set_validity(tx, &key)?;
            is_changed = true;
        }
        if is_changed {
            store::directory_advance(tx)?;
            store::access_append(tx, &access, "done")?;
        }
        Ok::<_, DbError>(true)
    });
    if is_free.await? {
        Ok(())
    } else {
        Err(StartError::Refused("the token key's id belongs to another key; choose a new id"))
    }
}

type Causes = Pin<Box<dyn Future<Output = Vec<&'static str>>>>;

/// Whether somebody could log in now, and if not, what is missing.
fn ready(
    db: Db,
    participants: Participants,
    token_key: PublishedKey,
    clock: Arc<dyn Clock>,
) -> service::health::Check {
    Arc::new(move || -> Causes {
        let (db, participants) = (db.clone(), participants.clone());
        let now_unix_s = clock.now().unix_timestamp();
        let is_key_valid = token_key.is_valid_at(now_unix_s);
        Box::pin(async move {
            let mut causes = Vec::new();
            if db.ping().await.is_err() {
                causes.push("database");
            }
            if participants.check(now_unix_s).is_err() {
                causes.push("directory");
            }
            if !is_key_valid {
                causes.push("token key");
            }
            causes
        })
    })
}

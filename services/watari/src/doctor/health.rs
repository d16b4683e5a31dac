use db::Db;
use domain::{RequestId, ServiceKind};
use service::health::READY;
use wire::client::Deadlines;
use wire::tls::{Expected, TlsFiles, TlsIdentity};
use wire::{CallError, Client};

use super::Trouble;
use crate::house::url_of;
use crate::{Failure, Settings, services};

/// The database lets the service's role in, and its schema is this program's.
pub(super) async fn database(settings: &Settings, kind: ServiceKind) -> Result<String, Trouble> {
    let next = format!("watari migrate {kind} --config …, and see watari.log for the cause");
    match open(settings, kind).await {
        Ok(engine) => Ok(format!("{engine}, schema up to date")),
        Err(failure) => Err(Trouble::new(failure.chain(), next)),
    }
}

async fn open(settings: &Settings, kind: ServiceKind) -> Result<&'static str, Failure> {
    let (Some(config), Some(schema)) = (settings.database(kind), services::schema(kind)) else {
        return Ok("none");
    };
    let failed = |source| Failure::Database { service: kind.as_str(), source };
    let mut config = config.service()?;
    config.connections_max = 1;
    let db = Db::open(&config).await.map_err(failed)?;
    db.require_schema(schema.migrations).await.map_err(failed)?;
    Ok(if config.url.is_sqlite() { "SQLite" } else { "PostgreSQL" })
}

/// The service answers over mutual TLS that it is ready.
pub(super) async fn service(settings: &Settings, kind: ServiceKind) -> Result<String, Trouble> {
    let (Some(tls), Some(listen)) = (settings.tls(kind), settings.listen(kind)) else {
        return Ok("not configured".to_owned());
    };
    let url = url_of(listen.address);
    match ask(settings, kind, READY.path).await {
        Ok(_) => Ok(format!("ready at {url}")),
        Err(Failure::Call { source: CallError::Unavailable, .. }) => Err(Trouble::new(
            format!("no answer at {url}"),
            format!("watari run {kind} --config …"),
        )),
        Err(Failure::Call { .. }) => {
            Err(Trouble::new(format!("answers at {url}, but is not ready"), causes(tls, &url)))
        }
        Err(failure) => Err(Trouble::new(failure.chain(), "mend its certificate first")),
    }
}

/// Asks a service with its own certificate.
pub(super) async fn ask(
    settings: &Settings,
    kind: ServiceKind,
    path: &str,
) -> Result<String, Failure> {
    let (Some(tls), Some(listen)) = (settings.tls(kind), settings.listen(kind)) else {
        return Err(Failure::NotConfigured(kind.as_str()));
    };
    let (identity, url) = (TlsIdentity::load(tls)?, url_of(listen.address));
    let client = Client::new(&identity, Expected::any(kind), &url, Deadlines::default())?;
    let answer = client.get_text(path, &RequestId::make_random()).await;
    answer.map_err(Failure::call("asking how it is"))
}

/// `/readyz` names the causes itself.
fn causes(tls: &TlsFiles, url: &str) -> String {
    format!(
        "curl --cacert '{}' --cert '{}' --key '{}' {url}{}",
        tls.authority.display(),
        tls.certificate.display(),
        tls.key.display(),
        READY.path
    )
}

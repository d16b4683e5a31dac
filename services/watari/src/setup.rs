//! Writes a folder from which everything can start: a private authority, certificates, keys,
//! passwords and `watari.toml`.
//!
//! Invariant: nothing that is there already is overwritten; `watari.toml` comes last, so a folder
//! that has it is whole.

mod files;
mod keys;
mod toml_text;

use std::path::Path;

use db::Server;
use domain::{Clock, ServiceKind};
use service::pki::Authority;
use uuid::Uuid;
use wire::PeerIdentity;

pub use cast::layout;

use crate::Failure;
use cast::Cast;
use cast::Layout;

/// What may differ from one installation to another.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Five ports from here on; `None` takes free ones at every start.
    pub base_port: Option<u16>,
    pub databases: Databases,
    /// How often services ask the registry what changed.
    pub poll_ms: u64,
}

/// Where data is kept.
#[derive(Clone)]
pub enum Databases {
    /// One file per service inside the folder.
    Sqlite,
    /// One database per service on this server; made if missing.
    Server { owner_url: String, prefix: String },
    /// Databases that are there already.
    Given([DatabaseUrls; 4]),
}

/// A database as the service and as its owner reach it.
#[derive(Clone)]
pub struct DatabaseUrls {
    pub url: String,
    /// Absent means the same.
    pub owner_url: Option<String>,
}

impl std::fmt::Debug for Databases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Databases(redacted)")
    }
}

impl std::fmt::Debug for DatabaseUrls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DatabaseUrls(redacted)")
    }
}

/// The first of five ports, unless others are chosen.
pub const BASE_PORT: u16 = 7_430;
/// The services that have a database.
pub const WITH_DATABASE: [ServiceKind; 4] =
    [ServiceKind::Registry, ServiceKind::ProvisionLog, ServiceKind::Intake, ServiceKind::Partition];
/// The instance name in every service's certificate.
pub const INSTANCE: &str = "main";
/// Where services and terminals of one machine meet.
const HOSTS: [&str; 2] = ["localhost", "127.0.0.1"];

/// Writes everything into `folder`, which must be empty or not there.
pub async fn write(folder: &Path, plan: &Plan, clock: &dyn Clock) -> Result<Layout, Failure> {
    let folder = std::path::absolute(folder).map_err(Failure::file(folder))?;
    let layout = Layout::new(&folder);
    let cast = Cast::new()?;
    files::claim(&layout)?;
    issue_certificates(&layout, &cast, clock)?;
    let public = keys::create(&layout, clock)?;
    let urls = database_urls(&plan.databases).await?;
    let urls = files::write_database_urls(&layout, urls)?;
    files::write_passwords(&layout, &cast)?;
    let text = toml_text::TomlText { plan, cast: &cast, public: &public, urls: &urls }.write();
    files::write_new(&layout.settings(), &text)?;
    Ok(layout)
}

fn issue_certificates(layout: &Layout, cast: &Cast, clock: &dyn Clock) -> Result<(), Failure> {
    let authority = Authority::create(&layout.authority(), clock)?;
    for kind in ServiceKind::ALL {
        authority.issue(&PeerIdentity::service(kind, INSTANCE), &HOSTS, kind.as_str())?;
    }
    let people = cast.towns().map(|town| &town.clerk).into_iter().chain([&cast.national]);
    for person in people {
        let (municipality, terminal) = (person.municipality, person.terminal.clone());
        let identity = PeerIdentity::Terminal { municipality, terminal };
        authority.issue(&identity, &[], person.terminal.as_str())?;
    }
    for town in cast.towns() {
        let (municipality, system) = (town.code, town.ledger.clone());
        let identity = PeerIdentity::System { municipality, system };
        authority.issue(&identity, &[], town.ledger.as_str())?;
    }
    Ok(())
}

/// In the order of [`WITH_DATABASE`]; `None` means a SQLite file.
async fn database_urls(databases: &Databases) -> Result<Option<[DatabaseUrls; 4]>, Failure> {
    match databases {
        Databases::Sqlite => Ok(None),
        Databases::Given(given) => Ok(Some(given.clone())),
        Databases::Server { owner_url, prefix } => {
            let one = async |kind: ServiceKind| {
                let role = crate::services::schema(kind).map(|schema| schema.role);
                let role = role.unwrap_or_default();
                let name = format!("{prefix}_{}", kind.as_str().replace('-', "_"));
                let bad = "their server has a URL like postgres://owner@host:port/";
                let server = Server::parse(owner_url).map_err(|_| Failure::NewDatabase(bad))?;
                let refused = "the server does not let the owner make a database";
                let made = server.ensure_database(&name).await;
                made.map_err(|_| Failure::NewDatabase(refused))?;
                Ok::<_, Failure>(DatabaseUrls {
                    url: server.url(role, &make_password(), &name),
                    owner_url: Some(server.owner_url(&name)),
                })
            };
            let [first, second, third, fourth] = WITH_DATABASE;
            Ok(Some([one(first).await?, one(second).await?, one(third).await?, one(fourth).await?]))
        }
    }
}

/// 122 random bits.
fn make_password() -> String {
    Uuid::new_v4().simple().to_string()
}

use std::path::Path;
use std::sync::Arc;

use domain::{Clock, ServiceKind};
use service::config::Secret;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use uuid::Uuid;
use wire::partition::RegisterVaccination;

use super::store;
use crate::house::House;
use crate::setup::{self, Databases, Plan};
use crate::story::cast::{Cast, Person, Town};
use crate::story::desk::Desk;
use crate::story::residents::{Resident, Residents};
use crate::story::seed;
use crate::story::site::{Passwords, Site};
use crate::{Failure, Settings, schema, services};
use screen::{Progress, Screen};

/// Where the databases of a measurement are.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Sqlite,
    Server { owner_url: String, prefix: String },
}

/// A house to be measured.
pub(crate) struct Ground {
    pub(super) house: House,
    place: Place,
    pub(super) site: Site,
    pub(super) cast: Cast,
    pub(super) passwords: Passwords,
    /// The same configuration, but with a provision log's database that no service uses.
    pub(super) scratch: Settings,
}

/// Registering is done by so many at a time.
const HANDS: usize = 32;
const POLL_MS: u64 = 500;

impl Place {
    /// `sqlite`, or the URL of a server's owner.
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "sqlite" => Self::Sqlite,
            url => {
                let prefix = format!("bench_{}", Uuid::new_v4().simple());
                Self::Server { owner_url: url.to_owned(), prefix }
            }
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Server { .. } => "PostgreSQL",
        }
    }

    /// Leaves nothing of ours on a server, or says that something stays.
    pub(super) async fn clean_up(&self, screen: Screen) {
        let Self::Server { owner_url, prefix } = self.clone() else { return };
        let kinds = ["registry", "provision_log", "intake", "partition", "replay", "here", "away"];
        let names = kinds.map(|kind| format!("{prefix}_{kind}"));
        let gone = tokio::task::spawn_blocking(move || store::drop_databases(&owner_url, &names));
        if !gone.await.unwrap_or_default() {
            let prefix = self.prefix();
            screen.line(&format!("  databases named {prefix}_… are left on the server"));
        }
    }

    /// How the names of the databases begin; SQLite has files in the folder instead.
    fn prefix(&self) -> &str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Server { prefix, .. } => prefix,
        }
    }

    fn databases(&self) -> Databases {
        match self.clone() {
            Self::Sqlite => Databases::Sqlite,
            Self::Server { owner_url, prefix } => Databases::Server { owner_url, prefix },
        }
    }
}

/// Writes the folder; requests are limited only by what the machine can do.
pub(crate) async fn set_up(
    folder: &Path,
    place: &Place,
    clock: &dyn Clock,
) -> Result<Settings, Failure> {
    let plan = Plan { base_port: None, databases: place.databases(), poll_ms: POLL_MS };
    let layout = setup::write(folder, &plan, clock).await?;
    let mut settings = Settings::load(&layout.settings())?;
    if let Some(broker) = &mut settings.broker {
        let limits = &mut broker.limits;
        limits.requests_per_s_max = 0;
        limits.batch_requests_per_s_max = 0;
        limits.in_flight_per_municipality_max = limits.in_flight_max;
        (limits.mismatches_alert_at, limits.mismatches_block_at) = (0, 0);
    }
    Ok(settings)
}

impl Ground {
    /// Starts everything and registers the demonstration's municipalities and people.
    pub(crate) async fn start(
        settings: Settings,
        place: Place,
        clock: &Arc<dyn Clock>,
        screen: Screen,
    ) -> Result<Self, Failure> {
        for kind in services::IN_ORDER {
            schema::migrate(&settings, kind).await?;
        }
        let scratch = make_scratch(&settings, &place).await?;
        let house = House::start(settings, &services::IN_ORDER, clock).await?;
        let site = house.site();
        seed::seed(&site, clock.as_ref(), screen).await?;
        let passwords = Passwords::load(&site.layout)?;
        Ok(Self { house, place, site, cast: Cast::new()?, passwords, scratch })
    }

    pub(super) fn engine(&self) -> &'static str {
        self.place.name()
    }

    pub(super) async fn desk(&self, person: &Person) -> Result<Desk, Failure> {
        Desk::log_in(&self.site, person, &self.passwords).await
    }

    /// Registers residents in one town, many at a time; returns their handles in no order.
    pub(super) async fn register(
        &self,
        town: &Town,
        residents: &[Resident],
        screen: Screen,
    ) -> Result<Vec<Uuid>, Failure> {
        register_all(self.desk(&town.clerk).await?, town, residents, screen).await
    }

    /// What a further database of this measurement is called; SQLite has files instead.
    pub(super) fn database(&self, name: &str) -> Option<String> {
        match &self.place {
            Place::Sqlite => None,
            Place::Server { prefix, .. } => Some(format!("{prefix}_{name}")),
        }
    }

    /// Stops everything and leaves nothing behind.
    pub(crate) async fn stop(self, screen: Screen) {
        self.house.stop().await;
        self.place.clean_up(screen).await;
    }
}

/// The same by somebody who is logged in.
pub(super) async fn register_all(
    desk: Desk,
    town: &Town,
    residents: &[Resident],
    screen: Screen,
) -> Result<Vec<Uuid>, Failure> {
    let what = format!("registering residents in {}", town.name);
    let work = screen.begin(&what, u64::try_from(residents.len()).ok());
    let work = Arc::new(Mutex::new(work));
    let desk = Arc::new(desk);
    let mut hands = JoinSet::new();
    for share in residents.chunks(residents.len().div_ceil(HANDS).max(1)) {
        hands.spawn(register_share(Arc::clone(&desk), share.to_vec(), Arc::clone(&work)));
    }
    let mut handles = Vec::new();
    while let Some(done) = hands.join_next().await {
        handles.extend(done.map_err(|_| Failure::Interrupted)??);
    }
    if let Some(work) = Arc::into_inner(work) {
        work.into_inner().done(&format!("{} residents in {}", residents.len(), town.name));
    }
    Ok(handles)
}

async fn register_share(
    desk: Arc<Desk>,
    residents: Vec<Resident>,
    work: Arc<Mutex<Progress>>,
) -> Result<Vec<Uuid>, Failure> {
    let mut handles = Vec::with_capacity(residents.len());
    for resident in residents {
        let subject = desk.register_subject(&resident.to_request()).await;
        let subject = subject.map_err(Failure::call("registering a resident"))?;
        for vaccination in resident.doses {
            let dose = RegisterVaccination { subject, vaccination };
            desk.register_vaccination(&dose).await.map_err(Failure::call("registering a dose"))?;
        }
        handles.push(subject);
        work.lock().await.step();
    }
    Ok(handles)
}

/// Everybody in these serials has the same two doses.
pub(super) fn residents(serials: std::ops::Range<u32>, has_doses: bool) -> Vec<Resident> {
    let two = Residents::new(0).adachi.into_iter().find(|one| one.doses.len() == 2);
    let doses = two.filter(|_| has_doses).map(|one| one.doses).unwrap_or_default();
    serials.map(|serial| Resident { serial, doses: doses.clone() }).collect()
}

/// Makes a second database for the provision log, reached with the same role and password.
async fn make_scratch(settings: &Settings, place: &Place) -> Result<Settings, Failure> {
    let failed = |source| Failure::Database { service: "provision-log", source };
    let owner = settings.provision_log()?.database.owner()?;
    let prefix = place.prefix();
    db::ensure_database(&owner, &format!("{prefix}_replay")).await.map_err(failed)?;
    let mut scratch = settings.clone();
    let databases = scratch.provision_log.iter_mut().map(|log| &mut log.database);
    for secret in databases.flat_map(|d| [Some(&mut d.url), d.owner_url.as_mut()]).flatten() {
        let url = match &*secret {
            Secret::Value(url) => url.clone(),
            Secret::File { file } => std::fs::read_to_string(file).map_err(Failure::file(file))?,
        };
        let url = url.replace("provision-log.db", "replay.db");
        let (ours, theirs) = (format!("{prefix}_provision_log"), format!("{prefix}_replay"));
        *secret = Secret::Value(url.replace(&ours, &theirs));
    }
    schema::migrate(&scratch, ServiceKind::ProvisionLog).await?;
    Ok(scratch)
}

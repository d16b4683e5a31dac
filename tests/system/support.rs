//! A small world: the whole system in this process, on either engine, spoken to from outside.

use std::sync::{Arc, LazyLock, OnceLock};

use domain::vaccination::Vaccination;
use domain::{Clock, Confirmation, IndividualNumber, InquiryId, MunicipalityCode, SystemClock};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;
use watari::house::House;
use watari::screen::Screen;
use watari::setup::{self, Databases, Plan};
use watari::story::cast::{Cast, Person};
use watari::story::desk::Desk;
use watari::story::residents::Resident;
use watari::story::seed;
use watari::story::site::{Passwords, Site};
use watari::{Settings, schema, services};
use wire::WireNumber;
use wire::partition::{AskRequest, RegisterVaccination};

/// One runtime for all tests of this binary, so that they can share a world.
pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) house: House,
    pub(crate) site: Site,
    pub(crate) cast: Cast,
    pub(crate) folder: TempDir,
    /// Names of the databases begin with this, on PostgreSQL.
    pub(crate) prefix: String,
}

/// The superuser's URL of the PostgreSQL that `tests/run` starts; without it nothing is tested.
#[expect(clippy::disallowed_methods, reason = "tests/run says where its PostgreSQL is")]
pub(crate) fn postgres_url() -> String {
    std::env::var("TEST_POSTGRES_URL").expect("run the tests with tests/run")
}

/// The same test on both engines, each with a world that all tests share.
pub(crate) fn on_both<F: AsyncFn(&'static World)>(test: F) {
    static WORLDS: [OnceLock<World>; 2] = [OnceLock::new(), OnceLock::new()];
    for (cell, engine) in WORLDS.iter().zip([Engine::Sqlite, Engine::Postgres]) {
        let world = cell.get_or_init(|| RUNTIME.block_on(World::start(engine)));
        RUNTIME.block_on(test(world));
    }
}

/// The same test on both engines, each with a world of its own that the test may break.
pub(crate) fn alone_on_both<F: AsyncFn(World)>(test: F) {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        RUNTIME.block_on(async { test(World::start(engine).await).await });
    }
}

impl World {
    pub(crate) async fn start(engine: Engine) -> Self {
        Self::start_with(engine, |_| ()).await
    }

    /// A world whose settings differ from those that `watari setup` writes.
    pub(crate) async fn start_with(engine: Engine, change: impl FnOnce(&mut Settings)) -> Self {
        let owner_url = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(postgres_url()),
        };
        Self::start_on(owner_url, change).await
    }

    /// The same on the PostgreSQL server that the URL names; without one on SQLite.
    pub(crate) async fn start_on(
        owner_url: Option<String>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        Self::start_prepared(owner_url, change, clock(), async |_: &Settings| ()).await
    }

    /// The same by a clock of one's own, and with databases that something is done to before
    /// anything starts.  Certificates and TLS know the clock on the wall alone.
    pub(crate) async fn start_prepared(
        owner_url: Option<String>,
        change: impl FnOnce(&mut Settings),
        clock: Arc<dyn Clock>,
        prepare: impl AsyncFnOnce(&Settings),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let prefix = format!("t_{}", Uuid::new_v4().simple());
        let (engine, databases) = match owner_url {
            None => (Engine::Sqlite, Databases::Sqlite),
            Some(owner_url) => {
                (Engine::Postgres, Databases::Server { owner_url, prefix: prefix.clone() })
            }
        };
        let plan = Plan { base_port: None, databases, poll_ms: 100 };
        let layout =
            setup::write(&folder.path().join("site"), &plan, clock.as_ref()).await.unwrap();
        let mut settings = Settings::load(&layout.settings()).unwrap();
        change(&mut settings);
        for kind in services::IN_ORDER {
            schema::migrate(&settings, kind).await.unwrap();
        }
        prepare(&settings).await;
        let house = House::start(settings, &services::IN_ORDER, &clock).await.unwrap();
        let site = house.site();
        seed::seed(&site, clock.as_ref(), Screen::Silent).await.unwrap();
        Self { engine, house, site, cast: Cast::new().unwrap(), folder, prefix }
    }

    pub(crate) async fn desk(&self, person: &Person) -> Desk {
        let passwords = Passwords::load(&self.site.layout).unwrap();
        Desk::log_in(&self.site, person, &passwords).await.unwrap()
    }

    /// A person in Koriyama's register who moved there, so that Koriyama may ask about them.
    pub(crate) async fn arrive_in_koriyama(&self, number: u32) {
        let clerk = self.desk(&self.cast.koriyama.clerk).await;
        let resident = Resident { serial: number, doses: Vec::new() };
        clerk.register_subject(&resident.to_request()).await.unwrap();
    }

    /// A person in Adachi's register with these doses; the handle inside the room comes back.
    pub(crate) async fn live_in_adachi(&self, number: u32, doses: &[Vaccination]) -> Uuid {
        let clerk = self.desk(&self.cast.adachi.clerk).await;
        let resident = Resident { serial: number, doses: Vec::new() };
        let subject = clerk.register_subject(&resident.to_request()).await.unwrap();
        for vaccination in doses.iter().cloned() {
            let dose = RegisterVaccination { subject, vaccination };
            clerk.register_vaccination(&dose).await.unwrap();
        }
        subject
    }

    pub(crate) async fn withhold_in_adachi(&self, subject: Uuid) {
        let supervisor = self.desk(&self.cast.adachi.supervisor).await;
        supervisor.withhold(subject, true).await.unwrap();
    }
}

/// Koriyama's question about a person, to any municipality.
pub(crate) fn question(number: u32, provider: MunicipalityCode) -> AskRequest {
    AskRequest {
        inquiry: InquiryId::make_random(),
        individual_number: WireNumber(IndividualNumber::for_test(number)),
        provider,
        procedure: "transfer-in".to_owned(),
        legal_basis: "number-act-19-16".to_owned(),
        confirmation: Confirmation::ResidentRegister,
    }
}

/// Numbers that no other test uses.
pub(crate) fn fresh_number() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(5_000_000);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// One dose like any other.
pub(crate) fn dose(number: u16) -> Vaccination {
    let resident = watari::story::residents::Residents::new(5).adachi.into_iter().next_back();
    let mut doses = resident.map(|resident| resident.doses).unwrap_or_default();
    let mut dose = doses.pop().unwrap();
    dose.dose_number = number;
    dose
}

/// The clock on the wall.
pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

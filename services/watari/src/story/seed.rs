//! Registers everybody in the demonstration, as the people who would do it, through the API.

use std::time::Duration;

use domain::{Clock, ServiceKind};
use registry::{BootstrapError, FirstOperator};
use service::Participants;
use service::participants::Source;
use service::pki::Authority;
use tokio::time::{Instant, sleep};
use wire::partition::RegisterVaccination;
use wire::registry::{
    MUNICIPALITIES, OPERATORS, RegisterMunicipality, RegisterOperator, RegisterTerminal, TERMINALS,
};
use wire::{Base64Bytes, CallError, WirePassword};

use super::desk::Desk;
use super::site::{Passwords, Site};
use crate::Failure;
use crate::setup::INSTANCE;
use cast::{Cast, Town};
use cast::{Resident, Residents};
use screen::{Progress, Screen};

/// Residents of the larger registers.
pub const RESIDENTS: u32 = 24;

const KEYS_WAIT_MAX: Duration = Duration::from_secs(60);
const KEYS_PAUSE: Duration = Duration::from_millis(100);

/// What the registry answers to a change.
#[derive(serde::Deserialize)]
struct Done {}

/// Registers whatever of the demonstration is not registered yet.
pub async fn seed(site: &Site, clock: &dyn Clock, screen: Screen) -> Result<(), Failure> {
    let cast = Cast::new()?;
    let passwords = Passwords::load(&site.layout)?;
    let work = screen.begin("registering municipalities and people", None);
    bootstrap(site, &cast, &passwords, clock).await?;
    register_participants(site, &cast, &passwords, clock).await?;
    work.done("3 municipalities, their terminals and people registered");
    let work = screen.begin("waiting until every service knows them", None);
    wait_for_keys(site, &cast, clock).await?;
    work.done("public keys of 3 rooms published and known");
    if site.layout.seeded().exists() {
        return Ok(());
    }
    let residents = Residents::new(RESIDENTS);
    register_residents(site, &cast, &passwords, (&residents, screen)).await?;
    std::fs::write(site.layout.seeded(), "").map_err(Failure::file(&site.layout.seeded()))
}

/// The first person of national operations; whoever is there already stays.
async fn bootstrap(
    site: &Site,
    cast: &Cast,
    passwords: &Passwords,
    clock: &dyn Clock,
) -> Result<(), Failure> {
    let person = &cast.national;
    let authority = Authority::open(&site.layout.authority(), clock)?;
    let first = FirstOperator {
        operator: person.id.clone(),
        password: WirePassword::new(passwords.of(&person.id)?.to_owned()),
        terminal: person.terminal.clone(),
        thumbprint: authority.issued(person.terminal.as_str())?.thumbprint,
    };
    match registry::bootstrap(site.settings.registry()?, first, clock).await {
        Ok(()) | Err(BootstrapError::NotFirst) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Sent again, each of these is the same registration, so an earlier run may have done part of it.
async fn register_participants(
    site: &Site,
    cast: &Cast,
    passwords: &Passwords,
    clock: &dyn Clock,
) -> Result<(), Failure> {
    let national = Desk::log_in(site, &cast.national, passwords).await?;
    let authority = Authority::open(&site.layout.authority(), clock)?;
    for town in cast.towns() {
        let thumbprint = authority.issued(town.terminal().as_str())?.thumbprint;
        let municipality = RegisterMunicipality {
            municipality: town.code,
            host: INSTANCE.to_owned(),
            url: site.addresses.url(ServiceKind::Partition).to_owned(),
        };
        let terminal = RegisterTerminal {
            terminal: town.terminal().clone(),
            municipality: Some(town.code),
            thumbprint: Base64Bytes(thumbprint.to_vec()),
        };
        let registered = national.registry::<Done>(MUNICIPALITIES, &municipality).await;
        registered.map_err(Failure::call("registering a municipality"))?;
        let registered = national.registry::<Done>(TERMINALS, &terminal).await;
        registered.map_err(Failure::call("registering a terminal"))?;
        for person in [&town.clerk, &town.supervisor] {
            let operator = RegisterOperator {
                operator: person.id.clone(),
                municipality: person.municipality,
                role: person.role,
                password: WirePassword::new(passwords.of(&person.id)?.to_owned()),
            };
            let registered = national.registry::<Done>(OPERATORS, &operator).await;
            registered.map_err(Failure::call("registering an operator"))?;
        }
    }
    Ok(())
}

/// The partition publishes its rooms' keys by itself; then every service must have asked once more.
async fn wait_for_keys(site: &Site, cast: &Cast, clock: &dyn Clock) -> Result<(), Failure> {
    let config = site.settings.participants()?;
    let client = site.client(ServiceKind::Partition.as_str(), ServiceKind::Registry)?;
    let source = Source::new(client, config)?;
    let view = Participants::new(config.stale_s_max);
    let until = Instant::now() + KEYS_WAIT_MAX;
    loop {
        // A failure here shows in the end as taking too long.
        let _ = source.fetch(&view).await;
        let now_unix_s = clock.now().unix_timestamp();
        let directory = view.directory(now_unix_s);
        let has_keys = |town: &&Town| {
            let member = directory.as_ref().ok().and_then(|known| known.member(town.code));
            member.is_some_and(|member| member.sealing_key(now_unix_s).is_some())
        };
        if cast.towns().iter().all(has_keys) {
            sleep(2 * source.poll + KEYS_PAUSE).await;
            return Ok(());
        }
        if Instant::now() > until {
            return Err(Failure::TimedOut("the partition's keys are not in the directory"));
        }
        sleep(KEYS_PAUSE).await;
    }
}

/// Each register is filled by a clerk of its own municipality.
async fn register_residents(
    site: &Site,
    cast: &Cast,
    passwords: &Passwords,
    (residents, screen): (&Residents, Screen),
) -> Result<(), Failure> {
    let registers = [
        (&cast.adachi, &residents.adachi),
        (&cast.koriyama, &residents.koriyama),
        (&cast.uruma, &residents.uruma),
    ];
    let all: usize = registers.iter().map(|(_, register)| register.len()).sum();
    let total = u64::try_from(all).unwrap_or_default();
    let mut work = screen.begin("registering synthetic residents", Some(total));
    for (town, register) in registers {
        let clerk = Desk::log_in(site, &town.clerk, passwords).await?;
        for resident in register {
            register_resident(&clerk, resident, &mut work)
                .await
                .map_err(|failure| half(site, failure))?;
        }
    }
    work.done(&format!("{all} synthetic residents with their doses registered"));
    Ok(())
}

async fn register_resident(
    clerk: &Desk,
    resident: &Resident,
    work: &mut Progress,
) -> Result<(), Failure> {
    let subject = clerk.register_subject(&resident.to_request()).await;
    let subject = subject.map_err(Failure::call("registering a resident"))?;
    for vaccination in resident.doses.iter().cloned() {
        let dose = RegisterVaccination { subject, vaccination };
        let registered = clerk.register_vaccination(&dose).await;
        registered.map_err(Failure::call("registering a dose"))?;
    }
    work.step();
    Ok(())
}

/// Who is registered already was so by a run that did not come to its end.
fn half(site: &Site, failure: Failure) -> Failure {
    match failure {
        Failure::Call { source: CallError::Refused(problem), .. } if problem.status == 409 => {
            let fault = "and its databases were left half filled by an earlier run";
            Failure::Folder { path: site.layout.folder().to_owned(), fault }
        }
        other => other,
    }
}

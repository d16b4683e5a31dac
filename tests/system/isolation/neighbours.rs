//! A municipality that joins or leaves a running installation changes nobody else's bytes (C009).

use std::time::Duration;

use domain::{MunicipalityCode, OperatorId, RequestId, Role, ServiceKind, TerminalId};
use serde_json::Value;
use service::pki::Authority;
use uuid::Uuid;
use watari::setup::INSTANCE;
use wire::partition::{
    AskOutcome, RegisterVaccination, SUBJECTS, SubjectRegistered, VACCINATIONS,
    VaccinationRegistered,
};
use wire::registry::{
    LOG_IN, LogInAnswer, LogInRequest, MUNICIPALITIES, OPERATORS, RegisterMunicipality,
    RegisterOperator, RegisterTerminal, TERMINALS,
};
use wire::{PeerIdentity, WirePassword};

use super::sql::Sql;
use crate::support::{World, alone_on_both, clock, dose, fresh_number, question};
use watari::story::residents::Resident;

const TERMINAL: &str = "terminal-utsunomiya";
const CLERK: &str = "clerk-utsunomiya";
const PASSWORD: &str = "correct-horse-battery-staple-9";

fn utsunomiya() -> MunicipalityCode {
    MunicipalityCode::parse("092011").unwrap()
}

/// Every byte kept of a municipality: rows of its room, its entry among the participants, its keys.
fn everything_of(world: &World, town: MunicipalityCode) -> Vec<String> {
    let mut all = Vec::new();
    let room = format!("municipality = '{town}'");
    let mut sql = Sql::owner(world, ServiceKind::Partition);
    // Watching the provision log goes on by itself.
    let moves = ["operation_checkpoint", "reconciliation", "witness_state"];
    for table in sql.tables() {
        if !moves.contains(&table.name.as_str()) {
            all.extend(sql.rows(&table, &room));
        }
    }
    let mut sql = Sql::owner(world, ServiceKind::Registry);
    for mut table in sql.tables() {
        // Sessions come and go with the people; a key's time goes on with its host's restart.
        let is_its = table.columns.iter().any(|(name, _)| name == "municipality");
        if is_its && !["session", "access_log"].contains(&table.name.as_str()) {
            let moves = ["not_before_unix_s", "not_after_unix_s", "last_log_in_at_ms"];
            table.columns.retain(|(name, _)| !moves.contains(&name.as_str()));
            all.extend(sql.rows(&table, &room));
        }
    }
    let keys = &world.site.settings.partition().unwrap().keys.folder;
    all.push(std::fs::read_to_string(keys.join(format!("{town}.json"))).unwrap());
    all
}

async fn host(world: &mut World, change: impl FnOnce(&mut Vec<MunicipalityCode>)) {
    world.house.stop_one(ServiceKind::Partition).await;
    change(&mut world.house.settings.partition.as_mut().unwrap().municipalities);
    world.house.start_one(ServiceKind::Partition, &clock()).await.unwrap();
}

/// Registers the newcomer with the nation, as onboarding does, with one terminal and one clerk.
async fn register(world: &World) {
    let authority = Authority::open(&world.site.layout.authority(), clock().as_ref()).unwrap();
    let terminal = TerminalId::parse(TERMINAL).unwrap();
    let municipality = Some(utsunomiya());
    let identity = PeerIdentity::Terminal { municipality, terminal: terminal.clone() };
    let thumbprint = authority.issue(&identity, &[], TERMINAL).unwrap().thumbprint;
    let national = world.desk(&world.cast.national).await;
    let newcomer = RegisterMunicipality {
        municipality: utsunomiya(),
        host: INSTANCE.to_owned(),
        url: world.site.addresses.url(ServiceKind::Partition).to_owned(),
    };
    let terminal =
        RegisterTerminal { terminal, municipality, thumbprint: thumbprint.to_vec().into() };
    let clerk = RegisterOperator {
        operator: OperatorId::parse(CLERK).unwrap(),
        municipality,
        role: Role::Clerk,
        password: WirePassword::new(PASSWORD.to_owned()),
    };
    national.registry::<Value>(MUNICIPALITIES, &newcomer).await.unwrap();
    national.registry::<Value>(TERMINALS, &terminal).await.unwrap();
    national.registry::<Value>(OPERATORS, &clerk).await.unwrap();
}

/// The newcomer's clerk registers a person with a dose.
async fn live_there(world: &World, serial: u32) -> Uuid {
    let client = |service| world.site.client(TERMINAL, service).unwrap();
    let (registry, partition) = (client(ServiceKind::Registry), client(ServiceKind::Partition));
    let request = RequestId::make_random();
    let password = WirePassword::new(PASSWORD.to_owned());
    let log_in = LogInRequest { user_id: CLERK.to_owned(), password };
    let session: LogInAnswer = registry.post(LOG_IN, &request, None, &log_in).await.unwrap();
    let token = Some(session.token.as_str());
    let resident = Resident { serial, doses: Vec::new() }.to_request();
    let SubjectRegistered { subject } =
        partition.post(SUBJECTS, &request, token, &resident).await.unwrap();
    let dose = RegisterVaccination { subject, vaccination: dose(1) };
    let _: VaccinationRegistered =
        partition.post(VACCINATIONS, &request, token, &dose).await.unwrap();
    subject
}

#[test]
fn a_newcomer_and_a_leaver_change_nobody_elses_bytes() {
    alone_on_both(async |mut world| {
        let [adachi, uruma] = [world.cast.adachi.code, world.cast.uruma.code];
        let (known, newcomers) = (fresh_number(), fresh_number());
        world.live_in_adachi(known, &[dose(1)]).await;
        for moved in [known, newcomers] {
            world.arrive_in_koriyama(moved).await;
        }
        let clerk = world.desk(&world.cast.koriyama.clerk).await;
        clerk.ask(&question(known, adachi)).await.unwrap();
        // Whatever a start finds to be due in these rooms is found before.
        host(&mut world, |_| ()).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let before = [adachi, uruma].map(|town| everything_of(&world, town));
        assert!(before.iter().all(|all| all.len() > 50), "an empty room proves nothing");

        host(&mut world, |hosted| hosted.push(utsunomiya())).await;
        register(&world).await;
        // Keys are published and known everywhere within a few polls.
        tokio::time::sleep(Duration::from_secs(2)).await;
        live_there(&world, newcomers).await;
        let clerk = world.desk(&world.cast.koriyama.clerk).await;
        let answer = clerk.ask(&question(newcomers, utsunomiya())).await.unwrap();
        assert_eq!(answer.outcome, AskOutcome::Provided);
        let joined = [adachi, uruma].map(|town| everything_of(&world, town));
        assert_eq!(joined, before, "somebody joined");

        let theirs = everything_of(&world, utsunomiya());
        host(&mut world, |hosted| hosted.retain(|town| *town != utsunomiya())).await;
        let clerk = world.desk(&world.cast.koriyama.clerk).await;
        let gone = clerk.ask(&question(newcomers, utsunomiya())).await;
        assert!(gone.is_err(), "a room that nobody hosts does not say nothing: {gone:?}");
        let left = [adachi, uruma].map(|town| everything_of(&world, town));
        assert_eq!(left, before, "somebody left");
        assert_eq!(everything_of(&world, utsunomiya()), theirs, "erasing is for the owner");
        let answer = clerk.ask(&question(known, adachi)).await.unwrap();
        assert_eq!(answer.outcome, AskOutcome::Provided);
    });
}

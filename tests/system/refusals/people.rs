//! Who calls: everybody the policy knows, and people made for one test.

use std::sync::Mutex;

use domain::policy::Party;
use domain::{Actor, OperatorId, Role, ServiceKind, SystemClock, TerminalId};
use service::pki::Authority;
use uuid::Uuid;
use watari::story::cast::Person;
use watari::story::desk::Desk;
use watari::story::site::Passwords;
use wire::registry::{
    LOG_IN, LogInRequest, OPERATORS, RegisterOperator, RegisterTerminal, TERMINALS,
};
use wire::{Base64Bytes, PeerIdentity, WirePassword};

use super::line::{Answer, Line};
use crate::support::World;

/// Somebody with a certificate and, if it is a person, a place to log in.
pub(super) struct Somebody {
    pub(super) party: Party,
    /// The name under which the certificate was issued.
    pub(super) holder: String,
    /// What the gate should take this caller for.
    pub(super) actor: Actor,
    pub(super) person: Option<Person>,
}

/// One caller for each party of the policy.
pub(super) fn everybody(world: &World) -> Vec<Somebody> {
    Party::ALL.into_iter().map(|party| somebody(world, party)).collect()
}

pub(super) fn somebody(world: &World, party: Party) -> Somebody {
    let koriyama = &world.cast.koriyama;
    let terminal = koriyama.terminal().clone();
    let operator = |person: &Person| Actor::Operator {
        id: person.id.clone(),
        municipality: koriyama.code,
        role: person.role,
        terminal: person.terminal.clone(),
    };
    let (actor, person) = match party {
        Party::Clerk => (operator(&koriyama.clerk), Some(koriyama.clerk.clone())),
        Party::Supervisor => (operator(&koriyama.supervisor), Some(koriyama.supervisor.clone())),
        Party::National => {
            let Person { id, terminal, .. } = world.cast.national.clone();
            (Actor::National { id, terminal }, Some(world.cast.national.clone()))
        }
        Party::Terminal => (Actor::Terminal { municipality: Some(koriyama.code), terminal }, None),
        Party::System => {
            let (municipality, system) = (koriyama.code, koriyama.ledger.clone());
            (Actor::System { municipality, system }, None)
        }
        Party::Device => {
            let (municipality, device) = (koriyama.code, tablet(world));
            (Actor::Device { municipality, device }, None)
        }
        Party::Registry => (service(ServiceKind::Registry), None),
        Party::Partition => (service(ServiceKind::Partition), None),
        Party::Broker => (service(ServiceKind::Broker), None),
        Party::ProvisionLog => (service(ServiceKind::ProvisionLog), None),
        Party::Intake => (service(ServiceKind::Intake), None),
    };
    let holder = match (&person, &actor) {
        (Some(person), _) => person.terminal.to_string(),
        (None, Actor::Service { kind, .. }) => kind.to_string(),
        (None, Actor::System { system: machine, .. } | Actor::Device { device: machine, .. }) => {
            machine.to_string()
        }
        (None, _) => koriyama.terminal().to_string(),
    };
    Somebody { party, holder, actor, person }
}

/// A venue's tablet, certified when it is first asked for.
fn tablet(world: &World) -> TerminalId {
    static ISSUING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = ISSUING.lock().unwrap();
    let device = TerminalId::parse("tablet-koriyama").unwrap();
    if !world.site.layout.tls(device.as_str()).certificate.exists() {
        let authority = Authority::open(&world.site.layout.authority(), &SystemClock).unwrap();
        let municipality = world.cast.koriyama.code;
        let identity = PeerIdentity::Device { municipality, device: device.clone() };
        authority.issue(&identity, &[], device.as_str()).unwrap();
    }
    device
}

fn service(kind: ServiceKind) -> Actor {
    Actor::Service { kind, instance: watari::setup::INSTANCE.to_owned() }
}

impl Somebody {
    /// The header of a fresh session, if this is a person.
    pub(super) async fn log_in(&self, world: &World) -> Option<String> {
        let person = self.person.as_ref()?;
        Some(bearer(&world.desk(person).await))
    }

    pub(super) fn line(&self, world: &World, kind: ServiceKind) -> Line {
        Line::to(world, kind, &self.holder)
    }
}

pub(super) fn bearer(desk: &Desk) -> String {
    format!("Bearer {}", desk.session().token)
}

/// A clerk of Koriyama with a terminal of their own, so that a test may take both away.
pub(super) struct Newcomer {
    pub(super) user: OperatorId,
    pub(super) terminal: TerminalId,
    pub(super) password: String,
}

impl Newcomer {
    pub(super) async fn register(world: &World) -> Self {
        let word = Uuid::new_v4().to_string();
        let user = OperatorId::parse(&Uuid::new_v4().to_string()).unwrap();
        let terminal = TerminalId::parse(&Uuid::new_v4().to_string()).unwrap();
        let municipality = Some(world.cast.koriyama.code);
        let authority = Authority::open(&world.site.layout.authority(), &SystemClock).unwrap();
        let identity = PeerIdentity::Terminal { municipality, terminal: terminal.clone() };
        let issued = authority.issue(&identity, &[], terminal.as_str()).unwrap();
        let national = world.desk(&world.cast.national).await;
        let thumbprint = Base64Bytes(issued.thumbprint.to_vec());
        let seat = RegisterTerminal { terminal: terminal.clone(), municipality, thumbprint };
        national.registry::<serde_json::Value>(TERMINALS, &seat).await.unwrap();
        let operator = RegisterOperator {
            operator: user.clone(),
            municipality,
            role: Role::Clerk,
            password: WirePassword::new(word.clone()),
        };
        national.registry::<serde_json::Value>(OPERATORS, &operator).await.unwrap();
        Self { user, terminal, password: word }
    }

    pub(super) fn line(&self, world: &World, kind: ServiceKind) -> Line {
        Line::to(world, kind, self.terminal.as_str())
    }

    pub(super) async fn log_in(&self, world: &World) -> String {
        let answer = self.try_log_in(world, self.user.as_str(), &self.password).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        format!("Bearer {}", answer.json()["token"].as_str().unwrap())
    }

    /// At this terminal, with any user id and password.
    pub(super) async fn try_log_in(&self, world: &World, user: &str, password: &str) -> Answer {
        let password = WirePassword::new(password.to_owned());
        let body = LogInRequest { user_id: user.to_owned(), password };
        let body = serde_json::to_vec(&body).unwrap();
        let line = self.line(world, ServiceKind::Registry);
        line.call(("POST", LOG_IN), None, &body).await.unwrap()
    }
}

/// The password of somebody in the cast.
pub(super) fn password_of(world: &World, person: &Person) -> String {
    Passwords::load(&world.site.layout).unwrap().of(&person.id).unwrap().to_owned()
}

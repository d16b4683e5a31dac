//! Every request leaves exactly one complete line in the right operation log (C101, C112, C118).

mod batches;
mod devices;
mod exports;
mod others;
mod party;
mod records;
mod steps;

use domain::{Action, IndividualNumber, InquiryId, MunicipalityCode, RequestId, Role, ServiceKind};
use partition::endpoints as every_endpoint;
use serde_json::{Value, json};
use service::Endpoint;
use uuid::Uuid;
use wire::CallError;
use wire::broker::BrokerInquiry;
use wire::fhir::IMMUNIZATION_SEARCH;
use wire::imports::IMPORTS_LIST;
use wire::partition::{self as api, OperationEntry};

use self::party::Party;
use crate::world::{ADACHI, Desk, KORIYAMA, URUMA, World, on_both, question, refusal};

/// The log of whatever belongs to none of the rooms.
const OWN: &str = "000000";
const ROOMS: [&str; 3] = [KORIYAMA, ADACHI, OWN];

/// Calls that an endpoint lets in.
struct Row {
    role: Option<Role>,
    /// Succeeds; for what only the broker may ask, see `provided`.
    good: Option<Value>,
    /// Is refused by the handler itself.
    bad: Option<Value>,
    knows_inquiry: bool,
    knows_subject: bool,
    /// For `If-Match`.
    tag: Option<String>,
}

impl Row {
    fn new(role: Option<Role>, good: Value, bad: Value) -> Self {
        let bad = (!bad.is_null()).then_some(bad);
        let (knows_inquiry, knows_subject) = (false, false);
        Self { role, good: Some(good), bad, knows_inquiry, knows_subject, tag: None }
    }
}

fn row(action: Action, world: &Scene) -> Row {
    let (clerk, supervisor) = (Some(Role::Clerk), Some(Role::Supervisor));
    let row = Row::new;
    let page = |limit| json!({ "from": 0, "limit": limit });
    if let Some(row) = exports::row(action, world).or_else(|| steps::row(world)) {
        return row;
    }
    if let Some(role) = others::role(action, world.path) {
        return Row { good: None, ..row(Some(role), Value::Null, Value::Null) };
    }
    match action {
        Action::RegisterSubject => {
            Row { knows_subject: true, ..row(clerk, subject(world.next()), subject(1)) }
        }
        Action::RegisterVaccination => {
            let dose = |id: Uuid| json!({ "subject": id, "vaccination": world.dose });
            let row = row(clerk, dose(world.stranger), dose(Uuid::new_v4()));
            Row { knows_subject: true, ..row }
        }
        Action::AskTransferIn => {
            let ask = |number| serde_json::to_value(question(number)).unwrap();
            Row { knows_inquiry: true, knows_subject: true, ..row(clerk, ask(1), ask(999)) }
        }
        Action::ReadInquiry => {
            let find = |id: InquiryId| json!({ "inquiry": id });
            let row = row(clerk, find(world.asked), find(InquiryId::make_random()));
            Row { knows_inquiry: true, knows_subject: true, ..row }
        }
        Action::ReadProvisions | Action::ReadOperationLog => row(supervisor, page(9), page(0)),
        Action::Disclose => {
            let number = |serial| IndividualNumber::for_test(serial).reveal().to_owned();
            let disclose = |serial| json!({ "individualNumber": number(serial) });
            Row { knows_subject: true, ..row(supervisor, disclose(1), disclose(999)) }
        }
        Action::ReadReconciliation => row(supervisor, json!({}), Value::Null),
        Action::InspectOperations => match world.path {
            api::INSPECTIONS => row(supervisor, json!({}), Value::Null),
            _ => row(supervisor, json!({ "month": 202_611 }), json!({ "month": 202_613 })),
        },
        Action::ReleaseOperator => {
            let release = |operator| json!({ "operator": operator });
            row(supervisor, release("held-1"), release("nobody"))
        }
        Action::ProvideRecords => Row {
            role: None,
            good: None,
            bad: Some(provide(ADACHI)),
            knows_inquiry: true,
            knows_subject: false,
            tag: None,
        },
        // What the broker brings is sealed; see the tests of notices.
        Action::ReceiveNotice => Row { good: None, ..row(None, Value::Null, Value::Null) },
        Action::AskBatch | Action::ReadBatch => batches::row(world.path),
        Action::ManageDevices => devices::row(world.path),
        other => records::row(other, world),
    }
}

fn subject(serial: u32) -> Value {
    json!({
        "individualNumber": IndividualNumber::for_test(serial).reveal(),
        "addressNumber": serial.to_string(), "name": "山田", "nameKana": "ヤマダ",
        "birthDate": "1980-01-02", "sex": "female",
    })
}

/// What somebody would send who is the broker and has no permit.
fn provide(provider: &str) -> Value {
    let asked = question(1);
    let header = domain::InquiryHeader {
        inquiry: asked.inquiry,
        inquirer: MunicipalityCode::parse(KORIYAMA).unwrap(),
        provider: MunicipalityCode::parse(provider).unwrap(),
        procedure: asked.procedure,
        legal_basis: asked.legal_basis,
        items: "vaccination".to_owned(),
        confirmation: asked.confirmation,
        operator: domain::OperatorId::parse("person-1").unwrap(),
        terminal: domain::TerminalId::parse("t-1").unwrap(),
        asked_at_unix_s: 0,
    };
    let BrokerInquiry { header, sealed, signature } =
        BrokerInquiry { header, sealed: vec![1; 64].into(), signature: vec![1; 64].into() };
    json!({ "header": header, "sealed": sealed, "signature": signature, "permit": "a.b.c" })
}

/// What the calls refer to.
struct Scene {
    stranger: Uuid,
    patient: records::Patient,
    dose: Value,
    asked: InquiryId,
    path: &'static str,
    serial: std::cell::Cell<u32>,
}

impl Scene {
    async fn set(world: &World) -> Self {
        world.mover(1).await;
        let stranger = world.desk(KORIYAMA, Role::Clerk).register(2).await;
        let patient = records::Patient::set(world).await;
        let asked = question(1);
        let answer = world.ask(&asked).await.unwrap();
        let dose = serde_json::to_value(&answer.vaccinations[0]).unwrap();
        let serial = std::cell::Cell::new(10);
        Self { stranger, patient, dose, asked: asked.inquiry, path: "", serial }
    }

    fn next(&self) -> u32 {
        self.serial.set(self.serial.get() + 1);
        self.serial.get()
    }
}

/// Calls, and expects one line that says how it ended; nothing else is left in any log but beginnings
/// and what other services did about it.
async fn call(world: &World, endpoint: &Endpoint, party: &Party, body: &Value) -> OperationEntry {
    let request = RequestId::make_random();
    let answer = party.post(endpoint, &request, body).await;
    let result = match &answer {
        Ok(_) => None,
        Err(error) => Some(error.problem().expect("a problem document").code.clone()),
    };
    let mut found = Vec::new();
    for room in ROOMS {
        let lines = world.lines(room).await.into_iter();
        found.extend(lines.filter(|line| line.request == request.as_str()).map(|l| (room, l)));
    }
    found.retain(|(_, line)| !line.result.starts_with("begun"));
    let what = format!("{} {}: {answer:?}", endpoint.path, party.actor);
    let [(room, line)] = found.as_slice() else { panic!("{what}: {found:?}") };
    assert_eq!((*room, line.actor.as_str()), (party.room, party.actor), "{what}: {line:?}");
    assert_eq!(line.terminal, party.terminal, "{what}: {line:?}");
    assert_eq!(line.act, format!("{:?}", endpoint.action), "{what}: {line:?}");
    assert!(line.at_unix_ms > 0, "{what}: {line:?}");
    match result {
        Some(code) => assert_eq!(line.result, code, "{what}"),
        None => assert!(!line.result.is_empty() && line.result != "done", "{what}: {line:?}"),
    }
    line.clone()
}

fn endpoints() -> impl Iterator<Item = &'static Endpoint> {
    let endpoints = every_endpoint().iter();
    // A search by form is called from outside, in the tests of the whole system.
    endpoints.filter(|endpoint| {
        endpoint.action != Action::ReadHealth && endpoint.path != IMMUNIZATION_SEARCH
    })
}

fn allowed(world: &World, row: &Row) -> Party {
    let party = match row.role {
        Some(role) => Party::operator(world.desk(KORIYAMA, role), "person-1", KORIYAMA),
        None => Party::service(world.service(ServiceKind::Broker), "broker/main", OWN),
    };
    Party { tag: row.tag.clone(), ..party }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_and_every_outcome_leaves_one_complete_line() {
    on_both(async |world| {
        let mut scene = Scene::set(&world).await;
        hold(&world).await;
        for endpoint in endpoints() {
            scene.path = endpoint.path;
            let row = row(endpoint.action, &scene);
            let party = allowed(&world, &row);
            if let Some(good) = &row.good {
                world.tick();
                let line = call(&world, endpoint, &party, good).await;
                records::expect_rows_of_recorded_acts(&world).await;
                assert_eq!(line.inquiry.is_some(), row.knows_inquiry, "{line:?}");
                assert_eq!(line.subject.is_some(), row.knows_subject, "{line:?}");
                let has_purpose = matches!(
                    endpoint.action,
                    Action::AskTransferIn
                        | Action::AskBatch
                        | Action::ReadBatch
                        | Action::ReleaseOperator
                        | Action::ExportRecords
                        | Action::DiscloseAll
                        | Action::ManageDevices
                        | Action::PrepareImport
                        | Action::ApproveImport
                ) && endpoint.path != IMPORTS_LIST;
                assert_eq!(!line.purpose.is_empty(), has_purpose, "{line:?}");
            }
            if let Some(bad) = &row.bad {
                let room = if row.role.is_none() { ADACHI } else { KORIYAMA };
                let line = call(&world, endpoint, &Party { room, ..party }, bad).await;
                assert_eq!(line.inquiry.is_some(), row.knows_inquiry, "{line:?}");
            }
        }
    })
    .await;
}

/// Somebody whom a supervisor may release.
async fn hold(world: &World) {
    let sql = "INSERT INTO operator_hold (municipality, operator, at_unix_ms, held, rule) \
               VALUES ('072036', 'held-1', 1, TRUE, 'burst')";
    world.execute([sql, sql]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_let_in_leaves_a_line_with_what_is_proven() {
    on_both(async |world| {
        let mut scene = Scene::set(&world).await;
        for endpoint in endpoints() {
            scene.path = endpoint.path;
            let row = row(endpoint.action, &scene);
            for party in strangers(&world, &row) {
                let line = call(&world, endpoint, &party, &json!({})).await;
                assert!(["unauthenticated", "denied"].contains(&line.result.as_str()), "{line:?}");
                assert_eq!((line.subject, line.inquiry), (None, None));
            }
        }
    })
    .await;
}

fn strangers(world: &World, row: &Row) -> Vec<Party> {
    let desk = |municipality| world.desk(municipality, Role::Supervisor);
    let without = |token| {
        let Desk { client, .. } = desk(KORIYAMA);
        Party { client, token, actor: "-", terminal: "t-1", room: KORIYAMA, tag: None }
    };
    let registry = world.service(ServiceKind::Registry);
    let mut strangers = vec![Party::service(registry, "registry/main", OWN)];
    if let Some(role) = row.role {
        // Not the bearer's: whoever it names has proven nothing.
        strangers.push(without(None));
        strangers.push(without(Some("garbage".to_owned())));
        strangers.push(without(Some(desk(KORIYAMA).token)));
        strangers.push(without(Some(desk(ADACHI).token)));
        let broker = world.service(ServiceKind::Broker);
        strangers.push(Party::service(broker, "broker/main", OWN));
        if role == Role::Supervisor {
            let clerk = world.desk(KORIYAMA, Role::Clerk);
            strangers.push(Party::operator(clerk, "person-1", KORIYAMA));
        }
    } else {
        strangers.push(Party::operator(desk(KORIYAMA), "-", KORIYAMA));
        let Desk { client, .. } = desk(URUMA);
        strangers.push(Party {
            client,
            token: None,
            actor: "-",
            terminal: "t-1",
            room: OWN,
            tag: None,
        });
    }
    strangers
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_cannot_be_used_and_a_room_that_is_elsewhere_leave_a_line() {
    on_both(async |world| {
        let mut scene = Scene::set(&world).await;
        for endpoint in endpoints() {
            scene.path = endpoint.path;
            let row = row(endpoint.action, &scene);
            let party = allowed(&world, &row);
            let line = call(&world, endpoint, &party, &json!({ "unknown": 1 })).await;
            assert_eq!(line.result, "malformed");
            let long = json!("x".repeat(2 * 1024 * 1024));
            let line = call(&world, endpoint, &party, &long).await;
            assert_eq!(line.result, "too-large");
            let (elsewhere, body) = match (row.role, row.good) {
                (Some(role), Some(good)) => {
                    let desk = world.desk(URUMA, role);
                    let elsewhere = Party::operator(desk, "person-1", OWN);
                    (Party { tag: row.tag, ..elsewhere }, good)
                }
                (None, _) if row.bad.is_some() => (party, provide(URUMA)),
                (_, None) | (None, _) => continue,
            };
            let line = call(&world, endpoint, &elsewhere, &body).await;
            assert_eq!(line.result, "not-hosted");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_and_what_a_service_may_not_do_leave_a_line() {
    on_both(async |world| {
        let party = Party::operator(world.desk(KORIYAMA, Role::Clerk), "-", KORIYAMA);
        let (request, body) = (RequestId::make_random(), json!({}));
        let token = party.token.as_deref();
        let answer: Result<Value, CallError> =
            party.client.post("/v1/no-such-thing", &request, token, &body).await;
        assert_eq!(refusal(answer), (401, "unauthenticated".to_owned()));
        let lines = world.lines(KORIYAMA).await;
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!((line.act.as_str(), line.actor.as_str()), ("-", "-"));
        assert_eq!((line.terminal.as_str(), line.result.as_str()), ("t-1", "unauthenticated"));
    })
    .await;
}

const BROKEN: [&str; 2] = [
    "CREATE TRIGGER broken BEFORE INSERT ON operation_log BEGIN SELECT RAISE(ABORT, 'broken'); END",
    "REVOKE INSERT ON operation_log FROM watari_partition",
];
const MENDED: [&str; 2] =
    ["DROP TRIGGER broken", "GRANT INSERT ON operation_log TO watari_partition"];

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_down_does_not_happen_and_is_not_answered() {
    on_both(async |world| {
        let mut scene = Scene::set(&world).await;
        hold(&world).await;
        for endpoint in endpoints() {
            scene.path = endpoint.path;
            let row = row(endpoint.action, &scene);
            let party = allowed(&world, &row);
            let body = row.good.clone().unwrap_or_else(|| provide(ADACHI));
            let mut before = 0;
            for room in ROOMS {
                before += world.lines(room).await.len();
            }
            world.execute(BROKEN).await;
            for body in [&body, &json!({ "unknown": 1 })] {
                let request = RequestId::make_random();
                let answer = party.post(endpoint, &request, body).await;
                let (status, _) = refusal(answer);
                assert!(status >= 500, "{}: {status}", endpoint.path);
            }
            world.execute(MENDED).await;
            let mut after = 0;
            for room in ROOMS {
                after += world.lines(room).await.len();
            }
            assert_eq!(before, after, "{}", endpoint.path);
        }
    })
    .await;
}

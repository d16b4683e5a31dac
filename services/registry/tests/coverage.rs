//! For every endpoint and every outcome exactly one complete line, durable before the answer.
#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod world;

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection as _;
use domain::policy::needs_log_in;
use domain::{RequestId, Role, ServiceKind};
use registry::{ENDPOINTS, Limits};
use serde_json::{Value, json};
use service::{Endpoint, Method, health};
use wire::registry::{self as paths, AccessLine, RegisterOperator};
use world::caller::Caller;
use world::{
    ADACHI, KORIYAMA, PASSWORD, World, clerk_of, each_with, operator, password, room_keys, terminal,
};

/// A request and the line it must leave.
struct Row<'c> {
    path: &'static str,
    caller: &'c Caller,
    body: Value,
    /// As the caller reads it; empty for success.
    problem: &'static str,
    who: Who,
    object: Option<&'static str>,
    result: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    /// Proven to be this operator.
    Is(&'static str),
    /// Somebody at a terminal said so.
    Claims(&'static str),
    /// Somebody at a terminal.
    Somebody,
    Service(&'static str),
}

fn endpoint(path: &str) -> &'static Endpoint {
    ENDPOINTS.iter().find(|endpoint| endpoint.path == path).unwrap()
}

/// Services fetch these every two seconds, without a line.
fn is_poll(path: &str) -> bool {
    [paths::DIRECTORY, paths::REVOCATIONS].contains(&path)
}

fn recorded() -> impl Iterator<Item = &'static Endpoint> {
    ENDPOINTS.iter().filter(|endpoint| !health::ENDPOINTS.contains(endpoint))
}

/// The code of the problem, or nothing.
async fn send(caller: &Caller, endpoint: &Endpoint, id: &RequestId, body: &Value) -> String {
    let answer = match endpoint.method {
        Method::Get => caller.client.get::<Value>(endpoint.path, id).await,
        Method::Post => caller.client.post(endpoint.path, id, caller.token.as_deref(), body).await,
    };
    answer.err().map(|error| world::caller::problem(error).code).unwrap_or_default()
}

/// The one line that a request left, checked for what every line must have.
async fn line_of(w: &World, before: usize, endpoint: &Endpoint, id: &RequestId) -> AccessLine {
    let lines = w.access_log().await.split_off(before);
    assert_eq!(lines.len(), 1, "{} leaves one line: {lines:?}", endpoint.path);
    let line = lines.first().unwrap().clone();
    assert_eq!(line.sequence, u64::try_from(before).unwrap());
    assert_eq!(line.at_unix_ms.div_euclid(1_000), w.now(), "{line:?}");
    assert_eq!(line.action, format!("{:?}", endpoint.action), "{line:?}");
    assert_eq!(line.request, id.as_str(), "{line:?}");
    assert!(!line.result.is_empty() && (line.concerns.is_some() || line.service.is_some()));
    line
}

impl Row<'_> {
    async fn check(&self, w: &World, number: usize) {
        let (before, endpoint) = (w.access_log().await.len(), endpoint(self.path));
        let id = RequestId::parse(&format!("row-{number}")).unwrap();
        let problem = send(self.caller, endpoint, &id, &self.body).await;
        let line = line_of(w, before, endpoint, &id).await;
        assert_eq!(problem, self.problem, "{line:?}");
        let (proven, claimed, service) = match self.who {
            Who::Is(id) => (Some(operator(id)), None, None),
            Who::Claims(id) => (None, Some(operator(id)), None),
            Who::Somebody => (None, None, None),
            Who::Service(name) => (None, None, Some(name)),
        };
        assert_eq!((&line.operator, &line.claimed), (&proven, &claimed), "{line:?}");
        assert_eq!(line.service.as_deref(), service, "{line:?}");
        assert_eq!(line.terminal.is_none(), line.service.is_some(), "{line:?}");
        assert_eq!(line.municipality.is_none(), line.service.is_some(), "{line:?}");
        assert_eq!(line.object.as_deref(), self.object, "{line:?}");
        assert_eq!(line.result, self.result, "{line:?}");
    }
}

struct People {
    nation: Caller,
    clerk: Caller,
    supervisor: Caller,
    desk: Caller,
    elsewhere: Caller,
    partition: Caller,
    broker: Caller,
}

async fn people(w: &World) -> People {
    w.settle(ADACHI, "clerk-adachi").await;
    w.settle(KORIYAMA, "clerk-koriyama").await;
    let nation = w.nation().await;
    let supervisor =
        RegisterOperator { role: Role::Supervisor, ..clerk_of(ADACHI, "supervisor-adachi") };
    nation.change(paths::OPERATORS, &supervisor).await.unwrap();
    w.issue(Some(ADACHI), "u");
    People {
        nation,
        clerk: w.at("131211-t").logged_in("clerk-adachi").await,
        supervisor: w.at("131211-t").logged_in("supervisor-adachi").await,
        desk: w.at("131211-t"),
        elsewhere: w.at("072036-t"),
        partition: w.service(ServiceKind::Partition, "main"),
        broker: w.service(ServiceKind::Broker, "main"),
    }
}

fn log_in(user: &str, secret: &str) -> Value {
    json!({ "userId": user, "password": secret })
}

fn value(body: &impl serde::Serialize) -> Value {
    serde_json::to_value(body).unwrap()
}

fn log_ins<'c>(p: &'c People, strange: &'c Caller) -> Vec<Row<'c>> {
    let row = |caller, user, secret, problem, who, result| {
        let body = log_in(user, secret);
        Row { path: paths::LOG_IN, caller, body, problem, who, object: None, result }
    };
    let (known, wrong, no) = ("clerk-adachi", "wrong horse battery", "log-in-refused");
    vec![
        row(&p.desk, known, PASSWORD, "", Who::Is(known), "done"),
        row(&p.desk, known, wrong, no, Who::Claims(known), "refused: wrong password"),
        row(&p.desk, "nobody", PASSWORD, no, Who::Somebody, "refused: no such operator"),
        row(&p.desk, PASSWORD, "", no, Who::Somebody, "refused: no such operator"),
        row(
            &p.elsewhere,
            known,
            PASSWORD,
            no,
            Who::Is(known),
            "refused: another municipality's terminal",
        ),
        row(strange, known, PASSWORD, no, Who::Is(known), "refused: terminal not registered"),
        row(&p.broker, known, PASSWORD, "denied", Who::Service("broker/main"), "denied"),
    ]
}

fn registrations<'c>(w: &World, p: &'c People) -> Vec<Row<'c>> {
    let row = |path, body, problem, object, result| {
        let caller = &p.nation;
        Row { path, caller, body, problem, who: Who::Is("national"), object: Some(object), result }
    };
    let town = |url: &str| json!({ "municipality": "112020", "host": "main", "url": url });
    let unknown = json!({ "municipality": "130001", "host": "main", "url": "https://a" });
    let machine = value(&terminal(Some(ADACHI), "m", &w.issue(Some(ADACHI), "m")));
    let other = value(&terminal(Some(ADACHI), "m", &w.issue(Some(ADACHI), "m2")));
    let short = json!({ "municipality": ADACHI, "terminal": "m", "thumbprint": "AAAA" });
    let revoke = |id: &str| json!({ "municipality": ADACHI, "terminal": id });
    let clerk = value(&clerk_of(ADACHI, "new"));
    let moved = value(&clerk_of(KORIYAMA, "new"));
    let weak = value(&RegisterOperator { password: password("x"), ..clerk_of(ADACHI, "weak") });
    let suspend = |id: &str| json!({ "operator": id });
    vec![
        row(paths::MUNICIPALITIES, town("https://a"), "", "112020", "done"),
        row(paths::MUNICIPALITIES, town("https://a"), "", "112020", "same"),
        row(paths::MUNICIPALITIES, town("https://b"), "", "112020", "done"),
        row(paths::MUNICIPALITIES, town("http://b"), "malformed", "112020", "malformed"),
        row(paths::MUNICIPALITIES, unknown, "malformed", "130001", "malformed"),
        row(paths::TERMINALS, machine.clone(), "", "131211/m", "done"),
        row(paths::TERMINALS, machine, "", "131211/m", "same"),
        row(paths::TERMINALS, other, "conflict", "131211/m", "conflict"),
        row(paths::TERMINALS, short, "malformed", "131211/m", "malformed"),
        row(paths::TERMINALS_REVOKE, revoke("m"), "", "131211/m", "done"),
        row(paths::TERMINALS_REVOKE, revoke("m"), "", "131211/m", "same"),
        row(paths::TERMINALS_REVOKE, revoke("none"), "not-found", "131211/none", "absent"),
        row(paths::OPERATORS, clerk.clone(), "", "new", "done"),
        row(paths::OPERATORS, clerk, "", "new", "same"),
        row(paths::OPERATORS, moved, "conflict", "new", "conflict"),
        row(paths::OPERATORS, weak, "malformed", "weak", "malformed"),
        row(paths::OPERATORS_SUSPEND, suspend("new"), "", "new", "done"),
        row(paths::OPERATORS_SUSPEND, suspend("new"), "", "new", "same"),
        row(paths::OPERATORS_SUSPEND, suspend("none"), "not-found", "none", "absent"),
    ]
}

fn keys_and_reading<'c>(p: &'c People) -> Vec<Row<'c>> {
    let (sealing, signing) = room_keys(ADACHI);
    let keys = |place: &str| json!({ "municipality": place, "sealingKeys": [sealing.clone()], "signingKeys": [signing.clone()] });
    let (good, foreign) = (keys(ADACHI), keys("472131"));
    let bad = json!({ "municipality": ADACHI, "sealingKeys": [{ "id": 2, "key": "AAAA", "notBeforeUnixS": 0, "notAfterUnixS": 1 }], "signingKeys": [] });
    let publish = |body, problem, object, result| {
        let who = Who::Service("partition/main");
        let caller = &p.partition;
        Row { path: paths::KEYS, caller, body, problem, who, object: Some(object), result }
    };
    let read = |caller, who, place: Value, (problem, object, result)| {
        let body = json!({ "municipality": place, "from": 0, "limit": 10 });
        let object = Some(object);
        Row { path: paths::ACCESS_LOG_LIST, caller, body, problem, who, object, result }
    };
    let supervisor = Who::Is("supervisor-adachi");
    let end = |caller, who, problem, result| {
        let (path, body, object) = (paths::LOG_OUT, json!(null), None);
        Row { path, caller, body, problem, who, object, result }
    };
    let late = log_in("new", PASSWORD);
    let suspended = "refused: suspended";
    vec![
        publish(good.clone(), "", ADACHI, "done"),
        publish(good, "", ADACHI, "same"),
        publish(foreign, "denied", "472131", "foreign"),
        publish(bad, "malformed", ADACHI, "malformed"),
        read(&p.supervisor, supervisor, json!(null), ("", "131211/0", "done")),
        read(&p.supervisor, supervisor, json!(ADACHI), ("", "131211/0", "done")),
        read(&p.supervisor, supervisor, json!(KORIYAMA), ("denied", "072036/0", "denied")),
        read(&p.nation, Who::Is("national"), json!(null), ("", "all/0", "done")),
        read(&p.nation, Who::Is("national"), json!(KORIYAMA), ("", "072036/0", "done")),
        Row {
            path: paths::LOG_IN,
            caller: &p.desk,
            body: late,
            problem: "log-in-refused",
            who: Who::Is("new"),
            object: None,
            result: suspended,
        },
        end(&p.clerk, Who::Is("clerk-adachi"), "", "done"),
        // The token counts no more, so it proves nothing.
        end(&p.clerk, Who::Somebody, "unauthenticated", "unauthenticated"),
    ]
}

#[tokio::test]
async fn every_outcome_of_every_endpoint_leaves_one_complete_line() {
    for w in each_with(Limits { failures_per_terminal_max: 1_000, ..Limits::default() }).await {
        let p = people(&w).await;
        let strange = w.at("131211-u");
        let mut rows = log_ins(&p, &strange);
        rows.extend(registrations(&w, &p));
        rows.extend(keys_and_reading(&p));
        let tested: BTreeSet<_> = rows.iter().map(|row| row.path).collect();
        let offered: BTreeSet<_> =
            recorded().map(|own| own.path).filter(|path| !is_poll(path)).collect();
        assert_eq!(tested, offered, "every endpoint has its rows here");
        for path in offered {
            let succeeds = |row: &Row<'_>| row.path == path && row.problem.is_empty();
            assert!(rows.iter().any(succeeds), "{path} succeeds once");
        }
        for (number, row) in rows.iter().enumerate() {
            row.check(&w, number).await;
        }
        w.running.stop().await;
    }
}

/// What the gate and the body's reader turn away, for each endpoint in the route table.
#[tokio::test]
async fn whoever_is_turned_away_leaves_one_line_at_every_endpoint() {
    for w in each_with(Limits::default()).await {
        let p = people(&w).await;
        let forged = Caller { token: Some("e30.e30.e30".to_owned()), ..w.at("131211-t") };
        let log = w.service(ServiceKind::ProvisionLog, "main");
        let callers = [&p.nation, &p.clerk, &p.supervisor, &p.desk, &forged, &p.partition, &log];
        for own in recorded() {
            for (number, caller) in callers.into_iter().enumerate() {
                let id = RequestId::parse(&format!("gate-{number}")).unwrap();
                let before = w.access_log().await.len();
                let problem = send(caller, own, &id, &json!("no form")).await;
                if is_poll(own.path) && problem.is_empty() {
                    assert_eq!(w.access_log().await.len(), before, "{} is a poll", own.path);
                    continue;
                }
                let is_done = own.path == paths::LOG_OUT && problem.is_empty();
                let line = line_of(&w, before, own, &id).await;
                assert_eq!(line.result, if is_done { "done" } else { &problem }, "{line:?}");
                assert!(line.terminal.is_some() != line.service.is_some(), "{line:?}");
                if problem == "unauthenticated" {
                    assert_eq!((&line.operator, &line.claimed), (&None, &None), "{line:?}");
                }
                // Where a token is asked for, a good one has proven who it is.
                if problem == "denied" && caller.token.is_some() && needs_log_in(own.action) {
                    assert!(line.operator.is_some(), "{line:?}");
                }
            }
        }
        w.running.stop().await;
    }
}

/// Full disk, missing right, broken table: the answer is 503 and nothing has happened.
#[tokio::test]
async fn without_a_line_there_is_no_act_and_no_answer_at_any_endpoint() {
    for w in each_with(Limits::default()).await {
        let p = people(&w).await;
        let strange = w.at("131211-u");
        let mut rows = log_ins(&p, &strange);
        rows.extend(registrations(&w, &p));
        rows.extend(keys_and_reading(&p));
        let (lines, directory) = (w.access_log().await, w.directory().await);
        let (jam, mend) = match w.t.is_sqlite() {
            true => (
                "CREATE TRIGGER jam BEFORE INSERT ON access_log \
                 BEGIN SELECT RAISE(ABORT, 'jam'); END",
                "DROP TRIGGER jam",
            ),
            false => (
                "REVOKE INSERT ON access_log FROM watari_registry",
                "GRANT INSERT ON access_log TO watari_registry",
            ),
        };
        w.t.as_owner(move |tx| tx.batch_execute(jam)).await;
        for (number, row) in rows.iter().enumerate() {
            let id = RequestId::parse(&format!("jam-{number}")).unwrap();
            let problem = send(row.caller, endpoint(row.path), &id, &row.body).await;
            assert_eq!(problem, "unavailable", "{} {}", row.path, row.result);
        }
        w.t.as_owner(move |tx| tx.batch_execute(mend)).await;
        assert_eq!(w.access_log().await, lines);
        let now = w.directory().await;
        assert_eq!(
            (now.sequence, now.municipalities),
            (directory.sequence, directory.municipalities)
        );
        // Nothing of it was kept: each succeeds now as if for the first time.
        for row in rows.iter().filter(|row| row.result == "done" && row.path != paths::LOG_IN) {
            let id = RequestId::make_random();
            let problem = send(row.caller, endpoint(row.path), &id, &row.body).await;
            assert_eq!(problem, "", "{}", row.path);
            assert_eq!(w.access_log().await.last().unwrap().result, "done", "{}", row.path);
        }
        w.running.stop().await;
    }
}

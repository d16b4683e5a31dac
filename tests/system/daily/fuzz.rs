//! An attacker with a registered device, with a copy of its name, with a neighbour's device and with
//! a partition's certificate tries what comes to mind, at the intake and at every other service.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cast::Resident;
use domain::{IndividualNumber, ServiceKind, SystemClock};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use service::pki::Authority;
use uuid::Uuid;
use wire::PeerIdentity;
use wire::intake::{
    CAPTURES, CAPTURES_FETCH, CAPTURES_FORGET, CapturesAnswered, DEVICE_DIRECTORY, DEVICES_KEEP,
    SealedCapture, Taken,
};
use wire::tls::{Expected, TlsFiles, TlsIdentity};

use super::dice::Dice;
use super::venue::{Backroom, Tablet, capture, name_of, voucher};
use crate::support::{World, dose, fresh_number, on_both};

/// For each engine, unless `FUZZED_CALLS` asks for more.
const CALLS: usize = 2_500;
/// Somebody with a voucher, whom no other test knows.
const SOMEBODY: u32 = 900;
const WAIT_MAX: Duration = Duration::from_secs(180);

/// A bare client: what an attacker sends is no JSON of ours.
fn http(files: &TlsFiles, kind: ServiceKind) -> Client {
    let identity = TlsIdentity::load(files).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the house's client sends nothing malformed")]
    Client::builder()
        .tls_backend_preconfigured(identity.client_config(Expected::any(kind)).unwrap())
        .build()
        .unwrap()
}

fn issue(world: &World, identity: &PeerIdentity) -> TlsFiles {
    let authority = Authority::open(&world.site.layout.authority(), &SystemClock).unwrap();
    authority.issue(identity, &["127.0.0.1"], &Uuid::new_v4().to_string()).unwrap().files
}

/// A capture under a new id whose sealed bytes are those of the good one, or nearly.
fn forged(dice: &mut Dice, good: &SealedCapture) -> Value {
    let mut forged = SealedCapture { id: Uuid::new_v4(), ..good.clone() };
    for _ in 0..dice.roll(4) {
        // The key's id stays: behind it the intake sees nothing.
        let place = 4 + dice.roll(forged.sealed.0.len() - 4);
        forged.sealed.0[place] ^= 1 << dice.roll(8);
    }
    serde_json::to_value(&forged).unwrap()
}

/// A document that would be understood, about one of the intake's endpoints.
fn sensible(dice: &mut Dice, good: &SealedCapture) -> (String, Value) {
    let municipality = *dice.pick(&["131211", "072036", "472131", "999999", "1312110"]);
    let name = json!({ "device": "tablet-fuzzed", "id": Uuid::from_u128(7) });
    let (forged, sealed) = (forged(dice, good), serde_json::to_value(good).unwrap());
    let all = [
        (CAPTURES, json!({ "captures": [sealed] })),
        (CAPTURES, json!({ "captures": [forged] })),
        (CAPTURES, json!({ "captures": [sealed, forged, { "id": Uuid::nil() }] })),
        (CAPTURES_FETCH, json!({ "municipality": municipality, "after": 0, "limit": 500 })),
        (CAPTURES_FORGET, json!({ "municipality": municipality, "captures": [name] })),
        (
            DEVICES_KEEP,
            json!({ "municipality": municipality, "devices": [
                { "device": "tablet-x", "thumbprint": "AAAA", "revoked": false }
            ] }),
        ),
        (DEVICE_DIRECTORY, json!(null)),
        ("/v1/subjects/../devices", json!({ "voucher": voucher(SOMEBODY) })),
    ];
    let (path, document) = dice.pick(&all).clone();
    (path.to_owned(), document)
}

/// The same about any endpoint of another service.
fn elsewhere(dice: &mut Dice, kind: ServiceKind) -> (String, Value) {
    let endpoint = dice.pick(watari::services::endpoints(kind));
    let document = json!({
        "individualNumber": IndividualNumber::for_test(1).reveal(), "voucher": voucher(SOMEBODY),
        "municipality": "131211", "from": 0, "limit": 100, "captures": [],
    });
    (endpoint.path.replace(['{', '}'], "0"), document)
}

/// Puts something else in one place of the document.
fn spoil(dice: &mut Dice, value: &mut Value) {
    let strange = [
        json!(null),
        json!(-1),
        json!(u64::MAX),
        json!(1e308),
        json!("131211' OR 1=1 --"),
        json!("\u{0}\u{202e}００"),
        json!("9".repeat(5_000)),
        json!([[[[[[[[]]]]]]]]),
        json!({ "a": { "b": { "c": true } } }),
    ];
    match value {
        Value::Object(map) if !map.is_empty() && dice.roll(4) > 0 => {
            let key = map.keys().nth(dice.roll(map.len())).unwrap().clone();
            match dice.roll(5) {
                0 => drop(map.remove(&key)),
                1 => drop(map.insert(voucher(SOMEBODY), json!(1))),
                _ => spoil(dice, map.get_mut(&key).unwrap()),
            }
        }
        Value::Array(all) if !all.is_empty() && dice.roll(4) > 0 => {
            let place = dice.roll(all.len());
            spoil(dice, &mut all[place]);
        }
        place => *place = dice.pick(&strange).clone(),
    }
}

/// Bytes that may be no JSON any more.
fn break_bytes(dice: &mut Dice, bytes: &mut Vec<u8>) {
    for _ in 0..dice.roll(4) {
        if bytes.is_empty() {
            return;
        }
        let place = dice.roll(bytes.len());
        match dice.roll(4) {
            0 => bytes.truncate(place),
            1 => bytes.insert(place, 0xff),
            2 => bytes[place] ^= 1 << dice.roll(8),
            _ => drop(bytes.splice(place..place, b"[{\"".repeat(50))),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "how much is tried is the tester's to say")]
fn calls() -> usize {
    std::env::var("FUZZED_CALLS").ok().and_then(|text| text.parse().ok()).unwrap_or(CALLS)
}

/// What nobody may get.
async fn secrets(world: &World) -> Vec<String> {
    let serial = fresh_number();
    world.live_in_adachi(serial, &[dose(1)]).await;
    let known = Resident { serial, doses: Vec::new() }.to_request();
    let number = IndividualNumber::for_test(serial).reveal().to_owned();
    vec![
        number,
        known.name,
        known.name_kana,
        known.address_number,
        dose(1).lot,
        voucher(SOMEBODY),
        name_of(SOMEBODY),
    ]
}

struct Attack {
    statuses: BTreeMap<u16, usize>,
    /// Captures that the registered device was told are accepted.
    accepted: BTreeSet<Uuid>,
    secrets: Vec<String>,
}

impl Attack {
    /// Whatever was asked: no fault, no secret.
    async fn look(&mut self, what: &str, answer: reqwest::Response) -> (u16, String) {
        let status = answer.status().as_u16();
        let headers = format!("{:?}", answer.headers());
        let text = answer.text().await.unwrap();
        assert!(status < 500, "{what}: {status} {text}");
        for secret in &self.secrets {
            let is_told = headers.contains(secret) || text.contains(secret);
            assert!(!is_told, "{what}: {headers} {text}");
        }
        *self.statuses.entry(status).or_default() += 1;
        (status, text)
    }

    fn accept(&mut self, text: &str) {
        if let Ok(answered) = serde_json::from_str::<CapturesAnswered>(text) {
            let well = answered.captures.iter().filter(|one| one.result == Taken::Accepted);
            self.accepted.extend(well.map(|one| one.id));
        }
    }
}

/// A call about something sensible, in most cases spoilt.
fn invent(dice: &mut Dice, kind: ServiceKind, good: &SealedCapture) -> (Method, String, Vec<u8>) {
    let (path, mut document) = match kind {
        ServiceKind::Intake => sensible(dice, good),
        _ => elsewhere(dice, kind),
    };
    if dice.roll(3) > 0 {
        spoil(dice, &mut document);
    }
    let mut body = serde_json::to_vec(&document).unwrap();
    if dice.roll(4) == 0 {
        break_bytes(dice, &mut body);
    }
    let method = if path == DEVICE_DIRECTORY { Method::GET } else { Method::POST };
    let method = if dice.roll(20) == 0 { Method::PUT } else { method };
    (method, path, body)
}

#[test]
fn fuzzed_calls_meet_no_fault_and_get_no_number_and_no_name() {
    on_both(async |world: &'static World| {
        let (site, adachi) = (&world.site, world.cast.adachi.code);
        let room = Backroom::open(site, adachi).await;
        let people = room.issue_vouchers(SOMEBODY..SOMEBODY + 1).await;
        let tablet = Tablet::issue(site, adachi, "tablet-fuzzed");
        tablet.register(&world.desk(&world.cast.adachi.supervisor).await).await;
        let key = tablet.sealing_key(site).await;
        let good = tablet.device.seal(&key, &capture(adachi, &voucher(SOMEBODY), 1)).unwrap();
        tablet.until_heard(&good).await;
        let named = |municipality| PeerIdentity::Device {
            municipality,
            device: tablet.device.name.clone(),
        };
        let devices = [
            tablet.files.clone(),
            issue(world, &named(adachi)),
            issue(world, &named(world.cast.koriyama.code)),
        ];
        let partition = |name| issue(world, &PeerIdentity::service(ServiceKind::Partition, name));
        let partitions = [partition("main"), partition("stranger")];
        let callers: Vec<Client> =
            devices.iter().chain(&partitions).map(|one| http(one, ServiceKind::Intake)).collect();
        let others: Vec<(ServiceKind, Client)> = ServiceKind::ALL
            .into_iter()
            .filter(|kind| *kind != ServiceKind::Intake)
            .flat_map(|kind| devices.iter().map(move |one| (kind, http(one, kind))))
            .collect();
        let mut dice = Dice(0x2545_f491_4f6c_dd1d);
        let secrets = secrets(world).await;
        let accepted = BTreeSet::from([good.id]);
        let mut attack = Attack { statuses: BTreeMap::new(), accepted, secrets };
        for _ in 0..calls() {
            let is_elsewhere = dice.roll(4) == 0;
            let who = dice.roll(if is_elsewhere { others.len() } else { callers.len() });
            let (kind, caller) = match is_elsewhere {
                true => (others[who].0, &others[who].1),
                false => (ServiceKind::Intake, &callers[who]),
            };
            let (method, path, body) = invent(&mut dice, kind, &good);
            let media = *dice.pick(&["application/json", "application/json", "text/plain"]);
            let call = caller.request(method, format!("{}{path}", site.addresses.url(kind)));
            let answer = call.header("content-type", media).body(body.clone()).send().await;
            let what = format!("{kind} {path} {}", String::from_utf8_lossy(&body));
            let (status, text) = attack.look(&what, answer.unwrap()).await;
            assert!(!is_elsewhere || [401, 403].contains(&status), "{what}: {status} {text}");
            if !is_elsewhere && who == 0 {
                attack.accept(&text);
            }
        }
        // Some were understood, most were not: the generator reaches both sides.
        let Attack { statuses, accepted, .. } = attack;
        for status in [200, 400, 401, 403] {
            assert!(statuses.contains_key(&status), "{statuses:?}");
        }
        // What came in is dealt with, and only the one real capture counts.
        assert!(accepted.len() > 10, "hardly anything forged got as far as the room: {statuses:?}");
        let results = room.until_settled_of(&tablet.device.name, accepted.len(), WAIT_MAX).await;
        let want = [("registered".to_owned(), 1), ("unreadable".to_owned(), accepted.len() - 1)];
        assert_eq!(results, want.into());
        assert_eq!(room.doses(&people).await, [1]);
        room.expect_nothing_in_the_clear_at(world).await;
    });
}

//! An attacker with a device's certificate, with a neighbour's and with a partition's tries what
//! comes to mind; the generator is small, so that a failure can be had again.

use domain::{ServiceKind, SystemClock};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use service::pki::Authority;
use uuid::Uuid;
use wire::PeerIdentity;
use wire::intake::{CAPTURES, CAPTURES_FETCH, CAPTURES_FORGET, DEVICE_DIRECTORY, DEVICES_KEEP};
use wire::tls::{Expected, TlsIdentity};

use super::venue::{Tablet, capture, voucher};
use crate::support::{World, on_both};

/// For each engine, unless `FUZZED_CALLS` asks for more.
const CALLS: usize = 2_500;
/// What nobody may get: the voucher and the name of somebody here.
const NAME: &str = "試験 ";

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn pick<'a, T>(&mut self, some: &'a [T]) -> &'a T {
        &some[self.roll(some.len())]
    }
}

/// A bare client: what an attacker sends is no JSON of ours.
fn http(world: &World, identity: &PeerIdentity) -> Client {
    let authority = Authority::open(&world.site.layout.authority(), &SystemClock).unwrap();
    let issued = authority.issue(identity, &["127.0.0.1"], &Uuid::new_v4().to_string()).unwrap();
    let identity = TlsIdentity::load(&issued.files).unwrap();
    let expected = Expected::any(ServiceKind::Intake);
    #[expect(clippy::disallowed_methods, reason = "the house's client sends nothing malformed")]
    Client::builder()
        .tls_backend_preconfigured(identity.client_config(expected).unwrap())
        .build()
        .unwrap()
}

/// A document that would be understood, about one of the endpoints.
fn sensible(dice: &mut Dice, sealed: &Value) -> (&'static str, Value) {
    let municipality = *dice.pick(&["131211", "072036", "472131", "999999", "1312110"]);
    let name = json!({ "device": "tablet-fuzzed", "id": Uuid::from_u128(7) });
    let all = [
        (CAPTURES, json!({ "captures": [sealed] })),
        (CAPTURES, json!({ "captures": [sealed, sealed, { "id": Uuid::nil() }] })),
        (CAPTURES_FETCH, json!({ "municipality": municipality, "after": 0, "limit": 500 })),
        (CAPTURES_FORGET, json!({ "municipality": municipality, "captures": [name] })),
        (
            DEVICES_KEEP,
            json!({ "municipality": municipality, "devices": [
                { "device": "tablet-x", "thumbprint": "AAAA", "revoked": false }
            ] }),
        ),
        (DEVICE_DIRECTORY, json!(null)),
        ("/v1/subjects/../devices", json!({ "voucher": voucher(0) })),
    ];
    dice.pick(&all).clone()
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
                1 => drop(map.insert(voucher(0), json!(1))),
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

#[test]
fn fuzzed_calls_meet_no_fault_and_get_no_number_and_no_name() {
    on_both(async |world: &'static World| {
        let (site, cast) = (&world.site, &world.cast);
        let tablet = Tablet::issue(site, cast.adachi.code, "tablet-fuzzed");
        tablet.register(&world.desk(&cast.adachi.supervisor).await).await;
        let key = tablet.sealing_key(site).await;
        let sealed = tablet.device.seal(&key, &capture(cast.adachi.code, &voucher(0), 1)).unwrap();
        tablet.until_heard(&sealed).await;
        let sealed = serde_json::to_value(&sealed).unwrap();
        let device = |municipality| PeerIdentity::Device {
            municipality,
            device: tablet.device.name.clone(),
        };
        let callers = [
            http(world, &device(cast.adachi.code)),
            http(world, &device(cast.koriyama.code)),
            http(world, &PeerIdentity::service(ServiceKind::Partition, "main")),
            http(world, &PeerIdentity::service(ServiceKind::Partition, "stranger")),
        ];
        let url = site.addresses.url(ServiceKind::Intake);
        let mut dice = Dice(0x2545_f491_4f6c_dd1d);
        let mut statuses = std::collections::BTreeMap::<u16, usize>::new();
        for _ in 0..calls() {
            let (path, mut document) = sensible(&mut dice, &sealed);
            if dice.roll(5) > 0 {
                spoil(&mut dice, &mut document);
            }
            let mut body = serde_json::to_vec(&document).unwrap();
            if dice.roll(3) == 0 {
                break_bytes(&mut dice, &mut body);
            }
            let method = if path == DEVICE_DIRECTORY { Method::GET } else { Method::POST };
            let method = if dice.roll(20) == 0 { Method::PUT } else { method };
            let kind = *dice.pick(&["application/json", "application/json", "text/plain"]);
            let call = dice.pick(&callers).request(method, format!("{url}{path}"));
            let answer = call.header("content-type", kind).body(body.clone()).send().await.unwrap();
            let status = answer.status().as_u16();
            let text = answer.text().await.unwrap();
            let what = String::from_utf8_lossy(&body).into_owned();
            assert!(status < 500, "{path} {what}: {status} {text}");
            assert!(!text.contains(&voucher(0)) && !text.contains(NAME), "{path} {what}: {text}");
            *statuses.entry(status).or_default() += 1;
        }
        // Some were understood, most were not: the generator reaches both sides.
        assert!(statuses.contains_key(&200) && statuses.contains_key(&400), "{statuses:?}");
        assert!(statuses.contains_key(&403), "{statuses:?}");
    });
}

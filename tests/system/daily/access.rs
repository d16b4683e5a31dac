//! What the intake writes down: one line for each request, whoever sent it and however it ended.

use std::time::Instant;

use diesel::prelude::*;
use domain::{RequestId, ServiceKind};
use serde_json::{Value, json};
use wire::Client;
use wire::devices::{DEVICES_REVOKE, RevokeDevice};
use wire::intake::{
    CAPTURES, CAPTURES_FETCH, DEVICES_KEEP, FetchCaptures, SealedCapture, SendCaptures,
};

use super::venue::{Tablet, capture, voucher};
use crate::support::{World, on_both};

diesel::table! {
    access_log (seq) {
        seq -> BigInt,
        municipality -> Nullable<Text>,
        caller -> Nullable<Text>,
        act -> Text,
        kept -> Integer,
        refused -> Integer,
        result -> Text,
        request -> Text,
    }
}

type Line = (Option<String>, Option<String>, String, i32, i32, String);

/// The lines under one request id.
async fn lines(world: &World, request: &RequestId) -> Vec<Line> {
    let config = world.site.settings.database(ServiceKind::Intake).unwrap();
    let db = db::Db::open(&config.service().unwrap()).await.unwrap();
    let request = request.to_string();
    let read = move |tx: &mut db::Tx| {
        let columns = (
            access_log::municipality,
            access_log::caller,
            access_log::act,
            access_log::kept,
            access_log::refused,
            access_log::result,
        );
        let found = access_log::table.filter(access_log::request.eq(&request)).select(columns);
        found.load::<Line>(tx).map_err(db::DbError::from)
    };
    db.read("test.lines", read).await.unwrap()
}

/// Sends a document, whatever comes of it, and reads what was written down.
async fn line(world: &World, line: &Client, (path, body): (&str, &Value)) -> Line {
    let request = RequestId::make_random();
    let _: Result<Value, _> = line.post(path, &request, None, body).await;
    let mut lines = lines(world, &request).await;
    assert_eq!(lines.len(), 1, "{path}: {lines:?}");
    lines.remove(0)
}

#[test]
fn every_request_to_the_intake_leaves_one_line() {
    on_both(async |world: &'static World| {
        let (site, cast) = (&world.site, &world.cast);
        let supervisor = world.desk(&cast.adachi.supervisor).await;
        let tablet = Tablet::issue(site, cast.adachi.code, "tablet-on-record");
        let key = tablet.sealing_key(site).await;
        let seal = || {
            let sealed = capture(cast.adachi.code, &voucher(0), 1);
            tablet.device.seal(&key, &sealed).unwrap()
        };
        let send =
            |captures: Vec<SealedCapture>| serde_json::to_value(SendCaptures { captures }).unwrap();
        let own = |act: &str, (kept, refused), result: &str| {
            let (code, caller) = ("131211".to_owned(), "device/tablet-on-record".to_owned());
            (Some(code), Some(caller), act.to_owned(), kept, refused, result.to_owned())
        };
        let said = line(world, &tablet.line, (CAPTURES, &send(vec![seal()]))).await;
        assert_eq!(said, own("SendCapture", (0, 1), "device-unknown"));
        tablet.register(&supervisor).await;
        tablet.until_heard(&seal()).await;
        let broken = SealedCapture { sealed: vec![1].into(), ..seal() };
        let said = line(world, &tablet.line, (CAPTURES, &send(vec![seal(), broken]))).await;
        assert_eq!(said, own("SendCapture", (1, 1), "done"));
        let said = line(world, &tablet.line, (CAPTURES, &json!({ "captures": 7 }))).await;
        assert_eq!(said, own("SendCapture", (0, 0), "malformed"));
        let fetch = FetchCaptures { municipality: cast.adachi.code, after: 0, limit: 1 };
        let fetch = serde_json::to_value(fetch).unwrap();
        let said = line(world, &tablet.line, (CAPTURES_FETCH, &fetch)).await;
        assert_eq!(said, own("FetchCaptures", (0, 0), "denied"));
        let said = line(world, &tablet.line, ("/v1/nothing", &json!({}))).await;
        assert_eq!(said, own("NoSuchEndpoint", (0, 0), "unauthenticated"));

        let partition = site.client("partition", ServiceKind::Intake).unwrap();
        let keep = json!({ "municipality": "131211", "devices": [] });
        let said = line(world, &partition, (DEVICES_KEEP, &keep)).await;
        let main = Some("partition/main".to_owned());
        assert_eq!(said, (None, main, "KeepDevices".to_owned(), 0, 0, "done".to_owned()));
        // Asked for every few seconds: what was taken is on record in its room.
        let request = RequestId::make_random();
        let fetched: Result<Value, _> =
            partition.post(CAPTURES_FETCH, &request, None, &fetch).await;
        fetched.unwrap();
        assert!(lines(world, &request).await.is_empty());

        let lost = RevokeDevice { device: tablet.device.name.clone() };
        supervisor.room::<()>(DEVICES_REVOKE, &lost).await.unwrap();
        let begun = Instant::now();
        loop {
            let said = line(world, &tablet.line, (CAPTURES, &send(vec![seal()]))).await;
            if said == own("SendCapture", (0, 1), "device-revoked") {
                break;
            }
            assert_eq!(said, own("SendCapture", (1, 0), "done"));
            assert!(begun.elapsed().as_secs() < 60, "the intake does not hear of it");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    });
}

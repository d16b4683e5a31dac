//! Who writes to the broker in the name of a municipality that is another's (C029 to C031).

use domain::{InquiryId, RequestId, ServiceKind};
use serde_json::Value;
use service::pki::Authority;
use wire::broker::INQUIRIES;
use wire::client::Deadlines;
use wire::provision_log::{Act, LeafBody};
use wire::tls::{Expected, TlsIdentity};
use wire::{Client, PeerIdentity};

use super::forgeries::Thief;
use super::letter::sign;
use super::sql::Sql;
use crate::support::{World, clock, fresh_number, on_both};

#[test]
fn nobody_asks_the_broker_in_another_municipalitys_name() {
    on_both(async |world| {
        let thief = Thief::new(world).await;
        // A partition with a good certificate that does not host Koriyama, and even has its keys.
        let name = format!("partition-{}", fresh_number());
        let authority = Authority::open(&world.site.layout.authority(), clock().as_ref()).unwrap();
        let identity = PeerIdentity::service(ServiceKind::Partition, &name);
        authority.issue(&identity, &[], &name).unwrap();
        let other_host = broker_of(world, &name);
        let own_host = broker_of(world, ServiceKind::Partition.as_str());
        let foreign = {
            let genuine = thief.genuine();
            sign(&thief.uruma, genuine.header, genuine.sealed.0)
        };
        for (what, broker, inquiry) in [
            ("another host", &other_host, thief.genuine()),
            ("another room's signature", &own_host, foreign),
        ] {
            let id = inquiry.header.inquiry;
            let request = RequestId::make_random();
            let sent = broker.post::<Value>(INQUIRIES, &request, None, &inquiry).await;
            let error = sent.expect_err(what);
            let code = error.problem().map(|problem| problem.code.clone());
            assert_eq!(code.as_deref(), Some("not-authentic"), "{what}: {error:?}");
            thief.expect_no_record(what, &id);
            // It never came to Adachi; the log of the broker has it (C098).
            assert!(thief.operations(world.cast.adachi.code, &id).await.is_empty(), "{what}");
            assert_eq!(reasons(world, &id), ["notAuthentic"], "{what}");
        }
    });
}

fn broker_of(world: &World, holder: &str) -> Client {
    let identity = TlsIdentity::load(&world.site.layout.tls(holder)).unwrap();
    let url = world.site.addresses.url(ServiceKind::Broker);
    let expected = Expected::any(ServiceKind::Broker);
    Client::new(&identity, expected, url, Deadlines::default()).unwrap()
}

/// Why the provision log says that an inquiry was refused.
fn reasons(world: &World, inquiry: &InquiryId) -> Vec<String> {
    let mut sql = Sql::owner(world, ServiceKind::ProvisionLog);
    let body = sql.hex("body");
    let bodies = sql.texts(&format!("SELECT {body} AS value FROM entry ORDER BY seq"));
    let read = |hex: &String| {
        let bytes = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16));
        let bytes = bytes.collect::<Result<Vec<_>, _>>().unwrap();
        let body: LeafBody = serde_json::from_slice(&bytes).unwrap();
        let Act::Outcome(entry) = body.act else { return None };
        let reason = serde_json::to_value(entry.reason).unwrap();
        let reason = reason.as_str().unwrap_or_default().to_owned();
        (entry.inquiry == *inquiry).then_some(reason)
    };
    bodies.iter().filter_map(read).collect()
}

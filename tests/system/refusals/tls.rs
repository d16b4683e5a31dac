//! TLS 1.3 or nothing, both by our own library and by another one.

use std::process::Command;

use domain::ServiceKind;
use rustls::ProtocolVersion;

use super::line::credentials;
use super::wire_end::WireEnd;
use crate::support::{World, on_both};

#[test]
fn every_service_speaks_tls_1_3() {
    on_both(async |world| {
        for kind in ServiceKind::ALL {
            let files = world.site.layout.tls(world.cast.koriyama.terminal().as_str());
            let end = WireEnd::connect(credentials(&files, kind), world.site.addresses.url(kind));
            assert_eq!(end.protocol(), ProtocolVersion::TLSv1_3);
        }
    });
}

/// Exit code 35 of curl: no agreement on TLS.
const NO_AGREEMENT: Option<i32> = Some(35);

fn curl(world: &World, kind: ServiceKind, more: &[&str]) -> Option<i32> {
    let files = world.site.layout.tls(world.cast.koriyama.terminal().as_str());
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-o", "/dev/null", "--max-time", "10", "--cacert"]).arg(&files.authority);
    curl.arg("--cert").arg(&files.certificate).arg("--key").arg(&files.key).args(more);
    curl.arg(format!("{}/livez", world.site.addresses.url(kind)));
    curl.output().unwrap().status.code()
}

#[test]
fn a_client_that_knows_only_tls_1_2_is_turned_away() {
    on_both(async |world| {
        for kind in ServiceKind::ALL {
            assert_eq!(curl(world, kind, &[]), Some(0));
            assert_eq!(curl(world, kind, &["--tlsv1.2", "--tls-max", "1.2"]), NO_AGREEMENT);
        }
    });
}

//! The provision log's disk is full: nothing is released.

use diesel::{RunQueryDsl as _, sql_query};
use domain::ServiceKind;

use super::database::Database;
use super::process::Process;
use super::server::{Server, run};
use super::stage::{LOG, Stage, on_sqlite};
use crate::support::RUNTIME;

/// Rows that are rolled back again; what they took of the disk stays taken until `VACUUM`.
const FILL: &str = "INSERT INTO entry SELECT g, MONTH, 'outcome', '072036', '131016', \
    convert_to(repeat('x', WIDTH), 'UTF8') FROM generate_series(1000000, 1010000) g";
/// The month whose table is filled.
const MONTH: &str = "to_char(now() AT TIME ZONE 'Asia/Tokyo', 'YYYYMM')::integer";

#[test]
fn on_sqlite_a_full_disk_releases_nothing() {
    on_sqlite(async |stage: &mut Stage| {
        let log = Process::replace(stage, ServiceKind::ProvisionLog).await;
        stage.definite(&stage.case(0)).await;
        let cases = stage.cases();
        limit(&log, "4096");
        stage.assert_outage(&cases, LOG).await;
        stage.assert_outage(&cases, LOG).await;
        assert_eq!(stage.count_entries(&cases).await, 0);
        limit(&log, "unlimited");
        stage.assert_recovers(&cases).await;
        // Once more, and now it dies while the disk is full.
        let cases = stage.cases();
        limit(&log, "4096");
        stage.assert_outage(&cases, LOG).await;
        drop(log);
        stage.start_again(ServiceKind::ProvisionLog).await;
        stage.assert_recovers(&cases).await;
    });
}

#[test]
fn on_postgresql_a_full_disk_releases_nothing() {
    let server = Server::start();
    RUNTIME.block_on(async {
        let mut stage = Stage::start_on(Some(server.url())).await;
        let cases = stage.cases();
        fill(&stage.log_database());
        stage.assert_outage(&cases, LOG).await;
        stage.assert_outage(&cases, LOG).await;
        assert_eq!(stage.count_entries(&cases).await, 0);
        sql_query("VACUUM entry").execute(&mut stage.log_database().connect()).unwrap();
        stage.assert_recovers(&cases).await;
        let cases = stage.cases();
        fill(&stage.log_database());
        stage.assert_outage(&cases, LOG).await;
        stage.stop(ServiceKind::ProvisionLog).await;
        sql_query("VACUUM entry").execute(&mut stage.log_database().connect()).unwrap();
        stage.start_again(ServiceKind::ProvisionLog).await;
        stage.assert_recovers(&cases).await;
    });
}

/// How large a file may be that the process writes; a limit that may be raised again.
fn limit(process: &Process, bytes: &str) {
    run("prlimit", &["--pid", &process.id().to_string(), &format!("--fsize={bytes}:")]);
}

/// Fills the table's file to its limit: first with large rows, then the rest with small ones.
fn fill(database: &Database) {
    let open = format!("SELECT open_segment({MONTH})");
    sql_query(open).execute(&mut database.connect()).unwrap();
    for width in ["1900", "200", "1"] {
        let fill = FILL.replace("WIDTH", width).replace("MONTH", MONTH);
        let refused = sql_query(fill).execute(&mut database.connect());
        let words = refused.unwrap_err().to_string();
        assert!(words.contains("could not extend file"), "the disk is not full: {words}");
    }
}

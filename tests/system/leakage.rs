//! Nothing of a number stays behind: not in files, logs, traces, metrics, nor in the memory of
//! services that have no business with it (C086, C146).
//!
//! Each service is a process of its own, as in production.

#![expect(clippy::indexing_slicing, reason = "a failed test stops where it failed")]

mod curl;
mod day;
mod installation;
mod mistakes;
mod needles;
mod postgres;
mod receiver;
mod search;
#[path = "daily/venue.rs"]
mod venue;

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use domain::ServiceKind;
use watari::services::IN_ORDER;

use self::curl::Terminal;
use self::day::{Day, FOLLOWED};
use self::installation::{Installation, wait};
use self::needles::{Needles, Secret, forms};
use self::postgres::Postgres;
use self::receiver::Receiver;
use self::search::Searched;
use crate::support::RUNTIME;

#[test]
fn a_day_on_sqlite_leaves_nothing_of_a_number_behind() {
    let mut installation = Installation::start(None);
    let day = RUNTIME.block_on(day::live(&mut installation));
    let databases = day.site.layout.databases();
    let names = search::files(&databases);
    let is_wal = |path: &std::path::PathBuf| path.to_string_lossy().ends_with("-wal");
    assert_eq!(names.iter().filter(|path| is_wal(path)).count(), 4, "{names:?}");
    while_running(&installation, &day);
    at_the_end(&mut installation, &day, &databases);
}

#[test]
fn a_day_on_postgresql_leaves_nothing_of_a_number_behind() {
    let server = Postgres::start();
    let mut installation = Installation::start(Some(&server.owner_url()));
    let day = RUNTIME.block_on(day::live(&mut installation));
    assert_eq!(passwords_of_roles(&day).len(), 4);
    while_running(&installation, &day);
    server.stop();
    at_the_end(&mut installation, &day, server.folder());
}

/// Everything that was typed, wherever.
fn secrets(day: &Day) -> Vec<Secret> {
    [day.secrets.clone(), day.typed_at_registry.clone()].concat()
}

/// Passwords of people and of database roles, and tokens.
fn credentials(day: &Day) -> Vec<Secret> {
    let passwords = fs::read_to_string(day.site.layout.passwords()).unwrap();
    let passwords: toml::Table = passwords.parse().unwrap();
    let passwords = passwords.iter().map(|(user, password)| {
        Secret::new(&format!("password of {user}"), password.as_str().unwrap())
    });
    let tokens = [&day.adachi, &day.koriyama].map(|desk| &desk.session().token);
    let tokens = tokens.map(|token| Secret::new("a token", token));
    passwords.chain(tokens).chain(passwords_of_roles(day)).collect()
}

fn passwords_of_roles(day: &Day) -> Vec<Secret> {
    let files = search::files(&day.site.settings.folder.join("secrets"));
    let urls =
        files.iter().filter(|file| !file.to_string_lossy().ends_with("-owner")).map(|file| {
            let url = fs::read_to_string(file).unwrap();
            let (_, password) = url.split_once('@').unwrap().0.rsplit_once(':').unwrap();
            Secret::new("a role's password", password)
        });
    urls.collect()
}

fn while_running(installation: &Installation, day: &Day) {
    let all = Needles::new(&[secrets(day), credentials(day)].concat());
    let terminal = Terminal::new(&day.site, day.cast.koriyama.terminal().as_str());
    for kind in IN_ORDER {
        let mut answers = Searched::default();
        for path in ["/metrics", "/readyz", "/livez"] {
            let answer = terminal.get(kind, path);
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            answers.add(&format!("{path} of {kind}"), &all, answer.as_bytes());
        }
        answers.expect_nothing();
        search::start_of_process(&all, kind.as_str(), installation.pid(kind)).expect_nothing();
    }
    search::folder(&Needles::new(&secrets(day)), &installation.site_folder()).expect_nothing();
    in_memory(installation, day);
}

/// Only a partition ever sees a number, and only the registry a password; the intake carries doses
/// that it cannot read.
///
/// In these two, buffers of connections keep what was read until they are used again; so a
/// partition is not searched, and the registry not for what was typed there.
fn in_memory(installation: &Installation, day: &Day) {
    let temporary = installation.temporary();
    let present = Secret::new("a variable of the environment", temporary.to_str().unwrap());
    let broker = [vec![present.clone()], secrets(day), credentials(day)].concat();
    let log = [vec![present.clone()], secrets(day)].concat();
    let registry = [vec![present.clone()], day.secrets.clone()].concat();
    for (kind, secrets) in [
        (ServiceKind::Broker, &broker),
        (ServiceKind::ProvisionLog, &log),
        (ServiceKind::Intake, &log),
        (ServiceKind::Registry, &registry),
    ] {
        let needles = Needles::new(secrets);
        let mut searched = search::memory(&needles, kind.as_str(), installation.pid(kind));
        searched.expect_only(&present, kind.as_str());
    }
}

fn at_the_end(installation: &mut Installation, day: &Day, databases: &Path) {
    installation.stop();
    let followed = Secret::new("the followed inquiry", FOLLOWED);
    let all = [vec![followed.clone()], secrets(day), credentials(day)].concat();
    let all = Needles::new(&all);
    for folder in [databases, &installation.output()] {
        let place = folder.display().to_string();
        search::folder(&all, folder).expect_only(&followed, &place);
    }
    search::folder(&Needles::new(&secrets(day)), &installation.site_folder()).expect_nothing();
    assert_eq!(search::files(&installation.temporary()), Vec::<std::path::PathBuf>::new());
    let mut traces = Searched::default();
    traces.add("traces", &all, &installation.receiver.raw());
    traces.expect_only(&followed, "traces");
    one_trace_through_all_services(installation);
}

fn one_trace_through_all_services(installation: &Installation) {
    let spans = installation.receiver.spans();
    let followed = Needles::new(&[Secret::new("", FOLLOWED)]);
    let first = spans
        .iter()
        .find(|span| span.service == "watari-partition" && !followed.find(&span.bytes).is_empty());
    let trace = &first.expect("the inquiry has a span").trace;
    assert_eq!(trace.len(), 16);
    for service in ["watari-partition", "watari-broker", "watari-provision-log"] {
        let spans = spans.iter().filter(|span| span.service == service && span.trace == *trace);
        assert!(spans.count() > 0, "{service} has no span in the inquiry's trace");
    }
}

/// A search that could not find anything would prove nothing.
#[test]
fn what_is_planted_is_found_in_files_in_memory_and_in_traces() {
    let planted = Secret::new("a planted number", "999977999992");
    let needles = Needles::new(std::slice::from_ref(&planted));
    for (form, bytes) in forms(&planted.text) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("database-wal"), [&[0; 5_000], &bytes[..]].concat()).unwrap();
        search::folder(&needles, folder.path()).expect_something(form);

        let mut process = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        let process = process.as_mut().unwrap();
        process.stdin.as_mut().unwrap().write_all(&bytes).unwrap();
        let pid = process.id();
        wait(|| !search::memory(&needles, "cat", pid).found.is_empty());
        process.kill().unwrap();
        process.wait().unwrap();
    }
    let receiver = Receiver::start();
    let head = "POST /v1/traces HTTP/1.1\r\nContent-Length: 12\r\n\r\n";
    let mut exporter = TcpStream::connect(receiver.address).unwrap();
    exporter.write_all(format!("{head}{}", planted.text).as_bytes()).unwrap();
    wait(|| !needles.find(&receiver.raw()).is_empty());

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(&planted.text), "").unwrap();
    search::folder(&needles, folder.path()).expect_something("a file's name");
    let mut process =
        Command::new("sleep").arg("60").env("PLANTED", &planted.text).spawn().unwrap();
    wait(|| !search::start_of_process(&needles, "sleep", process.id()).found.is_empty());
    process.kill().unwrap();
    process.wait().unwrap();
}

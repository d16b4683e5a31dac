//! Whoever is slow loses the line: a connection is a place that somebody else could use.

use std::io::Write as _;
use std::time::{Duration, Instant};

use domain::ServiceKind;

use super::line::credentials;
use super::wire_end::{Closed, WireEnd, connect, read_to_close};
use crate::support::{Engine, RUNTIME, World, clock};

const HANDSHAKE_MS: u64 = 400;
const HEADER_MS: u64 = 600;
const BODY_MS: u64 = 500;
const IDLE_S: u64 = 2;
/// A deadline may be noticed this much later, on a machine with other things to do.
const LATER: Duration = Duration::from_millis(2_500);

/// A whole request that is let in and answered with 400.
const SHORT: &str = "POST /v1/sessions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
                     content-length: 2\r\n\r\n{}";
/// The same, of whose body nothing comes.
const BODYLESS: &str = "POST /v1/sessions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
                        content-length: 200\r\n\r\n";

/// A world whose registry is in a hurry from now on.  Deadlines do not depend on the database.
async fn in_a_hurry() -> World {
    let mut world = World::start(Engine::Sqlite).await;
    world.house.stop_one(ServiceKind::Registry).await;
    let listen = &mut world.house.settings.registry.as_mut().unwrap().listen;
    listen.handshake_ms_max = HANDSHAKE_MS;
    listen.header_ms_max = HEADER_MS;
    listen.body_ms_max = BODY_MS;
    listen.idle_s_max = IDLE_S;
    world.house.start_one(ServiceKind::Registry, &clock()).await.unwrap();
    world
}

fn url(world: &World) -> &str {
    world.site.addresses.url(ServiceKind::Registry)
}

fn end(world: &World) -> WireEnd {
    let files = world.site.layout.tls(world.cast.koriyama.terminal().as_str());
    WireEnd::connect(credentials(&files, ServiceKind::Registry), url(world))
}

fn expect_in_time(closed: &Closed, ms: u64, what: &str) {
    let limit = Duration::from_millis(ms) + LATER;
    assert!(closed.after < limit, "{what}: {:?} {}", closed.after, closed.received);
}

#[test]
fn whoever_is_slow_loses_the_line() {
    RUNTIME.block_on(async {
        let world = in_a_hurry().await;
        a_handshake_that_stalls(&world);
        a_head_that_stalls(&world);
        a_second_head_that_stalls(&world);
        a_second_head_that_drips(&world);
        a_head_that_drips(&world);
        a_body_that_stalls(&world);
        a_body_that_drips(&world);
        a_refused_request_whose_body_stalls(&world);
        a_line_that_idles(&world);
        a_line_that_only_rests(&world);
        a_head_without_end(&world);
        // After all that there is still room for the others.
        assert!(end(&world).ask(SHORT).unwrap().starts_with("HTTP/1.1 400 "));
    });
}

fn a_handshake_that_stalls(world: &World) {
    for beginning in [b"".as_slice(), b"\x16\x03\x01\x02\x00\x01"] {
        let mut stream = connect(url(world));
        stream.write_all(beginning).unwrap();
        let closed = read_to_close(&mut stream);
        expect_in_time(&closed, HANDSHAKE_MS, "handshake");
    }
}

fn a_head_that_stalls(world: &World) {
    for beginning in ["", "P", "POST /v1/sessions HTTP/1.1\r\nhost: a\r\n"] {
        let mut end = end(world);
        end.send(beginning);
        let closed = end.read_to_close();
        expect_in_time(&closed, HEADER_MS, beginning);
        let is_refused = closed.received.starts_with("HTTP/1.1 408 ");
        assert!(is_refused || closed.received.is_empty(), "{}", closed.received);
    }
}

fn a_second_head_that_stalls(world: &World) {
    let mut end = end(world);
    end.ask(SHORT).unwrap();
    end.send("POST /v1/sessions HTTP/1.1\r\nhost: a\r\n");
    expect_in_time(&end.read_to_close(), HEADER_MS + IDLE_S * 1_000, "a second head");
}

/// Sends a little again and again until the other end has had enough.
fn drip(end: &mut WireEnd, piece: &str) -> Duration {
    let begun = Instant::now();
    while end.try_send(piece).is_ok() && begun.elapsed() < Duration::from_secs(8) {
        std::thread::sleep(Duration::from_millis(100));
    }
    begun.elapsed()
}

fn a_head_that_drips(world: &World) {
    let mut end = end(world);
    end.send("POST /v1/sessions HTTP/1.1\r\n");
    let after = drip(&mut end, "x-a: b\r\n");
    assert!(after < Duration::from_millis(HEADER_MS) + LATER, "{after:?}");
}

fn a_second_head_that_drips(world: &World) {
    let mut end = end(world);
    end.ask(SHORT).unwrap();
    end.send("POST /v1/sessions HTTP/1.1\r\n");
    let after = drip(&mut end, "x-a: b\r\n");
    assert!(after < Duration::from_millis(HEADER_MS + IDLE_S * 1_000) + LATER, "{after:?}");
}

fn a_body_that_stalls(world: &World) {
    let mut end = end(world);
    end.send(BODYLESS);
    let closed = end.read_to_close();
    expect_in_time(&closed, BODY_MS, "body");
    assert!(closed.received.starts_with("HTTP/1.1 408 "), "{}", closed.received);
    assert!(closed.received.contains("\"too-slow\""), "{}", closed.received);
}

fn a_body_that_drips(world: &World) {
    let mut end = end(world);
    end.send(BODYLESS);
    let after = drip(&mut end, " ");
    assert!(after < Duration::from_millis(BODY_MS) + LATER, "{after:?}");
}

fn a_refused_request_whose_body_stalls(world: &World) {
    let mut end = end(world);
    end.send(&BODYLESS.replace("/v1/sessions", "/v1/operators"));
    let closed = end.read_to_close();
    assert!(closed.received.starts_with("HTTP/1.1 401 "), "{}", closed.received);
    expect_in_time(&closed, BODY_MS, "refused");
}

fn a_line_that_idles(world: &World) {
    let mut end = end(world);
    end.ask(SHORT).unwrap();
    let closed = end.read_to_close();
    expect_in_time(&closed, IDLE_S * 1_000, "idle");
    assert!(closed.received.is_empty(), "{}", closed.received);
}

/// Shorter than it may idle, longer than a head may take.
fn a_line_that_only_rests(world: &World) {
    let mut end = end(world);
    for _ in 0..3 {
        assert!(end.ask(SHORT).unwrap().starts_with("HTTP/1.1 400 "));
        std::thread::sleep(Duration::from_millis(HEADER_MS + 150));
    }
}

/// Longer than any head of ours, and still no end.
fn a_head_without_end(world: &World) {
    let mut end = end(world);
    end.send("POST /v1/sessions HTTP/1.1\r\n");
    let line = format!("x-a: {}\r\n", "b".repeat(8_000));
    let lines = (0..100).take_while(|_| end.try_send(&line).is_ok()).count();
    let closed = end.read_to_close();
    assert!(!closed.received.starts_with("HTTP/1.1 2"), "{lines} {}", closed.received);
}

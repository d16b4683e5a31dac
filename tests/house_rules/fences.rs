//! Words that stay in their room.
//!
//! Looks at what ships (`*/src/`); whole-line comments may name anything.

use crate::house::{File, expect_none, names, shipped_files};

/// Words, and the only places where they may stand.  A home is a beginning of a path; `*` is one
/// folder.
struct Fence {
    words: &'static [&'static str],
    homes: &'static [&'static str],
    instead: &'static str,
}

const FENCES: [Fence; 15] = [
    Fence {
        words: &["aes_gcm", "hkdf", "hmac", "hpke"],
        homes: &["shared/crypto/"],
        instead: "say what you seal with `crypto::Cell`, `seal_request` or `BlindIndex`",
    },
    Fence {
        words: &["ed25519_dalek", "sha2"],
        // Whoever judges a log opens nothing and needs no key store.
        homes: &["shared/audit/", "shared/crypto/", "shared/ledger/"],
        instead: "use `crypto::SigningKey`, `crypto::sha256` or `ledger::Signer`",
    },
    Fence {
        words: &["rand"],
        homes: &["shared/crypto/", "services/broker/src/filler.rs"],
        instead: "let `crypto` make keys and salts",
    },
    // Broker and intake are missing here on purpose: they hold nothing that opens anything.
    Fence {
        words: &[
            "AnswerKey",
            "KeyStore",
            "RoomKeys",
            "open_capture",
            "open_notice",
            "open_request",
            "seal_capture",
            "seal_notice",
            "seal_request",
        ],
        homes: &[
            "shared/crypto/",
            "shared/asking/",
            // Both ends of a capture: the device seals, the partition's room opens.
            "shared/captures/",
            "shared/device/",
            "services/partition/",
            // What is done in rooms.
            "shared/erasure/",
            "shared/exports/",
            "shared/imports/",
            "shared/records/",
            "shared/room/",
            // Plays sources by the hundred.
            "services/watari/src/bench/batch/",
            // Gives people vouchers.
            "services/watari/src/bench/captures/",
            "services/watari/src/doctor/",
            "services/watari/src/setup/",
        ],
        instead: "only a room's own partition seals and opens",
    },
    // Every place where a number, a name or a secret leaves its box.
    Fence {
        words: &[".reveal()", "::reveal"],
        homes: &[
            "shared/crypto/src/blind_index.rs",
            "shared/crypto/src/commitment.rs",
            "shared/domain/",
            // What stands twice in a file is found by digests that die with the reading.
            "shared/interchange/src/check.rs",
            "shared/interchange/src/check_tests.rs",
            // Files: what a row says, and what goes out, is written cell by cell.
            "shared/interchange/src/export/exportable.rs",
            "shared/interchange/src/export_tests.rs",
            "shared/imports/src/quarantine.rs",
            "shared/imports/src/quarantine_list.rs",
            "shared/imports/src/quarantine_tests.rs",
            "shared/asking/src/batch/stage.rs",
            // Digits of a voucher are compared; names of invented people are made.
            "shared/quality/src/generator.rs",
            "shared/quality/src/measure.rs",
            "shared/quality/src/voucher.rs",
            // The room's own staff and systems see their own people; a person sees everything.
            "shared/exports/src/disclose_all.rs",
            "shared/exports/src/immunization.rs",
            "shared/exports/src/search.rs",
            "shared/records/src/pmh.rs",
            "shared/room/src/shown.rs",
            // Into sealed cells and letters, and out of them.
            "shared/room/src/letter.rs",
            "shared/room/src/store/batch_row.rs",
            "shared/room/src/store/voucher.rs",
            // Invented people of a benchmark.
            "services/watari/src/bench/batch.rs",
            "services/watari/src/bench/import/files.rs",
            "shared/service/src/config.rs",
            "shared/wire/src/number.rs",
            "shared/room/src/question.rs",
            "shared/room/src/store/subject.rs",
            "services/registry/src/passwords.rs",
        ],
        instead: "pass the value in its type; if it must be read here, add the file and say why",
    },
    Fence {
        words: &["diesel"],
        // Making a database is not using one: no service does it.
        homes: &[
            "shared/db/",
            "shared/*/src/store/",
            "services/*/src/store/",
            "services/watari/src/bench/store/",
        ],
        instead: "put the SQL into a function of the service's `store`",
    },
    Fence {
        words: &["diesel_migrations"],
        homes: &["shared/db/", "shared/room/src/lib.rs", "services/*/src/lib.rs"],
        instead: "migrations are embedded in `lib.rs` and run by `watari migrate`",
    },
    Fence {
        words: &["reqwest"],
        homes: &["shared/wire/src/client.rs"],
        instead: "use `wire::Client`: mutual TLS, deadlines, trace headers",
    },
    Fence {
        words: &["rustls"],
        homes: &["shared/wire/src/tls.rs"],
        instead: "use `wire::tls`: TLS 1.3, client certificates, revocation",
    },
    Fence {
        words: &["rcgen"],
        homes: &["shared/service/src/pki.rs"],
        instead: "use `service::pki::Authority`",
    },
    Fence {
        words: &["argon2"],
        homes: &["services/registry/"],
        instead: "only the registry knows passwords",
    },
    Fence {
        words: &["jsonwebtoken"],
        homes: &[
            "services/registry/",
            "services/broker/src/permit.rs",
            "shared/room/src/host.rs",
            "services/partition/src/provide.rs",
            "services/partition/src/start.rs",
            "shared/service/src/directory.rs",
            "shared/service/src/token.rs",
            // Its test proves that the keys made here are keys for tokens.
            "shared/crypto/src/service_key.rs",
        ],
        instead: "the gate has checked the token already; ask the `Caller`",
    },
    Fence {
        words: &["actix_web"],
        // What is done in rooms brings its own routes.
        homes: &[
            "services/",
            "shared/asking/",
            "shared/captures/",
            "shared/erasure/",
            "shared/exports/",
            "shared/imports/",
            "shared/records/",
            "shared/service/",
        ],
        instead: "only services speak HTTP; the other rooms must work without it",
    },
    Fence {
        words: &["now_utc", "now_local", "SystemTime"],
        homes: &["shared/domain/src/clock.rs"],
        instead: "ask a `Clock`",
    },
    Fence {
        words: &["opentelemetry", "opentelemetry_otlp", "opentelemetry_sdk"],
        homes: &["shared/service/src/telemetry.rs", "shared/wire/src/client.rs"],
        instead: "put a field on the current `tracing` span",
    },
];

#[test]
fn words_stay_in_their_room() {
    let files = shipped_files();
    expect_none(&FENCES.iter().flat_map(|fence| strays(fence, &files)).collect::<Vec<_>>());
}

/// A fence around nothing hides that its word was renamed.
#[test]
fn every_fence_and_every_home_is_needed() {
    let files = shipped_files();
    for fence in &FENCES {
        for home in fence.homes {
            let mut inside = files.iter().filter(|file| is_at(&file.path, home));
            let lives = inside.any(|file| fence.words.iter().any(|word| stands_in(file, word)));
            assert!(lives, "none of {:?} is in {home} any more: take it out", fence.words);
        }
    }
}

fn strays(fence: &Fence, files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        let at_home = fence.homes.iter().any(|home| is_at(&file.path, home));
        for word in fence.words.iter().filter(|word| !at_home && stands_in(file, word)) {
            let Fence { homes, instead, .. } = fence;
            found.push(format!("{}: `{word}` belongs in {homes:?}; {instead}", file.path));
        }
    }
    found
}

fn stands_in(file: &File, word: &str) -> bool {
    file.text.lines().any(|line| !line.trim_start().starts_with("//") && names(line, word))
}

/// Whether the path begins with the home, folder by folder.
fn is_at(path: &str, home: &str) -> bool {
    let mut steps = path.split('/');
    home.trim_end_matches('/').split('/').all(|want| {
        let step = steps.next();
        want == "*" || step == Some(want)
    })
}

#[test]
fn a_planted_word_is_found_outside_its_room_only() {
    let [ciphers, .., clocks, _] = &FENCES;
    let at = |path: &str, text: &str| [File { path: path.to_owned(), text: text.to_owned() }];
    let use_it = "//! Seals.\nuse aes_gcm::Aes256Gcm;\n";
    assert_eq!(strays(ciphers, &at("services/broker/src/route.rs", use_it)).len(), 1);
    assert!(strays(ciphers, &at("shared/crypto/src/cell.rs", use_it)).is_empty());
    assert!(strays(ciphers, &at("shared/db/src/tx.rs", "/// Not aes_gcm.")).is_empty());
    assert_eq!(strays(clocks, &at("shared/db/src/tx.rs", "let t = now_utc();")).len(), 1);
}

#[test]
fn a_star_is_one_folder() {
    assert!(is_at("services/registry/src/store/mod.rs", "services/*/src/store/"));
    assert!(!is_at("services/registry/src/routes.rs", "services/*/src/store/"));
    assert!(!is_at("services/store/mod.rs", "services/*/src/store/"));
    assert!(!is_at("shared/crypto_two/src/lib.rs", "shared/crypto/"));
}

//! `watari log`, as auditors, custodians and operators type it, on both engines.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test should stop at once")]

mod stage;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use domain::{Clock, ServiceKind, SystemClock};
use serde_json::Value;
use time::Duration;
use watari::house::House;
use watari::screen::Screen;
use watari::story::seed::seed;
use watari::{schema, services};
use wire::provision_log::SignedOrder;

use self::stage::{Stage, bootstrap, entry, json, now, password_file, watari};

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_verified_exported_and_proven_off_line() {
    for stage in Stage::each().await {
        stage.append(now(), 300).await;
        let (config, key, to) = (stage.config(), stage.log_key(), stage.path("export"));
        let sound = stage.ok(&["verify", "--config", &config]);
        assert!(sound.out.contains("300 bodies authentic") && sound.out.ends_with("\nsound\n"));
        let newest = json(&stage.ok(&["checkpoint", "--config", &config, "--json"]));
        assert_eq!(newest["size"], 300);
        let note = stage.ok(&["checkpoint", "--config", &config]).out;
        assert_eq!(newest["note"].as_str().unwrap().trim_end(), note.trim_end());

        stage.ok(&["export", "--config", &config, "--to", &to]);
        stage.refused(&["export", "--config", &config, "--to", &to], 1, "not empty");
        let report = json(&stage.ok(&["verify", &to, "--log-key", &key, "--json"]));
        assert_eq!((&report["sound"], &report["size"]), (&Value::Bool(true), &Value::from(300)));
        let root = newest["root"].as_str().unwrap();
        let since = ["verify", &to, "--log-key", &key, "--since", "300", "--since-root", root];
        stage.ok(&since);

        let receipt = stage.ok(&["prove", "5", &to, "--log-key", &key]).out;
        let file = stage.path("receipt.json");
        fs::write(&file, &receipt).unwrap();
        let proven = json(&stage.ok(&["prove", "--check", &file, "--log-key", &key]));
        assert_eq!((&proven["proven"], &proven["index"]), (&Value::Bool(true), &Value::from(5)));
        stage.ok(&[
            "verify",
            "--config",
            &config,
            "--receipt",
            &file,
            "--witness",
            &stage.path("n"),
        ][..5]);
        fs::write(&file, receipt.replace("koriyama-1", "koriyama-2")).unwrap();
        stage.refused(
            &["prove", "--check", &file, "--log-key", &key],
            1,
            "does not lead to the root",
        );
        stage.refused(&["prove", "300", &to, "--log-key", &key], 1, "does not reach this entry");

        stage.refused(&["verify", &to], 2, "no key of the log");
        stage.refused(&["verify", "--log-key", &key], 2, "no log is named");
        let other = stage.say(&["verify", &stage.path("nothing"), "--log-key", &key]);
        assert_eq!(other.code, 2, "{}", other.err);

        let bundle = Path::new(&to).join("tile/entries/000");
        let mut bytes = fs::read(&bundle).unwrap();
        let place = bytes.windows(8).position(|window| window == b"koriyama").unwrap();
        bytes[place] = b'K';
        fs::write(&bundle, bytes).unwrap();
        let report = stage.say(&["verify", &to, "--log-key", &key, "--json"]);
        assert_eq!((report.code, &json(&report)["findings"][0]["kind"]), (1, &"edited".into()));
        let text = stage.say(&["verify", &to, "--log-key", &key]).out;
        assert!(text.contains("edited [0, 1)") && text.contains("next:  "), "{text}");
        assert!(text.ends_with("NOT SOUND\n"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_planned_signed_ordered_and_destroyed() {
    for stage in Stage::each().await {
        let (begin, config, order) = (now(), stage.config(), stage.path("order"));
        stage.append(begin, 30).await;
        let day = domain::law::day_in_japan(begin);
        let month = format!("{}{:02}", day.year(), u8::from(day.month()));
        let later = begin + Duration::days(8 * 366);
        let today = domain::law::day_in_japan(later).to_string();
        let plan = stage.ok(&["plan", "--config", &config]).out;
        assert!(plan.contains(&format!("{month}        30 bodies: the segment is kept")), "{plan}");
        let draft = ["plan", "--config", &config, "--segment", &month, "--out", &order];
        stage.refused_words(&draft, "is kept through");
        let drafted = stage.ok(&[&draft[..], &["--today", &today]].concat()).out;
        assert!(drafted.contains("destroys 30 bodies") && drafted.contains("watari log sign"));
        stage.refused(&["destroy", &order, "--config", &config], 1, "the order");
        for (name, words) in [("kimura", "1 of 2"), ("sato", "2 of 2")] {
            let key = stage.path(name);
            let signed = stage.ok(&["sign", &order, "--key", &key, "--name", name]).out;
            assert!(signed.contains("destroys 30 bodies") && signed.contains(words), "{signed}");
        }
        stage.refused(&["destroy", &order, "--config", &config], 1, "does not stand in the log");

        let log = stage.log(later).await;
        let note = fs::read_to_string(&order).unwrap();
        assert_eq!(log.order(SignedOrder { note }).await.unwrap().index, 30);
        log.rest().await;
        let gone = stage.ok(&["destroy", &order, "--config", &config]).out;
        assert!(gone.contains("at index 30, 30 bodies") && gone.contains("bytes freed"), "{gone}");
        let again = stage.ok(&["destroy", &order, "--config", &config]).out;
        assert!(again.contains("at index 30, 0 bodies"), "{again}");
        let report = json(&stage.ok(&["verify", "--config", &config, "--json"]));
        assert_eq!((&report["destroyed"], &report["entries"]), (&30.into(), &1.into()));
        // The log's newest entry is of the future now, so no clock runs ahead of it; one that does
        // is not believed.
        let far = stage.log(later + Duration::days(1)).await;
        far.append(entry()).await.unwrap();
        assert!(stage.ok(&["plan", "--config", &config]).out.contains("1 bodies: "));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_ran_away_plans_nothing() {
    for stage in Stage::each().await {
        stage.append(now() - Duration::days(40), 3).await;
        let config = stage.config();
        stage.refused(&["plan", "--config", &config], 1, "more than a month older");
        let today = domain::law::day_in_japan(now()).to_string();
        stage.ok(&["plan", "--config", &config, "--today", &today]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_set_back_is_brought_up_again() {
    for stage in Stage::each().await {
        let (config, late) = (stage.config(), stage.path("late"));
        stage.append(now(), 20).await;
        stage.append(now(), 5).await;
        stage.ok(&["export", "--config", &config, "--to", &late]);
        let whole = stage.ok(&["reconcile", "--config", &config]).out;
        assert!(whole.contains("Nothing is missing; the log has 25 entries."), "{whole}");
        stage.set_back(20).await;
        stage.refused(&["reconcile", "--config", &config], 1, "entries [20, 25) are missing");
        let mended = stage.ok(&["reconcile", "--config", &config, "--from", &late]).out;
        assert!(mended.contains("Entries [20, 25) came back."), "{mended}");
        let head = stage.settings().provision_log().unwrap().head_file.clone();
        fs::remove_file(&head).unwrap();
        stage.refused(&["reconcile", "--config", &config], 1, "neither a head file nor a witness");
        let witness = Path::new(&late).join("checkpoint").display().to_string();
        stage.ok(&["reconcile", "--config", &config, "--witness", &witness]);
        fs::remove_file(&head).unwrap();
        stage.ok(&["reconcile", "--config", &config, "--trust-database"]);
        stage.append(now(), 1).await;
        stage.ok(&["verify", "--config", &config]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_sent_to_the_running_log_and_an_independent_witness_sees_it() {
    for stage in Stage::each().await {
        let (config, order) = (stage.config(), stage.path("hold"));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let kinds = [ServiceKind::Registry, ServiceKind::ProvisionLog];
        let house = House::start(stage.settings(), &kinds, &clock).await.unwrap();
        let password = password_file(&stage);
        bootstrap(&stage, &password);
        let hold = ["hold", "--municipality", "131211", "--reason", "a lawsuit", "--out", &order];
        let drafted = stage.ok(&[&hold[..], &["--config", &config]].concat()).out;
        assert!(drafted.contains("holds all entries of 131211: a lawsuit"), "{drafted}");
        stage.ok(&["sign", &order, "--key", &stage.path("sato"), "--name", "sato"]);
        let submit = |password: &str| {
            let operator = ["--operator", "national-1", "--password-file", password];
            stage.say(&[&["submit", &order, "--config", &config], &operator[..]].concat())
        };
        let wrong = stage.path("wrong");
        fs::write(&wrong, "not-the-password").unwrap();
        assert_eq!(submit(&wrong).code, 1);
        let sent = submit(&password);
        assert!(sent.out.contains("at index 0."), "{}{}", sent.out, sent.err);
        assert!(submit(&password).out.contains("at index 0."), "sent twice, it stands once");
        let shown = stage.ok(&["checkpoint", "--running", "--config", &config, "--json"]);
        assert_eq!(json(&shown)["size"], 1);

        let (key, state, out) = (stage.path("witness"), stage.path("seen"), stage.path("notes"));
        let verifier = stage.ok(&["witness-key", "--name", "witness.example", "--out", &key]).out;
        let look = || {
            let files = ["--state", &state, "--key", &key, "--name", "witness.example"];
            let once = ["--out", &out, "--once", "--config", &config];
            stage.ok(&[&["witness"], &files[..], &once[..]].concat())
        };
        assert_eq!(json(&look())["size"], 1);
        assert_eq!(json(&look())["same"], true);
        let id = drafted.split(' ').nth(1).unwrap();
        let lift = ["lift", "--hold", id, "--out", &order, "--config", &config];
        stage.ok(&lift);
        stage.ok(&["sign", &order, "--key", &stage.path("sato"), "--name", "sato"]);
        assert_eq!(submit(&password).code, 1, "one custodian does not lift a hold");
        stage.ok(&["sign", &order, "--key", &stage.path("kimura"), "--name", "kimura"]);
        assert!(submit(&password).out.contains("at index 1."));
        assert_eq!(json(&look())["size"], 2);
        let verify = ["verify", "--config", &config, "--witness", &out, "--json"];
        let report = stage.ok(&[&verify[..], &["--witness-key", verifier.trim()]].concat());
        assert_eq!(json(&report)["witnessedSize"], 2);

        let doctor = watari(&["doctor", "--config", &config]).out;
        assert!(doctor.contains("ok      provision-log  head file        "), "{doctor}");
        house.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_municipalities_cosigned_counts_under_their_printed_keys() {
    for stage in Stage::each().await {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut settings = stage.settings();
        for kind in [ServiceKind::Partition, ServiceKind::Intake] {
            schema::migrate(&settings, kind).await.unwrap();
        }
        settings.provision_log.as_mut().unwrap().witness.round_s = 1;
        settings.partition.as_mut().unwrap().witness.every_s = 1;
        let house = House::start(settings, &services::IN_ORDER, &clock).await.unwrap();
        seed(&house.site(), clock.as_ref(), Screen::Silent).await.unwrap();
        let printed = stage.ok(&["witnesses", "--config", &stage.config()]).out;
        let names = ["131211", "072036", "472131"].map(|code| format!("/witness/{code}+"));
        assert_eq!(printed.lines().count(), 3, "{printed}");
        assert!(names.iter().all(|name| printed.contains(name)), "{printed}");
        let keys = stage.path("keys");
        fs::write(&keys, printed).unwrap();
        // Every witness looks at the log each second; when the log stops, it keeps what it heard.
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        house.stop().await;
        let verify = ["verify", "--config", &stage.config(), "--witness-key", &keys, "--json"];
        let report = json(&stage.ok(&verify));
        assert!(report["cosignatures"].as_u64().unwrap() >= 3, "{report}");
    }
}

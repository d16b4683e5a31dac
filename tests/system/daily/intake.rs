//! Venues hand in what they captured: late, in any order, twice, while things are killed.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use domain::{Clock as _, FixedClock, RequestId, SystemClock};
use wire::CallError;
use wire::devices::{DEVICES, DEVICES_LIST, DEVICES_REVOKE, Devices, ListDevices, RevokeDevice};
use wire::intake::{DEVICE_DIRECTORY, SEALED_BYTES_MAX, SealedCapture, Taken};
use wire::registry::Signed;

use super::dice::Dice;
use super::processes::Processes;
use super::venue::{Backroom, Tablet, capture, voucher};
use crate::support::{Engine, RUNTIME, World, alone_on_both, on_both, postgres_url};

const DEVICES_COUNT: u32 = 200;
/// Hours without a line; one capture in each.
const HOURS: u8 = 8;
const KILLS: u32 = 3;
/// A debug build on a busy machine; nothing is measured here.
const WAIT_MAX: Duration = Duration::from_secs(180);

/// Sends everything in any order, some of it again and again, until each was accepted once; says
/// how often nobody answered.
async fn empty(tablet: Tablet, mut outbox: Vec<SealedCapture>, mut dice: Dice) -> usize {
    let (mut accepted, mut silences) = (HashSet::new(), 0);
    let wanted: HashSet<_> = outbox.iter().map(|one| one.id).collect();
    dice.shuffle(&mut outbox);
    while accepted != wanted {
        let pause = Duration::from_millis(u64::try_from(dice.roll(700)).unwrap());
        tokio::time::sleep(pause).await;
        let first = dice.roll(outbox.len());
        let call: Vec<SealedCapture> =
            outbox.iter().cycle().skip(first).take(1 + dice.roll(3)).cloned().collect();
        match tablet.send(&call).await {
            Ok(answer) => {
                let well = answer.captures.iter().filter(|one| one.result == Taken::Accepted);
                accepted.extend(well.map(|one| one.id));
                // Often the device forgets that it was told, and sends again.
                let is_kept = |kept: &SealedCapture| !accepted.contains(&kept.id);
                let mut again = Dice(dice.0);
                outbox.retain(|kept| is_kept(kept) || again.roll(3) == 0);
            }
            Err(CallError::Refused(_)) => {}
            Err(_) => silences += 1,
        }
        dice.roll(2);
    }
    silences
}

#[test]
fn what_two_hundred_devices_kept_for_eight_hours_arrives_once_whatever_is_killed() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        RUNTIME.block_on(async {
            let mut processes = Processes::start(engine).await;
            let site = processes.site();
            let adachi = processes.cast.adachi.code;
            let room = Backroom::open(&site, adachi).await;
            let captures = DEVICES_COUNT * u32::from(HOURS);
            let people = room.issue_vouchers(0..captures).await;
            let supervisor = processes.desk(&processes.cast.adachi.supervisor).await;
            let (mut ready, mut key) = (Vec::new(), None);
            for nth in 0..DEVICES_COUNT {
                let tablet = Tablet::issue(&site, adachi, &format!("tablet-{nth}"));
                tablet.register(&supervisor).await;
                if key.is_none() {
                    key = Some(tablet.sealing_key(&site).await);
                }
                let seal = |hour: u8| {
                    let voucher = voucher(nth * u32::from(HOURS) + u32::from(hour));
                    let capture = capture(adachi, &voucher, hour);
                    tablet.device.seal(key.as_ref().unwrap(), &capture).unwrap()
                };
                let outbox: Vec<SealedCapture> = (0..HOURS).map(seal).collect();
                ready.push((tablet, outbox, Dice(0x9e37_79b9_7f4a_7c15 + u64::from(nth))));
            }
            let sending: Vec<_> = ready
                .into_iter()
                .map(|(tablet, outbox, dice)| tokio::spawn(empty(tablet, outbox, dice)))
                .collect();
            for _ in 0..KILLS {
                tokio::time::sleep(Duration::from_millis(500)).await;
                processes.kill_and_start(domain::ServiceKind::Intake).await;
                tokio::time::sleep(Duration::from_millis(500)).await;
                processes.kill_and_start(domain::ServiceKind::Partition).await;
            }
            let mut silences = 0;
            for one in sending {
                silences += one.await.unwrap();
            }
            assert!(silences > 0, "nobody was interrupted");
            room.until_settled(people.len(), WAIT_MAX).await;
            processes.until_intake_is_empty(WAIT_MAX).await;
            let results = room.results().await;
            assert_eq!(results, [("registered".to_owned(), people.len())].into());
            assert!(room.doses(&people).await.into_iter().all(|doses| doses == 1));
        });
    }
}

#[test]
fn a_good_capture_is_registered_and_a_doubtful_one_waits_for_people() {
    alone_on_both(async |world| {
        let (site, adachi) = (&world.site, world.cast.adachi.code);
        let room = Backroom::open(site, adachi).await;
        let people = room.issue_vouchers(0..2).await;
        let tablet = Tablet::issue(site, adachi, "tablet-1");
        tablet.register(&world.desk(&world.cast.adachi.supervisor).await).await;
        let key = tablet.sealing_key(site).await;
        let seal = |capture: &_| tablet.device.seal(&key, capture).unwrap();
        let good = seal(&capture(adachi, &voucher(0), 1));
        // The same dose captured twice at the venue, under two ids.
        let again = seal(&capture(adachi, &voucher(0), 2));
        let mut late = capture(adachi, &voucher(1), 3);
        late.dose.dose_number = 2;
        let never_issued = seal(&capture(adachi, "0000000001", 4));
        let other = Tablet::issue(site, adachi, "tablet-2");
        let mut forged = other.device.seal(&key, &capture(adachi, &voucher(1), 5)).unwrap();
        forged.id = uuid::Uuid::now_v7();
        tablet.until_heard(&good).await;
        let answer = tablet.send(&[again, seal(&late), never_issued, forged]).await.unwrap();
        assert!(answer.captures.iter().all(|one| one.result == Taken::Accepted));
        room.until_settled(5, WAIT_MAX).await;
        let results = room.results().await;
        let want = [("known", 1), ("quarantined", 2), ("registered", 1), ("unreadable", 1)];
        assert_eq!(results, want.map(|(word, count)| (word.to_owned(), count)).into());
        assert_eq!(room.doses(&people).await, [1, 0]);
        room.expect_nothing_in_the_clear_at(&world).await;
    });
}

#[test]
fn a_revoked_device_and_one_of_another_municipality_are_not_heard() {
    on_both(async |world: &'static World| {
        let (site, cast) = (&world.site, &world.cast);
        let supervisor = world.desk(&cast.adachi.supervisor).await;
        let adachi = cast.adachi.code;
        let name = "tablet-to-be-lost";
        let tablet = Tablet::issue(site, adachi, name);
        let key = tablet.sealing_key(site).await;
        let seal =
            |tablet: &Tablet| tablet.device.seal(&key, &capture(adachi, &voucher(0), 1)).unwrap();
        let unknown = tablet.send(&[seal(&tablet)]).await.unwrap_err();
        assert_eq!(unknown.problem().unwrap().code, "device-unknown");
        tablet.register(&supervisor).await;
        tablet.until_heard(&seal(&tablet)).await;

        // The same name in another municipality, and the same name once more with another key.
        let neighbour = Tablet::issue(site, cast.koriyama.code, name);
        let refused = neighbour.send(&[seal(&neighbour)]).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().code, "device-unknown");
        let twin = Tablet::issue(site, adachi, name);
        let refused = twin.send(&[seal(&twin)]).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().code, "device-unknown");
        let taken = supervisor.room::<()>(DEVICES, &twin.registration()).await.unwrap_err();
        assert_eq!(taken.problem().unwrap().code, "device-name-taken");
        let clerk = world.desk(&cast.adachi.clerk).await;
        assert!(clerk.room::<()>(DEVICES, &twin.registration()).await.is_err());

        let lost = RevokeDevice { device: tablet.device.name.clone() };
        supervisor.room::<()>(DEVICES_REVOKE, &lost).await.unwrap();
        let begun = std::time::Instant::now();
        let code = loop {
            match tablet.send(&[seal(&tablet)]).await {
                Ok(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                Err(error) => break error.problem().unwrap().code.clone(),
            }
            assert!(begun.elapsed() < WAIT_MAX);
        };
        assert_eq!(code, "device-revoked");
        let listed: Devices = supervisor.room(DEVICES_LIST, &ListDevices::default()).await.unwrap();
        let line = listed.devices.iter().find(|one| one.device == tablet.device.name).unwrap();
        assert!(line.revoked_at_unix_ms.is_some());
    });
}

#[test]
fn what_is_not_a_capture_gets_a_reason() {
    on_both(async |world: &'static World| {
        let (site, adachi) = (&world.site, world.cast.adachi.code);
        let tablet = Tablet::issue(site, adachi, "tablet-of-mistakes");
        tablet.register(&world.desk(&world.cast.adachi.supervisor).await).await;
        let key = tablet.sealing_key(site).await;
        let good = tablet.device.seal(&key, &capture(adachi, "0000000002", 1)).unwrap();
        tablet.until_heard(&good).await;
        let with = |sealed: Vec<u8>, key_id| SealedCapture {
            id: uuid::Uuid::now_v7(),
            key_id,
            sealed: sealed.into(),
        };
        let bytes = &good.sealed.0;
        let mut of_other_key = bytes.clone();
        of_other_key[3] = 77;
        let calls = [
            (with(vec![0; SEALED_BYTES_MAX + 1], good.key_id), Taken::TooLarge),
            (with(bytes[..bytes.len() - 1].to_vec(), good.key_id), Taken::Malformed),
            (with(Vec::new(), good.key_id), Taken::Malformed),
            (with(bytes.clone(), good.key_id + 1), Taken::Malformed),
            (with(of_other_key, 77), Taken::UnknownKey),
            (good.clone(), Taken::Accepted),
        ];
        let (captures, want): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
        let answer = tablet.send(&captures).await.unwrap();
        let got: Vec<Taken> = answer.captures.iter().map(|one| one.result).collect();
        assert_eq!(got, want);
        assert!(tablet.send(&[]).await.is_err());
        assert!(tablet.send(&vec![good; 101]).await.is_err());
    });
}

#[test]
fn devices_get_the_directory_also_while_the_registry_is_away() {
    for owner_url in [None, Some(postgres_url())] {
        RUNTIME.block_on(async {
            let clock = Arc::new(FixedClock::at(SystemClock.now()));
            let (own, prepare) = (clock.clone(), async |_: &watari::Settings| ());
            let mut world = World::start_prepared(owner_url, |_| (), own, prepare).await;
            let tablet = Tablet::issue(&world.site, world.cast.adachi.code, "tablet-1");
            let get = async || {
                let id = RequestId::make_random();
                tablet.line.get::<Signed>(DEVICE_DIRECTORY, &id).await
            };
            let copy = get().await.unwrap();
            world.house.stop_one(domain::ServiceKind::Registry).await;
            clock.advance(time::Duration::seconds(60));
            assert_eq!(get().await.unwrap().body, copy.body);
            world.house.stop().await;
        });
    }
}

//! A person's flags and what they do to inquiries, with their history.

use domain::subject::Flags;
use domain::{Clock as _, Role, SystemClock};
use time::Duration;
use time::macros::date;
use uuid::Uuid;
use wire::CallError;
use wire::partition::AskOutcome;
use wire::records::{
    Day, FlagSubject, History, RECORDS_HISTORY, ReadHistory, SUBJECTS_FLAG, SubjectFlagged,
    SubjectVersion,
};

use crate::world::{ADACHI, Desk, KORIYAMA, World, dose, on_both, question, refusal};

/// Sets nothing.
fn nothing(subject: Uuid) -> FlagSubject {
    FlagSubject::new(subject, "住民からの届出")
}

impl Desk {
    async fn entries(&self, subject: Uuid) -> Vec<SubjectVersion> {
        let asked = ReadHistory { subject, vaccination: None };
        self.post::<History>(RECORDS_HISTORY, &asked).await.unwrap().subject
    }

    /// Flags the version that counts now.
    async fn flag(&self, request: &FlagSubject) -> Result<SubjectFlagged, CallError> {
        let newest = self.entries(request.subject).await.pop().unwrap();
        self.post_if(SUBJECTS_FLAG, &newest.etag, request).await
    }
}

async fn mover(world: &World) -> Uuid {
    let clerk = world.desk(ADACHI, Role::Clerk);
    let subject = clerk.register(1).await;
    clerk.vaccinate(subject, dose()).await;
    world.desk(KORIYAMA, Role::Clerk).register(1).await;
    subject
}

#[tokio::test(flavor = "multi_thread")]
async fn the_flags_have_a_history_with_who_when_and_why() {
    on_both(async |world| {
        let subject = mover(&world).await;
        let clerk = world.desk(ADACHI, Role::Clerk);
        let moved = Some(Day(Some(date!(2025 - 03 - 31))));
        let set = FlagSubject { moved_out_on: moved, ..nothing(subject) };
        let flagged = clerk.flag(&set).await.unwrap();
        assert_eq!(flagged.version, 2);
        assert_eq!(refusal(clerk.flag(&set).await), (422, "nothing-changes".to_owned()));
        let died = Some(Day(Some(date!(2025 - 04 - 02))));
        clerk.flag(&FlagSubject { died_on: died, ..nothing(subject) }).await.unwrap();
        let lifted = FlagSubject {
            moved_out_on: Some(Day(None)),
            reason: "届出の取下げ".to_owned(),
            ..nothing(subject)
        };
        clerk.flag(&lifted).await.unwrap();
        let entries = clerk.entries(subject).await;
        let flags: Vec<Flags> = entries.iter().map(|entry| entry.flags).collect();
        let days = flags.iter().map(|flags| (flags.moved_out_on, flags.died_on));
        let (moved, died) = (Some(date!(2025 - 03 - 31)), Some(date!(2025 - 04 - 02)));
        assert_eq!(
            days.collect::<Vec<_>>(),
            [(None, None), (moved, None), (moved, died), (None, died)]
        );
        let why: Vec<_> =
            entries.iter().map(|entry| entry.source.clone().unwrap().reason).collect();
        let [registered, .., last] = why.as_slice() else { panic!("four versions") };
        assert_eq!((registered, last.as_deref()), (&None, Some("届出の取下げ")));
        assert!(entries.iter().all(|entry| entry.name == "山田"));
        let acts = world.acts(ADACHI, "FlagSubject").await;
        assert_eq!(acts, ["flagged", "nothing-changes", "flagged", "flagged"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_moved_out_or_died_is_answered_for_and_who_is_stopped_or_withheld_is_not() {
    on_both(async |world| {
        let subject = mover(&world).await;
        let desk = world.desk(ADACHI, Role::Supervisor);
        let today = Some(Day(Some(date!(2025 - 03 - 31))));
        let set = FlagSubject { moved_out_on: today, died_on: today, ..nothing(subject) };
        desk.flag(&set).await.unwrap();
        let outcome = async || world.ask(&question(1)).await.unwrap().outcome;
        assert_eq!(outcome().await, AskOutcome::Provided);
        for silent in [
            FlagSubject { stopped: Some(true), ..nothing(subject) },
            FlagSubject { withheld: Some(true), ..nothing(subject) },
        ] {
            desk.flag(&silent).await.unwrap();
            assert_eq!(outcome().await, AskOutcome::Nothing);
            let stopped = silent.stopped.map(|_| false);
            let withheld = silent.withheld.map(|_| false);
            desk.flag(&FlagSubject { stopped, withheld, ..nothing(subject) }).await.unwrap();
            assert_eq!(outcome().await, AskOutcome::Provided);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clerk_neither_stops_nor_withholds_nor_lifts_it() {
    on_both(async |world| {
        let subject = mover(&world).await;
        let clerk = world.desk(ADACHI, Role::Clerk);
        for word in [true, false] {
            for request in [
                FlagSubject { stopped: Some(word), ..nothing(subject) },
                FlagSubject { withheld: Some(word), ..nothing(subject) },
            ] {
                assert_eq!(refusal(clerk.flag(&request).await), (403, "denied".to_owned()));
            }
        }
        assert_eq!(clerk.entries(subject).await.len(), 1);
        assert_eq!(world.acts(ADACHI, "FlagSubject").await, ["denied"; 4]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_was_flagged_meanwhile_and_an_impossible_day_are_refused() {
    on_both(async |world| {
        let subject = mover(&world).await;
        let clerk = world.desk(ADACHI, Role::Clerk);
        let stale = clerk.entries(subject).await.pop().unwrap().etag;
        let supervisor = world.desk(ADACHI, Role::Supervisor);
        supervisor.withhold(subject).await;
        let day = |date| Some(Day(Some(date)));
        let moved = FlagSubject { moved_out_on: day(date!(2025 - 03 - 31)), ..nothing(subject) };
        let refused = clerk.post_if::<SubjectFlagged>(SUBJECTS_FLAG, &stale, &moved).await;
        assert_eq!(refusal(refused), (412, "superseded".to_owned()));
        let without = clerk.post::<SubjectFlagged>(SUBJECTS_FLAG, &moved).await;
        assert_eq!(refusal(without), (428, "version-required".to_owned()));
        let tomorrow = SystemClock.now().date() + Duration::days(2);
        for impossible in [
            FlagSubject { died_on: day(tomorrow), ..nothing(subject) },
            FlagSubject { died_on: day(date!(1979 - 12 - 31)), ..nothing(subject) },
            FlagSubject { moved_out_on: day(date!(1979 - 12 - 31)), ..nothing(subject) },
            FlagSubject { moved_out_on: day(tomorrow + Duration::days(366)), ..nothing(subject) },
        ] {
            assert_eq!(refusal(clerk.flag(&impossible).await), (400, "malformed".to_owned()));
        }
        let announced = FlagSubject { moved_out_on: day(tomorrow), ..nothing(subject) };
        clerk.flag(&announced).await.unwrap();
        let entry = clerk.entries(subject).await.pop().unwrap();
        assert!(entry.flags.withheld, "the other flags stay");
    })
    .await;
}

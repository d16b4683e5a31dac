//! The main job: a record crosses over, once, to the asker alone.

use wire::CallError;
use wire::partition::AskOutcome;

use crate::support::{dose, fresh_number, on_both, question};

#[test]
fn doses_registered_in_adachi_arrive_in_koriyama() {
    on_both(async |world| {
        let (number, doses) = (fresh_number(), [dose(1), dose(2)]);
        world.live_in_adachi(number, &doses).await;
        world.arrive_in_koriyama(number).await;
        let clerk = world.desk(&world.cast.koriyama.clerk).await;
        let answer = clerk.ask(&question(number, world.cast.adachi.code)).await.unwrap();
        assert_eq!(answer.outcome, AskOutcome::Provided);
        assert_eq!(answer.vaccinations, doses);
        assert_eq!(clerk.find(answer.inquiry).await.unwrap(), answer);
    });
}

#[test]
fn the_same_id_gives_the_same_answer_and_one_entry_also_after_a_correction() {
    on_both(async |world| {
        let number = fresh_number();
        world.live_in_adachi(number, &[dose(1)]).await;
        world.arrive_in_koriyama(number).await;
        let clerk = world.desk(&world.cast.koriyama.clerk).await;
        let asked = question(number, world.cast.adachi.code);
        let (one, two) = tokio::join!(clerk.ask(&asked), clerk.ask(&asked));
        let (one, two) = (one.unwrap(), two.unwrap());
        assert_eq!((one.log_index, &one.vaccinations), (two.log_index, &two.vaccinations));
        assert_eq!(clerk.ask(&asked).await.unwrap(), clerk.find(asked.inquiry).await.unwrap());
        let koriyama = world.cast.koriyama.code;
        let entries = watari::story::outcomes::entries_of(&world.site, koriyama, asked.inquiry);
        assert_eq!(entries.await.unwrap().len(), 1);
    });
}

#[test]
fn one_id_is_one_question() {
    on_both(async |world| {
        let (first, second) = (fresh_number(), fresh_number());
        world.arrive_in_koriyama(first).await;
        world.arrive_in_koriyama(second).await;
        let clerk = world.desk(&world.cast.koriyama.clerk).await;
        let asked = question(first, world.cast.adachi.code);
        clerk.ask(&asked).await.unwrap();
        let mut other = question(second, world.cast.adachi.code);
        other.inquiry = asked.inquiry;
        let refused = clerk.ask(&other).await.unwrap_err();
        assert!(
            matches!(&refused, CallError::Refused(p) if p.code == "inquiry-reused"),
            "{refused:?}"
        );
    });
}

#[test]
fn only_people_in_the_own_register_may_be_asked_about() {
    on_both(async |world| {
        let number = fresh_number();
        world.live_in_adachi(number, &[dose(1)]).await;
        let clerk = world.desk(&world.cast.koriyama.clerk).await;
        let refused = clerk.ask(&question(number, world.cast.adachi.code)).await.unwrap_err();
        assert!(matches!(&refused, CallError::Refused(p) if p.code == "not-in-register"));
    });
}

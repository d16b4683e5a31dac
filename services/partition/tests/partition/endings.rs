//! An inquiry's beginnings and ends in the operation logs of both rooms.

use domain::Role;
use serde_json::{Value, json};
use uuid::Uuid;
use wire::client::Deadlines;
use wire::partition as api;

use crate::world::{ADACHI, KORIYAMA, on_both, question, until};

#[tokio::test(flavor = "multi_thread")]
async fn the_providing_room_writes_one_line_for_each_question_of_the_broker() {
    on_both(async |world| {
        world.mover(1).await;
        world.desk(KORIYAMA, Role::Clerk).register(3).await;
        let [found, nobody] = [question(1), question(3)];
        for asked in [&found, &nobody, &found] {
            world.ask(asked).await.unwrap();
        }
        let lines = world.lines(ADACHI).await;
        let about = |asked: &api::AskRequest| {
            let provided = lines.iter().filter(|line| line.act == "ProvideRecords");
            let of = provided.filter(|line| line.inquiry == Some(asked.inquiry.0));
            let told = of.map(|line| (line.result.as_str(), line.actor.as_str()));
            told.collect::<Vec<_>>()
        };
        // The retry is answered from the asker's own room.
        assert_eq!(about(&found), [("provided", "broker/main")]);
        assert_eq!(about(&nobody), [("nothing", "broker/main")]);
        let asked = world.lines(KORIYAMA).await;
        let asked = asked.iter().filter(|line| line.inquiry == Some(found.inquiry.0));
        let results: Vec<_> = asked.map(|line| line.result.as_str()).collect();
        assert_eq!(results, ["begun", "provided", "shown again"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_begun_ends_in_the_log_also_if_the_caller_hangs_up() {
    on_both(async |world| {
        world.mover(1).await;
        let (mut asked, mut hung_up) = (Vec::new(), 0);
        for ms in 1..40 {
            let deadlines = Deadlines { connect_ms_max: 2_000, answer_ms_max: ms };
            let desk = world.hasty_desk(KORIYAMA, (Role::Clerk, "person-1"), deadlines);
            // The handshake is over before the clock begins to count.
            let _ = desk.post::<Value>(api::INQUIRIES_FIND, &json!({})).await;
            let question = question(1);
            let answer = desk.post::<api::AskAnswer>(api::INQUIRIES, &question).await;
            hung_up += u32::from(answer.is_err());
            asked.push(question.inquiry.0);
        }
        assert!(hung_up > 0, "nobody was hasty enough");
        let is_whole = async || {
            let lines = world.lines(KORIYAMA).await;
            let count = |id: &Uuid, wanted: &str| {
                let of = lines.iter().filter(|line| line.inquiry.as_ref() == Some(id));
                of.filter(|line| line.result == wanted).count()
            };
            asked.iter().all(|id| count(id, "begun") == count(id, "provided"))
        };
        until("every beginning has its end", is_whole).await;
        let lines = world.lines(KORIYAMA).await;
        assert!(lines.iter().any(|line| line.result == "begun"), "nothing was begun");
    })
    .await;
}

//! An inquiry's beginnings and ends in the operation logs of both rooms.

use domain::Role;
use wire::client::Deadlines;
use wire::partition as api;

use crate::world::broker::Loses;
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
        world.broker.lose(Loses::Time);
        let deadlines = Deadlines { connect_ms_max: 2_000, answer_ms_max: 400 };
        let desk = world.hasty_desk(KORIYAMA, (Role::Clerk, "person-1"), deadlines);
        let asked = question(1);
        desk.post::<api::AskAnswer>(api::INQUIRIES, &asked).await.unwrap_err();
        let results = async || {
            let lines = world.lines(KORIYAMA).await.into_iter();
            let lines = lines.filter(|line| line.inquiry == Some(asked.inquiry.0));
            lines.map(|line| line.result).collect::<Vec<_>>()
        };
        assert_eq!(results().await, ["begun"], "nobody was hasty enough");
        until("the end is in the log", async || results().await == ["begun", "provided"]).await;
    })
    .await;
}

//! From an empty folder to a registry that somebody can log in to, by configuration alone.

mod world;

use db::DbError;
use db::test_support::TestDb;
use domain::TerminalId;
use registry::{Config, FirstOperator, Limits, MIGRATIONS, bootstrap, start};
use service::config::{DatabaseConfig, Secret};
use service::server::StartError;
use world::{NATIONAL, PASSWORD, World, operator, password};

#[tokio::test]
async fn migrated_set_up_and_started_it_lets_the_first_operator_in() {
    let w = World::new(TestDb::sqlite(&MIGRATIONS).await, Limits::default()).await;
    let url = format!("sqlite:{}", w.file("fresh.db").display());
    let database = DatabaseConfig { url: Secret::Value(url), ..w.config.database.clone() };
    let config = Config { database, ..w.config.clone() };
    let early = start(config.clone(), w.clock.clone()).await;
    assert!(matches!(early, Err(StartError::Database(DbError::SchemaOutdated))), "{early:?}");

    db::migrate(&config.database.owner().unwrap(), &MIGRATIONS).await.unwrap();
    let first = FirstOperator {
        operator: operator(NATIONAL),
        password: password(PASSWORD),
        terminal: TerminalId::parse("national-1").unwrap(),
        thumbprint: w.at("000000-national-1").thumbprint,
    };
    bootstrap(&config, first, w.clock.as_ref()).await.unwrap();
    let running = start(config, w.clock.clone()).await.unwrap();
    let (other, w) = w.turn_to(running);
    other.stop().await;
    w.nation().await;
    w.running.stop().await;
}

#[tokio::test]
async fn a_token_that_would_live_too_long_is_no_configuration() {
    let w = World::new(TestDb::sqlite(&MIGRATIONS).await, Limits::default()).await;
    let limits = Limits { token_s_max: 86_400, ..Limits::default() };
    let config = Config { limits, ..w.config.clone() };
    let refused = registry::start_in(w.t.db.clone(), config, w.clock.clone()).await;
    assert!(matches!(refused, Err(StartError::Refused(_))), "{refused:?}");
    w.running.stop().await;
}

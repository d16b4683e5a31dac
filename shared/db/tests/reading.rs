//! Whoever judges a database sees one state of it, changes nothing, and gets past what fails.
#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod world;

use db::test_support::TestDb;
use db::{DbError, DbUrl, Reader, Tx};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use world::{counter, each};

fn count(tx: &mut Tx) -> QueryResult<i64> {
    counter::table.find(1).select(counter::n).first(tx)
}

fn nonsense(tx: &mut Tx) -> QueryResult<()> {
    tx.batch_execute("SELECT nothing FROM nowhere")
}

/// Asks on a thread that may block, as a command does.
async fn with_reader(t: &TestDb, questions: impl FnOnce(&mut Reader) + Send + 'static) {
    let url = t.config.url.clone();
    let asked = tokio::task::spawn_blocking(move || questions(&mut Reader::open(&url).unwrap()));
    asked.await.unwrap();
}

#[tokio::test]
async fn a_reader_goes_on_after_what_failed_and_cannot_write() {
    for t in each().await {
        with_reader(&t, |reader| {
            assert_eq!(reader.ask(count), Some(0));
            for _ in 0..3 {
                assert_eq!(reader.ask(nonsense), None);
                assert_eq!(reader.ask(count), Some(0));
            }
            let written = reader.ask(|tx| tx.batch_execute("UPDATE counter SET n = 7"));
            assert_eq!(written, None);
            assert_eq!(reader.ask(count), Some(0));
        })
        .await;
    }
}

#[tokio::test]
async fn a_reader_sees_one_state_while_others_write() {
    for t in each().await {
        let url = t.config.url.clone();
        let (seen, sees) = std::sync::mpsc::channel();
        let (go_on, goes_on) = std::sync::mpsc::channel();
        let reading = tokio::task::spawn_blocking(move || {
            let mut reader = Reader::open(&url).unwrap();
            seen.send(reader.ask(count)).unwrap();
            goes_on.recv().unwrap();
            reader.ask(count)
        });
        let sees = tokio::task::spawn_blocking(move || sees.recv()).await.unwrap();
        assert_eq!(sees, Ok(Some(0)));
        let write = |tx: &mut Tx| Ok::<_, DbError>(tx.batch_execute("UPDATE counter SET n = 7")?);
        t.db.transaction("test", write).await.unwrap();
        go_on.send(()).unwrap();
        assert_eq!(reading.await.unwrap(), Some(0));
    }
}

#[tokio::test]
async fn a_copied_file_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().join("original.db");
    let url = DbUrl::parse(&format!("sqlite:{}", original.display())).unwrap();
    db::migrate(&url, &world::MIGRATIONS).await.unwrap();
    let copy = folder.path().join("copy.db");
    std::fs::copy(&original, &copy).unwrap();
    let before = std::fs::read(&copy).unwrap();
    let url = DbUrl::parse(&format!("sqlite:{}", copy.display())).unwrap();
    let asked = tokio::task::spawn_blocking(move || Reader::open(&url).unwrap().ask(count));
    assert_eq!(asked.await.unwrap(), Some(0));
    assert!(std::fs::read(&copy).unwrap() == before);
    let beside: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("copy"))
        .collect();
    assert_eq!(beside, ["copy.db"]);
}

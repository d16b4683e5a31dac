//! Two small tables on both engines.

use db::Migrations;
use db::test_support::TestDb;
use diesel_migrations::embed_migrations;

pub(crate) static MIGRATIONS: Migrations = Migrations {
    sqlite: embed_migrations!("tests/migrations/sqlite"),
    postgres: embed_migrations!("tests/migrations/postgres"),
};

pub(crate) const ROLE: &str = "watari_test";

diesel::table! {
    counter (id) {
        id -> Integer,
        n -> BigInt,
    }
}

diesel::table! {
    note (municipality, id) {
        municipality -> Text,
        id -> Integer,
        body -> Text,
    }
}

diesel::table! {
    promise (counter) {
        counter -> Integer,
    }
}

pub(crate) async fn each() -> Vec<TestDb> {
    TestDb::each(&MIGRATIONS, ROLE).await
}

//! Row-level security: PostgreSQL keeps the rooms apart even where a `WHERE` is forgotten (C002,
//! C004).  SQLite has no such thing; there the rooms' keys stand alone.

use db::{Db, DbConfig, DbError, RoomKey, Tx};
use diesel::{RunQueryDsl as _, sql_query};
use domain::ServiceKind;
use wire::partition::INSPECTIONS;

use super::sql::{Row, Sql, Table};
use crate::support::{Engine, World, dose, fresh_number, on_both, question};

/// Runs on PostgreSQL, with something in every table that these tests read.
fn on_postgres(test: impl Fn(&'static World, &mut Sql)) {
    on_both(async |world| {
        if world.engine == Engine::Postgres {
            let number = fresh_number();
            let subject = world.live_in_adachi(number, &[dose(1)]).await;
            world.arrive_in_koriyama(number).await;
            let clerk = world.desk(&world.cast.koriyama.clerk).await;
            clerk.ask(&question(number, world.cast.adachi.code)).await.unwrap();
            world.withhold_in_adachi(subject).await;
            clerk.ask(&question(number, world.cast.adachi.code)).await.unwrap();
            let supervisor = world.desk(&world.cast.koriyama.supervisor).await;
            let nothing = wire::partition::InspectOperations {};
            let inspect = supervisor.room::<serde_json::Value>(INSPECTIONS, &nothing);
            inspect.await.unwrap();
            fill(world);
            test(world, &mut Sql::service(world, ServiceKind::Partition));
        }
    });
}

/// Rows that no good day makes.
fn fill(world: &World) {
    let mut owner = Sql::owner(world, ServiceKind::Partition);
    for rows in [
        "operator_hold VALUES ('072036', 'nobody', 1, FALSE, 'burst')",
        "witness_evidence VALUES ('072036', 1, 'known', 'seen')",
        "one_sided VALUES ('072036', '\\x00', 'differs', 1, 1, 1)",
    ] {
        owner.run(&format!("INSERT INTO {rows} ON CONFLICT DO NOTHING"));
    }
}

fn enter(sql: &mut Sql, municipality: &str) {
    sql.run("BEGIN");
    sql.texts(&format!(
        "SELECT set_config('watari.municipality', '{municipality}', true) AS value"
    ));
}

fn rooms_seen(sql: &mut Sql, table: &str) -> Vec<String> {
    sql.texts(&format!("SELECT DISTINCT municipality AS value FROM {table}"))
}

#[test]
fn every_table_of_the_partition_belongs_to_rooms_and_is_guarded() {
    on_postgres(|world, _| {
        let mut owner = Sql::owner(world, ServiceKind::Partition);
        for table in owner.tables() {
            let name = &table.name;
            assert_eq!(table.columns.first().map(|(name, _)| name.as_str()), Some("municipality"));
            let guarded = format!(
                "SELECT relrowsecurity::text AS value FROM pg_class \
                 WHERE oid = 'public.{name}'::regclass"
            );
            assert_eq!(owner.text(&guarded), "true", "{name}");
            let policies = format!(
                "SELECT cmd || ' ' || permissive || ' ' || (qual = with_check)::text AS value \
                 FROM pg_policies WHERE tablename = '{name}'"
            );
            assert_eq!(owner.texts(&policies), ["ALL PERMISSIVE true"], "{name}");
        }
    });
}

#[test]
fn without_a_room_there_are_no_rows() {
    on_postgres(|_, sql| {
        for table in sql.tables() {
            assert!(rooms_seen(sql, &table.name).is_empty(), "{}", table.name);
            // 000000 is the instance's own log: no room either, and it has lines.
            for nobody in ["", "999999", "%", "131211,072036", "131211 OR true", "NULL"] {
                enter(sql, nobody);
                assert!(rooms_seen(sql, &table.name).is_empty(), "{} {nobody:?}", table.name);
                sql.run("ROLLBACK");
            }
        }
    });
}

#[test]
fn a_forgotten_where_shows_the_own_room_only() {
    on_postgres(|world, sql| {
        let mut filled = 0;
        for town in world.cast.towns() {
            let own = town.code.as_str();
            for table in sql.tables() {
                enter(sql, own);
                let seen = rooms_seen(sql, &table.name);
                sql.run("ROLLBACK");
                assert!(seen.iter().all(|room| room == own), "{own} saw {seen:?} of {table:?}");
                filled += seen.len();
            }
        }
        assert!(filled > 10, "an empty room proves nothing");
        let koriyama = world.cast.koriyama.code;
        enter(sql, koriyama.as_str());
        let all = "SELECT municipality || ' ' || (count(*) > 0)::text AS value FROM inquiry \
                   WHERE municipality = '072036' OR true GROUP BY municipality";
        assert_eq!(sql.texts(all), [format!("{koriyama} true")]);
        let join = "SELECT DISTINCT p.municipality AS value FROM inquiry i, provision p \
                    WHERE p.inquiry_id = i.id";
        assert!(sql.texts(join).is_empty());
        sql.run("ROLLBACK");
    });
}

#[test]
fn nothing_can_be_written_into_another_room() {
    on_postgres(|world, sql| {
        let mut owner = Sql::owner(world, ServiceKind::Partition);
        for table in sql.tables() {
            let refused = [("072036", "131211"), ("131211", "072036")]
                .into_iter()
                .filter(|(own, other)| is_copy_refused(sql, &table, own, other))
                .count();
            assert!(refused > 0 || is_planted_copy_refused(&mut owner, &table), "{}", table.name);
        }
    });
}

/// The same where a table is empty: its owner plants a row and then becomes the service, in a
/// transaction that leaves nothing.
fn is_planted_copy_refused(owner: &mut Sql, table: &Table) -> bool {
    let name = &table.name;
    let values = owner.texts(&format!(
        "SELECT CASE WHEN column_name = 'municipality' THEN '''131211''' \
         WHEN is_nullable = 'YES' AND column_name <> 'class' THEN 'NULL' \
         WHEN data_type = 'boolean' THEN 'TRUE' WHEN data_type = 'text' THEN '''x''' \
         WHEN data_type = 'bytea' THEN 'decode(repeat(''ab'', 32), ''hex'')' ELSE '1' END AS value \
         FROM information_schema.columns WHERE table_schema = 'public' \
         AND table_name = '{name}' ORDER BY ordinal_position"
    ));
    enter(owner, "131211");
    assert_eq!(owner.run(&format!("INSERT INTO {name} VALUES ({})", values.join(", "))), 1);
    owner.run(&format!("SET LOCAL ROLE {}", room::ROLE));
    let others: Vec<&str> = table.columns[1..].iter().map(|(name, _)| name.as_str()).collect();
    let others = others.join(", ");
    let inserted = owner.try_run(&format!(
        "INSERT INTO {name} (municipality, {others}) SELECT '072036', {others} FROM {name}"
    ));
    owner.run("ROLLBACK");
    inserted.is_err_and(|error| error.to_string().contains("row-level security"))
}

/// Copies an own row into another room, all other columns as they are, so that only the room is
/// wrong; `false` if there is no row.
fn is_copy_refused(sql: &mut Sql, table: &Table, own: &str, other: &str) -> bool {
    let columns: Vec<&str> = table.columns.iter().map(|(name, _)| name.as_str()).collect();
    let (name, others) = (&table.name, columns[1..].join(", "));
    enter(sql, own);
    let inserted = sql.try_run(&format!(
        "INSERT INTO {name} (municipality, {others}) SELECT '{other}', {others} FROM {name} LIMIT 1"
    ));
    sql.run("ROLLBACK");
    match inserted {
        Ok(rows) => {
            assert_eq!(rows, 0, "{name}: {own} wrote into {other}");
            false
        }
        Err(error) => {
            assert!(error.to_string().contains("row-level security"), "{name}: {error}");
            true
        }
    }
}

#[test]
fn another_rooms_inquiries_cannot_be_changed_nor_own_ones_given_away() {
    on_postgres(|world, sql| {
        let koriyama = world.cast.koriyama.code;
        enter(sql, "131211");
        let change = format!(
            "UPDATE inquiry SET state = 'expired', answer_sealed = NULL \
             WHERE municipality = '{koriyama}'"
        );
        assert_eq!(sql.run(&change), 0);
        assert_eq!(sql.run("UPDATE inquiry SET state = state"), 0);
        sql.run("ROLLBACK");
        enter(sql, koriyama.as_str());
        assert!(sql.run("UPDATE inquiry SET state = state") > 0);
        let given = sql.try_run("UPDATE inquiry SET municipality = '131211'").unwrap_err();
        assert!(given.to_string().contains("row-level security"), "{given}");
        sql.run("ROLLBACK");
    });
}

#[test]
fn the_room_is_left_with_the_transaction() {
    on_postgres(|_, sql| {
        for end in ["COMMIT", "ROLLBACK"] {
            enter(sql, "072036");
            assert_eq!(rooms_seen(sql, "subject"), ["072036"]);
            sql.run(end);
            assert!(rooms_seen(sql, "subject").is_empty(), "after {end}");
        }
        // So nothing of the last user is left on a connection that comes back from the pool.
        enter(sql, "131211");
        assert_eq!(rooms_seen(sql, "subject"), ["131211"]);
        sql.run("ROLLBACK");
    });
}

#[test]
fn the_services_own_transactions_are_fenced_the_same_way() {
    on_both(async |world| {
        if world.engine == Engine::Sqlite {
            return;
        }
        let config = world.site.settings.partition().unwrap().database.service().unwrap();
        // One connection, so that each transaction gets it from the one before.
        let db = Db::open(&DbConfig { connections_max: 1, ..config }).await.unwrap();
        for room in ["072036", "131211", "072036"] {
            let key = RoomKey::parse(room).unwrap();
            let seen = db.room_read("test", key, rooms_of_subjects).await.unwrap();
            assert_eq!(seen, [room]);
            assert!(db.read("test", rooms_of_subjects).await.unwrap().is_empty());
        }
    });
}

fn rooms_of_subjects(tx: &mut Tx) -> Result<Vec<String>, DbError> {
    let rows = sql_query("SELECT DISTINCT municipality AS value FROM subject").load::<Row>(tx)?;
    Ok(rows.into_iter().filter_map(|row| row.value).collect())
}

//! What each service's database role may do, asked of PostgreSQL itself for every table there is
//! (C004, C005).

use domain::ServiceKind;
use watari::services;

use super::sql::{Sql, database};
use crate::support::{Engine, World, on_both};

const PRIVILEGES: [&str; 7] =
    ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"];

const STATEFUL: [ServiceKind; 4] =
    [ServiceKind::Registry, ServiceKind::Partition, ServiceKind::ProvisionLog, ServiceKind::Intake];

fn on_postgres(test: impl Fn(&'static World)) {
    on_both(async |world| {
        if world.engine == Engine::Postgres {
            test(world);
        }
    });
}

fn role(service: ServiceKind) -> &'static str {
    services::schema(service).unwrap().role
}

/// What a role may do with a table, or with at least one of its columns.
fn rights(owner: &mut Sql, role: &str, table: &str) -> Vec<&'static str> {
    let may = |owner: &mut Sql, privilege: &str| {
        let whole = format!("has_table_privilege('{role}', 'public.{table}', '{privilege}')");
        let part = format!("has_any_column_privilege('{role}', 'public.{table}', '{privilege}')");
        let asked = match privilege {
            "DELETE" | "TRUNCATE" | "TRIGGER" => whole,
            _ => format!("({whole} OR {part})"),
        };
        owner.text(&format!("SELECT {asked}::text AS value")) == "true"
    };
    PRIVILEGES.into_iter().filter(|privilege| may(owner, privilege)).collect()
}

#[test]
fn nobody_has_rights_in_another_services_database() {
    on_postgres(|world| {
        for home in STATEFUL {
            let mut owner = Sql::owner(world, home);
            for table in owner.tables() {
                for guest in STATEFUL.into_iter().filter(|guest| *guest != home) {
                    let rights = rights(&mut owner, role(guest), &table.name);
                    assert!(rights.is_empty(), "{guest} may {rights:?} {} of {home}", table.name);
                }
                let public = rights(&mut owner, "public", &table.name);
                assert!(public.is_empty(), "everybody may {public:?} {}", table.name);
            }
        }
    });
}

/// What two persons erase, and what jobs clear away when it has served its purpose.
const PARTITION_DELETES: [&str; 18] = [
    "batch_part",
    "batch_row",
    "capture_done",
    "exported_page",
    "held_inquiry",
    "import_finding",
    "import_part",
    "import_subject",
    "import_vaccination",
    "import_voucher",
    "notice_in",
    "quarantine",
    "subject",
    "subject_address",
    "subject_likeness",
    "subject_number",
    "vaccination",
    "voucher",
];

/// Rows that are what they are, for good.
const PARTITION_ADDS: [&str; 9] = [
    "completeness",
    "erasure_record",
    "inspection",
    "operation_checkpoint",
    "operation_log",
    "operation_tile",
    "operator_hold",
    "provision",
    "witness_evidence",
];

#[test]
fn the_partition_adds_to_its_logs_and_deletes_only_what_may_be_erased() {
    on_postgres(|world| {
        let mut owner = Sql::owner(world, ServiceKind::Partition);
        for table in owner.tables() {
            let name = table.name.as_str();
            let rights = rights(&mut owner, role(ServiceKind::Partition), name);
            assert!(rights.starts_with(&["SELECT", "INSERT"]), "{name}: {rights:?}");
            assert_eq!(rights.contains(&"DELETE"), PARTITION_DELETES.contains(&name), "{name}");
            if PARTITION_ADDS.contains(&name) {
                assert_eq!(rights, ["SELECT", "INSERT"], "{name}");
            }
            let never = ["TRUNCATE", "REFERENCES", "TRIGGER"];
            assert!(!never.iter().any(|right| rights.contains(right)), "{name}: {rights:?}");
        }
    });
}

/// A version stays what it was: its cell may be sealed anew, its place and time may not change.
#[test]
fn of_a_person_and_a_dose_the_partition_changes_the_sealed_cell_alone() {
    on_postgres(|world| {
        let mut owner = Sql::owner(world, ServiceKind::Partition);
        let role = role(ServiceKind::Partition);
        let registers = ["subject", "subject_number", "subject_address", "vaccination", "voucher"];
        for table in owner.tables() {
            if !registers.contains(&table.name.as_str()) {
                continue;
            }
            for (column, _) in &table.columns {
                let asked = format!(
                    "SELECT has_column_privilege('{role}', '{}', '{column}', 'UPDATE')::text \
                     AS value",
                    table.name
                );
                let want = if column.ends_with("sealed") { "true" } else { "false" };
                assert_eq!(owner.text(&asked), want, "{}.{column}", table.name);
            }
        }
    });
}

#[test]
fn the_provision_log_reads_and_adds_and_nothing_else() {
    on_postgres(|world| {
        let mut owner = Sql::owner(world, ServiceKind::ProvisionLog);
        for table in owner.tables() {
            // A month's bodies are reached through the whole table alone.
            let is_month = table.name.starts_with("entry_");
            let wanted: &[&str] = if is_month { &[] } else { &["SELECT", "INSERT"] };
            let rights = rights(&mut owner, role(ServiceKind::ProvisionLog), &table.name);
            assert_eq!(rights, wanted, "{}", table.name);
        }
    });
}

#[test]
fn the_registry_removes_only_what_may_end_and_never_rewrites_its_log() {
    on_postgres(|world| {
        let mut owner = Sql::owner(world, ServiceKind::Registry);
        for table in owner.tables() {
            let name = table.name.as_str();
            let rights = rights(&mut owner, role(ServiceKind::Registry), name);
            assert!(rights.contains(&"SELECT"), "{name}: {rights:?}");
            let ends = ["session", "token_key"].contains(&name);
            assert_eq!(rights.contains(&"DELETE"), ends, "{name}");
            let never = ["TRUNCATE", "REFERENCES", "TRIGGER"];
            assert!(!never.iter().any(|right| rights.contains(right)), "{name}: {rights:?}");
            let whole = format!(
                "SELECT has_table_privilege('{}', '{name}', 'UPDATE')::text AS value",
                role(ServiceKind::Registry)
            );
            assert_eq!(owner.text(&whole), "false", "{name}: only named columns change");
            if name == "access_log" {
                assert_eq!(rights, ["SELECT", "INSERT"]);
            }
        }
    });
}

/// Captures come and go, lines stay, of a device only its revocation changes; and there is nothing
/// else in its database that could be read.
#[test]
fn the_intake_has_captures_devices_and_its_log_and_nothing_else() {
    on_postgres(|world| {
        let mut owner = Sql::owner(world, ServiceKind::Intake);
        let role = role(ServiceKind::Intake);
        let tables = owner.tables();
        let found: Vec<_> = tables
            .iter()
            .map(|one| (one.name.as_str(), rights(&mut owner, role, &one.name)))
            .collect();
        let want = [
            ("access_log", vec!["SELECT", "INSERT"]),
            ("capture", vec!["SELECT", "INSERT", "DELETE"]),
            ("device", vec!["SELECT", "INSERT", "UPDATE"]),
        ];
        assert_eq!(found, want);
        for (column, _) in &tables.iter().find(|one| one.name == "device").unwrap().columns {
            let asked = format!(
                "SELECT has_column_privilege('{role}', 'device', '{column}', 'UPDATE')::text AS value"
            );
            let want = if column == "revoked" { "true" } else { "false" };
            assert_eq!(owner.text(&asked), want, "{column}");
        }
    });
}

#[test]
fn no_role_is_more_than_a_plain_user() {
    on_postgres(|world| {
        for service in STATEFUL {
            let (mut owner, role) = (Sql::owner(world, service), role(service));
            let plain = format!(
                "SELECT (NOT (rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole \
                 OR rolreplication))::text AS value FROM pg_roles WHERE rolname = '{role}'"
            );
            assert_eq!(owner.text(&plain), "true", "{role}");
            let belongs = format!(
                "SELECT roleid::regrole::text AS value FROM pg_auth_members \
                 WHERE member = '{role}'::regrole"
            );
            assert!(owner.texts(&belongs).is_empty(), "{role} is a member of another role");
            let owned = format!(
                "SELECT relname::text AS value FROM pg_class WHERE relowner = '{role}'::regrole"
            );
            assert!(owner.texts(&owned).is_empty(), "{role} owns a table, so no policy holds it");
            let create =
                format!("SELECT has_schema_privilege('{role}', 'public', 'CREATE')::text AS value");
            assert_eq!(owner.text(&create), "false", "{role}");
            let create = format!(
                "SELECT has_database_privilege('{role}', '{}', 'CREATE')::text AS value",
                database(world, service)
            );
            assert_eq!(owner.text(&create), "false", "{role}");
        }
    });
}

#[test]
fn the_walls_cannot_be_taken_down_from_inside() {
    on_postgres(|world| {
        let mut sql = Sql::service(world, ServiceKind::Partition);
        for attempt in [
            "CREATE TABLE own (municipality TEXT)",
            "CREATE SCHEMA own",
            "CREATE VIEW own AS SELECT * FROM subject",
            "CREATE FUNCTION own() RETURNS TEXT LANGUAGE sql AS 'SELECT 1' SECURITY DEFINER",
            "ALTER TABLE subject DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE subject OWNER TO watari_partition",
            "DROP POLICY room ON subject",
            "ALTER POLICY room ON subject USING (true)",
            "CREATE POLICY all_rooms ON subject USING (true)",
            "DROP TABLE held_inquiry",
            "TRUNCATE operation_log",
            "DELETE FROM provision",
            "UPDATE subject SET version = 1",
            "SET ROLE postgres",
            "SET SESSION AUTHORIZATION postgres",
            "SET session_replication_role = replica",
            "ALTER ROLE watari_partition BYPASSRLS",
            "COPY subject TO '/tmp/subject'",
            "COPY subject TO PROGRAM 'cat'",
            "CREATE EXTENSION dblink",
        ] {
            let refused = sql.try_run(attempt);
            assert!(refused.is_err(), "{attempt}");
        }
        // Asking for rows without policies is an error, not more rows.
        sql.run("SET row_security = off");
        assert!(sql.try_texts("SELECT municipality AS value FROM subject").is_err());
    });
}

#[test]
fn a_service_sees_nothing_through_another_services_door() {
    on_postgres(|world| {
        for (guest, home) in [
            (ServiceKind::Registry, ServiceKind::Partition),
            (ServiceKind::ProvisionLog, ServiceKind::Partition),
            (ServiceKind::Partition, ServiceKind::Registry),
            (ServiceKind::Partition, ServiceKind::ProvisionLog),
            (ServiceKind::Intake, ServiceKind::Partition),
            (ServiceKind::Intake, ServiceKind::Registry),
            (ServiceKind::Intake, ServiceKind::ProvisionLog),
            (ServiceKind::Partition, ServiceKind::Intake),
        ] {
            let Some(mut sql) = Sql::guest(world, guest, home) else { continue };
            for table in Sql::owner(world, home).tables() {
                let read = sql.try_texts(&format!("SELECT '1' AS value FROM {}", table.name));
                assert!(read.is_err(), "{guest} reads {} of {home}", table.name);
            }
        }
    });
}

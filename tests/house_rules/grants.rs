//! Each service's role may do what the service does, and nothing more.

use crate::house::expect_none;
use crate::schema::{POSTGRES, SQLITE, Schema, is_append_only, planted, schemas};

/// What the services may do at most.  The other rights of PostgreSQL are nobody's.
const RIGHTS: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];
const APPEND_ONLY_RIGHTS: [&str; 2] = ["SELECT", "INSERT"];

struct Grant {
    /// `UPDATE (host, url)` counts as `UPDATE`.
    rights: Vec<String>,
    tables: Vec<String>,
    to: String,
}

#[test]
fn nobody_is_granted_more_than_needed() {
    expect_none(&schemas(POSTGRES).iter().flat_map(excess).collect::<Vec<_>>());
}

/// SQLite has no roles: there the file's own triggers refuse.
#[test]
fn append_only_tables_refuse_change_on_sqlite_too() {
    expect_none(&schemas(SQLITE).iter().flat_map(unguarded).collect::<Vec<_>>());
}

fn excess(schema: &Schema) -> Vec<String> {
    let role = role_of(&schema.service);
    let mut found = Vec::new();
    for (path, text) in schema.statements().filter(|(_, text)| text.starts_with("GRANT")) {
        let mut refuse = |why: String| found.push(format!("{path}: `{text}`: {why}"));
        if text.starts_with("GRANT EXECUTE ON FUNCTION ") {
            if !text.ends_with(&format!(" TO {role}")) {
                refuse(format!("grant to {role} only"));
            }
            continue;
        }
        let Some(grant) = parse(&text) else {
            refuse("write GRANT rights ON tables TO role".to_owned());
            continue;
        };
        if grant.to != role {
            refuse(format!("grant to {role} only"));
        }
        for table in &grant.tables {
            let is_log = is_append_only(&schema.service, table);
            let allowed = if is_log { &APPEND_ONLY_RIGHTS[..] } else { &RIGHTS[..] };
            let more = grant.rights.iter().filter(|right| !allowed.contains(&right.as_str()));
            more.for_each(|right| refuse(format!("on {table}, {right} is not for a service")));
        }
    }
    found
}

/// A function that acts with its owner's rights is nobody's but the service's, and finds its own
/// names and no others.
#[test]
fn functions_with_the_owners_rights_are_closed() {
    expect_none(&schemas(POSTGRES).iter().flat_map(open_functions).collect::<Vec<_>>());
}

fn open_functions(schema: &Schema) -> Vec<String> {
    let statements: Vec<(&str, String)> = schema.statements().collect();
    let revoked = |name: &str| {
        let revoke = format!("REVOKE ALL ON FUNCTION {name}(");
        let mut all = statements.iter().map(|(_, text)| text);
        all.any(|text| text.starts_with(&revoke) && text.ends_with(" FROM PUBLIC"))
    };
    let mut found = Vec::new();
    for (path, text) in &statements {
        let Some(rest) = text.strip_prefix("CREATE FUNCTION ") else { continue };
        let name = rest.split('(').next().unwrap_or_default();
        let is_bound = text.contains(" SET search_path = pg_catalog, pg_temp AS ");
        if text.contains("SECURITY DEFINER") && !(is_bound && revoked(name)) {
            found.push(format!(
                "{path}: {name} needs a fixed search_path, and REVOKE … FROM PUBLIC"
            ));
        }
    }
    found
}

#[test]
fn a_planted_open_function_is_found() {
    let head = "CREATE FUNCTION f(a INTEGER) RETURNS VOID LANGUAGE plpgsql SECURITY DEFINER";
    let revoke = "REVOKE ALL ON FUNCTION f(INTEGER) FROM PUBLIC;\n";
    let bound = format!("{head} SET search_path = pg_catalog, pg_temp AS $$\nBEGIN\nEND\n$$;\n");
    assert!(open_functions(&planted(&format!("{bound}{revoke}"))).is_empty());
    assert_eq!(open_functions(&planted(&bound)).len(), 1);
    let loose = format!("{head} AS $$\nBEGIN\nEND\n$$;\n{revoke}");
    assert_eq!(open_functions(&planted(&loose)).len(), 1);
}

fn unguarded(schema: &Schema) -> Vec<String> {
    let statements: Vec<String> = schema.statements().map(|(_, text)| text).collect();
    let mut found = Vec::new();
    for table in schema.tables() {
        if !is_append_only(&schema.service, &table.name) {
            continue;
        }
        for act in ["UPDATE", "DELETE"] {
            let trigger = format!(" BEFORE {act} ON {} BEGIN SELECT RAISE(ABORT,", table.name);
            if !statements.iter().any(|text| text.contains(&trigger)) {
                let Schema { service, .. } = schema;
                found.push(format!("{service}: SQLite lacks `CREATE TRIGGER …{trigger} …`"));
            }
        }
    }
    found
}

fn role_of(service: &str) -> String {
    // Rooms are the partition's.
    let service = service.replace("shared/room", "partition");
    format!("watari_{}", service.trim_start_matches("services/").replace('-', "_"))
}

fn parse(text: &str) -> Option<Grant> {
    let (rights, rest) = text.strip_prefix("GRANT ")?.split_once(" ON ")?;
    let (tables, to) = rest.split_once(" TO ")?;
    let names = |list: &str| list.split(',').map(|name| name.trim().to_owned()).collect();
    let tables: Vec<String> = names(tables.trim_start_matches("TABLE "));
    let is_plain = tables.iter().all(|table| !table.contains(' ')) && !to.contains(' ');
    is_plain.then(|| Grant { rights: names(&without_columns(rights)), tables, to: to.to_owned() })
}

fn without_columns(rights: &str) -> String {
    let parts = rights.split('(').map(|part| part.split_once(')').map_or(part, |(_, rest)| rest));
    parts.collect()
}

#[test]
fn planted_grants_are_refused() {
    for grant in [
        "GRANT SELECT, INSERT ON subject, operation_log TO watari_partition;",
        "GRANT SELECT, UPDATE (state, answer_sealed) ON inquiry TO watari_partition;",
    ] {
        assert!(excess(&planted(grant)).is_empty(), "{grant}");
    }
    for grant in [
        "GRANT UPDATE ON operation_log TO watari_partition;",
        "GRANT SELECT, UPDATE (body), INSERT ON subject, operation_log TO watari_partition;",
        "GRANT DELETE ON provision TO watari_partition;",
        "GRANT TRUNCATE ON subject TO watari_partition;",
        "GRANT ALL ON subject TO watari_partition;",
        "GRANT ALL PRIVILEGES ON subject TO watari_partition;",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO watari_partition;",
        "GRANT SELECT ON subject TO PUBLIC;",
        "GRANT SELECT ON subject TO watari_broker;",
        "GRANT SELECT ON subject TO watari_partition WITH GRANT OPTION;",
        "GRANT watari_owner TO watari_partition;",
        "GRANT EXECUTE ON FUNCTION f(INTEGER) TO PUBLIC;",
    ] {
        assert_eq!(excess(&planted(grant)).len(), 1, "{grant}");
    }
}

#[test]
fn a_planted_log_without_triggers_is_found() {
    let log = "CREATE TABLE operation_log (\n    seq BIGINT\n);\n";
    let keeps = "CREATE TRIGGER keeps BEFORE UPDATE ON operation_log\n\
                 BEGIN SELECT RAISE(ABORT, 'append only'); END;\n";
    assert_eq!(unguarded(&planted(log)).len(), 2);
    assert_eq!(unguarded(&planted(&format!("{log}{keeps}"))).len(), 1);
}

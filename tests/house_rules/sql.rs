//! As much of SQL as our migrations use: statements, tables, columns and their comments.
//!
//! It reads the layout that the migrations have (a statement begins on its own line, a column has
//! its own line) and stops at any other, so that no table slips through unread.

/// A column as `CREATE TABLE` or `ADD COLUMN` wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// In capitals, `BYTEA` for instance.
    pub(crate) kind: String,
    /// What follows the type: `NOT NULL PRIMARY KEY`.
    pub(crate) rest: String,
    pub(crate) comment: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    /// `PRIMARY KEY (…)`, `CONSTRAINT … CHECK (…)` and the like.
    pub(crate) constraints: Vec<String>,
}

struct Line<'a> {
    code: &'a str,
    comment: &'a str,
}

struct Statement<'a> {
    /// On one line, without comments and the last semicolon.
    text: String,
    lines: Vec<Line<'a>>,
}

const CONSTRAINTS: [&str; 6] = ["CHECK", "CONSTRAINT", "EXCLUDE", "FOREIGN", "PRIMARY", "UNIQUE"];

/// The statements, each on one line, without comments and last semicolons.
pub(crate) fn statements(text: &str) -> Vec<String> {
    cut(text).into_iter().map(|statement| statement.text).collect()
}

/// The tables that stand after these migrations, run in this order.
pub(crate) fn tables<'a>(migrations: impl IntoIterator<Item = &'a str>) -> Vec<Table> {
    let mut tables = Vec::new();
    for statement in migrations.into_iter().flat_map(cut) {
        apply(&mut tables, &statement);
    }
    tables
}

fn apply(tables: &mut Vec<Table>, statement: &Statement<'_>) {
    let words: Vec<&str> = statement.text.split(' ').collect();
    match words.as_slice() {
        ["CREATE", "TABLE", name, "(", ..] => tables.push(table(name, statement)),
        ["DROP", "TABLE", name] => tables.retain(|table| table.name != *name),
        ["ALTER", "TABLE", old, "RENAME", "TO", new] => {
            find(tables, old).name = (*new).to_owned();
        }
        ["ALTER", "TABLE", name, "ADD", "COLUMN", definition @ ..] => {
            let notes: Vec<&str> = statement.lines.iter().map(|line| line.comment).collect();
            find(tables, name).columns.push(column(&definition.join(" "), &notes.join(" ")));
        }
        ["ALTER", "TABLE", name, "DROP", "COLUMN", gone] => {
            find(tables, name).columns.retain(|column| column.name != *gone);
        }
        ["CREATE" | "DROP", _, "TABLE", ..]
        | ["CREATE" | "DROP", "TABLE", ..]
        | ["ALTER", "TABLE", "IF" | "ONLY", ..]
        | ["ALTER", "TABLE", _, "RENAME", ..] => {
            panic!("the house rules cannot read `{}`: write it plainly", statement.text)
        }
        ["ALTER", "TABLE", _, "ADD" | "DROP", next, ..] if *next != "CONSTRAINT" => {
            panic!("the house rules cannot read `{}`: write it plainly", statement.text)
        }
        _ => {}
    }
}

fn find<'a>(tables: &'a mut [Table], name: &str) -> &'a mut Table {
    let table = tables.iter_mut().find(|table| table.name == name);
    assert!(table.is_some(), "a migration changes the table {name} before it makes it");
    table.unwrap()
}

fn table(name: &str, statement: &Statement<'_>) -> Table {
    let mut table = Table { name: name.to_owned(), columns: Vec::new(), constraints: Vec::new() };
    let (mut item, mut note) = (String::new(), String::new());
    let body = statement.lines.iter().skip_while(|line| line.code.is_empty()).skip(1);
    for line in body {
        let is_end = line.code.starts_with(')') && is_whole(&item);
        if !is_end {
            item = format!("{item} {}", line.code).trim().to_owned();
            note = format!("{note} {}", line.comment).trim().to_owned();
        }
        if !item.is_empty() && (is_end || is_whole(&item) && item.ends_with(',')) {
            keep(&mut table, item.trim_end_matches(','), &note);
            item.clear();
            note.clear();
        }
    }
    table
}

fn is_whole(item: &str) -> bool {
    item.matches('(').count() == item.matches(')').count()
}

fn keep(table: &mut Table, item: &str, note: &str) {
    if CONSTRAINTS.iter().any(|word| item.starts_with(word)) {
        table.constraints.push(item.to_owned());
    } else {
        table.columns.push(column(item, note));
    }
}

fn column(definition: &str, comment: &str) -> Column {
    let mut words = definition.splitn(3, ' ').map(str::to_owned);
    Column {
        name: words.next().unwrap_or_default(),
        kind: words.next().unwrap_or_default().to_uppercase(),
        rest: words.next().unwrap_or_default(),
        comment: comment.trim().to_owned(),
    }
}

/// Cuts after lines that end with a semicolon; a trigger ends with `END;`, a function with `$$;`.
fn cut(text: &str) -> Vec<Statement<'_>> {
    let mut statements = Vec::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        let (code, comment) = line.split_once("--").unwrap_or((line, ""));
        lines.push(Line { code: code.trim(), comment: comment.trim() });
        let text = one_line(&lines);
        let is_trigger = text.starts_with("CREATE TRIGGER");
        let is_function = text.starts_with("CREATE FUNCTION");
        let end = if is_function {
            "$$;"
        } else if is_trigger {
            "END;"
        } else {
            ";"
        };
        if text.ends_with(end) {
            let text = text.trim_end_matches(';').to_owned();
            let is_block = is_trigger || is_function;
            assert!(is_block || !text.contains(';'), "one statement a line, not `{text}`");
            statements.push(Statement { text, lines: std::mem::take(&mut lines) });
        }
    }
    let rest = one_line(&lines);
    assert!(rest.is_empty(), "a migration ends without a semicolon: `{rest}`");
    statements
}

fn one_line(lines: &[Line<'_>]) -> String {
    let words = lines.iter().flat_map(|line| line.code.split_whitespace());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "-- People (some).
CREATE TABLE person (
    id BYTEA NOT NULL PRIMARY KEY,   -- handle, random
    state TEXT NOT NULL CHECK (state IN ('new', 'old')),
    -- (encrypted) everything else
    sealed BYTEA,
    CONSTRAINT short CHECK (
        length(state) < 9
    )
);
CREATE TRIGGER person_stays BEFORE DELETE ON person
BEGIN SELECT RAISE(ABORT, 'stays'); END;
CREATE TABLE later (
    id BIGINT
);
";

    #[test]
    fn columns_constraints_and_comments_are_told_apart() {
        let tables = tables([FIRST]);
        let [person, later] = tables.as_slice() else { panic!("two tables") };
        let [id, state, sealed] = person.columns.as_slice() else { panic!("three columns") };
        assert_eq!((id.name.as_str(), id.kind.as_str()), ("id", "BYTEA"));
        assert_eq!(
            (id.rest.as_str(), id.comment.as_str()),
            ("NOT NULL PRIMARY KEY", "handle, random")
        );
        assert_eq!(state.rest, "NOT NULL CHECK (state IN ('new', 'old'))");
        assert_eq!(
            (sealed.rest.as_str(), sealed.comment.as_str()),
            ("", "(encrypted) everything else")
        );
        assert_eq!(person.constraints, ["CONSTRAINT short CHECK ( length(state) < 9 )"]);
        assert_eq!(later.name, "later");
    }

    #[test]
    fn later_migrations_change_earlier_tables() {
        let then = "ALTER TABLE person ADD COLUMN born BIGINT; -- a day\n\
                    ALTER TABLE person DROP COLUMN state;\n\
                    DROP TABLE later;\n\
                    ALTER TABLE person RENAME TO human;";
        let tables = tables([FIRST, then]);
        let [human] = tables.as_slice() else { panic!("one table") };
        let names: Vec<&str> = human.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!((human.name.as_str(), names), ("human", vec!["id", "sealed", "born"]));
        assert_eq!(human.columns.last().unwrap().comment, "a day");
    }

    #[test]
    fn a_trigger_is_one_statement() {
        assert_eq!(statements(FIRST).len(), 3);
    }

    #[test]
    fn a_function_is_one_statement() {
        let function = "CREATE FUNCTION f() RETURNS VOID AS $$\nBEGIN\n    a;\nEND\n$$;\n";
        assert_eq!(statements(&format!("{function}{FIRST}")).len(), 4);
    }

    #[test]
    #[should_panic(expected = "write it plainly")]
    fn what_it_cannot_read_it_does_not_pass_over() {
        tables(["CREATE UNLOGGED TABLE person (\n    id BIGINT\n);"]);
    }
}

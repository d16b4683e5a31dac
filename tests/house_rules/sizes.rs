//! Nothing is too long to be read in one go.

use crate::house::{File, expect_none, files_under, rooms, rust_files};

const FILE_LINES_MAX: usize = 400;
const ARCHITECTURE_LINES_MAX: usize = 300;
/// Lines of code: without tests, comments and empty lines.
const SERVICE_LINES_MAX: usize = 3_000;

#[test]
fn no_file_needs_a_map() {
    let sql = files_under("services").into_iter().filter(|file| file.path.ends_with(".sql"));
    let files: Vec<File> = rust_files().into_iter().chain(sql).collect();
    expect_none(&too_long(&files, FILE_LINES_MAX, "cut it along its nouns"));
}

#[test]
fn the_architecture_is_read_at_one_sitting() {
    let mut files = files_under("docs");
    files.retain(|file| file.path == "docs/ARCHITECTURE.md");
    expect_none(&too_long(&files, ARCHITECTURE_LINES_MAX, "say how it is, not how it came to be"));
}

#[test]
fn a_service_fits_one_head() {
    for service in rooms().iter().filter(|room| room.starts_with("services/")) {
        let mut files = files_under(&format!("{service}/src"));
        // Measuring is a room of its own: nobody needs it in mind to follow a record.
        files.retain(|file| !file.path.contains("/src/bench/"));
        let lines: usize = files.iter().map(lines_of_code).sum();
        assert!(
            lines <= SERVICE_LINES_MAX,
            "{service} has {lines} lines of code, more than {SERVICE_LINES_MAX}: \
             what is lost when it is lost?  Perhaps it is two services",
        );
    }
}

fn too_long(files: &[File], lines_max: usize, advice: &str) -> Vec<String> {
    let lines = files.iter().map(|file| (&file.path, file.text.lines().count()));
    let long = lines.filter(|(_, lines)| *lines > lines_max);
    long.map(|(path, lines)| format!("{path} has {lines} lines, more than {lines_max}; {advice}"))
        .collect()
}

/// Counted above the unit tests, which stand last; none in a file that is all tests.
fn lines_of_code(file: &File) -> usize {
    if file.path.ends_with("tests.rs") {
        return 0;
    }
    let end = file.text.find("\n#[cfg(test)]\nmod tests {").unwrap_or(file.text.len());
    let lines = file.text.get(..end).unwrap().lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

#[test]
fn a_long_file_is_found() {
    let file = |lines: usize| File { path: "a.rs".to_owned(), text: "x\n".repeat(lines) };
    assert!(too_long(&[file(400)], FILE_LINES_MAX, "").is_empty());
    assert_eq!(too_long(&[file(401)], FILE_LINES_MAX, "").len(), 1);
}

#[test]
fn only_code_counts() {
    let file = |path: &str| File {
        path: path.to_owned(),
        text: "//! Does.\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n}\n".to_owned(),
    };
    assert_eq!(lines_of_code(&file("a.rs")), 1);
    assert_eq!(lines_of_code(&file("a_tests.rs")), 0);
}

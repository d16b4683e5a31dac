//! `watari import` as a clerk types it and a supervisor approves it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use cast::Person;
use domain::{IndividualNumber, ServiceKind};
use watari::story::site::Passwords;
use wire::imports::{IMPORTS_LIST, Imports, ListImports, Stage};

use super::processes::Processes;
use crate::support::{Engine, RUNTIME};

const WATARI: &str = env!("CARGO_BIN_EXE_watari-tested");
const SECRET: &str = "ヒミツノナマエ";
const WAIT_MAX: Duration = Duration::from_secs(60);

/// What somebody at a terminal types.
struct Typed<'a> {
    processes: &'a Processes,
    folder: PathBuf,
}

impl Typed<'_> {
    /// The command of this person for this file.
    fn command(&self, person: &Person, file: &Path) -> Command {
        let passwords = Passwords::load(&self.processes.site().layout).unwrap();
        let password = self.folder.join(person.id.as_str());
        std::fs::write(&password, passwords.of(&person.id).unwrap()).unwrap();
        let mut command = Command::new(WATARI);
        command.arg("import").arg(file).args(["--as", person.terminal.as_str()]);
        command.args(["--operator", person.id.as_str()]).arg("--password-file").arg(password);
        command.arg("--config").arg(self.processes.config());
        command
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// What a command said on either stream, and its exit code.
fn said(output: &Output) -> (Option<i32>, String) {
    let text = [output.stdout.as_slice(), &output.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    assert!(!text.contains(SECRET), "{text}");
    (output.status.code(), text)
}

fn typed(command: &mut Command) -> (Option<i32>, String) {
    said(&command.output().unwrap())
}

/// The words after `--approve`.
fn preview(said: &str) -> String {
    let line = said.lines().find_map(|line| line.trim().strip_prefix("--approve "));
    line.unwrap_or_else(|| panic!("no preview: {said}")).to_owned()
}

fn persons(serials: std::ops::Range<u32>) -> String {
    let mut text = interchange::layout::SUBJECTS_1.header() + "\n";
    for serial in serials {
        let number = IndividualNumber::for_test(serial);
        let kana: String = serial.to_string().chars().filter_map(kana).collect();
        text.push_str(&format!(
            "{},C{serial},住民,{SECRET}{kana},1950-04-01,1,,\n",
            number.reveal()
        ));
    }
    text
}

fn kana(digit: char) -> Option<char> {
    let digit = usize::try_from(digit.to_digit(10)?).ok()?;
    "アイウエオカキクケコ".chars().nth(digit)
}

#[test]
fn on_sqlite_a_file_is_typed_in_and_approved() {
    RUNTIME.block_on(type_in(Engine::Sqlite));
}

#[test]
fn on_postgresql_a_file_is_typed_in_and_approved() {
    RUNTIME.block_on(type_in(Engine::Postgres));
}

async fn type_in(engine: Engine) {
    let mut processes = Processes::start(engine).await;
    let (adachi, koriyama) = (processes.cast.adachi.clone(), processes.cast.koriyama.clone());
    let folder = tempfile::tempdir().unwrap();
    let here = || folder.path().to_owned();
    let typist = Typed { processes: &processes, folder: here() };
    let wrong = persons(7_000_000..7_000_001).replace(",1950-", ",2950-");
    let file = typist
        .file("persons.csv", &(persons(7_000_000..7_000_040) + wrong.lines().last().unwrap()));

    // The clerk sends it, sees what it would change, and gets the problems as a table.
    let problems = folder.path().join("problems.csv");
    let mut command = typist.command(&adachi.clerk, &file);
    let (code, text) = typed(command.arg("--problems").arg(&problems));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("41 rows checked") && text.contains("40  new"), "{text}");
    let problems = std::fs::read_to_string(problems).unwrap();
    assert!(problems.contains("42,生年月日,future-date,"), "{problems}");
    let shown = preview(&text);
    // Typed once more, nothing is sent again: the same preview waits.
    let (_, again) = typed(&mut typist.command(&adachi.clerk, &file));
    assert_eq!(preview(&again), shown);
    assert!(!again.contains("file sent"), "{again}");

    // Not the clerk, not another preview, not another municipality.
    let approve = |person: &Person, preview: &str| {
        let mut command = typist.command(person, &file);
        command.args(["--approve", preview]);
        typed(&mut command)
    };
    for (person, preview, why) in [
        (&adachi.clerk, shown.as_str(), "Not allowed"),
        (&adachi.supervisor, &"0".repeat(64), "Have the file checked again"),
        (&koriyama.supervisor, &shown, "no checked file with these bytes waits for approval"),
    ] {
        let (code, text) = approve(person, preview);
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains(why), "{text}");
    }
    for _ in 0..2 {
        let (code, text) = approve(&adachi.supervisor, &shown);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains("Committed: subjects-1, 41 rows"), "{text}");
    }

    // Now all of it is as registered.
    let (_, text) = typed(typist.command(&adachi.clerk, &file).arg("--compare"));
    assert!(text.contains("40  as registered"), "{text}");
    refuse(&typist, &adachi.clerk);
    interrupt(&mut processes, here()).await;
    leave(&mut processes, here()).await;
}

/// What is no file of ours, and who has no certificate here.
fn refuse(typist: &Typed<'_>, clerk: &Person) {
    let other = typist.file("other.csv", "a,b\n1,2\n");
    let (code, text) = typed(&mut typist.command(clerk, &other));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("line 1: ") && text.contains("docs/FILES.md"), "{text}");
    let (code, text) = typed(&mut typist.command(clerk, Path::new("/no/such/file.csv")));
    assert!(code == Some(1) && text.contains("/no/such/file.csv"), "{text}");
    let mut stranger = Command::new(WATARI);
    stranger.arg("import").arg(&other).args(["--as", "no-such-terminal", "--config"]);
    let (code, text) = typed(stranger.arg(typist.processes.config()));
    assert!(code == Some(1) && text.contains("no-such-terminal"), "{text}");
    // A service's certificate is a certificate, but not of anybody who sends files.
    let mut service = Command::new(WATARI);
    service.arg("import").arg(&other).args(["--as", "broker", "--config"]);
    let (code, text) = typed(service.arg(typist.processes.config()));
    assert_eq!(code, Some(1), "{text}");
}

/// The command is killed while it sends; typed once more, it goes on.
async fn interrupt(processes: &mut Processes, folder: PathBuf) {
    let clerk = processes.cast.adachi.clerk.clone();
    let desk = processes.desk(&clerk).await;
    let typist = Typed { processes, folder };
    let file = typist.file("large.csv", &persons(7_100_000..7_130_000));
    let mut child: Child =
        typist.command(&clerk, &file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    let state = loop {
        let listed: Imports = desk.room(IMPORTS_LIST, &ListImports {}).await.unwrap();
        let newest = listed.imports.into_iter().next().unwrap();
        if newest.stage == Stage::Uploading && newest.next_part > Some(0) {
            break newest;
        }
        assert!(begun.elapsed() < WAIT_MAX, "nothing is sent: {newest:?}");
    };
    child.kill().unwrap();
    child.wait().unwrap();
    let (code, text) = typed(&mut typist.command(&clerk, &file));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("30000 rows checked"), "{text}");
    let listed: Imports = desk.room(IMPORTS_LIST, &ListImports {}).await.unwrap();
    let newest = listed.imports.first().unwrap();
    assert_eq!((newest.import, newest.stage), (state.import, Stage::Checked));
}

/// Nobody answers: the command says so, and where to look.
async fn leave(processes: &mut Processes, folder: PathBuf) {
    let clerk = processes.cast.adachi.clerk.clone();
    processes.kill(ServiceKind::Partition);
    let typist = Typed { processes, folder };
    let file = typist.file("late.csv", &persons(7_200_000..7_200_001));
    let (code, text) = typed(&mut typist.command(&clerk, &file));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("watari doctor"), "{text}");
}

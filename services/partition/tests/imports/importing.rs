//! Files into the register: sent in parts, checked, previewed, approved by a second person.

use domain::Role;
use domain::subject::Flags;
use uuid::Uuid;
use wire::CallError;
use wire::imports::{self as api, ApproveImport, ImportState, NameImport, Purpose, Stage};
use wire::records::{
    FindRecords, History, PersonRecords, RECORDS_FIND, RECORDS_HISTORY, ReadHistory, SourceKind,
};

use crate::files::{DOSES, SUBJECTS, VOUCHERS, dose, doses, subject, subjects, voucher};
use crate::world::{ADACHI, Desk, KORIYAMA, World, on_both, refusal, until};

impl Desk {
    /// Sends a file to its last part.
    pub(crate) async fn upload(
        &self,
        (import, purpose): (Uuid, Purpose),
        file: &[u8],
    ) -> Result<ImportState, CallError> {
        let open = crate::files::announce((import, purpose), file);
        let mut state: ImportState = self.post(api::IMPORTS, &open).await?;
        for (part, bytes) in (0..).zip(file.chunks(api::PART_BYTES)) {
            let bytes = wire::Base64Bytes(bytes.to_vec());
            let part = api::SendPart { import, part, bytes };
            state = self.post(api::IMPORTS_PARTS, &part).await?;
        }
        Ok(state)
    }

    pub(crate) async fn import_state(&self, import: Uuid) -> ImportState {
        self.post(api::IMPORTS_READ, &NameImport { import }).await.unwrap()
    }

    /// Has a file checked that is here, and waits for the end.
    pub(crate) async fn check(&self, import: Uuid) -> ImportState {
        let _: ImportState = self.post(api::IMPORTS_CHECK, &NameImport { import }).await.unwrap();
        until("checked", async || self.import_state(import).await.stage != Stage::Checking).await;
        self.import_state(import).await
    }

    /// Sends a file and has it checked.
    pub(crate) async fn prepare(&self, purpose: Purpose, file: &[u8]) -> ImportState {
        let import = Uuid::new_v4();
        self.upload((import, purpose), file).await.unwrap();
        self.check(import).await
    }

    pub(crate) async fn approve(&self, state: &ImportState) -> Result<ImportState, CallError> {
        let preview = state.preview.clone().unwrap();
        self.post(api::IMPORTS_APPROVE, &ApproveImport { import: state.import, preview }).await
    }

    pub(crate) async fn problems(&self, import: Uuid) -> String {
        let read = api::ReadProblems { import, from: 0, limit: 1_000 };
        self.post::<api::Problems>(api::IMPORTS_PROBLEMS, &read).await.unwrap().csv
    }
}

/// A clerk's file, approved by a supervisor.
pub(crate) async fn import(world: &World, file: &str) -> ImportState {
    let clerk = world.desk(ADACHI, Role::Clerk);
    let state = clerk.prepare(Purpose::Register, file.as_bytes()).await;
    assert_eq!(state.stage, Stage::Checked, "{state:?}");
    let supervisor = world.desk_of(ADACHI, Role::Supervisor, "person-2");
    supervisor.approve(&state).await.unwrap()
}

pub(crate) fn counts(state: &ImportState) -> [u64; 5] {
    let api::Counts { new, unchanged, changed, doubtful, rejected, .. } = state.counts;
    [new, unchanged, changed, doubtful, rejected]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_in_the_register_only_after_a_second_person_approved_it() {
    on_both(async |world| {
        let clerk = world.desk(ADACHI, Role::Clerk);
        let state = clerk.prepare(Purpose::Register, subjects(0..3).as_bytes()).await;
        assert_eq!((state.stage, counts(&state)), (Stage::Checked, [3, 0, 0, 0, 0]));
        assert_eq!(state.layout.as_deref(), Some("subjects-1"));
        for table in ["subject", "subject_number", "subject_address", "subject_likeness"] {
            assert_eq!(world.count(table).await, 0, "{table}");
        }
        // Nobody approves what the same hands prepared, whatever their role.
        let same = world.desk(ADACHI, Role::Supervisor);
        assert_eq!(refusal(same.approve(&state).await), (403, "second-person".to_owned()));
        let other = world.desk_of(ADACHI, Role::Clerk, "person-2");
        assert_eq!(refusal(other.approve(&state).await).0, 403);
        let elsewhere = world.desk_of(KORIYAMA, Role::Supervisor, "person-2");
        assert_eq!(refusal(elsewhere.approve(&state).await), (404, "not-found".to_owned()));
        let system = world.system(ADACHI);
        let approval =
            ApproveImport { import: state.import, preview: state.preview.clone().unwrap() };
        let request = domain::RequestId::make_random();
        let answer =
            system.post::<ImportState>(api::IMPORTS_APPROVE, &request, None, &approval).await;
        assert_eq!(refusal(answer).0, 403);
        assert_eq!(world.count("subject").await, 0);

        let supervisor = world.desk_of(ADACHI, Role::Supervisor, "person-2");
        let done = supervisor.approve(&state).await.unwrap();
        assert_eq!(done.stage, Stage::Committed);
        assert_eq!(
            (done.uploaded_by.as_str(), done.checked_by.as_deref(), done.decided_by.as_deref()),
            ("person-1", Some("person-1"), Some("person-2"))
        );
        assert!(done.erased_at_unix_ms.is_some());
        for table in ["subject", "subject_number", "subject_address", "subject_likeness"] {
            assert_eq!(world.count(table).await, 3, "{table}");
        }
        for table in ["import_part", "import_subject", "import_finding"] {
            assert_eq!(world.count(table).await, 0, "{table}");
        }
        // The answer may have been lost: the same approval again is the same.
        assert_eq!(supervisor.approve(&state).await.unwrap().stage, Stage::Committed);
        assert_eq!(world.count("subject").await, 3);
        let acts = world.acts(ADACHI, "ApproveImport").await;
        assert!(
            acts.contains(&"registered".to_owned()) && acts.contains(&"file erased".to_owned())
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doses_and_vouchers_follow_their_persons_and_the_same_file_twice_changes_nothing() {
    on_both(async |world| {
        let files = [
            subjects(0..4),
            format!("{VOUCHERS}\n{}{}", voucher(0, 1), voucher(1, 1)),
            doses(0..4),
        ];
        for file in &files {
            let state = import(&world, file).await;
            assert_eq!(counts(&state)[1..], [0, 0, 0, 0], "{state:?}");
        }
        assert_eq!(world.count("vaccination").await, 8);
        assert_eq!(world.count("voucher").await, 2);
        for file in &files {
            let state = import(&world, file).await;
            let rows = state.counts.unchanged;
            assert_eq!(counts(&state), [0, rows, 0, 0, 0], "{state:?}");
        }
        assert_eq!(world.count("subject").await, 4);
        assert_eq!(world.count("vaccination").await, 8);
        assert_eq!(world.count("voucher").await, 2);

        // A dose that was imported is provided like any other.
        world.desk(KORIYAMA, Role::Clerk).register(0).await;
        let answer = world.ask(&crate::world::question(0)).await.unwrap();
        assert_eq!(answer.vaccinations.len(), 2);
        assert_eq!(answer.vaccinations[0].lot, "EX0001");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_content_in_another_order_converges() {
    on_both(async |world| {
        let reversed = |file: &str| {
            let mut lines: Vec<_> = file.lines().collect();
            lines[1..].reverse();
            lines.join("\r\n")
        };
        import(&world, &reversed(&subjects(0..5))).await;
        import(&world, &reversed(&doses(0..5))).await;
        for file in [subjects(0..5), doses(0..5)] {
            let state = import(&world, &file).await;
            assert_eq!(counts(&state), [0, state.counts.rows, 0, 0, 0]);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_that_differs_becomes_a_new_version_and_flags_stay() {
    on_both(async |world| {
        import(&world, &subjects(0..2)).await;
        let supervisor = world.desk_of(ADACHI, Role::Supervisor, "person-2");
        let id = world.person(ADACHI, 0).await;
        supervisor.withhold(id).await;

        let moved = subject(0).replace("ジュウミン", "ジュウミンニ").replace(",,", ",2024-03-31,");
        let file = format!("{SUBJECTS}\n{moved}{}", subject(1));
        let state = import(&world, &file).await;
        assert_eq!(counts(&state), [0, 1, 1, 0, 0]);
        let columns = ["氏名カナ", "転出日"].map(str::to_owned).to_vec();
        assert_eq!(state.differences, [api::Difference { line: 2, columns }]);

        let asked = ReadHistory { subject: id, vaccination: None };
        let history: History = supervisor.post(RECORDS_HISTORY, &asked).await.unwrap();
        let newest = history.subject.last().unwrap();
        assert_eq!(history.subject.len(), 3);
        let flags = Flags {
            withheld: true,
            moved_out_on: Some(time::macros::date!(2024 - 03 - 31)),
            ..Flags::default()
        };
        assert_eq!(newest.flags, flags);
        let source = newest.source.as_ref().unwrap();
        assert_eq!(
            (source.kind, source.from, source.line),
            (SourceKind::Imported, Some(state.import), Some(2))
        );

        // An empty day says nothing: the former file takes no day away.
        let state = import(&world, &format!("{SUBJECTS}\n{}", subject(0))).await;
        assert_eq!(state.differences[0].columns, ["氏名カナ"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_other_persons_come_back_and_the_rest_goes_on() {
    on_both(async |world| {
        import(&world, &subjects(0..3)).await;
        let number_of_0 = subject(0).replace(",A0000,", ",A9000,");
        let address_of_1 = subject(9).replace(",A0009,", ",A0001,");
        let somebody = subject(2).replace("住民", "別人").replace("1980-", "1950-");
        let file = format!("{SUBJECTS}\n{number_of_0}{address_of_1}{somebody}{}", subject(4));
        let clerk = world.desk(ADACHI, Role::Clerk);
        let state = clerk.prepare(Purpose::Register, file.as_bytes()).await;
        assert_eq!(counts(&state), [1, 0, 0, 0, 3], "{state:?}");
        let csv = clerk.problems(state.import).await;
        for (line, code) in [(2, "number-known"), (3, "address-known"), (4, "other-person")] {
            assert!(csv.contains(&format!("\n{line},")) && csv.contains(code), "{csv}");
        }
        let unknown = format!("{DOSES}\n{}{}", dose(4, 1), dose(0, 1));
        let state = clerk.prepare(Purpose::Register, unknown.as_bytes()).await;
        assert_eq!(counts(&state), [1, 0, 0, 0, 1]);
        assert!(clerk.problems(state.import).await.contains("2,,person-unknown,"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dose_that_differs_is_never_overwritten_but_waits_for_people() {
    on_both(async |world| {
        import(&world, &subjects(0..2)).await;
        import(&world, &doses(0..2)).await;
        let file = doses(0..2).replacen("EX0001", "EX0009", 1);
        let clerk = world.desk(ADACHI, Role::Clerk);
        let state = clerk.prepare(Purpose::Register, file.as_bytes()).await;
        assert_eq!(counts(&state), [0, 3, 0, 1, 0]);
        assert_eq!(state.differences[0].columns, ["ロット番号"]);
        assert_eq!(world.states().await, ["staged"]);
        let supervisor = world.desk_of(ADACHI, Role::Supervisor, "person-2");
        supervisor.approve(&state).await.unwrap();
        assert_eq!(world.states().await, ["open"]);
        assert_eq!(world.count("vaccination").await, 4);
        // The same again is not asked about twice.
        import(&world, &file).await;
        assert_eq!(world.states().await, ["open"]);
        // Thrown away, nothing of it stays.
        let other = doses(0..2).replacen("EX0001", "EX0007", 1);
        let state = clerk.prepare(Purpose::Register, other.as_bytes()).await;
        let named = NameImport { import: state.import };
        let gone: ImportState = supervisor.post(api::IMPORTS_DISCARD, &named).await.unwrap();
        assert_eq!(gone.stage, Stage::Discarded);
        assert_eq!(world.states().await, ["open"]);
        assert_eq!(world.count("import_part").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_preview_is_refused_and_a_new_check_tells_what_is_true_now() {
    on_both(async |world| {
        let clerk = world.desk(ADACHI, Role::Clerk);
        let supervisor = world.desk_of(ADACHI, Role::Supervisor, "person-2");
        let first = clerk.prepare(Purpose::Register, subjects(0..3).as_bytes()).await;
        let second = clerk.prepare(Purpose::Register, subjects(2..5).as_bytes()).await;
        let forged = ImportState { preview: Some("0".repeat(64)), ..first.clone() };
        let refused = supervisor.approve(&forged).await;
        assert_eq!(refusal(refused), (409, "preview-outdated".to_owned()));
        supervisor.approve(&first).await.unwrap();
        let refused = supervisor.approve(&second).await;
        assert_eq!(refusal(refused), (409, "preview-outdated".to_owned()));
        assert_eq!(world.count("subject").await, 3);
        assert_eq!(clerk.import_state(second.import).await.stage, Stage::Uploaded);
        let anew = clerk.check(second.import).await;
        assert_eq!(counts(&anew), [2, 1, 0, 0, 0]);
        assert_ne!(anew.preview, second.preview);
        supervisor.approve(&anew).await.unwrap();
        assert_eq!(world.count("subject").await, 5);
    })
    .await;
}

impl World {
    /// The handle of a person that a file has brought.
    pub(crate) async fn person(&self, municipality: &str, serial: u32) -> Uuid {
        let desk = self.desk_of(municipality, Role::Supervisor, "person-2");
        let address_number = Some(crate::files::address(serial));
        let find = FindRecords { address_number, ..FindRecords::default() };
        let records: PersonRecords = desk.post(RECORDS_FIND, &find).await.unwrap();
        records.subject.subject
    }

    /// Whether these words lie in the database in the clear: in its files, or in its rows.
    pub(crate) async fn holds(&self, words: &str) -> bool {
        if self.test.is_sqlite() {
            let sql = "SELECT file AS text FROM pragma_database_list WHERE name = 'main'";
            let file = self.text(sql).await;
            let all =
                [file.clone(), format!("{file}-wal")].map(|file| std::fs::read(file).unwrap());
            let all = all.concat();
            return all.windows(words.len()).any(|bytes| bytes == words.as_bytes());
        }
        let hex: String = words.bytes().map(|byte| format!("{byte:02x}")).collect();
        let sql =
            "SELECT string_agg(tablename, ' ') AS text FROM pg_tables WHERE schemaname = 'public'";
        for table in self.text(sql).await.split(' ') {
            let rows =
                format!("{table} t WHERE t::text LIKE '%{words}%' OR t::text LIKE '%{hex}%'");
            if self.count(&rows).await > 0 {
                return true;
            }
        }
        false
    }

    /// How the doubtful rows stand.
    pub(crate) async fn states(&self) -> Vec<String> {
        let sql = "SELECT COALESCE(MIN(state), '') AS text FROM quarantine";
        let state = self.text(sql).await;
        if state.is_empty() { Vec::new() } else { vec![state] }
    }
}

//! Files that are no files of ours, and parts that get lost.

use domain::Role;
use uuid::Uuid;
use wire::imports::{self as api, ImportState, NameImport, Purpose, Stage};

use crate::files::{self, DOSES, SUBJECTS, VOUCHERS, doses, subject, subjects, voucher};
use crate::world::{ADACHI, World, on_both, refusal};

/// A file of which nothing is used: why, and the line it says.
async fn refused(world: &World, file: &[u8]) -> (String, Option<u64>) {
    let clerk = world.desk(ADACHI, Role::Clerk);
    let state = clerk.prepare(Purpose::Register, file).await;
    assert_eq!((state.stage, &state.preview), (Stage::Refused, &None), "{state:?}");
    for table in ["import_subject", "import_voucher", "import_vaccination", "quarantine"] {
        assert_eq!(world.count(table).await, 0, "{table}");
    }
    let problem = state.problem.unwrap();
    (problem.code, problem.line)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_refused_with_its_line_and_nothing_of_it_is_used() {
    on_both(async |world| {
        let good = subjects(0..3);
        let damaged = |line: u64| ("damaged-file".to_owned(), Some(line));
        let cases: Vec<(&str, Vec<u8>, u64)> = vec![
            ("broken quotes", good.replace("住民 1", "\"住民 1").into_bytes(), 3),
            ("a zero byte", good.replace("住民 2", "住\0民").into_bytes(), 4),
            ("cut off", good.as_bytes()[..good.len() - 9].to_vec(), 4),
            ("columns without end", [good.as_bytes(), &b",".repeat(1_000_000)].concat(), 5),
            ("a line without end", [good.as_bytes(), &b"x".repeat(3_000_000)].concat(), 5),
            ("two encodings", [good.as_bytes(), b"\x8f\x5a\x96\xaf,\n"].concat(), 5),
        ];
        for (what, file, line) in cases {
            assert_eq!(refused(&world, &file).await, damaged(line), "{what}");
        }
        let other = voucher(1, 1).replace("131211", "072036");
        let file = format!("{VOUCHERS}\n{}{other}", voucher(0, 1));
        assert_eq!(refused(&world, file.as_bytes()).await, damaged(3), "two municipalities");
        let header = ("unknown-layout".to_owned(), Some(1));
        assert_eq!(refused(&world, b"\x00\xff\xfe").await, header);
        assert_eq!(refused(&world, subject(0).as_bytes()).await, header);
        assert_eq!(world.count("subject").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_cannot_be_used_come_back_by_line_and_column_without_their_cells() {
    on_both(async |world| {
        let clerk = world.desk(ADACHI, Role::Clerk);
        let formula = subject(1).replace("住民 1", "=住民秘密");
        let future = subject(2).replace("1980-", "2980-");
        let file = format!("{SUBJECTS}\n{formula}{future}{}{}", subject(3), subject(3));
        let state = clerk.prepare(Purpose::Register, file.as_bytes()).await;
        assert_eq!((state.stage, state.counts.new, state.counts.rejected), (Stage::Checked, 1, 3));
        let csv = clerk.problems(state.import).await;
        for line in ["2,氏名,formula,", "3,生年月日,future-date,", "5,個人番号,duplicate,"]
        {
            assert!(csv.contains(line), "{csv}");
        }
        assert!(!csv.contains("秘密") && !csv.contains("9999") && !csv.contains("2980"), "{csv}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_where_it_stopped_and_takes_no_other_bytes() {
    on_both(async |world| {
        let clerk = world.desk(ADACHI, Role::Clerk);
        let file = subjects(0..9_000);
        let import = Uuid::new_v4();
        let open = files::announce((import, Purpose::Register), file.as_bytes());
        assert!(open.total_bytes > 2 * u64::try_from(api::PART_BYTES).unwrap());
        let state: ImportState = clerk.post(api::IMPORTS, &open).await.unwrap();
        assert_eq!((state.stage, state.next_part), (Stage::Uploading, Some(0)));
        let parts: Vec<_> = file.as_bytes().chunks(api::PART_BYTES).collect();
        let part = |part: usize, bytes: &[u8]| api::SendPart {
            import,
            part: u32::try_from(part).unwrap(),
            bytes: wire::Base64Bytes(bytes.to_vec()),
        };
        let send = async |part| clerk.post::<ImportState>(api::IMPORTS_PARTS, &part).await;
        assert_eq!(refusal(send(part(1, parts[1])).await).1, "part-out-of-order");
        assert_eq!(refusal(send(part(0, &parts[0][1..])).await).1, "part-out-of-order");
        send(part(0, parts[0])).await.unwrap();
        assert_eq!(send(part(0, parts[0])).await.unwrap().next_part, Some(1));
        let named = NameImport { import };
        let checked = clerk.post::<ImportState>(api::IMPORTS_CHECK, &named).await;
        assert_eq!(refusal(checked), (409, "wrong-stage".to_owned()));
        let other = world.desk_of(ADACHI, Role::Clerk, "person-2");
        let foreign = other.post::<ImportState>(api::IMPORTS_PARTS, &part(1, parts[1])).await;
        assert_eq!(refusal(foreign), (403, "not-the-uploader".to_owned()));
        // The same announcement again tells where to go on; another file under the id is refused.
        let state: ImportState = clerk.post(api::IMPORTS, &open).await.unwrap();
        assert_eq!(state.next_part, Some(1));
        let changed = api::OpenImport { total_bytes: open.total_bytes + 1, ..open };
        let reused = clerk.post::<ImportState>(api::IMPORTS, &changed).await;
        assert_eq!(refusal(reused), (422, "import-reused".to_owned()));
        for (at, bytes) in parts.iter().enumerate().skip(1) {
            send(part(at, bytes)).await.unwrap();
        }
        assert_eq!(clerk.import_state(import).await.stage, Stage::Uploaded);

        let wrong = Uuid::new_v4();
        let mut open = files::announce((wrong, Purpose::Register), file.as_bytes());
        open.sha256 = "0".repeat(64);
        let _: ImportState = clerk.post(api::IMPORTS, &open).await.unwrap();
        for (at, bytes) in parts.iter().enumerate() {
            let part = api::SendPart { import: wrong, ..part(at, bytes) };
            let _: ImportState = clerk.post(api::IMPORTS_PARTS, &part).await.unwrap();
        }
        let state = clerk.import_state(wrong).await;
        assert_eq!(
            (state.stage, state.problem.unwrap().code.as_str()),
            (Stage::Refused, "digest-differs")
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_have_limits_of_size_and_number() {
    on_both(async |world| {
        let clerk = world.desk(ADACHI, Role::Clerk);
        let open = || files::announce((Uuid::new_v4(), Purpose::Register), b"x");
        let large = api::OpenImport { total_bytes: api::FILE_BYTES_MAX + 1, ..open() };
        let refused = clerk.post::<ImportState>(api::IMPORTS, &large).await;
        assert_eq!(refusal(refused), (413, "file-too-large".to_owned()));
        for _ in 0..api::OPEN_IMPORTS_MAX {
            let _: ImportState = clerk.post(api::IMPORTS, &open()).await.unwrap();
        }
        let refused = clerk.post::<ImportState>(api::IMPORTS, &open()).await;
        assert_eq!(refusal(refused), (429, "too-many-imports".to_owned()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_file_says_lies_nowhere_in_the_clear() {
    on_both(async |world| {
        let clerk = world.desk(ADACHI, Role::Clerk);
        let supervisor = world.desk_of(ADACHI, Role::Supervisor, "person-2");
        let secret = "ヒミツノナマエ";
        for file in [subjects(0..50).replace("ジュウミン", secret), doses(0..50)] {
            let state = clerk.prepare(Purpose::Register, file.as_bytes()).await;
            assert_eq!(state.stage, Stage::Checked);
            assert!(!world.holds(secret).await && !world.holds("EX0001").await);
            supervisor.approve(&state).await.unwrap();
            assert!(!world.holds(secret).await && !world.holds("EX0001").await);
        }
        assert_eq!(world.count("vaccination").await, 100);
        // The search finds what lies there in the clear.
        assert!(world.holds("subjects-1").await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_is_not_the_one_expected_is_refused() {
    on_both(async |world| {
        let clerk = world.desk(ADACHI, Role::Clerk);
        let (import, file) = (Uuid::new_v4(), format!("{DOSES}\n"));
        let mut open = files::announce((import, Purpose::Register), file.as_bytes());
        open.layout = Some("subjects-1".to_owned());
        let _: ImportState = clerk.post(api::IMPORTS, &open).await.unwrap();
        let bytes = wire::Base64Bytes(file.into_bytes());
        let part = api::SendPart { import, part: 0, bytes };
        let _: ImportState = clerk.post(api::IMPORTS_PARTS, &part).await.unwrap();
        assert_eq!(clerk.check(import).await.problem.unwrap().code, "unknown-layout");
    })
    .await;
}

//! What is registered about the resident, or waits to be.

use std::collections::BTreeMap;

use domain::vaccination::{Standing, Status};
use uuid::Uuid;
use wire::exports::{
    DisclosedDoubt, DisclosedVoucher, DoubtState, FlagChange, FullDisclosure, WaitingRows,
};
use wire::quarantine::Given;
use wire::records::{DoseVersion, RecordSource, SubjectVersion};

use super::Section;
use super::words::{day, flags as flag_words, origin, sex, shortly, source, town, vaccine};
use crate::html::{Cell, Row};
use crate::wareki;

pub(super) fn doses(doses: &[DoseVersion]) -> Section {
    let mut by_dose: BTreeMap<Uuid, Vec<&DoseVersion>> = BTreeMap::new();
    for one in doses {
        by_dose.entry(one.vaccination).or_default().push(one);
    }
    let mut all: Vec<Vec<&DoseVersion>> = by_dose.into_values().collect();
    for versions in &mut all {
        versions.sort_by_key(|one| std::cmp::Reverse(one.version));
    }
    all.sort_by_key(|versions| {
        versions.first().map(|one| (one.dose.dose_number, one.dose.date, one.vaccination))
    });
    let rows = all.iter().flat_map(|versions| {
        // The version that came after each, newest first.
        let after = std::iter::once(None).chain(versions.iter().map(|one| Some(one.standing)));
        versions.iter().zip(after).map(|(one, after)| dose(one, after))
    });
    Section {
        title: "接種の記録",
        note: "訂正や取消しがあった接種は、前の内容も残して載せています（灰色の行）。",
        columns: &["回", "接種日", "ワクチン", "会場", "登録の経緯"],
        rows: rows.collect(),
    }
}

fn dose(one: &DoseVersion, after: Option<Standing>) -> Row {
    let is_withdrawn = one.standing == Standing::Withdrawn;
    let mark = match after {
        None if is_withdrawn => "取消し済み",
        None => "現在の記録",
        Some(Standing::Withdrawn) => "取消し前",
        Some(Standing::InForce) => "訂正前",
    };
    let nth = Cell::new(format!("{}回目", one.dose.dose_number)).mark(mark);
    let given = match one.dose.status {
        Status::Done => "",
        Status::NotDone => "接種していません",
    };
    let venue = Cell::new(one.dose.venue.as_deref().unwrap_or("記録なし"));
    let source = source(&one.source, if is_withdrawn { "取消し" } else { "訂正" });
    Row {
        cells: vec![nth, day(one.dose.date).line(given), vaccine(&one.dose), venue, source],
        is_faint: after.is_some() || is_withdrawn,
    }
}

pub(super) fn entry(versions: &[SubjectVersion]) -> Section {
    let newest = versions.last().map(|one| one.version);
    let row = |one: &SubjectVersion| {
        let is_newest = Some(one.version) == newest;
        let mark = if is_newest { "現在の登録" } else { "変更前" };
        Row { is_faint: !is_newest, ..person(one, Some(mark)) }
    };
    Section {
        title: "あなたの登録内容",
        note: "",
        columns: &["氏名", "生年月日・性別", "宛名番号", "登録の経緯"],
        rows: versions.iter().rev().map(row).collect(),
    }
}

fn person(one: &SubjectVersion, mark: Option<&'static str>) -> Row {
    let name = Cell::new(one.name.as_str()).line(one.name_kana.as_str());
    Row::new(vec![
        mark.into_iter().fold(name, Cell::mark),
        day(one.birth_date).line(sex(one.sex)),
        Cell::new(one.address_number.as_str()),
        came(one.source.as_ref()),
    ])
}

fn came(from: Option<&RecordSource>) -> Cell {
    from.map_or_else(|| Cell::new("記録なし"), |from| source(from, "変更"))
}

pub(super) fn flags(changes: &[FlagChange]) -> Section {
    let newest = changes.last().map(|one| one.version);
    let row = |change: &FlagChange| {
        let is_newest = Some(change.version) == newest;
        let words = flag_words(&change.flags);
        let words = words.mark(if is_newest { "現在の設定" } else { "変更前" });
        let source = came(change.source.as_ref());
        Row { cells: vec![words, source], is_faint: !is_newest }
    };
    Section {
        title: "転出などの届出と、取扱いの設定",
        note: "",
        columns: &["設定", "登録の経緯"],
        rows: changes.iter().rev().map(row).collect(),
    }
}

pub(super) fn vouchers(vouchers: &[DisclosedVoucher]) -> Section {
    let row = |one: &DisclosedVoucher| {
        Row::new(vec![
            Cell::new(one.number.as_str()),
            Cell::new(format!("{}回目", one.dose_number)),
            day(one.issued_on),
            source(&one.source, "訂正"),
        ])
    };
    Section {
        title: "接種券",
        note: "",
        columns: &["接種券番号", "回", "発行日", "登録の経緯"],
        rows: vouchers.iter().map(row).collect(),
    }
}

pub(super) fn doubtful(doubtful: &[DisclosedDoubt]) -> Section {
    let row = |one: &DisclosedDoubt| {
        let mark = match one.state {
            DoubtState::Staged => "ファイルの承認前",
            DoubtState::Open => "確認中",
            DoubtState::Decided => "確認済み",
        };
        let mut doubts = one.doubts.iter().map(|doubt| doubt.text.clone());
        let why = Cell::new(doubts.next().unwrap_or_default()).lines(doubts);
        let decided = one.decided_at_unix_ms.map(|at| format!("確認 {}", wareki::moment(at)));
        let came = Cell::new(origin(one.origin, one.line))
            .line(wareki::moment(one.created_at_unix_ms))
            .lines(decided)
            .line(one.decision.as_deref().map_or("", decision));
        Row::new(vec![given(&one.given).mark(mark), why, came])
    };
    Section {
        title: "職員が確認している記録",
        note: "内容に疑いがあるため、そのままは登録せずに、職員が確認する記録です。",
        columns: &["届いた内容", "確認の理由", "経緯"],
        rows: doubtful.iter().map(row).collect(),
    }
}

fn decision(word: &str) -> &'static str {
    match word {
        "takeAsIs" => "届いたとおり登録しました",
        "takeLikely" => "正しいと思われる内容で登録しました",
        "takeCorrected" => "訂正して登録しました",
        "drop" => "登録しませんでした",
        _ => "",
    }
}

fn given(given: &Given) -> Cell {
    match given {
        Given::Dose { dose, voucher } => Cell::new(shortly(dose)).lines(
            voucher.as_ref().map(|v| format!("接種券 {}（{}）", v.number, town(v.municipality))),
        ),
        Given::Person(person) => Cell::new(person.name.as_str())
            .line(person.name_kana.as_str())
            .line(format!("{} {}", wareki::day(person.birth_date), sex(person.sex)))
            .line(format!("宛名番号 {}", person.address_number)),
    }
}

pub(super) fn waiting(waiting: &[WaitingRows]) -> Section {
    let file = |file: &WaitingRows| {
        let came = Cell::new("承認待ちのファイル").line(wareki::moment(file.uploaded_at_unix_ms));
        let entries = file.entry.iter().map(|one| {
            Cell::new("登録内容")
                .line(format!("{} {}", one.name, one.name_kana))
                .line(format!("{} {}", wareki::day(one.birth_date), sex(one.sex)))
                .line(format!("宛名番号 {}", one.address_number))
        });
        let doses = file.doses.iter().map(|one| Cell::new("接種").line(shortly(&one.dose)));
        let vouchers = file.vouchers.iter().map(|one| {
            let issued = wareki::day(one.issued_on);
            let line = format!("{} {}回目 {issued}発行", one.number, one.dose_number);
            Cell::new("接種券").line(line)
        });
        let cells: Vec<Cell> = entries.chain(doses).chain(vouchers).collect();
        cells.into_iter().map(move |cell| Row::new(vec![cell, came.clone()]))
    };
    Section {
        title: "承認を待っている記録",
        note: "市区町村のファイルにあり、承認されると登録される内容です。まだ登録されていません。",
        columns: &["内容", "経緯"],
        rows: waiting.iter().flat_map(file).collect(),
    }
}

pub(super) fn findings(disclosure: &FullDisclosure) -> Section {
    let row = |finding: &wire::exports::FileFinding| {
        let dose = disclosure.doses.iter().rev().find(|one| one.vaccination == finding.about);
        let about = dose.map_or("登録内容".to_owned(), |one| shortly(&one.dose));
        Row::new(vec![Cell::new(about), Cell::new(finding.text.as_str())])
    };
    Section {
        title: "台帳と照らし合わせた結果",
        note: "市区町村の台帳のファイルと照らし合わせたときに、違いがあったものです。",
        columns: &["記録", "結果"],
        rows: disclosure.findings.iter().map(row).collect(),
    }
}

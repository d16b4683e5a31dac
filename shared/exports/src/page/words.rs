//! Words of the office in the words of residents.

use domain::MunicipalityCode;
use domain::law::legal_basis;
use domain::municipalities::{ended_municipality, municipality};
use domain::subject::{Flags, Sex};
use domain::vaccination::{Status, Vaccination};
use room::letter::Correction;
use wire::quarantine::QuarantineOrigin;
use wire::records::{RecordSource, SourceKind};

use crate::html::Cell;
use crate::wareki;

/// What a resident may not know.
pub(super) static EXPLAINED: [(&str, &str); 6] = [
    (
        "宛名番号",
        "市区町村が住民の方を管理するために付けている番号です。個人番号とは別のものです。",
    ),
    ("接種券番号", "接種券に印刷されている番号です。"),
    (
        "照会・提供",
        "転入などのときに、市区町村の間で接種の記録を問い合わせ、回答することです。法令で認められた事務のためだけに行われます。",
    ),
    (
        "提供記録の番号",
        "記録の提供を、後から書き換えられない形で残している台帳の番号です。提供の事実は、この番号で確かめられます。",
    ),
    (
        "自動で回答しない設定",
        "ご本人を守るために、他の市区町村から照会があっても、職員が確認するまで回答しない設定です。",
    ),
    ("利用停止", "記録をその後の事務に使わないようにする設定です。"),
];

/// `福島県郡山市`; the code alone where nobody has it.
pub(super) fn town(code: MunicipalityCode) -> String {
    match (municipality(code), ended_municipality(code)) {
        (Some(found), _) => format!("{}{}", found.prefecture, found.name),
        (None, Some(ended)) => format!("{}（現在は別の市区町村）", ended.name),
        (None, None) => format!("市区町村コード {code}"),
    }
}

pub(super) fn town_cell(code: MunicipalityCode) -> Cell {
    Cell::new(town(code))
}

/// For which work and on which basis.
pub(super) fn law(procedure: &str, basis: &str) -> Cell {
    let procedure = match procedure {
        "transfer-in" => "転入された方の接種記録の確認",
        other => other,
    };
    Cell::new(procedure).line(legal_basis(basis).map_or(basis, |basis| basis.title.as_str()))
}

/// A dose on one line.
pub(super) fn shortly(dose: &Vaccination) -> String {
    let given = match dose.status {
        Status::Done => String::new(),
        Status::NotDone => "（接種していません）".to_owned(),
    };
    let day = wareki::short(dose.date);
    format!("{}回目 {day} {} {}{given}", dose.dose_number, dose.maker, dose.lot)
}

/// The vaccine: its name, then the rest.
pub(super) fn vaccine(dose: &Vaccination) -> Cell {
    let cell = match &dose.product {
        Some(product) => Cell::new(product.as_str()).line(dose.maker.as_str()),
        None => Cell::new(dose.maker.as_str()),
    };
    cell.line(dose.vaccine_kind.as_deref().unwrap_or_default())
        .line(format!("ロット番号 {}", dose.lot))
}

/// What became of a dose that had been provided.
pub(super) fn correction(cell: Cell, content: &str) -> Cell {
    match serde_json::from_str::<Correction>(content) {
        Ok(Correction { earlier, after }) => {
            let earlier = earlier.iter().map(|dose| format!("前の内容：{}", shortly(dose)));
            let after = after
                .map_or("この接種の記録は取り消されました。".to_owned(), |dose| {
                    format!("正しい内容：{}", shortly(&dose))
                });
            cell.lines(earlier).line(after)
        }
        Err(_) => cell,
    }
}

/// The doses that were provided.
pub(super) fn contents(cell: Cell, content: &str) -> Cell {
    let doses: Vec<Vaccination> = serde_json::from_str(content).unwrap_or_default();
    cell.lines(doses.iter().map(shortly))
}

pub(super) fn flags(flags: &Flags) -> Cell {
    let mut words = Vec::new();
    words.extend(flags.withheld.then(|| "自動で回答しない設定".to_owned()));
    words.extend(flags.stopped.then(|| "利用停止".to_owned()));
    words.extend(flags.moved_out_on.map(|day| format!("転出 {}", wareki::day(day))));
    words.extend(flags.died_on.map(|day| format!("死亡 {}", wareki::day(day))));
    let mut words = words.into_iter();
    Cell::new(words.next().unwrap_or_else(|| "設定なし".to_owned())).lines(words)
}

/// Who made a version, when, from where and why; a correction has a word of its own in each table.
pub(super) fn source(source: &RecordSource, corrected: &'static str) -> Cell {
    let kind = match source.kind {
        SourceKind::Registered => "職員が登録",
        SourceKind::Sent => "市区町村のシステムから登録",
        SourceKind::Imported => "市区町村のファイルから登録",
        SourceKind::Captured => "接種会場で登録",
        SourceKind::Corrected => corrected,
        SourceKind::Decided => "職員が確認して登録",
        SourceKind::Adopted => "他の市区町村の回答から登録",
        SourceKind::Noticed => "他の市区町村の通知から登録",
    };
    let from = source.provider.map(|code| format!("提供元：{}", town(code)));
    let device = source.device.as_ref().map(|device| format!("端末：{device}"));
    let system = source.system.as_ref().map(|system| format!("システム：{system}"));
    let operator = source.operator.as_ref().map(|operator| format!("職員：{operator}"));
    let reason = source.reason.as_ref().map(|reason| format!("理由：{reason}"));
    Cell::new(kind)
        .line(wareki::moment(source.at_unix_s.saturating_mul(1_000)))
        .lines([from, device, system, operator, reason].into_iter().flatten())
}

pub(super) fn origin(origin: QuarantineOrigin, line: u64) -> String {
    match origin {
        QuarantineOrigin::Import => format!("市区町村のファイルの{line}行目"),
        QuarantineOrigin::Capture => "接種会場の端末".to_owned(),
    }
}

pub(super) fn sex(sex: Sex) -> &'static str {
    match sex {
        Sex::Male => "男",
        Sex::Female => "女",
        Sex::NotApplicable => "記載なし",
    }
}

/// A day, with the Western year below.
pub(super) fn day(day: time::Date) -> Cell {
    Cell::new(wareki::short(day)).line(format!("（{}年）", day.year()))
}

/// When something came and when it ended.
pub(super) fn times(
    begun: &'static str,
    from: i64,
    ended: &'static str,
    until: Option<i64>,
) -> Cell {
    let until = until.map(|at| format!("{ended} {}", wareki::moment(at)));
    Cell::new(format!("{begun} {}", wareki::moment(from))).lines(until)
}

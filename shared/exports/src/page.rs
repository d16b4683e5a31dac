//! A person's disclosure as a page to print: A4, no script, nothing from elsewhere.
//!
//! Days are Western with the Japanese era beside them.  The individual number is not on it: a
//! [`FullDisclosure`] has none.

use domain::subject::{Flags, Sex};
use domain::vaccination::{Standing, Status, Vaccination};
use domain::{Actor, OpContext, Outcome};
use room::letter::Correction;
use wire::exports::{DisclosedInquiry, FlagChange, FullDisclosure, HeldBack};
use wire::partition::Received;
use wire::records::{DoseVersion, RecordSource, SourceKind, SubjectVersion};

use crate::html::Html;
use crate::wareki;

pub(crate) const STYLE: &str = "\
@page{size:A4;margin:15mm 12mm 22mm}\
body{font-family:'Noto Sans JP','Yu Gothic','Hiragino Sans',sans-serif;\
font-size:10pt;line-height:1.6;color:#1a1a1a;max-width:186mm;margin:0 auto}\
h1{font-size:16pt;margin:0 0 4mm}\
h2{font-size:12pt;margin:6mm 0 2mm;break-after:avoid}\
table{border-collapse:collapse;width:100%}\
th,td{border:1px solid #666;padding:1mm 2mm;text-align:left;vertical-align:top;\
overflow-wrap:anywhere}\
th{background:#f2f2f2}\
thead{display:table-header-group}\
tr{break-inside:avoid}\
footer{font-size:8pt;border-top:1px solid #666;margin-top:8mm;padding-top:1mm}\
@media print{footer{position:fixed;bottom:0;left:0;right:0;margin:0;background:#fff}}";

/// What the browser may load and run: nothing but the style of this very page.
pub(crate) fn content_security_policy() -> String {
    use base64::Engine as _;
    let digest = crypto::sha256(STYLE.as_bytes());
    let digest = base64::engine::general_purpose::STANDARD.encode(digest);
    format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

/// The whole page.
pub(crate) fn render(disclosure: &FullDisclosure, context: &OpContext) -> String {
    let mut html = Html::default();
    html.raw("<!DOCTYPE html>\n<html lang=\"ja\"><head><meta charset=\"utf-8\">");
    html.raw("<meta name=\"referrer\" content=\"no-referrer\"><title>開示資料</title><style>");
    html.raw(STYLE);
    html.raw("</style></head><body><main>");
    html.element("h1", "予防接種記録の開示資料");
    let at = wareki::moment(disclosure.disclosed_at_unix_ms);
    let town = format!("市区町村コード {}　作成 {at}", disclosure.municipality);
    html.element("p", &town);
    entry(&mut html, &disclosure.entry);
    flags(&mut html, &disclosure.flags);
    doses(&mut html, &disclosure.doses);
    vouchers(&mut html, disclosure);
    provided(&mut html, &disclosure.provided);
    inquiries(&mut html, &disclosure.inquiries);
    held_back(&mut html, &disclosure.held_back);
    html.raw("</main><footer>");
    html.text(&footer(context, &at));
    html.raw("</footer></body></html>\n");
    html.finish()
}

/// Who made the page, when, under which request.
fn footer(context: &OpContext, at: &str) -> String {
    let operator = match &context.actor {
        Actor::Operator { id, terminal, .. } => format!("{id} ({terminal})"),
        _ => String::new(),
    };
    format!("作成者 {operator}　作成日時 {at}　要求番号 {}", context.request)
}

fn entry(html: &mut Html, versions: &[SubjectVersion]) {
    let columns = ["版", "宛名番号", "氏名", "氏名カナ", "生年月日", "性別", "登録の経緯"];
    let row = |one: &SubjectVersion| {
        vec![
            one.version.to_string(),
            one.address_number.clone(),
            one.name.clone(),
            one.name_kana.clone(),
            wareki::day(one.birth_date),
            sex(one.sex).to_owned(),
            one.source.as_ref().map(source).unwrap_or_default(),
        ]
    };
    html.table("本人の登録内容", &columns, &rows(versions, row));
}

fn flags(html: &mut Html, changes: &[FlagChange]) {
    let row = |change: &FlagChange| {
        let source = change.source.as_ref().map(source).unwrap_or_default();
        vec![change.version.to_string(), flag_words(&change.flags), source]
    };
    html.table("設定の履歴", &["版", "設定", "登録の経緯"], &rows(changes, row));
}

fn flag_words(flags: &Flags) -> String {
    let mut words = Vec::new();
    words.extend(flags.withheld.then(|| "自動応答不可".to_owned()));
    words.extend(flags.stopped.then(|| "利用停止".to_owned()));
    words.extend(flags.moved_out_on.map(|day| format!("転出 {}", wareki::day(day))));
    words.extend(flags.died_on.map(|day| format!("死亡 {}", wareki::day(day))));
    if words.is_empty() { "なし".to_owned() } else { words.join("、") }
}

fn doses(html: &mut Html, doses: &[DoseVersion]) {
    let columns = [
        "回数",
        "版",
        "効力",
        "接種日",
        "状況",
        "メーカー",
        "ロット番号",
        "製品名・種別",
        "会場",
        "登録の経緯",
    ];
    let row = |one: &DoseVersion| {
        let dose = &one.dose;
        let product = [&dose.product, &dose.vaccine_kind].into_iter().flatten().cloned();
        vec![
            dose.dose_number.to_string(),
            one.version.to_string(),
            standing(one.standing).to_owned(),
            wareki::day(dose.date),
            status(dose.status).to_owned(),
            dose.maker.clone(),
            dose.lot.clone(),
            product.collect::<Vec<_>>().join("、"),
            dose.venue.clone().unwrap_or_default(),
            source(&one.source),
        ]
    };
    html.table("接種記録 (訂正・取消を含むすべての版)", &columns, &rows(doses, row));
}

fn vouchers(html: &mut Html, disclosure: &FullDisclosure) {
    let rows: Vec<_> = disclosure
        .vouchers
        .iter()
        .map(|one| {
            let issued = wareki::day(one.issued_on);
            vec![one.number.clone(), one.dose_number.to_string(), issued, source(&one.source)]
        })
        .collect();
    let columns = ["接種券番号", "回数", "発行日", "登録の経緯"];
    html.table("接種券", &columns, &rows);
}

fn provided(html: &mut Html, provided: &[Received]) {
    let columns = ["提供先", "提供日時", "提供した記録", "提供記録の番号"];
    let row = |one: &Received| {
        let index = match &one.receipt {
            Some(receipt) => receipt.index.to_string(),
            None => "送信されませんでした".to_owned(),
        };
        let at = wareki::moment(one.provided_at_unix_ms);
        let contents = match one.outcome {
            Outcome::Corrected => correction(&one.content),
            _ => contents(&one.content),
        };
        vec![one.inquirer.to_string(), at, contents, index]
    };
    html.table("記録を提供した市区町村", &columns, &rows(provided, row));
}

/// The doses that were provided, shortly.
fn contents(content: &str) -> String {
    let doses: Vec<Vaccination> = serde_json::from_str(content).unwrap_or_default();
    let doses = doses.iter().map(|dose| format!("{}回目 {}", dose.dose_number, dose.date));
    doses.collect::<Vec<_>>().join("、")
}

/// What became of a dose that had been provided, shortly.
fn correction(content: &str) -> String {
    match serde_json::from_str::<Correction>(content) {
        Ok(Correction { after: Some(dose), .. }) => {
            format!("訂正の通知: {}回目 {}", dose.dose_number, dose.date)
        }
        Ok(Correction { earlier, .. }) => {
            let doses = earlier.iter().map(|dose| format!("{}回目", dose.dose_number));
            format!("取消しの通知: {}", doses.collect::<Vec<_>>().join("、"))
        }
        Err(_) => String::new(),
    }
}

fn inquiries(html: &mut Html, inquiries: &[DisclosedInquiry]) {
    let columns = ["照会先", "事務", "根拠", "照会日時", "回答日時", "提供記録の番号"];
    let row = |one: &DisclosedInquiry| {
        vec![
            one.provider.to_string(),
            one.procedure.clone(),
            one.legal_basis.clone(),
            wareki::moment(one.begun_at_unix_ms),
            one.answered_at_unix_ms.map(wareki::moment).unwrap_or_default(),
            one.log_index.map(|index| index.to_string()).unwrap_or_default(),
        ]
    };
    html.table("当市区町村が行った照会", &columns, &rows(inquiries, row));
}

fn held_back(html: &mut Html, held: &[HeldBack]) {
    let row = |one: &HeldBack| {
        let at = wareki::moment(one.held_at_unix_ms);
        vec![one.inquirer.to_string(), one.procedure.clone(), one.legal_basis.clone(), at]
    };
    let columns = ["照会元", "事務", "根拠", "受付日時"];
    html.table("自動応答をしなかった照会", &columns, &rows(held, row));
}

fn rows<T>(all: &[T], row: impl Fn(&T) -> Vec<String>) -> Vec<Vec<String>> {
    all.iter().map(row).collect()
}

/// Who made a version, when, from where and why.
fn source(source: &RecordSource) -> String {
    let kind = match source.kind {
        SourceKind::Registered => "職員が登録",
        SourceKind::Sent => "庁内システムから送信",
        SourceKind::Imported => "ファイルから取込",
        SourceKind::Captured => "接種会場で登録",
        SourceKind::Corrected => "訂正・取消",
        SourceKind::Decided => "確認のうえ登録",
        SourceKind::Adopted => "他の市区町村の回答から登録",
        SourceKind::Noticed => "他の市区町村の通知から登録",
    };
    let mut words = vec![kind.to_owned(), wareki::moment(source.at_unix_s.saturating_mul(1_000))];
    words.extend(source.provider.map(|provider| format!("提供元 {provider}")));
    words.extend(source.reason.as_ref().map(|reason| format!("理由: {reason}")));
    words.join(" ")
}

fn sex(sex: Sex) -> &'static str {
    match sex {
        Sex::Male => "男",
        Sex::Female => "女",
        Sex::NotApplicable => "適用不能",
    }
}

fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::InForce => "有効",
        Standing::Withdrawn => "取消",
    }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Done => "実施",
        Status::NotDone => "未実施",
    }
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;

//! A person's disclosure as a page to print: A4, no script, nothing from elsewhere.
//!
//! It is written for the resident: what comes first is what the resident asks first, and every word
//! of the office is explained.  The individual number is not on it: a [`FullDisclosure`] has none.

mod others;
mod records;
mod words;

use domain::{Actor, OpContext};
use wire::exports::FullDisclosure;

use crate::html::{Html, Row};
use crate::wareki;

/// The browser numbers the sheets, and the tables say their heads again on each.
pub(crate) const STYLE: &str = include_str!("page/style.css");

/// One part of the page, with a sentence that says what it is.
struct Section {
    title: &'static str,
    note: &'static str,
    columns: &'static [&'static str],
    rows: Vec<Row>,
}

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
    html.raw("<meta name=\"viewport\" content=\"width=device-width\">");
    html.raw("<meta name=\"referrer\" content=\"no-referrer\">");
    html.raw("<title>予防接種の記録（ご本人への開示資料）</title><style>");
    html.raw(STYLE);
    html.raw("</style></head><body><main>");
    head(&mut html, disclosure);
    let sections = sections(disclosure);
    contents(&mut html, &sections);
    for (nth, section) in (1..).zip(sections.iter().filter(|one| !one.rows.is_empty())) {
        html.raw("<section>");
        html.element("h2", &format!("{nth}．{}", section.title));
        if !section.note.is_empty() {
            html.element("p", section.note);
        }
        html.table(section.columns, &section.rows);
        html.raw("</section>");
    }
    explain(&mut html);
    html.raw("</main><footer>");
    foot(&mut html, disclosure, context);
    html.raw("</footer></body></html>\n");
    html.finish()
}

fn sections(disclosure: &FullDisclosure) -> Vec<Section> {
    vec![
        records::doses(&disclosure.doses),
        records::entry(&disclosure.entry),
        records::flags(&disclosure.flags),
        records::vouchers(&disclosure.vouchers),
        others::provided(&disclosure.provided),
        others::inquiries(&disclosure.inquiries),
        others::notices(&disclosure.notices),
        others::held_back(&disclosure.held_back),
        records::doubtful(&disclosure.doubtful),
        records::waiting(&disclosure.waiting),
        records::findings(disclosure),
    ]
}

fn head(html: &mut Html, disclosure: &FullDisclosure) {
    let town = words::town(disclosure.municipality);
    html.raw("<header>");
    html.element("h1", "予防接種の記録");
    html.element("p", "ご本人への開示資料");
    html.raw("</header><dl>");
    if let Some(entry) = disclosure.entry.last() {
        html.term("氏名", &entry.name);
        html.term("生年月日", &wareki::day(entry.birth_date));
    }
    html.term("作成", &town);
    html.term("作成日時", &wareki::moment(disclosure.disclosed_at_unix_ms));
    html.raw("</dl>");
    let said = format!(
        "この資料は、{town}が保有するあなたの予防接種の記録を、あなたの求めに応じてまとめたものです。\
         法令で開示しないと定められたものを除き、すべて載せています。\
         個人番号（マイナンバー）は載せていません。"
    );
    html.element("p", &said);
}

/// What there is and what there is not, at one glance.
fn contents(html: &mut Html, sections: &[Section]) {
    html.raw("<nav><h2>この資料の内容</h2><ol>");
    for section in sections.iter().filter(|one| !one.rows.is_empty()) {
        html.element("li", &format!("{}（{}件）", section.title, section.rows.len()));
    }
    html.raw("</ol>");
    let empty = sections.iter().filter(|one| one.rows.is_empty());
    let empty: Vec<&str> = empty.map(|one| one.title).collect();
    if !empty.is_empty() {
        html.element("p", &format!("記録がないもの：{}", empty.join("、")));
    }
    html.raw("</nav>");
}

fn explain(html: &mut Html) {
    html.raw("<section><h2>言葉の説明</h2><dl>");
    for (term, meaning) in words::EXPLAINED {
        html.term(term, meaning);
    }
    html.raw("</dl></section>");
}

/// Who made the page, when, under which request.
fn foot(html: &mut Html, disclosure: &FullDisclosure, context: &OpContext) {
    let town = words::town(disclosure.municipality);
    let wrong = format!(
        "内容に誤りがあると思われるときは、{town}の予防接種の窓口に訂正を求めることができます。"
    );
    html.element("p", &wrong);
    let operator = match &context.actor {
        Actor::Operator { id, terminal, .. } => format!("{id}（{terminal}）"),
        _ => String::new(),
    };
    let at = wareki::moment(disclosure.disclosed_at_unix_ms);
    let request = &context.request;
    html.element("p", &format!("作成者 {operator}　作成日時 {at}　要求番号 {request}"));
}

#[cfg(test)]
mod tests;

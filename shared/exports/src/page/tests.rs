use domain::NoticeKind;
use domain::subject::{Flags, Sex};
use domain::vaccination::{Standing, Status, Vaccination};
use domain::{InquiryId, MunicipalityCode, OperatorId, RequestId, Role, TerminalId};
use time::OffsetDateTime;
use time::macros::date;
use uuid::Uuid;
use wire::Base64Bytes;
use wire::exports::{
    DisclosedDoubt, DisclosedInquiry, DisclosedNotice, DisclosedVoucher, DoubtState, DoubtText,
    FileFinding, FlagChange, HeldBack, WaitingRows,
};
use wire::notices::{HeldState, NoticeState};
use wire::partition::Received;
use wire::quarantine::{Given, QuarantineOrigin};
use wire::records::{DoseVersion, RecordSource, SourceKind, SubjectVersion};

use super::*;

/// What somebody might have registered as a name.
const NASTY: [&str; 6] = [
    "<script>alert(1)</script>",
    "</td></tr></table><img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)",
    "' style='display:none",
    "&lt;b&gt; &amp; &#60;",
    "<!-- -->]]><style>*{display:none}</style>",
];

/// The tags of the page, whole; nothing else may stand between `<` and `>`.
const TAGS: [&str; 30] = [
    "!DOCTYPE html",
    "html lang=\"ja\"",
    "head",
    "meta charset=\"utf-8\"",
    "meta name=\"viewport\" content=\"width=device-width\"",
    "meta name=\"referrer\" content=\"no-referrer\"",
    "title",
    "style",
    "body",
    "main",
    "h1",
    "h2",
    "p",
    "table",
    "thead",
    "tbody",
    "tr",
    "tr class=\"faint\"",
    "th scope=\"col\"",
    "td",
    "strong",
    "header",
    "nav",
    "section",
    "footer",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
];

fn source() -> RecordSource {
    RecordSource {
        kind: SourceKind::Corrected,
        at_unix_s: 1_790_000_000,
        operator: Some("op".to_owned()),
        system: None,
        device: None,
        provider: None,
        from: None,
        line: None,
        reason: Some(NASTY[1].to_owned()),
    }
}

fn dose(nasty: &str) -> Vaccination {
    let text = || nasty.to_owned();
    Vaccination {
        status: Status::Done,
        dose_number: 1,
        date: date!(2021 - 06 - 01),
        maker: text(),
        lot: text(),
        product: Some(text()),
        vaccine_kind: Some(text()),
        venue: Some(text()),
    }
}

fn code() -> MunicipalityCode {
    MunicipalityCode::parse("131211").unwrap()
}

fn entry(nasty: &str) -> SubjectVersion {
    let text = || nasty.to_owned();
    SubjectVersion {
        subject: Uuid::nil(),
        version: 1,
        etag: text(),
        address_number: text(),
        name: text(),
        name_kana: text(),
        birth_date: date!(1926 - 12 - 25),
        sex: Sex::Female,
        flags: Flags { withheld: true, died_on: Some(date!(2019 - 05 - 01)), ..Flags::default() },
        source: Some(source()),
    }
}

fn held_back(nasty: &str) -> Vec<HeldBack> {
    let text = || nasty.to_owned();
    vec![HeldBack {
        inquiry: InquiryId::make_random(),
        inquirer: code(),
        procedure: text(),
        legal_basis: text(),
        held_at_unix_ms: 0,
        state: HeldState::TimedOut,
        decided_at_unix_ms: Some(1),
    }]
}

fn notices(nasty: &str) -> Vec<DisclosedNotice> {
    vec![DisclosedNotice {
        sender: code(),
        kind: NoticeKind::Released,
        inquiry: InquiryId::make_random(),
        received_at_unix_ms: 0,
        content: serde_json::to_string(&[dose(nasty)]).unwrap(),
        log_index: 7,
        state: NoticeState::Open,
    }]
}

fn doubtful(nasty: &str) -> Vec<DisclosedDoubt> {
    let text = || nasty.to_owned();
    vec![DisclosedDoubt {
        given: Given::Dose { dose: dose(nasty), voucher: None },
        doubts: vec![DoubtText { code: text(), text: text() }],
        origin: QuarantineOrigin::Import,
        from: Uuid::nil(),
        line: 3,
        state: DoubtState::Open,
        decision: Some(text()),
        created_at_unix_ms: 0,
        decided_at_unix_ms: None,
    }]
}

fn waiting(nasty: &str) -> Vec<WaitingRows> {
    vec![WaitingRows {
        import: Uuid::nil(),
        uploaded_at_unix_ms: 0,
        entry: vec![entry(nasty)],
        doses: Vec::new(),
        vouchers: Vec::new(),
    }]
}

fn disclosure(nasty: &str) -> FullDisclosure {
    let text = || nasty.to_owned();
    let (entry, dose, code) = (entry(nasty), dose(nasty), code());
    let content = serde_json::to_string(&[&dose]).unwrap();
    let inquiry = InquiryId::make_random();
    FullDisclosure {
        municipality: code,
        disclosed_at_unix_ms: 1_790_000_000_000,
        flags: vec![FlagChange { version: 1, flags: entry.flags, source: entry.source.clone() }],
        entry: vec![entry],
        doses: vec![DoseVersion {
            vaccination: Uuid::nil(),
            version: 2,
            etag: text(),
            standing: Standing::Withdrawn,
            dose,
            source: source(),
        }],
        vouchers: vec![DisclosedVoucher {
            number: text(),
            dose_number: 1,
            issued_on: date!(2021 - 05 - 01),
            source: source(),
        }],
        provided: vec![Received {
            inquiry,
            inquirer: code,
            outcome: domain::Outcome::Provided,
            provided_at_unix_ms: 0,
            content,
            salt: Base64Bytes(Vec::new()),
            receipt: None,
        }],
        inquiries: vec![DisclosedInquiry {
            inquiry,
            provider: code,
            procedure: text(),
            legal_basis: text(),
            begun_at_unix_ms: 0,
            answered_at_unix_ms: Some(1),
            log_index: None,
            received: Some(vec![self::dose(nasty)]),
            expires_at_unix_ms: Some(2),
        }],
        held_back: held_back(nasty),
        notices: notices(nasty),
        doubtful: doubtful(nasty),
        waiting: waiting(nasty),
        findings: vec![FileFinding {
            import: Uuid::nil(),
            reason: text(),
            text: text(),
            about: Uuid::nil(),
        }],
    }
}

fn context() -> OpContext {
    let actor = Actor::Operator {
        id: OperatorId::parse("supervisor-adachi").unwrap(),
        municipality: MunicipalityCode::parse("131211").unwrap(),
        role: Role::Supervisor,
        terminal: TerminalId::parse("terminal-adachi").unwrap(),
    };
    OpContext::new(actor, RequestId::parse("request-1").unwrap(), OffsetDateTime::UNIX_EPOCH)
}

/// Reads a page as strictly as nobody has to: known tags, closed in order, known entities.
fn read(page: &str) -> Result<Vec<String>, String> {
    let (mut open, mut texts, mut rest) = (Vec::new(), Vec::new(), page);
    while let Some((before, after)) = rest.split_once('<') {
        let text = plain(before)?;
        if !text.trim().is_empty() {
            texts.push(text);
        }
        let (tag, after) = after.split_once('>').ok_or("an open tag")?;
        rest = after;
        match tag.strip_prefix('/') {
            Some(name) if open.pop() == Some(name) => {}
            Some(name) => return Err(format!("</{name}> closes nothing")),
            None if !TAGS.contains(&tag) => return Err(format!("<{tag}>")),
            None if tag.starts_with("!") || tag.starts_with("meta") => {}
            None => open.push(tag.split(' ').next().unwrap_or_default()),
        }
    }
    if open.is_empty() { Ok(texts) } else { Err(format!("{open:?} stay open")) }
}

fn plain(text: &str) -> Result<String, String> {
    if text.contains(['>', '"', '\'']) && text != STYLE {
        return Err(format!("a bare mark in {text}"));
    }
    let entities = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
    for (place, _) in text.match_indices('&') {
        if !entities.iter().any(|entity| text[place..].starts_with(entity)) {
            return Err(format!("a bare & in {text}"));
        }
    }
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    Ok(text.replace("&#39;", "'").replace("&amp;", "&"))
}

#[test]
fn whatever_was_registered_is_text_on_the_page() {
    for nasty in NASTY {
        let texts = read(&render(&disclosure(nasty), &context())).unwrap();
        // Each in a line of its own, as it was registered.
        let alone = texts.iter().filter(|text| *text == nasty).count();
        // Head, entry, dose, voucher, inquiry, held back, doubt, finding.
        assert_eq!(alone, 1 + 3 + 4 + 1 + 2 + 2 + 1 + 1, "{nasty}");
        // In a line with other words: provided, received, noticed, doubtful.
        let lines = texts.iter().filter(|text| text.contains(&format!("{nasty} {nasty}"))).count();
        assert_eq!(lines, 6, "{nasty}");
    }
}

#[test]
fn the_page_asks_nobody_for_anything() {
    // Apart from what is text in it.
    let page = render(&disclosure("山田"), &context()).replace("&lt;img src=x onerror", "");
    for word in ["http", "src", "href", "url(", "@import", "<script", " on", "javascript"] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(content_security_policy().starts_with("default-src 'none'; style-src 'sha256-"));
    assert!(!STYLE.contains('<'));
}

#[test]
fn the_footer_says_who_when_and_under_which_request() {
    let page = render(&disclosure("山田"), &context());
    let texts = read(&page).unwrap();
    let footer = texts.last().unwrap();
    for word in ["supervisor-adachi", "terminal-adachi", "令和8年9月21日 23時13分", "request-1"]
    {
        assert!(footer.contains(word), "{footer}");
    }
    assert!(page.contains("<td>昭和元年12月25日<p>（1926年）</p>"));
    assert!(page.contains("死亡 令和元年5月1日（2019年）"));
}

#[test]
fn what_there_is_stands_in_the_contents_and_what_there_is_not_too() {
    let whole = render(&disclosure("山田"), &context());
    assert!(whole.contains("<li>あなたの記録を受け取った市区町村（1件）</li>"));
    assert!(!whole.contains("記録がないもの"));
    let mut few = disclosure("山田");
    few.provided.clear();
    few.inquiries.clear();
    let page = render(&few, &context());
    let missing = "記録がないもの：あなたの記録を受け取った市区町村、他の市区町村への照会";
    assert!(page.contains(missing));
    assert!(!page.contains("提供先") && page.contains("<h2>9．台帳と照らし合わせた結果</h2>"));
}

#[test]
fn every_version_of_a_dose_stands_below_the_one_that_counts() {
    let mut told = disclosure("山田");
    let first = told.doses[0].clone();
    told.doses.insert(0, DoseVersion { version: 1, standing: Standing::InForce, ..first });
    let page = render(&told, &context());
    let (newest, older) = (page.find("取消し済み").unwrap(), page.find("取消し前").unwrap());
    assert!(newest < older);
    assert_eq!(page.matches("<tr class=\"faint\">").count(), 3, "with what was never sent");
}

#[test]
fn the_strict_reader_sees_what_is_not_ours() {
    for bad in ["<p>a<b>c</b></p>", "<p onload=x>", "<p>\"</p>", "<p>", "</p>", "<p>&x</p>"] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

use domain::{InquiryId, MunicipalityCode, OperatorId, RequestId, Role, TerminalId};
use time::OffsetDateTime;
use time::macros::date;
use uuid::Uuid;
use wire::Base64Bytes;
use wire::exports::DisclosedVoucher;

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
const TAGS: [&str; 21] = [
    "!DOCTYPE html",
    "html lang=\"ja\"",
    "head",
    "meta charset=\"utf-8\"",
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
    "th",
    "td",
    "footer",
    "br",
    "hr",
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

fn disclosure(nasty: &str) -> FullDisclosure {
    let code = MunicipalityCode::parse("131211").unwrap();
    let text = || nasty.to_owned();
    let entry = SubjectVersion {
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
    };
    let dose = dose(nasty);
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
            answered_at_unix_ms: None,
            log_index: None,
        }],
        held_back: vec![HeldBack {
            inquiry,
            inquirer: code,
            procedure: text(),
            legal_basis: text(),
            held_at_unix_ms: 0,
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
            None if tag.starts_with(['!', 'm']) && tag != "main" => {}
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
        // Each in a cell of its own, as it was registered; product and kind share one.
        let alone = texts.iter().filter(|text| *text == nasty).count();
        assert_eq!(alone, 3 + 3 + 1 + 2 + 2, "{nasty}");
        assert!(texts.contains(&format!("{nasty}、{nasty}")));
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
    for word in ["supervisor-adachi", "terminal-adachi", "2026-09-21 (令和8年9月21日)", "request-1"]
    {
        assert!(footer.contains(word), "{footer}");
    }
    assert!(page.contains("1926-12-25 (昭和元年12月25日)"));
    assert!(page.contains("死亡 2019-05-01 (令和元年5月1日)"));
}

#[test]
fn the_strict_reader_sees_what_is_not_ours() {
    for bad in ["<p>a<b>c</b></p>", "<p onload=x>", "<p>\"</p>", "<p>", "</p>", "<p>&x</p>"] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

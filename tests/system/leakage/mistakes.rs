//! Numbers typed, pasted and sent where none belongs.

use domain::ServiceKind;
use serde_json::{Value, json};
use wire::partition::{INQUIRIES, SUBJECTS, VACCINATIONS};
use wire::registry::{LOG_IN, OPERATORS};

use super::curl::Terminal;
use super::day::{Day, question};
use super::needles::{Needles, Secret};

/// A mistake's name, and how it is made with a number.
type Mistake<T> = (&'static str, fn(&str) -> T);

/// Makes every mistake once, each with a number of its own; no answer may repeat it.
pub(crate) async fn make(day: &mut Day) {
    let terminal = Terminal::new(&day.site, day.cast.koriyama.terminal().as_str());
    let token = format!("Authorization: Bearer {}", day.koriyama.session().token);
    in_bodies(day, &terminal, &token);
    in_headers(day, &terminal, &token);
    in_addresses(day, &terminal, &token);
    at_the_registry(day, &terminal).await;
}

/// Sends a body with a number in it; the answer is a refusal that does not repeat it.
fn refuse(day: &mut Day, what: &str, send: impl FnOnce(&str) -> String) {
    let number = day.number(&format!("somebody, {what}"));
    let answer = send(&number);
    assert!(answer.starts_with("HTTP/1.1 4"), "{what}: {answer}");
    expect_silence(what, &number, &answer);
}

fn expect_silence(what: &str, number: &str, answer: &str) {
    let found = Needles::new(&[Secret::new(what, number)]);
    let found = found.find(answer.as_bytes());
    assert!(found.is_empty(), "{found:?} in the answer:\n{answer}");
}

fn in_bodies(day: &mut Day, terminal: &Terminal, token: &str) {
    let post = |path: &str, body: &str| {
        terminal.post(ServiceKind::Partition, path, &[token.to_owned()], body)
    };
    refuse(day, "with the last digit wrong", |number| {
        let last = char::from(b'0' + (number.as_bytes()[11] - b'0' + 1) % 10);
        let mistyped = format!("{}{last}", &number[..11]);
        let answer = post(INQUIRIES, &question(&mistyped, "131211").to_string());
        expect_silence("mistyped", &mistyped, &answer);
        answer
    });
    let broken: [Mistake<Value>; 6] = [
        ("in full width", |number| {
            let wide = number.chars().filter_map(|c| char::from_u32(u32::from(c) + 0xfee0));
            wide.collect::<String>().into()
        }),
        ("with a blank", |number| format!("{} {}", &number[..4], &number[4..]).into()),
        ("as a JSON number", |number| number.parse::<u64>().unwrap().into()),
        ("in a list", |number| json!([number])),
        ("in an object", |number| json!({ number: number })),
        ("twice", |number| format!("{number}{number}").into()),
    ];
    for (what, broken) in broken {
        refuse(day, what, |number| {
            let mut body = question(number, "131211");
            body["individualNumber"] = broken(number);
            post(INQUIRIES, &body.to_string())
        });
    }
    for field in ["inquiry", "provider", "procedure", "legalBasis", "confirmation"] {
        refuse(day, &format!("as {field}"), |number| {
            let mut body = question("999900000015", "131211");
            body[field] = number.into();
            post(INQUIRIES, &body.to_string())
        });
    }
    refuse(day, "as the name of a field", |number| {
        let mut body = question("999900000015", "131211");
        body[number] = 1.into();
        post(INQUIRIES, &body.to_string())
    });
    refuse(day, "in a document that is cut off", |number| {
        let body = question(number, "131211").to_string();
        post(INQUIRIES, &body[..body.len() - 5])
    });
    refuse(day, "after the document", |number| {
        post(INQUIRIES, &format!("{} {number}", question("999900000015", "131211")))
    });
    refuse(day, "alone", |number| post(INQUIRIES, number));
    for field in ["birthDate", "sex"] {
        let mut body = day.somebody("a person entered wrongly").entry;
        refuse(day, &format!("as {field}"), |number| {
            body[field] = number.into();
            post(SUBJECTS, &body.to_string())
        });
    }
    refuse(day, "as a handle", |number| {
        post(VACCINATIONS, &json!({"subject": number, "vaccination": {}}).to_string())
    });
}

fn in_headers(day: &mut Day, terminal: &Terminal, token: &str) {
    let headers: [Mistake<String>; 11] = [
        ("as the request's id", |number| format!("X-Request-Id: {number}")),
        ("in a request's id", |number| format!("X-Request-Id: person-{number}")),
        ("in groups as the request's id", |number| {
            format!("X-Request-Id: {}-{}-{}", &number[..4], &number[4..8], &number[8..])
        }),
        ("as the trace's id", |number| {
            format!("traceparent: 00-00000000000000000000{number}-0000000000000001-01")
        }),
        ("as the span's id", |number| {
            format!("traceparent: 00-0af7651916cd43dd8448eb211c80319c-0000{number}-01")
        }),
        ("in the trace's state", |number| {
            format!(
                "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\
                 tracestate: person={number}"
            )
        }),
        ("as baggage", |number| format!("baggage: person={number}")),
        ("as a cookie", |number| format!("Cookie: person={number}")),
        ("as the browser's name", |number| format!("User-Agent: {number}")),
        ("as the page before", |number| format!("Referer: https://ledger/{number}")),
        ("as the idempotency key", |number| format!("Idempotency-Key: {number}")),
    ];
    for (what, header) in headers {
        let person = day.number("a person who is not in the register, asked with odd headers");
        refuse(day, what, |number| {
            let header = header(number);
            let mut headers: Vec<String> = header.split("\r\n").map(str::to_owned).collect();
            headers.push(token.to_owned());
            let body = question(&person, "131211").to_string();
            terminal.post(ServiceKind::Partition, INQUIRIES, &headers, &body)
        });
    }
    refuse(day, "as the token", |number| {
        let token = format!("Authorization: Bearer {number}");
        terminal.post(ServiceKind::Partition, INQUIRIES, &[token], "{}")
    });
    refuse(day, "as the kind of content", |number| {
        let kind = format!("Content-Type: application/{number}");
        terminal.post(ServiceKind::Partition, INQUIRIES, &[token.to_owned(), kind], "{}")
    });
}

fn in_addresses(day: &mut Day, terminal: &Terminal, token: &str) {
    let addresses: [Mistake<String>; 4] = [
        ("in the query", |number| format!("{INQUIRIES}?individualNumber={number}")),
        ("as the query", |number| format!("{SUBJECTS}?{number}")),
        ("in the path", |number| format!("{SUBJECTS}/{number}")),
        ("as the path", |number| format!("/{number}")),
    ];
    for (what, address) in addresses {
        refuse(day, what, |number| {
            let headers = [token.to_owned()];
            terminal.post(ServiceKind::Partition, &address(number), &headers, "{}")
        });
        refuse(day, &format!("{what}, only to look"), |number| {
            terminal.get(ServiceKind::Partition, &address(number))
        });
    }
}

async fn at_the_registry(day: &mut Day, terminal: &Terminal) {
    let before = day.secrets.len();
    let national = Terminal::new(&day.site, day.cast.national.terminal.as_str());
    let passwords = watari::story::site::Passwords::load(&day.site.layout).unwrap();
    let desk = watari::story::desk::Desk::log_in(&day.site, &day.cast.national, &passwords);
    let token = format!("Authorization: Bearer {}", desk.await.unwrap().session().token);
    let user = day.cast.koriyama.clerk.id.to_string();
    refuse(day, "as the user", |number| {
        let body = json!({"userId": number, "password": "a password"});
        terminal.post(ServiceKind::Registry, LOG_IN, &[], &body.to_string())
    });
    refuse(day, "in a user's id", |number| {
        let body = json!({"userId": format!("clerk-{number}"), "password": "a password"});
        terminal.post(ServiceKind::Registry, LOG_IN, &[], &body.to_string())
    });
    refuse(day, "as the password", |number| {
        let body = json!({"userId": user, "password": number});
        terminal.post(ServiceKind::Registry, LOG_IN, &[], &body.to_string())
    });
    refuse(day, "as the id of a new operator", |number| {
        let body = json!({"operator": number, "municipality": "072036", "role": "clerk",
            "password": "a very long password 1"});
        national.post(ServiceKind::Registry, OPERATORS, &[token], &body.to_string())
    });
    day.typed_at_registry = day.secrets.split_off(before);
}

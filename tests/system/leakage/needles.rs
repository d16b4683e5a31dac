//! A secret in every form in which it could be lying around.

use std::collections::HashMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// Something that must not be found, and what it is.
#[derive(Clone)]
pub(crate) struct Secret {
    pub(crate) what: String,
    pub(crate) text: String,
}

impl Secret {
    pub(crate) fn new(what: &str, text: &str) -> Self {
        Self { what: what.to_owned(), text: text.to_owned() }
    }
}

/// Many secrets in many forms, looked for at once.
pub(crate) struct Needles {
    all: Vec<Needle>,
    by_start: HashMap<[u8; 4], Vec<usize>>,
    /// Whether any start begins with these two bytes: nearly all of a hay is passed over by this.
    is_start: Vec<bool>,
}

struct Needle {
    name: String,
    bytes: Vec<u8>,
    /// Zeros before the start; zeros are too common to look for.
    zeros: usize,
}

/// Most of a process's memory and of a database's files is empty.
const PAGE: [u8; 4096] = [0; 4096];
/// Some forms begin or end with zeros, so a little of the emptiness is looked at too.
const MARGIN: usize = 16;

impl Needles {
    pub(crate) fn new(secrets: &[Secret]) -> Self {
        let mut needles =
            Self { all: Vec::new(), by_start: HashMap::new(), is_start: vec![false; 1 << 16] };
        for Secret { what, text } in secrets {
            for (form, bytes) in forms(text) {
                let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                let start = *bytes[zeros..].first_chunk::<4>().unwrap();
                needles.by_start.entry(start).or_default().push(needles.all.len());
                needles.is_start[usize::from(u16::from_be_bytes([start[0], start[1]]))] = true;
                needles.all.push(Needle { name: format!("{what}, as {form}"), bytes, zeros });
            }
        }
        needles
    }

    pub(crate) fn longest(&self) -> usize {
        self.all.iter().map(|needle| needle.bytes.len()).max().unwrap_or_default()
    }

    /// What was found, each once.
    pub(crate) fn find(&self, hay: &[u8]) -> Vec<&str> {
        let mut found = Vec::new();
        for (from, to) in filled(hay) {
            self.find_in(&hay[from..to], &mut found);
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn find_in<'a>(&'a self, hay: &[u8], found: &mut Vec<&'a str>) {
        for (at, pair) in hay.windows(2).enumerate() {
            if !self.is_start[usize::from(u16::from_be_bytes([pair[0], pair[1]]))] {
                continue;
            }
            let Some(start) = hay[at..].first_chunk() else { break };
            for needle in self.by_start.get(start).into_iter().flatten() {
                let Needle { name, bytes, zeros } = &self.all[*needle];
                let from = at.checked_sub(*zeros);
                if from.is_some_and(|from| hay[from..].starts_with(bytes)) {
                    found.push(name);
                }
            }
        }
    }
}

/// Where the hay is not empty.
fn filled(hay: &[u8]) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (page, bytes) in hay.chunks(PAGE.len()).enumerate() {
        if *bytes == PAGE[..bytes.len()] {
            continue;
        }
        let from = (page * PAGE.len()).saturating_sub(MARGIN);
        let to = (page * PAGE.len() + bytes.len() + MARGIN).min(hay.len());
        match runs.last_mut() {
            Some(run) if run.1 >= from => run.1 = to,
            _ => runs.push((from, to)),
        }
    }
    runs
}

/// The text in every form that a store, a log or a program could give it.
pub(crate) fn forms(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = text.as_bytes();
    let each = |form: fn(&u8) -> String| bytes.iter().map(form).collect::<String>().into_bytes();
    let mut forms = vec![
        ("plain text", bytes.to_vec()),
        ("UTF-16LE", text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("UTF-16BE", text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("hexadecimal", each(|byte| format!("{byte:02x}"))),
        ("upper-case hexadecimal", each(|byte| format!("{byte:02X}"))),
        ("percent-encoding", each(|byte| format!("%{byte:02x}"))),
        ("upper-case percent-encoding", each(|byte| format!("%{byte:02X}"))),
        ("a list of bytes", format!("{bytes:?}").trim_matches(['[', ']']).as_bytes().to_vec()),
        ("JSON's escapes", json_escaped(text)),
        ("its SHA-256", crypto::sha256(bytes).to_vec()),
        ("its SHA-256 in hexadecimal", hex(&crypto::sha256(bytes))),
    ];
    for shift in 0..3 {
        forms.push(("base64", base64_inside(&STANDARD, bytes, shift)));
        forms.push(("URL-safe base64", base64_inside(&URL_SAFE, bytes, shift)));
    }
    if let Ok(number) = text.parse::<u64>() {
        forms.extend(forms_of_number(text, number));
    }
    forms.sort_by(|(_, one), (_, other)| one.cmp(other));
    forms.dedup_by(|(_, one), (_, other)| one == other);
    forms
}

fn forms_of_number(text: &str, number: u64) -> Vec<(&'static str, Vec<u8>)> {
    let wide = |digit| char::from_u32(u32::from(digit) - u32::from(b'0') + u32::from('０'));
    let wide: String = text.bytes().filter_map(wide).collect();
    let in_groups = |between: &str| {
        let groups = text.as_bytes().chunks(4).map(String::from_utf8_lossy);
        groups.collect::<Vec<_>>().join(between).into_bytes()
    };
    let pairs = text.as_bytes().chunks(2);
    let packed = pairs.map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | (digit - b'0')));
    vec![
        ("full-width digits", wide.as_bytes().to_vec()),
        ("full-width digits in UTF-16LE", wide.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("groups with spaces", in_groups(" ")),
        ("groups with hyphens", in_groups("-")),
        ("packed decimal digits", packed.collect()),
        ("an integer, low byte first", number.to_le_bytes().to_vec()),
        ("an integer, high byte first", number.to_be_bytes().to_vec()),
    ]
}

/// The characters that are the same whatever stands before and after the text.
fn base64_inside(engine: &impl base64::Engine, bytes: &[u8], shift: usize) -> Vec<u8> {
    let mut shifted = vec![0; shift];
    shifted.extend_from_slice(bytes);
    let whole = shifted.len() * 8 / 6;
    let first = (shift * 8).div_ceil(6);
    engine.encode(shifted).into_bytes()[first..whole].to_vec()
}

fn json_escaped(text: &str) -> Vec<u8> {
    let mut escaped = String::new();
    for unit in text.encode_utf16() {
        write!(escaped, "\\u{unit:04x}").unwrap();
    }
    escaped.into_bytes()
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes()
}

#[test]
fn every_form_is_found_wherever_it_stands() {
    let secret = Secret::new("a number", "999977000019");
    let name = Secret::new("a name", "漏洩太郎");
    let needles = Needles::new(&[secret.clone(), name.clone()]);
    for (form, bytes) in [forms(&secret.text), forms(&name.text)].concat() {
        for before in [0, 1, 4_089, 4_096, 9_001] {
            let hay = [vec![0; before], bytes.clone(), vec![0; 5_000]].concat();
            let found = needles.find(&hay);
            assert!(found.iter().any(|what| what.ends_with(form)), "{form} after {before}");
        }
    }
    assert!(needles.find("999977000027 漏洩次郎".as_bytes()).is_empty());
}

#[test]
fn base64_is_found_inside_a_longer_text() {
    let needles = Needles::new(&[Secret::new("a number", "999977000019")]);
    for before in ["", "a", "ab", "abc", "abcd"] {
        let text = format!("{before}999977000019 and more");
        assert!(!needles.find(STANDARD.encode(&text).as_bytes()).is_empty(), "{before}");
        assert!(!needles.find(URL_SAFE.encode(&text).as_bytes()).is_empty(), "{before}");
    }
}

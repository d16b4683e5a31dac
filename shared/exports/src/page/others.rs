//! What other municipalities have received, said and asked.

use domain::{NoticeKind, Outcome};
use wire::exports::{DisclosedInquiry, DisclosedNotice, HeldBack};
use wire::notices::{HeldState, NoticeState};
use wire::partition::Received;

use super::Section;
use super::words::{contents, correction, law, shortly, times, town_cell};
use crate::html::{Cell, Row};
use crate::wareki;

pub(super) fn provided(provided: &[Received]) -> Section {
    let row = |one: &Received| {
        let (what, index) = match (&one.receipt, one.outcome) {
            (None, _) => (Cell::new("準備しましたが、送られませんでした"), "なし".to_owned()),
            (Some(receipt), outcome) => {
                let what = match outcome {
                    Outcome::Corrected => "訂正の通知",
                    Outcome::Released => "職員が確認したうえでの回答",
                    _ => "照会への回答",
                };
                (Cell::new(what), receipt.index.to_string())
            }
        };
        let what = match one.outcome {
            Outcome::Corrected => correction(what, &one.content),
            _ => contents(what, &one.content),
        };
        let at = Cell::new(wareki::moment(one.provided_at_unix_ms));
        Row {
            cells: vec![town_cell(one.inquirer), at, what, Cell::new(index)],
            is_faint: one.receipt.is_none(),
        }
    };
    Section {
        title: "あなたの記録を受け取った市区町村",
        note: "照会への回答や通知として、他の市区町村に渡した記録です。",
        columns: &["提供先", "日時", "提供した内容", "提供記録の番号"],
        rows: provided.iter().map(row).collect(),
    }
}

pub(super) fn inquiries(inquiries: &[DisclosedInquiry]) -> Section {
    let row = |one: &DisclosedInquiry| {
        let received = match (&one.received, one.answered_at_unix_ms) {
            (Some(doses), _) if doses.is_empty() => Cell::new("該当する記録はありませんでした"),
            (Some(doses), _) => {
                Cell::new(format!("{}件の記録", doses.len())).lines(doses.iter().map(shortly))
            }
            (None, Some(_)) => Cell::new("保存期間が過ぎ、回答を消去しました"),
            (None, None) => Cell::new("回答はまだ届いていません"),
        };
        let expires = one.expires_at_unix_ms;
        let expires = expires.map(|at| format!("{} に消去します", wareki::moment(at)));
        let index = one.log_index.map_or("なし".to_owned(), |index| index.to_string());
        Row::new(vec![
            town_cell(one.provider),
            law(&one.procedure, &one.legal_basis),
            times("照会", one.begun_at_unix_ms, "回答", one.answered_at_unix_ms),
            received.lines(expires),
            Cell::new(index),
        ])
    };
    Section {
        title: "他の市区町村への照会",
        note: "あなたの接種の記録を、前にお住まいだった市区町村などに問い合わせたものです。",
        columns: &["照会先", "目的と根拠", "日時", "受け取った記録", "提供記録の番号"],
        rows: inquiries.iter().map(row).collect(),
    }
}

pub(super) fn notices(notices: &[DisclosedNotice]) -> Section {
    let row = |one: &DisclosedNotice| {
        let state = match one.state {
            NoticeState::Open => "確認中",
            NoticeState::Adopted => "登録に反映",
            NoticeState::Seen => "登録なし（確認済み）",
            NoticeState::Kept => "登録は変更なし",
            NoticeState::Superseded => "後の通知あり",
            NoticeState::Again => "通知済みの内容",
        };
        let what = match one.kind {
            NoticeKind::Corrected => correction(Cell::new("訂正の通知"), &one.content),
            NoticeKind::Released => contents(Cell::new("後からの回答"), &one.content),
        };
        Row::new(vec![
            town_cell(one.sender),
            Cell::new(wareki::moment(one.received_at_unix_ms)),
            what.mark(state),
            Cell::new(one.log_index.to_string()),
        ])
    };
    Section {
        title: "他の市区町村から届いた通知",
        note: "照会で受け取った記録について、後から届いた訂正などの通知です。",
        columns: &["通知元", "日時", "通知の内容", "提供記録の番号"],
        rows: notices.iter().map(row).collect(),
    }
}

pub(super) fn held_back(held: &[HeldBack]) -> Section {
    let row = |one: &HeldBack| {
        let state = match one.state {
            HeldState::Pending => "職員が確認しています",
            HeldState::Released => "二人の職員が確認し、回答しました",
            HeldState::Refused => "回答しないことに決めました",
            HeldState::TimedOut => "期限までに決めず、回答していません",
        };
        Row::new(vec![
            town_cell(one.inquirer),
            law(&one.procedure, &one.legal_basis),
            times("受付", one.held_at_unix_ms, "決定", one.decided_at_unix_ms),
            Cell::new(state),
        ])
    };
    Section {
        title: "自動で回答しなかった照会",
        note: "あなたを守る設定があるため、すぐには回答しなかった照会です。",
        columns: &["照会元", "目的と根拠", "日時", "その後"],
        rows: held.iter().map(row).collect(),
    }
}

//! Which files there are, and their columns: the published contract.

/// What a file is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// 接種対象者: persons of the register.
    Subjects,
    /// 接種券: vouchers that were issued.
    Vouchers,
    /// 接種記録: doses.
    Doses,
    /// 一括照会: persons and the municipalities they moved away from.
    Batch,
}

/// One published layout; a file says by its header which one it follows.
///
/// A layout, once published, never changes: another set of columns is another layout.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    pub name: &'static str,
    pub kind: FileKind,
    pub columns: &'static [Column],
}

#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    /// The cell of the header line.
    pub name: &'static str,
    pub required: bool,
    /// What a cell holds, for people.
    pub content: &'static str,
}

const fn must(name: &'static str, content: &'static str) -> Column {
    Column { name, required: true, content }
}

const fn may(name: &'static str, content: &'static str) -> Column {
    Column { name, required: false, content }
}

const DATE: &str = "日付 (YYYY-MM-DD, YYYY/MM/DD, YYYYMMDD)";
const CODE: &str = "数字6桁 (検査数字あり)";
const TEXT: &str = "文字 1〜60";

pub static SUBJECTS_1: Layout = Layout {
    name: "subjects-1",
    kind: FileKind::Subjects,
    columns: &[
        must("個人番号", "数字12桁 (検査数字あり)"),
        must("宛名番号", "英数字記号 1〜30、先頭の0も有効"),
        must("氏名", "文字 1〜200"),
        must("氏名カナ", "文字 1〜200 (全角・半角カナ)"),
        must("生年月日", DATE),
        must("性別", "1 男、2 女、9 適用不能"),
        may("転出日", DATE),
        may("死亡日", DATE),
    ],
};

pub static VOUCHERS_1: Layout = Layout {
    name: "vouchers-1",
    kind: FileKind::Vouchers,
    columns: &[
        must("宛名番号", "英数字記号 1〜30、先頭の0も有効"),
        must("市区町村コード", CODE),
        must("接種券番号", "数字10桁"),
        must("回数", "1以上の整数"),
        must("発行日", DATE),
    ],
};

pub static DOSES_1: Layout = Layout {
    name: "doses-1",
    kind: FileKind::Doses,
    columns: &[
        must("宛名番号", "英数字記号 1〜30、先頭の0も有効"),
        must("回数", "1以上の整数"),
        must("接種日", DATE),
        must("メーカー", TEXT),
        must("ロット番号", TEXT),
        may("製品名", TEXT),
        may("市区町村コード", CODE),
        may("接種券番号", "数字10桁"),
        may("接種会場名", TEXT),
    ],
};

/// 予防接種台帳向け出力: the known ledger layout, two doses a line (standards of the VRS).
pub static DOSES_LEDGER: Layout = Layout {
    name: "doses-ledger",
    kind: FileKind::Doses,
    columns: &[
        must("個別宛名番号", "英数字記号 1〜30、先頭の0も有効"),
        may("1回目接種履歴登録日時", "YYYYMMDDHHMMSS"),
        may("1回目接種日", DATE),
        may("1回目券番号", "数字10桁"),
        may("1回目接種自治体コード", CODE),
        may("1回目接種会場名", TEXT),
        may("1回目医師名", "文字 1〜20 (取り込まない)"),
        may("1回目ワクチンメーカー", TEXT),
        may("1回目ロット番号", TEXT),
        may("2回目接種履歴登録日時", "YYYYMMDDHHMMSS"),
        may("2回目接種日", DATE),
        may("2回目券番号", "数字10桁"),
        may("2回目接種自治体コード", CODE),
        may("2回目接種会場名", TEXT),
        may("2回目医師名", "文字 1〜20 (取り込まない)"),
        may("2回目ワクチンメーカー", TEXT),
        may("2回目ロット番号", TEXT),
    ],
};

pub static BATCH_1: Layout = Layout {
    name: "batch-1",
    kind: FileKind::Batch,
    columns: &[
        must("個人番号", "数字12桁 (検査数字あり)"),
        must("転出元市区町村コード", CODE),
        may("宛名番号", "英数字記号 1〜30、先頭の0も有効"),
        may("整理番号", TEXT),
    ],
};

pub static LAYOUTS: [&Layout; 5] = [&SUBJECTS_1, &VOUCHERS_1, &DOSES_1, &DOSES_LEDGER, &BATCH_1];

/// Persons, for the ledger; without the individual number.
pub static SUBJECTS_EXPORT_1: Layout = Layout {
    name: "subjects-export-1",
    kind: FileKind::Subjects,
    columns: &[
        must("宛名番号", "英数字記号 1〜30、先頭の0も有効"),
        must("氏名", "文字 1〜200"),
        must("氏名カナ", "文字 1〜200"),
        must("生年月日", "YYYY-MM-DD"),
        must("性別", "1 男、2 女、9 適用不能"),
        may("転出日", "YYYY-MM-DD"),
        may("死亡日", "YYYY-MM-DD"),
        must("自動応答不可", "1 設定あり、0 なし"),
        must("利用停止", "1 設定あり、0 なし"),
    ],
};

/// Doses with all that the register keeps of them.
pub static DOSES_EXPORT_1: Layout = Layout {
    name: "doses-export-1",
    kind: FileKind::Doses,
    columns: &[
        must("宛名番号", "英数字記号 1〜30、先頭の0も有効"),
        must("回数", "1以上の整数"),
        must("接種日", "YYYY-MM-DD"),
        must("メーカー", TEXT),
        must("ロット番号", TEXT),
        may("製品名", TEXT),
        may("ワクチン種別", TEXT),
        must("接種状況", "1 実施、2 未実施"),
        may("市区町村コード", CODE),
        may("接種券番号", "数字10桁"),
        may("接種会場名", TEXT),
        must("版", "1以上の整数"),
        must("登録日時", "YYYYMMDDHHMMSS (日本時間)"),
    ],
};

/// Layouts that are only written, never read.
pub static EXPORT_LAYOUTS: [&Layout; 2] = [&SUBJECTS_EXPORT_1, &DOSES_EXPORT_1];

impl Layout {
    /// The layout whose columns stand in this header, in their order.
    pub fn of_header<'a>(cells: impl Iterator<Item = &'a str> + Clone) -> Option<&'static Self> {
        LAYOUTS.into_iter().find(|layout| {
            layout.columns.iter().map(|column| column.name).eq(cells.clone().map(str::trim))
        })
    }

    /// The first line of such a file.
    pub fn header(&self) -> String {
        let names: Vec<_> = self.columns.iter().map(|column| column.name).collect();
        names.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_is_published_as_it_is() {
        let published = include_str!("../../../docs/FILES.md");
        for layout in LAYOUTS.into_iter().chain(EXPORT_LAYOUTS) {
            let mut table =
                format!("### `{}`\n\n| 列 | 必須 | 内容 |\n|---|---|---|\n", layout.name);
            for Column { name, required, content } in layout.columns {
                let required = if *required { "○" } else { "" };
                table.push_str(&format!("| {name} | {required} | {content} |\n"));
            }
            assert!(published.contains(&table), "docs/FILES.md lacks:\n{table}");
        }
        for reason in crate::Reason::ALL {
            let row =
                format!("| `{}` | {} | {} |", reason.code(), reason.text(), reason.next_step());
            assert!(published.contains(&row), "docs/FILES.md lacks:\n{row}");
        }
        for why in crate::export::Why::ALL {
            let row = format!("| `{}` | {} | {} |", why.code(), why.text(), why.next_step());
            assert!(published.contains(&row), "docs/FILES.md lacks:\n{row}");
        }
    }

    #[test]
    fn a_header_names_one_layout_and_no_two_share_one() {
        for layout in LAYOUTS {
            let header = layout.header();
            assert_eq!(Layout::of_header(header.split(',')), Some(layout));
            assert_eq!(Layout::of_header(header.split(',').skip(1)), None);
        }
    }
}

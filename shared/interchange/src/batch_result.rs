//! The result of a batch inquiry as a table (docs/FILES.md).

/// The cells of a line, in order, with what they hold.
pub const COLUMNS: [(&str, &str); 14] = [
    ("行", "見出しの次の行を1とする行番号 (空行は数えない)"),
    ("宛名番号", "ファイルのとおり"),
    ("整理番号", "ファイルのとおり"),
    ("転出元市区町村コード", "ファイルのとおり"),
    (
        "結果",
        "`provided`、`nothing`、`notInRegister`、`refused`、`badRow`、`pending`、`unavailable`、`cancelled`",
    ),
    ("理由コード", "`refused` と `badRow` の理由"),
    ("理由の列", "`badRow` の列"),
    ("回数", "接種の回数"),
    ("接種日", "YYYY-MM-DD"),
    ("メーカー", "接種記録のとおり"),
    ("ロット番号", "接種記録のとおり"),
    ("製品名", "接種記録のとおり"),
    ("ワクチン種別", "接種記録のとおり"),
    ("接種会場名", "接種記録のとおり"),
];

/// The first line; the mark tells a spreadsheet that this is UTF-8.
pub fn header() -> String {
    let names = COLUMNS.map(|(name, _)| name);
    format!("\u{FEFF}{}\r\n", names.join(","))
}

/// One line, made so that a spreadsheet shows what stands there and calculates nothing.
pub fn line(cells: [&str; COLUMNS.len()]) -> String {
    cells.map(cell).join(",") + "\r\n"
}

fn cell(text: &str) -> String {
    let begins = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];
    let mark = if text.trim_start().starts_with(begins) { "'" } else { "" };
    if mark.is_empty() && !text.contains([',', '"', '\n', '\r']) {
        return text.to_owned();
    }
    format!("\"{mark}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_of_a_result_is_published_as_it_is() {
        let published = include_str!("../../../docs/FILES.md");
        for (name, content) in COLUMNS {
            let row = format!("| {name} | {content} |\n");
            assert!(published.contains(&row), "docs/FILES.md lacks:\n{row}");
        }
        assert_eq!(header().split(',').count(), COLUMNS.len());
    }

    #[test]
    fn no_cell_of_a_result_is_a_formula_or_breaks_the_line() {
        assert_eq!(cell("A社"), "A社");
        assert_eq!(cell(r#"a,"b""#), r#""a,""b""""#);
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1"] {
            assert_eq!(cell(formula), format!("\"'{formula}\""), "{formula}");
        }
    }
}

/// Something to know about a row; names the column, never what stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remark {
    pub column: Option<&'static str>,
    pub why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Why {
    /// Written, with an apostrophe before it.
    Neutralised,
    /// Left out: CP932 has no such character.
    Unmappable,
    /// Left out: the layout wants a value and there is none.
    Empty,
    /// Left out: the layout has no column for it.
    NotInLayout,
}

impl Why {
    pub const ALL: [Self; 4] =
        [Self::Neutralised, Self::Unmappable, Self::Empty, Self::NotInLayout];

    /// Whether the row is in the file all the same.
    pub fn is_written(self) -> bool {
        self == Self::Neutralised
    }

    /// A stable word a program can match on.
    pub fn code(self) -> &'static str {
        match self {
            Self::Neutralised => "neutralised",
            Self::Unmappable => "unmappable",
            Self::Empty => "empty",
            Self::NotInLayout => "not-in-layout",
        }
    }

    /// What happened, for a person.
    pub fn text(self) -> &'static str {
        match self {
            Self::Neutralised => {
                "表計算ソフトの式と解釈される文字で始まるため、先頭に ' を付けて出力しました。"
            }
            Self::Unmappable => "CP932にない文字が含まれるため、この行は出力していません。",
            Self::Empty => "様式で必須の項目が空のため、この行は出力していません。",
            Self::NotInLayout => {
                "様式に入らない記録 (3回目以降、ワクチン種別あり、未実施) のため、出力していません。"
            }
        }
    }

    pub fn next_step(self) -> &'static str {
        match self {
            Self::Neutralised => "取り込む側で先頭の ' を取り除くか、元の記録を訂正してください。",
            Self::Unmappable => "文字コードをUTF-8にして出力してください。",
            Self::Empty => "元の記録を訂正してください。",
            Self::NotInLayout => "様式 doses-export-1 で出力してください。",
        }
    }
}

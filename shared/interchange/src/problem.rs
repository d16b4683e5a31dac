//! What is said about a row that can't be used: why, and what to do now.

/// One thing that is wrong with one row.  Carries nothing that stood in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line of the file, from 1.
    pub line: u64,
    /// The column's name in the layout; `None` where it is the line as a whole.
    pub column: Option<&'static str>,
    pub reason: Reason,
}

/// Why; a closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    LineTooLong,
    ControlCharacter,
    WrongEncoding,
    BrokenQuotes,
    WrongColumns,
    Missing,
    Formula,
    IndividualNumberDigits,
    IndividualNumberCheck,
    AddressNumber,
    Text,
    Kana,
    Date,
    EraDate,
    FutureDate,
    ImpossibleDate,
    Sex,
    Number,
    VoucherNumber,
    MunicipalityCode,
    OtherMunicipality,
    Duplicate,
    Conflict,
}

impl Reason {
    pub const ALL: [Self; 23] = [
        Self::LineTooLong,
        Self::ControlCharacter,
        Self::WrongEncoding,
        Self::BrokenQuotes,
        Self::WrongColumns,
        Self::Missing,
        Self::Formula,
        Self::IndividualNumberDigits,
        Self::IndividualNumberCheck,
        Self::AddressNumber,
        Self::Text,
        Self::Kana,
        Self::Date,
        Self::EraDate,
        Self::FutureDate,
        Self::ImpossibleDate,
        Self::Sex,
        Self::Number,
        Self::VoucherNumber,
        Self::MunicipalityCode,
        Self::OtherMunicipality,
        Self::Duplicate,
        Self::Conflict,
    ];

    /// A stable word a program can match on.
    pub fn code(self) -> &'static str {
        match self {
            Self::LineTooLong => "line-too-long",
            Self::ControlCharacter => "control-character",
            Self::WrongEncoding => "wrong-encoding",
            Self::BrokenQuotes => "broken-quotes",
            Self::WrongColumns => "wrong-columns",
            Self::Missing => "missing",
            Self::Formula => "formula",
            Self::IndividualNumberDigits => "individual-number-digits",
            Self::IndividualNumberCheck => "individual-number-check",
            Self::AddressNumber => "address-number",
            Self::Text => "text",
            Self::Kana => "kana",
            Self::Date => "date",
            Self::EraDate => "era-date",
            Self::FutureDate => "future-date",
            Self::ImpossibleDate => "impossible-date",
            Self::Sex => "sex",
            Self::Number => "number",
            Self::VoucherNumber => "voucher-number",
            Self::MunicipalityCode => "municipality-code",
            Self::OtherMunicipality => "other-municipality",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
        }
    }

    /// What is wrong, for a person.
    pub fn text(self) -> &'static str {
        match self {
            Self::LineTooLong => "1行が16384バイトを超えています。",
            Self::ControlCharacter => "使えない制御文字が含まれています。",
            Self::WrongEncoding => "文字コードがファイルの他の行と違います。",
            Self::BrokenQuotes => "引用符が閉じていません。",
            Self::WrongColumns => "列の数が見出しと違います。",
            Self::Missing => "必須の項目が空です。",
            Self::Formula => "表計算ソフトの式と解釈される文字で始まっています。",
            Self::IndividualNumberDigits => "個人番号は数字12桁です。",
            Self::IndividualNumberCheck => "個人番号の検査数字が合いません。",
            Self::AddressNumber => "宛名番号は英数字記号1〜30文字です。",
            Self::Text => "文字数が範囲外です。",
            Self::Kana => "カナ以外の文字が含まれています。",
            Self::Date => "日付として読めません。",
            Self::EraDate => "和暦の日付は受け付けません。",
            Self::FutureDate => "未来の日付です。",
            Self::ImpossibleDate => "他の項目の日付と前後が合いません。",
            Self::Sex => "性別は1、2、9のいずれかです。",
            Self::Number => "1以上の整数ではありません。",
            Self::VoucherNumber => "接種券番号は数字10桁です。",
            Self::MunicipalityCode => {
                "市区町村コードの検査数字が合わないか、存在しないコードです。"
            }
            Self::OtherMunicipality => "他の市区町村のコードです。",
            Self::Duplicate => "同じファイルの前の行と同じ行です。",
            Self::Conflict => "同じファイルに内容の違う行があり、どの行も使いません。",
        }
    }

    /// What to do now.
    pub fn next_step(self) -> &'static str {
        match self {
            Self::LineTooLong => "引用符の閉じ忘れがないか確認してください。",
            Self::ControlCharacter => "出力元のシステムで文字を取り除いてください。",
            Self::WrongEncoding => "ファイル全体をUTF-8またはCP932のどちらかで出力してください。",
            Self::BrokenQuotes => "引用符の数を確認してください。",
            Self::WrongColumns => "区切りのコンマを確認してください。",
            Self::Missing => "値を入れてください。",
            Self::Formula => "先頭の = + - @ を取り除いてください。",
            Self::IndividualNumberDigits => "元の台帳で番号を確認してください。",
            Self::IndividualNumberCheck => "読み違い、打ち違いがないか元の台帳で確認してください。",
            Self::AddressNumber => "空白や全角文字を取り除いてください。",
            Self::Text => "様式の文字数に収めてください。",
            Self::Kana => "全角または半角のカナで入れてください。",
            Self::Date => "YYYY-MM-DD、YYYY/MM/DD、YYYYMMDDのいずれかで入れてください。",
            Self::EraDate => "西暦で出力してください。",
            Self::FutureDate => "年月日を確認してください。",
            Self::ImpossibleDate => "生年月日、転出日、死亡日を確認してください。",
            Self::Sex => "値を確認してください。",
            Self::Number => "回数を確認してください。",
            Self::VoucherNumber => "券面の番号を確認してください。",
            Self::MunicipalityCode => "6桁のコードを確認してください。",
            Self::OtherMunicipality => "1つのファイルには自団体の行だけを入れてください。",
            Self::Duplicate => "重複した行を取り除いてください。",
            Self::Conflict => "正しい行だけを残してください。",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_word_of_its_own_and_a_next_step() {
        let codes: std::collections::BTreeSet<_> = Reason::ALL.map(Reason::code).into();
        assert_eq!(codes.len(), Reason::ALL.len());
        assert!(Reason::ALL.iter().all(|one| one.text().ends_with('。')));
        assert!(Reason::ALL.iter().all(|one| one.next_step().ends_with('。')));
    }
}

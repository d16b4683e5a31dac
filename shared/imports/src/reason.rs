//! What only the register can say about a row: a closed list, like that of the published layouts.

use interchange::Reason;
use quality::DoubtKind;

/// A word a program can match on, what is wrong, and what to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) code: &'static str,
    pub(crate) text: &'static str,
    pub(crate) next_step: &'static str,
}

pub(crate) const NUMBER_KNOWN: Told = Told {
    code: "number-known",
    text: "個人番号が別の宛名番号の人のものとして登録済みです。",
    next_step: "個人番号と宛名番号の組を元の台帳で確認してください。",
};
pub(crate) const ADDRESS_KNOWN: Told = Told {
    code: "address-known",
    text: "宛名番号が別の個人番号の人のものとして登録済みです。",
    next_step: "個人番号と宛名番号の組を元の台帳で確認してください。",
};
pub(crate) const OTHER_PERSON: Told = Told {
    code: "other-person",
    text: "氏名も生年月日も登録済みの人と違います。",
    next_step: "別の人の番号ではないか元の台帳で確認してください。",
};
pub(crate) const PERSON_UNKNOWN: Told = Told {
    code: "person-unknown",
    text: "宛名番号の人が登録されていません。",
    next_step: "対象者のファイルを先に取り込むか、宛名番号を確認してください。",
};
pub(crate) const VOUCHER_OF_OTHER: Told = Told {
    code: "voucher-taken",
    text: "接種券番号が別の人に発行済みです。",
    next_step: "接種券番号と宛名番号を発行の記録で確認してください。",
};
pub(crate) const VOUCHER_DIFFERS: Told = Told {
    code: "voucher-differs",
    text: "発行日が登録済みの接種券と違います。",
    next_step: "発行の記録を確認してください。登録済みのものは変わりません。",
};
pub(crate) const WITHDRAWN: Told = Told {
    code: "withdrawn",
    text: "取り消された記録と同じ回の記録です。",
    next_step: "取消の理由を確認してください。",
};
pub(crate) const DIFFERS: Told = Told {
    code: "differs",
    text: "登録済みの内容と違います。",
    next_step: "どちらが正しいか元の書類で確認してください。",
};
pub(crate) const MISSING_IN_REGISTER: Told = Told {
    code: "missing-in-register",
    text: "登録されていません。",
    next_step: "登録の要否を確認してください。",
};
pub(crate) const MISSING_IN_FILE: Told = Told {
    code: "missing-in-file",
    text: "登録されていますが、ファイルにありません。",
    next_step: "元の台帳を確認してください。",
};

const OWN: [Told; 10] = [
    NUMBER_KNOWN,
    ADDRESS_KNOWN,
    OTHER_PERSON,
    PERSON_UNKNOWN,
    VOUCHER_OF_OTHER,
    VOUCHER_DIFFERS,
    WITHDRAWN,
    DIFFERS,
    MISSING_IN_REGISTER,
    MISSING_IN_FILE,
];

/// The sentences behind a code.
pub(crate) fn told(code: &str) -> Option<Told> {
    let of_layout = |reason: Reason| Told {
        code: reason.code(),
        text: reason.text(),
        next_step: reason.next_step(),
    };
    let of_doubt = |kind: DoubtKind| Told {
        code: kind.code(),
        text: kind.text(),
        next_step: kind.next_step(),
    };
    let own = OWN.into_iter().find(|told| told.code == code);
    let layout = || Reason::ALL.into_iter().find(|reason| reason.code() == code).map(of_layout);
    own.or_else(layout).or_else(|| DoubtKind::of_code(code).map(of_doubt))
}

/// Whether such a line says that the file as a whole is damaged or not ours: it may have been cut
/// off, or put together wrongly, so nothing of it is used.
pub(crate) fn spoils_the_file(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::LineTooLong
            | Reason::ControlCharacter
            | Reason::WrongEncoding
            | Reason::BrokenQuotes
            | Reason::WrongColumns
            | Reason::OtherMunicipality
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_published_as_it_is() {
        let published = include_str!("../../../docs/FILES.md");
        for Told { code, text, next_step } in OWN {
            let row = format!("| `{code}` | {text} | {next_step} |");
            assert!(published.contains(&row), "docs/FILES.md lacks:\n{row}");
        }
    }

    #[test]
    fn every_reason_has_a_word_of_its_own_and_a_next_step() {
        let layout = Reason::ALL.map(Reason::code);
        let codes: Vec<_> = OWN.iter().map(|told| told.code).chain(layout).collect();
        let distinct: std::collections::BTreeSet<_> = codes.iter().collect();
        assert_eq!(distinct.len(), codes.len());
        for code in codes {
            let told = told(code).unwrap();
            assert!(told.text.ends_with('。') && told.next_step.ends_with('。'), "{code}");
            assert!(![told.text, told.next_step].concat().contains([',', '"']), "{code}");
        }
    }
}

//! Why a row is doubtful: a closed list, each with a word, a sentence and a next step.

/// What makes a row doubtful.  A doubt is a question to a person, never a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DoubtKind {
    FutureDate,
    BeforeBirth,
    AgeImplausible,
    AfterDeath,
    AfterMovingOut,
    BeforeCampaign,
    ProductNotInUse,
    AgeOutsideProduct,
    DoseOrder,
    NumberSkipped,
    IntervalTooShort,
    IntervalTooLong,
    RegisteredDiffers,
    VoucherNeverIssued,
    VoucherOfOther,
    VoucherOfMunicipality,
    VoucherOtherDose,
    MakerUnknown,
    ProductUnknown,
    ProductOfOtherMaker,
    LotOfOtherMaker,
    LotShape,
    DuplicatePerson,
    PersonOfVoucher,
}

impl DoubtKind {
    pub const ALL: [Self; 24] = [
        Self::FutureDate,
        Self::BeforeBirth,
        Self::AgeImplausible,
        Self::AfterDeath,
        Self::AfterMovingOut,
        Self::BeforeCampaign,
        Self::ProductNotInUse,
        Self::AgeOutsideProduct,
        Self::DoseOrder,
        Self::NumberSkipped,
        Self::IntervalTooShort,
        Self::IntervalTooLong,
        Self::RegisteredDiffers,
        Self::VoucherNeverIssued,
        Self::VoucherOfOther,
        Self::VoucherOfMunicipality,
        Self::VoucherOtherDose,
        Self::MakerUnknown,
        Self::ProductUnknown,
        Self::ProductOfOtherMaker,
        Self::LotOfOtherMaker,
        Self::LotShape,
        Self::DuplicatePerson,
        Self::PersonOfVoucher,
    ];

    /// The kind a stable word stands for.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// A stable word a program can match on.
    pub fn code(self) -> &'static str {
        match self {
            Self::FutureDate => "future-date",
            Self::BeforeBirth => "before-birth",
            Self::AgeImplausible => "age-implausible",
            Self::AfterDeath => "after-death",
            Self::AfterMovingOut => "after-moving-out",
            Self::BeforeCampaign => "before-campaign",
            Self::ProductNotInUse => "product-not-in-use",
            Self::AgeOutsideProduct => "age-outside-product",
            Self::DoseOrder => "dose-order",
            Self::NumberSkipped => "number-skipped",
            Self::IntervalTooShort => "interval-too-short",
            Self::IntervalTooLong => "interval-too-long",
            Self::RegisteredDiffers => "registered-differs",
            Self::VoucherNeverIssued => "voucher-never-issued",
            Self::VoucherOfOther => "voucher-of-other",
            Self::VoucherOfMunicipality => "voucher-of-municipality",
            Self::VoucherOtherDose => "voucher-other-dose",
            Self::MakerUnknown => "maker-unknown",
            Self::ProductUnknown => "product-unknown",
            Self::ProductOfOtherMaker => "product-of-other-maker",
            Self::LotOfOtherMaker => "lot-of-other-maker",
            Self::LotShape => "lot-shape",
            Self::DuplicatePerson => "duplicate-person",
            Self::PersonOfVoucher => "person-of-voucher",
        }
    }

    /// What is doubtful, for a person.
    pub fn text(self) -> &'static str {
        match self {
            Self::FutureDate => "接種日が未来の日付です。",
            Self::BeforeBirth => "接種日が生年月日より前です。",
            Self::AgeImplausible => "接種日の年齢が120歳を超えます。",
            Self::AfterDeath => "接種日が死亡日より後です。",
            Self::AfterMovingOut => "接種日が転出日より後です。",
            Self::BeforeCampaign => "接種日が接種の開始より前です。",
            Self::ProductNotInUse => "接種日にそのワクチンは使われていません。",
            Self::AgeOutsideProduct => "接種日の年齢がその製品の対象年齢から外れます。",
            Self::DoseOrder => "回数の順と接種日の順が逆です。",
            Self::NumberSkipped => "前の回の記録がありません。",
            Self::IntervalTooShort => "前後の回との間隔が短すぎます。",
            Self::IntervalTooLong => "前後の回との間隔が長すぎます。",
            Self::RegisteredDiffers => "同じ回数で内容の違う記録が登録済みです。",
            Self::VoucherNeverIssued => "発行されていない接種券番号です。",
            Self::VoucherOfOther => "他の人に発行された接種券番号です。",
            Self::VoucherOfMunicipality => "他の市区町村の接種券です。",
            Self::VoucherOtherDose => "別の回のために発行された接種券です。",
            Self::MakerUnknown => "メーカーの名が表にありません。",
            Self::ProductUnknown => "製品名が表にありません。",
            Self::ProductOfOtherMaker => "製品のメーカーが違います。",
            Self::LotOfOtherMaker => "ロット番号が別のメーカーの形です。",
            Self::LotShape => "ロット番号の形がメーカーのものと違います。",
            Self::DuplicatePerson => {
                "カナ、生年月日、性別が同じ人が登録済みか、同じファイルにあります。"
            }
            Self::PersonOfVoucher => {
                "宛名番号の人が登録されていませんが、接種券は登録済みの人のものです。"
            }
        }
    }

    /// What to do now.
    pub fn next_step(self) -> &'static str {
        match self {
            Self::FutureDate | Self::BeforeCampaign => "予診票で接種日の年を確認してください。",
            Self::BeforeBirth | Self::AgeImplausible => {
                "接種日と生年月日、本人の取り違えを確認してください。"
            }
            Self::AfterDeath => "接種日と死亡日、本人の取り違えを確認してください。",
            Self::AfterMovingOut => "接種日と転出日を確認してください。",
            Self::ProductNotInUse | Self::AgeOutsideProduct => {
                "予診票で接種日と製品を確認してください。"
            }
            Self::DoseOrder => "予診票で両方の回の接種日を確認してください。",
            Self::NumberSkipped => "予診票で回数を確認し、前の回の記録を探してください。",
            Self::IntervalTooShort | Self::IntervalTooLong => {
                "予診票で両方の接種日と回数を確認してください。"
            }
            Self::RegisteredDiffers => "どちらが正しいか予診票で確認してください。",
            Self::VoucherNeverIssued => "予診票の接種券番号を1桁ずつ確認してください。",
            Self::VoucherOfOther => "本人の取り違えと接種券番号を確認してください。",
            Self::VoucherOfMunicipality => "接種日の住所地を確認し、その市区町村へ送ってください。",
            Self::VoucherOtherDose => "予診票で回数を確認してください。",
            Self::MakerUnknown | Self::ProductUnknown | Self::ProductOfOtherMaker => {
                "予診票のシールでメーカーと製品名を確認してください。"
            }
            Self::LotOfOtherMaker | Self::LotShape => {
                "予診票のシールでメーカーとロット番号を確認してください。"
            }
            Self::DuplicatePerson => "住民記録で同じ人かどうか確認してください。",
            Self::PersonOfVoucher => "予診票で宛名番号と接種券番号を確認してください。",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_word_of_its_own_and_a_next_step() {
        let codes: std::collections::BTreeSet<_> = DoubtKind::ALL.map(DoubtKind::code).into();
        assert_eq!(codes.len(), DoubtKind::ALL.len());
        for kind in DoubtKind::ALL {
            assert_eq!(DoubtKind::of_code(kind.code()), Some(kind));
            assert!(kind.text().ends_with('。') && kind.next_step().ends_with('。'), "{kind:?}");
        }
    }

    #[test]
    fn every_kind_is_published_as_it_is() {
        let published = include_str!("../../../docs/QUALITY.md");
        for kind in DoubtKind::ALL {
            let row = format!("| `{}` | {} | {} |", kind.code(), kind.text(), kind.next_step());
            assert!(published.contains(&row), "docs/QUALITY.md lacks:\n{row}");
        }
    }
}

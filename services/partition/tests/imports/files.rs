//! Small files like those of a ledger.

use std::ops::Range;

use domain::IndividualNumber;
use uuid::Uuid;
use wire::imports::{OpenImport, Purpose};

pub(crate) const SUBJECTS: &str = "個人番号,宛名番号,氏名,氏名カナ,生年月日,性別,転出日,死亡日";
pub(crate) const VOUCHERS: &str = "宛名番号,市区町村コード,接種券番号,回数,発行日";
pub(crate) const DOSES: &str =
    "宛名番号,回数,接種日,メーカー,ロット番号,製品名,市区町村コード,接種券番号,接種会場名";

pub(crate) fn address(serial: u32) -> String {
    format!("A{serial:04}")
}

/// One line; birth dates differ, so that nobody is taken for somebody else.
pub(crate) fn subject(serial: u32) -> String {
    let number = IndividualNumber::for_test(serial);
    let (month, day) = (1 + serial / 28 % 12, 1 + serial % 28);
    format!(
        "{},{},住民 {serial},ジュウミン,1980-{month:02}-{day:02},2,,\n",
        number.reveal(),
        address(serial)
    )
}

pub(crate) fn voucher(serial: u32, dose: u16) -> String {
    format!("{},131211,{serial:010},{dose},2021-04-01\n", address(serial))
}

pub(crate) fn dose(serial: u32, number: u32) -> String {
    let (month, lot) = (4 + number, number);
    format!("{},{number},2021-{month:02}-15,ファイザー,EX{lot:04},,,,\n", address(serial))
}

pub(crate) fn subjects(serials: Range<u32>) -> String {
    let lines: String = serials.map(subject).collect();
    format!("{SUBJECTS}\n{lines}")
}

/// Two doses for each.
pub(crate) fn doses(serials: Range<u32>) -> String {
    let lines: String = serials.flat_map(|serial| [dose(serial, 1), dose(serial, 2)]).collect();
    format!("{DOSES}\n{lines}")
}

pub(crate) fn announce((import, purpose): (Uuid, Purpose), file: &[u8]) -> OpenImport {
    let sha256 = crypto::sha256(file).iter().map(|byte| format!("{byte:02x}")).collect();
    let total_bytes = u64::try_from(file.len()).unwrap();
    OpenImport { import, purpose, total_bytes, sha256, layout: None }
}
